//! Parquet: one result, with its types, for another program.
//!
//! * What the schema's metadata says of version and lake stands in the file's own key-value metadata too, where every
//!   reader finds it.
//! * A name that two columns share is made distinct: most readers find columns by name.
//! * Memory holds the row group that grows and, while it is passed on, its encoded bytes.

use std::collections::BTreeMap;
use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::encoder::RowEncoder;
use super::error::ExportError;
use super::name::with_distinct_names;
use super::provenance::OWN_KEYS;

/// A row group is written out when it has grown to this, which bounds the memory.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

/// Writes one Parquet file.
pub struct ParquetRows {
    state: State,
}

enum State {
    /// No result yet.
    Waiting,
    /// The writer's memory holds what was not passed on yet.
    Writing(Box<ArrowWriter<Vec<u8>>>),
    /// The one result is complete, or an error ended it.
    Done,
}

impl ParquetRows {
    /// One file.
    pub fn new() -> Self {
        Self { state: State::Waiting }
    }
}

impl Default for ParquetRows {
    fn default() -> Self {
        Self::new()
    }
}

impl RowEncoder for ParquetRows {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), ExportError> {
        if !matches!(self.state, State::Waiting) {
            return Err(ExportError::SecondResult);
        }
        self.state = State::Done;
        let schema = with_distinct_names(schema);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_key_value_metadata(own_metadata(&schema))
            .build();
        let writer = ArrowWriter::try_new(Vec::<u8>::new(), schema, Some(properties)).map_err(ExportError::encode)?;
        let mut writer: Box<ArrowWriter<Vec<u8>>> = Box::new(writer);
        pass_on(&mut writer, out)?;
        self.state = State::Writing(writer);
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), ExportError> {
        let State::Writing(writer) = &mut self.state else {
            return Err(ExportError::NoResult);
        };
        writer.write(batch).map_err(ExportError::encode)?;
        pass_on(writer, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), ExportError> {
        let State::Writing(writer) = std::mem::replace(&mut self.state, State::Done) else {
            return Err(ExportError::NoResult);
        };
        let rest: Vec<u8> = (*writer).into_inner().map_err(ExportError::encode)?;
        out.write_all(&rest).map_err(ExportError::Write)
    }
}

/// Passes on what is ready. The writer counts the bytes itself, so that its offsets hold.
fn pass_on(writer: &mut ArrowWriter<Vec<u8>>, out: &mut dyn Write) -> Result<(), ExportError> {
    let ready: Vec<u8> = std::mem::take(writer.inner_mut());
    out.write_all(&ready).map_err(ExportError::Write)
}

fn own_metadata(schema: &SchemaRef) -> Option<Vec<KeyValue>> {
    let own: BTreeMap<&String, &String> = schema.metadata.iter().filter(|(key, _)| key.starts_with(OWN_KEYS)).collect();
    Some(own.into_iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect())
}
