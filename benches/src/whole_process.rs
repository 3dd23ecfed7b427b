//! Whole processes, timed: from before `frostline` is started until it has ended.

use std::path::PathBuf;

use crate::history;
use crate::program::Program;
use crate::report::Failure;
use crate::samples::Samples;
use crate::workbench::Workbench;

/// The times of a query on lakes with histories of different lengths.
#[derive(Debug)]
pub(crate) struct ProcessTimes {
    /// A process that does nothing.
    pub(crate) start_only: Samples,
    /// For each lake, how many commits it has and the query's times.
    pub(crate) by_commits: Vec<(u64, Samples)>,
}

/// Runs a query that begins with `count(*)` of all events on each lake in turn, and again, after one round that does
/// not count. Files are in the operating system's cache; nothing else is warm.
pub(crate) async fn time_query(
    workbench: &Workbench,
    program: &Program,
    commits: &[u64],
    sql: &str,
    rounds: u64,
) -> Result<ProcessTimes, Failure> {
    let mut lakes: Vec<(u64, PathBuf)> = Vec::with_capacity(commits.len());
    for commits in commits {
        lakes.push((*commits, history::lake_of(workbench, *commits).await?));
    }
    let by_commits = commits.iter().map(|commits| (*commits, Samples::default())).collect();
    let mut times = ProcessTimes { start_only: Samples::default(), by_commits };
    for round in 0..=rounds {
        let started = program.start_only()?;
        if round > 0 {
            times.start_only.push(started.took);
        }
        for ((commits, folder), (_, samples)) in lakes.iter().zip(&mut times.by_commits) {
            let ended = program.query(folder, sql)?;
            check_count(&ended.output, *commits)?;
            if round > 0 {
                samples.push(ended.took);
            }
        }
    }
    Ok(times)
}

/// The first value of the first row must be the number of events.
fn check_count(csv: &str, expected: u64) -> Result<(), Failure> {
    let first = csv.lines().nth(1).and_then(|row| row.split(',').next());
    if first == Some(expected.to_string().as_str()) {
        return Ok(());
    }
    Err(format!("a lake of {expected} commits answers {csv:?}").into())
}
