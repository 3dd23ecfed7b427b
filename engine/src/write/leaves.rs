//! The leaves of a type: the columns that Parquet stores for it, in their order.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, PrimitiveArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type};

use crate::nan::holds_floats;

/// How many leaves a type has.
pub(crate) fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(element) => leaf_count(element.data_type()),
        DataType::Map(entries, _) => leaf_count(entries.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        _ => 1,
    }
}

/// For each leaf of an array, whether NaN is among its values.
///
/// What lies under a null counts as absent, whatever is stored there: it is lost when the rows are written.
pub(crate) fn nan_leaves(array: &ArrayRef) -> Vec<bool> {
    let mut found: Vec<bool> = Vec::with_capacity(leaf_count(array.data_type()));
    visit(array, None, &mut found);
    found
}

fn visit(array: &ArrayRef, live: Option<&NullBuffer>, found: &mut Vec<bool>) {
    match array.data_type() {
        DataType::Float32 => found.push(any_nan::<Float32Type>(array.as_primitive(), live, f32::is_nan)),
        DataType::Float64 => found.push(any_nan::<Float64Type>(array.as_primitive(), live, f64::is_nan)),
        data_type if !holds_floats(data_type) => found.extend(vec![false; leaf_count(data_type)]),
        DataType::Struct(_) => {
            let live = NullBuffer::union(live, array.nulls());
            for column in array.as_struct().columns() {
                visit(column, live.as_ref(), found);
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let live = NullBuffer::union(live, list.nulls());
            let elements = live_elements(list.offsets(), live.as_ref(), list.values().len());
            visit(list.values(), Some(&elements), found);
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let live = NullBuffer::union(live, map.nulls());
            let entries = live_elements(map.offsets(), live.as_ref(), map.entries().len());
            visit(map.keys(), Some(&entries), found);
            visit(map.values(), Some(&entries), found);
        }
        data_type => found.extend(vec![false; leaf_count(data_type)]),
    }
}

fn any_nan<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    live: Option<&NullBuffer>,
    is_nan: fn(T::Native) -> bool,
) -> bool {
    let is_live = |row: usize| array.is_valid(row) && live.is_none_or(|live: &NullBuffer| live.is_valid(row));
    array.values().iter().enumerate().any(|(row, value)| is_nan(*value) && is_live(row))
}

/// Which of the elements belong to a row that is there.
fn live_elements(offsets: &OffsetBuffer<i32>, live: Option<&NullBuffer>, elements: usize) -> NullBuffer {
    let mut bits = BooleanBufferBuilder::new(elements);
    let mut next = 0_usize;
    for (row, ends) in offsets.windows(2).enumerate() {
        // Offsets are never negative and never decrease.
        let (begin, end) = (ends[0].unsigned_abs() as usize, ends[1].unsigned_abs() as usize);
        bits.append_n(begin.saturating_sub(next), false);
        bits.append_n(end - begin, live.is_none_or(|live: &NullBuffer| live.is_valid(row)));
        next = end;
    }
    bits.append_n(elements.saturating_sub(next), false);
    NullBuffer::new(bits.finish())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, ListArray, StructArray};
    use arrow::datatypes::Field;

    use super::*;

    fn list_of(values: Vec<f64>, lengths: Vec<usize>, nulls: Option<Vec<bool>>) -> ArrayRef {
        let element = Arc::new(Field::new("item", DataType::Float64, true));
        let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
        let values: ArrayRef = Arc::new(Float64Array::from(values));
        Arc::new(ListArray::new(element, offsets, values, nulls.map(NullBuffer::from)))
    }

    #[test]
    fn nan_under_a_null_is_absent() {
        let values = vec![1.0, f64::NAN, 2.0];
        assert_eq!(nan_leaves(&list_of(values.clone(), vec![1, 1, 1], None)), [true]);
        assert_eq!(nan_leaves(&list_of(values, vec![1, 1, 1], Some(vec![true, false, true]))), [false]);
        let array: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(1.0)]));
        assert_eq!(nan_leaves(&array), [false]);
    }

    #[test]
    fn nan_outside_of_a_slice_is_absent() {
        let list = list_of(vec![f64::NAN, 1.0, 2.0], vec![1, 2], None);
        assert_eq!(nan_leaves(&list), [true]);
        assert_eq!(nan_leaves(&list.slice(1, 1)), [false]);
    }

    #[test]
    fn each_leaf_is_told_apart() {
        let fields = vec![
            Arc::new(Field::new("a", DataType::Int32, true)),
            Arc::new(Field::new("b", DataType::Float64, true)),
            Arc::new(Field::new("c", DataType::Float64, true)),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![1])),
            Arc::new(Float64Array::from(vec![1.0])),
            Arc::new(Float64Array::from(vec![f64::NAN])),
        ];
        let array: ArrayRef = Arc::new(StructArray::new(fields.into(), columns, None));
        assert_eq!(leaf_count(array.data_type()), 3);
        assert_eq!(nan_leaves(&array), [false, false, true]);
    }
}
