//! `system.columns`: the columns of the tables that are there, by table, in their order.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::schema::{Column, Constraint};
use frostline_catalog::{State, Version};

use super::array::{flags, numbers, optional_texts, texts};
use super::created_version;
use super::field::{self, flag, number, optional, text};
use super::tables::{FoundTable, tables_at};
use crate::constraint::{constraint_sql, names_column};
use crate::type_name::sql_type;

/// The columns.
///
/// * `ordinal` counts from 1 without gaps, whatever was dropped.
/// * `field_id` is the column's identity in files: it stays when the column is renamed.
/// * `created_version` is the one that added the column, under whatever name.
/// * `constraints` are those that name the column, as CREATE TABLE takes them.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("table_name"),
        text("column_name"),
        number("ordinal"),
        number("field_id"),
        text("data_type"),
        flag("is_nullable"),
        optional(text("column_default")),
        optional(text("comment")),
        number("created_version"),
        optional(text("constraints")),
    ])
}

struct ColumnRow<'a> {
    found: FoundTable<'a>,
    column: &'a Column,
    ordinal: u64,
    /// All columns of the table.
    columns: Arc<[&'a Column]>,
}

/// The columns of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<ColumnRow<'_>> = Vec::new();
    for found in tables_at(state, version) {
        let columns: Arc<[&Column]> = state.columns_at(found.id, version).into();
        for (column, ordinal) in columns.iter().copied().zip(1_u64..) {
            rows.push(ColumnRow { found, column, ordinal, columns: Arc::clone(&columns) });
        }
    }
    let created = |row: &ColumnRow<'_>| created_version(state.columns(), &(row.found.id, row.column.id));
    vec![
        texts(rows.iter().map(|row| row.found.schema)),
        texts(rows.iter().map(|row| row.found.table.name.as_str())),
        texts(rows.iter().map(|row| row.column.name.as_str())),
        numbers(rows.iter().map(|row| row.ordinal)),
        numbers(rows.iter().map(|row| u64::try_from(row.column.id.number()).unwrap_or(0))),
        texts(rows.iter().map(|row| sql_type(&row.column.data_type))),
        flags(rows.iter().map(|row| row.column.nullable)),
        optional_texts(rows.iter().map(|row| row.column.default.as_deref())),
        optional_texts(rows.iter().map(|row| row.column.comment.as_deref())),
        numbers(rows.iter().map(created)),
        optional_texts(rows.iter().map(|row| constraints_of(row.column, &row.found.table.constraints, &row.columns))),
    ]
}

/// The constraints that name a column. `None` if there is none.
pub(crate) fn constraints_of(column: &Column, constraints: &[Constraint], columns: &[&Column]) -> Option<String> {
    let named = constraints.iter().filter(|constraint| names_column(constraint, column));
    let parts: Vec<String> = named.map(|constraint| constraint_sql(constraint, columns)).collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};

    #[test]
    fn a_column_keeps_its_id_and_its_beginning_when_it_is_renamed() {
        let lake = sample_lake();
        let columns = ["column_name", "ordinal", "field_id", "data_type", "is_nullable", "created_version"];
        let at = |version: u64| lines(&lake, SystemTable::Columns, version, &columns);
        assert_eq!(at(4), ["carrier | 1 | 1 | VARCHAR | false | 2", "delay | 2 | 2 | BIGINT | true | 2"]);
        assert_eq!(at(5), ["carrier | 1 | 1 | VARCHAR | false | 2", "delay_minutes | 2 | 2 | BIGINT | true | 2"]);
    }

    #[test]
    fn places_have_no_gaps_after_a_column_was_dropped_and_one_added() {
        let lake = sample_lake();
        let columns = ["column_name", "ordinal", "field_id", "created_version"];
        let found = lines(&lake, SystemTable::Columns, 8, &columns);
        assert_eq!(found, ["delay_minutes | 1 | 2 | 2", "gate | 2 | 3 | 8"]);
    }

    #[test]
    fn defaults_and_comments_are_shown_where_there_are_any() {
        let lake = sample_lake();
        let columns = ["schema_name", "table_name", "column_default", "comment"];
        let found = lines(&lake, SystemTable::Columns, 2, &columns);
        assert_eq!(found, ["public | flights | - | IATA code", "public | flights | 0 | -"]);
    }
}
