//! The floor of an import of Parquet: the `parquet` crate alone decodes a file and encodes the same rows again.
//!
//! One thread decodes while others encode the columns of a row group side by side, as the import does, with the
//! properties that frozen segments are written with. What is encoded is thrown away: the floor hashes nothing, keeps no
//! statistics of its own, writes no file and commits nothing.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use frostline_engine::write::WriteSettings;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::report::Failure;
use crate::tpch_data::segment_properties;

/// How many rows the import decodes at a time.
const BATCH_ROWS: usize = 8192;

/// How many decoded batches wait for the encoder.
const WAITING_BATCHES: usize = 4;

type Decoded = Result<RecordBatch, ArrowError>;

/// Decodes a file of flat columns and encodes its rows again, and says how long that took.
pub(crate) fn recode(file: &Path) -> Result<Duration, Failure> {
    let settings = WriteSettings::default();
    let started = Instant::now();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    let schema: SchemaRef = Arc::clone(builder.schema());
    let batches = builder.with_batch_size(BATCH_ROWS).build()?;
    let (sender, receiver) = sync_channel::<Decoded>(WAITING_BATCHES);
    thread::scope(|scope| {
        scope.spawn(move || {
            for batch in batches {
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        encode(receiver, &schema, &settings)
    })?;
    Ok(started.elapsed())
}

/// Encodes batches as objects of the size of segments.
fn encode(batches: Receiver<Decoded>, schema: &SchemaRef, settings: &WriteSettings) -> Result<(), Failure> {
    let properties = Arc::new(segment_properties(settings)?);
    let mut encoder = Encoder::open(schema, &properties)?;
    let mut pending: Vec<RecordBatch> = Vec::new();
    let mut rows: usize = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows();
        pending.push(batch);
        if rows >= settings.row_group_rows {
            encoder.append(schema, &pending, settings.encoder_threads)?;
            pending.clear();
            rows = 0;
            if encoder.object.bytes_written() >= settings.segment_bytes_target {
                encoder.object.into_inner()?;
                encoder = Encoder::open(schema, &properties)?;
            }
        }
    }
    if rows > 0 {
        encoder.append(schema, &pending, settings.encoder_threads)?;
    }
    encoder.object.into_inner()?;
    Ok(())
}

/// One object, encoded in memory.
struct Encoder {
    object: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
}

impl Encoder {
    fn open(schema: &SchemaRef, properties: &Arc<WriterProperties>) -> Result<Self, ParquetError> {
        let parquet_schema = ArrowSchemaConverter::new().convert(schema)?;
        let root = parquet_schema.root_schema_ptr();
        let object = SerializedFileWriter::new(Vec::<u8>::new(), root, Arc::clone(properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&object, Arc::clone(schema));
        Ok(Self { object, factory })
    }

    /// Appends batches as one row group.
    fn append(&mut self, schema: &SchemaRef, batches: &[RecordBatch], threads: usize) -> Result<(), ParquetError> {
        let place = self.object.flushed_row_groups().len();
        let writers = self.factory.create_column_writers(place)?;
        let waiting: Mutex<Vec<(usize, ArrowColumnWriter)>> = Mutex::new(writers.into_iter().enumerate().collect());
        let done: Mutex<Vec<(usize, Result<ArrowColumnChunk, ParquetError>)>> = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((column, writer)) = take(&waiting) {
                        let chunk = encode_column(schema.field(column), column, batches, writer);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((column, chunk));
                    }
                });
            }
        });
        let mut chunks = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        chunks.sort_by_key(|(column, _)| *column);
        let mut row_group = self.object.next_row_group()?;
        for (_, chunk) in chunks {
            chunk?.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        Ok(())
    }
}

/// The next column to encode. The lock is held no longer than this.
fn take(waiting: &Mutex<Vec<(usize, ArrowColumnWriter)>>) -> Option<(usize, ArrowColumnWriter)> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn encode_column(
    field: &Field,
    column: usize,
    batches: &[RecordBatch],
    mut writer: ArrowColumnWriter,
) -> Result<ArrowColumnChunk, ParquetError> {
    for batch in batches {
        for leaf in compute_leaves(field, batch.column(column))? {
            writer.write(&leaf)?;
        }
    }
    writer.close()
}
