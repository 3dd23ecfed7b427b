//! Reads JSON objects.
//!
//! * Members become columns by name, in any order; a member that an object lacks is NULL, a member that the target
//!   lacks is an error. Names are folded as those of other formats; those inside nested objects are not.
//! * Scalars become values by the same rules as text from CSV: the decoder is asked for every scalar as the file spells
//!   it. So no digit of a number is lost on the way, `1.5` is no bigint, and the string `"5"` is as good a number as
//!   `5`. A `null` is NULL; the empty string is the empty text and never NULL.
//! * Text takes numbers and booleans as they are spelled, but no arrays and objects.
//! * Objects are decoded whole; values are made only of the columns that are wanted.
//! * A member that an object has twice has its last value, as in every common reader of JSON.
//! * Where rows were not looked at to infer types, a comma too many or too few between members is forgiven.

mod columns;
mod text;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde_json::Value;

use super::column::{ColumnError, is_nested_or_scalar};
use super::element::{ElementBlock, ElementError, ElementProblem, ElementReader};
use super::error::{ImportError, Row, list_names, shorten_value};
use super::name::find_column;
use super::options::ImportOptions;
use super::progress::Progress;
use super::reader::BATCH_ROWS;
use super::source::SourceFile;
use super::target::Target;
use super::type_name::sql_type_name;

pub(crate) use columns::infer_json;
use text::{convert, text_schema};

const MAX_OBJECT_WORDS: &str = "64 MiB";

/// Reads one file as batches of the target.
pub(crate) struct JsonReader {
    path: PathBuf,
    elements: ElementReader<File>,
    target: Target,
    /// How the file spells the columns of the target, as far as is known: their own names until something else is seen.
    spellings: Vec<String>,
    /// The columns as the file spells them, with text for every scalar.
    text_schema: SchemaRef,
    keep_case: bool,
    progress: Arc<Progress>,
    rows_read: u64,
    bytes_reported: u64,
}

impl JsonReader {
    pub(crate) fn open(
        source: &SourceFile,
        target: Target,
        options: &ImportOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, ImportError> {
        let schema = target.schema();
        if let Some(field) = schema.fields().iter().find(|field| !is_nested_or_scalar(field.data_type())) {
            return Err(unsupported(&source.path, field));
        }
        let spellings: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let text_schema = text_schema(schema, &spellings);
        Ok(Self {
            path: source.path.clone(),
            elements: open_file(source)?,
            target,
            spellings,
            text_schema,
            keep_case: options.keep_case,
            progress,
            rows_read: 0,
            bytes_reported: 0,
        })
    }

    fn read_batch(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        let block = self.elements.next_block(BATCH_ROWS).map_err(|error| element_error(&self.path, error))?;
        let Some(block) = block else {
            return Ok(None);
        };
        let texts = self.decode_block(&block)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.target.projected().fields().len());
        for (column, field) in self.target.wanted() {
            columns.push(self.read_column(&block, field, texts.column(column))?);
        }
        let batch = self.target.batch(columns, block.len()).map_err(|source| self.batch_error(&block, 0, source))?;
        self.rows_read += block.len() as u64;
        let offset = self.elements.offset();
        self.progress.add_bytes(offset.saturating_sub(self.bytes_reported));
        self.bytes_reported = offset;
        Ok(Some(batch))
    }

    /// The objects of a block as columns of text.
    fn decode_block(&mut self, block: &ElementBlock) -> Result<RecordBatch, ImportError> {
        let first = match decode(block.bytes(), block.len(), &self.text_schema) {
            Ok(batch) => return Ok(batch),
            Err(error) => error,
        };
        // A member whose name the decoder does not know may be a column in another spelling.
        if !self.learn_spellings(block)? {
            return Err(self.locate(block, first));
        }
        decode(block.bytes(), block.len(), &self.text_schema).map_err(|error| self.locate(block, error))
    }

    /// Looks how a block spells the columns. `true` if that was not known before.
    fn learn_spellings(&mut self, block: &ElementBlock) -> Result<bool, ImportError> {
        let mut found: Vec<Option<String>> = vec![None; self.spellings.len()];
        for element in 0..block.len() {
            let value = parse_object(&self.path, self.row_of(block, element), block.element(element))?;
            let Value::Object(members) = value else {
                continue;
            };
            for (spelling, _) in &members {
                let Some(column) = find_column(self.target.schema(), spelling, self.keep_case) else {
                    return Err(ImportError::UnknownColumn {
                        file: self.path.clone(),
                        column: spelling.clone(),
                        columns: list_names(self.target.schema().fields().iter().map(|field| field.name().as_str())),
                    });
                };
                match &found[column] {
                    Some(first) if first != spelling => {
                        return Err(ImportError::DuplicateColumn {
                            file: self.path.clone(),
                            name: self.target.schema().field(column).name().clone(),
                            first: first.clone(),
                            second: spelling.clone(),
                        });
                    }
                    Some(_) => {}
                    None => found[column] = Some(spelling.clone()),
                }
            }
        }
        let mut learned = false;
        for (known, spelling) in self.spellings.iter_mut().zip(found) {
            if let Some(spelling) = spelling
                && *known != spelling
            {
                *known = spelling;
                learned = true;
            }
        }
        if learned {
            self.text_schema = text_schema(self.target.schema(), &self.spellings);
        }
        Ok(learned)
    }

    /// Which row and column the decoder refused: each row is tried alone, then each member of the row.
    fn locate(&self, block: &ElementBlock, error: ArrowError) -> ImportError {
        for element in 0..block.len() {
            let bytes = block.element(element);
            let Err(error) = decode(bytes, 1, &self.text_schema) else {
                continue;
            };
            let row = self.row_of(block, element);
            let value = match parse_object(&self.path, row, bytes) {
                Ok(value) => value,
                Err(error) => return error,
            };
            for (column, field) in self.target.schema().fields().iter().enumerate() {
                let Some(member) = value.get(&self.spellings[column]) else {
                    continue;
                };
                let mut alone = serde_json::Map::new();
                alone.insert(self.spellings[column].clone(), member.clone());
                let text = Value::Object(alone).to_string();
                let text_field = self.text_schema.field(column).clone();
                if decode(text.as_bytes(), 1, &Arc::new(Schema::new(vec![text_field]))).is_err() {
                    return ImportError::BadValue {
                        file: self.path.clone(),
                        row,
                        column: field.name().clone(),
                        value: shorten_value(&member.to_string()),
                        expected: sql_type_name(field.data_type()),
                    };
                }
            }
            return self.batch_error(block, element, error);
        }
        self.batch_error(block, 0, error)
    }

    fn read_column(&self, block: &ElementBlock, field: &Field, texts: &ArrayRef) -> Result<ArrayRef, ImportError> {
        let array = convert(texts, field.data_type(), self.target.origin()).map_err(|error| match error {
            ColumnError::Value { row, text } => ImportError::BadValue {
                file: self.path.clone(),
                row: self.row_of(block, row),
                column: field.name().clone(),
                value: shorten_value(&text),
                expected: sql_type_name(field.data_type()),
            },
            ColumnError::Type => unsupported(&self.path, field),
            ColumnError::Arrow(source) => self.batch_error(block, 0, source),
        })?;
        if !field.is_nullable()
            && array.null_count() > 0
            && let Some(row) = (0..array.len()).find(|row| array.is_null(*row))
        {
            return Err(ImportError::NullValue {
                file: self.path.clone(),
                row: self.row_of(block, row),
                column: field.name().clone(),
            });
        }
        Ok(array)
    }

    fn batch_error(&self, block: &ElementBlock, row: usize, source: ArrowError) -> ImportError {
        ImportError::Batch { file: self.path.clone(), row: self.row_of(block, row), source }
    }

    fn row_of(&self, block: &ElementBlock, row: usize) -> Row {
        Row::on_line(self.rows_read + row as u64 + 1, block.line(row))
    }
}

impl Iterator for JsonReader {
    type Item = Result<RecordBatch, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_batch().transpose()
    }
}

fn open_file(source: &SourceFile) -> Result<ElementReader<File>, ImportError> {
    Ok(ElementReader::new(source.open()?))
}

fn parse_object(path: &Path, row: Row, bytes: &[u8]) -> Result<Value, ImportError> {
    serde_json::from_slice(bytes).map_err(|source| ImportError::BadJson { file: path.to_path_buf(), row, source })
}

fn element_error(path: &Path, error: ElementError) -> ImportError {
    let file = path.to_path_buf();
    let row = Row::on_line(error.element, error.line);
    match error.problem {
        ElementProblem::Read(source) => ImportError::Io { file, source },
        ElementProblem::TooLong => ImportError::RowTooLong { file, row, limit: MAX_OBJECT_WORDS },
        ElementProblem::Layout(problem) => ImportError::BadJsonLayout { file, row, problem },
    }
}

fn unsupported(path: &Path, field: &Field) -> ImportError {
    ImportError::UnsupportedType {
        file: path.to_path_buf(),
        column: field.name().clone(),
        found: sql_type_name(field.data_type()).into(),
        problem: "a JSON file holds scalars, and lists, structs and maps of them",
    }
}

/// So many objects as columns. Members that the schema does not have are an error.
fn decode(bytes: &[u8], rows: usize, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(rows)
        .with_coerce_primitive(true)
        .with_strict_mode(true)
        .build_decoder()?;
    decoder.decode(bytes)?;
    match decoder.flush()? {
        Some(batch) if batch.num_rows() == rows => Ok(batch),
        _ => Err(ArrowError::JsonError("the objects do not end where their brackets do".to_owned())),
    }
}
