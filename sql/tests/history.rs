//! Random histories against a lake of full copies: every version reads as it was, by every name that it has.
//!
//! `FROSTLINE_HISTORIES` and `FROSTLINE_STEPS` make the runs longer; `FROSTLINE_SEED` runs one history again.

mod rows;
mod trial;

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use frostline_testkit::model::{History, Step, Value};
use tokio::runtime::{Builder, Runtime};

use crate::door::{Checked, from_environment};
use crate::lake::run_to_end;
use trial::Trial;

/// How many histories run at once, each on a thread of its own.
const THREADS: usize = 2;

/// Planning recurses, and unoptimised builds have large frames.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// In how many steps the newest version and an old one are compared once.
const STEPS_BETWEEN_CHECKS: usize = 10;

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
    let mut trial = Trial::begin(&format!("history-{seed}"), seed.is_multiple_of(8)).await?;
    let mut history = History::new(seed);
    for number in 0..steps {
        let step = history.next(trial.model());
        trial.take(&step).await.map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
        if history.once_in(STEPS_BETWEEN_CHECKS) {
            let old = history.any_version(trial.model());
            trial.check_version(trial.model().newest()).await?;
            trial.check_version(old).await?;
        }
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
    if history.once_in(4) { trial.verify().await } else { Ok(()) }
}

#[test]
fn every_version_of_a_history_reads_as_it_was_by_every_name_that_it_has() {
    let seeds: Vec<u64> = match env::var("FROSTLINE_SEED") {
        Ok(seed) => vec![seed.parse().expect("FROSTLINE_SEED is a number")],
        Err(_) => (1..=from_environment("FROSTLINE_HISTORIES", 200)).collect(),
    };
    let steps: usize = from_environment("FROSTLINE_STEPS", 30);
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
    let mut trial = Trial::begin(name, false).await?;
    loop {
        let step = history.next(trial.model());
        trial.take(&step).await?;
        if let Step::Append { table, .. } | Step::Insert { table, .. } = step {
            return Ok((trial, table));
        }
    }
}

#[test]
fn one_lost_row_is_noticed() {
    run_to_end(|| async {
        let (mut trial, table) = with_rows("history-lost-row").await.unwrap();
        let version = trial.model().newest();
        trial.check_version(version).await.unwrap();
        trial.check_pinned(version).await.unwrap();
        trial.model_mut().falsify(&table, version).unwrap().rows.pop();
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
        let first = sound.table(&table, version).unwrap().rows[0].clone();
        trial.model_mut().falsify(&table, version).unwrap().rows.push(first);
        assert!(trial.check_version(version).await.is_err(), "a row twice");

        *trial.model_mut() = sound.clone();
        let changed = &mut trial.model_mut().falsify(&table, version).unwrap().rows[0][0];
        *changed = if changed.is_some() { None } else { Some(Value::Flag(true)) };
        assert!(trial.check_version(version).await.is_err(), "another value");

        *trial.model_mut() = sound;
        trial.model_mut().falsify(&table, version).unwrap().columns[0].name = "other".to_owned();
        assert!(trial.check_version(version).await.is_err(), "another name");
    });
}
