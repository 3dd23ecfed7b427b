use super::*;
use crate::as_of::{AsOf, AsOfError};
use crate::change::{Change, Entry, TableCount};
use crate::conflict::tests::{column, name, version};
use crate::segment::{BlockRef, RowIds, Segment, Storage};

/// A state to which entries are applied one after the other, each at its own commit time.
struct Lake(State);

impl Lake {
    fn new() -> Self {
        let mut lake = Self(State::genesis(LakeId::from_bytes([1; 16])));
        lake.apply(None, vec![Change::CreateSchema { schema: ObjectId::new(1), name: name("public") }]);
        lake
    }

    fn try_apply(&mut self, time: Option<i64>, changes: Vec<Change>) -> Result<(), ApplyError> {
        self.try_apply_counted(time, changes, Vec::new())
    }

    fn try_apply_counted(
        &mut self,
        time: Option<i64>,
        changes: Vec<Change>,
        tables: Vec<TableCount>,
    ) -> Result<(), ApplyError> {
        let number = self.0.head().version.map_or(1, |newest| newest.number() + 1);
        let entry = Entry {
            version: version(number),
            branch: BranchId::MAIN,
            commit_id: CommitId::from_bytes([number as u8; 16]),
            request: None,
            base: Version::new(number - 1),
            author: "ann".to_owned(),
            message: String::new(),
            operation: "test".to_owned(),
            wall_time: Micros::new(time.unwrap_or(0)),
            commit_time: time.map(Micros::new),
            changes,
            tables,
            properties: Vec::new(),
        };
        let mut next = self.0.clone();
        next.apply_entry(&entry, Slot::new(number), Digest::ZERO)?;
        self.0 = next;
        Ok(())
    }

    fn apply(&mut self, time: Option<i64>, changes: Vec<Change>) {
        self.try_apply(time, changes).unwrap();
        assert_eq!(Ok(self.0.digest()), self.0.recompute_digest(), "the running digest is the digest of the facts");
    }

    fn column_names(&self, table: u64, at: u64) -> Vec<String> {
        let columns = self.0.columns_at(ObjectId::new(table), version(at));
        columns.iter().map(|column| column.name.to_string()).collect()
    }
}

fn create_table(table: u64, text: &str) -> Change {
    let definition = Table {
        schema: ObjectId::new(1),
        name: name(text),
        comment: None,
        sort_by: Vec::new(),
        options: Vec::new(),
        next_field: FieldId::new(3),
        constraints: Vec::new(),
    };
    Change::CreateTable { table: ObjectId::new(table), definition, columns: vec![column(1, "a"), column(2, "b")] }
}

#[test]
fn each_version_has_the_columns_that_its_table_had_then() {
    let mut lake = Lake::new();
    let table = ObjectId::new(2);
    lake.apply(Some(20), vec![create_table(2, "t")]);
    lake.apply(Some(30), vec![Change::RenameColumn { table, field: FieldId::new(1), name: name("x") }]);
    let added = Change::AddColumn { table, column: column(3, "c"), next_field: FieldId::new(4) };
    lake.apply(Some(40), vec![added]);
    lake.apply(Some(50), vec![Change::DropColumn { table, field: FieldId::new(2) }]);
    lake.apply(Some(60), vec![Change::DropTable { table }]);
    let seen: Vec<_> = (1..=6).map(|at| lake.column_names(2, at).join(" ")).collect();
    assert_eq!(seen, ["", "a b", "x b", "x b c", "x c", ""]);
}

#[test]
fn a_name_used_again_stands_for_another_table() {
    let mut lake = Lake::new();
    lake.apply(Some(20), vec![create_table(2, "t")]);
    let replaced = vec![Change::DropTable { table: ObjectId::new(2) }, create_table(3, "t")];
    lake.apply(Some(30), replaced);
    let found = |at| lake.0.relation_named(ObjectId::new(1), "t", version(at)).map(|relation| relation.id());
    assert_eq!(found(1), None);
    assert_eq!(found(2), Some(RelationId::Table(ObjectId::new(2))));
    assert_eq!(found(3), Some(RelationId::Table(ObjectId::new(3))));
}

#[test]
fn a_change_of_what_is_not_there_is_refused_and_leaves_the_state_as_it_was() {
    let mut lake = Lake::new();
    let digest = lake.0.digest();
    for change in [
        Change::DropTable { table: ObjectId::new(9) },
        Change::DropView { view: ObjectId::new(9) },
        Change::DropSchema { schema: ObjectId::new(9) },
        Change::DropTag { name: name("x") },
        Change::DropColumn { table: ObjectId::new(9), field: FieldId::new(1) },
        Change::CreateSchema { schema: ObjectId::new(1), name: name("again") },
    ] {
        assert!(lake.try_apply(Some(20), vec![change.clone()]).is_err(), "{change:?}");
        assert_eq!(lake.0.digest(), digest);
    }
}

#[test]
fn numbers_past_the_greatest_are_refused() {
    let mut lake = Lake::new();
    let table = ObjectId::new(2);
    lake.apply(Some(20), vec![create_table(2, "t")]);
    let block = BlockRef { slot: Slot::new(3), index: 0, length_bytes: 5, sha256: Digest::of(b"block") };
    let segment = |id: u64, first_row: u64, rows: u64| Change::AddSegment {
        segment: Segment {
            id: SegmentId::new(id),
            table,
            rows,
            row_ids: RowIds::From(RowId::new(first_row)),
            storage: Storage::Hot { rows: block },
        },
    };
    let place = |placement: u64, id: u64| {
        let (placement, segment) = (PlacementId::new(placement), SegmentId::new(id));
        Change::Place { placement, table, segment }
    };
    for changes in [
        vec![segment(1, u64::MAX - 1, 10), place(1, 1)],
        vec![segment(u64::MAX, 0, 10), place(1, u64::MAX)],
        vec![segment(1, 0, 10), place(u64::MAX, 1)],
        vec![Change::CreateSchema { schema: ObjectId::new(u64::MAX), name: name("last") }],
        vec![create_table(u64::MAX, "last")],
    ] {
        let refused = lake.try_apply(Some(30), changes);
        assert!(matches!(refused, Err(ApplyError::Exhausted { .. })), "{refused:?}");
    }
    let changes = vec![segment(1, 0, 10), place(1, 1)];
    let counts = |added: u64, removed: u64, total: u64| vec![TableCount { table, added, removed, total }];
    lake.try_apply_counted(Some(30), changes, counts(10, 0, 10)).unwrap();
    let refused = lake.try_apply_counted(Some(40), Vec::new(), counts(u64::MAX, 0, 9));
    assert!(matches!(refused, Err(ApplyError::RowCount { .. })), "{refused:?}");
    let refused = lake.try_apply(Some(40), vec![segment(2, 10, 10), place(2, 2)]);
    assert!(matches!(refused, Err(ApplyError::RowCount { .. })), "rows that nobody counted: {refused:?}");
}

fn lake_with_times() -> Lake {
    let mut lake = Lake::new();
    for (place, time) in [100, 200, 300].into_iter().enumerate() {
        lake.apply(Some(time), vec![create_table(place as u64 + 2, &format!("t{place}"))]);
    }
    lake.apply(Some(400), vec![Change::CreateTag { name: name("q3-close"), version: version(2) }]);
    lake
}

#[test]
fn as_of_an_instant_takes_the_last_version_not_after_it() {
    let lake = lake_with_times();
    let at = |time| {
        let as_of = AsOf::Timestamp(Micros::new(time));
        lake.0.resolve_as_of(&as_of, version(5), Micros::new(1_000)).ok().map(Version::number)
    };
    assert_eq!(
        [99, 100, 199, 200, 399, 400, 1_000].map(at),
        [None, Some(2), Some(2), Some(3), Some(4), Some(5), Some(5)]
    );
}

#[test]
fn an_as_of_that_is_not_there_says_what_is() {
    let lake = lake_with_times();
    let refused = |as_of: AsOf| lake.0.resolve_as_of(&as_of, version(5), Micros::new(1_000)).unwrap_err().to_string();
    assert_eq!(refused(AsOf::Version(9_000)), "version 9000 does not exist; `main` runs from 1 to 5");
    assert_eq!(refused(AsOf::Version(0)), "version 0 does not exist; `main` runs from 1 to 5");
    assert_eq!(refused(AsOf::Version(-1)), "version -1 does not exist; `main` runs from 1 to 5");
    assert_eq!(refused(AsOf::Tag("q3-clos".to_owned())), "tag `q3-clos` does not exist; did you mean `q3-close`?");
    assert_eq!(refused(AsOf::Branch("exp".to_owned())), "branch `exp` does not exist; this lake has `main`");
    let early = lake.0.resolve_as_of(&AsOf::Timestamp(Micros::new(5)), version(5), Micros::new(1_000));
    assert!(matches!(early, Err(AsOfError::BeforeFirst { .. })));
    let late = lake.0.resolve_as_of(&AsOf::Timestamp(Micros::new(5_000)), version(5), Micros::new(1_000));
    assert!(matches!(late, Err(AsOfError::Future { .. })));
}

#[test]
fn a_tag_is_seen_from_the_version_that_made_it() {
    let lake = lake_with_times();
    let tag = AsOf::Tag("q3-close".to_owned());
    assert_eq!(lake.0.resolve_as_of(&tag, version(5), Micros::new(9)).unwrap(), version(2));
    assert!(lake.0.resolve_as_of(&tag, version(4), Micros::new(9)).is_err());
}
