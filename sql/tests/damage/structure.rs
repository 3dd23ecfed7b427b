//! Parquet damaged in each of its structures: files that are read and imported, and the object of a frozen segment.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{Answer, CreateOptions, Error, ErrorKind, ImportRequest, Lake, OpenOptions, Session, Settings};
use frostline_testkit::parquet_damage::{Damaged, damages};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::names;
use crate::door::{answer, commit, number};
use crate::lake::{describe, run_to_end};

/// Of the damages of one structure, the first is tried and then each so many.
const EACH: usize = 5;

const TABLE: &str = "(n BIGINT, m BIGINT, t VARCHAR)";

fn rows() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..300).map(|row: i64| row * 1_000_003)));
    let gaps: ArrayRef = Arc::new((0..300).map(|row: i64| (row % 7 != 0).then_some(row)).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new((0..300).map(|row: i64| Some(format!("text {}", row % 5))).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("m", gaps, true), ("t", texts, true)])
        .expect("three columns of the same length")
}

/// The rows as a file of two row groups. GZIP has a checksum, so that changed pages cannot pass for others.
fn sound_file() -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_max_row_group_row_count(Some(150))
        .set_data_page_row_count_limit(50)
        .set_write_batch_size(50)
        .set_column_dictionary_enabled(ColumnPath::from("n"), false)
        .set_column_dictionary_enabled(ColumnPath::from("m"), false)
        .build();
    let rows = rows();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("a writer");
    writer.write(&rows).expect("rows can be written");
    writer.into_inner().expect("a file can be ended")
}

/// Some damages of every structure.
fn sample(damages: Vec<Damaged>) -> Vec<Damaged> {
    let mut structures: HashSet<String> = HashSet::new();
    let structure = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let chosen = damages
        .into_iter()
        .enumerate()
        .filter(|(place, (name, _))| structures.insert(structure(name)) || place.is_multiple_of(EACH));
    chosen.map(|(_, damaged)| damaged).collect()
}

/// The rows of a relation, as text.
async fn read(session: &Session, relation: &str) -> Result<String, Error> {
    let given: Answer = answer(session, &format!("SELECT n, m, t FROM {relation} ORDER BY n")).await?;
    let batches = given.into_rows()?.collect().await?;
    Ok(pretty_format_batches(&batches).expect("rows can be shown").to_string())
}

async fn import(lake: &Lake, path: &Path) -> Result<Answer, Error> {
    let files = resolve_sources(&[path.display().to_string()], None)?;
    let request = ImportRequest { author: "ann".to_owned(), ..ImportRequest::default() };
    lake.import("fresh", files, request, Arc::new(Progress::default())).await
}

#[test]
fn a_file_damaged_in_any_structure_gives_its_rows_or_an_error_that_names_it_and_commits_nothing() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.parquet");
        let location = "memory://damaged-files";
        Lake::create(location, CreateOptions::default()).await.unwrap();
        let lake = Lake::open(location, OpenOptions::default()).await.unwrap();
        let session = lake.session().with_local_files(true);
        commit(&session, &format!("CREATE TABLE target {TABLE}")).await.unwrap();
        let (relation, copy) =
            (format!("read_parquet('{}')", path.display()), format!("COPY target FROM '{}'", path.display()));

        let sound = sound_file();
        fs::write(&path, &sound).unwrap();
        let expected = read(&session, &relation).await.unwrap();
        let (mut right, mut refused) = (0, 0);
        for (name, bytes) in sample(damages(&sound)) {
            fs::write(&path, &bytes).unwrap();
            let commits = number(&session, "SELECT count(*) FROM system.commits").await.unwrap();
            let found = read(&session, &relation).await;
            let copied = answer(&session, &copy).await;
            let imported = import(&lake, &path).await;
            match found {
                Ok(found) => {
                    assert!(found == expected, "{name} gave wrong rows");
                    // Imports look at every page header before they decode anything, so they may refuse more.
                    for (table, taken) in [("target", copied), ("fresh", imported)] {
                        match taken {
                            Ok(_) => assert!(read(&session, table).await.unwrap() == expected, "{name}: `{table}`"),
                            Err(error) => assert!(describe(&error).contains("damaged.parquet"), "{name}: {error}"),
                        }
                    }
                    commit(&session, &format!("CREATE OR REPLACE TABLE target {TABLE}")).await.unwrap();
                    answer(&session, "DROP TABLE IF EXISTS fresh").await.unwrap();
                    right += 1;
                }
                Err(error) => {
                    for (door, error) in [("read", Some(error)), ("copy", copied.err()), ("import", imported.err())] {
                        let told = error.as_ref().map(describe).unwrap_or_default();
                        assert!(told.contains("damaged.parquet"), "{name}: {door} did not name the file: {told:?}");
                        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Statement), "{name}: {told}");
                    }
                    let after = number(&session, "SELECT count(*) FROM system.commits").await.unwrap();
                    assert_eq!(after, commits, "{name} was refused, and something was committed");
                    refused += 1;
                }
            }
        }
        assert!(right > 10 && refused > 60, "{right} were read rightly and {refused} refused");
    });
}

#[test]
fn a_segment_damaged_in_any_structure_is_refused_by_queries_and_named_by_a_deep_check() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("lake");
        let location = root.display().to_string();
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        let settings = Settings { hot_bytes_max: 1024, row_group_rows: 150, ..Settings::default() };
        let lake = Lake::open(&location, OpenOptions { settings, ..OpenOptions::default() }).await.unwrap();
        commit(&lake.session(), &format!("CREATE TABLE events {TABLE}")).await.unwrap();
        lake.append("events", vec![rows()]).await.unwrap();
        lake.settle().await;
        let object = only_segment(&root);
        let path = root.join(&object);
        let sound = fs::read(&path).unwrap();
        let expected = read(&lake.session(), "events").await.unwrap();

        for (name, bytes) in sample(damages(&sound)) {
            fs::write(&path, &bytes).unwrap();
            // What a process has read is not compared with its digest again.
            let lake = Lake::open(&location, OpenOptions::default()).await.unwrap();
            let error = read(&lake.session(), "events").await.expect_err(&name);
            assert_eq!(error.kind(), ErrorKind::Lake, "{name}: {}", describe(&error));
            assert!(names(&describe(&error), &object), "{name}: {}", describe(&error));
            let error = lake.verify(true, |_| {}).await.expect_err(&name);
            assert_eq!(error.kind(), ErrorKind::Lake, "{name}: {}", describe(&error));
            assert!(names(&describe(&error), &object), "{name}: {}", describe(&error));
        }
        fs::write(&path, &sound).unwrap();
        let lake = Lake::open(&location, OpenOptions::default()).await.unwrap();
        assert_eq!(read(&lake.session(), "events").await.unwrap(), expected);
        lake.verify(true, |_| {}).await.unwrap();
    });
}

/// The key of the only frozen segment.
fn only_segment(root: &Path) -> String {
    let mut keys: Vec<String> = Vec::new();
    for shelf in fs::read_dir(root.join("segments")).expect("there are segments") {
        for file in fs::read_dir(shelf.expect("a folder").path()).expect("a folder can be read") {
            let path = file.expect("a file").path();
            keys.extend(path.strip_prefix(root).ok().map(|key| key.display().to_string()));
        }
    }
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.pop().unwrap_or_default()
}
