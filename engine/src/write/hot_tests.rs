//! Hot blocks: what goes in comes out, and damage never panics.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use bytes::Bytes;
use frostline_catalog::FieldId;
use frostline_catalog::schema::field_id;
use proptest::prelude::*;

use super::sample_tests::{batch_of, every_type};
use super::{HotError, decode_hot, encode_hot};

fn numbers(values: Vec<i64>) -> RecordBatch {
    batch_of(vec![("n", Arc::new(Int64Array::from(values)) as ArrayRef)])
}

#[test]
fn rows_of_every_type_survive_a_block() {
    let rows = every_type();
    let read = decode_hot(&encode_hot(&rows).unwrap()).unwrap();
    assert_eq!(read.schema(), rows.schema());
    assert_eq!(read, rows);
    assert_eq!(field_id(read.schema().field(4)), Some(FieldId::new(5)));
}

#[test]
fn a_damaged_block_does_no_harm_to_the_next() {
    let block = encode_hot(&numbers(vec![7; 10_000])).unwrap();
    assert_eq!(block[0], 1, "it is compressed");
    for length in 1..block.len() {
        assert!(decode_hot(&block.slice(..length)).is_err(), "{length}");
        assert_eq!(decode_hot(&block).unwrap().num_rows(), 10_000, "after one of {length} bytes");
    }
}

#[test]
fn a_slice_is_written_without_the_rows_around_it() {
    let texts: Vec<String> = (0..2000).map(|number| format!("{number:0>100}")).collect();
    let texts: ArrayRef = Arc::new(StringViewArray::from(texts));
    let rows = batch_of(vec![("text", texts)]).slice(1000, 2);
    let block = encode_hot(&rows).unwrap();
    assert!(block.len() < 1000, "{} bytes", block.len());
    assert_eq!(decode_hot(&block).unwrap(), rows);
    assert_eq!(decode_hot(&encode_hot(&every_type().slice(1, 2)).unwrap()).unwrap(), every_type().slice(1, 2));
}

#[test]
fn a_block_is_compressed_only_if_that_makes_it_smaller() {
    let compressed = encode_hot(&numbers(vec![0; 10_000])).unwrap();
    assert_eq!(compressed[0], 1);
    assert!(compressed.len() < 2000);
    let mut seed = 1_u64;
    let noise: Vec<i64> = (0..10_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed ^ (seed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64
        })
        .collect();
    let block = encode_hot(&numbers(noise.clone())).unwrap();
    let read = decode_hot(&block).unwrap();
    assert_eq!(read.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec(), noise);
    assert!(block.len() < 10_000 * 8 + 1000);
}

#[test]
fn no_rows_are_rows_too() {
    let rows = every_type().slice(0, 0);
    let read = decode_hot(&encode_hot(&rows).unwrap()).unwrap();
    assert_eq!((read.num_rows(), read.schema()), (0, rows.schema()));
}

#[test]
fn an_unknown_codec_asks_for_a_newer_version() {
    let error = decode_hot(&Bytes::from_static(&[9, 1, 2])).unwrap_err();
    assert!(matches!(error, HotError::UnknownCodec { codec: 9 }), "{error:?}");
    assert!(matches!(decode_hot(&Bytes::new()), Err(HotError::NotOneBatch)));
}

#[test]
fn a_block_that_is_cut_off_never_panics() {
    let block = encode_hot(&every_type()).unwrap();
    for length in 0..block.len() {
        let _ = decode_hot(&block.slice(..length));
    }
    let stream = plain_block();
    // The end marker alone may be missing: the rows are there.
    for length in 0..stream.len() - 8 {
        assert!(decode_hot(&stream.slice(..length)).is_err(), "{length} of {} bytes", stream.len());
    }
}

/// A block of codec 0, so that damage reaches the Arrow stream.
fn plain_block() -> Bytes {
    let block = encode_hot(&numbers(vec![1, 2, 3])).unwrap();
    if block[0] == 0 {
        return block;
    }
    let mut plain = vec![0_u8];
    plain.extend(zstd::decode_all(&block[1..]).unwrap());
    Bytes::from(plain)
}

proptest! {
    #[test]
    fn damage_in_a_block_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for block in [encode_hot(&every_type()).unwrap(), plain_block()] {
            let mut damaged = block.to_vec();
            for (place, byte) in &damage {
                let place = place.index(damaged.len());
                damaged[place] = *byte;
            }
            let _ = decode_hot(&Bytes::from(damaged));
        }
    }

    #[test]
    fn garbage_never_panics(garbage in prop::collection::vec(any::<u8>(), 0..300), codec in 0..3_u8) {
        let mut block = vec![codec];
        block.extend(&garbage);
        let _ = decode_hot(&Bytes::from(block));
    }
}
