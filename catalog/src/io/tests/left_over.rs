//! Derived objects of slots that are there no more, and stores that do not answer for slots.

use futures::TryStreamExt;

use super::*;
use crate::bundle::Extent;
use crate::io::keys;
use crate::io::ledger::check_nothing_later;

async fn delete_folder(store: &LakeStore, folder: &str) {
    let listed: Vec<_> = store.objects().list(Some(&Path::from(folder))).try_collect().await.unwrap();
    for object in listed {
        store.objects().delete(&object.location).await.unwrap();
    }
}

async fn append_rows(ledger: &Ledger, count: u64) {
    let table = table_named(&ledger.state(), "t").unwrap();
    for _ in 0..count {
        ledger.commit(append(&ledger.state(), table, "another row")).await.unwrap();
    }
    ledger.settle().await;
}

/// Opens the lake and checks that it ends with a slot, and has as many rows as slots after the first two.
async fn assert_ends_with(store: &LakeStore, slot: u64) {
    let state = open(store, 64).await.state();
    assert_eq!(state.head().slot, Slot::new(slot));
    assert_eq!(state.recompute_digest(), Ok(state.digest()));
    assert_eq!(state.total_rows(table_named(&state, "t").unwrap()), slot - 2);
}

#[tokio::test]
async fn a_bundle_left_over_from_another_timeline_is_not_replayed_and_is_replaced() {
    let store = memory().await;
    with_rows(&store, 64, 260).await;
    let key = keys::bundle(Extent::bundle_from(Slot::new(1)));
    let stale = store.objects().get(&key).await.unwrap().bytes().await.unwrap();

    // The lake is set back to slot 200.
    for slot in 201..=262 {
        store.objects().delete(&keys::slot(Slot::new(slot))).await.unwrap();
    }
    delete_folder(&store, "checkpoints").await;
    delete_folder(&store, "hint").await;
    assert_ends_with(&store, 200).await;

    // It goes on, past the bundle's end, before a bundle is due again.
    append_rows(&open(&store, 1000).await, 70).await;
    delete_folder(&store, "hint").await;
    assert_ends_with(&store, 270).await;
    assert_eq!(store.objects().get(&key).await.unwrap().bytes().await.unwrap(), stale);

    append_rows(&open(&store, 64).await, 1).await;
    assert_ne!(store.objects().get(&key).await.unwrap().bytes().await.unwrap(), stale, "it is written anew");
    delete_folder(&store, "checkpoints").await;
    delete_folder(&store, "hint").await;
    assert_ends_with(&store, 271).await;
}

#[tokio::test]
async fn a_slot_that_the_store_does_not_answer_for_is_not_called_missing() {
    let store = memory().await;
    with_rows(&store, 1000, 4).await;
    let next = keys::slot(Slot::new(4));
    let unanswered = next.clone();
    let faulty = FaultStore::new(Arc::clone(store.objects()), move |operation: Operation, key: &Path, _call: u64| {
        if operation == Operation::Head && *key == unanswered { Fault::FailBefore } else { Fault::None }
    });
    // A state as it was when slots 4 and 5 were not there yet.
    let mut state = State::genesis(open(&store, 1000).await.state().lake());
    for slot in 1..=3 {
        let read = crate::io::follow::read_slot(store.objects().as_ref(), Slot::new(slot)).await.unwrap().unwrap();
        state = state.apply(&read.record, read.hash).unwrap();
    }
    let checked = check_nothing_later(&faulty, &state, None).await;
    assert!(checked.is_ok(), "{checked:?}");
    store.objects().delete(&next).await.unwrap();
    let error = check_nothing_later(store.objects().as_ref(), &state, None).await.unwrap_err();
    assert!(matches!(error, LedgerError::MissingSlot { slot, .. } if slot == Slot::new(4)), "{error}");
}
