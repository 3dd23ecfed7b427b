//! Values as text: the one spelling of each, for people and in CSV, and of the scalars of JSON.
//!
//! | type | text | in JSON |
//! |---|---|---|
//! | integer | digits | number |
//! | float | shortest digits that read back as the same value, with a point or an exponent: `1.0`, `1e16` | number |
//! | not a number | `NaN`, `Infinity`, `-Infinity` | string |
//! | decimal | all digits of its scale: `12.50` | string |
//! | boolean | `true`, `false` | boolean |
//! | date, time | `2013-07-10`, `18:00:00` | string |
//! | timestamp | `2013-07-10 18:00:00`, with a fraction of 3, 6 or 9 digits if there is one | `2013-07-10T18:00:00` |
//! | … with a time zone | `2013-07-10 18:00:00+00:00`, the local time and its offset | `2013-07-10T18:00:00Z` |
//! | interval, duration | `1 mons 2 days`, `PT90S` | string |
//! | binary | lower-case hexadecimal digits, [with or without](BinaryStyle) `\x` before them | string |
//! | list, struct, map | its JSON | array, object |
//!
//! What a table can hold reads back from this by [`import`](crate::import), into columns of the same types: from text
//! all but lists, structs and maps, from JSON these too. Binary must have its `\x`, and years four digits.

use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
    StringViewBuilder, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::error::ValueError;
use super::tree::{is_tree, spell_trees};

/// One value, spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// NULL.
    Null,
    /// A finite number or a boolean: JSON needs no quotes around it.
    Bare(&'a str),
    /// Anything else.
    Text(&'a str),
}

/// How points in time are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeStyle {
    /// As SQL does, with a space before the time of day.
    Sql,
    /// As ISO 8601 and most JSON readers do, with a `T`.
    Iso,
}

/// How binary is spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryStyle {
    /// `00ff`: digits alone, for people. A reader cannot tell them from a text.
    #[default]
    Digits,
    /// `\x00ff`: as files are read back, also where there are no bytes.
    Prefixed,
}

/// One column of a batch, ready to be spelled row by row.
pub(crate) struct TextColumn {
    nulls: Option<NullBuffer>,
    values: Values,
}

/// The few shapes that all types come down to. What is not a number or a boolean is spelled up front.
enum Values {
    Boolean(BooleanArray),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Single(Float32Array),
    Double(Float64Array),
    Text(StringViewArray),
}

impl TextColumn {
    /// Prepares an array of any type. Fails for a value without a spelling, such as a time beyond the calendar.
    pub(crate) fn try_new(array: &ArrayRef, times: TimeStyle, binary: BinaryStyle) -> Result<Self, ArrowError> {
        let array = plain(array)?;
        let nulls = array.logical_nulls();
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean().clone()),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                let wide = cast(&array, &DataType::Int64)?;
                Values::Signed(wide.as_primitive::<Int64Type>().clone())
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                let wide = cast(&array, &DataType::UInt64)?;
                Values::Unsigned(wide.as_primitive::<UInt64Type>().clone())
            }
            DataType::Float16 | DataType::Float32 => {
                let wide = cast(&array, &DataType::Float32)?;
                Values::Single(wide.as_primitive::<Float32Type>().clone())
            }
            DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let views = cast(&array, &DataType::Utf8View)?;
                Values::Text(views.as_string_view().clone())
            }
            data_type if is_tree(data_type) => Values::Text(spell_trees(&array, binary)?),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                let prefix = match binary {
                    BinaryStyle::Digits => "",
                    BinaryStyle::Prefixed => "\\x",
                };
                Values::Text(spell(&array, nulls.as_ref(), prefix, &FormatOptions::new())?)
            }
            _ => Values::Text(spell(&array, nulls.as_ref(), "", &calendar_options(times))?),
        };
        Ok(Self { nulls, values })
    }

    /// The value in a row. `scratch` is where a number is spelled; what it held is lost.
    pub(crate) fn cell<'a>(&'a self, row: usize, scratch: &'a mut String) -> Cell<'a> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Cell::Null;
        }
        match &self.values {
            Values::Boolean(values) => Cell::Bare(if values.value(row) { "true" } else { "false" }),
            Values::Signed(values) => bare(format_args!("{}", values.value(row)), scratch),
            Values::Unsigned(values) => bare(format_args!("{}", values.value(row)), scratch),
            Values::Single(values) => {
                let value: f32 = values.value(row);
                match special(f64::from(value)) {
                    Some(cell) => cell,
                    None => bare(format_args!("{value:?}"), scratch),
                }
            }
            Values::Double(values) => {
                let value: f64 = values.value(row);
                match special(value) {
                    Some(cell) => cell,
                    None => bare(format_args!("{value:?}"), scratch),
                }
            }
            Values::Text(values) => Cell::Text(values.value(row)),
        }
    }
}

/// The columns of a batch, with the column's name in the error if one cannot be spelled.
pub(crate) fn text_columns(batch: &RecordBatch, binary: BinaryStyle) -> Result<Vec<TextColumn>, ValueError> {
    let schema = batch.schema();
    let mut columns: Vec<TextColumn> = Vec::with_capacity(batch.num_columns());
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let column = TextColumn::try_new(array, TimeStyle::Sql, binary)
            .map_err(|source| ValueError { column: field.name().clone(), source })?;
        columns.push(column);
    }
    Ok(columns)
}

/// The rows of a batch as text for people; `None` is NULL.
///
/// # Errors
/// If a value has no text.
pub fn text_rows(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ValueError> {
    let columns = text_columns(batch, BinaryStyle::Digits)?;
    let mut scratch = String::new();
    let mut rows: Vec<Vec<Option<String>>> = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut cells: Vec<Option<String>> = Vec::with_capacity(columns.len());
        for column in &columns {
            cells.push(match column.cell(row, &mut scratch) {
                Cell::Null => None,
                Cell::Bare(text) | Cell::Text(text) => Some(text.to_owned()),
            });
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// The array without dictionary or run-end encoding.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, values) => plain(&cast(array, values)?),
        DataType::RunEndEncoded(_, values) => plain(&cast(array, values.data_type())?),
        _ => Ok(Arc::clone(array)),
    }
}

fn bare<'a>(digits: fmt::Arguments<'_>, scratch: &'a mut String) -> Cell<'a> {
    scratch.clear();
    // Writing to a string cannot fail.
    let _ = scratch.write_fmt(digits);
    Cell::Bare(scratch.as_str())
}

/// The spelling of what JSON has no number for.
fn special(value: f64) -> Option<Cell<'static>> {
    if value.is_nan() {
        Some(Cell::Text("NaN"))
    } else if value == f64::INFINITY {
        Some(Cell::Text("Infinity"))
    } else if value == f64::NEG_INFINITY {
        Some(Cell::Text("-Infinity"))
    } else {
        None
    }
}

fn calendar_options(times: TimeStyle) -> FormatOptions<'static> {
    match times {
        TimeStyle::Sql => FormatOptions::new()
            .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z")),
        TimeStyle::Iso => FormatOptions::new(),
    }
}

/// Every value as Arrow prints it, behind a prefix.
fn spell(
    array: &ArrayRef,
    nulls: Option<&NullBuffer>,
    prefix: &str,
    options: &FormatOptions<'_>,
) -> Result<StringViewArray, ArrowError> {
    let options = options.clone().with_display_error(false);
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let mut spelled = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            spelled.append_null();
            continue;
        }
        text.clear();
        text.push_str(prefix);
        formatter.value(row).write(&mut text)?;
        spelled.try_append_value(text.as_str())?;
    }
    Ok(spelled.finish())
}
