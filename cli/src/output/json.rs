//! JSON: one array per result, or one object per row.
//!
//! * `json`: `[{"id":1},{"id":2}]` and a line end; `[]` for no rows.
//! * `jsonl`: `{"id":1}` and a line end, row by row; nothing for no rows, and nothing between results.
//!
//! Keys stand in the order of the columns, and every object has them all: NULL is `null`. Integers are numbers with all
//! their digits, doubles have a point or an exponent, and what JSON has no exact number for is a string: decimals, NaN,
//! Infinity, binary. A map is an object with its keys as text. A name that two columns share is made distinct.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, GenericListViewArray, OffsetSizeTrait, RecordBatch, StringViewArray,
    StringViewBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use super::ResultWriter;
use super::error::OutputError;
use super::sink::Sink;
use super::value::{self, Cell, TextColumn, TimeStyle};

/// Bytes gathered before the sink gets them.
const CHUNK_BYTES: usize = 32 * 1024;

/// Writes `json` and `jsonl`.
pub(super) struct JsonWriter {
    sink: Sink,
    layout: Layout,
    rows: Rows,
    /// The columns' names as they are, for messages.
    names: Vec<String>,
    /// `"name":` for every column.
    keys: Vec<Vec<u8>>,
}

enum Layout {
    Arrays,
    Lines,
}

/// Whether the result has rows so far: the next one of an array needs a comma before it.
enum Rows {
    None,
    Some,
}

impl JsonWriter {
    /// One array per result.
    pub(super) fn arrays(sink: Sink) -> Self {
        Self::new(sink, Layout::Arrays)
    }

    /// One object per row.
    pub(super) fn lines(sink: Sink) -> Self {
        Self::new(sink, Layout::Lines)
    }

    fn new(sink: Sink, layout: Layout) -> Self {
        Self { sink, layout, rows: Rows::None, names: Vec::new(), keys: Vec::new() }
    }

    fn columns(&self, batch: &RecordBatch) -> Result<Vec<JsonColumn>, OutputError> {
        let mut columns: Vec<JsonColumn> = Vec::with_capacity(batch.num_columns());
        for (name, array) in self.names.iter().zip(batch.columns()) {
            let column =
                JsonColumn::try_new(array).map_err(|source| OutputError::Value { column: name.clone(), source })?;
            columns.push(column);
        }
        Ok(columns)
    }
}

impl ResultWriter for JsonWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        self.names = schema.fields().iter().map(|field| field.name().clone()).collect();
        self.keys = value::distinct_names(schema).iter().map(|name| key(name)).collect();
        self.rows = Rows::None;
        match self.layout {
            Layout::Arrays => self.sink.put(b"["),
            Layout::Lines => Ok(()),
        }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let columns = self.columns(batch)?;
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK_BYTES);
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            if matches!((&self.layout, &self.rows), (Layout::Arrays, Rows::Some)) {
                bytes.push(b',');
            }
            self.rows = Rows::Some;
            write_object(&self.keys, &columns, row, &mut bytes, &mut scratch);
            if matches!(self.layout, Layout::Lines) {
                bytes.push(b'\n');
            }
            if bytes.len() >= CHUNK_BYTES {
                self.sink.put(&bytes)?;
                bytes.clear();
            }
        }
        self.sink.put(&bytes)
    }

    fn end(&mut self) -> Result<(), OutputError> {
        if matches!(self.layout, Layout::Arrays) {
            self.sink.put(b"]\n")?;
        }
        self.sink.settle()
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        Ok(self.sink)
    }
}

/// One column of a batch, or one level of a nested one.
struct JsonColumn {
    nulls: Option<NullBuffer>,
    values: Tree,
}

enum Tree {
    Scalar(TextColumn),
    /// Row `r` holds the items of `ranges[r]`.
    List {
        items: Box<JsonColumn>,
        ranges: Vec<Range<usize>>,
    },
    Struct {
        keys: Vec<Vec<u8>>,
        fields: Vec<JsonColumn>,
    },
    /// Row `r` holds the entries of `ranges[r]`.
    Map {
        keys: TextColumn,
        items: Box<JsonColumn>,
        ranges: Vec<Range<usize>>,
    },
}

/// Whether values of this type have parts.
pub(super) fn is_tree(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(_, _)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Struct(_)
            | DataType::Map(_, _)
    )
}

/// The JSON of every value of an array; NULL stays NULL.
pub(super) fn spell_trees(array: &ArrayRef) -> Result<StringViewArray, ArrowError> {
    let column = JsonColumn::try_new(array)?;
    let mut spelled = StringViewBuilder::with_capacity(array.len());
    let mut bytes: Vec<u8> = Vec::new();
    let mut scratch = String::new();
    for row in 0..array.len() {
        if column.is_null(row) {
            spelled.append_null();
            continue;
        }
        bytes.clear();
        column.write(row, &mut bytes, &mut scratch);
        spelled.try_append_value(std::str::from_utf8(&bytes)?)?;
    }
    Ok(spelled.finish())
}

impl JsonColumn {
    fn try_new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let array = value::plain(array)?;
        let nulls = array.logical_nulls();
        let values = match array.data_type() {
            DataType::List(_) => list(array.as_list::<i32>())?,
            DataType::LargeList(_) => list(array.as_list::<i64>())?,
            DataType::ListView(_) => list_view(array.as_list_view::<i32>())?,
            DataType::LargeListView(_) => list_view(array.as_list_view::<i64>())?,
            DataType::FixedSizeList(_, size) => {
                let size = usize::try_from(*size).unwrap_or(0);
                let items = Self::try_new(array.as_fixed_size_list().values())?;
                let ranges = (0..array.len()).map(|row| row * size..(row + 1) * size).collect();
                Tree::List { items: Box::new(items), ranges }
            }
            DataType::Struct(fields) => {
                let keys: Vec<Vec<u8>> = fields.iter().map(|field| key(field.name())).collect();
                let mut columns: Vec<Self> = Vec::with_capacity(keys.len());
                for part in array.as_struct().columns() {
                    columns.push(Self::try_new(part)?);
                }
                Tree::Struct { keys, fields: columns }
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                let (used, ranges) = item_ranges(map.value_offsets());
                let keys = TextColumn::try_new(&map.keys().slice(used.start, used.len()), TimeStyle::Iso)?;
                let items = Self::try_new(&map.values().slice(used.start, used.len()))?;
                Tree::Map { keys, items: Box::new(items), ranges }
            }
            _ => Tree::Scalar(TextColumn::try_new(&array, TimeStyle::Iso)?),
        };
        Ok(Self { nulls, values })
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn write(&self, row: usize, out: &mut Vec<u8>, scratch: &mut String) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match &self.values {
            Tree::Scalar(column) => match column.cell(row, scratch) {
                Cell::Null => out.extend_from_slice(b"null"),
                Cell::Bare(text) => out.extend_from_slice(text.as_bytes()),
                Cell::Text(text) => write_text(text, out),
            },
            Tree::List { items, ranges } => {
                out.push(b'[');
                for item in ranges[row].clone() {
                    if item > ranges[row].start {
                        out.push(b',');
                    }
                    items.write(item, out, scratch);
                }
                out.push(b']');
            }
            Tree::Struct { keys, fields } => write_object(keys, fields, row, out, scratch),
            Tree::Map { keys, items, ranges } => {
                out.push(b'{');
                for entry in ranges[row].clone() {
                    if entry > ranges[row].start {
                        out.push(b',');
                    }
                    match keys.cell(entry, scratch) {
                        Cell::Null => write_text("null", out),
                        Cell::Bare(text) | Cell::Text(text) => write_text(text, out),
                    }
                    out.push(b':');
                    items.write(entry, out, scratch);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_object(keys: &[Vec<u8>], columns: &[JsonColumn], row: usize, out: &mut Vec<u8>, scratch: &mut String) {
    out.push(b'{');
    for (place, (key, column)) in keys.iter().zip(columns).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        column.write(row, out, scratch);
    }
    out.push(b'}');
}

/// `"name":`
fn key(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(name.len() + 3);
    write_text(name, &mut bytes);
    bytes.push(b':');
    bytes
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, text).expect("text is JSON, and memory takes every byte");
}

fn list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> Result<Tree, ArrowError> {
    let (used, ranges) = item_ranges(list.value_offsets());
    let items = JsonColumn::try_new(&list.values().slice(used.start, used.len()))?;
    Ok(Tree::List { items: Box::new(items), ranges })
}

fn list_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>) -> Result<Tree, ArrowError> {
    let items = JsonColumn::try_new(list.values())?;
    let starts = list.value_offsets().iter();
    let sizes = list.value_sizes().iter();
    let ranges = starts.zip(sizes).map(|(start, size)| start.as_usize()..start.as_usize() + size.as_usize()).collect();
    Ok(Tree::List { items: Box::new(items), ranges })
}

/// The part of the items that these rows use, and each row's share of that part.
fn item_ranges<O: OffsetSizeTrait>(offsets: &[O]) -> (Range<usize>, Vec<Range<usize>>) {
    let first = offsets.first().map_or(0, |offset| offset.as_usize());
    let last = offsets.last().map_or(first, |offset| offset.as_usize());
    let ranges = offsets.windows(2).map(|pair| pair[0].as_usize() - first..pair[1].as_usize() - first).collect();
    (first..last, ranges)
}
