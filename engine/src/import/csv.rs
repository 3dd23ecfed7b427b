//! Reads delimited text.
//!
//! * An empty field is NULL, an empty field in quotes is the empty text; see
//!   [`ImportOptions::null_text`](super::ImportOptions). Columns that are not text have no empty text: it is NULL.
//! * Quotes say nothing about a field's type: `"5"` is as much a number as `5`.
//! * Blanks around a value mean nothing, except in text.
//! * With a header, columns are matched by name and may stand in any order; without one, by position.
//! * Records are cut and checked whole; values are read only of the columns that are wanted.
//! * Blank lines are skipped, except in files of one column, where they are NULL.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field as ColumnField};

use super::candidates::{Candidates, is_typed_value};
use super::column::{ColumnError, build_column, is_scalar};
use super::delimiter::sniff_delimiter;
use super::error::{ImportError, Row, shorten_value};
use super::format::FileFormat;
use super::name::{column_names, match_columns, numbered_names};
use super::options::ImportOptions;
use super::progress::Progress;
use super::reader::BATCH_ROWS;
use super::record::{Block, Dialect, Field, MAX_RECORD_WORDS, RecordError, RecordProblem, RecordReader};
use super::source::SourceFile;
use super::target::Target;
use super::type_name::sql_type_name;

/// How much of a file tells its delimiter.
const SNIFFED_BYTES: u64 = 64 * 1024;

/// An open file after its header.
struct CsvFile {
    path: PathBuf,
    records: RecordReader<File>,
    /// The columns as the header spells them.
    header: Option<Vec<String>>,
    width: usize,
}

impl CsvFile {
    fn open(source: &SourceFile, options: &ImportOptions) -> Result<Self, ImportError> {
        let path = source.path.clone();
        let delimiter = match (options.delimiter, source.format) {
            (Some(delimiter), _) => delimiter,
            (None, FileFormat::Tsv) => b'\t',
            (None, _) => sniff_file(source, options.quote)?,
        };
        let dialect = Dialect { delimiter, quote: options.quote };
        let mut records = RecordReader::new(source.open()?, dialect);
        records.skip_blank_records(true);
        let first = records.next_block(1).map_err(|error| record_error(&path, None, error))?;
        let Some(first) = first else {
            return Err(ImportError::Empty { file: path });
        };
        let width = first.width(0);
        let fields: Vec<Field<'_>> = (0..width).map(|column| first.field(0, column)).collect();
        let header = if options.header.unwrap_or_else(|| looks_like_header(&fields)) {
            Some(fields.iter().map(|field| field.text.to_owned()).collect())
        } else {
            // The first record is a row: begin again.
            records = RecordReader::new(source.open()?, dialect);
            None
        };
        records.require_width(width);
        records.skip_blank_records(width > 1);
        Ok(Self { path, records, header, width })
    }

    fn next_block(&mut self, limit: usize) -> Result<Option<Block>, ImportError> {
        let Self { path, records, header, .. } = self;
        records.next_block(limit).map_err(|error| record_error(path, header.as_deref(), error))
    }

    fn spelled_names(&self) -> Option<Vec<&str>> {
        self.header.as_ref().map(|header| header.iter().map(String::as_str).collect())
    }
}

/// The columns of a file, by name, and which types they may have.
pub(crate) fn infer_csv(
    source: &SourceFile,
    options: &ImportOptions,
) -> Result<Vec<(String, Candidates)>, ImportError> {
    let mut file = CsvFile::open(source, options)?;
    let names = match file.spelled_names() {
        Some(spelled) => column_names(&source.path, &spelled, options.keep_case)?,
        None => numbered_names(file.width),
    };
    let mut columns = vec![Candidates::all(); file.width];
    let mut left = options.sample_rows;
    while left > 0 {
        let Some(block) = file.next_block(left.min(BATCH_ROWS))? else {
            break;
        };
        left = left.saturating_sub(block.len());
        for row in 0..block.len() {
            for (column, candidates) in columns.iter_mut().enumerate() {
                let field = block.field(row, column);
                if !is_null(field, options) && !is_empty_value(field) {
                    candidates.observe(field.text);
                }
            }
        }
    }
    Ok(names.into_iter().zip(columns).collect())
}

/// Reads one file as batches of the target.
pub(crate) struct CsvReader {
    file: CsvFile,
    target: Target,
    /// For every column of the target, which field of a record it is.
    positions: Vec<usize>,
    options: ImportOptions,
    progress: Arc<Progress>,
    rows_read: u64,
    bytes_reported: u64,
}

impl CsvReader {
    pub(crate) fn open(
        source: &SourceFile,
        target: Target,
        options: &ImportOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, ImportError> {
        let file = CsvFile::open(source, options)?;
        let schema = target.schema();
        if let Some(field) = schema.fields().iter().find(|field| !is_scalar(field.data_type())) {
            return Err(ImportError::UnsupportedType {
                file: source.path.clone(),
                column: field.name().clone(),
                found: sql_type_name(field.data_type()).into(),
                problem: "a CSV file holds scalars only",
            });
        }
        let positions = match file.spelled_names() {
            Some(spelled) => match_columns(&source.path, schema, &spelled, options.keep_case)?,
            None if file.width == schema.fields().len() => (0..file.width).collect(),
            None => {
                return Err(ImportError::ColumnCount {
                    file: source.path.clone(),
                    found: file.width,
                    expected: schema.fields().len(),
                });
            }
        };
        Ok(Self { file, target, positions, options: options.clone(), progress, rows_read: 0, bytes_reported: 0 })
    }

    fn read_batch(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        let Some(block) = self.file.next_block(BATCH_ROWS)? else {
            return Ok(None);
        };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.positions.len());
        for (column, field) in self.target.wanted() {
            columns.push(self.read_column(&block, field, self.positions[column])?);
        }
        let batch = self.target.batch(columns, block.len()).map_err(|source| ImportError::Batch {
            file: self.file.path.clone(),
            row: self.row_of(&block, 0),
            source,
        })?;
        self.rows_read += block.len() as u64;
        let offset = self.file.records.offset();
        self.progress.add_bytes(offset.saturating_sub(self.bytes_reported));
        self.bytes_reported = offset;
        Ok(Some(batch))
    }

    fn read_column(&self, block: &Block, field: &ColumnField, position: usize) -> Result<ArrayRef, ImportError> {
        let is_text = *field.data_type() == DataType::Utf8View;
        let options = &self.options;
        let cell = |row: usize| {
            let cell = block.field(row, position);
            if is_null(cell, options) || (!is_text && is_empty_value(cell)) { None } else { Some(cell.text) }
        };
        let array = build_column(field.data_type(), self.target.origin(), block.len(), cell)
            .map_err(|error| self.column_error(block, field, error))?;
        if !field.is_nullable()
            && array.null_count() > 0
            && let Some(row) = (0..array.len()).find(|row| array.is_null(*row))
        {
            return Err(ImportError::NullValue {
                file: self.file.path.clone(),
                row: self.row_of(block, row),
                column: field.name().clone(),
            });
        }
        Ok(array)
    }

    fn column_error(&self, block: &Block, field: &ColumnField, error: ColumnError) -> ImportError {
        let file = self.file.path.clone();
        match error {
            ColumnError::Value { row, text } => ImportError::BadValue {
                file,
                row: self.row_of(block, row),
                column: field.name().clone(),
                value: shorten_value(&text),
                expected: sql_type_name(field.data_type()),
            },
            ColumnError::Type => ImportError::UnsupportedType {
                file,
                column: field.name().clone(),
                found: sql_type_name(field.data_type()).into(),
                problem: "a CSV file holds scalars only",
            },
            ColumnError::Arrow(source) => ImportError::Batch { file, row: self.row_of(block, 0), source },
        }
    }

    fn row_of(&self, block: &Block, row: usize) -> Row {
        Row::on_line(self.rows_read + row as u64 + 1, block.line(row))
    }
}

impl Iterator for CsvReader {
    type Item = Result<RecordBatch, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_batch().transpose()
    }
}

fn sniff_file(file: &SourceFile, quote: Option<u8>) -> Result<u8, ImportError> {
    let mut sample: Vec<u8> = Vec::new();
    file.open()?
        .take(SNIFFED_BYTES)
        .read_to_end(&mut sample)
        .map_err(|source| ImportError::Io { file: file.path.clone(), source })?;
    let whole = (sample.len() as u64) < SNIFFED_BYTES;
    Ok(sniff_delimiter(&sample, quote, whole))
}

/// A record names columns unless it is nothing but numbers, dates and the like.
fn looks_like_header(fields: &[Field<'_>]) -> bool {
    let mut values = fields.iter().map(|field| field.text.trim()).filter(|text| !text.is_empty()).peekable();
    values.peek().is_none() || values.any(|text| !is_typed_value(text))
}

fn is_null(field: Field<'_>, options: &ImportOptions) -> bool {
    !field.quoted && options.null_text.iter().any(|null| null == field.text)
}

/// Whether a field has nothing to read a value from, other than a text.
fn is_empty_value(field: Field<'_>) -> bool {
    field.text.trim_matches(' ').is_empty()
}

fn record_error(path: &Path, header: Option<&[String]>, error: RecordError) -> ImportError {
    let file = path.to_path_buf();
    // The header is no row. While it is being read, the number is that of the record.
    let header_records = if header.is_some() { 1 } else { 0 };
    let row = Row::on_line(error.record - header_records, error.line);
    match error.problem {
        RecordProblem::Read(source) => ImportError::Io { file, source },
        RecordProblem::OpenQuote => ImportError::OpenQuote { file, row },
        RecordProblem::TextAfterQuote => ImportError::TextAfterQuote { file, row },
        RecordProblem::TooLong => ImportError::RowTooLong { file, row, limit: MAX_RECORD_WORDS },
        RecordProblem::Ragged { found, expected } => ImportError::RaggedRow { file, row, found, expected },
        RecordProblem::Utf8 { column, offset } => {
            let named = header.and_then(|header| header.get(column)).map(|name| name.trim().to_owned());
            let column = named.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("{}", column + 1));
            ImportError::BadUtf8 { file, row, column, offset }
        }
    }
}
