//! What every format does with rows.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::ExportError;

/// Bytes gathered before whoever takes them gets them.
pub(crate) const CHUNK_BYTES: usize = 32 * 1024;

/// Turns results into the bytes of one format.
///
/// * For each result: `begin` once, `rows` any number of times, `end` once. A result without rows is one too.
/// * Bytes are passed on as they are made: text and Arrow with each batch, Parquet with each row group. Together they
///   are the same however the rows are cut into batches, but for Arrow, which keeps the batches.
/// * What stands between two results is the encoder's concern. A format that holds one result refuses a second before
///   any of its bytes are made.
/// * Batches must have the columns of the schema that was begun.
/// * After an error the encoder must not be used again, and the bytes so far are no result.
pub trait RowEncoder: Send {
    /// Starts a result with these columns.
    ///
    /// # Errors
    /// If the format cannot hold such columns or another result, or the bytes are refused.
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), ExportError>;

    /// Writes rows of the result that was begun.
    ///
    /// # Errors
    /// If a value cannot be written, or the bytes are refused.
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), ExportError>;

    /// Ends the result: all its bytes are passed on. They are not flushed.
    ///
    /// # Errors
    /// If no result was begun, in formats that hold one; or if the bytes are refused.
    fn end(&mut self, out: &mut dyn Write) -> Result<(), ExportError>;
}
