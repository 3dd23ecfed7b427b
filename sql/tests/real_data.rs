//! Real data with real history, replayed version by version: what was published at a time is what the lake says of it.
//!
//! The files are not part of the project. Where they are not beside it, these tests say so and pass.

mod merged;
mod published;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use frostline_catalog::Micros;
use frostline_catalog::io::ManualClock;
use frostline_sql::{CreateOptions, ErrorKind, Lake, OpenOptions, Settings};
use tempfile::TempDir;

use crate::door::{Checked, answer, commit, query};
use crate::lake::{describe, run_to_end};
use merged::Merge;
use published::{Edition, Fingerprint, Published};

/// When the replay happens: later than everything that was published. 2100-01-01T00:00:00Z.
const NOW: Micros = Micros::new(4_102_444_800_000_000);

/// How an edition takes the place of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replay {
    /// `CREATE OR REPLACE TABLE … AS SELECT … FROM` a file of this edition.
    FromFile,
    /// `CREATE OR REPLACE TABLE` a moment before, then batches.
    FromBatches,
    /// `MERGE` of what differs, behind `ALTER TABLE` where the columns differ: one version for each edition.
    ByMerge(Merge),
}

/// A lake in which every edition of one dataset was committed when it was published.
struct Replayed {
    folder: TempDir,
    table: &'static str,
    replay: Replay,
    lake: Lake,
}

/// The file of a dataset, if it is there.
fn file(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(format!("{name}.parquet"));
    if !path.exists() {
        println!("skipped: there is no `{}`", path.display());
        return None;
    }
    Some(path)
}

async fn open(folder: &TempDir, settings: Settings) -> Lake {
    let options = OpenOptions { settings, clock: Arc::new(ManualClock::at(NOW)), ..OpenOptions::default() };
    let location = folder.path().join("lake").display().to_string();
    Lake::open(&location, options).await.unwrap_or_else(|error| unreachable!("{}", describe(&error)))
}

/// A new lake whose commits may assert their times.
async fn create(folder: &TempDir, settings: Settings) -> Checked<Lake> {
    let location = folder.path().join("lake").display().to_string();
    let options = CreateOptions { allow_asserted_times: true, ..CreateOptions::default() };
    Lake::create(&location, options).await.map_err(|error| describe(&error))?;
    Ok(open(folder, settings).await)
}

/// Makes every edition the table at its time.
async fn replay(table: &'static str, published: &Published, replay: Replay, settings: Settings) -> Checked<Replayed> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lake = create(&folder, settings.clone()).await?;
    for (number, edition) in published.editions.iter().enumerate() {
        let at = edition.published.get();
        let rows = published.rows_of(edition);
        match replay {
            Replay::FromFile => {
                let path = folder.path().join("edition.parquet");
                published::write_parquet(&path, &rows);
                let session = lake.session().with_local_files(true).with_commit_time(Some(at));
                let names: Vec<String> = edition.columns.iter().map(|name| format!("\"{name}\"")).collect();
                let (names, path) = (names.join(", "), path.display());
                let sql = format!("CREATE OR REPLACE TABLE {table} AS SELECT {names} FROM read_parquet('{path}')");
                commit(&session, &sql).await?;
            }
            Replay::FromBatches => {
                let session = lake.session().with_commit_time(Some(at - 1));
                commit(&session, &format!("CREATE OR REPLACE TABLE {table} ({})", edition.declaration(&rows))).await?;
                let session = session.with_commit_time(Some(at));
                session.append(table, vec![rows]).await.map_err(|error| describe(&error))?;
            }
            Replay::ByMerge(merge) => {
                let session = lake.session().with_local_files(true).with_commit_time(Some(at));
                merge.step(&session, published, number, folder.path()).await?;
            }
        }
    }
    lake.settle().await;
    drop(lake);
    let lake = open(&folder, settings).await;
    Ok(Replayed { folder, table, replay, lake })
}

impl Replayed {
    /// What the lake says of a time.
    async fn read(&self, edition: &Edition, time: Micros) -> Checked<(Vec<String>, Fingerprint)> {
        let sql = format!("SELECT * FROM {} AS OF TIMESTAMP '{time}'", self.table);
        let batches = query(&self.lake.session(), &sql).await?;
        let names = match batches.first() {
            Some(batch) => batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
            None => Vec::new(),
        };
        Ok((names, Fingerprint::of(&batches, &edition.columns)?))
    }

    /// Compares every edition with the file: at its own time, and a moment before the next.
    async fn check(&self, published: &Published) -> Checked {
        let mut found: HashSet<Fingerprint> = HashSet::new();
        for (number, edition) in published.editions.iter().enumerate() {
            let expected = Fingerprint::of(&[published.rows_of(edition)], &edition.columns)?;
            let last_moment = published.editions.get(number + 1).map_or(NOW, |next| next.published.plus(-2));
            for time in [edition.published, last_moment] {
                let (names, rows) = self.read(edition, time).await?;
                if !self.are_columns(&names, edition) || rows != expected {
                    let columns = &edition.columns;
                    return Err(format!("{time}: {names:?} with {rows:?} instead of {columns:?} with {expected:?}"));
                }
            }
            found.insert(expected);
        }
        if found.len() < 2 {
            return Err("the editions do not differ, so this compares nothing".to_owned());
        }
        let first = published.editions.first().ok_or("there is no edition")?;
        let before = first.published.plus(-2);
        let sql = format!("SELECT * FROM {} AS OF TIMESTAMP '{before}'", self.table);
        match answer(&self.lake.session(), &sql).await {
            Err(error) if error.kind() == ErrorKind::Statement => Ok(()),
            other => Err(format!("nothing was published before {}, and the lake gave {other:?}", first.published)),
        }
    }

    /// Whether these are an edition's columns. One that came back by ALTER TABLE stands behind the others.
    fn are_columns(&self, names: &[String], edition: &Edition) -> bool {
        let (mut found, mut expected) = (names.to_vec(), edition.columns.clone());
        if matches!(self.replay, Replay::ByMerge(_)) {
            found.sort_unstable();
            expected.sort_unstable();
        }
        found == expected
    }

    /// Whether frozen segments are there, so that they are tested too.
    fn has_frozen_rows(&self) -> bool {
        self.folder.path().join("lake/segments").exists()
    }
}

/// Small writes stay hot, most editions are frozen.
fn mostly_frozen() -> Settings {
    Settings { hot_bytes_max: 64 * 1024, checkpoint_interval_slots: 32, ..Settings::default() }
}

/// The hospital admissions of a week, as one edition has them.
async fn admissions(replayed: &Replayed, as_of: &str) -> Checked<f64> {
    let sql = format!(
        "SELECT value FROM {} AS OF TIMESTAMP '{as_of}' WHERE location = 'US' AND date = DATE '2024-12-28'",
        replayed.table
    );
    let batches: Vec<RecordBatch> = query(&replayed.lake.session(), &sql).await?;
    let rows: Vec<f64> =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().values().to_vec()).collect();
    if let [value] = rows.as_slice() { Ok(*value) } else { Err(format!("`{sql}` gave {rows:?}")) }
}

#[test]
fn hospital_admissions_are_what_was_known_at_each_time() {
    let Some(path) = file("flusight") else { return };
    run_to_end(move || async move {
        let published = Published::read(&path);
        assert_eq!((published.rows(), published.editions.len()), (734_209, 89));
        let replayed = replay("admissions", &published, Replay::FromFile, mostly_frozen()).await.unwrap();
        assert!(replayed.has_frozen_rows());
        replayed.check(&published).await.unwrap();
        assert_eq!(admissions(&replayed, "2024-12-28").await, Ok(25_693.0));
        assert_eq!(admissions(&replayed, "2025-01-11").await, Ok(27_037.0));
        assert_eq!(admissions(&replayed, "2025-01-24 23:59:59").await, Ok(27_037.0));
        assert_eq!(admissions(&replayed, "2025-01-25").await, Ok(25_781.0));
    });
}

#[test]
fn a_list_of_vulnerabilities_is_what_was_listed_at_each_time() {
    let Some(path) = file("kev") else { return };
    run_to_end(move || async move {
        let published = Published::read(&path);
        assert_eq!((published.rows(), published.editions.len()), (100_523, 76));
        let replayed = replay("kev", &published, Replay::FromBatches, mostly_frozen()).await.unwrap();
        assert!(replayed.has_frozen_rows());
        replayed.check(&published).await.unwrap();
    });
}

#[test]
fn members_of_an_index_have_the_columns_that_were_published_at_each_time() {
    let Some(path) = file("sp500") else { return };
    run_to_end(move || async move {
        let published = Published::read(&path);
        assert_eq!((published.rows(), published.editions.len()), (95_576, 190));
        let mut layouts: Vec<&[String]> = published.editions.iter().map(|edition| edition.columns.as_slice()).collect();
        layouts.dedup();
        assert!(layouts.len() > 1, "the columns change over time");
        let replayed = replay("members", &published, Replay::FromFile, Settings::default()).await.unwrap();
        replayed.check(&published).await.unwrap();
    });
}

/// Replays a dataset by MERGE, and checks each version and what it changed.
async fn check_merged(table: &'static str, merge: Merge, published: &Published, settings: Settings) -> Replayed {
    let replayed = replay(table, published, Replay::ByMerge(merge), settings).await.expect("every edition is merged");
    replayed.check(published).await.expect("each time is its edition");
    merge.check_versions(&replayed.lake.session(), published).await.expect("each version is its edition");
    let changes = merge.check_changes(&replayed.lake.session(), published).await;
    assert!(changes.expect("what changed is what differs between the editions") > published.editions.len());
    replayed
}

#[test]
fn a_list_of_vulnerabilities_that_is_merged_changes_as_its_editions_differ() {
    let Some(path) = file("kev") else { return };
    run_to_end(move || async move {
        let published = Published::read(&path);
        assert_eq!(published.editions.len(), 76);
        let replayed = check_merged("kev", merged::KEV, &published, mostly_frozen()).await;
        assert!(replayed.has_frozen_rows());
    });
}

#[test]
fn members_of_an_index_that_are_merged_change_as_their_editions_differ() {
    let Some(path) = file("sp500") else { return };
    run_to_end(move || async move {
        let published = Published::read(&path);
        assert_eq!(published.editions.len(), 190);
        check_merged("sp500", merged::SP500, &published, Settings::default()).await;
    });
}
