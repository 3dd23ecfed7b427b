//! One row group: its columns are encoded side by side, then appended to the object in order.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;

use super::leaves::{leaf_count, nan_leaves};
use super::pending::extent_bytes;
use super::statistics::{ColumnCounts, StatisticsBuilder};

/// A column of the table, which may be several of Parquet's.
struct Column<'a> {
    field: FieldRef,
    arrays: Vec<ArrayRef>,
    writers: Vec<ArrowColumnWriter>,
    counts: Option<&'a mut ColumnCounts>,
}

/// Appends some batches as one row group, encoded and counted by up to this many threads.
///
/// A float column of Parquet whose rows hold NaN gets no minimum and maximum, neither in the footer nor in the page
/// index: the writer would leave NaN out of them, and a reader that trusts them would leave out rows.
pub(crate) fn append_row_group(
    object: &mut SerializedFileWriter<Vec<u8>>,
    factory: &ArrowRowGroupWriterFactory,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    statistics: &mut StatisticsBuilder,
    threads: usize,
) -> Result<(), ParquetError> {
    let mut counts = statistics.add_rows(batches.iter().map(RecordBatch::num_rows).sum());
    let mut writers = factory.create_column_writers(object.flushed_row_groups().len())?.into_iter();
    let mut columns: Vec<Column> = Vec::with_capacity(schema.fields().len());
    for (place, field) in schema.fields().iter().enumerate() {
        columns.push(Column {
            field: field.clone(),
            arrays: batches.iter().map(|batch| batch.column(place).clone()).collect(),
            writers: writers.by_ref().take(leaf_count(field.data_type())).collect(),
            counts: counts.remove(&place),
        });
    }
    let chunks = encode_columns(columns, threads)?;
    let mut row_group = object.next_row_group()?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut row_group)?;
    }
    row_group.close()?;
    Ok(())
}

/// Encodes columns on some threads. The chunks come in the order of the columns.
fn encode_columns(columns: Vec<Column<'_>>, threads: usize) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let threads = NonZeroUsize::new(threads.min(columns.len())).map_or(1, NonZeroUsize::get);
    if threads == 1 {
        return columns.into_iter().map(encode_column).collect::<Result<Vec<_>, _>>().map(flatten);
    }
    // The longest work first: begun last, it would be done long after the other threads have nothing left to do.
    let mut queue: Vec<(usize, Column<'_>)> = columns.into_iter().enumerate().collect();
    queue.sort_by_cached_key(|(_, column)| Reverse(column.arrays.iter().map(extent_bytes).sum::<usize>()));
    let queue = Mutex::new(queue.into_iter());
    let work = || {
        let mut done: Vec<(usize, Result<Vec<ArrowColumnChunk>, ParquetError>)> = Vec::new();
        loop {
            // The guard is dropped before the column is encoded, so that the other threads can go on.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                Some((place, column)) => done.push((place, encode_column(column))),
                None => return done,
            }
        }
    };
    let mut encoded: Vec<(usize, Result<Vec<ArrowColumnChunk>, ParquetError>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut encoded = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(done) => encoded.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        encoded
    });
    encoded.sort_by_key(|(place, _)| *place);
    encoded.into_iter().map(|(_, chunks)| chunks).collect::<Result<Vec<_>, _>>().map(flatten)
}

fn flatten(chunks: Vec<Vec<ArrowColumnChunk>>) -> Vec<ArrowColumnChunk> {
    chunks.into_iter().flatten().collect()
}

fn encode_column(column: Column<'_>) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let Column { field, arrays, mut writers, mut counts } = column;
    let mut holds_nan: Vec<bool> = vec![false; writers.len()];
    for array in &arrays {
        if let Some(counts) = &mut counts {
            counts.add(array);
        }
        for (found, leaf_holds_nan) in holds_nan.iter_mut().zip(nan_leaves(array)) {
            *found |= leaf_holds_nan;
        }
        for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field.as_ref(), array)?) {
            writer.write(&leaf)?;
        }
    }
    let mut chunks: Vec<ArrowColumnChunk> = Vec::with_capacity(writers.len());
    for (writer, holds_nan) in writers.into_iter().zip(holds_nan) {
        let mut chunk = writer.close()?;
        if holds_nan {
            let close = chunk.close_mut();
            close.metadata = without_float_bounds(close.metadata.clone())?;
            close.column_index = None;
        }
        chunks.push(chunk);
    }
    Ok(chunks)
}

/// A column chunk's description without least and greatest value, if it is of floats. The count of nulls stays.
pub(crate) fn without_float_bounds(chunk: ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError> {
    let bare = match chunk.statistics() {
        Some(Statistics::Float(known)) => Some(Statistics::float(None, None, None, known.null_count_opt(), false)),
        Some(Statistics::Double(known)) => Some(Statistics::double(None, None, None, known.null_count_opt(), false)),
        _ => None,
    };
    match bare {
        Some(bare) => chunk.into_builder().set_statistics(bare).build(),
        None => Ok(chunk),
    }
}
