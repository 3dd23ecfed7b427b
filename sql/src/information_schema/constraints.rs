//! `information_schema.table_constraints`, `key_column_usage` and `check_constraints`: by schema, table and name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::schema::{Column, Constraint, Table};
use frostline_catalog::{ObjectId, State, Version};

use super::{NO, YES};
use crate::context::CATALOG;
use crate::system::array::{numbers, texts};
use crate::system::field::{self, number, text};

/// The columns of `table_constraints`. `enforced` says whether writes are tested.
pub(super) fn table_schema() -> SchemaRef {
    field::schema([
        text("constraint_catalog"),
        text("constraint_schema"),
        text("constraint_name"),
        text("table_catalog"),
        text("table_schema"),
        text("table_name"),
        text("constraint_type"),
        text("is_deferrable"),
        text("initially_deferred"),
        text("enforced"),
    ])
}

/// The columns of `key_column_usage`. `ordinal_position` counts from 1 within the key.
pub(super) fn key_schema() -> SchemaRef {
    field::schema([
        text("constraint_catalog"),
        text("constraint_schema"),
        text("constraint_name"),
        text("table_catalog"),
        text("table_schema"),
        text("table_name"),
        text("column_name"),
        number("ordinal_position"),
    ])
}

/// The columns of `check_constraints`.
pub(super) fn check_schema() -> SchemaRef {
    field::schema([
        text("constraint_catalog"),
        text("constraint_schema"),
        text("constraint_name"),
        text("check_clause"),
    ])
}

/// A constraint and where it stands.
struct Found<'a> {
    schema: &'a str,
    table: &'a str,
    id: ObjectId,
    constraint: &'a Constraint,
}

impl<'a> Found<'a> {
    fn name(&self) -> &'a str {
        self.constraint.name().as_str()
    }

    fn kind(&self) -> &'static str {
        match self.constraint {
            Constraint::Check { .. } => "CHECK",
            Constraint::Key { primary: true, .. } => "PRIMARY KEY",
            Constraint::Key { .. } => "UNIQUE",
        }
    }
}

/// The constraints of a version.
fn found(state: &State, version: Version) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    for (id, table) in state.tables().all_at(version) {
        let table: &Table = table;
        let Some(schema) = state.schemas().at(&table.schema, version) else { continue };
        for constraint in &table.constraints {
            found.push(Found { schema: schema.as_str(), table: table.name.as_str(), id: *id, constraint });
        }
    }
    found.sort_by(|one, other| (one.schema, one.table, one.name()).cmp(&(other.schema, other.table, other.name())));
    found
}

pub(super) fn table_arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let rows = found(state, version);
    let enforced = |row: &Found<'_>| if matches!(row.constraint, Constraint::Check { .. }) { YES } else { NO };
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|row| row.schema)),
        texts(rows.iter().map(Found::name)),
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|row| row.schema)),
        texts(rows.iter().map(|row| row.table)),
        texts(rows.iter().map(Found::kind)),
        texts(rows.iter().map(|_| NO)),
        texts(rows.iter().map(|_| NO)),
        texts(rows.iter().map(enforced)),
    ]
}

pub(super) fn key_arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let keys = found(state, version);
    let mut rows: Vec<(&Found<'_>, &str, u64)> = Vec::new();
    for key in &keys {
        let Constraint::Key { columns: fields, .. } = key.constraint else { continue };
        let columns: Vec<&Column> = state.columns_at(key.id, version);
        for (field, ordinal) in fields.iter().zip(1_u64..) {
            if let Some(column) = columns.iter().find(|column| column.id == *field) {
                rows.push((key, column.name.as_str(), ordinal));
            }
        }
    }
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|(key, ..)| key.schema)),
        texts(rows.iter().map(|(key, ..)| key.name())),
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|(key, ..)| key.schema)),
        texts(rows.iter().map(|(key, ..)| key.table)),
        texts(rows.iter().map(|(_, column, _)| *column)),
        numbers(rows.iter().map(|(.., ordinal)| *ordinal)),
    ]
}

pub(super) fn check_arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<(Found<'_>, &str)> = Vec::new();
    for check in found(state, version) {
        if let Constraint::Check { expression, .. } = check.constraint {
            rows.push((check, expression.as_str()));
        }
    }
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|(check, _)| check.schema)),
        texts(rows.iter().map(|(check, _)| check.name())),
        texts(rows.iter().map(|(_, clause)| *clause)),
    ]
}
