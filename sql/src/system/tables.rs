//! `system.tables`: the tables that are there, by schema and name.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::schema::{Column, Constraint, SortKey, Table};
use frostline_catalog::{Live, ObjectId, SealedError, State, Version};

use super::array::{numbers, optional_texts, texts};
use super::created_version;
use super::field::{self, number, optional, text};
use super::touched::touched_tables;
use crate::constraint::constraint_sql;
use crate::statement::quoted;

/// The columns.
///
/// * `changed_version` is the last one that changed the table's rows, columns or definition.
/// * `bytes` are those of its segments as stored.
/// * `sort_by`, `options` and `constraints` are written as in CREATE TABLE; where nulls go is said only if it is not
///   where SQL puts them: last, or first where the greatest value comes first.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("table_name"),
        number("table_id"),
        number("created_version"),
        number("changed_version"),
        number("rows"),
        number("segments"),
        number("bytes"),
        optional(text("comment")),
        optional(text("sort_by")),
        optional(text("options")),
        optional(text("constraints")),
    ])
}

/// A table that is there at a version, and the name of its schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundTable<'a> {
    pub(super) schema: &'a str,
    pub(super) id: ObjectId,
    pub(super) table: &'a Table,
}

/// The tables of a version, by schema and name.
pub(super) fn tables_at(state: &State, version: Version) -> Vec<FoundTable<'_>> {
    let mut found: Vec<FoundTable<'_>> = Vec::new();
    for (id, table) in state.tables().all_at(version) {
        if let Some(schema) = state.schemas().at(&table.schema, version) {
            found.push(FoundTable { schema: schema.as_str(), id: *id, table });
        }
    }
    found.sort_by(|left, right| (left.schema, &left.table.name).cmp(&(right.schema, &right.table.name)));
    found
}

/// The segments whose rows a table has at a version, in the order of their placements.
pub(super) fn live_at(state: &State, table: ObjectId, version: Version) -> Result<Vec<Live<'_>>, SealedError> {
    let segments = state.live_segments(table, version)?;
    let mut live: Vec<Live<'_>> = segments.hot.into_iter().chain(segments.frozen).collect();
    live.sort_by_key(|live| live.placed.placement.id);
    Ok(live)
}

/// The tables of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Result<Vec<ArrayRef>, SealedError> {
    let mut changed: BTreeMap<ObjectId, Version> = BTreeMap::new();
    for (at, tables) in touched_tables(state, version)? {
        // Versions come in their order, so the last one stays.
        changed.extend(tables.into_iter().map(|table| (table, at)));
    }
    let tables = tables_at(state, version);
    let segments: Vec<Vec<Live<'_>>> =
        tables.iter().map(|found| live_at(state, found.id, version)).collect::<Result<_, SealedError>>()?;
    let sums = |value: fn(&Live<'_>) -> u64| -> ArrayRef {
        numbers(segments.iter().map(|live| live.iter().map(value).sum::<u64>()))
    };
    Ok(vec![
        texts(tables.iter().map(|found| found.schema)),
        texts(tables.iter().map(|found| found.table.name.as_str())),
        numbers(tables.iter().map(|found| found.id.number())),
        numbers(tables.iter().map(|found| created_version(state.tables(), &found.id))),
        numbers(tables.iter().map(|found| changed.get(&found.id).map_or(0, |at| at.number()))),
        sums(|live| live.rows()),
        numbers(segments.iter().map(|live| live.len() as u64)),
        sums(|live| live.placed.segment.size_bytes()),
        optional_texts(tables.iter().map(|found| found.table.comment.as_deref())),
        optional_texts(
            tables.iter().map(|found| sort_text(&state.columns_at(found.id, version), &found.table.sort_by)),
        ),
        optional_texts(tables.iter().map(|found| options_text(&found.table.options))),
        optional_texts(
            tables.iter().map(|found| constraints_text(&state.columns_at(found.id, version), &found.table.constraints)),
        ),
    ])
}

/// The keys that rows are sorted by: those before the first whose column was dropped. `None` if there is none.
fn sort_text(columns: &[&Column], keys: &[SortKey]) -> Option<String> {
    let mut parts: Vec<String> = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(column) = columns.iter().find(|column| column.id == key.field) else { break };
        let mut part = column.name.to_string();
        if key.descending {
            part.push_str(" DESC");
        }
        if key.nulls_first != key.descending {
            part.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        parts.push(part);
    }
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// The options as WITH takes them. `None` if there is none.
fn options_text(options: &[(String, String)]) -> Option<String> {
    let parts: Vec<String> =
        options.iter().map(|(key, value)| format!("{key} = '{}'", value.replace('\'', "''"))).collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// The constraints with their names. `None` if there is none.
fn constraints_text(columns: &[&Column], constraints: &[Constraint]) -> Option<String> {
    let parts: Vec<String> = constraints
        .iter()
        .map(|constraint| {
            let name = quoted(constraint.name().as_str());
            format!("CONSTRAINT {name} {}", constraint_sql(constraint, columns))
        })
        .collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use frostline_catalog::{FieldId, Name};

    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};
    use super::*;

    #[test]
    fn constraints_are_written_as_in_create_table_with_the_columns_names_of_the_version() {
        let lake = sample_lake();
        let key = Constraint::Key {
            name: Name::try_new("of").unwrap(),
            columns: vec![FieldId::new(2), FieldId::new(1)],
            primary: true,
        };
        let check = Constraint::Check { name: Name::try_new("late").unwrap(), expression: "delay > 0".to_owned() };
        let columns = lake.state().columns_at(ObjectId::new(2), Version::new(2).unwrap());
        assert_eq!(
            constraints_text(&columns, &[key, check]).as_deref(),
            Some("CONSTRAINT \"of\" PRIMARY KEY (\"delay\", carrier) NOT ENFORCED, CONSTRAINT late CHECK (delay > 0)")
        );
        assert_eq!(constraints_text(&columns, &[]), None);
    }

    #[test]
    fn a_table_counts_the_rows_and_segments_of_the_version() {
        let lake = sample_lake();
        let columns = ["schema_name", "table_name", "table_id", "rows", "segments", "bytes"];
        let at = |version: u64| lines(&lake, SystemTable::Tables, version, &columns);
        assert!(at(1).is_empty());
        assert_eq!(at(2), ["public | flights | 2 | 0 | 0 | 0"]);
        assert_eq!(at(3), ["public | flights | 2 | 3 | 1 | 8"]);
        assert_eq!(at(4), ["public | flights | 2 | 13 | 2 | 1008"]);
        assert!(at(9).is_empty());
        assert_eq!(at(10), ["public | flights | 4 | 0 | 0 | 0"]);
    }

    #[test]
    fn a_table_names_the_versions_that_created_and_last_changed_it() {
        let lake = sample_lake();
        let seen: Vec<String> = (2..=8)
            .flat_map(|version| lines(&lake, SystemTable::Tables, version, &["created_version", "changed_version"]))
            .collect();
        assert_eq!(seen, ["2 | 2", "2 | 3", "2 | 4", "2 | 5", "2 | 5", "2 | 5", "2 | 8"]);
    }

    #[test]
    fn order_and_options_are_written_as_in_create_table() {
        let lake = sample_lake();
        let columns = ["comment", "sort_by", "options"];
        let at = |version: u64| lines(&lake, SystemTable::Tables, version, &columns);
        assert_eq!(at(2), ["departures | carrier, delay DESC NULLS LAST | owner = 'it''s ops'"]);
        assert_eq!(at(5), ["departures | carrier, delay_minutes DESC NULLS LAST | owner = 'it''s ops'"]);
        assert_eq!(at(10), ["- | - | -"]);
    }

    #[test]
    fn the_order_ends_before_a_dropped_column() {
        let lake = sample_lake();
        let table = tables_at(lake.state(), Version::new(2).unwrap())[0].table;
        let columns = lake.state().columns_at(ObjectId::new(2), Version::new(2).unwrap());
        assert_eq!(sort_text(&columns[..1], &table.sort_by).as_deref(), Some("carrier"));
        assert_eq!(sort_text(&columns[1..], &table.sort_by), None);
    }
}
