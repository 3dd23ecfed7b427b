//! Which transactions stand against one another, and what pending ids become.

use arrow::datatypes::DataType;
use bytes::Bytes;

use super::*;
use crate::digest::Digest;
use crate::id::{CommitId, FieldId, LakeId, RowId};
use crate::ledger::{Outcome, Refusal, fill_slot};
use crate::name::Name;
use crate::schema::{Column, Constraint, Table, View};
use crate::segment::{RowIds, TableVersion};
use crate::state::RelationId;
use crate::transaction::{Rows, TableTarget};

pub(crate) const SCHEMA: ObjectId = ObjectId::new(1);
pub(crate) const TABLE: ObjectId = ObjectId::new(2);
const VIEW: ObjectId = ObjectId::new(3);

/// How many versions [`lake`] has.
pub(crate) const BASE: u64 = 4;

pub(crate) fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::try_new(text).unwrap()
}

pub(crate) fn column(id: i32, text: &str) -> Column {
    Column {
        id: FieldId::new(id),
        name: name(text),
        data_type: DataType::Int64,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    }
}

pub(crate) fn create_table(schema: ObjectId, text: &str) -> Proposal {
    Proposal::CreateTable {
        schema,
        name: name(text),
        columns: vec![column(1, "a"), column(2, "b")],
        next_field: FieldId::new(3),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    }
}

pub(crate) fn add(table: ObjectId, count: u64) -> Proposal {
    let (table, rows) = (TableTarget::Existing(table), Rows::Hot { rows: BlockIndex(0) });
    Proposal::AddRows { table, count, rows, stored_ids: false }
}

pub(crate) fn kill(table: ObjectId, segment: SegmentId, rows: u64) -> Proposal {
    let table = TableTarget::Existing(table);
    Proposal::KillRows { table, segment, rows, positions: Some(BlockIndex(1)) }
}

pub(crate) fn begin(table: ObjectId, base: Option<TableVersion>) -> Proposal {
    Proposal::BeginEpoch { table: TableTarget::Existing(table), base }
}

pub(crate) fn transaction(base: u64, changes: Vec<Proposal>) -> Transaction {
    Transaction {
        branch: BranchId::MAIN,
        base: version(base),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "test".to_owned(),
        commit_time: None,
        reads: Vec::new(),
        changes,
        blocks: vec![Bytes::from_static(b"block"), Bytes::from_static(b"another block")],
        properties: vec![("ticket".to_owned(), "A-1".to_owned())],
    }
}

/// What becomes of a transaction that was decided on a version, and the state after it.
pub(crate) fn judged(state: &State, base: u64, changes: Vec<Proposal>) -> (Outcome, State) {
    let filled = fill_slot(state, &[&transaction(base, changes)], Micros::new(1_000));
    assert_eq!(filled.state.recompute_digest(), Ok(filled.state.digest()));
    (filled.outcomes.into_iter().next().unwrap(), filled.state)
}

/// The state after a transaction on its newest version.
pub(crate) fn committed(state: &State, changes: Vec<Proposal>) -> State {
    let base = state.head().version.map_or(1, Version::number);
    let (outcome, after) = judged(state, base, changes);
    assert!(matches!(outcome, Outcome::Planned(_)), "{outcome:?}");
    after
}

/// A lake with a table `t` of 10 and 5 rows, and a view `v`.
pub(crate) fn lake() -> State {
    let genesis = State::genesis(LakeId::from_bytes([1; 16]));
    let state = committed(&genesis, vec![Proposal::CreateSchema { name: name("public") }]);
    let query = "SELECT 1".to_owned();
    let view = Proposal::CreateView { schema: SCHEMA, name: name("v"), columns: Vec::new(), query, comment: None };
    let state = committed(&state, vec![create_table(SCHEMA, "t"), view]);
    let state = committed(&state, vec![add(TABLE, 10)]);
    let state = committed(&state, vec![add(TABLE, 5)]);
    assert_eq!(state.head().version, Some(version(BASE)));
    state
}

fn set_table(state: &State, change: impl FnOnce(&mut Table)) -> Proposal {
    let mut definition = state.table_at(TABLE, version(BASE)).unwrap().clone();
    change(&mut definition);
    Proposal::SetTable { table: TABLE, definition }
}

fn set_column(column: Column) -> Proposal {
    let ordinal = column.id.number() as u32 - 1;
    Proposal::SetColumn { table: TABLE, column, ordinal, next_field: FieldId::new(3) }
}

fn set_view(state: &State, text: &str) -> Proposal {
    let definition = View { name: name(text), ..state.view_at(VIEW, version(BASE)).unwrap().clone() };
    Proposal::SetView { view: VIEW, definition }
}

fn check_rule(expression: &str) -> Constraint {
    Constraint::Check { name: name("rule"), expression: expression.to_owned() }
}

fn segment(number: u64) -> SegmentId {
    SegmentId::new(number)
}

/// That two transactions on one base do not go together, or do if no reason is given.
fn check(first: Proposal, second: Proposal, expected: Option<&str>) {
    let state = lake();
    let after = committed(&state, vec![first.clone()]);
    let outcome = judged(&after, BASE, vec![second.clone()]).0;
    match (&outcome, expected) {
        (Outcome::Planned(_), None) => {}
        (Outcome::Conflict(conflict), Some(reason)) => {
            assert_eq!((conflict.base, conflict.with), (version(BASE), version(BASE + 1)));
            assert_eq!(conflict.reason.to_string(), reason, "{first:?}, then {second:?}");
        }
        _ => unreachable!("{first:?}, then {second:?}: {outcome:?}"),
    }
}

#[test]
fn rows_that_another_killed_or_took_from_under_a_kill_conflict() {
    let rows = Some("changed the rows of table `t`, which the statement changes too");
    check(kill(TABLE, segment(1), 2), kill(TABLE, segment(1), 1), rows);
    check(kill(TABLE, segment(1), 2), kill(TABLE, segment(2), 1), None);
    check(add(TABLE, 1), kill(TABLE, segment(1), 1), None);
    check(begin(TABLE, None), kill(TABLE, segment(1), 1), rows);
    check(begin(TABLE, Some(TableVersion { table: TABLE, version: version(3) })), kill(TABLE, segment(1), 1), rows);
    check(Proposal::DropTable { table: TABLE }, kill(TABLE, segment(1), 1), Some("dropped table `t`"));
}

#[test]
fn a_table_begins_anew_only_if_nobody_else_changed_its_rows() {
    let rows = Some("changed the rows of table `t`, which the statement changes too");
    check(add(TABLE, 1), begin(TABLE, None), rows);
    check(kill(TABLE, segment(1), 2), begin(TABLE, None), rows);
    check(begin(TABLE, None), begin(TABLE, None), rows);
    check(begin(TABLE, None), add(TABLE, 1), None);
    check(kill(TABLE, segment(1), 2), add(TABLE, 1), None);
    check(create_table(SCHEMA, "other"), begin(TABLE, None), None);
}

#[test]
fn definitions_that_two_give_conflict() {
    let state = lake();
    let defined = |what: &str| format!("changed the definition of {what}");
    let table = defined("table `t`");
    let renamed = || set_table(&state, |table| table.name = name("u"));
    let commented = || set_table(&state, |table| table.comment = Some("why".to_owned()));
    check(commented(), commented(), Some(table.as_str()));
    check(renamed(), commented(), Some("changed the definition of table `u`"));
    check(add(TABLE, 1), commented(), None);
    check(commented(), add(TABLE, 1), None);
    check(renamed(), add(TABLE, 1), None);
    check(create_table(SCHEMA, "u"), renamed(), Some("created `u`"));
    check(renamed(), create_table(SCHEMA, "t"), None);
    check(Proposal::DropTable { table: TABLE }, commented(), Some("dropped table `t`"));

    let view = defined("view `w`");
    check(set_view(&state, "w"), set_view(&state, "w"), Some(view.as_str()));
    check(create_table(SCHEMA, "w"), set_view(&state, "w"), Some("created `w`"));
    check(Proposal::DropView { view: VIEW }, set_view(&state, "w"), Some("dropped view `v`"));

    let schema = |text: &str| Proposal::SetSchema { schema: SCHEMA, name: name(text) };
    let reason = defined("schema `one`");
    check(schema("one"), schema("other"), Some(reason.as_str()));
    check(Proposal::CreateSchema { name: name("other") }, schema("other"), Some("created `other`"));
    check(schema("other"), add(TABLE, 1), None);
}

#[test]
fn a_view_that_was_read_keeps_its_definition() {
    let state = lake();
    let check = |first: Proposal, expected: Option<&str>| {
        let after = committed(&state, vec![first.clone()]);
        let reader = Transaction { reads: vec![VIEW], ..transaction(BASE, vec![create_table(SCHEMA, "m")]) };
        let filled = fill_slot(&after, &[&reader], Micros::new(1_000));
        match (filled.outcomes.first(), expected) {
            (Some(Outcome::Planned(_)), None) => {}
            (Some(Outcome::Conflict(conflict)), Some(reason)) => {
                assert_eq!((conflict.base, conflict.with), (version(BASE), version(BASE + 1)));
                assert_eq!(conflict.reason.to_string(), reason);
            }
            (outcome, _) => unreachable!("{first:?}: {outcome:?}"),
        }
    };
    check(set_view(&state, "w"), Some("changed the definition of view `v`"));
    check(Proposal::DropView { view: VIEW }, Some("dropped view `v`"));
    check(add(TABLE, 1), None);
}

#[test]
fn columns_and_rules_conflict_with_what_they_would_make_wrong() {
    let state = lake();
    let required = || set_column(Column { nullable: false, ..column(1, "a") });
    let wider = || set_column(Column { data_type: DataType::Float64, ..column(1, "a") });
    let ruled = || set_table(&state, |table| table.constraints = vec![check_rule("a > 0")]);
    let columns = Some("changed the columns of table `t`");
    let read = Some("changed the rows of table `t`, which the statement read");
    let definition = Some("changed the definition of table `t`");
    check(wider(), required(), columns);
    check(wider(), add(TABLE, 1), None);
    check(add(TABLE, 1), wider(), None);
    check(required(), add(TABLE, 1), columns);
    check(add(TABLE, 1), required(), read);
    check(ruled(), add(TABLE, 1), definition);
    check(add(TABLE, 1), ruled(), read);
    check(wider(), ruled(), columns);
    check(ruled(), wider(), definition);
    check(ruled(), Proposal::DropColumn { table: TABLE, field: FieldId::new(1) }, definition);
    check(ruled(), Proposal::RenameColumn { table: TABLE, field: FieldId::new(1), name: name("x") }, definition);
}

#[test]
fn rows_conflict_with_a_column_that_goes_back_to_a_narrower_type() {
    let wider = set_column(Column { data_type: DataType::Float64, ..column(1, "a") });
    let state = committed(&lake(), vec![wider]);
    let back = || set_column(column(1, "a"));
    for (first, second, expected) in [
        (back(), add(TABLE, 1), "changed the columns of table `t`"),
        (add(TABLE, 1), back(), "changed the rows of table `t`, which the statement read"),
    ] {
        let after = committed(&state, vec![first]);
        match judged(&after, BASE + 1, vec![second]).0 {
            Outcome::Conflict(conflict) => assert_eq!(conflict.reason.to_string(), expected),
            other => unreachable!("{other:?}"),
        }
    }
    assert!(matches!(judged(&state, BASE + 1, vec![add(TABLE, 1), back()]).0, Outcome::Planned(_)));
}

#[test]
fn what_has_ended_begins_again_once() {
    let state = lake();
    let definition = state.table_at(TABLE, version(BASE)).unwrap().clone();
    let columns = vec![(column(1, "a"), 0), (column(2, "b"), 5)];
    let view = state.view_at(VIEW, version(BASE)).unwrap().clone();
    let table = || Proposal::ReopenTable { table: TABLE, definition: definition.clone(), columns: columns.clone() };
    let view = || Proposal::ReopenView { view: VIEW, definition: view.clone() };
    let schema = || Proposal::ReopenSchema { schema: SCHEMA, name: name("again") };
    let ended = [Proposal::DropTable { table: TABLE }, Proposal::DropView { view: VIEW }];
    let ended = ended.into_iter().chain([Proposal::DropSchema { schema: SCHEMA }]).collect();
    let dropped = committed(&state, ended);
    let reopened = committed(&dropped, vec![schema(), table(), view()]);
    let newest = reopened.head().version.unwrap();
    assert_eq!(reopened.schema_named("again", newest), Some(SCHEMA));
    let found = |text: &str| reopened.relation_named(SCHEMA, text, newest).map(|relation| relation.id());
    assert_eq!((found("t"), found("v")), (Some(RelationId::Table(TABLE)), Some(RelationId::View(VIEW))));
    assert_eq!(reopened.columns().at(&(TABLE, FieldId::new(2)), newest).unwrap().ordinal, 5);
    assert_eq!((reopened.total_rows(TABLE), reopened.counters().object), (0, dropped.counters().object));
    for again in [table(), view(), schema()] {
        let outcome = judged(&reopened, BASE + 1, vec![again.clone()]).0;
        let defined = |conflict: &Conflict| matches!(conflict.reason, ConflictReason::Definition { .. });
        assert!(matches!(&outcome, Outcome::Conflict(conflict) if defined(conflict)), "{again:?}: {outcome:?}");
    }
    let never = ObjectId::new(77);
    let refused = malformed(&dropped, vec![Proposal::ReopenSchema { schema: never, name: name("new") }]);
    assert_eq!(refused, "it begins schema `new` again, which never was");
}

#[test]
fn field_ids_are_never_given_back() {
    let state = lake();
    let back = set_table(&state, |table| table.next_field = FieldId::new(2));
    let after = committed(&state, vec![back]);
    assert_eq!(after.table_at(TABLE, version(BASE + 1)).unwrap().next_field, FieldId::new(3));
    let third = Proposal::SetColumn { table: TABLE, column: column(3, "c"), ordinal: 9, next_field: FieldId::new(4) };
    let after = committed(&state, vec![third]);
    assert_eq!(after.table_at(TABLE, version(BASE + 1)).unwrap().next_field, FieldId::new(4));
    let names: Vec<String> =
        after.columns_at(TABLE, version(BASE + 1)).iter().map(|column| column.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

/// Why a transaction on the newest version is one that no lake could take.
fn malformed(state: &State, changes: Vec<Proposal>) -> String {
    let base = state.head().version.unwrap().number();
    match judged(state, base, changes).0 {
        Outcome::Refused(Refusal::Malformed(malformed)) => malformed.to_string(),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn rows_that_are_not_there_cannot_be_killed() {
    let state = committed(&lake(), vec![kill(TABLE, segment(1), 4)]);
    let all = |rows: u64| {
        let table = TableTarget::Existing(TABLE);
        Proposal::KillRows { table, segment: segment(1), rows, positions: None }
    };
    let refused = "it takes 7 rows out of segment 1, of which table `t` has 6";
    assert_eq!(malformed(&state, vec![kill(TABLE, segment(1), 7)]), refused);
    let refused = "it takes 5 rows out of segment 1, of which table `t` has 6";
    assert_eq!(malformed(&state, vec![all(5)]), refused);
    let refused = "it takes 0 rows out of segment 1, of which table `t` has 6";
    assert_eq!(malformed(&state, vec![kill(TABLE, segment(1), 0)]), refused);
    let refused = "it takes 1 rows out of segment 9, of which table `t` has 0";
    assert_eq!(malformed(&state, vec![kill(TABLE, segment(9), 1)]), refused);
    let refused = "it takes 1 rows out of segment 1, of which table `t` has 0";
    assert_eq!(malformed(&state, vec![all(6), kill(TABLE, segment(1), 1)]), refused);
    assert_eq!(committed(&state, vec![all(6)]).total_rows(TABLE), 5);
}

#[test]
fn a_version_after_the_base_stands_for_the_base_or_is_refused() {
    let state = lake();
    let ahead = Some(TableVersion { table: TABLE, version: version(BASE + 1) });
    let epoch = || Proposal::BeginEpoch { table: TableTarget::Created(0), base: ahead };
    let tag = Proposal::CreateTag { name: name("q3"), version: version(BASE + 1) };
    let other = committed(&state, vec![create_table(SCHEMA, "meanwhile")]);
    let (outcome, after) = judged(&other, BASE, vec![create_table(SCHEMA, "copy"), epoch(), tag]);
    assert_eq!(outcome, Outcome::Planned(version(BASE + 2)));
    let copy = ObjectId::new(5);
    assert_eq!(after.epochs_of(copy)[0].value, Some(TableVersion { table: TABLE, version: version(BASE) }));
    assert_eq!(after.total_rows(copy), 15);
    assert_eq!(after.tags().at(&name("q3"), version(BASE + 2)), Some(&version(BASE + 2)));
    let refused = malformed(&state, vec![create_table(SCHEMA, "copy"), kill(TABLE, segment(1), 1), epoch()]);
    let expected = "table `t` is changed by the same transaction, so that nothing can begin from it yet; commit first";
    assert_eq!(refused, expected);
}

#[test]
fn pending_ids_become_the_ids_of_what_was_made() {
    let (schema, table) = (ObjectId::pending(0), ObjectId::pending(1));
    let changes = vec![
        Proposal::CreateSchema { name: name("s") },
        create_table(schema, "t"),
        add(table, 10),
        add(TABLE, 3),
        add(table, 7),
        kill(table, SegmentId::pending(2), 2),
        kill(TABLE, SegmentId::pending(1), 1),
        kill(TABLE, segment(1), 4),
        set_in(schema, table),
    ];
    let mut asked = transaction(BASE, changes);
    asked.reads = vec![TABLE, table];
    let state = committed(&lake(), vec![add(ObjectId::new(2), 1)]);
    asked.base = version(BASE + 1);
    let filled = fill_slot(&state, &[&asked], Micros::new(1_000));
    assert_eq!(filled.outcomes, [Outcome::Planned(version(BASE + 2))]);
    let (state, newest) = (filled.state, version(BASE + 2));
    let schema = state.schema_named("s", newest).unwrap();
    let Some(RelationId::Table(made)) = state.relation_named(schema, "u", newest).map(|found| found.id()) else {
        unreachable!("the table was renamed")
    };
    assert_eq!((schema, made), (ObjectId::new(4), ObjectId::new(5)));
    assert_eq!((state.total_rows(made), state.total_rows(TABLE)), (15, 14));
    let live = state.live_segments(made, newest).unwrap();
    let found: Vec<(u64, u64)> = live.iter().map(|live| (live.placed.segment.id.number(), live.rows())).collect();
    assert_eq!(found, [(4, 10), (6, 5)]);
    assert_eq!(live.hot[0].placed.segment.row_ids, RowIds::From(RowId::new(16)));
    let unknown = malformed(&state, vec![add(ObjectId::pending(0), 1)]);
    assert_eq!(
        unknown,
        "it names the pending id 0 of schemas, tables and views, counted from 0, and has made 0 so far"
    );
}

/// Gives a table of a schema the name `u`.
fn set_in(schema: ObjectId, table: ObjectId) -> Proposal {
    let definition = Table {
        schema,
        name: name("u"),
        comment: None,
        sort_by: Vec::new(),
        options: Vec::new(),
        next_field: FieldId::new(3),
        constraints: Vec::new(),
    };
    Proposal::SetTable { table, definition }
}

#[test]
fn rows_with_stored_ids_take_no_new_ones() {
    let state = lake();
    let (table, rows) = (TableTarget::Existing(TABLE), Rows::Hot { rows: BlockIndex(0) });
    let stored = Proposal::AddRows { table, count: 4, rows, stored_ids: true };
    let after = committed(&state, vec![kill(TABLE, segment(1), 4), stored]);
    assert_eq!(after.counters().row, state.counters().row);
    let live = after.live_segments(TABLE, version(BASE + 1)).unwrap();
    let ids: Vec<RowIds> = live.iter().map(|live| live.placed.segment.row_ids).collect();
    assert_eq!(ids, [RowIds::From(RowId::new(0)), RowIds::From(RowId::new(10)), RowIds::Stored]);
    let commit = after.commit(version(BASE + 1)).unwrap().unwrap();
    assert_eq!(commit.properties, [("ticket".to_owned(), "A-1".to_owned())]);
    assert_eq!((commit.rows_added(), commit.rows_removed()), (4, 4));
    assert_eq!(live.hot[0].dead.as_ref().unwrap().last.sha256, Digest::of(b"another block"));
}
