//! What became of each row of a table, read off the copies.

use std::collections::BTreeMap;

use super::lake::Model;
use super::record::{Identity, Row};
use super::table::Table;

/// The versions over which a row was there with the same values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// The first.
    pub born: u64,
    /// The first without it, or with it as another; `None` if there is none.
    pub died: Option<u64>,
    /// The values.
    pub row: Row,
}

impl Model {
    /// A table of a version, whatever it was called.
    fn identified(&self, table: Identity, version: u64) -> Option<&Table> {
        let mut tables = self.copy_of(version)?.values().filter_map(|relation| relation.as_table());
        tables.find(|known| known.identity == table)
    }

    /// Whether all that a table ever had, up to a version, fits the columns that it has in `shown`.
    pub fn can_show(&self, shown: &Table, until: u64) -> bool {
        let mut states = (1..=until).filter_map(|version| self.identified(shown.identity, version));
        states.all(|state| shown.can_show(state))
    }

    /// The rows that a table had at a version, with the columns that it has in `shown`, sorted.
    pub fn rows_as(&self, shown: &Table, version: u64) -> Vec<Row> {
        let mut rows: Vec<Row> = self.shown_at(shown, version).into_iter().map(|(_, row)| row).collect();
        rows.sort();
        rows
    }

    /// The lives of each row that a table had up to a version, with the columns that it has in `shown`; sorted, since
    /// nobody else knows the rows by our identities.
    pub fn biographies(&self, shown: &Table, until: u64) -> Vec<Vec<Life>> {
        let mut lives: BTreeMap<Identity, Vec<Life>> = BTreeMap::new();
        for version in 1..=until {
            for (identity, row) in self.shown_at(shown, version) {
                let own = lives.entry(identity).or_default();
                match own.last_mut() {
                    Some(last) if last.died == Some(version) && last.row == row => last.died = Some(version + 1),
                    _ => own.push(Life { born: version, died: Some(version + 1), row }),
                }
            }
        }
        for life in lives.values_mut().flatten() {
            life.died = life.died.filter(|died| *died <= until);
        }
        let mut all: Vec<Vec<Life>> = lives.into_values().collect();
        all.sort();
        all
    }

    fn shown_at(&self, shown: &Table, version: u64) -> Vec<(Identity, Row)> {
        let Some(state) = self.identified(shown.identity, version) else { return Vec::new() };
        state.rows.iter().map(|record| (record.identity, shown.row(record))).collect()
    }
}
