use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frostline_testkit::{Fault, FaultStore, Operation};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::*;
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, FieldId, ObjectId, Slot, Version};
use crate::name::Name;
use crate::schema::Column;
use crate::segment::BlockRef;
use crate::state::{RelationId, State};
use crate::time::Micros;
use crate::transaction::{BlockIndex, Proposal, Rows, TableTarget, Transaction};
use arrow::datatypes::DataType;

mod first_commit;
mod following;
mod left_over;
mod opening;
mod uncertain;

fn settings(interval: u64) -> LedgerSettings {
    LedgerSettings { checkpoint_interval_slots: interval, commit_timeout: Duration::from_millis(200) }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Micros::new(1_000_000)))
}

async fn create(store: &LakeStore) {
    Ledger::create(store, clock().as_ref(), "here", Genesis::default()).await.unwrap();
}

async fn open(store: &LakeStore, interval: u64) -> Ledger {
    Ledger::open(store.clone(), clock(), "here", settings(interval)).await.unwrap()
}

async fn memory() -> LakeStore {
    let store = LakeStore::from_one(Arc::new(InMemory::new()));
    create(&store).await;
    store
}

fn transaction(state: &State, operation: &str, changes: Vec<Proposal>, blocks: Vec<Bytes>) -> Transaction {
    Transaction {
        branch: BranchId::MAIN,
        base: state.head().version.unwrap(),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: operation.to_owned(),
        commit_time: None,
        reads: Vec::new(),
        changes,
        blocks,
        properties: Vec::new(),
    }
}

fn create_table(state: &State, name: &str) -> Transaction {
    let column = Column {
        id: FieldId::FIRST,
        name: Name::try_new("a").unwrap(),
        data_type: DataType::Int64,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    };
    let proposal = Proposal::CreateTable {
        schema: ObjectId::new(1),
        name: Name::try_new(name).unwrap(),
        columns: vec![column],
        next_field: FieldId::new(2),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    };
    transaction(state, "create table", vec![proposal], Vec::new())
}

fn append(state: &State, table: ObjectId, rows: &str) -> Transaction {
    let (table, rows) = (TableTarget::Existing(table), Rows::Hot { rows: BlockIndex(0) });
    let proposal = Proposal::AddRows { table, count: 1, rows, stored_ids: false };
    transaction(state, "insert", vec![proposal], vec![Bytes::copy_from_slice(rows.as_bytes())])
}

fn table_named(state: &State, name: &str) -> Option<ObjectId> {
    match state.relation_named(ObjectId::new(1), name, state.head().version?)?.id() {
        RelationId::Table(id) => Some(id),
        RelationId::View(_) => None,
    }
}

/// A lake with a table `t` and so many commits of one row each.
async fn with_rows(store: &LakeStore, interval: u64, commits: u64) -> Ledger {
    let ledger = open(store, interval).await;
    let state = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap().state;
    let table = table_named(&state, "t").unwrap();
    for number in 0..commits {
        ledger.commit(append(&ledger.state(), table, &format!("row {number}"))).await.unwrap();
        ledger.settle().await;
    }
    ledger
}

async fn blocks_of(ledger: &Ledger) -> Vec<Bytes> {
    let state = ledger.state();
    ledger.blocks().read_all(&block_refs(&state), state.head().slot).await.unwrap()
}

fn block_refs(state: &State) -> Vec<BlockRef> {
    let table = table_named(state, "t").unwrap();
    state
        .segments_of(table)
        .unwrap()
        .hot()
        .unwrap()
        .map(|placed| match placed.segment.storage {
            crate::segment::Storage::Hot { rows } => rows,
            crate::segment::Storage::Frozen { .. } => unreachable!("only hot rows were written"),
        })
        .collect()
}

#[tokio::test]
async fn a_lake_is_created_once() {
    let store = memory().await;
    let again = Ledger::create(&store, clock().as_ref(), "here", Genesis::default()).await;
    assert!(matches!(again, Err(CreateError::Exists { .. })));
}

#[tokio::test]
async fn a_creation_that_was_broken_off_is_completed() {
    let store = memory().await;
    let first = super::keys::slot(Slot::new(1));
    store.objects().delete(&first).await.unwrap();
    let opened = Ledger::open(store.clone(), clock(), "here", settings(9)).await;
    assert!(matches!(opened, Err(LedgerError::Incomplete { .. })));
    create(&store).await;
    assert_eq!(open(&store, 9).await.state().head().version, Some(Version::FIRST));
}

#[tokio::test]
async fn what_is_committed_is_there_when_the_ledger_is_opened_again() {
    for interval in [1, 3, 1000] {
        let store = memory().await;
        let before = with_rows(&store, interval, 20).await.state();
        let after = open(&store, interval).await;
        assert_eq!(after.state().head(), before.head(), "interval {interval}");
        assert_eq!(Ok(after.state().digest()), after.state().recompute_digest());
        let table = table_named(&before, "t").unwrap();
        assert_eq!(after.state().total_rows(table), 20);
        for version in 1..=22 {
            let version = Version::new(version).unwrap();
            assert_eq!(after.state().rows_at(table, version), before.rows_at(table, version));
            assert_eq!(after.state().commit(version).unwrap(), before.commit(version).unwrap());
        }
        let rows = blocks_of(&after).await;
        assert_eq!(rows[7], "row 7");
        let more = after.commit(append(&after.state(), table, "more")).await.unwrap();
        assert_eq!(more.version, Version::new(23).unwrap());
    }
}

#[tokio::test]
async fn opening_counting_at_the_head_and_appending_decode_nothing_that_is_sealed() {
    let store = memory().await;
    with_rows(&store, 8, 40).await;
    let ledger = open(&store, 8).await;
    let table = table_named(&ledger.state(), "t").unwrap();
    for count in 41..60 {
        let state = ledger.commit(append(&ledger.state(), table, "more")).await.unwrap().state;
        ledger.settle().await;
        assert_eq!(state.rows_at(table, state.head().version.unwrap()), Ok(count));
        assert_eq!(state.segments_of(table).unwrap().hot_count() as u64, count);
    }
    assert!(!ledger.state().is_decoded());
    assert_eq!(blocks_of(&ledger).await.len(), 59);
    assert!(ledger.state().is_decoded());
    assert_eq!(open(&store, 8).await.state().recompute_digest(), Ok(ledger.state().digest()));
}

#[tokio::test]
async fn bundles_and_slots_give_the_same_blocks() {
    let store = memory().await;
    with_rows(&store, 64, 300).await;
    let bundle = super::keys::bundle(Slot::new(1), Slot::new(256));
    assert!(store.objects().head(&bundle).await.is_ok());
    let with_bundle = blocks_of(&open(&store, 64).await).await;
    store.objects().delete(&bundle).await.unwrap();
    let without = blocks_of(&open(&store, 64).await).await;
    assert_eq!(with_bundle, without);
    assert_eq!(without.len(), 300);
}

#[tokio::test]
async fn a_block_that_is_kept_keeps_nothing_else_in_memory() {
    let store = memory().await;
    // The writer has the block from its own commit, the reader from the store.
    let writer = with_rows(&store, 64, 1).await;
    for ledger in [writer, open(&store, 64).await] {
        let refs = block_refs(&ledger.state());
        let one = ledger.blocks().read(&refs[0]).await.unwrap();
        let all = ledger.blocks().read_all(&refs, ledger.state().head().slot).await.unwrap();
        for block in [&one, &all[0]] {
            assert_eq!(block, "row 0");
            assert!(block.is_unique());
        }
    }
}

#[tokio::test]
async fn a_damaged_or_missing_derived_object_changes_no_answer() {
    let store = memory().await;
    let before = with_rows(&store, 16, 300).await.state();
    let mut derived = Vec::new();
    for prefix in ["bundles", "checkpoints", "hint"] {
        use futures::TryStreamExt;
        let listed: Vec<_> = store.objects().list(Some(&Path::from(prefix))).try_collect().await.unwrap();
        derived.extend(listed.into_iter().map(|meta| meta.location));
    }
    assert!(derived.len() > 20);
    for key in derived {
        let whole = store.objects().get(&key).await.unwrap().bytes().await.unwrap();
        let mut flipped = whole.to_vec();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        for altered in [Bytes::from(flipped), whole.slice(..whole.len() / 2), Bytes::new()] {
            store.objects().put(&key, altered.into()).await.unwrap();
            let opened = open(&store, 16).await;
            assert_eq!(opened.state().head(), before.head(), "{key}");
            assert_eq!(opened.state().recompute_digest(), Ok(before.digest()), "{key}");
        }
        store.objects().delete(&key).await.unwrap();
        assert_eq!(open(&store, 16).await.state().head(), before.head(), "{key}");
        store.objects().put(&key, whole.into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_slot_that_is_missing_or_altered_stops_the_lake_and_is_named() {
    let store = memory().await;
    with_rows(&store, 1000, 30).await;
    let slot = Slot::new(12);
    let key = super::keys::slot(slot);
    let whole = store.objects().get(&key).await.unwrap().bytes().await.unwrap();
    let mut flipped = whole.to_vec();
    flipped[100] ^= 1;
    for altered in [Bytes::from(flipped), whole.slice(..90), Bytes::new()] {
        store.objects().put(&key, altered.into()).await.unwrap();
        let error = Ledger::open(store.clone(), clock(), "here", settings(1000)).await.unwrap_err();
        assert!(matches!(error, LedgerError::Slot { slot: found, .. } if found == slot), "{error}");
    }
    store.objects().delete(&key).await.unwrap();
    let error = Ledger::open(store.clone(), clock(), "here", settings(1000)).await.unwrap_err();
    assert!(matches!(error, LedgerError::MissingSlot { slot: found, .. } if found == slot), "{error}");
    let mut walk = Walk::begin(store.clone(), "here", Slot::new(0)).await.unwrap();
    let damage = loop {
        match walk.step().await {
            Ok(step) => assert!(step.is_some(), "the walk must not end before the gap"),
            Err(damage) => break damage,
        }
    };
    assert_eq!(damage.object, key.to_string());
}

#[tokio::test]
async fn the_last_slots_cannot_vanish_unnoticed_while_the_hint_knows_them() {
    let store = memory().await;
    with_rows(&store, 1000, 30).await;
    for lost in [20, 21, 22] {
        store.objects().delete(&super::keys::slot(Slot::new(lost))).await.unwrap();
    }
    let error = Ledger::open(store.clone(), clock(), "here", settings(1000)).await.unwrap_err();
    assert!(matches!(error, LedgerError::MissingSlot { .. }), "{error}");
}

#[tokio::test]
async fn two_handles_of_a_store_see_one_anothers_commits() {
    let store = memory().await;
    let one = with_rows(&store, 7, 3).await;
    let two = open(&store, 7).await;
    let table = table_named(&one.state(), "t").unwrap();
    let mut expected = 5;
    for _ in 0..10 {
        for ledger in [&one, &two] {
            expected += 1;
            let made = ledger.commit(append(&ledger.state(), table, "x")).await.unwrap();
            assert_eq!(made.version.number(), expected);
        }
    }
    assert_eq!(one.refresh().await.unwrap().head(), two.refresh().await.unwrap().head());
}

#[tokio::test]
async fn transactions_that_wait_together_share_a_slot_and_have_a_version_each() {
    let store = memory().await;
    let ledger = with_rows(&store, 1000, 1).await;
    let table = table_named(&ledger.state(), "t").unwrap();
    let before = ledger.state().head();
    let commits = (0..40).map(|_| ledger.commit(append(&ledger.state(), table, "x")));
    let made = futures::future::join_all(commits).await;
    let mut versions: Vec<u64> = made.into_iter().map(|made| made.unwrap().version.number()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (before.version.unwrap().number() + 1..).take(40).collect::<Vec<_>>());
    let slots = ledger.state().head().slot.number() - before.slot.number();
    assert!(slots < 40, "{slots} slots");
}

#[tokio::test]
async fn what_was_read_and_changed_since_is_a_conflict() {
    let store = memory().await;
    let ledger = with_rows(&store, 1000, 1).await;
    let table = table_named(&ledger.state(), "t").unwrap();
    let old = ledger.state();
    ledger.commit(append(&old, table, "x")).await.unwrap();
    let mut reader = append(&old, table, "y");
    reader.reads = vec![table];
    let error = ledger.commit(reader).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "conflict: this statement was decided on version 3, and version 4 changed the rows of table `t`, \
         which the statement read; run it again"
    );
    let blind = append(&old, table, "z");
    assert!(ledger.commit(blind).await.is_ok(), "who read nothing does not conflict");
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_dropped_table_takes_no_rows() {
    let store = memory().await;
    let ledger = with_rows(&store, 1000, 1).await;
    let old = ledger.state();
    let table = table_named(&old, "t").unwrap();
    let error = ledger.commit(create_table(&old, "t")).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(_)), "{error}");
    let drop = transaction(&old, "drop table", vec![Proposal::DropTable { table }], Vec::new());
    ledger.commit(drop).await.unwrap();
    let error = ledger.commit(append(&old, table, "x")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "conflict: this statement was decided on version 3, and version 4 dropped table `t`; run it again"
    );
    assert!(ledger.commit(create_table(&ledger.state(), "t")).await.is_ok(), "the name is free again");
    assert_eq!(open(&store, 5).await.state().recompute_digest(), Ok(ledger.state().digest()));
}

#[tokio::test]
async fn the_same_commit_id_with_the_same_request_gets_the_first_outcome() {
    let store = memory().await;
    let now = Arc::new(SystemClock);
    let ledger = Ledger::open(store, now, "here", settings(100)).await.unwrap();
    let mut first = create_table(&ledger.state(), "t");
    first.request = Some(Digest::of(b"create t"));
    let made = ledger.commit(first.clone()).await.unwrap();
    let again = ledger.commit(first.clone()).await.unwrap();
    assert_eq!(made.version, again.version);
    let other = Transaction { request: Some(Digest::of(b"another")), ..first };
    assert!(matches!(ledger.commit(other).await, Err(CommitError::Refused(_))));
    let mut old = create_table(&ledger.state(), "u");
    old.request = Some(Digest::of(b"u"));
    old.commit_id = CommitId::parse("018b2f19-e79e-7d6a-a56d-29feb6211b04").unwrap();
    assert!(matches!(ledger.commit(old).await, Err(CommitError::Refused(_))));
}

#[tokio::test]
async fn asserted_times_go_forward_and_never_into_the_future() {
    let store = memory().await;
    let ledger = with_rows(&store, 1000, 0).await;
    let table = table_named(&ledger.state(), "t").unwrap();
    let newest = ledger.state().newest_commit_time(BranchId::MAIN).unwrap();
    for asked in [newest, newest.plus(10_000_000_000)] {
        let mut asserted = append(&ledger.state(), table, "x");
        asserted.commit_time = Some(asked);
        assert!(matches!(ledger.commit(asserted).await, Err(CommitError::Refused(_))), "{asked}");
    }
}

/// A store that does `fault` to every put of the slots after the first three, `times` times.
fn faulty(inner: Arc<dyn ObjectStore>, fault: Fault, times: u64) -> LakeStore {
    let done = std::sync::atomic::AtomicU64::new(0);
    let store = FaultStore::new(inner, move |operation, key: &Path, _| {
        let slot = operation == Operation::Put && key.as_ref().starts_with("log/") && !key.as_ref().ends_with("0001");
        if slot && done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < times { fault } else { Fault::None }
    });
    LakeStore::from_one(Arc::new(store))
}

#[tokio::test]
async fn a_put_whose_answer_is_lost_is_found_by_reading_and_never_made_twice() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    let ledger = open(&faulty(Arc::clone(&inner), Fault::FailAfter, 1), 100).await;
    let made = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap();
    assert_eq!(made.version, Version::new(2).unwrap());
    assert_eq!(open(&LakeStore::from_one(inner), 100).await.state().commits().unwrap().len(), 2);
}

#[tokio::test]
async fn a_put_that_was_lost_is_put_again() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    let ledger = open(&faulty(Arc::clone(&inner), Fault::FailBefore, 2), 100).await;
    let made = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap();
    assert_eq!(made.version, Version::new(2).unwrap());
}

#[tokio::test]
async fn a_full_disk_is_a_failure_that_committed_nothing_and_the_lake_goes_on() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    let ledger = open(&faulty(Arc::clone(&inner), Fault::Full, 1), 100).await;
    let error = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap_err();
    assert!(matches!(&error, CommitError::Store(error) if error.failure == StoreFailure::Full), "{error}");
    let made = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap();
    assert_eq!(made.version, Version::new(2).unwrap());
}

#[tokio::test]
async fn an_outcome_that_cannot_be_learnt_is_decided_or_unknown_never_a_failure() {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    create(&LakeStore::from_one(Arc::clone(&inner))).await;
    let ledger = open(&faulty(Arc::clone(&inner), Fault::FailBefore, u64::MAX), 100).await;
    let error = ledger.commit(create_table(&ledger.state(), "t")).await.unwrap_err();
    assert!(matches!(error, CommitError::Unknown { .. }), "{error}");
}
