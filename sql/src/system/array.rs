//! Values of system relations as Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListArray, MapArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use frostline_catalog::Micros;
use frostline_catalog::schema::UTC;

use super::field::{text_element, text_entries};

/// Texts.
pub(crate) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

/// Texts, where there are any.
pub(crate) fn optional_texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    let array: StringViewArray = values.into_iter().collect();
    Arc::new(array)
}

/// Numbers.
pub(crate) fn numbers(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values.into_iter().map(signed)))
}

/// Numbers, where there are any.
pub(crate) fn optional_numbers(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    let array: Int64Array = values.into_iter().map(|value: Option<u64>| value.map(signed)).collect();
    Arc::new(array)
}

/// Yes and no.
pub(crate) fn flags(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    let values: Vec<bool> = values.into_iter().collect();
    Arc::new(BooleanArray::from(values))
}

/// Instants, where there are any.
pub(crate) fn times(values: impl IntoIterator<Item = Option<Micros>>) -> ArrayRef {
    let array: TimestampMicrosecondArray =
        values.into_iter().map(|time: Option<Micros>| time.map(Micros::get)).collect();
    Arc::new(array.with_timezone(UTC))
}

/// Lists of texts.
pub(crate) fn text_lists(lists: &[Vec<String>]) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::<i32>::from_lengths(lists.iter().map(Vec::len));
    let array = ListArray::try_new(Arc::new(text_element()), offsets, texts(lists.iter().flatten()), None)?;
    Ok(Arc::new(array))
}

/// Maps of texts.
pub(crate) fn text_maps<'a>(
    maps: impl Iterator<Item = &'a [(String, String)]> + Clone,
) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::<i32>::from_lengths(maps.clone().map(<[(String, String)]>::len));
    let entries = text_entries();
    let pairs = || maps.clone().flatten();
    let columns = vec![texts(pairs().map(|(key, _)| key)), texts(pairs().map(|(_, value)| value))];
    let fields = match entries.data_type() {
        DataType::Struct(fields) => fields.clone(),
        other => return Err(ArrowError::SchemaError(format!("the entries of a map are a struct, not {other}"))),
    };
    let pairs = StructArray::try_new(fields, columns, None)?;
    Ok(Arc::new(MapArray::try_new(Arc::new(entries), offsets, pairs, None, false)?))
}

/// Ids, versions and counts are far from the greatest signed number.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn lists_hold_their_own_texts() {
        let lists = [vec!["a".to_owned(), "b".to_owned()], Vec::new(), vec!["c".to_owned()]];
        let array = text_lists(&lists).unwrap();
        let list = array.as_list::<i32>();
        let lengths: Vec<usize> = (0..3).map(|row| list.value(row).len()).collect();
        assert_eq!(lengths, [2, 0, 1]);
        assert_eq!(list.value(2).as_string_view().value(0), "c");
    }

    #[test]
    fn maps_hold_their_own_pairs() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let maps = [vec![pair("a", "1"), pair("b", "2")], Vec::new(), vec![pair("a", "3")]];
        let array = text_maps(maps.iter().map(Vec::as_slice)).unwrap();
        let map = array.as_map();
        let lengths: Vec<usize> = (0..3).map(|row| map.value(row).len()).collect();
        assert_eq!(lengths, [2, 0, 1]);
        assert_eq!(map.value(2).column(1).as_string_view().value(0), "3");
    }

    #[test]
    fn a_number_beyond_the_signed_ones_is_the_greatest_of_them() {
        let array = numbers([7, u64::MAX]);
        let values = array.as_primitive::<arrow::datatypes::Int64Type>().values();
        assert_eq!(values.to_vec(), [7, i64::MAX]);
    }
}
