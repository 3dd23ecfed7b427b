//! Runs the scripts beside this file, `*.slt`, in the format of sqllogictest.
//!
//! Each script runs twice, each time in a new lake in memory: once with hot rows, once with every row frozen. What
//! differs stands behind `onlyif hot` and `onlyif frozen`; nothing that a query yields does.
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

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use chrono::DateTime;
use frostline_catalog::Micros;
use frostline_sql::{Answer, Settings};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Record, Runner};

use crate::lake::{TestLake, TestSession, describe, run_to_end};

/// Where the scripts are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slt");

/// Where the rows of a script are kept.
#[derive(Clone, Copy, Debug)]
enum Storage {
    Hot,
    Frozen,
}

impl Storage {
    /// What scripts call it.
    fn label(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Frozen => "frozen",
        }
    }

    fn settings(self) -> Settings {
        match self {
            Self::Hot => Settings::default(),
            Self::Frozen => Settings { hot_bytes_max: 0, ..Settings::default() },
        }
    }
}

/// A session of a script.
struct Connection {
    lake: TestLake,
    session: TestSession,
}

/// Why a statement failed, in words.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl From<frostline_sql::Error> for Refused {
    fn from(error: frostline_sql::Error) -> Self {
        Self(describe(&error))
    }
}

impl Connection {
    fn new(lake: TestLake) -> Self {
        let session = lake.session();
        Self { lake, session }
    }

    /// Runs a statement of the runner's own. False if it is none.
    async fn run_own(&mut self, statement: &str) -> Result<bool, Refused> {
        if statement == "REOPEN" {
            *self = Self::new(self.lake.reopen().await?);
            return Ok(true);
        }
        let Some(time) = statement.strip_prefix("AT TIME '").and_then(|rest| rest.strip_suffix('\'')) else {
            return Ok(false);
        };
        let time = DateTime::parse_from_rfc3339(time).map_err(|error| Refused(format!("AT TIME: {error}")))?;
        self.lake.set_time(Micros::new(time.timestamp_micros()));
        Ok(true)
    }
}

#[async_trait]
impl AsyncDB for Connection {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        if self.run_own(sql.trim()).await? {
            return Ok(DBOutput::StatementComplete(0));
        }
        match self.session.run(sql).await? {
            Answer::Committed(committed) => Ok(DBOutput::StatementComplete(committed.rows)),
            Answer::NoChange { .. } | Answer::Done => Ok(DBOutput::StatementComplete(0)),
            Answer::Rows(rows) => {
                let types = rows.schema.fields().iter().map(|field| column_type(field.data_type())).collect();
                let batches: Vec<RecordBatch> = rows.collect().await?;
                Ok(DBOutput::Rows { types, rows: printed(&batches) })
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

fn printed(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("NULL").with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for batch in batches {
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("every type is printed"))
            .collect();
        for row in 0..batch.num_rows() {
            let values = formatters.iter().map(|formatter| match formatter.value(row).to_string() {
                empty if empty.is_empty() => "(empty)".to_owned(),
                value => value,
            });
            rows.push(values.collect());
        }
    }
    rows
}

/// Runs every record of a script, also behind one that fails, and gives what failed.
async fn run_script(path: &Path, storage: Storage) -> Result<Vec<String>, String> {
    let records: Vec<Record<DefaultColumnType>> = sqllogictest::parse_file(path).map_err(|error| error.to_string())?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("slt-{stem}-{}", storage.label());
    let lake = TestLake::create(&name, storage.settings()).await.map_err(|error| describe(&error))?;
    let mut runner = Runner::new(|| {
        let connection = Connection::new(lake.clone());
        async move { Ok::<Connection, Refused>(connection) }
    });
    runner.add_label(storage.label());
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
        if let Err(error) = runner.run_async(record).await {
            failures.push(format!("[{}] {error}", storage.label()));
        }
    }
    Ok(failures)
}

fn scripts() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the folder of the scripts is there");
    let paths = entries.map(|entry| entry.expect("a script is there").path());
    let mut scripts: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "slt")).collect();
    scripts.sort();
    scripts
}

/// A record's first line.
fn first_line(record: &Record<DefaultColumnType>) -> String {
    record.to_string().lines().take(2).collect::<Vec<_>>().join(" ")
}

async fn run_scripts(storage: Storage) -> Vec<String> {
    let scripts = scripts();
    assert!(!scripts.is_empty(), "there are scripts in {FOLDER}");
    let mut failures: Vec<String> = Vec::new();
    for path in scripts {
        match run_script(&path, storage).await {
            Ok(found) => failures.extend(found),
            Err(error) => failures.push(format!("[{}] {}: {error}", storage.label(), path.display())),
        }
    }
    failures
}

fn check(storage: Storage) {
    let failures = run_to_end(move || run_scripts(storage));
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_script_holds_with_hot_rows() {
    check(Storage::Hot);
}

#[test]
fn every_script_holds_with_frozen_rows() {
    check(Storage::Frozen);
}
