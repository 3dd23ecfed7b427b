//! A lake and its model, taken through the same steps and compared.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use frostline_catalog::io::ManualClock;
use frostline_catalog::{Micros, Version};
use frostline_sql::{
    Answer, AsOf, CreateOptions, Error, ErrorKind, Lake, OpenOptions, Parameters, ScalarValue, Session, Settings,
};
use frostline_testkit::model::{Effect, History, Model, Past, Row, Step, Table, Value};
use tempfile::TempDir;

use super::rows::{arrow_type, from_batches, to_batches};
use crate::door::{Checked, answer};
use crate::lake::describe;

/// How far the clock moves on before each step.
const STEP_MICROS: i64 = 1_000_000;

/// A lake under test, and the copies that it must agree with.
pub(super) struct Trial {
    location: String,
    /// Where the lake is, unless it is in memory.
    _folder: Option<TempDir>,
    clock: Arc<ManualClock>,
    now: Micros,
    lake: Lake,
    model: Model,
}

/// So small that a few hundred rows are frozen, in several segments of several row groups, and that checkpoints come
/// after every few steps.
fn settings() -> Settings {
    Settings {
        hot_bytes_max: 2 * 1024,
        segment_bytes_target: 1024,
        row_group_rows: 50,
        checkpoint_interval_slots: 5,
        ..Settings::default()
    }
}

async fn open(location: &str, clock: &Arc<ManualClock>) -> Checked<Lake> {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    let options = OpenOptions { settings: settings(), clock, ..OpenOptions::default() };
    Lake::open(location, options).await.map_err(|error| format!("the lake does not open: {}", describe(&error)))
}

impl Trial {
    /// A new lake of one version, in memory under this name or in a folder.
    pub(super) async fn begin(name: &str, in_folder: bool) -> Checked<Self> {
        let folder = in_folder.then(|| tempfile::tempdir().expect("a temporary folder"));
        let location = match &folder {
            Some(folder) => folder.path().join("lake").display().to_string(),
            None => format!("memory://{name}"),
        };
        let created = Lake::create(&location, CreateOptions::default()).await;
        created.map_err(|error| format!("the lake is not created: {}", describe(&error)))?;
        let clock = Arc::new(ManualClock::at(Micros::new(0)));
        let lake = open(&location, &clock).await?;
        let now = lake.state().head().wall_time;
        Ok(Self { location, _folder: folder, clock, now, lake, model: Model::default() })
    }

    /// The copies.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// The copies, to be falsified.
    pub(super) fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// Takes one step, and checks what it led to.
    pub(super) async fn take(&mut self, step: &Step) -> Checked {
        self.now = self.now.plus(STEP_MICROS);
        self.clock.set(self.now);
        let (effect, told) = match step {
            Step::Reopen => {
                self.reopen().await?;
                (Effect::Invisible, String::new())
            }
            Step::Append { table, rows } => self.append(table, rows).await?,
            _ => self.run(&step.sql().unwrap_or_default()).await?,
        };
        let expected = step.apply(&mut self.model);
        if effect != expected {
            return Err(format!("it led to {effect:?} instead of {expected:?} {told}"));
        }
        let newest = self.lake.state().head().version.map(Version::number);
        if newest == Some(self.model.newest()) {
            Ok(())
        } else {
            Err(format!("the newest version is {newest:?} instead of {}", self.model.newest()))
        }
    }

    /// Opens the lake anew. What follows from the commits so far is waited for only every second time.
    async fn reopen(&mut self) -> Checked {
        if self.model.newest().is_multiple_of(2) {
            self.lake.settle().await;
        }
        self.lake = open(&self.location, &self.clock).await?;
        Ok(())
    }

    async fn append(&self, table: &str, rows: &[Row]) -> Checked<(Effect, String)> {
        let known = self.model.table(table, self.model.newest());
        let columns = known.map(|known| known.columns.clone()).unwrap_or_default();
        let made = self.lake.append(table, to_batches(&columns, rows)).await;
        let made = made.map_err(|error| format!("rows cannot be appended: {}", describe(&error)))?;
        Ok((Effect::Version(made.number()), String::new()))
    }

    async fn run(&self, sql: &str) -> Checked<(Effect, String)> {
        match answer(&self.lake.session(), sql).await {
            Ok(Answer::Committed(made)) => Ok((Effect::Version(made.version.number()), made.summary)),
            Ok(Answer::NoChange { .. }) => Ok((Effect::NoChange, String::new())),
            Ok(other) => Err(format!("`{sql}` gave {other:?}")),
            Err(error) if error.kind() == ErrorKind::Statement => Ok((Effect::Refused, describe(&error))),
            Err(error) => Err(format!("`{sql}` failed: {}", describe(&error))),
        }
    }

    /// Compares every table and view of a version with its copy, by one name of the version from each family. What the
    /// version does not have must be an error.
    pub(super) async fn check_version(&self, version: u64) -> Checked {
        let past = self.past(version);
        let turn = usize::try_from(version).unwrap_or(0);
        let mut absent: Vec<&str> = Vec::new();
        for (place, name) in History::NAMES.into_iter().enumerate() {
            match self.model.read(name, version) {
                Some(expected) => self.check_spellings(name, &past.spellings(turn + place), version, &expected).await?,
                None => absent.push(name),
            }
        }
        if absent.is_empty() {
            return Ok(());
        }
        let spellings = past.spellings(turn);
        let sql = format!("SELECT * FROM {} {}", absent[turn % absent.len()], spellings[turn % spellings.len()]);
        let found = read(&self.lake.session(), &sql, version).await;
        check_refused(&sql, found.map(|(_, rows)| rows))
    }

    /// Compares every table and view of a version with its copy, as a session sees them that is pinned to it.
    pub(super) async fn check_pinned(&self, version: u64) -> Checked {
        let session = self.pinned(version).await?;
        for name in History::NAMES {
            let sql = format!("SELECT * FROM {name}");
            let found = read(&session, &sql, version).await;
            match self.model.read(name, version) {
                Some(expected) => {
                    let (schema, rows) = found.map_err(|error| format!("`{sql}` failed: {}", describe(&error)))?;
                    let told = |wrong: String| format!("`{sql}` in a session pinned to version {version}: {wrong}");
                    check_columns(&schema, 0, &expected).map_err(told)?;
                    check_rows(rows?, &expected.sorted_rows()).map_err(told)?;
                }
                None => check_refused(&sql, found.map(|(_, rows)| rows))?,
            }
        }
        let write = "CREATE TABLE never_there (a BIGINT)";
        match answer(&session, write).await {
            Err(error) if error.kind() == ErrorKind::Statement => Ok(()),
            other => Err(format!("`{write}` in a session pinned to version {version} gave {other:?}")),
        }
    }

    /// Checks every byte of the lake. Notes on checkpoints say nothing here: a handle that was closed may still be
    /// writing one.
    pub(super) async fn verify(&self) -> Checked {
        let verified = self.lake.verify(true, |_| {}).await;
        let summary = verified.map_err(|error| format!("the lake is not sound: {}", describe(&error)))?;
        if summary.versions == self.model.newest() {
            Ok(())
        } else {
            Err(format!("{} versions are there, and {summary:?} were verified", self.model.newest()))
        }
    }

    async fn pinned(&self, version: u64) -> Checked<Session> {
        let session = self.lake.session();
        if version.is_multiple_of(2) {
            let as_of = AsOf::Version(i64::try_from(version).unwrap_or(i64::MAX));
            return session.at(&as_of).await.map_err(|error| format!("no session at {version}: {}", describe(&error)));
        }
        match answer(&session, &format!("SET frostline.as_of = {version}")).await {
            Ok(Answer::Done) => Ok(session),
            other => Err(format!("the session is not pinned to version {version}: {other:?}")),
        }
    }

    /// The names of a version.
    fn past(&self, version: u64) -> Past {
        let state = self.lake.state();
        let time_of = |number: u64| state.commit(Version::new(number)?).ok()??.commit_time;
        let time = time_of(version);
        let within = match (time, time_of(version + 1)) {
            (Some(time), Some(next)) => Some(time.plus((next.get() - time.get()) / 2)),
            (time, _) => time,
        };
        Past {
            version,
            time: time.map(|time| time.to_string()),
            within: within.map(|within| within.to_string()),
            tag: self.model.tag_of(version).map(str::to_owned),
            is_newest: version == self.model.newest(),
        }
    }

    /// Reads a relation by several clauses at once, and compares the rows of each.
    async fn check_spellings(&self, name: &str, clauses: &[String], version: u64, expected: &Table) -> Checked {
        let select =
            |(number, clause): (usize, &String)| format!("SELECT {number} AS spelling, * FROM {name} {clause}");
        let selects: Vec<String> = clauses.iter().enumerate().map(select).collect();
        let sql = selects.join(" UNION ALL ");
        let found = read(&self.lake.session(), &sql, version).await;
        let (schema, rows) = found.map_err(|error| format!("`{sql}` failed: {}", describe(&error)))?;
        let told = |wrong: String| format!("version {version}: `{sql}`: {wrong}");
        check_columns(&schema, 1, expected).map_err(told)?;
        let mut groups: Vec<Vec<Row>> = vec![Vec::new(); clauses.len()];
        for mut row in rows.map_err(told)? {
            match row.remove(0) {
                Some(Value::Integer(number)) => groups[usize::try_from(number).unwrap_or(0)].push(row),
                other => return Err(told(format!("a row belongs to no clause: {other:?}"))),
            }
        }
        let expected = expected.sorted_rows();
        for (clause, group) in clauses.iter().zip(groups) {
            check_rows(group, &expected).map_err(|wrong| format!("version {version}: `{name} {clause}`: {wrong}"))?;
        }
        Ok(())
    }
}

/// What a query came to: its columns, and its rows unless they are of no type that was written.
type Found = (Arc<Schema>, Checked<Vec<Row>>);

/// Runs a query in which `$1` stands for a version.
async fn read(session: &Session, sql: &str, version: u64) -> Result<Found, Error> {
    let number = ScalarValue::Int64(i64::try_from(version).ok());
    let rows = session.sql(sql, &Parameters::positional(vec![number])).await?.into_rows()?;
    let schema = Arc::clone(&rows.schema);
    let batches = rows.collect().await?;
    Ok((schema, from_batches(&batches)))
}

fn check_refused(sql: &str, found: Result<Checked<Vec<Row>>, Error>) -> Checked {
    match found {
        Err(error) if error.kind() == ErrorKind::Statement => Ok(()),
        Err(error) => Err(format!("`{sql}` failed with {:?}: {}", error.kind(), describe(&error))),
        Ok(rows) => Err(format!("`{sql}` must be an error, and gave {} rows", rows.map_or(0, |rows| rows.len()))),
    }
}

/// Compares columns behind the first `skipped` ones.
fn check_columns(schema: &Schema, skipped: usize, expected: &Table) -> Checked {
    let plain = |data_type: &DataType| match data_type {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    };
    let fields = schema.fields().iter().skip(skipped);
    let found: Vec<(String, DataType)> = fields.map(|field| (field.name().clone(), plain(field.data_type()))).collect();
    let expected: Vec<(String, DataType)> =
        expected.columns.iter().map(|column| (column.name.clone(), arrow_type(column.value_type))).collect();
    if found == expected { Ok(()) } else { Err(format!("the columns are {found:?} instead of {expected:?}")) }
}

/// Compares rows with sorted ones.
fn check_rows(mut found: Vec<Row>, expected: &[Row]) -> Checked {
    found.sort();
    if found == expected {
        return Ok(());
    }
    let lost = expected.iter().find(|row| found.binary_search(row).is_err());
    let added = found.iter().find(|row| expected.binary_search(row).is_err());
    Err(format!(
        "{} rows instead of {}; for example {lost:?} is lost and {added:?} is new",
        found.len(),
        expected.len()
    ))
}
