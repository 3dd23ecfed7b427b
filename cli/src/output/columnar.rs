//! Parquet and Arrow IPC: one result, with its types, for another program.
//!
//! * Standard output and pipes get the Arrow IPC *stream* form (`.arrows`), which is read as it arrives; a file gets
//!   the IPC *file* form (`.arrow`), which is read at any offset.
//! * The schema's metadata says which version of which lake the rows are: `frostline.version`, `frostline.lake_id`. In
//!   Parquet the same keys stand in the file's own key-value metadata too, where every reader finds them.
//! * A second result is an error before any of its bytes are written, and so is no result at all.
//! * A name that two columns share is made distinct: most readers find columns by name.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::ResultWriter;
use super::error::OutputError;
use super::format::OutputFormat;
use super::sink::{Sink, Target};
use super::value;

/// A row group is written out when it has grown to this, which bounds the memory.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

/// The metadata keys of ours begin with this.
const OWN_KEYS: &str = "frostline.";

/// Writes `parquet` and `arrow`.
pub(super) struct ColumnarWriter {
    format: OutputFormat,
    target: Target,
    state: State,
}

enum State {
    /// No result yet.
    Waiting(Sink),
    Parquet(Box<ArrowWriter<Sink>>),
    ArrowStream(Box<StreamWriter<Sink>>),
    ArrowFile(Box<FileWriter<Sink>>),
    /// The one result is complete.
    Done(Sink),
    /// An error took the sink.
    Failed,
}

impl ColumnarWriter {
    /// One Parquet file.
    pub(super) fn parquet(sink: Sink) -> Self {
        Self { format: OutputFormat::Parquet, target: sink.target().clone(), state: State::Waiting(sink) }
    }

    /// One Arrow IPC stream or file.
    pub(super) fn arrow(sink: Sink) -> Self {
        Self { format: OutputFormat::Arrow, target: sink.target().clone(), state: State::Waiting(sink) }
    }

    fn open(&self, sink: Sink, schema: &SchemaRef) -> Result<State, OutputError> {
        let schema = with_distinct_names(schema);
        if self.format == OutputFormat::Parquet {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
                .set_key_value_metadata(own_metadata(&schema))
                .build();
            let writer = ArrowWriter::try_new(sink, schema, Some(properties)).map_err(|error| self.failed(error))?;
            Ok(State::Parquet(Box::new(writer)))
        } else if sink.is_regular_file() {
            let writer = FileWriter::try_new(sink, &schema).map_err(|error| self.failed(error))?;
            Ok(State::ArrowFile(Box::new(writer)))
        } else {
            let writer = StreamWriter::try_new(sink, &schema).map_err(|error| self.failed(error))?;
            Ok(State::ArrowStream(Box::new(writer)))
        }
    }

    fn failed<E>(&self, error: E) -> OutputError
    where
        E: Error + Send + Sync + 'static,
    {
        OutputError::of_encoder(self.format, &self.target, error)
    }

    fn no_result(&self) -> OutputError {
        OutputError::NoResult { format: self.format }
    }
}

impl ResultWriter for ColumnarWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Waiting(sink) => {
                self.state = self.open(sink, schema)?;
                Ok(())
            }
            taken => {
                self.state = taken;
                Err(OutputError::SecondResult { format: self.format })
            }
        }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let (format, target) = (self.format, &self.target);
        match &mut self.state {
            State::Parquet(writer) => {
                writer.write(batch).map_err(|error| OutputError::of_encoder(format, target, error))
            }
            State::ArrowStream(writer) => {
                writer.write(batch).map_err(|error| OutputError::of_encoder(format, target, error))
            }
            State::ArrowFile(writer) => {
                writer.write(batch).map_err(|error| OutputError::of_encoder(format, target, error))
            }
            State::Waiting(_) | State::Done(_) | State::Failed => Err(OutputError::NoResult { format }),
        }
    }

    fn end(&mut self) -> Result<(), OutputError> {
        let mut sink: Sink = match std::mem::replace(&mut self.state, State::Failed) {
            State::Parquet(writer) => (*writer).into_inner().map_err(|error| self.failed(error))?,
            State::ArrowStream(writer) => (*writer).into_inner().map_err(|error| self.failed(error))?,
            State::ArrowFile(writer) => (*writer).into_inner().map_err(|error| self.failed(error))?,
            State::Waiting(_) | State::Done(_) | State::Failed => return Err(self.no_result()),
        };
        sink.settle()?;
        self.state = State::Done(sink);
        Ok(())
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        let format = self.format;
        match self.state {
            State::Done(sink) => Ok(sink),
            _ => Err(OutputError::NoResult { format }),
        }
    }
}

fn with_distinct_names(schema: &SchemaRef) -> SchemaRef {
    let names = value::distinct_names(schema);
    let fields: Vec<Field> =
        schema.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata.clone()))
}

fn own_metadata(schema: &SchemaRef) -> Option<Vec<KeyValue>> {
    let own: BTreeMap<&String, &String> = schema.metadata.iter().filter(|(key, _)| key.starts_with(OWN_KEYS)).collect();
    Some(own.into_iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect())
}
