//! What it costs to open a frozen segment and to read of it: requests, and round trips to a store that answers late.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frostline_testkit::FaultStore;
use futures::future;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::AsyncFileReader;
use tokio::time::Instant;

use super::segment_tests::{CACHE_BYTES, describe, encode, many_numbers, store_with};
use super::{ReadError, SegmentFiles, SegmentReader};
use crate::write::EncodedSegment;

/// How long a request takes.
const ROUND_TRIP: Duration = Duration::from_millis(30);

/// The key of what the tests take for a slot: it holds the digests alone.
const SLOT: &str = "slot";

/// A segment of several parts on a store that answers late, and its digests with it.
struct Distant {
    store: Arc<FaultStore>,
    files: SegmentFiles,
    encoded: EncodedSegment,
    begun: Instant,
}

impl Distant {
    /// The segment; `whole` says whether it is short enough to be read whole.
    async fn with(whole: bool) -> Self {
        let encoded = encode(&many_numbers());
        let inner = store_with(&encoded, encoded.bytes.clone()).await;
        inner.put(&Path::from(SLOT), encoded.digests.clone().into()).await.unwrap();
        let store = Arc::new(FaultStore::counting(inner).with_delay(ROUND_TRIP));
        let objects: Arc<dyn ObjectStore> = store.clone();
        let length = encoded.bytes.len() as u64;
        let files = SegmentFiles::new(objects, if whole { length } else { length - 1 }, CACHE_BYTES);
        Self { store, files, encoded, begun: Instant::now() }
    }

    async fn open(&self) -> SegmentReader {
        let digests = async {
            let answer = self.store.get(&Path::from(SLOT)).await.unwrap();
            Ok::<Bytes, ReadError>(answer.bytes().await.unwrap())
        };
        self.files.open(&describe(&self.encoded), digests).await.unwrap()
    }

    /// Reads the first bytes, which are far from the footer.
    async fn read(&self, reader: &mut SegmentReader) {
        assert_eq!(reader.get_bytes(4..100).await.unwrap(), self.encoded.bytes.slice(4..100));
    }

    /// So many round trips and gets since the beginning, and no other request.
    #[track_caller]
    fn check(&self, round_trips: u128, gets: u64) {
        // Timers are as fine as milliseconds, so that a round trip takes up to one more.
        let passed = self.begun.elapsed().as_millis() / ROUND_TRIP.as_millis();
        let counts = self.store.counts();
        assert_eq!((passed, counts.gets, counts.heads, counts.lists), (round_trips, gets, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_segment_is_opened_and_read_in_one_round_trip() {
    let distant = Distant::with(true).await;
    let mut reader = distant.open().await;
    distant.check(1, 2);
    distant.read(&mut reader).await;
    distant.check(1, 2);
}

#[tokio::test(start_paused = true)]
async fn a_large_segment_is_opened_in_one_round_trip_and_read_in_another() {
    let distant = Distant::with(false).await;
    let mut reader = distant.open().await;
    distant.check(1, 2);
    distant.read(&mut reader).await;
    distant.check(2, 3);
    let end = distant.encoded.bytes.len();
    let last = reader.get_bytes(end as u64 - 10..end as u64).await.unwrap();
    assert_eq!(last, distant.encoded.bytes.slice(end - 10..));
    // That came with the footer.
    distant.check(2, 3);
}

#[tokio::test(start_paused = true)]
async fn a_segment_is_opened_once_and_rows_that_came_with_it_are_not_kept() {
    let distant = Distant::with(true).await;
    drop(distant.open().await);
    let mut again = distant.open().await;
    distant.check(1, 2);
    distant.read(&mut again).await;
    distant.check(2, 3);
}

#[tokio::test(start_paused = true)]
async fn of_those_who_open_a_segment_at_the_same_time_one_asks() {
    for (whole, gets) in [(true, 3), (false, 4)] {
        let distant = Distant::with(whole).await;
        let (mut first, mut second) = future::join(distant.open(), distant.open()).await;
        distant.check(1, 2);
        distant.read(&mut first).await;
        distant.read(&mut second).await;
        // Whoever waited reads its rows by itself.
        assert_eq!(distant.store.counts().gets, gets);
    }
}
