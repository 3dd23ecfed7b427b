//! A lake and its model, taken through the same steps and compared.

use std::sync::Arc;

use frostline_catalog::io::ManualClock;
use frostline_catalog::{Micros, Version};
use frostline_sql::{Answer, AsOf, CreateOptions, ErrorKind, Lake, OpenOptions, Session, Settings};
use frostline_testkit::model::{Effect, History, Model, Past, Row, Step, Table, Value};
use tempfile::TempDir;

use super::compare::{check_columns, check_refused, check_rows, read};
use super::rows::to_batches;
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
    settings: Settings,
    lake: Lake,
    /// The session whose transaction is open.
    session: Option<Session>,
    model: Model,
}

/// Where the rows of a lake are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frost {
    /// All are hot.
    Hot,
    /// Those of large writes are frozen.
    Mixed,
    /// All are frozen.
    Frozen,
}

impl Frost {
    /// So small that a few hundred rows are several segments of several row groups, and that checkpoints come after
    /// every few steps.
    fn settings(self) -> Settings {
        let hot_bytes_max = match self {
            Self::Hot => 1024 * 1024,
            Self::Mixed => 2 * 1024,
            Self::Frozen => 0,
        };
        Settings {
            hot_bytes_max,
            segment_bytes_target: 1024,
            row_group_rows: 50,
            checkpoint_interval_slots: 5,
            ..Settings::default()
        }
    }
}

async fn open(location: &str, settings: &Settings, clock: &Arc<ManualClock>) -> Checked<Lake> {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    let options = OpenOptions { settings: settings.clone(), clock, ..OpenOptions::default() };
    Lake::open(location, options).await.map_err(|error| format!("the lake does not open: {}", describe(&error)))
}

impl Trial {
    /// A new lake of one version, in memory under this name or in a folder.
    pub(super) async fn begin(name: &str, in_folder: bool, frost: Frost) -> Checked<Self> {
        let folder = in_folder.then(|| tempfile::tempdir().expect("a temporary folder"));
        let location = match &folder {
            Some(folder) => folder.path().join("lake").display().to_string(),
            None => format!("memory://{name}"),
        };
        let created = Lake::create(&location, CreateOptions::default()).await;
        created.map_err(|error| format!("the lake is not created: {}", describe(&error)))?;
        let clock = Arc::new(ManualClock::at(Micros::new(0)));
        let settings = frost.settings();
        let lake = open(&location, &settings, &clock).await?;
        let now = lake.state().head().wall_time;
        let (session, model) = (None, Model::default());
        Ok(Self { location, _folder: folder, clock, now, settings, lake, session, model })
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
        if matches!(step, Step::Begin) {
            self.session = Some(self.lake.session());
        }
        let (effect, told) = match step {
            Step::Reopen => {
                self.reopen().await?;
                (Effect::Invisible, String::new())
            }
            Step::Append { table, rows } => self.append(table, rows).await?,
            _ => self.run(&step.sql().unwrap_or_default()).await?,
        };
        let expected = step.apply(&mut self.model);
        if !self.model.in_transaction() {
            self.session = None;
        }
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
        self.session = None;
        self.lake = open(&self.location, &self.settings, &self.clock).await?;
        Ok(())
    }

    /// The session of the transaction that is open, or else a new one.
    fn session(&self) -> Session {
        self.session.clone().unwrap_or_else(|| self.lake.session())
    }

    async fn append(&self, table: &str, rows: &[Row]) -> Checked<(Effect, String)> {
        let columns = self.model.table_now(table).map(|known| known.columns.clone()).unwrap_or_default();
        let made = self.session().append(table, to_batches(&columns, rows)).await;
        let made = made.map_err(|error| format!("rows cannot be appended: {}", describe(&error)))?;
        let is_pending = self.model.in_transaction();
        Ok((if is_pending { Effect::Pending } else { Effect::Version(made.number()) }, String::new()))
    }

    async fn run(&self, sql: &str) -> Checked<(Effect, String)> {
        match answer(&self.session(), sql).await {
            Ok(Answer::Committed(made)) => Ok((Effect::Version(made.version.number()), made.summary)),
            Ok(Answer::Pending { summary, .. }) => Ok((Effect::Pending, summary)),
            Ok(Answer::Done) => Ok((Effect::Invisible, String::new())),
            Ok(Answer::NoChange { .. }) => Ok((Effect::NoChange, String::new())),
            Ok(other) => Err(format!("`{sql}` gave {other:?}")),
            Err(error) if error.kind() == ErrorKind::Statement => Ok((Effect::Refused, describe(&error))),
            Err(error) => Err(format!("`{sql}` failed: {}", describe(&error))),
        }
    }

    /// Compares every table and view with its copy, as a statement finds it now: in the transaction that is open, or at
    /// the newest version.
    pub(super) async fn check_now(&self) -> Checked {
        if self.model.has_failed() {
            return Ok(());
        }
        let session = self.session();
        for name in History::NAMES {
            let Some(expected) = self.model.read_now(name) else { continue };
            let sql = format!("SELECT * FROM {name}");
            let found = read(&session, &sql, self.model.newest()).await;
            let (schema, rows) = found.map_err(|error| format!("`{sql}` failed: {}", describe(&error)))?;
            let told = |wrong: String| format!("`{sql}`: {wrong}");
            check_columns(&schema, 0, &expected).map_err(told)?;
            check_rows(rows?, &expected.sorted_rows()).map_err(told)?;
        }
        Ok(())
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

    /// A session that is pinned to a version.
    pub(super) async fn pinned(&self, version: u64) -> Checked<Session> {
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
