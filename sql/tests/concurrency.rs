//! Many tasks on one lake at once: nothing that was acknowledged is lost, and every statement sees one state.
//!
//! `FROSTLINE_ROUNDS` is how many statements each task runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use frostline_engine::import::resolve_sources;
use frostline_sql::{Answer, CreateOptions, ErrorKind, ImportRequest, Lake, OpenOptions, Session, Settings};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::door::{Checked, answer, commit, from_environment, number, query};
use crate::lake::{describe, run_to_end};

/// How many tasks run at once.
const TASKS: u64 = 16;

/// How many handles of the lake they share. Each is opened by itself, as another process would.
const HANDLES: usize = 4;

/// How often a statement that lost against others is tried again by hand, behind the engine's own tries.
const TRIES_MAX: u32 = 100;

/// Some handles of one new lake in a folder, with a checkpoint every few slots.
async fn open_handles(folder: &TempDir, count: usize) -> Vec<Lake> {
    let location = folder.path().join("lake").display().to_string();
    Lake::create(&location, CreateOptions::default()).await.expect("a lake is created");
    let mut handles = Vec::with_capacity(count);
    for _ in 0..count {
        let settings = Settings { checkpoint_interval_slots: 16, ..Settings::default() };
        let options = OpenOptions { settings, ..OpenOptions::default() };
        handles.push(Lake::open(&location, options).await.expect("the lake opens"));
    }
    handles
}

fn rounds(usual: u64) -> u64 {
    from_environment("FROSTLINE_ROUNDS", usual)
}

/// What all tasks gave, in the order of the tasks.
async fn join<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut given = Vec::with_capacity(tasks.len());
    for task in tasks {
        given.push(task.await.expect("no task panics"));
    }
    given
}

/// Pairs of whole numbers.
async fn pairs(session: &Session, sql: &str) -> Checked<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for batch in query(session, sql).await? {
        let (left, right) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        found.extend(left.values().iter().copied().zip(right.values().iter().copied()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Runs a statement until it commits. Only a conflict is tried again, and it must have committed nothing.
async fn commit_at_last(session: &Session, sql: &str) -> u64 {
    for _ in 0..TRIES_MAX {
        match answer(session, sql).await {
            Ok(Answer::Committed(made)) => return made.version.number(),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => unreachable!("`{sql}` gave {other:?}"),
        }
    }
    unreachable!("`{sql}` lost {TRIES_MAX} times")
}

#[test]
fn sixteen_tasks_insert_at_once_and_every_version_has_one_row_more() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, HANDLES).await;
        let session = lakes[0].session();
        assert_eq!(commit(&session, "CREATE TABLE t (task BIGINT, round BIGINT)").await, Ok(2));
        let rounds = rounds(25);
        let insert = |task: u64| {
            let session = lakes[task as usize % HANDLES].session();
            tokio::spawn(async move {
                let mut made: Vec<(u64, u64, u64)> = Vec::new();
                for round in 0..rounds {
                    let sql = format!("INSERT INTO t VALUES ({task}, {round})");
                    made.push((commit(&session, &sql).await.expect("who reads nothing never conflicts"), task, round));
                }
                made
            })
        };
        let mut made = join((0..TASKS).map(insert).collect()).await.concat();
        made.sort_unstable();
        let versions: Vec<u64> = made.iter().map(|(version, ..)| *version).collect();
        assert_eq!(versions, (3..3 + TASKS * rounds).collect::<Vec<u64>>());

        let fresh = Lake::open(&folder.path().join("lake").display().to_string(), OpenOptions::default()).await;
        let fresh = fresh.unwrap().session();
        for version in &versions {
            let sql = format!("SELECT count(*) FROM t AS OF VERSION {version}");
            assert_eq!(number(&fresh, &sql).await, Ok(*version as i64 - 2));
        }
        for (version, task, round) in made.iter().step_by(7) {
            let before = version - 1;
            let sql = format!("SELECT * FROM t AS OF VERSION {version} EXCEPT SELECT * FROM t AS OF VERSION {before}");
            assert_eq!(pairs(&fresh, &sql).await, Ok(vec![(*task as i64, *round as i64)]), "version {version}");
        }
    });
}

#[test]
fn a_statement_that_writes_what_it_read_is_decided_on_the_version_before_its_own() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, HANDLES).await;
        let session = lakes[0].session();
        commit(&session, "CREATE TABLE t (id BIGINT)").await.unwrap();
        let rounds = rounds(8);
        let tasks = (0..HANDLES * 2).map(|task| {
            let session = lakes[task % HANDLES].session();
            tokio::spawn(async move {
                for _ in 0..rounds {
                    commit_at_last(&session, "INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t").await;
                }
            })
        });
        join(tasks.collect()).await;
        let count = HANDLES as i64 * 2 * rounds as i64;
        let sql = "SELECT count(*), count(DISTINCT id) FROM t";
        assert_eq!(pairs(&session, sql).await, Ok(vec![(count, count)]));
        assert_eq!(number(&session, "SELECT max(id) FROM t").await, Ok(count));
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(count + 2));
    });
}

#[test]
fn a_name_goes_to_one_of_sixteen_that_ask_for_it_at_once() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, HANDLES).await;
        for name in ["a", "b", "c"] {
            let create = |task: u64| {
                let session = lakes[task as usize % HANDLES].session();
                tokio::spawn(async move { answer(&session, &format!("CREATE TABLE {name} (task{task} BIGINT)")).await })
            };
            let mut winners = 0;
            for outcome in join((0..TASKS).map(create).collect()).await {
                match outcome {
                    Ok(Answer::Committed(_)) => winners += 1,
                    Err(error) if matches!(error.kind(), ErrorKind::Statement | ErrorKind::Conflict) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(winners, 1, "{name}");
        }
        let versions = lakes[0].refresh().await.unwrap().head().version.unwrap();
        assert_eq!(versions.number(), 4, "who lost made no version");
    });
}

#[test]
fn imports_into_one_new_table_at_once_all_arrive() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, HANDLES).await;
        let file = folder.path().join("rows.csv");
        std::fs::write(&file, "id\n1\n2\n").unwrap();
        let sources = [file.display().to_string()];
        let tasks = lakes.iter().map(|lake| {
            let (lake, files) = (lake.clone(), resolve_sources(&sources, None).unwrap());
            tokio::spawn(async move {
                let imported = lake.import("loaded", files, ImportRequest::default(), Arc::default()).await;
                matches!(imported, Ok(Answer::Committed(_)))
            })
        });
        assert_eq!(join(tasks.collect()).await, vec![true; HANDLES], "the first creates it, the others append");
        let session = lakes[0].session();
        assert_eq!(number(&session, "SELECT count(*) FROM loaded").await, Ok(2 * HANDLES as i64));
    });
}

/// Reads a table twice in one statement, over and over, and says which versions were seen with how many rows.
async fn read_on(session: Session, rounds: u64) -> Checked<BTreeSet<(u64, i64)>> {
    let sql = "SELECT count(*), (SELECT count(*) FROM t) AS again FROM t";
    let mut seen = BTreeSet::new();
    for _ in 0..rounds {
        let failed = |error: frostline_sql::Error| describe(&error);
        let rows = answer(&session, sql).await.and_then(Answer::into_rows).map_err(failed)?;
        let version = rows.version.number();
        for batch in rows.collect().await.map_err(failed)? {
            let counts: Vec<i64> = batch.columns().iter().map(|c| c.as_primitive::<Int64Type>().value(0)).collect();
            if counts[0] != counts[1] {
                return Err(format!("version {version} was seen with {counts:?} rows in one statement"));
            }
            seen.insert((version, counts[0]));
        }
    }
    Ok(seen)
}

#[test]
fn readers_see_one_version_while_others_write() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, 2).await;
        let session = lakes[0].session();
        commit(&session, "CREATE TABLE t (task BIGINT)").await.unwrap();
        let rounds = rounds(60);
        let writers = (0..4_u64).map(|task| {
            let session = lakes[0].session();
            tokio::spawn(async move {
                for _ in 0..rounds {
                    commit(&session, &format!("INSERT INTO t VALUES ({task})")).await.expect("an insert commits");
                }
            })
        });
        let writers: Vec<JoinHandle<()>> = writers.collect();
        let readers = (0..4).map(|task: usize| tokio::spawn(read_on(lakes[task % 2].session(), rounds)));
        let readers: Vec<JoinHandle<_>> = readers.collect();
        let seen = join(readers).await;
        join(writers).await;
        for (version, rows) in seen.into_iter().flat_map(|seen| seen.unwrap()) {
            let sql = format!("SELECT count(*) FROM t AS OF VERSION {version}");
            assert_eq!(number(&session, &sql).await, Ok(rows), "version {version}");
            assert_eq!(rows, version as i64 - 2, "version {version}");
        }
    });
}

#[test]
fn a_statement_that_is_dropped_leaves_the_processors_to_others() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let lakes = open_handles(&folder, 1).await;
        let session = lakes[0].session();
        let series = "generate_series(1, 200000)";
        let endless = format!("SELECT count(DISTINCT a.i + b.i) FROM {series} a(i), {series} b(i)");
        let rows = answer(&session, &endless).await.unwrap().into_rows().unwrap();
        assert!(timeout(Duration::from_millis(500), rows.collect()).await.is_err(), "it ended by itself");
        let asked = Instant::now();
        assert_eq!(number(&session, "SELECT count(*) FROM system.commits").await.unwrap(), 1);
        assert!(asked.elapsed() < Duration::from_secs(5), "the next statement waited {:?}", asked.elapsed());
    });
}
