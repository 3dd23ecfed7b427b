//! How many bytes rows take, without the parts of shared buffers that they do not use.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// What a batch's values take.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(value_bytes).sum()
}

/// What an array's values take: the bytes of its texts, not the buffers that it shares with others.
fn value_bytes(array: &ArrayRef) -> usize {
    let views = |lengths: &mut dyn Iterator<Item = u32>| lengths.map(|length| length as usize + 4).sum();
    match array.data_type() {
        DataType::Utf8View => views(&mut array.as_string_view().lengths()),
        DataType::BinaryView => views(&mut array.as_binary_view().lengths()),
        DataType::Struct(_) => array.as_struct().columns().iter().map(value_bytes).sum(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let (Some(first), Some(last)) = (list.value_offsets().first(), list.value_offsets().last()) else {
                return 0;
            };
            value_bytes(&list.values().slice(*first as usize, (last - first) as usize)) + 4 * list.len()
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (Some(first), Some(last)) = (map.value_offsets().first(), map.value_offsets().last()) else { return 0 };
            let entries = map.entries().slice(*first as usize, (last - first) as usize);
            entries.columns().iter().map(value_bytes).sum::<usize>() + 4 * map.len()
        }
        _ => array.to_data().get_slice_memory_size().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray, StringViewArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn a_slice_counts_only_what_it_shows() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        assert_eq!(value_bytes(&numbers.slice(10, 2)), 16);
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(["x".repeat(100), "y".to_owned()]));
        assert!(value_bytes(&texts.slice(1, 1)) < 100);
        let rows = (0..100).map(|row| Some(vec![Some(row), Some(row)]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows));
        assert_eq!(value_bytes(&lists.slice(5, 1)), 16 + 4);
    }
}
