//! `system.commits`: the transactions, oldest first.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::{Commit, ObjectId, State, Version};

use super::array::{numbers, text_lists, text_maps, texts, times};
use super::field::{self, number, optional, text, text_list, text_map, time};
use super::touched::touched_tables;
use crate::error::Error;

/// The columns.
///
/// * `time` is the commit time, which AS OF goes by; the first version has none. `wall_time` is when it was written.
/// * `tables` are those whose rows, columns or definition the version changed, each as `schema.table`, under the name
///   that it had then, or had until then if the version dropped it.
/// * `properties` are what COMMIT WITH said beside author and message, and `isolation` where that was `snapshot`.
/// * `hash` is that of the record in the ledger, as `sha256sum` prints it.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        number("version"),
        text("branch"),
        optional(time("time")),
        time("wall_time"),
        text("author"),
        text("message"),
        text("commit_id"),
        text("operation"),
        text_list("tables"),
        number("rows_added"),
        number("rows_removed"),
        text("hash"),
        text_map("properties"),
    ])
}

/// The commits up to a version.
pub(super) fn arrays(state: &State, version: Version) -> Result<Vec<ArrayRef>, Error> {
    let commits: Vec<&Commit> =
        state.commits()?.iter().take_while(|commit: &&Commit| commit.version <= version).collect();
    let touched = touched_tables(state, version)?;
    let tables: Vec<Vec<String>> = commits.iter().map(|commit| names(state, commit.version, &touched)).collect();
    let rows = || commits.iter().copied();
    Ok(vec![
        numbers(rows().map(|commit| commit.version.number())),
        texts(rows().map(|commit| commit.branch.name())),
        times(rows().map(|commit| commit.commit_time)),
        times(rows().map(|commit| Some(commit.wall_time))),
        texts(rows().map(|commit| commit.author.as_str())),
        texts(rows().map(|commit| commit.message.as_str())),
        texts(rows().map(|commit| commit.commit_id.to_string())),
        texts(rows().map(|commit| commit.operation.as_str())),
        text_lists(&tables)?,
        numbers(rows().map(Commit::rows_added)),
        numbers(rows().map(Commit::rows_removed)),
        texts(rows().map(|commit| commit.hash.to_string())),
        text_maps(rows().map(|commit| commit.properties.as_slice()))?,
    ])
}

/// The names of the tables that a version touched. A table that one version both creates and drops never had one.
fn names(state: &State, version: Version, touched: &BTreeMap<Version, BTreeSet<ObjectId>>) -> Vec<String> {
    let tables = touched.get(&version).into_iter().flatten();
    tables.filter_map(|table| name_around(state, *table, version)).collect()
}

/// A table's name at a version, or just before it.
fn name_around(state: &State, table: ObjectId, version: Version) -> Option<String> {
    let before = Version::new(version.number() - 1);
    [Some(version), before].into_iter().flatten().find_map(|at| name_at(state, table, at))
}

fn name_at(state: &State, table: ObjectId, version: Version) -> Option<String> {
    let definition = state.table_at(table, version)?;
    let schema = state.schemas().at(&definition.schema, version)?;
    Some(format!("{schema}.{}", definition.name))
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};
    use super::*;

    #[test]
    fn each_commit_names_the_tables_that_it_touched() {
        let lake = sample_lake();
        let newest = lake.newest().number();
        let found = lines(&lake, SystemTable::Commits, newest, &["version", "operation", "tables", "rows_added"]);
        assert_eq!(
            found,
            [
                "1 | init | [] | 0",
                "2 | create table | [public.flights] | 0",
                "3 | insert | [public.flights] | 3",
                "4 | import | [public.flights] | 10",
                "5 | alter table | [public.flights] | 0",
                "6 | create view | [] | 0",
                "7 | create tag | [] | 0",
                "8 | alter table | [public.flights] | 0",
                "9 | drop table | [public.flights] | 0",
                "10 | create table | [public.flights] | 0",
                "11 | drop tag | [] | 0",
            ]
        );
    }

    #[test]
    fn a_version_sees_the_commits_up_to_itself() {
        let lake = sample_lake();
        assert_eq!(lines(&lake, SystemTable::Commits, 3, &["version"]), ["1", "2", "3"]);
        let first = lines(&lake, SystemTable::Commits, 1, &["branch", "author", "message", "time", "wall_time"]);
        assert_eq!(first, ["main | ann | step 0 | 1970-01-01T00:00:01Z | 1970-01-01T00:00:01Z"]);
    }

    #[test]
    fn a_dropped_table_takes_its_rows_away() {
        let lake = sample_lake();
        let found = lines(&lake, SystemTable::Commits, 9, &["rows_added", "rows_removed"]);
        assert_eq!(found.last().map(String::as_str), Some("0 | 13"));
    }

    #[test]
    fn hash_and_commit_id_are_those_of_the_ledger() {
        let lake = sample_lake();
        let commit = lake.state().commit(Version::new(4).unwrap()).unwrap().unwrap();
        let expected = format!("{} | {}", commit.hash, commit.commit_id);
        assert_eq!(lines(&lake, SystemTable::Commits, 4, &["hash", "commit_id"])[3], expected);
        assert_eq!(commit.hash.to_string().len(), 64);
    }
}
