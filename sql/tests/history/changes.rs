//! What changed between versions, and what became of each row, against the copies.
//!
//! ```text
//!   the earlier copy, by row id ── table_changes, applied ──► the later copy, by row id
//!            ║                                                        ║
//!        its values                                               its values
//!            ║                                                        ║
//!   the model's earlier copy                                the model's later copy
//! ```

use std::collections::BTreeMap;

use frostline_sql::Session;
use frostline_testkit::model::{History, Life, Row, Table, Value};

use super::compare::{check_rows, read};
use super::trial::Trial;
use crate::door::Checked;
use crate::lake::describe;

/// A copy of a table, by the row ids that the lake gives.
type Rows = BTreeMap<i64, Row>;

/// What counts as a change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// What leads from one version to the other.
    Net,
    /// What each version did.
    Versions,
}

/// A row of `table_changes`.
#[derive(Debug)]
struct Change {
    kind: String,
    id: i64,
    version: i64,
    row: Row,
}

impl Trial {
    /// Applies what `table_changes` gives between two versions to the earlier copy of each table: it must become the
    /// later one. What `table_history` says of the two versions must be their copies.
    pub(super) async fn check_changes(&self, from: u64, to: u64, mode: Mode) -> Checked {
        let session = self.pinned(to).await?;
        for name in History::NAMES {
            let Some(shown) = self.shown(name, to) else { continue };
            let told = |wrong: String| format!("`{name}` from version {from} to {to}, {mode:?}: {wrong}");
            let earlier = self.copy_by_id(&session, name, shown, from).await.map_err(told)?;
            let later = self.copy_by_id(&session, name, shown, to).await.map_err(told)?;
            let changes = changes(&session, name, shown, from, to, mode).await.map_err(told)?;
            let rounds = match mode {
                Mode::Net => vec![changes],
                Mode::Versions => by_version(changes),
            };
            let mut rows = earlier;
            for round in &rounds {
                apply(&mut rows, round, from, to).map_err(told)?;
            }
            if rows != later {
                let lost = later.iter().find(|(id, row)| rows.get(*id) != Some(*row));
                let left = rows.iter().find(|(id, _)| !later.contains_key(*id));
                return Err(told(format!(
                    "the changes lead elsewhere; for example {lost:?} is lost, {left:?} is left"
                )));
            }
        }
        Ok(())
    }

    /// Compares the lives of each row that a table of a version had up to then. Those of one row must not overlap.
    pub(super) async fn check_lives(&self, version: u64) -> Checked {
        let session = self.pinned(version).await?;
        for name in History::NAMES {
            let Some(shown) = self.shown(name, version) else { continue };
            let told = |wrong: String| format!("the history of `{name}` until version {version}: {wrong}");
            let mut found = lives(&session, name, shown, version).await.map_err(told)?;
            let expected = self.model().biographies(shown, version);
            found.sort();
            if found != expected {
                let lost = expected.iter().find(|lives| found.binary_search(lives).is_err());
                let added = found.iter().find(|lives| expected.binary_search(lives).is_err());
                return Err(told(format!("for example {lost:?} is lost and {added:?} is new")));
            }
        }
        Ok(())
    }

    /// The table of a name at a version. None if there is none, or if it had values earlier that its columns cannot
    /// hold any more: they were widened, and then restored.
    fn shown(&self, name: &str, version: u64) -> Option<&Table> {
        self.model().table(name, version).filter(|shown| self.model().can_show(shown, version))
    }

    /// The rows that `table_history` says there were at a version, with the columns of the version that the session is
    /// pinned to.
    async fn copy_by_id(&self, session: &Session, name: &str, shown: &Table, version: u64) -> Checked<Rows> {
        let columns = shown.names().join(", ");
        let is_there = format!("_born <= {version} AND (_died IS NULL OR _died > {version})");
        let sql = format!("SELECT _row_id, {columns} FROM table_history('{name}') WHERE {is_there}");
        let mut rows = Rows::new();
        for mut row in select(session, &sql, version).await? {
            let id = number(row.remove(0))?;
            if let Some(other) = rows.insert(id, row) {
                return Err(format!("row {id} occurs twice at version {version}, once as {other:?}"));
            }
        }
        check_rows(rows.values().cloned().collect(), &self.model().rows_as(shown, version))
            .map_err(|wrong| format!("version {version}: `{sql}`: {wrong}"))?;
        Ok(rows)
    }
}

async fn select(session: &Session, sql: &str, version: u64) -> Checked<Vec<Row>> {
    let found = read(session, sql, version).await;
    let (_, rows) = found.map_err(|error| format!("`{sql}` failed: {}", describe(&error)))?;
    rows
}

fn number(value: Option<Value>) -> Checked<i64> {
    match value {
        Some(Value::Integer(number)) => Ok(number),
        other => Err(format!("{other:?} stands where a number must")),
    }
}

/// What `table_changes` gives, in a session that is pinned to the later version.
async fn changes(session: &Session, name: &str, shown: &Table, from: u64, to: u64, mode: Mode) -> Checked<Vec<Change>> {
    let columns = shown.names().join(", ");
    // The later version is the one that the session sees, named or not.
    let until = if from.is_multiple_of(2) { format!(", {to}") } else { String::new() };
    let mode = match mode {
        Mode::Net => "",
        Mode::Versions => ", mode => 'versions'",
    };
    let call = format!("table_changes('{name}', {from}{until}{mode})");
    let sql = format!("SELECT _change_type, _row_id, _version, {columns} FROM {call}");
    let mut changes: Vec<Change> = Vec::new();
    for mut row in select(session, &sql, to).await? {
        let rest = row.split_off(3);
        let mut known = row.into_iter();
        let kind = match known.next().flatten() {
            Some(Value::Text(kind)) => kind,
            other => return Err(format!("{other:?} is no kind of change")),
        };
        let id = number(known.next().flatten())?;
        let version = number(known.next().flatten())?;
        changes.push(Change { kind, id, version, row: rest });
    }
    Ok(changes)
}

/// The changes of each version, in the order of the versions.
fn by_version(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut rounds: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
    for change in changes {
        rounds.entry(change.version).or_default().push(change);
    }
    rounds.into_values().collect()
}

/// Applies changes that happen at once.
///
/// * What goes must be there as it says, and what comes must not be there.
/// * Pre-images and post-images come in pairs that differ.
fn apply(rows: &mut Rows, changes: &[Change], from: u64, to: u64) -> Checked {
    let mut before = Rows::new();
    for change in changes {
        if !u64::try_from(change.version).is_ok_and(|version| from < version && version <= to) {
            return Err(format!("{change:?} is of another version"));
        }
        let goes = matches!(change.kind.as_str(), "delete" | "update_preimage");
        if goes && rows.remove(&change.id).as_ref() != Some(&change.row) {
            return Err(format!("{change:?} is not what the row was"));
        }
        match change.kind.as_str() {
            "update_preimage" => drop(before.insert(change.id, change.row.clone())),
            "delete" | "insert" | "update_postimage" => {}
            _ => return Err(format!("{change:?} is of no known kind")),
        }
    }
    for change in changes {
        let pair = match change.kind.as_str() {
            "insert" => None,
            "update_postimage" => match before.remove(&change.id) {
                Some(image) if image != change.row => Some(image),
                Some(_) => return Err(format!("{change:?} changes nothing")),
                None => return Err(format!("{change:?} has no pre-image")),
            },
            _ => continue,
        };
        let deleted = changes.iter().any(|other| other.kind == "delete" && other.id == change.id);
        if deleted || rows.insert(change.id, change.row.clone()).is_some() {
            return Err(format!("{change:?} comes where a row is, whose pre-image is {pair:?}"));
        }
    }
    match before.first_key_value() {
        None => Ok(()),
        Some((id, image)) => Err(format!("the pre-image {image:?} of row {id} has no post-image")),
    }
}

/// The lives of each row, as `table_history` tells them. Lives with the same values that touch are one.
async fn lives(session: &Session, name: &str, shown: &Table, version: u64) -> Checked<Vec<Vec<Life>>> {
    let columns = shown.names().join(", ");
    let sql = format!("SELECT _row_id, _born, _died, {columns} FROM table_history('{name}')");
    let mut by_id: BTreeMap<i64, Vec<Life>> = BTreeMap::new();
    for mut row in select(session, &sql, version).await? {
        let rest = row.split_off(3);
        let mut known = row.into_iter();
        let id = number(known.next().flatten())?;
        let born = unsigned(number(known.next().flatten())?);
        let died = known.next().flatten().map(|died| number(Some(died))).transpose()?.map(unsigned);
        by_id.entry(id).or_default().push(Life { born, died, row: rest });
    }
    let mut all: Vec<Vec<Life>> = Vec::with_capacity(by_id.len());
    for (id, mut found) in by_id {
        found.sort();
        let mut own: Vec<Life> = Vec::with_capacity(found.len());
        for life in found {
            match own.last_mut() {
                Some(last) if last.died.is_none_or(|died| died > life.born) => {
                    return Err(format!("row {id} lives twice at once: {last:?} and {life:?}"));
                }
                Some(last) if last.died == Some(life.born) && last.row == life.row => last.died = life.died,
                _ => own.push(life),
            }
        }
        all.push(own);
    }
    Ok(all)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
