//! Random histories against a lake of full copies: every version reads as it was, by every name that it has, and what
//! changed between two versions leads from one copy to the other.
//!
//! * After every step the newest version is compared, or what the open transaction sees; after some of them, every
//!   version.
//! * A row is known by its id: the lake's own must tell rows apart, and stay with them, as the model's identities do.
//! * Rows are hot, frozen, or both, and the lake is opened anew now and then.
//!
//! `FROSTLINE_HISTORIES` and `FROSTLINE_STEPS` make the runs longer; `FROSTLINE_SEED` runs one history again.

mod changes;
mod compare;
mod rows;
mod trial;

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use frostline_testkit::model::{Column, Comparison, Condition, History, Identity, Step, Term, Value, ValueType};
use tokio::runtime::{Builder, Runtime};

use crate::door::{Checked, from_environment};
use crate::lake::run_to_end;
use changes::Mode;
use trial::{Frost, Trial};

/// How many histories run at once, each on a thread of its own.
const THREADS: usize = 2;

/// Planning recurses, and unoptimised builds have large frames.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// In how many steps an old version, two versions and what lies between them are compared once.
const STEPS_BETWEEN_CHECKS: usize = 10;

/// In how many steps every version is compared once.
const STEPS_BETWEEN_SWEEPS: usize = 30;

/// How many pairs of versions are compared at the end.
const PAIRS: usize = 4;

/// Names the history that something panicked in.
struct Running(u64);

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("history {seed} failed; FROSTLINE_SEED={seed} runs it again", seed = self.0);
        }
    }
}

/// A runtime that runs everything on the thread that waits for it.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Plays a history, then compares every version with its copy.
async fn run_history(seed: u64, steps: usize) -> Checked {
    let frost = match seed % 4 {
        0 => Frost::Hot,
        1 => Frost::Frozen,
        _ => Frost::Mixed,
    };
    let mut trial = Trial::begin(&format!("history-{seed}"), seed.is_multiple_of(7), frost).await?;
    let mut history = History::new(seed);
    for number in 0..steps {
        let step = history.next(trial.model());
        let told = |wrong: String| format!("step {number}, {step:?}: {wrong}");
        trial.take(&step).await.map_err(told)?;
        trial.check_now().await.map_err(told)?;
        if history.once_in(STEPS_BETWEEN_CHECKS) {
            let old = history.any_version(trial.model());
            trial.check_version(old).await.map_err(told)?;
            check_changes(&mut history, &trial).await.map_err(told)?;
        }
        if history.once_in(STEPS_BETWEEN_SWEEPS) {
            for version in 1..=trial.model().newest() {
                trial.check_pinned(version).await.map_err(told)?;
            }
        }
    }
    if trial.model().in_transaction() {
        trial.take(&Step::Commit).await?;
    }
    let last = trial.model().newest();
    for version in 1..=last {
        trial.take(&Step::CreateTag { tag: format!("version_{version}"), version }).await?;
    }
    if history.once_in(2) {
        trial.take(&Step::Reopen).await?;
    }
    for version in 1..=last {
        trial.check_version(version).await?;
        trial.check_pinned(version).await?;
    }
    for _ in 0..PAIRS {
        check_changes(&mut history, &trial).await?;
    }
    trial.check_lives(last).await?;
    if history.once_in(4) { trial.verify().await } else { Ok(()) }
}

/// Compares what changed between two versions, and what became of each row until the later one.
async fn check_changes(history: &mut History, trial: &Trial) -> Checked {
    let (from, to) = history.any_versions(trial.model());
    let mode = if history.once_in(2) { Mode::Versions } else { Mode::Net };
    trial.check_changes(from, to, mode).await?;
    trial.check_lives(to).await
}

#[test]
fn every_version_of_a_history_reads_as_it_was_by_every_name_that_it_has() {
    let seeds: Vec<u64> = match env::var("FROSTLINE_SEED") {
        Ok(seed) => vec![seed.parse().expect("FROSTLINE_SEED is a number")],
        Err(_) => (1..=from_environment("FROSTLINE_HISTORIES", 40)).collect(),
    };
    let steps: usize = from_environment("FROSTLINE_STEPS", 40);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let _running = Running(*seed);
            if let Err(wrong) = runtime().block_on(run_history(*seed, steps)) {
                panic!("history {seed}: {wrong}");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("a thread starts");
        }
    });
}

/// A lake whose newest version wrote rows of a table, and that table's name.
async fn with_rows(name: &str) -> Checked<(Trial, String)> {
    let mut history = History::new(3);
    let mut trial = Trial::begin(name, false, Frost::Mixed).await?;
    loop {
        let step = history.next(trial.model());
        trial.take(&step).await?;
        if let Step::Append { table, .. } | Step::Insert { table, .. } = step
            && !trial.model().in_transaction()
        {
            return Ok((trial, table));
        }
    }
}

/// A table `t (a)` of the rows 1 and 2, made by versions 2 and 3; in version 4, 1 becomes 8.
async fn with_update(name: &str) -> Checked<Trial> {
    let mut trial = Trial::begin(name, false, Frost::Hot).await?;
    let (t, a) = (|| "t".to_owned(), || "a".to_owned());
    let columns = vec![Column::new(a(), ValueType::Integer, None)];
    trial.take(&Step::CreateTable { table: t(), columns, sort_by: None, replace: false }).await?;
    let rows = vec![vec![Some(Value::Integer(1))], vec![Some(Value::Integer(2))]];
    trial.take(&Step::Append { table: t(), rows }).await?;
    let condition = Condition::Compare { column: a(), comparison: Comparison::Equal, value: Value::Integer(1) };
    let assignments = vec![(a(), Term::Changed { column: a(), value_type: ValueType::Integer })];
    trial.take(&Step::Update { table: t(), assignments, condition }).await?;
    Ok(trial)
}

#[test]
fn one_lost_row_is_noticed() {
    run_to_end(|| async {
        let (mut trial, table) = with_rows("history-lost-row").await.unwrap();
        let version = trial.model().newest();
        trial.check_now().await.unwrap();
        trial.check_version(version).await.unwrap();
        trial.check_pinned(version).await.unwrap();
        trial.model_mut().falsify(&table, version).unwrap().rows.pop();
        assert!(trial.check_now().await.is_err());
        assert!(trial.check_version(version).await.is_err());
        assert!(trial.check_pinned(version).await.is_err());
        trial.check_version(version - 1).await.unwrap();
    });
}

#[test]
fn one_row_too_many_one_changed_value_and_one_changed_name_are_noticed() {
    run_to_end(|| async {
        let (mut trial, table) = with_rows("history-changed-value").await.unwrap();
        let version = trial.model().newest();
        let sound = trial.model().clone();
        let known = sound.table(&table, version).unwrap();
        let (first, column) = (known.rows[0].clone(), known.columns[0].identity);
        let other = if known.row(&first)[0].is_some() { None } else { Some(Value::Flag(true)) };
        trial.model_mut().falsify(&table, version).unwrap().rows.push(first);
        assert!(trial.check_version(version).await.is_err(), "a row twice");

        *trial.model_mut() = sound.clone();
        trial.model_mut().falsify(&table, version).unwrap().rows[0].set(column, other);
        assert!(trial.check_version(version).await.is_err(), "another value");

        *trial.model_mut() = sound;
        trial.model_mut().falsify(&table, version).unwrap().columns[0].name = "other".to_owned();
        assert!(trial.check_version(version).await.is_err(), "another name");
    });
}

#[test]
fn a_row_that_is_taken_for_another_and_a_past_that_was_another_are_noticed() {
    run_to_end(|| async {
        let mut trial = with_update("history-identity").await.unwrap();
        let sound = trial.model().clone();
        for mode in [Mode::Net, Mode::Versions] {
            trial.check_changes(2, 4, mode).await.unwrap();
            trial.check_changes(3, 4, mode).await.unwrap();
        }
        trial.check_lives(4).await.unwrap();

        trial.model_mut().falsify("t", 4).unwrap().rows[0].identity = Identity::UNKNOWN;
        trial.check_version(4).await.unwrap();
        assert!(trial.check_lives(4).await.is_err(), "another row");

        *trial.model_mut() = sound;
        let past = trial.model_mut().falsify("t", 3).unwrap();
        let column = past.columns[0].identity;
        past.rows[1].set(column, None);
        assert!(trial.check_changes(3, 4, Mode::Net).await.is_err(), "another past");
        assert!(trial.check_lives(4).await.is_err());
    });
}

#[test]
fn a_transaction_is_compared_before_it_is_committed() {
    run_to_end(|| async {
        let mut trial = with_update("history-transaction").await.unwrap();
        let insert = Step::Append { table: "t".to_owned(), rows: vec![vec![None]] };
        for step in [&Step::Begin, &insert] {
            trial.take(step).await.unwrap();
            trial.check_now().await.unwrap();
        }
        trial.check_version(4).await.unwrap();
        insert.apply(trial.model_mut());
        assert!(trial.check_now().await.is_err(), "only the model has the second one");
        trial.check_version(4).await.unwrap();
        trial.take(&Step::Rollback).await.unwrap();
        trial.check_now().await.unwrap();
    });
}
