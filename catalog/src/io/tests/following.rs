//! What following a ledger costs: requests, and round trips to a store that answers after a while.

use tokio::time::Instant;

use super::*;
use crate::io::follow::follow;

/// How long a request takes.
const ROUND_TRIP: Duration = Duration::from_millis(30);

/// How many slots the ledger has.
const SLOTS: u64 = 160;

/// A ledger of so many slots whose hint names the last of them, and its state.
async fn ledger() -> (Arc<dyn ObjectStore>, Arc<State>) {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let store = LakeStore::from_one(Arc::clone(&inner));
    create(&store).await;
    // The first two slots are the lake's and the table's.
    let state = with_rows(&store, 1000, SLOTS - 2).await.state();
    assert_eq!(state.head().slot, Slot::new(SLOTS));
    (inner, state)
}

/// What it took to follow a ledger.
#[derive(Debug)]
struct Followed {
    result: Result<State, LedgerError>,
    gets: u64,
    round_trips: u128,
}

async fn follow_from(inner: &Arc<dyn ObjectStore>, state: State, known: Option<u64>) -> Followed {
    let slow = Arc::new(FaultStore::counting(Arc::clone(inner)).with_delay(ROUND_TRIP));
    let objects: Arc<dyn ObjectStore> = slow.clone();
    let blocks = Blocks::new(Arc::clone(&objects));
    let begun = Instant::now();
    let result = follow(objects.as_ref(), &blocks, state, known.map(Slot::new)).await;
    // Timers are as fine as milliseconds, so that a round trip takes up to one more.
    let round_trips = begun.elapsed().as_millis() / ROUND_TRIP.as_millis();
    Followed { result, gets: slow.counts().gets, round_trips }
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_one_request() {
    let (inner, state) = ledger().await;
    for known in [None, Some(3), Some(SLOTS)] {
        let followed = follow_from(&inner, State::clone(&state), known).await;
        assert_eq!(followed.result.unwrap().head(), state.head());
        assert_eq!((followed.gets, followed.round_trips), (1, 1), "{known:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_the_hint_knows_takes_a_round_trip_for_64_slots() {
    let (inner, state) = ledger().await;
    let followed = follow_from(&inner, State::genesis(state.lake()), Some(SLOTS)).await;
    assert_eq!(followed.result.unwrap().head(), state.head());
    assert_eq!((followed.gets, followed.round_trips), (SLOTS + 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_nobody_knows_takes_twice_as_many_slots_each_round_trip() {
    let (inner, state) = ledger().await;
    for known in [None, Some(1)] {
        let followed = follow_from(&inner, State::genesis(state.lake()), known).await;
        assert_eq!(followed.result.unwrap().head(), state.head());
        assert!(followed.gets <= SLOTS + 64, "{} requests", followed.gets);
        assert!(followed.round_trips <= 8, "{} round trips", followed.round_trips);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_far_too_new_costs_no_more_than_the_requests_under_way() {
    let (inner, state) = ledger().await;
    let followed = follow_from(&inner, State::clone(&state), Some(u64::MAX)).await;
    assert_eq!(followed.result.unwrap().head(), state.head());
    assert_eq!((followed.gets, followed.round_trips), (64, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_slot_is_named_with_a_hint_and_without() {
    let (inner, state) = ledger().await;
    let lost = Slot::new(100);
    inner.delete(&crate::io::keys::slot(lost)).await.unwrap();
    for known in [None, Some(SLOTS)] {
        let error = follow_from(&inner, State::genesis(state.lake()), known).await.result.unwrap_err();
        assert!(matches!(error, LedgerError::MissingSlot { slot, .. } if slot == lost), "{error}");
    }
}

#[tokio::test]
async fn opening_by_the_hint_asks_for_each_slot_once() {
    let (inner, state) = ledger().await;
    let counting = Arc::new(FaultStore::counting(Arc::clone(&inner)));
    let objects: Arc<dyn ObjectStore> = counting.clone();
    let opened = open(&LakeStore::from_one(objects), 1000).await;
    assert_eq!(opened.state().head(), state.head());
    let before = counting.counts();
    // `frostline.json`, the hint, the slots and a few after them.
    assert_eq!((before.gets, before.heads, before.lists), (SLOTS + 10, 0, 0), "{before:?}");
    opened.refresh().await.unwrap();
    let after = counting.counts();
    assert_eq!((after.gets - before.gets, after.heads - before.heads), (1, 0));
}

#[tokio::test]
async fn what_another_process_wrote_is_one_request_for_each_slot_and_one_that_finds_nothing() {
    let (inner, state) = ledger().await;
    let counting = Arc::new(FaultStore::counting(Arc::clone(&inner)));
    let objects: Arc<dyn ObjectStore> = counting.clone();
    let reader = open(&LakeStore::from_one(objects), 1000).await;
    let writer = open(&LakeStore::from_one(Arc::clone(&inner)), 1000).await;
    let table = table_named(&state, "t").unwrap();
    for _ in 0..3 {
        writer.commit(append(&writer.state(), table, "x")).await.unwrap();
        let before = counting.counts();
        assert_eq!(reader.refresh().await.unwrap().head(), writer.state().head());
        let after = counting.counts();
        assert_eq!((after.gets - before.gets, after.heads - before.heads), (2, 0));
    }
}
