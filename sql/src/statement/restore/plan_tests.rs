//! Claims about what is planned, on small lakes: what is committed makes the past, and then nothing is left to do.

use bytes::Bytes;
use frostline_catalog::ledger::{Outcome, fill_slot};
use frostline_catalog::schema::{Table, View};
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget, Transaction};
use frostline_catalog::{
    BranchId, CommitId, FieldId, LakeId, Micros, ObjectId, RelationId, SealedError, State, Version,
};

use super::plan::{Scope, plan_restore};
use crate::statement::definition::tests::{column, name};

/// A lake whose versions are a second apart.
struct Lake {
    state: State,
    commits: u8,
}

impl Lake {
    /// Version 1, with schema `public`, which has id 1.
    fn new() -> Self {
        let mut lake = Self { state: State::genesis(LakeId::from_bytes([1; 16])), commits: 0 };
        lake.commit(vec![Proposal::CreateSchema { name: name("public") }]);
        lake
    }

    fn now(&self) -> Version {
        self.state.head().version.unwrap_or(Version::FIRST)
    }

    fn commit(&mut self, changes: Vec<Proposal>) -> Version {
        self.commits += 1;
        let transaction = Transaction {
            branch: BranchId::MAIN,
            base: self.now(),
            commit_id: CommitId::from_bytes([self.commits; 16]),
            request: None,
            author: String::new(),
            message: String::new(),
            operation: "test".to_owned(),
            commit_time: None,
            reads: Vec::new(),
            changes,
            blocks: vec![Bytes::from_static(b"rows")],
            properties: Vec::new(),
        };
        let filled = fill_slot(&self.state, &[&transaction], Micros::new(i64::from(self.commits) * 1_000_000));
        assert!(matches!(filled.outcomes.as_slice(), [Outcome::Planned(_)]), "{:?}", filled.outcomes);
        self.state = filled.state;
        self.now()
    }

    fn next_id(&self) -> ObjectId {
        self.state.counters().object
    }

    fn create_schema(&mut self, text: &str) -> ObjectId {
        let id = self.next_id();
        self.commit(vec![Proposal::CreateSchema { name: name(text) }]);
        id
    }

    /// A table with the columns 1 `a` and 2 `b`.
    fn create_table(&mut self, schema: ObjectId, text: &str) -> ObjectId {
        let id = self.next_id();
        self.commit(vec![Proposal::CreateTable {
            schema,
            name: name(text),
            columns: vec![column(1, "a"), column(2, "b")],
            next_field: FieldId::new(3),
            sort_by: Vec::new(),
            options: Vec::new(),
            comment: None,
            constraints: Vec::new(),
        }]);
        id
    }

    fn insert(&mut self, table: ObjectId) -> Version {
        let rows = Rows::Hot { rows: BlockIndex(0) };
        let table = TableTarget::Existing(table);
        self.commit(vec![Proposal::AddRows { table, count: 3, rows, stored_ids: false }])
    }

    fn rename(&mut self, table: ObjectId, to: &str) {
        let definition = Table { name: name(to), ..self.state.table_at(table, self.now()).unwrap().clone() };
        self.commit(vec![Proposal::SetTable { table, definition }]);
    }

    fn plan(&self, scope: Scope, to: Version) -> Vec<Proposal> {
        plan_restore(&self.state, scope, self.now(), to).unwrap()
    }

    /// Restores, and checks that everything of the scope is as it was.
    fn restore(&mut self, scope: Scope, to: Version) {
        let changes = self.plan(scope, to);
        self.commit(changes);
        assert_eq!(self.plan(scope, to), Vec::new(), "nothing is left to do");
    }

    /// The names of all tables and views, `schema.name`, with their ids and rows.
    fn names(&self, version: Version) -> Vec<String> {
        let mut names: Vec<String> = self
            .state
            .relations_at(version)
            .map(|(schema, relation)| {
                let schema = self.state.schemas().at(&schema, version).unwrap();
                let (id, rows) = match relation.id() {
                    RelationId::Table(id) => (id, self.rows(id, version).unwrap()),
                    RelationId::View(id) => (id, 0),
                };
                format!("{schema}.{} {id} {rows}", relation.name())
            })
            .collect();
        names.sort();
        names
    }

    fn rows(&self, table: ObjectId, version: Version) -> Result<u64, SealedError> {
        self.state.rows_at(table, version)
    }
}

const PUBLIC: ObjectId = ObjectId::new(1);

fn kinds(changes: &[Proposal]) -> Vec<&'static str> {
    let kind = |change: &Proposal| match change {
        Proposal::DropTable { .. } => "drop table",
        Proposal::DropColumn { .. } => "drop column",
        Proposal::RenameColumn { .. } => "rename column",
        Proposal::SetColumn { .. } => "set column",
        Proposal::SetTable { .. } => "set table",
        Proposal::BeginEpoch { .. } => "begin epoch",
        Proposal::ReopenTable { .. } => "reopen table",
        _ => "other",
    };
    changes.iter().map(kind).collect()
}

#[test]
fn what_is_as_it_was_is_left_alone() {
    let mut lake = Lake::new();
    let table = lake.create_table(PUBLIC, "t");
    let then = lake.insert(table);
    lake.create_table(PUBLIC, "other");
    assert_eq!(lake.plan(Scope::Table(table), then), Vec::new());
    assert_eq!(kinds(&lake.plan(Scope::Lake, then)), ["drop table"]);
}

#[test]
fn a_table_gets_its_columns_and_rows_back_and_keeps_its_name() {
    let mut lake = Lake::new();
    let table = lake.create_table(PUBLIC, "t");
    let then = lake.insert(table);
    lake.commit(vec![
        Proposal::RenameColumn { table, field: FieldId::new(1), name: name("z") },
        Proposal::DropColumn { table, field: FieldId::new(2) },
        Proposal::AddColumn { table, column: column(3, "b"), next_field: FieldId::new(4) },
    ]);
    lake.insert(table);
    lake.rename(table, "u");
    let changes = lake.plan(Scope::Table(table), then);
    assert_eq!(kinds(&changes), ["drop column", "rename column", "set column", "begin epoch"]);
    lake.restore(Scope::Table(table), then);
    let now = lake.now();
    let columns: Vec<&str> = lake.state.columns_at(table, now).iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["a", "b"]);
    assert_eq!(lake.state.table_at(table, now).unwrap().next_field, FieldId::new(4), "ids are never given again");
    assert_eq!(lake.names(now), [format!("public.u {table} 3")]);
}

#[test]
fn a_restoration_can_be_restored() {
    let mut lake = Lake::new();
    let table = lake.create_table(PUBLIC, "t");
    let three = lake.insert(table);
    let six = lake.insert(table);
    lake.restore(Scope::Table(table), three);
    assert_eq!(lake.rows(table, lake.now()).unwrap(), 3);
    lake.restore(Scope::Table(table), six);
    assert_eq!(lake.rows(table, lake.now()).unwrap(), 6);
}

#[test]
fn tables_that_exchanged_their_names_exchange_them_again() {
    let mut lake = Lake::new();
    let (one, other) = (lake.create_table(PUBLIC, "a"), lake.create_table(PUBLIC, "b"));
    let then = lake.now();
    lake.rename(one, "c");
    lake.rename(other, "a");
    lake.rename(one, "b");
    let before = lake.names(then);
    assert_ne!(lake.names(lake.now()), before);
    lake.restore(Scope::Schema(PUBLIC), then);
    assert_eq!(lake.names(lake.now()), before);
}

#[test]
fn a_schema_gives_up_what_came_later_and_gets_back_what_was_dropped_or_moved_away() {
    let mut lake = Lake::new();
    let elsewhere = lake.create_schema("elsewhere");
    let (dropped, moved) = (lake.create_table(PUBLIC, "dropped"), lake.create_table(PUBLIC, "moved"));
    lake.insert(dropped);
    let then = lake.now();
    lake.commit(vec![Proposal::DropTable { table: dropped }]);
    let definition = Table { schema: elsewhere, ..lake.state.table_at(moved, then).unwrap().clone() };
    lake.commit(vec![Proposal::SetTable { table: moved, definition }]);
    lake.create_table(PUBLIC, "dropped");
    let kept = lake.create_table(elsewhere, "kept");
    let before = lake.names(then);
    lake.restore(Scope::Schema(PUBLIC), then);
    let mut expected = before;
    expected.insert(0, format!("elsewhere.kept {kept} 0"));
    assert_eq!(lake.names(lake.now()), expected);
}

#[test]
fn the_lake_gets_schemas_back_whose_names_others_have() {
    let mut lake = Lake::new();
    let sales = lake.create_schema("sales");
    let orders = lake.create_table(sales, "orders");
    lake.insert(orders);
    let view = lake.next_id();
    lake.commit(vec![Proposal::CreateView {
        schema: sales,
        name: name("v"),
        columns: Vec::new(),
        query: "SELECT 1".to_owned(),
        comment: None,
    }]);
    let then = lake.now();
    let definition: View = lake.state.view_at(view, then).unwrap().clone();
    lake.commit(vec![Proposal::SetView { view, definition: View { query: "SELECT 2".to_owned(), ..definition } }]);
    lake.commit(vec![
        Proposal::DropView { view },
        Proposal::DropTable { table: orders },
        Proposal::DropSchema { schema: sales },
    ]);
    let another = lake.create_schema("sales");
    lake.create_table(another, "orders");
    let before = lake.names(then);
    lake.restore(Scope::Lake, then);
    let now = lake.now();
    assert_eq!(lake.names(now), before);
    assert_eq!(lake.state.schema_named("sales", now), Some(sales));
    assert_eq!(lake.state.schemas_at(now).count(), 2);
    assert_eq!(lake.state.view_at(view, now).unwrap().query, "SELECT 1");
}
