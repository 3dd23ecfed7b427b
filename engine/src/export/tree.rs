//! Values as JSON: the one spelling of each, shared by the JSON formats and by nested values in text.
//!
//! Integers are numbers with all their digits, doubles have a point or an exponent, and what JSON has no exact number
//! for is a string: decimals, NaN, Infinity, binary. A map is an object with its keys as text.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, GenericListViewArray, OffsetSizeTrait, StringViewArray,
    StringViewBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::value::{BinaryStyle, Cell, TextColumn, TimeStyle, plain};

/// One column of a batch, or one level of a nested one.
pub(crate) struct JsonColumn {
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
pub(crate) fn is_tree(data_type: &DataType) -> bool {
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
pub(crate) fn spell_trees(array: &ArrayRef, binary: BinaryStyle) -> Result<StringViewArray, ArrowError> {
    let column = JsonColumn::try_new(array, binary)?;
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
    /// Prepares an array of any type. Fails for a value without a spelling, such as a time beyond the calendar.
    pub(crate) fn try_new(array: &ArrayRef, binary: BinaryStyle) -> Result<Self, ArrowError> {
        let array = plain(array)?;
        let nulls = array.logical_nulls();
        let values = match array.data_type() {
            DataType::List(_) => list(array.as_list::<i32>(), binary)?,
            DataType::LargeList(_) => list(array.as_list::<i64>(), binary)?,
            DataType::ListView(_) => list_view(array.as_list_view::<i32>(), binary)?,
            DataType::LargeListView(_) => list_view(array.as_list_view::<i64>(), binary)?,
            DataType::FixedSizeList(_, size) => {
                let size = usize::try_from(*size).unwrap_or(0);
                let items = Self::try_new(array.as_fixed_size_list().values(), binary)?;
                let ranges = (0..array.len()).map(|row| row * size..(row + 1) * size).collect();
                Tree::List { items: Box::new(items), ranges }
            }
            DataType::Struct(fields) => {
                let keys: Vec<Vec<u8>> = fields.iter().map(|field| key(field.name())).collect();
                let mut columns: Vec<Self> = Vec::with_capacity(keys.len());
                for part in array.as_struct().columns() {
                    columns.push(Self::try_new(part, binary)?);
                }
                Tree::Struct { keys, fields: columns }
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                let (used, ranges) = item_ranges(map.value_offsets());
                let keys = map.keys().slice(used.start, used.len());
                let keys = TextColumn::try_new(&keys, TimeStyle::Iso, binary)?;
                let items = Self::try_new(&map.values().slice(used.start, used.len()), binary)?;
                Tree::Map { keys, items: Box::new(items), ranges }
            }
            _ => Tree::Scalar(TextColumn::try_new(&array, TimeStyle::Iso, binary)?),
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

/// Writes an object: each of the keys with the value that its column has in a row.
pub(crate) fn write_object(
    keys: &[Vec<u8>],
    columns: &[JsonColumn],
    row: usize,
    out: &mut Vec<u8>,
    scratch: &mut String,
) {
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
pub(crate) fn key(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(name.len() + 3);
    write_text(name, &mut bytes);
    bytes.push(b':');
    bytes
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, text).expect("text is JSON, and memory takes every byte");
}

fn list<O: OffsetSizeTrait>(list: &GenericListArray<O>, binary: BinaryStyle) -> Result<Tree, ArrowError> {
    let (used, ranges) = item_ranges(list.value_offsets());
    let items = JsonColumn::try_new(&list.values().slice(used.start, used.len()), binary)?;
    Ok(Tree::List { items: Box::new(items), ranges })
}

fn list_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>, binary: BinaryStyle) -> Result<Tree, ArrowError> {
    let items = JsonColumn::try_new(list.values(), binary)?;
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
