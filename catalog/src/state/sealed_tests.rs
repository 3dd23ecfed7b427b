//! A state restored from a checkpoint, before and after its sealed parts are decoded.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::change::{Change, Entry};
use crate::checkpoint::{Index, RelationKind, Run, SealedError, SealedRun, encode_run, plan_runs};
use crate::ledger::{Outcome, fill_slot};
use crate::segment::FrozenObject;
use crate::transaction::{BlockIndex, Proposal, Rows, TableTarget, Transaction};
use arrow::datatypes::DataType;

/// The tables that every state of these tests begins with.
pub(super) const ONE: ObjectId = ObjectId::new(2);
pub(super) const OTHER: ObjectId = ObjectId::new(3);

/// How far apart commits are.
const PAUSE_MICROS: i64 = 1_000;

impl State {
    /// Whether a sealed part was decoded.
    pub(crate) fn is_decoded(&self) -> bool {
        let segments = self.segments.values().find_map(TableSegments::sealed_part);
        self.commits.is_decoded() || segments.is_some_and(|part| part.is_decoded())
    }
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn name(text: &str) -> Name {
    Name::try_new(text).unwrap()
}

/// A lake of three versions, with two tables without rows. Its first version has no commit time.
pub(super) fn begun() -> State {
    let mut state = State::genesis(LakeId::from_bytes([1; 16]));
    let entry = Entry {
        version: Version::FIRST,
        branch: BranchId::MAIN,
        commit_id: CommitId::from_bytes([1; 16]),
        request: None,
        base: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "init".to_owned(),
        wall_time: Micros::new(PAUSE_MICROS),
        commit_time: None,
        changes: vec![Change::CreateSchema { schema: ObjectId::new(1), name: name("public") }],
        tables: Vec::new(),
        properties: Vec::new(),
    };
    state.apply_entry(&entry, Slot::new(1), Digest::ZERO).unwrap();
    state.finish_slot(Slot::new(1), Digest::of(b"the first record"), 1);
    committed(&committed(&state, vec![create_table("one")]), vec![create_table("other")])
}

pub(super) fn create_table(text: &str) -> Proposal {
    let column = Column {
        id: FieldId::FIRST,
        name: name("a"),
        data_type: DataType::Int64,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    };
    Proposal::CreateTable {
        schema: ObjectId::new(1),
        name: name(text),
        columns: vec![column],
        next_field: FieldId::new(2),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    }
}

pub(super) fn hot(table: ObjectId, count: u64) -> Proposal {
    let (table, rows) = (TableTarget::Existing(table), Rows::Hot { rows: BlockIndex(0) });
    Proposal::AddRows { table, count, rows, stored_ids: false }
}

pub(super) fn frozen(table: ObjectId, count: u64) -> Proposal {
    let object = FrozenObject {
        key: "segments/ab/cd-1.parquet".to_owned(),
        size_bytes: 1_000,
        sha256: Digest::of(b"object"),
        tail_bytes: 90,
    };
    let rows = Rows::Frozen { object, digests: BlockIndex(0), statistics: BlockIndex(1) };
    Proposal::AddRows { table: TableTarget::Existing(table), count, rows, stored_ids: false }
}

/// A transaction decided on `base`, which read the table `one`.
fn transaction(base: Version, number: u64, changes: Vec<Proposal>) -> Transaction {
    Transaction {
        branch: BranchId::MAIN,
        base,
        commit_id: CommitId::from_bytes([number as u8; 16]),
        request: None,
        author: "ann".to_owned(),
        message: format!("commit {number}"),
        operation: "insert".to_owned(),
        commit_time: None,
        reads: vec![ONE],
        changes,
        blocks: vec![Bytes::from_static(b"block"), Bytes::from_static(b"another block")],
        properties: vec![("number".to_owned(), number.to_string())],
    }
}

/// The state after one more commit.
pub(super) fn committed(state: &State, changes: Vec<Proposal>) -> State {
    let newest = state.head().version.unwrap();
    let number = newest.number() + 1;
    let transaction = transaction(newest, number, changes);
    let filled = fill_slot(state, &[&transaction], Micros::new(number as i64 * PAUSE_MICROS));
    assert!(matches!(filled.outcomes.as_slice(), [Outcome::Planned(_)]), "{:?}", filled.outcomes);
    filled.state
}

/// A checkpoint, as its objects hold it.
#[derive(Clone)]
pub(super) struct Saved {
    index: Index,
    runs: Vec<SealedRun>,
}

impl Saved {
    /// The checkpoint of a state, which shares runs with an earlier one.
    pub(super) fn write(state: &State, previous: Option<&Self>) -> Self {
        let (kept, planned) = plan_runs(previous.map(|saved| &saved.index));
        let earlier = previous.map_or(&[][..], |saved| saved.runs.as_slice());
        let mut runs: Vec<SealedRun> = earlier.iter().filter(|sealed| kept.contains(&sealed.run)).cloned().collect();
        for run in planned {
            let (bytes, rows) = encode_run(state, run).unwrap();
            if rows == 0 {
                continue;
            }
            let (relation, level, after) = (run.relation, run.level, run.after);
            let key = format!("{} after {after} up to slot {}", relation.name(), state.head().slot);
            let run = Run { relation, key, sha256: Digest::of(&bytes), rows, level, after };
            runs.push(SealedRun { run, bytes });
        }
        runs.sort_by_key(|sealed| (sealed.run.relation, sealed.run.after));
        let index = Index::new(state, runs.iter().map(|sealed| sealed.run.clone()).collect());
        Self { index, runs }
    }

    pub(super) fn restore(&self) -> Option<State> {
        let mut restore = Restore::default();
        for sealed in &self.runs {
            restore.add(sealed.clone())?;
        }
        restore.finish(&Index::decode(&self.index.encode()).unwrap())
    }

    /// The same checkpoint with other bytes in the first run of a relation. The run keeps its key.
    fn with_bytes(&self, relation: RelationKind, bytes: impl Into<Bytes>) -> Self {
        let mut altered = self.clone();
        let run = altered.runs.iter_mut().find(|sealed| sealed.run.relation == relation).unwrap();
        run.bytes = bytes.into();
        altered
    }

    fn bytes_of(&self, relation: RelationKind) -> Bytes {
        self.runs.iter().find(|sealed| sealed.run.relation == relation).unwrap().bytes.clone()
    }
}

fn placed_at(state: &State, table: ObjectId, at: Version) -> Vec<Placed> {
    state.live_segments(table, at).unwrap().iter().map(|live| live.placed.clone()).collect()
}

/// What a statement at the head asks.
fn assert_same_head(found: &State, expected: &State) {
    assert_eq!(found.head(), expected.head());
    assert_eq!(found.counters(), expected.counters());
    assert_eq!(found.digest(), expected.digest());
    assert_eq!(found.commit_times(), expected.commit_times());
    assert_eq!(found.segment_summaries(), expected.segment_summaries());
    let newest = expected.head().version.unwrap();
    for table in [ONE, OTHER] {
        assert_eq!(found.total_rows(table), expected.total_rows(table));
        assert_eq!(found.rows_at(table, newest), expected.rows_at(table, newest));
        let counts = |state: &State| state.segments_of(table).map(|found| (found.hot_count(), found.frozen_count()));
        assert_eq!(counts(found), counts(expected));
    }
}

/// Everything, at every version.
fn assert_same(found: &State, expected: &State) {
    assert_same_head(found, expected);
    let newest = expected.head().version.unwrap().number();
    for number in 1..=newest + 1 {
        let at = version(number);
        assert_eq!(found.commit(at), expected.commit(at));
        for table in [ONE, OTHER] {
            assert_eq!(found.rows_at(table, at), expected.rows_at(table, at), "table {table} at version {number}");
            assert_eq!(placed_at(found, table, at), placed_at(expected, table, at));
        }
        let time = Micros::new(number as i64 * PAUSE_MICROS + PAUSE_MICROS / 2);
        assert_eq!(found.version_at(BranchId::MAIN, time), expected.version_at(BranchId::MAIN, time));
        let id = CommitId::from_bytes([number as u8; 16]);
        let written = Micros::new(number as i64 * PAUSE_MICROS);
        let since = |time: Micros| found.commit_with_id(id, time).unwrap().map(|commit| commit.version);
        assert_eq!(since(written), (number <= newest).then_some(at));
        assert_eq!(since(written.plus(1)), None);
        let after =
            |state: &State| -> Vec<Version> { state.commits_after(at).unwrap().map(|commit| commit.version).collect() };
        assert_eq!(after(found), (number + 1..=newest).rev().map(version).collect::<Vec<Version>>());
    }
    assert!(found.commits().unwrap().iter().eq(expected.commits().unwrap().iter()));
    assert_eq!(found.recompute_digest(), Ok(expected.digest()));
}

/// A lake with hot and frozen rows in one table, and hot ones in the other.
fn sample() -> State {
    let mut state = begun();
    for count in 1..=4 {
        state = committed(&state, vec![hot(ONE, count)]);
    }
    state = committed(&state, vec![frozen(ONE, 100)]);
    committed(&state, vec![hot(OTHER, 7)])
}

#[test]
fn what_statements_ask_of_the_head_decodes_nothing() {
    let state = sample();
    let saved = Saved::write(&state, None);
    let mut restored = saved.restore().unwrap();
    assert_same_head(&restored, &state);
    let old = restored.head().version.unwrap();
    for table in [OTHER, ONE] {
        restored = committed(&restored, vec![hot(table, 5)]);
    }
    let newest = restored.head().version.unwrap();
    assert_eq!(restored.rows_at(ONE, newest), Ok(115));
    assert_eq!(restored.rows_at(OTHER, newest), Ok(12));
    assert_eq!(restored.rows_at(OTHER, old), Ok(7));
    assert_eq!(restored.commits_after(old).unwrap().count(), 2);
    assert_eq!(restored.commit(newest).unwrap().map(|commit| commit.version), Some(newest));
    assert_eq!(restored.version_at(BranchId::MAIN, Micros::new(i64::MAX)), Ok(Some(newest)));
    assert_eq!(restored.live_frozen(OTHER, newest).unwrap().len(), 0);
    assert_eq!(restored.hot_rows_at(ONE, newest), Ok(15));
    assert_eq!(restored.segments_of(ONE).unwrap().hot_from(4).unwrap().count(), 1);
    Saved::write(&restored, Some(&saved));
    assert!(!restored.is_decoded());
    assert_eq!(restored.rows_at(OTHER, version(3)), Ok(0));
    assert!(restored.is_decoded(), "before the last change of a table's rows its segments are looked at");
}

#[test]
fn a_version_since_a_tables_last_change_is_counted_without_decoding() {
    let mut state = committed(&begun(), vec![hot(OTHER, 9)]);
    for _ in 0..5 {
        state = committed(&state, vec![hot(ONE, 1)]);
    }
    let restored = Saved::write(&state, None).restore().unwrap();
    for number in 4..=9 {
        assert_eq!(restored.rows_at(OTHER, version(number)), Ok(9));
    }
    assert!(!restored.is_decoded());
}

#[test]
fn a_decoded_part_is_shared_by_all_states_that_came_from_it() {
    let restored = Saved::write(&sample(), None).restore().unwrap();
    let later = committed(&restored, vec![hot(ONE, 1)]);
    assert!(!restored.is_decoded());
    assert!(later.commit(version(1)).unwrap().is_some());
    assert!(restored.is_decoded());
}

#[test]
fn a_placement_that_ended_in_a_later_run_has_ended() {
    let before = sample();
    let first = Saved::write(&before, None);
    let mut after = committed(&before, vec![hot(ONE, 1_000)]);
    let newest = after.head().version.unwrap();
    after.segments.get_mut(&ONE).unwrap().end_first_hot(newest);
    after.totals.insert(ONE, Total { rows: 1_109, since: newest });
    let second = Saved::write(&after, Some(&first));
    let segments = second.runs.iter().filter(|sealed| sealed.run.relation == RelationKind::Segments);
    assert_eq!(segments.count(), 2);
    let restored = second.restore().unwrap();
    assert_eq!(restored.rows_at(ONE, newest), Ok(1_000 + 100 + 2 + 3 + 4));
    assert_eq!(restored.hot_rows_at(ONE, newest), Ok(1_000 + 2 + 3 + 4));
    assert!(!restored.is_decoded());
    for number in 1..=newest.number() {
        let at = version(number);
        assert_eq!(placed_at(&restored, ONE, at), placed_at(&after, ONE, at));
        assert_eq!(restored.rows_at(ONE, at), after.rows_at(ONE, at));
    }
}

#[test]
fn what_cannot_be_decoded_is_an_error_that_names_it_and_no_panic() {
    let saved = Saved::write(&sample(), None);
    let commits = saved.bytes_of(RelationKind::Commits);
    let segments = saved.bytes_of(RelationKind::Segments);
    for bytes in [Bytes::new(), Bytes::from_static(b"garbage"), commits.slice(..commits.len() / 2), segments.clone()] {
        let restored = saved.with_bytes(RelationKind::Commits, bytes).restore().unwrap();
        let expected = SealedError::Run { key: "commits after 0 up to slot 9".to_owned() };
        assert_eq!(restored.commits().map(|commits| commits.len()), Err(expected.clone()));
        assert_eq!(restored.commit(version(2)), Err(expected.clone()));
        assert_eq!(restored.version_at(BranchId::MAIN, Micros::new(5)), Err(expected.clone()));
        assert_eq!(restored.recompute_digest(), Err(expected));
        assert_eq!(restored.rows_at(ONE, version(3)), Ok(0), "the segments are sound");
    }
    for bytes in [Bytes::new(), Bytes::from_static(b"garbage"), commits] {
        let restored = saved.with_bytes(RelationKind::Segments, bytes).restore().unwrap();
        let expected = SealedError::Run { key: "segments after 0 up to slot 9".to_owned() };
        assert_eq!(restored.rows_at(ONE, version(9)), Ok(110), "the index knows");
        assert_eq!(restored.rows_at(ONE, version(3)), Err(expected.clone()));
        assert!(restored.live_segments(ONE, version(9)).is_err());
        assert_eq!(restored.recompute_digest(), Err(expected));
        assert!(restored.commit(version(2)).is_ok(), "the commits are sound");
    }
}

#[test]
fn runs_that_contradict_the_index_are_an_error() {
    let saved = Saved::write(&sample(), None);
    let mut altered = saved.clone();
    altered.index.tables[0].1.hot_rows += 1;
    let restored = altered.restore().unwrap();
    let expected = SealedError::Contradiction { relation: "segments", slot: Slot::new(9) };
    assert_eq!(restored.rows_at(ONE, version(4)), Err(expected));

    let mut altered = saved.clone();
    altered.index.commit_times[0].1 = Micros::new(5);
    let restored = altered.restore().unwrap();
    let expected = SealedError::Contradiction { relation: "commits", slot: Slot::new(9) };
    assert_eq!(restored.commit(version(1)), Err(expected.clone()));
    assert_eq!(
        expected.to_string(),
        "the commits of the checkpoint at slot 9 are not what its index says; remove the folder `checkpoints/`, and \
         the lake is read from its slots"
    );
}

#[test]
fn an_index_that_contradicts_itself_is_not_used() {
    let saved = Saved::write(&sample(), None);
    let mut lacking = saved.clone();
    lacking.runs.retain(|sealed| sealed.run.relation != RelationKind::Commits);
    assert!(lacking.restore().is_none());
    let mut early = saved.clone();
    early.index.head.version = Version::new(8);
    assert!(early.restore().is_none());
    let mut twice = saved;
    twice.index.tables.push(twice.index.tables[0]);
    assert!(twice.restore().is_none());
}

#[test]
fn facts_that_do_not_add_up_to_the_states_digest_are_not_used() {
    let state = sample();
    let saved = Saved::write(&state, None);
    assert!(saved.restore().is_some());
    let other = Saved::write(&committed(&state, vec![create_table("more")]), None);
    let altered = saved.with_bytes(RelationKind::Facts, other.bytes_of(RelationKind::Facts));
    assert!(altered.restore().is_none(), "a table that the digest does not know");

    let mut altered = saved.clone();
    altered.index.digests.facts = other.index.digests.facts;
    assert!(altered.restore().is_none(), "the parts do not add up to the digest");
}

#[test]
fn a_transaction_that_cannot_be_judged_is_not_made() {
    let saved = Saved::write(&sample(), None);
    let restored = saved.with_bytes(RelationKind::Commits, Bytes::new()).restore().unwrap();
    let error = SealedError::Run { key: "commits after 0 up to slot 9".to_owned() };
    let judged = |transaction: &Transaction, now: i64| {
        let filled = fill_slot(&restored, &[transaction], Micros::new(now));
        filled.outcomes.into_iter().next().unwrap()
    };
    let newest = restored.head().version.unwrap();
    assert_eq!(judged(&transaction(newest, 10, vec![hot(ONE, 1)]), 10_000), Outcome::Planned(version(10)));
    assert_eq!(judged(&transaction(version(8), 10, vec![hot(ONE, 1)]), 10_000), Outcome::Sealed(error.clone()));

    // A commit id that was made as 1970 began: a UUID of version 7 whose time is 0.
    let commit_id = CommitId::parse("00000000-0000-7000-8000-000000000000").unwrap();
    let request = Some(Digest::of(b"what was asked"));
    let again = Transaction { commit_id, request, ..transaction(newest, 10, vec![hot(ONE, 1)]) };
    assert_eq!(judged(&again, 10_000), Outcome::Sealed(error), "a sealed commit may have the same id");
}

/// Something that happens to a lake.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hot(ObjectId, u64),
    Frozen(ObjectId, u64),
    DropOther,
    /// A checkpoint is written, and the lake goes on.
    Save,
    /// A checkpoint is written, and the lake is opened from it.
    Reopen,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let table = prop_oneof![Just(ONE), Just(OTHER)];
    let step = prop_oneof![
        4 => (table.clone(), 1..50_u64).prop_map(|(table, count)| Step::Hot(table, count)),
        2 => (table, 1..50_u64).prop_map(|(table, count)| Step::Frozen(table, count)),
        1 => Just(Step::DropOther),
        2 => Just(Step::Save),
        2 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_lake_that_was_opened_from_checkpoints_is_the_same_as_one_that_never_was_closed(steps in any_steps()) {
        let mut whole = begun();
        let mut opened = whole.clone();
        let mut saved: Option<Saved> = None;
        for step in steps {
            let change = match step {
                Step::Save | Step::Reopen => {
                    let next = Saved::write(&opened, saved.as_ref());
                    if matches!(step, Step::Reopen) {
                        opened = next.restore().unwrap();
                    }
                    saved = Some(next);
                    None
                }
                Step::DropOther => {
                    let is_there = whole.table_at(OTHER, whole.head().version.unwrap()).is_some();
                    is_there.then_some(Proposal::DropTable { table: OTHER })
                }
                Step::Hot(table, count) | Step::Frozen(table, count) => {
                    let is_there = whole.table_at(table, whole.head().version.unwrap()).is_some();
                    let table = if is_there { table } else { ONE };
                    Some(if matches!(step, Step::Hot(..)) { hot(table, count) } else { frozen(table, count) })
                }
            };
            if let Some(change) = change {
                whole = committed(&whole, vec![change.clone()]);
                opened = committed(&opened, vec![change]);
            }
            assert_same_head(&opened, &whole);
        }
        assert_same(&opened, &whole);
    }
}
