//! What happens before the first commit of a handle: the store is probed, and its clock is compared.

use super::*;
use crate::io::keys;

/// A lake in memory.
async fn lake() -> Arc<dyn ObjectStore> {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    inner
}

/// The same objects in a store of which nothing is known, which counts and does as a plan says.
fn behind(
    inner: &Arc<dyn ObjectStore>,
    plan: impl Fn(Operation, &Path, u64) -> Fault + Send + Sync + 'static,
) -> (Arc<FaultStore>, LakeStore) {
    let faulty = Arc::new(FaultStore::new(Arc::clone(inner), plan));
    let objects: Arc<dyn ObjectStore> = faulty.clone();
    (faulty, LakeStore::from_one(objects))
}

fn no_fault(_operation: Operation, _key: &Path, _call: u64) -> Fault {
    Fault::None
}

fn seconds(count: i64) -> Micros {
    Micros::new(count * 1_000_000)
}

async fn open_at(store: &LakeStore, clock: &Arc<ManualClock>) -> Ledger {
    Ledger::open(store.clone(), clock.clone(), "here", settings(100)).await.unwrap()
}

async fn commit_table(ledger: &Ledger, name: &str) -> Result<Committed, CommitError> {
    ledger.commit(create_table(&ledger.state(), name)).await
}

/// The newest slot, as a handle sees it that is opened now.
async fn head_of(inner: &Arc<dyn ObjectStore>) -> Slot {
    open(&LakeStore::from_one(Arc::clone(inner)), 100).await.state().head().slot
}

#[tokio::test]
async fn a_store_that_overwrites_is_refused_before_it_is_committed_to() {
    let inner = lake().await;
    let overwrite = |operation: Operation, _key: &Path, _call: u64| {
        if operation == Operation::Put { Fault::Overwrite } else { Fault::None }
    };
    let (_, store) = behind(&inner, overwrite);
    let ledger = open(&store, 100).await;
    for _ in 0..2 {
        let error = commit_table(&ledger, "t").await.unwrap_err();
        assert!(matches!(&error, CommitError::Probe(why) if matches!(**why, ProbeError::CreatesTwice)), "{error}");
        assert_eq!(head_of(&inner).await, Slot::new(1));
    }
}

#[tokio::test]
async fn the_probe_is_sent_by_the_client_that_tries_again() {
    let inner = lake().await;
    let once = FaultStore::new(Arc::clone(&inner), |operation: Operation, key: &Path, _call: u64| {
        let is_probe = operation == Operation::Put && key.as_ref().starts_with("probe/");
        if is_probe { Fault::FailBefore } else { Fault::None }
    });
    let ledger = open(&LakeStore::new(Arc::clone(&inner), Arc::new(once)), 100).await;
    commit_table(&ledger, "t").await.unwrap();
}

#[tokio::test]
async fn a_handle_probes_once_and_only_when_it_commits() {
    let inner = lake().await;
    let (faulty, store) = behind(&inner, no_fault);
    let ledger = open(&store, 100).await;
    ledger.refresh().await.unwrap();
    let opened = faulty.counts();
    assert_eq!((opened.puts, opened.deletes), (0, 0));
    commit_table(&ledger, "t").await.unwrap();
    let first = faulty.counts();
    assert_eq!((first.puts, first.gets - opened.gets, first.deletes), (3, 1, 1), "the probe, and the slot");
    commit_table(&ledger, "u").await.unwrap();
    let second = faulty.counts();
    assert_eq!((second.puts, second.gets, second.heads, second.deletes), (4, first.gets, first.heads, 1));
}

#[tokio::test]
async fn first_commits_that_come_together_probe_once() {
    let inner = lake().await;
    let (faulty, store) = behind(&inner, no_fault);
    let ledger = open(&store, 100).await;
    let names: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let commits = names.iter().map(|name| commit_table(&ledger, name));
    for made in futures::future::join_all(commits).await {
        made.unwrap();
    }
    assert_eq!(faulty.counts().deletes, 1);
}

#[tokio::test]
async fn a_probe_that_is_not_answered_fails_the_commit_and_is_made_again() {
    let inner = lake().await;
    let lost = |operation: Operation, _key: &Path, call: u64| {
        if operation == Operation::Put && call == 1 { Fault::FailBefore } else { Fault::None }
    };
    let (_, store) = behind(&inner, lost);
    let ledger = open(&store, 100).await;
    let error = commit_table(&ledger, "t").await.unwrap_err();
    assert!(matches!(&error, CommitError::Probe(why) if matches!(**why, ProbeError::Unanswered { .. })), "{error}");
    assert_eq!(head_of(&inner).await, Slot::new(1));
    let made = commit_table(&ledger, "t").await.unwrap();
    assert_eq!(made.version, Version::new(2).unwrap());
}

#[tokio::test]
async fn a_store_of_our_own_is_not_probed() {
    let inner = lake().await;
    let (faulty, store) = behind(&inner, no_fault);
    let ledger = open(&store.with_conformance(Conformance::Guaranteed), 100).await;
    commit_table(&ledger, "t").await.unwrap();
    assert_eq!((faulty.counts().puts, faulty.counts().deletes), (1, 0));
}

#[tokio::test]
async fn a_clock_ahead_of_the_stores_commits_nothing_until_it_is_corrected() {
    let inner = lake().await;
    let (faulty, store) = behind(&inner, no_fault);
    faulty.set_clock(1_000_000_000);
    let clock = Arc::new(ManualClock::at(seconds(1_062)));
    let ledger = open_at(&store, &clock).await;
    let error = commit_table(&ledger, "t").await.unwrap_err();
    assert!(matches!(error, CommitError::Clock(ClockError::Ahead { .. })), "{error}");
    assert_eq!(error.to_string(), "this machine's clock is 61 seconds ahead of the store's; correct it and try again");
    assert_eq!(head_of(&inner).await, Slot::new(1));
    clock.set(seconds(1_061));
    let made = commit_table(&ledger, "t").await.unwrap();
    assert_eq!(made.state.head().wall_time, seconds(1_061));
}

#[tokio::test]
async fn no_lake_is_created_by_a_clock_ahead_of_the_stores() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (faulty, store) = behind(&inner, no_fault);
    faulty.set_clock(10_000_000);
    let created = Ledger::create(&store, &ManualClock::at(seconds(1_000)), "here", Genesis::default()).await;
    assert!(matches!(created, Err(CreateError::Clock(ClockError::Ahead { .. }))), "{created:?}");
    assert!(inner.head(&Path::from(keys::IDENTITY)).await.is_err());
}

#[tokio::test]
async fn a_clock_behind_the_stores_commits_and_wall_times_do_not_go_back() {
    let inner = lake().await;
    let own = LakeStore::from_one(Arc::clone(&inner)).with_conformance(Conformance::Guaranteed);
    commit_table(&open_at(&own, &Arc::new(ManualClock::at(seconds(1_000)))).await, "t").await.unwrap();
    let (faulty, store) = behind(&inner, no_fault);
    faulty.set_clock(1_000_000_000);
    let ledger = open_at(&store, &Arc::new(ManualClock::at(seconds(10)))).await;
    let made = commit_table(&ledger, "u").await.unwrap();
    assert_eq!(made.state.head().wall_time, seconds(1_000));
}

#[tokio::test]
async fn nothing_is_committed_after_a_commit_of_the_future() {
    let inner = lake().await;
    let store = LakeStore::from_one(Arc::clone(&inner)).with_conformance(Conformance::Guaranteed);
    commit_table(&open_at(&store, &Arc::new(ManualClock::at(seconds(1_000)))).await, "t").await.unwrap();
    let clock = Arc::new(ManualClock::at(seconds(939)));
    let ledger = open_at(&store, &clock).await;
    let error = commit_table(&ledger, "u").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the newest commit, version 2 by `ann`, is dated 1970-01-01T00:16:40Z, 61 seconds in the future; correct this \
         machine's clock if it is behind, else that of the machine that made the commit, and wait until then"
    );
    assert_eq!(head_of(&inner).await, Slot::new(2));
    clock.set(seconds(940));
    let made = commit_table(&ledger, "u").await.unwrap();
    assert_eq!(made.state.head().wall_time, seconds(1_000));
}
