//! NaN as one value, whatever sign and payload a processor or another writer gave it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, ListArray, MapArray, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;

/// The same values, in which every NaN is the positive one without a payload, at any depth.
///
/// * Arrow compares floats by their bits: it would take a NaN with a sign for less than every number, and for another
///   value than one without.
/// * Nothing is copied where there is no other NaN.
///
/// # Errors
/// If Arrow refuses to put a nested array together again; it was one before.
pub fn with_one_nan(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(changed(array)?.unwrap_or_else(|| Arc::clone(array)))
}

/// The same rows, of which every column is [`with_one_nan`].
///
/// # Errors
/// See [`with_one_nan`].
pub fn batch_with_one_nan(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(with_one_nan).collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

/// Whether floats are values of a type, or within them.
pub fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(element) => holds_floats(element.data_type()),
        DataType::Map(entries, _) => holds_floats(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        _ => false,
    }
}

/// The array with other NaNs replaced; `None` if it has none.
fn changed(array: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    match array.data_type() {
        DataType::Float32 => {
            let floats: &Float32Array = array.as_primitive::<Float32Type>();
            let is_other = |value: &f32| value.is_nan() && value.to_bits() != f32::NAN.to_bits();
            if !floats.values().iter().any(is_other) {
                return Ok(None);
            }
            let one: Float32Array = floats.unary(|value: f32| if value.is_nan() { f32::NAN } else { value });
            Ok(Some(Arc::new(one)))
        }
        DataType::Float64 => {
            let floats: &Float64Array = array.as_primitive::<Float64Type>();
            let is_other = |value: &f64| value.is_nan() && value.to_bits() != f64::NAN.to_bits();
            if !floats.values().iter().any(is_other) {
                return Ok(None);
            }
            let one: Float64Array = floats.unary(|value: f64| if value.is_nan() { f64::NAN } else { value });
            Ok(Some(Arc::new(one)))
        }
        DataType::List(element) => {
            let list = array.as_list::<i32>();
            let Some(values) = changed(list.values())? else { return Ok(None) };
            let offsets = list.offsets().clone();
            Ok(Some(Arc::new(ListArray::try_new(Arc::clone(element), offsets, values, list.nulls().cloned())?)))
        }
        DataType::Struct(_) => Ok(changed_struct(array.as_struct())?.map(|rows| Arc::new(rows) as ArrayRef)),
        DataType::Map(field, ordered) => {
            let map = array.as_map();
            let Some(entries) = changed_struct(map.entries())? else { return Ok(None) };
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Ok(Some(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *ordered)?)))
        }
        _ => Ok(None),
    }
}

fn changed_struct(rows: &StructArray) -> Result<Option<StructArray>, ArrowError> {
    let mut any = false;
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(rows.num_columns());
    for column in rows.columns() {
        let one = changed(column)?;
        any |= one.is_some();
        columns.push(one.unwrap_or_else(|| Arc::clone(column)));
    }
    if !any {
        return Ok(None);
    }
    Ok(Some(StructArray::try_new(rows.fields().clone(), columns, rows.nulls().cloned())?))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn bits(array: &ArrayRef) -> Vec<u64> {
        array.as_primitive::<Float64Type>().values().iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn every_nan_becomes_the_same_and_zeros_stay() {
        let payload = f64::from_bits(0x7ff8_0000_0000_0001);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![-f64::NAN, payload, f64::NAN, -0.0, 0.0, 1.5]));
        let nan = f64::NAN.to_bits();
        let expected = vec![nan, nan, nan, (-0.0_f64).to_bits(), 0, 1.5_f64.to_bits()];
        assert_eq!(bits(&with_one_nan(&floats).unwrap()), expected);
        let singles: ArrayRef = Arc::new(Float32Array::from(vec![Some(-f32::NAN), None]));
        let one = with_one_nan(&singles).unwrap();
        assert_eq!(one.as_primitive::<Float32Type>().value(0).to_bits(), f32::NAN.to_bits());
        assert!(one.is_null(1));
    }

    #[test]
    fn nested_floats_are_reached() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![-f64::NAN, 1.0]));
        let field = Arc::new(Field::new("f", DataType::Float64, true));
        let rows: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![floats], None));
        let one = with_one_nan(&rows).unwrap();
        assert_eq!(bits(one.as_struct().column(0)), [f64::NAN.to_bits(), 1.0_f64.to_bits()]);
    }

    #[test]
    fn what_holds_no_other_nan_is_not_copied() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.0]));
        assert!(changed(&floats).unwrap().is_none());
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]));
        assert!(changed(&lists).unwrap().is_none());
    }
}
