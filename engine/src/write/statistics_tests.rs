//! Statistics against a naive count of the same rows.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array,
    ListArray, RecordBatch, StringViewArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float32Type, Float64Type, Int64Type, UInt64Type};
use frostline_catalog::FieldId;
use proptest::prelude::*;

use super::StatisticsBuilder;
use super::block::encode_block;
use super::sample_tests::{batch_of, every_type};
use crate::statistics::{FieldStatistics, SegmentStatistics};

/// The statistics of rows that come in batches of up to `step` rows, through their block.
fn count(rows: &RecordBatch, step: usize) -> SegmentStatistics {
    let mut builder = StatisticsBuilder::new(&rows.schema());
    let mut begin = 0_usize;
    while begin < rows.num_rows() {
        let length = step.min(rows.num_rows() - begin);
        builder.add(&rows.slice(begin, length));
        begin += length;
    }
    let row = SegmentStatistics::decode_block(&encode_block(&builder.finish().unwrap()).unwrap()).unwrap();
    SegmentStatistics::concat(vec![row]).unwrap()
}

fn count_column(column: ArrayRef, step: usize) -> FieldStatistics {
    count(&batch_of(vec![("c", column)]), step).field(FieldId::FIRST).unwrap().clone()
}

fn is_null(values: &FieldStatistics) -> bool {
    let is_null = |bound: &ArrayRef| bound.is_null(0) || bound.data_type() == &DataType::Null;
    is_null(&values.min) && is_null(&values.max)
}

#[test]
fn every_flat_type_has_bounds_and_no_nested_one() {
    let rows = every_type();
    let all = count(&rows, 3);
    assert_eq!(all.rows().value(0), 4);
    for (place, field) in rows.schema().fields().iter().enumerate() {
        let statistics = all.field(FieldId::new(place as i32 + 1)).unwrap();
        assert_eq!(statistics.null_count.value(0), 1, "{}", field.name());
        assert!(!statistics.has_nan.value(0), "{}", field.name());
        let is_flat = !field.data_type().is_nested();
        assert_eq!(!is_null(statistics), is_flat, "{}", field.name());
        assert_eq!(statistics.max_exact.value(0), is_flat, "{}", field.name());
        if is_flat {
            assert_eq!(statistics.min.data_type(), field.data_type());
        }
    }
    let decimal = all.field(FieldId::new(12)).unwrap();
    assert_eq!(decimal.min.as_primitive::<Decimal128Type>().value(0), -999_999_999);
}

#[test]
fn nan_within_a_nested_column_is_seen() {
    let mut rows = every_type();
    let map = rows.remove_column(25);
    assert!(!count_column(map, 9).has_nan.value(0));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
    let offsets = OffsetBuffer::<i32>::from_lengths([1]);
    let element = Arc::new(Field::new("item", floats.data_type().clone(), true));
    let list: ArrayRef = Arc::new(ListArray::new(element, offsets, floats, None));
    assert!(count_column(list, 9).has_nan.value(0));
}

#[test]
fn nulls_alone_have_no_bounds() {
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None, None]));
    let statistics = count_column(nulls, 1);
    assert!(is_null(&statistics) && !statistics.min_exact.value(0));
    assert_eq!(statistics.null_count.value(0), 2);
}

/// Floats with a taste for the awkward ones.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>().prop_filter("not NaN", |value| !value.is_nan()),
        1 => Just(0.0),
        1 => Just(-0.0),
        1 => Just(f64::INFINITY),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![3 => Just('a'), 1 => any::<char>(), 1 => Just('\u{10ffff}')];
    prop::collection::vec(character, 0..80).prop_map(|characters| characters.into_iter().collect())
}

/// The least and greatest by an order, and the number of nulls.
fn naive<T: Clone>(values: &[Option<T>], order: impl Fn(&T, &T) -> Ordering) -> (Option<(T, T)>, u64) {
    let there: Vec<&T> = values.iter().flatten().collect();
    let min = there.iter().min_by(|a, b| order(a, b)).map(|value| (*value).clone());
    let max = there.iter().max_by(|a, b| order(a, b)).map(|value| (*value).clone());
    (min.zip(max), (values.len() - there.len()) as u64)
}

proptest! {
    #[test]
    fn whole_numbers_are_counted_as_a_naive_count_does(
        values in prop::collection::vec(any::<Option<i64>>(), 1..50),
        step in 1..60_usize,
    ) {
        let (bounds, nulls) = naive(&values, i64::cmp);
        let statistics = count_column(Arc::new(Int64Array::from(values.clone())), step);
        prop_assert_eq!(statistics.null_count.value(0), nulls);
        match bounds {
            None => prop_assert!(is_null(&statistics)),
            Some((min, max)) => {
                prop_assert_eq!(statistics.min.as_primitive::<Int64Type>().value(0), min);
                prop_assert_eq!(statistics.max.as_primitive::<Int64Type>().value(0), max);
                prop_assert!(statistics.min_exact.value(0) && statistics.max_exact.value(0));
            }
        }

        let unsigned: Vec<Option<u64>> = values.iter().map(|value| value.map(|value| value as u64)).collect();
        let (bounds, _) = naive(&unsigned, u64::cmp);
        let statistics = count_column(Arc::new(UInt64Array::from(unsigned)), step);
        if let Some((min, max)) = bounds {
            prop_assert_eq!(statistics.min.as_primitive::<UInt64Type>().value(0), min);
            prop_assert_eq!(statistics.max.as_primitive::<UInt64Type>().value(0), max);
        }

        let odd: Vec<Option<bool>> = values.iter().map(|value| value.map(|value| value % 2 != 0)).collect();
        let (bounds, _) = naive(&odd, bool::cmp);
        let statistics = count_column(Arc::new(BooleanArray::from(odd)), step);
        if let Some((min, max)) = bounds {
            prop_assert_eq!(statistics.min.as_boolean().value(0), min);
            prop_assert_eq!(statistics.max.as_boolean().value(0), max);
        }

        let wide: Vec<Option<i128>> = values.iter().map(|value| value.map(|value| i128::from(value) << 60)).collect();
        let (bounds, _) = naive(&wide, i128::cmp);
        let wide = Decimal128Array::from(wide).with_precision_and_scale(38, 3).unwrap();
        let statistics = count_column(Arc::new(wide), step);
        if let Some((min, max)) = bounds {
            prop_assert_eq!(statistics.min.as_primitive::<Decimal128Type>().value(0), min);
            prop_assert_eq!(statistics.max.as_primitive::<Decimal128Type>().value(0), max);
        }
    }

    #[test]
    fn floats_are_bounded_and_nan_takes_the_bounds_away(
        values in prop::collection::vec(prop::option::of(float()), 1..50),
        nan in any::<bool>(),
        step in 1..60_usize,
    ) {
        let (bounds, nulls) = naive(&values, f64::total_cmp);
        let mut values = values;
        if nan {
            values.push(Some(f64::NAN));
        }
        let narrow: Vec<Option<f32>> = values.iter().map(|value| value.map(|value| value as f32)).collect();
        let statistics = count_column(Arc::new(Float64Array::from(values)), step);
        prop_assert_eq!(statistics.null_count.value(0), nulls);
        prop_assert_eq!(statistics.has_nan.value(0), nan);
        match bounds {
            Some((min, max)) if !nan => {
                let stored_min = statistics.min.as_primitive::<Float64Type>().value(0);
                let stored_max = statistics.max.as_primitive::<Float64Type>().value(0);
                prop_assert!(stored_min == min && stored_max == max);
                prop_assert_eq!(statistics.min_exact.value(0), stored_min.to_bits() == min.to_bits());
                prop_assert_eq!(statistics.max_exact.value(0), stored_max.to_bits() == max.to_bits());
            }
            _ => prop_assert!(is_null(&statistics)),
        }

        let (bounds, _) = naive(&narrow, f32::total_cmp);
        let statistics = count_column(Arc::new(Float32Array::from(narrow)), step);
        prop_assert_eq!(statistics.has_nan.value(0), nan);
        if let (Some((min, max)), false) = (bounds, nan) {
            prop_assert!(statistics.min.as_primitive::<Float32Type>().value(0) == min);
            prop_assert!(statistics.max.as_primitive::<Float32Type>().value(0) == max);
        }
    }

    #[test]
    fn texts_and_bytes_lie_between_their_bounds(
        values in prop::collection::vec(prop::option::of(text()), 1..20),
        step in 1..30_usize,
    ) {
        let (bounds, nulls) = naive(&values, String::cmp);
        let blobs: Vec<Option<&[u8]>> = values.iter().map(|value| value.as_deref().map(str::as_bytes)).collect();
        let as_bytes = count_column(Arc::new(BinaryViewArray::from(blobs)), step);
        let as_text = count_column(Arc::new(StringViewArray::from(values.clone())), step);
        prop_assert_eq!((as_text.null_count.value(0), as_bytes.null_count.value(0)), (nulls, nulls));
        let Some((min, max)) = bounds else {
            prop_assert!(is_null(&as_text) && is_null(&as_bytes));
            return Ok(());
        };
        let stored_min = as_text.min.as_string_view().value(0);
        prop_assert!(stored_min <= min.as_str() && stored_min.len() <= 64);
        prop_assert_eq!(as_text.min_exact.value(0), stored_min == min);
        prop_assert!(as_bytes.min.as_binary_view().value(0) <= min.as_bytes());
        if as_text.max.is_valid(0) {
            let stored_max = as_text.max.as_string_view().value(0);
            prop_assert!(stored_max >= max.as_str() && stored_max.len() <= 67);
            prop_assert_eq!(as_text.max_exact.value(0), stored_max == max);
        } else {
            let starts_high = max.starts_with(char::MAX);
            prop_assert!(max.len() > 64 && starts_high);
        }
        if as_bytes.max.is_valid(0) {
            prop_assert!(as_bytes.max.as_binary_view().value(0) >= max.as_bytes());
        }
    }
}
