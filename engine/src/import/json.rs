//! Reads JSON objects.
//!
//! * Members become columns by name, in any order; a member that an object lacks is NULL, a member that the target lacks
//!   is an error. Names are folded as those of other formats; those inside nested objects are not.
//! * Scalars become values by the same rules as text from CSV: the decoder is asked for every scalar as the file spells
//!   it, and [`build_column`] does the rest. So no digit of a number is lost on the way, `1.5` is no bigint, and the
//!   string `"5"` is as good a number as `5`. A `null` is NULL; the empty string is the empty text and never NULL.
//! * Text takes numbers and booleans as they are spelled, but no arrays and objects.
//! * A member that an object has twice has its last value, as in every common reader of JSON.
//! * Where rows were not looked at to infer types, a comma too many or too few between members is forgiven.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde_json::Value;

use super::column::{ColumnError, build_column, is_nested_or_scalar};
use super::element::{ElementBlock, ElementError, ElementProblem, ElementReader};
use super::error::{ImportError, Row, list_names, shorten_value};
use super::name::{find_column, fold_name};
use super::options::ImportOptions;
use super::progress::Progress;
use super::reader::BATCH_ROWS;
use super::shape::JsonShape;
use super::source::SourceFile;
use super::type_name::sql_type_name;

const MAX_OBJECT_WORDS: &str = "64 MiB";

/// The columns of a file, by name, and what their values have in common.
pub(crate) fn infer_json(
    source: &SourceFile,
    options: &ImportOptions,
) -> Result<Vec<(String, JsonShape)>, ImportError> {
    let mut elements = open_file(&source.path)?;
    let mut columns = InferredColumns::default();
    let mut rows: usize = 0;
    while rows < options.sample_rows {
        let limit = BATCH_ROWS.min(options.sample_rows - rows);
        let block = elements.next_block(limit).map_err(|error| element_error(&source.path, error))?;
        let Some(block) = block else {
            break;
        };
        for element in 0..block.len() {
            let row = Row::on_line((rows + element) as u64 + 1, block.line(element));
            let value = parse_object(&source.path, row, block.element(element))?;
            columns.observe(&source.path, row, &value, options.keep_case)?;
        }
        rows += block.len();
    }
    if rows == 0 {
        return Err(ImportError::Empty { file: source.path.clone() });
    }
    if columns.shapes.is_empty() {
        return Err(ImportError::NoColumns { file: source.path.clone() });
    }
    Ok(columns.shapes)
}

#[derive(Default)]
struct InferredColumns {
    shapes: Vec<(String, JsonShape)>,
    /// How the file spells each of them.
    spellings: Vec<String>,
    positions: HashMap<String, usize>,
}

impl InferredColumns {
    fn observe(&mut self, file: &Path, row: Row, object: &Value, keep_case: bool) -> Result<(), ImportError> {
        let Value::Object(members) = object else {
            return Ok(());
        };
        for (spelling, value) in members {
            let position = self.position(file, row, spelling, keep_case)?;
            let (name, shape) = &mut self.shapes[position];
            shape.observe(value).map_err(|clash| ImportError::MixedTypes {
                file: file.to_path_buf(),
                row,
                column: format!("{name}{}", clash.path),
                found: clash.found,
                expected: clash.expected,
            })?;
        }
        Ok(())
    }

    fn position(&mut self, file: &Path, row: Row, spelling: &str, keep_case: bool) -> Result<usize, ImportError> {
        let name = fold_name(spelling, keep_case);
        if name.is_empty() {
            return Err(ImportError::BadJsonLayout {
                file: file.to_path_buf(),
                row,
                problem: "a member has an empty name, which no column can have; rename it",
            });
        }
        if let Some(position) = self.positions.get(&name) {
            let first = &self.spellings[*position];
            if first != spelling {
                return Err(ImportError::DuplicateColumn {
                    file: file.to_path_buf(),
                    name,
                    first: first.clone(),
                    second: spelling.to_owned(),
                });
            }
            return Ok(*position);
        }
        let position = self.shapes.len();
        self.positions.insert(name.clone(), position);
        self.shapes.push((name, JsonShape::Unseen));
        self.spellings.push(spelling.to_owned());
        Ok(position)
    }
}

/// Reads one file as batches of the target schema.
pub(crate) struct JsonReader {
    path: PathBuf,
    elements: ElementReader<File>,
    schema: SchemaRef,
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
        schema: SchemaRef,
        options: &ImportOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, ImportError> {
        if let Some(field) = schema.fields().iter().find(|field| !is_nested_or_scalar(field.data_type())) {
            return Err(unsupported(&source.path, field));
        }
        let spellings: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let text_schema = text_schema(&schema, &spellings);
        Ok(Self {
            path: source.path.clone(),
            elements: open_file(&source.path)?,
            schema,
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
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (field, texts) in self.schema.fields().iter().zip(texts.columns()) {
            columns.push(self.read_column(&block, field, texts)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|source| self.batch_error(&block, 0, source))?;
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
                let Some(column) = find_column(&self.schema, spelling, self.keep_case) else {
                    return Err(ImportError::UnknownColumn {
                        file: self.path.clone(),
                        column: spelling.clone(),
                        columns: list_names(self.schema.fields().iter().map(|field| field.name().as_str())),
                    });
                };
                match &found[column] {
                    Some(first) if first != spelling => {
                        return Err(ImportError::DuplicateColumn {
                            file: self.path.clone(),
                            name: self.schema.field(column).name().clone(),
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
            self.text_schema = text_schema(&self.schema, &self.spellings);
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
            for (column, field) in self.schema.fields().iter().enumerate() {
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
        let array = convert(texts, field.data_type()).map_err(|error| match error {
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

fn open_file(path: &Path) -> Result<ElementReader<File>, ImportError> {
    let file = File::open(path).map_err(|source| ImportError::Io { file: path.to_path_buf(), source })?;
    Ok(ElementReader::new(file))
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

fn text_schema(schema: &Schema, spellings: &[String]) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .zip(spellings)
        .map(|(field, spelling)| Field::new(spelling, text_type(field.data_type()), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The type with text for every scalar, in which everything may be NULL.
fn text_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(field) => DataType::List(Arc::new(text_field(field))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| text_field(field)).collect()),
        DataType::Map(entries, _) => {
            let value = match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => text_type(pair[1].data_type()),
                _ => DataType::Utf8View,
            };
            let pair = Fields::from(vec![Field::new("key", DataType::Utf8View, false), Field::new("value", value, true)]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        _ => DataType::Utf8View,
    }
}

fn text_field(field: &Field) -> Field {
    Field::new(field.name(), text_type(field.data_type()), true)
}

/// Columns of text into columns of a type.
fn convert(texts: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ColumnError> {
    match data_type {
        DataType::List(field) => {
            let Some(list) = texts.as_list_opt::<i32>() else {
                return Err(ColumnError::Type);
            };
            let offsets = list.offsets();
            let values =
                convert(list.values(), field.data_type()).map_err(|error| outer_row(error, offsets))?;
            let list = ListArray::try_new(Arc::clone(field), offsets.clone(), values, list.nulls().cloned());
            Ok(Arc::new(list.map_err(ColumnError::Arrow)?))
        }
        DataType::Struct(fields) => {
            let Some(members) = texts.as_struct_opt() else {
                return Err(ColumnError::Type);
            };
            let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
            for (field, member) in fields.iter().zip(members.columns()) {
                columns.push(convert(member, field.data_type())?);
            }
            let structs = StructArray::try_new(fields.clone(), columns, members.nulls().cloned());
            Ok(Arc::new(structs.map_err(ColumnError::Arrow)?))
        }
        DataType::Map(entries, sorted) => {
            let Some(map) = texts.as_map_opt() else {
                return Err(ColumnError::Type);
            };
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(ColumnError::Type);
            };
            let offsets = map.offsets();
            let keys = convert(map.keys(), pair[0].data_type()).map_err(|error| outer_row(error, offsets))?;
            let values = convert(map.values(), pair[1].data_type()).map_err(|error| outer_row(error, offsets))?;
            let pairs = StructArray::try_new(pair.clone(), vec![keys, values], None).map_err(ColumnError::Arrow)?;
            let nulls = map.nulls().cloned();
            let map = MapArray::try_new(Arc::clone(entries), offsets.clone(), pairs, nulls, *sorted);
            Ok(Arc::new(map.map_err(ColumnError::Arrow)?))
        }
        scalar => {
            let Some(texts) = texts.as_string_view_opt() else {
                return Err(ColumnError::Type);
            };
            build_column(scalar, texts.len(), |row| if texts.is_null(row) { None } else { Some(texts.value(row)) })
        }
    }
}

/// The error with the row whose list holds the element that it names.
fn outer_row(error: ColumnError, offsets: &[i32]) -> ColumnError {
    match error {
        ColumnError::Value { row: element, text } => {
            let ends = offsets.get(1..).unwrap_or(&[]);
            let row = ends.partition_point(|end| usize::try_from(*end).is_ok_and(|end| end <= element));
            ColumnError::Value { row, text }
        }
        other => other,
    }
}
