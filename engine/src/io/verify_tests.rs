//! What verifying takes for damage, and what not.

use std::fs;
use std::path::Path as FsPath;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use frostline_catalog::io::{Damage, Genesis, LakeLocation, LedgerError, ManualClock, StoreError};
use frostline_catalog::transaction::{Proposal, Transaction};
use frostline_catalog::{BranchId, CommitId, Micros, Name, Slot};
use frostline_testkit::{Fault, FaultStore, Operation};
use object_store::path::Path;

use super::check_segment;
use super::segment_tests::{describe, encode, store_with};
use crate::lake::Lake;
use crate::settings::Settings;
use crate::verify::{VerifyError, verify};
use crate::write::sample_tests::batch_of;

const SLOT_KEY: &str = "log/00000000/000000000003";

fn damage(error: LedgerError) -> VerifyError {
    VerifyError::of_slot(Damage { object: SLOT_KEY.to_owned(), error: Arc::new(error) })
}

#[test]
fn a_slot_that_the_store_does_not_give_is_not_called_damaged() {
    let lost = object_store::Error::Generic { store: "test", source: "the connection was reset".into() };
    let unread = damage(StoreError::new("read", &Path::from(SLOT_KEY), lost).into());
    assert!(matches!(unread, VerifyError::Ledger(LedgerError::Store(_))), "{unread}");
    assert_eq!(unread.object(), None);
    let (slot, later) = (Slot::new(3), Slot::new(4));
    let missing = damage(LedgerError::MissingSlot { slot, key: SLOT_KEY.to_owned(), later });
    assert_eq!(missing.object(), Some(SLOT_KEY));
}

#[tokio::test]
async fn a_segment_that_the_store_does_not_give_is_not_called_damaged() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let encoded = encode(&batch_of(vec![("n", numbers)]));
    let sound = store_with(&encoded, encoded.bytes.clone()).await;
    let faults = [(Fault::FailBefore, false), (Fault::Corrupt { byte: 50 }, true)];
    for (fault, is_damage) in faults {
        let store = FaultStore::new(Arc::clone(&sound), move |_operation: Operation, _key: &Path, _call: u64| fault);
        let checked = check_segment(&store, &describe(&encoded), &encoded.digests, &encoded.statistics).await;
        let error = VerifyError::of_segment("segments/ab/cd.parquet", checked.unwrap_err());
        assert_eq!(error.object().is_some(), is_damage, "{error}");
    }
}

async fn open(folder: &FsPath) -> Lake {
    let location = LakeLocation::parse(folder.to_str().unwrap()).unwrap();
    let clock = Arc::new(ManualClock::at(Micros::new(1_000_000)));
    Lake::open(location, clock, Settings::default()).await.unwrap()
}

async fn create_schema(lake: &Lake, name: &str) {
    let state = lake.refresh().await.unwrap();
    let transaction = Transaction {
        branch: BranchId::MAIN,
        base: state.head().version.unwrap(),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "create schema".to_owned(),
        commit_time: None,
        properties: Vec::new(),
        reads: Vec::new(),
        changes: vec![Proposal::CreateSchema { name: Name::try_new(name).unwrap() }],
        blocks: Vec::new(),
    };
    lake.commit(transaction).await.unwrap();
}

fn slot_in(folder: &FsPath, slot: u64) -> std::path::PathBuf {
    folder.join(format!("log/00000000/{slot:012}"))
}

#[tokio::test]
async fn the_catalog_in_use_is_compared_although_others_committed_since() {
    let scratch = tempfile::tempdir().unwrap();
    let (first, second) = (scratch.path().join("first"), scratch.path().join("second"));
    let location = LakeLocation::parse(first.to_str().unwrap()).unwrap();
    Lake::create(&location, &ManualClock::at(Micros::new(1_000_000)), Genesis::default()).await.unwrap();
    fs::create_dir_all(second.join("log/00000000")).unwrap();
    fs::copy(first.join("frostline.json"), second.join("frostline.json")).unwrap();
    fs::copy(slot_in(&first, 1), slot_in(&second, 1)).unwrap();

    let lake = open(&first).await;
    create_schema(&lake, "mine").await;
    create_schema(&open(&first).await, "later").await;
    let summary = verify(&lake, false, |_| {}).await.unwrap();
    assert_eq!((summary.slots, lake.state().head().slot), (3, Slot::new(2)));

    // The same lake, had another been faster.
    let other = open(&second).await;
    for name in ["theirs", "more"] {
        create_schema(&other, name).await;
    }
    for slot in [2, 3] {
        fs::copy(slot_in(&second, slot), slot_in(&first, slot)).unwrap();
    }
    let error = verify(&lake, false, |_| {}).await.unwrap_err();
    assert!(matches!(error, VerifyError::Catalog), "{error}");
}
