//! Editions that are merged into the table one after the other, and what each changed.
//!
//! * Edition n, from 0, is version n + 2: version 1 made the lake.
//! * What changed is told by key, and compared with what differs between two editions of the file.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use frostline_sql::Session;

use super::published::{self, Edition, Fingerprint, Published};
use crate::door::{Checked, answer, commit, query};
use crate::lake::describe;

/// A change: its type, and the row's values in the order of the columns. All are texts.
type Change = Vec<Option<String>>;

/// How a dataset is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    table: &'static str,
    key: &'static str,
    /// The columns that got another name, as they were and as they are.
    renamed: &'static [(&'static str, &'static str)],
}

pub(super) const KEV: Merge = Merge { table: "kev", key: "cveid", renamed: &[] };

pub(super) const SP500: Merge =
    Merge { table: "sp500", key: "symbol", renamed: &[("name", "security"), ("sector", "gics_sector")] };

impl Merge {
    /// Merges an edition into the table that the one before left. The rows that differ are written, and where none
    /// does, all of them, with the values that they have.
    pub(super) async fn step(self, session: &Session, data: &Published, number: usize, folder: &Path) -> Checked {
        let edition = &data.editions[number];
        let rows = data.rows_of(edition);
        let path = folder.join("edition.parquet");
        published::write_parquet(&path, &rows);
        let before = number.checked_sub(1).map(|before| &data.editions[before]);
        let (alterations, is_same) = match before {
            None => (vec![format!("CREATE TABLE {} ({})", self.table, edition.declaration(&rows))], false),
            Some(before) => {
                let alterations = self.alterations(before, edition);
                let is_same = alterations.is_empty() && self.differences(data, number)?.is_empty();
                (alterations, is_same)
            }
        };
        let merge = self.sql(edition, &path, is_same);
        let version = if alterations.is_empty() {
            commit(session, &merge).await?
        } else {
            for sql in ["BEGIN".to_owned()].iter().chain(&alterations).chain([&merge]) {
                answer(session, sql).await.map_err(|error| format!("`{sql}` failed: {}", describe(&error)))?;
            }
            commit(session, "COMMIT").await?
        };
        if version == version_of(number) { Ok(()) } else { Err(format!("edition {number} is version {version}")) }
    }

    /// What gives the table the columns of an edition.
    fn alterations(self, before: &Edition, edition: &Edition) -> Vec<String> {
        let mut has = before.columns.clone();
        let mut alterations: Vec<String> = Vec::new();
        for (old, new) in self.renamed {
            if self.source(before, new) == Some(*old)
                && edition.columns.iter().any(|name| name.as_str() == *new)
                && let Some(column) = has.iter_mut().find(|name| name.as_str() == *old)
            {
                alterations.push(format!("RENAME COLUMN {old} TO {new}"));
                *column = (*new).to_owned();
            }
        }
        for name in has.iter().filter(|name| !edition.columns.contains(name)) {
            alterations.push(format!("DROP COLUMN {name}"));
        }
        for name in edition.columns.iter().filter(|name| !has.contains(name)) {
            alterations.push(format!("ADD COLUMN {name} VARCHAR"));
        }
        alterations.iter().map(|alteration| format!("ALTER TABLE {} {alteration}", self.table)).collect()
    }

    /// What a column was called in the edition before; `None` if it was not there.
    fn source<'a>(self, before: &'a Edition, column: &str) -> Option<&'a str> {
        let named = |name: &str| before.columns.iter().find(|known| *known == name).map(String::as_str);
        let old = self.renamed.iter().find(|(_, new)| *new == column).map(|(old, _)| *old);
        named(column).or_else(|| old.and_then(named))
    }

    fn sql(self, edition: &Edition, path: &Path, is_same: bool) -> String {
        let Self { table, key, .. } = self;
        let others = edition.columns.iter().filter(|name| *name != key);
        let differs: Vec<String> = others.map(|name| format!("(t.{name} IS DISTINCT FROM s.{name})")).collect();
        let condition = if is_same { String::new() } else { format!("AND ({})", differs.join(" OR ")) };
        format!(
            "MERGE INTO {table} AS t USING read_parquet('{}') AS s ON t.{key} = s.{key} \
             WHEN MATCHED {condition} THEN UPDATE SET * \
             WHEN NOT MATCHED THEN INSERT * \
             WHEN NOT MATCHED BY SOURCE THEN DELETE",
            path.display()
        )
    }

    /// Compares every version with its edition.
    pub(super) async fn check_versions(self, session: &Session, data: &Published) -> Checked {
        for (number, edition) in data.editions.iter().enumerate() {
            let version = version_of(number);
            let sql = format!("SELECT * FROM {} AS OF VERSION {version}", self.table);
            let found = Fingerprint::of(&query(session, &sql).await?, &edition.columns)?;
            let expected = Fingerprint::of(&[data.rows_of(edition)], &edition.columns)?;
            if found != expected {
                return Err(format!("version {version}: {found:?} instead of {expected:?}"));
            }
        }
        Ok(())
    }

    /// Compares what every version changed with what differs between its edition and the one before, and says how many
    /// changes there are.
    pub(super) async fn check_changes(self, session: &Session, data: &Published) -> Checked<usize> {
        let mut count = 0;
        for (number, edition) in data.editions.iter().enumerate() {
            let version = version_of(number);
            let (columns, table, before) = (edition.columns.join(", "), self.table, version - 1);
            let sql = format!("SELECT _change_type, {columns} FROM table_changes('{table}', {before}, {version})");
            let mut found: Vec<Change> = Vec::new();
            for batch in query(session, &sql).await? {
                found.extend(texts(batch.columns(), batch.num_rows())?);
            }
            found.sort_unstable();
            let expected = self.differences(data, number)?;
            if found != expected {
                let (found, expected) = (difference(&found, &expected), difference(&expected, &found));
                return Err(format!("version {version}: {found:?} instead of {expected:?}"));
            }
            count += found.len();
        }
        Ok(count)
    }

    /// What leads to an edition from the one before, with its columns, in order. One that the edition before has not
    /// is NULL there.
    fn differences(self, data: &Published, number: usize) -> Checked<Vec<Change>> {
        let edition = &data.editions[number];
        let new = self.by_key(&data.rows_of(edition), edition, Some)?;
        let old = match number.checked_sub(1).map(|before| &data.editions[before]) {
            None => BTreeMap::new(),
            Some(before) => self.by_key(&data.rows_of(before), edition, |column| self.source(before, column))?,
        };
        let change = |change_type: &str, row: &Change| {
            let mut change: Change = vec![Some(change_type.to_owned())];
            change.extend(row.iter().cloned());
            change
        };
        let mut changes: Vec<Change> = Vec::new();
        for (key, row) in &new {
            match old.get(key) {
                None => changes.push(change("insert", row)),
                Some(other) if other != row => {
                    changes.push(change("update_preimage", other));
                    changes.push(change("update_postimage", row));
                }
                Some(_) => {}
            }
        }
        let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
        changes.extend(gone.map(|(_, row)| change("delete", row)));
        changes.sort_unstable();
        Ok(changes)
    }

    /// Rows of the file by their keys, with the columns of an edition. `source` says what each is called in the rows.
    fn by_key<'a>(
        self,
        rows: &RecordBatch,
        edition: &'a Edition,
        source: impl Fn(&'a str) -> Option<&'a str>,
    ) -> Checked<BTreeMap<String, Change>> {
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in &edition.columns {
            arrays.push(match source(column.as_str()) {
                Some(name) => rows.column_by_name(name).cloned().ok_or_else(|| format!("there is no `{name}`"))?,
                None => arrow::array::new_null_array(&DataType::Utf8, rows.num_rows()),
            });
        }
        let place = edition.columns.iter().position(|column| column == self.key).ok_or("there is no key")?;
        let mut found: BTreeMap<String, Change> = BTreeMap::new();
        for row in texts(&arrays, rows.num_rows())? {
            let key = row[place].clone().ok_or("a key is NULL")?;
            if found.insert(key.clone(), row).is_some() {
                return Err(format!("key {key} is there twice"));
            }
        }
        Ok(found)
    }
}

/// The version that an edition is.
fn version_of(number: usize) -> u64 {
    number as u64 + 2
}

/// Rows of columns that hold texts.
fn texts(columns: &[ArrayRef], rows: usize) -> Checked<Vec<Change>> {
    let cast_one = |array: &ArrayRef| cast(array, &DataType::Utf8).map_err(|error| error.to_string());
    let columns: Vec<ArrayRef> = columns.iter().map(cast_one).collect::<Checked<_>>()?;
    let value = |array: &ArrayRef, row: usize| -> Option<String> {
        let array = array.as_string::<i32>();
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    Ok((0..rows).map(|row| columns.iter().map(|column| value(column, row)).collect()).collect())
}

/// The changes that only the first of two lists has.
fn difference<'a>(one: &'a [Change], other: &[Change]) -> Vec<&'a Change> {
    one.iter().filter(|change| !other.contains(change)).collect()
}
