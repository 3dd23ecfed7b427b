//! What a transaction made or changed, and then dropped: no version has it as it was, so it cannot be brought back.

use std::collections::BTreeMap;

use frostline_catalog::segment::TableVersion;
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{ObjectId, Version};

/// What a statement makes that can be brought back: it is named, and maybe stands in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    Schema,
    Table,
    View,
}

/// Whether a table was changed, otherwise than by dropping it and by bringing it back as it was at a version.
pub(super) fn has_changed(changes: &[Proposal], table: ObjectId, version: Version) -> bool {
    let is_back = |change: &Proposal| matches!(change, Proposal::ReopenTable { table: opened, .. } if *opened == table);
    let since: usize = changes.iter().rposition(is_back).map_or(0, |place| place + 1);
    let base = Some(TableVersion { table, version });
    let same = Proposal::BeginEpoch { table: TableTarget::Existing(table), base };
    let is_change =
        |change: &Proposal| (changes_rows(change, table) && *change != same) || changes_definition(change, table);
    changes.iter().skip(since).any(is_change)
}

/// Whether something was made that was called so when it was dropped.
pub(super) fn has_made_and_dropped(changes: &[Proposal], wanted: (Made, Option<ObjectId>, &str)) -> bool {
    let mut called: BTreeMap<ObjectId, (Made, Option<ObjectId>, &str)> = BTreeMap::new();
    let mut created: u64 = 0;
    for change in changes {
        let made = match change {
            Proposal::CreateSchema { name } => Some((Made::Schema, None, name.as_str())),
            Proposal::CreateTable { schema, name, .. } => Some((Made::Table, Some(*schema), name.as_str())),
            Proposal::CreateView { schema, name, .. } => Some((Made::View, Some(*schema), name.as_str())),
            _ => None,
        };
        if let Some(made) = made {
            called.insert(ObjectId::pending(created), made);
            created += 1;
        }
        match change {
            Proposal::SetSchema { schema, name } => {
                called.insert(*schema, (Made::Schema, None, name.as_str()));
            }
            Proposal::SetTable { table, definition } => {
                called.insert(*table, (Made::Table, Some(definition.schema), definition.name.as_str()));
            }
            Proposal::SetView { view, definition } => {
                called.insert(*view, (Made::View, Some(definition.schema), definition.name.as_str()));
            }
            Proposal::DropSchema { schema: dropped }
            | Proposal::DropTable { table: dropped }
            | Proposal::DropView { view: dropped }
                if dropped.is_pending() && called.get(dropped) == Some(&wanted) =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Whether a change is one of a table's rows.
pub(super) fn changes_rows(change: &Proposal, table: ObjectId) -> bool {
    match change {
        Proposal::AddRows { table: target, .. }
        | Proposal::KillRows { table: target, .. }
        | Proposal::BeginEpoch { table: target, .. } => *target == TableTarget::Existing(table),
        _ => false,
    }
}

fn changes_definition(change: &Proposal, table: ObjectId) -> bool {
    match change {
        Proposal::AddColumn { table: changed, .. }
        | Proposal::DropColumn { table: changed, .. }
        | Proposal::RenameColumn { table: changed, .. }
        | Proposal::SetTable { table: changed, .. }
        | Proposal::SetColumn { table: changed, .. }
        | Proposal::ReopenTable { table: changed, .. } => *changed == table,
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use frostline_catalog::{FieldId, Name, SegmentId};

    use super::*;

    pub(in super::super) fn name(text: &str) -> Name {
        Name::try_new(text).unwrap()
    }

    pub(in super::super) fn table(text: &str) -> Proposal {
        Proposal::CreateTable {
            schema: ObjectId::new(1),
            name: name(text),
            columns: Vec::new(),
            next_field: FieldId::FIRST,
            sort_by: Vec::new(),
            options: Vec::new(),
            comment: None,
            constraints: Vec::new(),
        }
    }

    #[test]
    fn what_was_made_and_dropped_is_known_by_its_name_then() {
        let own = ObjectId::pending(1);
        let made = [Proposal::CreateSchema { name: name("s") }, table("a")];
        let dropped = [Proposal::DropTable { table: own }];
        let schema = Some(ObjectId::new(1));
        let check = |changes: &[Proposal], kind: Made, schema: Option<ObjectId>, name: &str, expected: bool| {
            assert_eq!(has_made_and_dropped(changes, (kind, schema, name)), expected, "{kind:?} {name}");
        };
        check(&made, Made::Table, schema, "a", false);
        let all: Vec<Proposal> = made.iter().chain(&dropped).cloned().collect();
        check(&all, Made::Table, schema, "a", true);
        check(&all, Made::View, schema, "a", false);
        check(&all, Made::Table, Some(ObjectId::new(2)), "a", false);
        check(&all, Made::Schema, None, "s", false);
        check(&[Proposal::DropTable { table: ObjectId::new(9) }], Made::Table, schema, "a", false);
        let gone = [Proposal::CreateSchema { name: name("s") }, Proposal::DropSchema { schema: ObjectId::pending(0) }];
        check(&gone, Made::Schema, None, "s", true);
    }

    #[test]
    fn a_table_that_came_back_as_it_was_is_not_changed() {
        let (own, version) = (ObjectId::new(7), Version::FIRST);
        let existing = TableTarget::Existing(own);
        let epoch = |base: Option<TableVersion>| Proposal::BeginEpoch { table: existing, base };
        let same = epoch(Some(TableVersion { table: own, version }));
        let kill = Proposal::KillRows { table: existing, segment: SegmentId::new(1), rows: 1, positions: None };
        assert!(!has_changed(&[Proposal::DropTable { table: own }, same.clone()], own, version));
        assert!(has_changed(&[same.clone(), kill.clone()], own, version));
        assert!(has_changed(&[epoch(None)], own, version));
        assert!(!has_changed(&[kill], ObjectId::new(8), version));
    }
}
