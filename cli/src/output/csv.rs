//! Comma- and tab-separated values, as RFC 4180 has them but with lines that end in `\n`.
//!
//! * The first line of a result holds the names, also if there are no rows.
//! * NULL is an empty field; empty text is `""`. So the one is never taken for the other.
//! * A field is quoted if it is empty text or holds the separator, a quote, or a line end; a quote is doubled.
//! * An empty line stands between two results. (A NULL in a result of one column is an empty line too.)
//! * A result without columns writes nothing.
//!
//! Tab-separated values follow the same rules with a tab for the comma, so that one reader reads both.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::ResultWriter;
use super::error::OutputError;
use super::sink::Sink;
use super::value::{self, Cell};

/// Bytes gathered before the sink gets them.
const CHUNK_BYTES: usize = 32 * 1024;

/// Writes `csv` and `tsv`.
pub(super) struct CsvWriter {
    sink: Sink,
    separator: u8,
    results: usize,
}

impl CsvWriter {
    /// Comma-separated values.
    pub(super) fn commas(sink: Sink) -> Self {
        Self { sink, separator: b',', results: 0 }
    }

    /// Tab-separated values.
    pub(super) fn tabs(sink: Sink) -> Self {
        Self { sink, separator: b'\t', results: 0 }
    }

    fn put_field(&self, text: &str, out: &mut Vec<u8>) {
        let is_special = |byte: u8| byte == self.separator || matches!(byte, b'"' | b'\n' | b'\r');
        if !text.is_empty() && !text.bytes().any(is_special) {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        out.push(b'"');
        for byte in text.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }
}

impl ResultWriter for CsvWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        if schema.fields().is_empty() {
            return Ok(());
        }
        let mut bytes: Vec<u8> = Vec::new();
        if self.results > 0 {
            bytes.push(b'\n');
        }
        self.results += 1;
        for (place, field) in schema.fields().iter().enumerate() {
            if place > 0 {
                bytes.push(self.separator);
            }
            self.put_field(field.name(), &mut bytes);
        }
        bytes.push(b'\n');
        self.sink.put(&bytes)
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        if batch.num_columns() == 0 {
            return Ok(());
        }
        let columns = value::text_columns(batch)?;
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK_BYTES);
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    bytes.push(self.separator);
                }
                match column.cell(row, &mut scratch) {
                    Cell::Null => {}
                    Cell::Bare(text) | Cell::Text(text) => self.put_field(text, &mut bytes),
                }
            }
            bytes.push(b'\n');
            if bytes.len() >= CHUNK_BYTES {
                self.sink.put(&bytes)?;
                bytes.clear();
            }
        }
        self.sink.put(&bytes)
    }

    fn end(&mut self) -> Result<(), OutputError> {
        self.sink.settle()
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        Ok(self.sink)
    }
}
