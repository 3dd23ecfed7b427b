//! Formats for other programs: csv, tsv, json, jsonl, parquet and arrow, whose bytes `frostline_engine::export` makes.
//!
//! * Bytes go to the sink as they are made.
//! * In a format that holds one result, a second is an error before any of its bytes are written, and so is no result
//!   at all.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_engine::export::{ExportError, RowEncoder};

use super::ResultWriter;
use super::error::OutputError;
use super::format::OutputFormat;
use super::sink::Sink;

/// Writes what an encoder makes.
pub(super) struct EncodedWriter {
    format: OutputFormat,
    encoder: Box<dyn RowEncoder>,
    sink: Sink,
    /// Results that are complete.
    results: usize,
}

impl EncodedWriter {
    /// Writes a format with its encoder.
    pub(super) fn new(format: OutputFormat, encoder: impl RowEncoder + 'static, sink: Sink) -> Self {
        Self { format, encoder: Box::new(encoder), sink, results: 0 }
    }

    fn failed(&self, error: ExportError) -> OutputError {
        OutputError::of_export(self.format, self.sink.target(), error)
    }
}

impl ResultWriter for EncodedWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        self.encoder.begin(schema, &mut self.sink).map_err(|error| self.failed(error))
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.encoder.rows(batch, &mut self.sink).map_err(|error| self.failed(error))
    }

    fn end(&mut self) -> Result<(), OutputError> {
        self.encoder.end(&mut self.sink).map_err(|error| self.failed(error))?;
        self.results += 1;
        self.sink.settle()
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        if self.format.holds_one_result() && self.results == 0 {
            return Err(OutputError::NoResult { format: self.format });
        }
        Ok(self.sink)
    }
}
