//! What a table is apart from its rows, and the changes from one such thing to another.
//!
//! ALTER TABLE and RESTORE say what a table is to be; what has to change follows from what it is.

use std::collections::BTreeMap;

use frostline_catalog::schema::{Column, Table};
use frostline_catalog::state::PlacedColumn;
use frostline_catalog::transaction::Proposal;
use frostline_catalog::{FieldId, ObjectId, State, Version};

/// A table's definition and columns.
///
/// * Columns stand in their order; their ordinals increase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) table: Table,
    pub(crate) columns: Vec<PlacedColumn>,
}

impl Definition {
    /// What a table is at a version; `None` if it is not there.
    pub(crate) fn at(state: &State, table: ObjectId, version: Version) -> Option<Self> {
        let definition = state.table_at(table, version)?.clone();
        let mut columns: Vec<PlacedColumn> = Vec::new();
        for column in state.columns_at(table, version) {
            columns.push(state.columns().at(&(table, column.id), version)?.clone());
        }
        Some(Self { table: definition, columns })
    }

    /// The same table with these columns, in this order. Columns that were there keep their ordinals as far as the
    /// order allows.
    pub(crate) fn with_columns(&self, table: Table, columns: Vec<Column>) -> Self {
        let known: BTreeMap<FieldId, u32> =
            self.columns.iter().map(|placed| (placed.column.id, placed.ordinal)).collect();
        let mut next: u32 = 0;
        let mut placed: Vec<PlacedColumn> = Vec::with_capacity(columns.len());
        for column in columns {
            let ordinal = known.get(&column.id).copied().unwrap_or(next).max(next);
            next = ordinal.saturating_add(1);
            placed.push(PlacedColumn { column, ordinal });
        }
        Self { table, columns: placed }
    }

    fn column(&self, field: FieldId) -> Option<&PlacedColumn> {
        self.columns.iter().find(|placed| placed.column.id == field)
    }

    /// What makes this table the other one, in the order in which it is to be done: columns go, come, and change, and
    /// then the table itself does.
    ///
    /// Columns that this table never had are added; those that it had once begin again.
    pub(crate) fn changes_to(&self, id: ObjectId, other: &Self) -> Vec<Proposal> {
        let mut changes: Vec<Proposal> = Vec::new();
        let next_field = other.table.next_field.max(self.table.next_field);
        let kept = |placed: &&PlacedColumn| other.column(placed.column.id).is_some();
        for placed in self.columns.iter().filter(|placed| !kept(placed)) {
            changes.push(Proposal::DropColumn { table: id, field: placed.column.id });
        }
        // Where the next column goes by itself: behind those that are left.
        let mut end: u32 = self.columns.iter().filter(kept).map(|placed| placed.ordinal + 1).max().unwrap_or(0);
        let mut added: BTreeMap<FieldId, u32> = BTreeMap::new();
        let new: Vec<&PlacedColumn> =
            other.columns.iter().filter(|placed| placed.column.id >= self.table.next_field).collect();
        for placed in &new {
            changes.push(Proposal::AddColumn { table: id, column: placed.column.clone(), next_field });
            added.insert(placed.column.id, end);
            end = end.saturating_add(1);
        }
        for placed in &other.columns {
            let (column, ordinal) = (&placed.column, placed.ordinal);
            let field = column.id;
            let set = Proposal::SetColumn { table: id, column: column.clone(), ordinal, next_field };
            match (self.column(field), added.get(&field)) {
                (_, Some(at)) if *at == ordinal => {}
                (Some(before), None) if before == placed => {}
                (Some(before), None) if is_renamed(before, placed) => {
                    changes.push(Proposal::RenameColumn { table: id, field, name: column.name.clone() });
                }
                _ => changes.push(set),
            }
        }
        if is_redefined(&self.table, &other.table) {
            let definition = Table { next_field, ..other.table.clone() };
            changes.push(Proposal::SetTable { table: id, definition });
        }
        changes
    }
}

/// Whether only the name of a column differs.
fn is_renamed(before: &PlacedColumn, after: &PlacedColumn) -> bool {
    let renamed = Column { name: after.column.name.clone(), ..before.column.clone() };
    before.ordinal == after.ordinal && renamed == after.column
}

/// Whether tables differ in more than the number of their next column.
fn is_redefined(before: &Table, after: &Table) -> bool {
    let same_next = Table { next_field: before.next_field, ..after.clone() };
    same_next != *before
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::datatypes::DataType;
    use frostline_catalog::Name;

    use super::*;

    const TABLE: ObjectId = ObjectId::new(7);

    pub(in crate::statement) fn name(text: &str) -> Name {
        Name::try_new(text).unwrap()
    }

    pub(in crate::statement) fn column(id: i32, text: &str) -> Column {
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

    fn table(next: i32) -> Table {
        Table {
            schema: ObjectId::new(1),
            name: name("t"),
            comment: None,
            sort_by: Vec::new(),
            options: Vec::new(),
            next_field: FieldId::new(next),
            constraints: Vec::new(),
        }
    }

    /// Columns 1 `a`, 2 `b`, 3 `c`.
    fn before() -> Definition {
        let columns = [column(1, "a"), column(2, "b"), column(3, "c")];
        let placed = |(column, ordinal): (Column, u32)| PlacedColumn { column, ordinal };
        Definition { table: table(4), columns: columns.into_iter().zip(0..).map(placed).collect() }
    }

    /// The changes, a word and the column's id each.
    fn check(after: Definition, expected: &[&str]) {
        let shown: Vec<String> = before()
            .changes_to(TABLE, &after)
            .iter()
            .map(|change| match change {
                Proposal::AddColumn { column, next_field, .. } => format!("add {} next {next_field}", column.id),
                Proposal::DropColumn { field, .. } => format!("drop {field}"),
                Proposal::RenameColumn { field, name, .. } => format!("rename {field} {name}"),
                Proposal::SetColumn { column, ordinal, .. } => format!("set {} at {ordinal}", column.id),
                Proposal::SetTable { definition: table, .. } => {
                    format!("table {} next {}", table.name, table.next_field)
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_the_same_needs_no_change() {
        check(before(), &[]);
        let columns = before().columns.into_iter().map(|placed| placed.column).collect();
        check(before().with_columns(table(4), columns), &[]);
    }

    #[test]
    fn a_new_column_is_added_and_an_old_one_begins_again() {
        let longer = vec![column(1, "a"), column(2, "b"), column(3, "c"), column(4, "d")];
        check(before().with_columns(table(5), longer), &["add 4 next 5"]);
        let mut dropped = before();
        dropped.columns.remove(1);
        let back: Vec<String> =
            dropped.changes_to(TABLE, &before()).iter().map(|change| format!("{change:?}")).collect();
        assert_eq!(back.len(), 1);
        assert!(back[0].starts_with("SetColumn"), "{back:?}");
    }

    #[test]
    fn a_column_that_goes_before_others_moves_only_what_it_must() {
        let moved = vec![column(3, "c"), column(1, "a"), column(2, "b")];
        check(before().with_columns(table(4), moved), &["set 1 at 3", "set 2 at 4"]);
        let added = vec![column(4, "d"), column(1, "a"), column(2, "b"), column(3, "c")];
        check(
            before().with_columns(table(5), added),
            &["add 4 next 5", "set 4 at 0", "set 1 at 1", "set 2 at 2", "set 3 at 3"],
        );
    }

    #[test]
    fn a_name_alone_is_a_renaming_and_more_is_another_column() {
        let mut wider = column(2, "b");
        wider.data_type = DataType::Float64;
        let columns = vec![column(1, "z"), wider, column(3, "c")];
        check(before().with_columns(table(4), columns), &["rename 1 z", "set 2 at 1"]);
    }

    #[test]
    fn the_number_of_the_next_column_never_goes_back() {
        let mut after = before();
        after.table.name = name("u");
        after.table.next_field = FieldId::new(2);
        check(after, &["table u next 4"]);
    }
}
