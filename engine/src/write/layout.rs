//! Arrow layouts: the lake's types keep strings and binaries as views; Parquet and payload blocks keep them plain.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;

/// The type with strings and binaries as views, at every depth. Names, nullability and field ids stay.
pub(crate) fn view_type(data_type: &DataType) -> DataType {
    map_leaves(data_type, &|leaf: &DataType| match leaf {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    })
}

/// The type with plain strings and binaries, at every depth. Names, nullability and field ids stay.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    map_leaves(data_type, &|leaf: &DataType| match leaf {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    })
}

/// The schema with strings and binaries as views.
pub(crate) fn view_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(|field| retype(field, view_type)).collect::<Vec<FieldRef>>()))
}

/// The batch with strings and binaries as views.
pub(crate) fn to_views(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    retype_batch(batch, view_type)
}

/// The batch with plain strings and binaries.
pub(crate) fn to_plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    retype_batch(batch, plain_type)
}

/// Whether values of one type are values of the other: equal but for the layout of strings and binaries, and for the
/// names, nullability and field ids of nested fields.
pub(crate) fn same_values(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::List(left), DataType::List(right)) => same_values(left.data_type(), right.data_type()),
        (DataType::Map(left, _), DataType::Map(right, _)) => same_values(left.data_type(), right.data_type()),
        (DataType::Struct(left), DataType::Struct(right)) => {
            left.len() == right.len()
                && left.iter().zip(right.iter()).all(|(a, b)| same_values(a.data_type(), b.data_type()))
        }
        (left, right) => view_type(left) == view_type(right),
    }
}

/// The array as one of the target's type, which must hold the same values. Only strings and binaries are copied, and
/// only where their layout differs.
///
/// Nested fields are matched by position, so that what is renamed is the same values under another name.
pub(crate) fn fit_array(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == target {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), target) {
        (DataType::List(_), DataType::List(element)) => {
            let list: &ListArray = array.as_list::<i32>();
            let values = fit_array(list.values(), element.data_type())?;
            let fitted =
                ListArray::try_new(Arc::clone(element), list.offsets().clone(), values, list.nulls().cloned())?;
            Ok(Arc::new(fitted))
        }
        (DataType::Struct(_), DataType::Struct(fields)) => Ok(Arc::new(fit_struct(array.as_struct(), fields)?)),
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(ArrowError::SchemaError("the entries of a map are a struct".to_owned()));
            };
            let map: &MapArray = array.as_map();
            let fitted = MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                fit_struct(map.entries(), fields)?,
                map.nulls().cloned(),
                *sorted,
            )?;
            Ok(Arc::new(fitted))
        }
        _ => cast(array.as_ref(), target),
    }
}

fn fit_struct(array: &StructArray, fields: &Fields) -> Result<StructArray, ArrowError> {
    if fields.len() != array.num_columns() {
        return Err(ArrowError::SchemaError(format!(
            "a struct has {} fields and should have {}",
            array.num_columns(),
            fields.len()
        )));
    }
    let columns = array
        .columns()
        .iter()
        .zip(fields.iter())
        .map(|(column, field)| fit_array(column, field.data_type()))
        .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    StructArray::try_new(fields.clone(), columns, array.nulls().cloned())
}

fn retype_batch(batch: &RecordBatch, target: fn(&DataType) -> DataType) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let fields: Vec<FieldRef> = schema.fields().iter().map(|field| retype(field, target)).collect();
    let columns = batch
        .columns()
        .iter()
        .zip(&fields)
        .map(|(column, field)| fit_array(column, field.data_type()))
        .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

fn retype(field: &FieldRef, target: fn(&DataType) -> DataType) -> FieldRef {
    let data_type = target(field.data_type());
    if &data_type == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

/// The type with a function applied to every type in it that has no fields.
fn map_leaves(data_type: &DataType, change: &dyn Fn(&DataType) -> DataType) -> DataType {
    let within = |field: &FieldRef| -> FieldRef {
        let inner = map_leaves(field.data_type(), change);
        Arc::new(Field::new(field.name(), inner, field.is_nullable()).with_metadata(field.metadata().clone()))
    };
    match data_type {
        DataType::List(element) => DataType::List(within(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(within).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(within(entries), *sorted),
        leaf => change(leaf),
    }
}
