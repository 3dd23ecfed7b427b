//! The deep check finds what is wrong and says where.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use bytes::Bytes;
use frostline_catalog::segment::Segment;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::segment_tests::{describe, encode, flipped, many_numbers, path_of, store_with};
use super::{SegmentDamage, check_segment};
use crate::write::sample_tests::{batch_of, every_type};
use crate::write::{EncodedSegment, PART_BYTES, encode_digests};

/// Checks a segment whose object is these bytes.
async fn check(encoded: &EncodedSegment, bytes: Bytes) -> Result<(), SegmentDamage> {
    let store = store_with(encoded, bytes).await;
    check_segment(store.as_ref(), &describe(encoded), &encoded.digests, &encoded.statistics).await
}

fn numbers(begin: i64, end: i64) -> RecordBatch {
    batch_of(vec![("n", Arc::new(Int64Array::from_iter_values(begin..end)) as ArrayRef)])
}

#[tokio::test]
async fn a_sound_segment_passes() {
    let awkward: ArrayRef =
        Arc::new(Float64Array::from(vec![Some(-0.0), Some(f64::NAN), None, Some(0.0), Some(f64::INFINITY)]));
    for rows in [every_type(), many_numbers(), batch_of(vec![("f", awkward)])] {
        let encoded = encode(&rows);
        let checked = check(&encoded, encoded.bytes.clone()).await;
        assert!(checked.is_ok(), "{checked:?}");
    }
}

#[tokio::test]
async fn a_flipped_byte_is_located() {
    let encoded = encode(&many_numbers());
    for place in (0..encoded.bytes.len()).step_by(97_001) {
        let damage = check(&encoded, flipped(&encoded.bytes, place)).await.unwrap_err();
        let SegmentDamage::Bytes { begin, end, .. } = damage else { unreachable!("byte {place}") };
        assert!((begin..end).contains(&(place as u64)) && end - begin <= PART_BYTES, "byte {place}");
    }
}

#[tokio::test]
async fn an_object_that_is_not_whole_is_found() {
    let encoded = encode(&every_type());
    let damage = check(&encoded, encoded.bytes.slice(1..)).await.unwrap_err();
    assert!(matches!(damage, SegmentDamage::Length { .. }), "{damage:?}");
    let absent: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let segment: Segment = describe(&encoded);
    let checked = check_segment(absent.as_ref(), &segment, &encoded.digests, &encoded.statistics).await;
    let expected = format!("`{}` is missing from the store", path_of(&encoded));
    assert_eq!(checked.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn an_object_exchanged_with_its_digests_is_found() {
    let mut encoded = encode(&every_type());
    let segment = describe(&encoded);
    let other = flipped(&encoded.bytes, 100);
    let store = store_with(&encoded, other.clone()).await;
    encoded.digests = encode_digests(&other);
    let checked = check_segment(store.as_ref(), &segment, &encoded.digests, &encoded.statistics).await;
    assert!(matches!(checked, Err(SegmentDamage::Object { .. })), "{checked:?}");
}

#[tokio::test]
async fn another_number_of_rows_is_found() {
    let mut encoded = encode(&every_type());
    encoded.rows += 1;
    let damage = check(&encoded, encoded.bytes.clone()).await.unwrap_err();
    assert!(matches!(damage, SegmentDamage::Rows { expected: 5, found: 4, .. }), "{damage:?}");
}

#[tokio::test]
async fn statistics_of_other_rows_are_found() {
    let mut encoded = encode(&numbers(0, 10));
    for (other, expected) in [(numbers(0, 11), "rows"), (numbers(1, 11), "min_1"), (every_type(), "columns")] {
        encoded.statistics = encode(&other).statistics;
        let damage = check(&encoded, encoded.bytes.clone()).await.unwrap_err();
        let SegmentDamage::OtherStatistics { statistic, .. } = damage else { unreachable!("{expected}") };
        assert_eq!(statistic, expected);
    }
    encoded.statistics = Bytes::new();
    let damage = check(&encoded, encoded.bytes.clone()).await.unwrap_err();
    assert!(matches!(damage, SegmentDamage::Statistics { .. }), "{damage:?}");
}
