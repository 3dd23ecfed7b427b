//! The relations of schema `system`: what the catalog knows, as rows.
//!
//! | relation | one row for each |
//! |---|---|
//! | `commits` | version up to the one asked for |
//! | `schemas`, `tables`, `columns`, `views`, `tags` | of them that is there at the version |
//! | `segments` | segment whose rows a table has at the version |
//! | `deletes` | kill of rows of a segment, up to the version |
//! | `settings` | setting of the lake or the session, with its present value |
//!
//! * Each relation is a pure function of the catalog's state and a version, so it answers AS OF like a table.
//! * Texts are string views, numbers 64 bit integers, times microseconds in UTC.
//! * A column that never lacks a value says so in its schema.

pub(crate) mod array;
mod columns;
mod commits;
mod deletes;
pub(crate) mod field;
mod schemas;
mod segments;
mod settings;
mod tables;
mod tags;
mod touched;
mod views;

#[cfg(test)]
mod sample_tests;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use frostline_catalog::state::History;
use frostline_catalog::{State, Version};

use crate::error::Error;

pub(crate) use columns::constraints_of;
pub(crate) use settings::SettingRow;

/// A relation of schema `system`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SystemTable {
    /// Transactions.
    Commits,
    /// Schemas.
    Schemas,
    /// Tables.
    Tables,
    /// Columns of tables.
    Columns,
    /// Views.
    Views,
    /// Segments of tables.
    Segments,
    /// Names of versions.
    Tags,
    /// Settings.
    Settings,
    /// Kills of rows.
    Deletes,
}

impl SystemTable {
    /// Every relation.
    pub(crate) const ALL: [Self; 9] = [
        Self::Commits,
        Self::Schemas,
        Self::Tables,
        Self::Columns,
        Self::Views,
        Self::Segments,
        Self::Tags,
        Self::Settings,
        Self::Deletes,
    ];

    /// The relation of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The relation's name within the schema.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Commits => "commits",
            Self::Schemas => "schemas",
            Self::Tables => "tables",
            Self::Columns => "columns",
            Self::Views => "views",
            Self::Segments => "segments",
            Self::Tags => "tags",
            Self::Settings => "settings",
            Self::Deletes => "deletes",
        }
    }

    /// The relation's columns.
    pub(crate) fn schema(self) -> SchemaRef {
        match self {
            Self::Commits => commits::schema(),
            Self::Schemas => schemas::schema(),
            Self::Tables => tables::schema(),
            Self::Columns => columns::schema(),
            Self::Views => views::schema(),
            Self::Segments => segments::schema(),
            Self::Tags => tags::schema(),
            Self::Settings => settings::schema(),
            Self::Deletes => deletes::schema(),
        }
    }

    /// The relation's rows: what holds at a version of a state. `settings` are those that the session sees.
    pub(crate) fn rows(self, state: &State, version: Version, settings: &[SettingRow]) -> Result<RecordBatch, Error> {
        let arrays: Vec<ArrayRef> = match self {
            Self::Commits => commits::arrays(state, version)?,
            Self::Schemas => schemas::arrays(state, version),
            Self::Tables => tables::arrays(state, version)?,
            Self::Columns => columns::arrays(state, version),
            Self::Views => views::arrays(state, version),
            Self::Segments => segments::arrays(state, version)?,
            Self::Tags => tags::arrays(state, version)?,
            Self::Settings => settings::arrays(settings),
            Self::Deletes => deletes::arrays(state, version),
        };
        Ok(RecordBatch::try_new(self.schema(), arrays)?)
    }
}

/// The number of the version at which the first fact of a key begins. For keys that are ids, which are never used
/// again: the version that created the thing.
fn created_version<K: Ord + Clone, T: Clone>(history: &History<K, T>, key: &K) -> u64 {
    history.of(key).first().map_or(0, |fact| fact.interval.begin().number())
}

#[cfg(test)]
mod tests {
    use super::sample_tests::{SampleLake, sample_lake};
    use super::*;

    #[test]
    fn every_relation_is_found_by_its_name() {
        for table in SystemTable::ALL {
            assert_eq!(SystemTable::from_name(table.name()), Some(table));
        }
        assert_eq!(SystemTable::from_name("Commits"), None, "names are folded before they are looked up");
        assert_eq!(SystemTable::from_name("storage"), None);
    }

    #[test]
    fn rows_have_the_columns_of_the_schema_at_every_version() {
        let lake = sample_lake();
        for table in SystemTable::ALL {
            for version in 1..=lake.newest().number() {
                let rows = table.rows(lake.state(), Version::new(version).unwrap(), &[]).unwrap();
                assert_eq!(rows.schema(), table.schema(), "{}", table.name());
            }
        }
    }

    #[test]
    fn a_version_looks_the_same_after_later_commits() {
        let mut lake = SampleLake::new();
        let mut seen: Vec<(SystemTable, Version, RecordBatch)> = Vec::new();
        for step in 0..SampleLake::STEPS {
            lake.take_step(step);
            let version = lake.newest();
            for table in SystemTable::ALL {
                seen.push((table, version, table.rows(lake.state(), version, &[]).unwrap()));
            }
        }
        // Segments alone say when they end, which is in the future of the version asked for.
        for (table, version, rows) in seen.iter().filter(|(table, ..)| *table != SystemTable::Segments) {
            let now = table.rows(lake.state(), *version, &[]).unwrap();
            assert_eq!(&now, rows, "{} of version {version}", table.name());
        }
    }
}
