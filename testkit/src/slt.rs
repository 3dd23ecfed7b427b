//! Scripts of SQL in the format of sqllogictest, run through any door that statements go in by.
//!
//! A script says what statements give, and every [`Door`] must give it. Each script runs in a new lake in memory, once
//! with hot rows and once with every row frozen.
//!
//! | value | printed as |
//! |---|---|
//! | NULL | `NULL` |
//! | an empty text | `(empty)` |
//! | boolean | `true`, `false` |
//! | REAL, DOUBLE | the shortest digits that read back as the same value, with a point: `1.0` |
//! | TIMESTAMP | `2013-07-10 18:00:00` |
//! | TIMESTAMP WITH TIME ZONE | `2013-07-10T18:00:00Z` |
//! | anything else | as Arrow prints it: `[1, 2]`, `{a: 1}`, binary in hexadecimal digits |
//!
//! Runs of white space count as one space, the line ends of a value too.
//!
//! Types of columns: `I` an integer, `R` a float or decimal, `T` a text, `?` anything. Their number is checked.
//!
//! `statement count n` is the number of rows that a commit wrote; what changes nothing writes 0. `statement error` is a
//! regular expression that finds something in the message, its causes and its hint: `message: cause; hint: hint`.
//!
//! Version n is committed at 2024-01-01T00:00:00Z plus n seconds. Two statements are the runner's own:
//!
//! * `AT TIME '2024-06-01T12:00:00Z'` sets the clock: the next commit is made then, later ones second by second.
//! * `REOPEN` opens the lake anew from its store, in a new session.
//!
//! What differs stands behind `onlyif` and `skipif` with a label:
//!
//! | label | when |
//! |---|---|
//! | `hot`, `frozen` | where the rows are: only plans and `system.segments` show it |
//! | `flight` | statements come over Flight SQL, where some are refused that a session of this process may run |
//!
//! What is behind `skipif flight` has a record behind `onlyif flight` beside it, which says what happens instead.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use chrono::DateTime;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Record, Runner};

/// When version 2 is committed, in microseconds since 1970: 2024-01-01T00:00:02Z.
pub const SECOND_VERSION_MICROS: i64 = 1_704_067_202_000_000;

/// How far commits are apart, in microseconds.
pub const STEP_MICROS: i64 = 1_000_000;

/// How long a script may take. The longest takes seconds.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(300);

/// Where the rows of a script are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the slots that commit them, as far as a lake keeps rows there.
    Hot,
    /// In segments, all of them.
    Frozen,
}

impl Storage {
    /// What scripts call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Frozen => "frozen",
        }
    }
}

/// What a script asks of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its rows.
    Rows,
    /// Whether it succeeds, and how many rows it wrote.
    Outcome,
}

/// What a statement gave.
#[derive(Debug)]
pub enum Given {
    /// Rows.
    Rows {
        /// Their columns.
        columns: SchemaRef,
        /// The rows.
        batches: Vec<RecordBatch>,
    },
    /// No rows, but so many were written.
    Count(u64),
}

/// Why a statement failed, in words: `message: cause; hint: hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(String);

impl Refused {
    /// A refusal in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A session on a lake, by one of the ways that statements go in. Every one must give what the scripts say.
#[async_trait]
pub trait Door: Send + Sized {
    /// A lake. Clones are handles of the same one, with the same clock.
    type Lake: Clone + Send;

    /// What scripts call this door behind `onlyif` and `skipif`; `None` for the one that needs no exceptions.
    const LABEL: Option<&'static str>;

    /// A new lake, made by `root`, in which times may be asserted. Its clock must show [`SECOND_VERSION_MICROS`]. The
    /// name is of its own in this process.
    async fn create(name: &str, storage: Storage) -> Result<Self::Lake, Refused>;

    /// A new session on a lake.
    async fn open(lake: Self::Lake) -> Result<Self, Refused>;

    /// Runs one statement. One that commits does so at the clock's time, and must move the clock on by
    /// [`STEP_MICROS`].
    async fn run(&mut self, sql: &str, asked: Asked) -> Result<Given, Refused>;

    /// Sets the lake's clock, in microseconds since 1970.
    fn set_time(&mut self, micros: i64);

    /// Opens the lake anew from its store, and becomes a new session on it.
    async fn reopen(&mut self) -> Result<(), Refused>;
}

/// Runs every script of a folder through a door, also behind one that fails, and gives what failed.
pub async fn failures<D: Door>(folder: &Path, storage: Storage) -> Vec<String> {
    let scripts = match scripts(folder) {
        Ok(scripts) if scripts.is_empty() => return vec![format!("there are no scripts in {}", folder.display())],
        Ok(scripts) => scripts,
        Err(error) => return vec![format!("{}: {error}", folder.display())],
    };
    let labels: Vec<&str> = [storage.label()].into_iter().chain(D::LABEL).collect();
    let mut failures: Vec<String> = Vec::new();
    for path in scripts {
        let failed = |error: String| format!("{labels:?} {}: {error}", path.display());
        match tokio::time::timeout(SCRIPT_TIME_MAX, run_script::<D>(&path, storage, &labels)).await {
            Ok(Ok(found)) => failures.extend(found),
            Ok(Err(error)) => failures.push(failed(error.to_string())),
            Err(_) => failures.push(failed(format!("it takes more than {} s", SCRIPT_TIME_MAX.as_secs()))),
        }
    }
    failures
}

/// The scripts of a folder, by name.
fn scripts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut scripts: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "slt") {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

/// Runs every record of a script, also behind one that fails, and gives what failed.
async fn run_script<D: Door>(path: &Path, storage: Storage, labels: &[&str]) -> Result<Vec<String>, Refused> {
    let records: Vec<Record<DefaultColumnType>> =
        sqllogictest::parse_file(path).map_err(|error| Refused::new(error.to_string()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("slt-{stem}-{}", labels.join("-"));
    let lake = D::create(&name, storage).await?;
    let asks_for_rows = Arc::new(AtomicBool::new(false));
    let mut runner = Runner::new(|| {
        let (lake, asks_for_rows) = (lake.clone(), Arc::clone(&asks_for_rows));
        async move { Ok::<Connection<D>, Refused>(Connection { door: D::open(lake).await?, asks_for_rows }) }
    });
    for label in labels {
        runner.add_label(label);
    }
    runner.with_column_validator(|actual, expected| {
        let fits = |(actual, expected): (&DefaultColumnType, &DefaultColumnType)| {
            *expected == DefaultColumnType::Any || actual == expected
        };
        actual.len() == expected.len() && actual.iter().zip(expected).all(fits)
    });
    let mut failures: Vec<String> = Vec::new();
    for record in records {
        if let Record::Halt { .. } = record {
            break;
        }
        // Shown when a test fails, and where a test that does not end is.
        println!("{name}: {}", first_line(&record));
        asks_for_rows.store(matches!(record, Record::Query { .. } | Record::Let { .. }), Ordering::Relaxed);
        if let Err(error) = runner.run_async(record).await {
            failures.push(format!("{labels:?} {error}"));
        }
    }
    Ok(failures)
}

/// A record's first line.
fn first_line(record: &Record<DefaultColumnType>) -> String {
    record.to_string().lines().take(2).collect::<Vec<_>>().join(" ")
}

/// A door as sqllogictest sees it.
struct Connection<D> {
    door: D,
    /// Whether the record that runs asks for rows.
    asks_for_rows: Arc<AtomicBool>,
}

impl<D: Door> Connection<D> {
    /// Runs a statement of the runner's own. False if it is none.
    async fn run_own(&mut self, statement: &str) -> Result<bool, Refused> {
        if statement == "REOPEN" {
            self.door.reopen().await?;
            return Ok(true);
        }
        let Some(time) = statement.strip_prefix("AT TIME '").and_then(|rest| rest.strip_suffix('\'')) else {
            return Ok(false);
        };
        let time = DateTime::parse_from_rfc3339(time).map_err(|error| Refused::new(format!("AT TIME: {error}")))?;
        self.door.set_time(time.timestamp_micros());
        Ok(true)
    }
}

#[async_trait]
impl<D: Door> AsyncDB for Connection<D> {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        if self.run_own(sql.trim()).await? {
            return Ok(DBOutput::StatementComplete(0));
        }
        let asked = if self.asks_for_rows.load(Ordering::Relaxed) { Asked::Rows } else { Asked::Outcome };
        match self.door.run(sql, asked).await? {
            Given::Count(rows) => Ok(DBOutput::StatementComplete(rows)),
            Given::Rows { columns, batches } => {
                let types = columns.fields().iter().map(|field| column_type(field.data_type())).collect();
                let rows = printed(&batches).map_err(|error| Refused::new(error.to_string()))?;
                Ok(DBOutput::Rows { types, rows })
            }
        }
    }

    async fn shutdown(&mut self) {}
}

fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DefaultColumnType::Text,
        integer if integer.is_integer() => DefaultColumnType::Integer,
        number if number.is_numeric() => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Any,
    }
}

fn printed(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new().with_null("NULL").with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let formatters: Vec<ArrayFormatter<'_>> = columns
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<ArrayFormatter<'_>>, ArrowError>>()?;
        for row in 0..batch.num_rows() {
            let values = formatters.iter().map(|formatter| match formatter.value(row).to_string() {
                empty if empty.is_empty() => "(empty)".to_owned(),
                value => value,
            });
            rows.push(values.collect());
        }
    }
    Ok(rows)
}
