//! What opening a ledger costs: requests, and round trips to a store that answers after a while.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use frostline_testkit::Counts;
use tokio::time::Instant;

use super::*;
use crate::checkpoint::Index;
use crate::io::hint::read_hint;
use crate::io::keys;

/// How long a request takes.
const ROUND_TRIP: Duration = Duration::from_millis(30);

/// A lake of so many slots, with a checkpoint whenever so many came after the last one. The hint names the last slot.
async fn lake(interval: u64, slots: u64) -> (Arc<dyn ObjectStore>, Ledger) {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let store = LakeStore::from_one(Arc::clone(&inner));
    create(&store).await;
    // The first two slots are the lake's and the table's.
    let ledger = with_rows(&store, interval, slots - 2).await;
    assert_eq!(ledger.state().head().slot, Slot::new(slots));
    (inner, ledger)
}

async fn commit_rows(ledger: &Ledger, commits: u64) {
    let table = table_named(&ledger.state(), "t").unwrap();
    for _ in 0..commits {
        ledger.commit(append(&ledger.state(), table, "x")).await.unwrap();
    }
}

async fn bytes_of(store: &Arc<dyn ObjectStore>, key: &Path) -> Bytes {
    store.get(key).await.unwrap().bytes().await.unwrap()
}

/// The keys of the runs that the checkpoint at a slot names.
async fn runs_of(store: &Arc<dyn ObjectStore>, slot: u64) -> Vec<String> {
    let index = Index::decode(&bytes_of(store, &keys::checkpoint_index(Slot::new(slot))).await).unwrap();
    index.runs.into_iter().map(|run| run.key).collect()
}

/// Writes a hint as its format says.
async fn put_hint(store: &Arc<dyn ObjectStore>, head: u64, checkpoint: u64, runs: &[String]) {
    let mut text = format!("head {head}\ncheckpoint {checkpoint}\n");
    for run in runs {
        text.push_str(&format!("run {run}\n"));
    }
    let digest = Digest::of(text.as_bytes());
    text.push_str(&format!("sha256 {digest}\n"));
    store.put(&Path::from(keys::HINT), text.into()).await.unwrap();
}

/// What it took to open a lake.
#[derive(Debug)]
struct Opened {
    result: Result<Ledger, LedgerError>,
    counts: Counts,
    round_trips: u128,
}

impl Opened {
    #[track_caller]
    fn check(&self, head: Slot, round_trips: u128, lists: u64) {
        let found = self.result.as_ref().unwrap().state().head().slot;
        assert_eq!((found, self.round_trips, self.counts.lists), (head, round_trips, lists), "{:?}", self.counts);
    }
}

async fn open_slowly(inner: &Arc<dyn ObjectStore>) -> Opened {
    let slow = Arc::new(FaultStore::counting(Arc::clone(inner)).with_delay(ROUND_TRIP));
    let objects: Arc<dyn ObjectStore> = slow.clone();
    let begun = Instant::now();
    let result = Ledger::open(LakeStore::from_one(objects), clock(), "here", settings(1000)).await;
    // Timers are as fine as milliseconds, so that a round trip takes up to one more.
    let round_trips = begun.elapsed().as_millis() / ROUND_TRIP.as_millis();
    Opened { result, counts: slow.counts(), round_trips }
}

#[tokio::test(start_paused = true)]
async fn a_new_lake_opens_in_two_round_trips_and_nothing_is_listed() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    open_slowly(&inner).await.check(Slot::new(1), 2, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lake_without_a_checkpoint_opens_in_two_round_trips() {
    let (inner, _) = lake(1000, 80).await;
    open_slowly(&inner).await.check(Slot::new(80), 2, 0);
}

#[tokio::test(start_paused = true)]
async fn the_slots_behind_a_checkpoint_are_read_while_it_is_loaded() {
    let (inner, _) = lake(100, 150).await;
    let opened = open_slowly(&inner).await;
    opened.check(Slot::new(150), 2, 0);
    assert_eq!(opened.counts.heads, 0, "{:?}", opened.counts);
}

#[tokio::test(start_paused = true)]
async fn runs_that_the_hint_names_are_read_beside_the_index_and_once() {
    let (inner, _) = lake(10, 137).await;
    let runs = runs_of(&inner, 130).await;
    assert!(runs.len() > 6, "{runs:?}");
    assert_eq!(read_hint(inner.as_ref()).await.unwrap().runs, runs);
    let opened = open_slowly(&inner).await;
    opened.check(Slot::new(137), 2, 0);
    // `frostline.json`, the hint, the index, the record, the runs, 7 slots and 8 behind them.
    assert_eq!(opened.counts.gets, 4 + runs.len() as u64 + 15, "{:?}", opened.counts);
}

#[tokio::test]
async fn a_hint_between_two_checkpoints_names_the_runs_of_the_last() {
    let (inner, ledger) = lake(100, 100).await;
    let runs = runs_of(&inner, 100).await;
    commit_rows(&ledger, 60).await;
    let hint = read_hint(inner.as_ref()).await.unwrap();
    assert!(hint.head >= Slot::new(120), "{hint:?}");
    assert_eq!((hint.checkpoint, &hint.runs), (Slot::new(100), &runs));
    // A process that opened the lake knows them from the index.
    let reopened = open(&LakeStore::from_one(Arc::clone(&inner)), 100).await;
    commit_rows(&reopened, 1).await;
    reopened.settle().await;
    let hint = read_hint(inner.as_ref()).await.unwrap();
    assert_eq!((hint.head, hint.runs), (Slot::new(161), runs));
}

#[tokio::test(start_paused = true)]
async fn runs_that_the_hint_does_not_name_take_one_round_trip_more() {
    let (inner, _) = lake(100, 150).await;
    let runs = runs_of(&inner, 100).await;
    let named = read_hint(inner.as_ref()).await.unwrap().runs;
    assert_eq!(named, runs);
    let absent = "checkpoints/000000000100/facts-0123456789abcdef.parquet".to_owned();
    let index = keys::checkpoint_index(Slot::new(100)).to_string();
    let wrong: [Vec<String>; 4] = [
        // As hints were before they named runs.
        Vec::new(),
        runs[1..].to_vec(),
        vec![absent.clone(); runs.len()],
        [vec![absent, index], runs[..1].to_vec()].concat(),
    ];
    for named in wrong {
        put_hint(&inner, 150, 100, &named).await;
        let opened = open_slowly(&inner).await;
        opened.check(Slot::new(150), 3, 0);
        let state = opened.result.unwrap().state();
        assert_eq!(state.recompute_digest(), Ok(state.digest()), "{named:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn runs_beyond_those_of_the_checkpoint_are_not_used() {
    let (inner, _) = lake(100, 150).await;
    let mut named = runs_of(&inner, 100).await;
    let stranger = "checkpoints/000000000100/segments-0123456789abcdef.parquet".to_owned();
    inner.put(&Path::from(stranger.as_str()), "no run of this checkpoint".into()).await.unwrap();
    named.insert(0, stranger);
    put_hint(&inner, 150, 100, &named).await;
    open_slowly(&inner).await.check(Slot::new(150), 2, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_altered_is_not_believed_because_the_hint_names_it() {
    let (inner, before) = lake(100, 150).await;
    for run in runs_of(&inner, 100).await {
        let key = Path::from(run.as_str());
        let whole = bytes_of(&inner, &key).await;
        let mut flipped = whole.to_vec();
        flipped[whole.len() / 2] ^= 1;
        inner.put(&key, flipped.into()).await.unwrap();
        let state = open_slowly(&inner).await.result.unwrap().state();
        assert_eq!(state.head(), before.state().head(), "{run}");
        assert_eq!(state.recompute_digest(), Ok(before.state().digest()), "{run}");
        inner.put(&key, whole.into()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_tail_as_long_as_two_checkpoints_lie_apart_takes_four_round_trips() {
    let (inner, _) = lake(256, 511).await;
    open_slowly(&inner).await.check(Slot::new(511), 4, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_is_50_slots_old_takes_four_round_trips() {
    let (inner, ledger) = lake(100, 150).await;
    let key = Path::from(keys::HINT);
    let old = bytes_of(&inner, &key).await;
    commit_rows(&ledger, 50).await;
    ledger.settle().await;
    inner.put(&key, old.into()).await.unwrap();
    open_slowly(&inner).await.check(Slot::new(200), 4, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hint_or_a_checkpoint_that_is_lost_costs_a_listing() {
    let (inner, _) = lake(100, 150).await;
    let (hint, index) = (Path::from(keys::HINT), keys::checkpoint_index(Slot::new(100)));
    let damaged = [(&hint, None), (&hint, Some("head 1")), (&index, None), (&index, Some("FROSTCP3"))];
    for (key, replaced) in damaged {
        let kept = bytes_of(&inner, key).await;
        match replaced {
            None => inner.delete(key).await.unwrap(),
            Some(text) => drop(inner.put(key, text.into()).await.unwrap()),
        }
        let opened = open_slowly(&inner).await;
        assert_eq!(opened.result.as_ref().unwrap().state().head().slot, Slot::new(150), "{key}");
        assert_eq!(opened.counts.lists, 1, "{key}");
        inner.put(key, kept.into()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_was_lost_behind_an_old_hint_is_named() {
    let (inner, ledger) = lake(1000, 20).await;
    let key = Path::from(keys::HINT);
    let old = bytes_of(&inner, &key).await;
    commit_rows(&ledger, 10).await;
    for lost in [21, 24, 25, 28, 29] {
        let slot = keys::slot(Slot::new(lost));
        let kept = bytes_of(&inner, &slot).await;
        inner.delete(&slot).await.unwrap();
        inner.put(&key, old.clone().into()).await.unwrap();
        let error = open_slowly(&inner).await.result.unwrap_err();
        assert!(matches!(error, LedgerError::MissingSlot { slot, .. } if slot == Slot::new(lost)), "{lost}: {error}");
        inner.put(&slot, kept.into()).await.unwrap();
    }
}

/// The lake behind a store that does not show some of its slots when they are read.
fn hiding(inner: Arc<dyn ObjectStore>, hides: impl Fn(&Path) -> bool + Send + Sync + 'static) -> LakeStore {
    let first = keys::slot(Slot::new(15));
    let store = FaultStore::new(inner, move |operation: Operation, key: &Path, _call: u64| {
        let is_late_slot = key.as_ref().starts_with("log/") && *key >= first;
        if operation == Operation::Get && is_late_slot && hides(key) { Fault::Unseen } else { Fault::None }
    });
    LakeStore::from_one(Arc::new(store))
}

#[tokio::test]
async fn slots_that_the_store_did_not_show_at_first_are_followed() {
    let (inner, _) = lake(1000, 20).await;
    let asked: Mutex<HashSet<Path>> = Mutex::default();
    let store = hiding(inner, move |key| asked.lock().unwrap().insert(key.clone()));
    assert_eq!(open(&store, 1000).await.state().head().slot, Slot::new(20));
}

#[tokio::test]
async fn slots_that_are_there_and_cannot_be_read_are_no_end_of_the_ledger() {
    let (inner, _) = lake(1000, 20).await;
    let store = hiding(inner, |_| true);
    let error = Ledger::open(store, clock(), "here", settings(1000)).await.unwrap_err();
    assert!(matches!(error, LedgerError::LostHead { slot, .. } if slot == Slot::new(15)), "{error}");
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_is_tried_once_at_the_end() {
    let (inner, _) = lake(1000, 30).await;
    let tries = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&tries);
    let refusing = FaultStore::new(inner, move |operation: Operation, key: &Path, _call: u64| {
        if operation == Operation::Put && key.as_ref().starts_with(keys::CHECKPOINTS) {
            counted.fetch_add(1, Ordering::SeqCst);
            return Fault::Full;
        }
        Fault::None
    });
    let ledger = open(&LakeStore::from_one(Arc::new(refusing)), 10).await;
    ledger.settle().await;
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_process_that_only_commits_renews_the_hint() {
    let (inner, ledger) = lake(1000, 10).await;
    commit_rows(&ledger, 80).await;
    let hinted = read_hint(inner.as_ref()).await.unwrap().head;
    assert!(hinted >= Slot::new(42), "{hinted}");
    ledger.settle().await;
    assert_eq!(read_hint(inner.as_ref()).await.unwrap().head, Slot::new(90));
}
