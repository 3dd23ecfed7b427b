//! Rows of the model as batches, and batches as rows of the model.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Date32Type, Field, Float32Type, Float64Type, Int32Type, Int64Type, Schema};
use frostline_testkit::model::{Column, Row, Value, ValueType};

use crate::door::Checked;

/// How many rows a batch has at most, so that a large append comes in several.
const BATCH_ROWS: usize = 60;

/// Rows as batches of some columns.
pub(super) fn to_batches(columns: &[Column], rows: &[Row]) -> Vec<RecordBatch> {
    let field = |column: &Column| Field::new(column.name.as_str(), arrow_type(column.value_type), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<Field>>()));
    let batch = |rows: &[Row]| {
        let arrays: Vec<ArrayRef> =
            columns.iter().enumerate().map(|(place, column)| array(column.value_type, place, rows)).collect();
        RecordBatch::try_new(Arc::clone(&schema), arrays).expect("every column has the type that its field says")
    };
    rows.chunks(BATCH_ROWS).map(batch).collect()
}

/// The type that arrays of the model's values have.
pub(super) fn arrow_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Integer => DataType::Int64,
        ValueType::Float => DataType::Float64,
        ValueType::Text => DataType::Utf8,
        ValueType::Flag => DataType::Boolean,
        ValueType::Day => DataType::Date32,
        ValueType::Small => DataType::Int32,
        ValueType::Single => DataType::Float32,
    }
}

fn array(value_type: ValueType, place: usize, rows: &[Row]) -> ArrayRef {
    let values = rows.iter().map(|row| row[place].as_ref());
    match value_type {
        ValueType::Integer => {
            let numbers = values.map(|value| match value {
                Some(Value::Integer(number)) => Some(*number),
                _ => None,
            });
            Arc::new(numbers.collect::<Int64Array>())
        }
        ValueType::Float => {
            let floats = values.map(|value| match value {
                Some(Value::Float(bits)) => Some(f64::from_bits(*bits)),
                _ => None,
            });
            Arc::new(floats.collect::<Float64Array>())
        }
        ValueType::Text => {
            let texts = values.map(|value| match value {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            });
            Arc::new(texts.collect::<StringArray>())
        }
        ValueType::Flag => {
            let flags = values.map(|value| match value {
                Some(Value::Flag(flag)) => Some(*flag),
                _ => None,
            });
            Arc::new(flags.collect::<BooleanArray>())
        }
        ValueType::Day => {
            let days = values.map(|value| match value {
                Some(Value::Day(days)) => Some(*days),
                _ => None,
            });
            Arc::new(days.collect::<Date32Array>())
        }
        ValueType::Small => {
            let numbers = values.map(|value| match value {
                Some(Value::Small(number)) => Some(*number),
                _ => None,
            });
            Arc::new(numbers.collect::<Int32Array>())
        }
        ValueType::Single => {
            let floats = values.map(|value| match value {
                Some(Value::Single(bits)) => Some(f32::from_bits(*bits)),
                _ => None,
            });
            Arc::new(floats.collect::<Float32Array>())
        }
    }
}

/// The rows of batches, in their order.
pub(super) fn from_batches(batches: &[RecordBatch]) -> Checked<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for batch in batches {
        let begin = rows.len();
        rows.resize_with(begin + batch.num_rows(), || Row::with_capacity(batch.num_columns()));
        for column in batch.columns() {
            for (row, value) in rows[begin..].iter_mut().zip(values(column)?) {
                row.push(value);
            }
        }
    }
    Ok(rows)
}

fn values(array: &ArrayRef) -> Checked<Vec<Option<Value>>> {
    let text = |text: &str| Value::Text(text.to_owned());
    Ok(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().map(|value| value.map(Value::Integer)).collect(),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().map(|value| value.map(Value::float)).collect(),
        DataType::Int32 => array.as_primitive::<Int32Type>().iter().map(|value| value.map(Value::Small)).collect(),
        DataType::Float32 => array.as_primitive::<Float32Type>().iter().map(|value| value.map(Value::single)).collect(),
        DataType::Boolean => array.as_boolean().iter().map(|value| value.map(Value::Flag)).collect(),
        DataType::Date32 => array.as_primitive::<Date32Type>().iter().map(|value| value.map(Value::Day)).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(|value| value.map(text)).collect(),
        DataType::Utf8 => array.as_string::<i32>().iter().map(|value| value.map(text)).collect(),
        other => return Err(format!("a column has the type {other}, which no value was written with")),
    })
}
