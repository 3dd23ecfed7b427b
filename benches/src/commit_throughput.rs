//! Claim: many threads of one process share slots, so that together they commit faster than the disk keeps files.
//!
//! 16 threads append one row at a time to one table, each waiting until its commit is durable before the next. The
//! floor is how many files one thread keeps durably in a second.

use std::thread;
use std::time::{Duration, Instant};

use frostline_sql::Lake;
use tokio::runtime::Handle;

use crate::bound::Bound;
use crate::claim::Claim;
use crate::floor::DurableFiles;
use crate::lakes;
use crate::quantity::{Quantity, Unit};
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

const THREADS: u64 = 16;

const FLOOR_FILES: u64 = 200;

/// Commits rows from many threads at once.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let rounds: u64 = workbench.pick(5, 1);
    let commits_each: u64 = workbench.pick(250, 10);
    let (files_folder, lake_folder) = (workbench.scratch()?, workbench.scratch()?);
    let mut files = DurableFiles::in_folder(files_folder.path())?;
    let lake = lakes::create_with_events(&lake_folder.path().join("lake")).await?;
    commit_from_threads(&lake, 10)?;
    let (mut floor, mut times) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        for _ in 0..FLOOR_FILES {
            floor.push(files.keep()?);
        }
        times.push(commit_from_threads(&lake, commits_each)?);
    }
    let rows = lakes::number(&lake, "SELECT count(*) FROM events").await?;
    if rows != (THREADS * (10 + rounds * commits_each)) as i64 {
        return Err(format!("the lake has {rows} rows, which is not what was committed").into());
    }
    lake.settle().await;
    let measured = per_second(THREADS * commits_each, times.median());
    let claim = Claim::new("16 threads committing 1 row each time", measured)
        .against(per_second(1, floor.median()))
        .must(Bound::AtLeast(1_000.0));
    Ok(Report::of(vec![claim]))
}

fn per_second(count: u64, time: Duration) -> Quantity {
    Quantity::new(count as f64 / time.as_secs_f64(), Unit::CommitsPerSecond)
}

/// Commits so many rows from each thread, and says how long it took until all were durable.
fn commit_from_threads(lake: &Lake, commits_each: u64) -> Result<Duration, Failure> {
    let handle = Handle::current();
    let started = Instant::now();
    let outcomes: Vec<Result<(), Failure>> = thread::scope(|scope| {
        let mut writers = Vec::new();
        for writer in 0..THREADS {
            let (lake, handle) = (lake.clone(), handle.clone());
            writers.push(scope.spawn(move || -> Result<(), Failure> {
                for number in 0..commits_each {
                    let batch = lakes::event(writer * commits_each + number)?;
                    handle.block_on(lake.append("events", vec![batch]))?;
                }
                Ok(())
            }));
        }
        let joined = writers.into_iter().map(|writer| writer.join());
        joined.map(|outcome| outcome.unwrap_or_else(|_| Err(Failure::from("a writer broke off")))).collect()
    });
    let took = started.elapsed();
    outcomes.into_iter().collect::<Result<(), Failure>>()?;
    Ok(took)
}
