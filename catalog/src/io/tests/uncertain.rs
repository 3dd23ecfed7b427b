//! Commits that end without a clear answer, and those that wait with them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::io::keys;

/// A lake in memory.
async fn lake() -> Arc<dyn ObjectStore> {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    inner
}

/// The same objects in a store that does as a plan says with requests for slot 2. It is not probed.
fn behind(inner: &Arc<dyn ObjectStore>, plan: impl Fn(Operation, u64) -> Fault + Send + Sync + 'static) -> LakeStore {
    let second = keys::slot(Slot::new(2));
    let faulty = FaultStore::new(
        Arc::clone(inner),
        move |operation: Operation, key: &Path, call: u64| {
            if *key == second { plan(operation, call) } else { Fault::None }
        },
    );
    LakeStore::from_one(Arc::new(faulty)).with_conformance(Conformance::Guaranteed)
}

async fn versions_in(inner: &Arc<dyn ObjectStore>) -> usize {
    let state = open(&LakeStore::from_one(Arc::clone(inner)), 100).await.state();
    state.commits().unwrap().len()
}

#[tokio::test]
async fn an_own_slot_that_is_first_read_wrongly_is_won() {
    for damage in [Fault::Corrupt { byte: 90 }, Fault::Truncate { len: 60 }] {
        let inner = lake().await;
        let is_put = AtomicBool::new(false);
        let store = behind(&inner, move |operation, _| match operation {
            Operation::Put => {
                is_put.store(true, Ordering::SeqCst);
                Fault::FailAfter
            }
            // Once, after the put whose answer was lost.
            Operation::Get if is_put.swap(false, Ordering::SeqCst) => damage,
            _ => Fault::None,
        });
        let ledger = open(&store, 100).await;
        let made = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap();
        assert_eq!(made.version, Version::new(2).unwrap());
        assert_eq!(versions_in(&inner).await, 2);
    }
}

#[tokio::test]
async fn a_slot_that_may_be_ones_own_and_cannot_be_read_is_unknown() {
    let inner = lake().await;
    let store = behind(&inner, |operation, call| match operation {
        Operation::Put if call == 1 => Fault::FailAfter,
        Operation::Get => Fault::Corrupt { byte: 90 },
        _ => Fault::None,
    });
    // Nothing is in the slot while the ledger is opened.
    let ledger = open(&store, 100).await;
    let transaction = create_table(&ledger.state(), "t");
    let asked = transaction.commit_id;
    let error = ledger.commit(transaction).await.unwrap_err();
    let CommitError::Unknown { commit_id, slot } = error else { unreachable!("{error}") };
    assert_eq!((commit_id, slot), (asked, Slot::new(2)));
    assert_eq!(versions_in(&inner).await, 2, "it was made");
}

#[tokio::test]
async fn a_commit_whose_committer_died_while_it_wrote_is_unknown() {
    let inner = lake().await;
    let store = behind(&inner, |operation, _| match operation {
        Operation::Put => unreachable!("the committer dies, as planned"),
        _ => Fault::None,
    });
    let ledger = open(&store, 100).await;
    let transaction = create_table(&ledger.state(), "t");
    let asked = transaction.commit_id;
    let error = ledger.commit(transaction).await.unwrap_err();
    let CommitError::Unknown { commit_id, slot } = error else { unreachable!("{error}") };
    assert_eq!((commit_id, slot), (asked, Slot::new(2)));
    let error = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap_err();
    assert!(matches!(error, CommitError::Closed), "{error}");
}

#[tokio::test]
async fn what_is_certain_is_told_although_the_slot_was_not_written() {
    let inner = lake().await;
    let full = Arc::new(AtomicBool::new(false));
    let is_full = Arc::clone(&full);
    let store = FaultStore::new(Arc::clone(&inner), move |operation: Operation, _key: &Path, _call: u64| {
        if operation == Operation::Put && is_full.load(Ordering::SeqCst) { Fault::Full } else { Fault::None }
    });
    let store = LakeStore::from_one(Arc::new(store)).with_conformance(Conformance::Guaranteed);
    let ledger = Ledger::open(store, Arc::new(SystemClock), "here", settings(100)).await.unwrap();
    let base = ledger.state();
    let first = Transaction { request: Some(Digest::of(b"create t")), ..create_table(&base, "t") };
    let made = ledger.commit(first.clone()).await.unwrap();

    full.store(true, Ordering::SeqCst);
    let others = [create_table(&base, "u"), create_table(&base, "u"), create_table(&base, "t")];
    let waiting = others.into_iter().chain([first]).map(|transaction| ledger.commit(transaction));
    let mut answers = futures::future::join_all(waiting).await.into_iter();
    // The second one's conflict is with the first, which was not made.
    for _ in 0..2 {
        let answer = answers.next().unwrap();
        assert!(matches!(&answer, Err(CommitError::Store(error)) if error.failure == StoreFailure::Full), "{answer:?}");
    }
    let conflict = answers.next().unwrap();
    assert!(matches!(&conflict, Err(CommitError::Conflict(conflict)) if conflict.with == made.version), "{conflict:?}");
    assert_eq!(answers.next().unwrap().unwrap().version, made.version, "it was made before");
}
