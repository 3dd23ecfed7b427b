//! What becomes of transactions, and that every slot that is filled can be read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use bytes::Bytes;

use super::*;
use crate::conflict::tests::{column, name};
use crate::conflict::{Conflict, ConflictReason, Malformed};
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, FieldId, LakeId, ObjectId, Version};
use crate::record::SlotBytes;
use crate::schema::{Column, NESTING_MAX, number_nested_fields};
use crate::state::State;
use crate::time::Micros;
use crate::transaction::{BlockIndex, Proposal, Rows, TableTarget, Transaction};

const SCHEMA: ObjectId = ObjectId::new(1);
const TABLE: ObjectId = ObjectId::new(2);
const HOUR: i64 = 3_600_000_000;

fn create_table(text: &str, columns: Vec<Column>) -> Proposal {
    Proposal::CreateTable {
        schema: SCHEMA,
        name: name(text),
        columns,
        next_field: FieldId::new(100),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    }
}

fn add_rows(table: TableTarget, count: u64) -> Proposal {
    Proposal::AddRows { table, count, rows: Rows::Hot { rows: BlockIndex(0) }, stored_ids: false }
}

fn insert(count: u64) -> Proposal {
    add_rows(TableTarget::Existing(TABLE), count)
}

fn add_column(column: Column) -> Proposal {
    Proposal::AddColumn { table: TABLE, column, next_field: FieldId::new(101) }
}

/// A transaction on the newest version of a state, with two blocks.
fn transaction(state: &State, changes: Vec<Proposal>) -> Transaction {
    Transaction {
        branch: BranchId::MAIN,
        base: state.head().version.unwrap_or(Version::FIRST),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "test".to_owned(),
        commit_time: None,
        reads: Vec::new(),
        changes,
        blocks: vec![Bytes::from_static(b"block"), Bytes::from_static(b"another block")],
        properties: Vec::new(),
    }
}

/// Fills a slot at an instant. Whoever reads the slot gets the state that its writer has.
fn fill_at(state: &State, transactions: &[Transaction], now: i64) -> FilledSlot {
    let transactions: Vec<&Transaction> = transactions.iter().collect();
    let filled = fill_slot(state, &transactions, Micros::new(now));
    if let Some(slot) = &filled.slot {
        let read = SlotBytes::decode(&slot.bytes).unwrap();
        let followed = state.apply(&read.record, read.hash).unwrap();
        assert_eq!(followed.head(), filled.state.head());
        assert_eq!(followed.counters(), filled.state.counters());
        assert_eq!(followed.recompute_digest(), Ok(filled.state.digest()));
    }
    filled
}

fn fill(state: &State, transactions: &[Transaction]) -> FilledSlot {
    fill_at(state, transactions, state.head().wall_time.get().max(0) + 1_000)
}

/// The state after a transaction with these changes.
fn committed(state: &State, changes: Vec<Proposal>) -> State {
    let filled = fill(state, &[transaction(state, changes)]);
    assert!(matches!(filled.outcomes.as_slice(), [Outcome::Planned(_)]), "{:?}", filled.outcomes);
    filled.state
}

/// What becomes of a transaction with these changes that nothing stands against.
fn malformed(state: &State, changes: Vec<Proposal>) -> Malformed {
    let sound = transaction(state, vec![create_table("sound", vec![column(1, "a")])]);
    let filled = fill(state, &[transaction(state, changes), sound]);
    assert!(matches!(filled.outcomes[1], Outcome::Planned(_)), "others are made: {:?}", filled.outcomes);
    match filled.outcomes.into_iter().next() {
        Some(Outcome::Refused(Refusal::Malformed(malformed))) => malformed,
        other => unreachable!("{other:?}"),
    }
}

/// A lake with a table without rows, whose columns are `a` and the required `b`.
fn with_table() -> State {
    let genesis = State::genesis(LakeId::from_bytes([1; 16]));
    let state = committed(&genesis, vec![Proposal::CreateSchema { name: name("public") }]);
    let required = Column { nullable: false, ..column(2, "b") };
    committed(&state, vec![create_table("t", vec![column(1, "a"), required])])
}

fn nested(levels: usize) -> Column {
    let deep = (0..levels).fold(DataType::Int64, |inner, _| DataType::List(Arc::new(Field::new("item", inner, true))));
    let data_type = number_nested_fields(&deep, &mut FieldId::new(2));
    Column { data_type, ..column(1, "a") }
}

#[test]
fn what_could_not_be_read_again_is_refused() {
    let state = with_table();
    committed(&state, vec![create_table("deep", vec![nested(NESTING_MAX)])]);
    for levels in [60, 120] {
        let refused = malformed(&state, vec![create_table("deep", vec![nested(levels)])]);
        assert!(matches!(refused, Malformed::Unreadable(_)), "{levels} levels: {refused}");
    }
    let unknown = Column { data_type: DataType::Null, ..column(1, "a") };
    let refused = malformed(&state, vec![create_table("unknown", vec![unknown])]);
    assert!(matches!(refused, Malformed::Unreadable(_)), "{refused}");
}

#[test]
fn rows_added_to_a_table_that_is_then_dropped_are_counted_as_taken_away() {
    let state = committed(&with_table(), vec![insert(10)]);
    let after = committed(&state, vec![insert(5), Proposal::DropTable { table: TABLE }]);
    assert_eq!(after.total_rows(TABLE), 0);
    let commit = after.commit(after.head().version.unwrap()).unwrap().unwrap();
    assert_eq!((commit.rows_added(), commit.rows_removed()), (5, 15));
}

#[test]
fn changes_that_contradict_the_catalog_are_refused() {
    let state = committed(&with_table(), vec![insert(10)]);
    let field = FieldId::new(77);
    for change in [
        Proposal::DropColumn { table: TABLE, field },
        Proposal::RenameColumn { table: TABLE, field, name: name("x") },
        add_column(column(1, "again")),
        insert(u64::MAX),
    ] {
        let refused = malformed(&state, vec![change.clone()]);
        assert!(matches!(refused, Malformed::Contradiction(_)), "{change:?}: {refused}");
    }
}

#[test]
fn a_block_or_table_that_a_transaction_does_not_have_is_refused() {
    let state = with_table();
    let rows = Rows::Hot { rows: BlockIndex(2) };
    let change = Proposal::AddRows { table: TableTarget::Existing(TABLE), count: 1, rows, stored_ids: false };
    assert_eq!(malformed(&state, vec![change]), Malformed::NoBlock { index: 2, blocks: 2 });
    let create = create_table("new", vec![column(1, "a")]);
    let refused = malformed(&state, vec![create, add_rows(TableTarget::Created(1), 1)]);
    assert_eq!(refused, Malformed::NoTable { place: 1, created: 1 });
}

#[test]
fn a_refused_transaction_leaves_its_blocks_out_of_the_slot() {
    let state = with_table();
    let wrong = transaction(&state, vec![insert(1), Proposal::DropColumn { table: TABLE, field: FieldId::new(77) }]);
    let filled = fill(&state, &[wrong, transaction(&state, vec![insert(3)])]);
    assert_eq!(filled.blocks.len(), 2);
    assert_eq!(filled.state.total_rows(TABLE), 3);
}

/// A UUID of version 7 made at an instant, to the millisecond.
fn made_at(micros: i64) -> CommitId {
    let mut bytes = [7; 16];
    bytes[..6].copy_from_slice(&(micros / 1_000).to_be_bytes()[2..]);
    (bytes[6], bytes[8]) = (0x70, 0x80);
    CommitId::from_bytes(bytes)
}

/// A transaction with a commit id that was made at an instant.
fn asked(state: &State, made: i64) -> Transaction {
    let (commit_id, request) = (made_at(made), Some(Digest::of(b"insert a row")));
    Transaction { commit_id, request, ..transaction(state, vec![insert(1)]) }
}

#[test]
fn a_commit_id_is_answered_for_as_long_as_it_is_taken() {
    let state = with_table();
    let now = 10 * HOUR;
    for ahead in [-HOUR, 0, COMMIT_ID_AHEAD_MICROS] {
        let made = now + ahead;
        let filled = fill_at(&state, &[asked(&state, made)], now);
        let [Outcome::Planned(version)] = filled.outcomes.as_slice() else { unreachable!("{:?}", filled.outcomes) };
        let last = made + COMMIT_ID_WINDOW_MICROS;
        for later in [now, last] {
            let again = fill_at(&filled.state, &[asked(&filled.state, made)], later);
            assert_eq!(again.outcomes, [Outcome::Repeated(*version)], "{ahead} ahead, at {later}");
        }
        let late = fill_at(&filled.state, &[asked(&filled.state, made)], last + 1);
        assert!(matches!(late.outcomes[0], Outcome::Refused(Refusal::CommitIdTooOld { .. })), "{:?}", late.outcomes);
    }
}

#[test]
fn a_commit_id_from_the_future_is_refused() {
    let state = with_table();
    let now = 10 * HOUR;
    for ahead in [COMMIT_ID_AHEAD_MICROS + 1_000, 3 * HOUR] {
        let filled = fill_at(&state, &[asked(&state, now + ahead)], now);
        let refused = &filled.outcomes[0];
        assert!(matches!(refused, Outcome::Refused(Refusal::CommitIdInFuture { .. })), "{refused:?}");
    }
}

/// What becomes of two transactions on one base, in this order.
fn outcomes_of(state: &State, first: Proposal, second: Proposal) -> Vec<Outcome> {
    fill(state, &[transaction(state, vec![first]), transaction(state, vec![second])]).outcomes
}

#[test]
fn rows_without_a_value_and_a_new_column_that_requires_one_are_not_both_made() {
    let state = with_table();
    let base = state.head().version.unwrap();
    let (first, with) = (Outcome::Planned(base.next()), base.next());
    let required = || add_column(Column { nullable: false, ..column(100, "c") });

    let reason = ConflictReason::Columns { table: "t".to_owned() };
    let conflict = Outcome::Conflict(Conflict { base, with, reason });
    assert_eq!(outcomes_of(&state, required(), insert(1)), [first.clone(), conflict]);

    let reason = ConflictReason::Read { table: "t".to_owned() };
    let conflict = Outcome::Conflict(Conflict { base, with, reason });
    assert_eq!(outcomes_of(&state, insert(1), required()), [first, conflict]);

    let later = committed(&state, vec![required()]);
    committed(&later, vec![insert(1)]);
    let refused = malformed(&committed(&state, vec![insert(1)]), vec![required()]);
    assert_eq!(refused, Malformed::NoValue { column: "c".to_owned() });
}

#[test]
fn rows_and_a_new_column_that_has_a_value_for_them_are_both_made() {
    let state = with_table();
    let with_initial = Column { nullable: false, initial: Some("5".to_owned()), ..column(100, "c") };
    let rename = Proposal::RenameColumn { table: TABLE, field: FieldId::new(2), name: name("renamed") };
    for change in [add_column(column(100, "c")), add_column(with_initial), rename] {
        for (first, second) in [(insert(1), change.clone()), (change.clone(), insert(1))] {
            let outcomes = outcomes_of(&state, first, second);
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Planned(_))), "{outcomes:?}");
        }
    }
}

#[test]
fn only_what_the_slot_itself_brings_about_is_uncertain_with_it() {
    let state = with_table();
    let now = 10 * HOUR;
    let state = fill_at(&state, &[asked(&state, now)], now).state;
    let create = |text: &str| transaction(&state, vec![create_table(text, vec![column(1, "a")])]);
    let dated = |time: i64| Transaction { commit_time: Some(Micros::new(time)), ..create("dated") };
    let cases = [
        (create("new"), false),
        (create("new"), false),
        (create("t"), true),
        (asked(&state, now), true),
        (asked(&state, now + 500_000), false),
        (asked(&state, now + 500_000), false),
        (asked(&state, now - 2 * HOUR), true),
        (dated(now + 1_000), false),
        (dated(now + HOUR), true),
        (transaction(&state, vec![add_rows(TableTarget::Created(0), 1)]), true),
    ];
    let (transactions, expected): (Vec<Transaction>, Vec<bool>) = cases.into_iter().unzip();
    let outcomes = fill_at(&state, &transactions, now + 1_000_000).outcomes;
    let held: Vec<bool> = outcomes.iter().map(|outcome| outcome.holds_without_the_slot(&state)).collect();
    assert_eq!(held, expected, "{outcomes:?}");
}
