//! Values as text: the one spelling of each, shared by box, csv, tsv and markdown, and by the scalars of JSON.
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
//! | binary | lower-case hexadecimal digits | string |
//! | list, struct, map | its JSON | array, object |
//!
//! All of these read back: the text by `CAST` and by the csv import, the JSON by any JSON reader that keeps integers
//! of 64 bits.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
    StringViewBuilder, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, Schema, UInt64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::error::OutputError;
use super::json;

/// One value, spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// NULL.
    Null,
    /// A finite number or a boolean: JSON needs no quotes around it.
    Bare(&'a str),
    /// Anything else.
    Text(&'a str),
}

/// How points in time are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeStyle {
    /// As SQL does, with a space before the time of day.
    Sql,
    /// As ISO 8601 and most JSON readers do, with a `T`.
    Iso,
}

/// One column of a batch, ready to be spelled row by row.
pub(super) struct TextColumn {
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
    pub(super) fn try_new(array: &ArrayRef, style: TimeStyle) -> Result<Self, ArrowError> {
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
            data_type if json::is_tree(data_type) => Values::Text(json::spell_trees(&array)?),
            _ => Values::Text(spell(&array, nulls.as_ref(), style)?),
        };
        Ok(Self { nulls, values })
    }

    /// The value in a row. `scratch` is where a number is spelled; what it held is lost.
    pub(super) fn cell<'a>(&'a self, row: usize, scratch: &'a mut String) -> Cell<'a> {
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
pub(super) fn text_columns(batch: &RecordBatch) -> Result<Vec<TextColumn>, OutputError> {
    let schema = batch.schema();
    let mut columns: Vec<TextColumn> = Vec::with_capacity(batch.num_columns());
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let column = TextColumn::try_new(array, TimeStyle::Sql)
            .map_err(|source| OutputError::Value { column: field.name().clone(), source })?;
        columns.push(column);
    }
    Ok(columns)
}

/// The rows of a batch as owned text; `None` is NULL.
pub(super) fn text_rows(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, OutputError> {
    let columns = text_columns(batch)?;
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

/// The columns' names; a name that occurred before gets a number: `id`, `id_1`. For formats whose readers find columns
/// by name and would lose all but one of them.
pub(super) fn distinct_names(schema: &Schema) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut names: Vec<String> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let mut name = field.name().clone();
        let mut number = 0;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}_{number}", field.name());
        }
        names.push(name);
    }
    names
}

/// The array without dictionary or run-end encoding.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
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

fn spell(array: &ArrayRef, nulls: Option<&NullBuffer>, style: TimeStyle) -> Result<StringViewArray, ArrowError> {
    let options = match style {
        TimeStyle::Sql => FormatOptions::new()
            .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z")),
        TimeStyle::Iso => FormatOptions::new(),
    };
    let options = options.with_display_error(false);
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let mut spelled = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            spelled.append_null();
            continue;
        }
        text.clear();
        formatter.value(row).write(&mut text)?;
        spelled.try_append_value(text.as_str())?;
    }
    Ok(spelled.finish())
}
