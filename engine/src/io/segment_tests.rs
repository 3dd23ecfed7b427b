//! Reading frozen segments from a store that may lie.

use std::future;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use bytes::Bytes;
use frostline_catalog::segment::{BlockRef, RowIds, Segment, Storage};
use frostline_catalog::{Digest, FieldId, ObjectId, RowId, SegmentId, Slot};
use frostline_testkit::{Fault, FaultStore, Operation};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;

use super::{ReadError, SegmentFiles, SegmentReader, read_segment};
use crate::write::sample_tests::{batch_of, every_type};
use crate::write::{EncodedSegment, FrozenWriter, PART_BYTES, PageCompression, WriteSettings};

/// Room for every footer.
pub(crate) const CACHE_BYTES: usize = 1 << 30;

/// Up to which length objects are read whole: near stores and distant ones.
const WHOLE_BYTES: [u64; 2] = [0, 1 << 20];

pub(crate) fn encode(rows: &RecordBatch) -> EncodedSegment {
    let settings = WriteSettings { compression: PageCompression::None, row_group_rows: 10_000, ..Default::default() };
    let mut writer = FrozenWriter::new(rows.schema(), Vec::new(), settings);
    assert!(writer.write(rows).unwrap().is_none());
    writer.finish().unwrap().unwrap()
}

/// Rows whose object has several parts.
pub(crate) fn many_numbers() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..90_000).map(|row| row * 1_000_003)));
    batch_of(vec![("n", numbers)])
}

/// The segment as a catalog describes it.
pub(crate) fn describe(encoded: &EncodedSegment) -> Segment {
    let block = |bytes: &Bytes| BlockRef {
        slot: Slot::new(1),
        index: 0,
        length_bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
    };
    Segment {
        id: SegmentId::new(7),
        table: ObjectId::new(1),
        rows: encoded.rows,
        row_ids: RowIds::From(RowId::new(0)),
        storage: Storage::Frozen {
            object: encoded.object("test"),
            digests: block(&encoded.digests),
            statistics: block(&encoded.statistics),
        },
    }
}

pub(crate) fn path_of(encoded: &EncodedSegment) -> Path {
    Path::from(encoded.object("test").key)
}

/// A store that holds these bytes as the segment's object.
pub(crate) async fn store_with(encoded: &EncodedSegment, bytes: impl Into<Bytes>) -> Arc<dyn ObjectStore> {
    let bytes: Bytes = bytes.into();
    let store = InMemory::new();
    store.put(&path_of(encoded), bytes.into()).await.unwrap();
    Arc::new(store)
}

pub(crate) fn flipped(bytes: &Bytes, place: usize) -> Bytes {
    let mut damaged = bytes.to_vec();
    damaged[place] ^= 0x10;
    Bytes::from(damaged)
}

/// The segments of a near store.
fn near(store: Arc<dyn ObjectStore>) -> SegmentFiles {
    SegmentFiles::new(store, 0, CACHE_BYTES)
}

async fn open(files: &SegmentFiles, encoded: &EncodedSegment) -> Result<SegmentReader, ReadError> {
    files.open(&describe(encoded), future::ready(Ok::<Bytes, ReadError>(encoded.digests.clone()))).await
}

async fn read_all(
    files: &SegmentFiles,
    encoded: &EncodedSegment,
    columns: Option<&[FieldId]>,
) -> Result<RecordBatch, ReadError> {
    let rows = read_segment(files, &describe(encoded), encoded.digests.clone(), columns).await?;
    let batches: Vec<RecordBatch> = rows.try_collect().await?;
    let schema = batches[0].schema();
    Ok(concat_batches(&schema, &batches).unwrap())
}

#[tokio::test]
async fn what_was_written_is_read() {
    for rows in [every_type(), many_numbers()] {
        let encoded = encode(&rows);
        let store = store_with(&encoded, encoded.bytes.clone()).await;
        for whole in WHOLE_BYTES {
            let files = SegmentFiles::new(Arc::clone(&store), whole, CACHE_BYTES);
            assert_eq!(read_all(&files, &encoded, None).await.unwrap(), rows, "{whole}");
        }
    }
}

#[tokio::test]
async fn columns_are_chosen_by_field_id() {
    let rows = every_type();
    let encoded = encode(&rows);
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let columns = [FieldId::new(24), FieldId::new(5), FieldId::new(99)];
    let read = read_all(&near(store), &encoded, Some(&columns)).await.unwrap();
    assert_eq!(read, rows.project(&[4, 23]).unwrap());
}

#[tokio::test]
async fn every_flipped_byte_is_found() {
    let encoded = encode(&every_type());
    assert!(encoded.bytes.len() as u64 <= PART_BYTES);
    for place in (0..encoded.bytes.len()).step_by(41) {
        let store = store_with(&encoded, flipped(&encoded.bytes, place)).await;
        for whole in WHOLE_BYTES {
            let files = SegmentFiles::new(Arc::clone(&store), whole, CACHE_BYTES);
            let error = read_all(&files, &encoded, None).await.unwrap_err();
            assert!(matches!(error, ReadError::Damaged { begin: 0, .. }), "byte {place}: {error:?}");
        }
    }
}

#[tokio::test]
async fn every_damaged_part_is_found() {
    let encoded = encode(&many_numbers());
    for place in (0..encoded.bytes.len()).step_by(97_001) {
        let store = store_with(&encoded, flipped(&encoded.bytes, place)).await;
        for whole in WHOLE_BYTES {
            let files = SegmentFiles::new(Arc::clone(&store), whole, CACHE_BYTES);
            let error = read_all(&files, &encoded, None).await.unwrap_err();
            let ReadError::Damaged { begin, end, .. } = error else { unreachable!("byte {place}: {error:?}") };
            assert!((begin..end).contains(&(place as u64)) && end - begin <= PART_BYTES, "byte {place}");
        }
    }
}

#[tokio::test]
async fn damage_is_located_and_only_met_where_it_is_read() {
    let encoded = encode(&many_numbers());
    let length = encoded.bytes.len() as u64;
    assert!(length > 2 * PART_BYTES, "{length}");
    let store = store_with(&encoded, flipped(&encoded.bytes, PART_BYTES as usize + 3)).await;
    let error = read_all(&near(Arc::clone(&store)), &encoded, None).await.unwrap_err();
    let expected = format!(
        "`{}` is damaged between bytes {PART_BYTES} and {}; run `frostline verify` and restore it from a copy",
        path_of(&encoded),
        2 * PART_BYTES
    );
    assert_eq!(error.to_string(), expected);

    for whole in WHOLE_BYTES {
        let files = SegmentFiles::new(Arc::clone(&store), whole, CACHE_BYTES);
        let mut reader = open(&files, &encoded).await.unwrap();
        assert_eq!(reader.get_bytes(10..20).await.unwrap(), encoded.bytes.slice(10..20));
        let ranges = vec![length - 5..length, 0..4, 4..4];
        let expected = vec![encoded.bytes.slice(length as usize - 5..), encoded.bytes.slice(..4), Bytes::new()];
        assert_eq!(reader.get_byte_ranges(ranges).await.unwrap(), expected);
        let error = reader.get_bytes(PART_BYTES - 1..PART_BYTES + 1).await.unwrap_err();
        let ParquetError::External(cause) = error else { unreachable!() };
        assert!(matches!(cause.downcast_ref::<ReadError>(), Some(ReadError::Damaged { begin: PART_BYTES, .. })));
    }
}

#[tokio::test]
async fn an_object_that_is_not_whole_is_found() {
    let encoded = encode(&every_type());
    let absent: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let error = read_all(&near(absent), &encoded, None).await.unwrap_err();
    assert!(matches!(error, ReadError::Missing { .. }), "{error:?}");
    for kept in [0, 1, encoded.bytes.len() / 2, encoded.bytes.len() - 1] {
        let store = store_with(&encoded, encoded.bytes.slice(..kept)).await;
        let error = read_all(&near(store), &encoded, None).await.unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{kept} bytes: {error:?}");
    }
}

#[tokio::test]
async fn a_shortened_answer_is_found() {
    let encoded = encode(&many_numbers());
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let lying_from = |first: u64| -> Arc<dyn ObjectStore> {
        let plan = move |operation: Operation, _key: &Path, call: u64| match operation {
            Operation::Get if call >= first => Fault::Truncate { len: 100 },
            _ => Fault::None,
        };
        Arc::new(FaultStore::new(Arc::clone(&store), plan))
    };
    for whole in WHOLE_BYTES {
        let files = SegmentFiles::new(lying_from(1), whole, CACHE_BYTES);
        let error = read_all(&files, &encoded, None).await.unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{error:?}");
    }

    // The footer comes as it is.
    let mut reader = open(&near(lying_from(2)), &encoded).await.unwrap();
    // Far enough apart for us, near enough for the store's client to fetch them as one.
    let error = reader.get_byte_ranges(vec![0..10, 2 * PART_BYTES..2 * PART_BYTES + 10]).await.unwrap_err();
    let ParquetError::External(cause) = error else { unreachable!() };
    assert!(matches!(cause.downcast_ref::<ReadError>(), Some(ReadError::Damaged { .. })));
}

#[tokio::test]
async fn a_lost_request_is_the_stores_failure_and_may_be_tried_again() {
    let encoded = encode(&every_type());
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let failing =
        FaultStore::new(
            store,
            |operation: Operation, _key: &Path, call: u64| {
                if operation == Operation::Get && call == 1 { Fault::FailBefore } else { Fault::None }
            },
        );
    let files = near(Arc::new(failing));
    let error = open(&files, &encoded).await.unwrap_err();
    assert!(matches!(error, ReadError::Store { .. }), "{error:?}");
    assert_eq!(open(&files, &encoded).await.unwrap().footer().file_metadata().num_rows(), 4);
}

#[tokio::test]
async fn segments_are_read_without_room_for_their_footers() {
    let encoded = encode(&many_numbers());
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let files = SegmentFiles::new(store, 0, 0);
    for _ in 0..2 {
        assert_eq!(read_all(&files, &encoded, None).await.unwrap().num_rows(), 90_000);
    }
}

#[tokio::test]
async fn digests_of_another_object_are_refused() {
    let encoded = encode(&every_type());
    let other = encode(&many_numbers());
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let digests = future::ready(Ok::<Bytes, ReadError>(other.digests));
    let error = near(store).open(&describe(&encoded), digests).await.unwrap_err();
    assert!(matches!(error, ReadError::Digests { .. }), "{error:?}");
}

#[tokio::test]
async fn a_hot_segment_has_no_object() {
    let encoded = encode(&every_type());
    let mut segment = describe(&encoded);
    let Storage::Frozen { statistics, .. } = segment.storage else { unreachable!() };
    segment.storage = Storage::Hot { rows: statistics };
    let digests = future::ready(Ok::<Bytes, ReadError>(encoded.digests));
    let error = near(Arc::new(InMemory::new())).open(&segment, digests).await.unwrap_err();
    let expected = "segment 7 is hot: its rows are in a slot of the ledger, not in an object";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn nan_in_a_segment_leaves_no_bounds_in_its_footer() {
    let values = (0..20_000).map(|row| if row == 15_000 { f64::NAN } else { f64::from(row) });
    let floats: ArrayRef = Arc::new(arrow::array::Float64Array::from_iter_values(values));
    let rows = batch_of(vec![("f", floats)]);
    assert_eq!(rows.column(0).len(), 20_000);
    let encoded = encode(&rows);
    let store = store_with(&encoded, encoded.bytes.clone()).await;
    let reader = open(&near(store), &encoded).await.unwrap();
    let footer = reader.footer();
    assert_eq!(footer.num_row_groups(), 2);
    for group in footer.row_groups() {
        assert!(group.column(0).statistics().is_none_or(|statistics| statistics.max_bytes_opt().is_none()));
    }
}
