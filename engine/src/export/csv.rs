//! Comma- and tab-separated values, as RFC 4180 has them but with lines that end in `\n`.
//!
//! * The first line of a result holds the names, also if there are no rows.
//! * NULL is an empty field; empty text is `""`. So the one is never taken for the other.
//! * A field is quoted if it is empty text or holds the separator, a quote, or a line end; a quote is doubled.
//! * An empty line stands between two results. (A NULL in a result of one column is an empty line too.)
//! * A result without columns writes nothing.
//!
//! Tab-separated values follow the same rules with a tab for the comma, so that one reader reads both. [`CsvOptions`]
//! change the header, the bytes, and the text for NULL; what would be taken for that text is quoted then.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::encoder::{CHUNK_BYTES, RowEncoder};
use super::error::ExportError;
use super::value::{BinaryStyle, Cell, text_columns};

/// Readers take it for no text where it begins a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How CSV is written. The default is what most readers expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether the first line names the columns. Default: it does.
    pub header: bool,
    /// The byte between fields: ASCII, neither a line end nor the quote. Default: a comma.
    pub delimiter: u8,
    /// The byte around fields that need it: ASCII, and no line end. Default: `"`.
    pub quote: u8,
    /// What NULL is written as, without quotes; so it holds no delimiter, quote or line end. Default: nothing.
    pub null_text: String,
    /// How binary is spelled. Default: as digits alone.
    pub binary: BinaryStyle,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { header: true, delimiter: b',', quote: b'"', null_text: String::new(), binary: BinaryStyle::default() }
    }
}

/// Why fields could not be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvOptionError {
    /// The delimiter is no ASCII, a line end, or the quote.
    #[error("the option `delimiter` must be one ASCII character, neither a line end nor the same as `quote`")]
    Delimiter,

    /// The quote is no ASCII, or a line end.
    #[error("the option `quote` must be one ASCII character, and not a line end")]
    Quote,

    /// The text for NULL would need quotes.
    #[error("the option `null` must hold no delimiter, quote or line end: NULL is written without quotes")]
    NullText,
}

/// Writes CSV, and TSV.
pub struct CsvRows {
    options: CsvOptions,
    /// Results begun so far that have columns.
    results: usize,
}

impl CsvRows {
    /// Comma-separated values.
    pub fn commas() -> Self {
        Self { options: CsvOptions::default(), results: 0 }
    }

    /// Tab-separated values.
    pub fn tabs() -> Self {
        Self { options: CsvOptions { delimiter: b'\t', ..CsvOptions::default() }, results: 0 }
    }

    /// Values separated as the options say.
    ///
    /// # Errors
    /// If a reader could not tell fields apart.
    pub fn try_new(options: CsvOptions) -> Result<Self, CsvOptionError> {
        let (delimiter, quote) = (options.delimiter, options.quote);
        if !quote.is_ascii() || is_line_end(quote) {
            return Err(CsvOptionError::Quote);
        }
        if !delimiter.is_ascii() || is_line_end(delimiter) || delimiter == quote {
            return Err(CsvOptionError::Delimiter);
        }
        if options.null_text.bytes().any(|byte| byte == delimiter || byte == quote || is_line_end(byte)) {
            return Err(CsvOptionError::NullText);
        }
        Ok(Self { options, results: 0 })
    }

    fn put_field(&self, text: &str, out: &mut Vec<u8>) {
        if !self.needs_quotes(text) {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        let quote = self.options.quote;
        out.push(quote);
        for byte in text.bytes() {
            if byte == quote {
                out.push(quote);
            }
            out.push(byte);
        }
        out.push(quote);
    }

    fn needs_quotes(&self, text: &str) -> bool {
        let options = &self.options;
        let is_special = |byte: u8| byte == options.delimiter || byte == options.quote || is_line_end(byte);
        text.is_empty()
            || text.bytes().any(is_special)
            || text == options.null_text
            || (!options.header && text.starts_with(BYTE_ORDER_MARK))
    }
}

impl RowEncoder for CsvRows {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), ExportError> {
        if schema.fields().is_empty() {
            return Ok(());
        }
        let mut bytes: Vec<u8> = Vec::new();
        if self.results > 0 {
            bytes.push(b'\n');
        }
        self.results += 1;
        if self.options.header {
            for (place, field) in schema.fields().iter().enumerate() {
                if place > 0 {
                    bytes.push(self.options.delimiter);
                }
                self.put_field(field.name(), &mut bytes);
            }
            bytes.push(b'\n');
        }
        out.write_all(&bytes).map_err(ExportError::Write)
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), ExportError> {
        if batch.num_columns() == 0 {
            return Ok(());
        }
        let columns = text_columns(batch, self.options.binary)?;
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK_BYTES);
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    bytes.push(self.options.delimiter);
                }
                match column.cell(row, &mut scratch) {
                    Cell::Null => bytes.extend_from_slice(self.options.null_text.as_bytes()),
                    Cell::Bare(text) | Cell::Text(text) => self.put_field(text, &mut bytes),
                }
            }
            bytes.push(b'\n');
            if bytes.len() >= CHUNK_BYTES {
                out.write_all(&bytes).map_err(ExportError::Write)?;
                bytes.clear();
            }
        }
        out.write_all(&bytes).map_err(ExportError::Write)
    }

    fn end(&mut self, _out: &mut dyn Write) -> Result<(), ExportError> {
        Ok(())
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
