//! Claim: all rows of a large table come to Python nearly as fast as a program that embeds the lake has them.
//!
//! `lineitem` of TPC-H, all columns, all rows frozen. `frostline serve` is a process of its own; ADBC fetches from it
//! into a table of Arrow in a Python process. Beside it stands the same query in this process, collected into batches,
//! DuckDB in Python, which fetches the same rows from a table in its memory into a table of Arrow, and a server that
//! has the very messages in memory and only sends them: less than that no server takes. Turns alternate between the
//! four, each turn has two rounds, minima count. In Python only running the query and fetching is timed.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use frostline_sql::{Lake, OpenOptions, Parameters, Session};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::lineitem_lake;
use crate::program::NOT_BUILT;
use crate::python::{Measured, NO_PYTHON, Python};
use crate::quantity::Quantity;
use crate::replayed::{Recording, Replayed};
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::served_program::ServedProgram;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

const WHAT: &str = "fetch lineitem by ADBC from Python";

const SQL: &str = "SELECT * FROM lineitem";

const ROUNDS_PER_TURN: usize = 2;

const NO_DUCKDB: &str = "left out: DuckDB, which is not installed; `cargo xtask test` does it";

/// Fetches on all ways in turns.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else { return Ok(Report::skipped(WHAT, NOT_BUILT)) };
    let Some(python) = Python::find() else { return Ok(Report::skipped(WHAT, NO_PYTHON)) };
    let scale: f64 = workbench.pick(1.0, 0.01);
    let turns: usize = workbench.pick(5, 1);
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let folder = lineitem_lake::folder(workbench, scale).await?;
    let lake = Lake::open(lakes::location(&folder)?, OpenOptions::default()).await?;
    let session = lake.session();
    // Without a token, because making one would be a commit to a lake that is kept.
    let server = ServedProgram::start(program, &folder, &["--no-auth"])?;
    let (url, rounds) = (server.url(), ROUNDS_PER_TURN.to_string());
    let from_server = ["--sql", SQL, "--rounds", &rounds, "--url", &url];
    let replayed = Replayed::start(Recording::of(server.address(), SQL).await?).await?;
    let replayed_url = replayed.url();
    let from_memory = ["--sql", SQL, "--rounds", &rounds, "--url", &replayed_url];
    let from_duckdb = ["--sql", SQL, "--rounds", &rounds, "--duckdb", lakes::location(&file)?, "--table", "lineitem"];

    let (mut flight, mut in_process, mut sending) = (Samples::default(), Samples::default(), Samples::default());
    let mut duckdb: Option<Samples> = Some(Samples::default());
    // The first turn brings files into the operating system's cache and does not count.
    for turn in 0..=turns {
        let (own, rows) = collect(&session).await?;
        let flown = match python.run("fetch.py", &from_server)? {
            Measured::Rounds { times, rows: fetched } if fetched == rows => times,
            other => return Err(format!("the lake has {rows} rows, and Python fetched {other:?}").into()),
        };
        let only_sent = match python.run("fetch.py", &from_memory)? {
            Measured::Rounds { times, rows: fetched } if fetched == rows => times,
            other => return Err(format!("the lake has {rows} rows, and of those in memory came {other:?}").into()),
        };
        let theirs = match &duckdb {
            Some(_) => python.run("fetch.py", &from_duckdb)?,
            None => Measured::Missing("duckdb".to_owned()),
        };
        let theirs = match theirs {
            Measured::Rounds { times, rows: fetched } if fetched == rows => Some(times),
            Measured::Rounds { rows: fetched, .. } => {
                return Err(format!("the lake has {rows} rows, and DuckDB {fetched}").into());
            }
            Measured::Missing(_) => None,
        };
        if theirs.is_none() {
            duckdb = None;
        }
        if turn > 0 {
            in_process.append(own);
            flight.append(flown);
            sending.append(only_sent);
            if let (Some(all), Some(times)) = (&mut duckdb, theirs) {
                all.append(times);
            }
        }
    }
    drop(server);
    drop(replayed);
    Ok(report(scale, &flight, &in_process, &sending, duckdb.as_ref()))
}

fn report(scale: f64, flight: &Samples, in_process: &Samples, sending: &Samples, duckdb: Option<&Samples>) -> Report {
    let measured = Quantity::seconds(flight.minimum());
    // 0.8 times the speed.
    let claim = Claim::new(format!("{WHAT}, scale {scale}, minimum"), measured)
        .against(Quantity::seconds(in_process.minimum()))
        .must(Bound::TimesAtMost(1.25));
    let only_sent = Claim::new(format!("the same, beside only sending it, scale {scale}, minimum"), measured)
        .against(Quantity::seconds(sending.minimum()));
    let beside = format!("the same, beside DuckDB's fetch to Arrow, scale {scale}, minimum");
    let mut notes = vec![format!(
        "slowest: ADBC {}, in process {}",
        Quantity::seconds(flight.at(1.0)),
        Quantity::seconds(in_process.at(1.0))
    )];
    let beside = match duckdb {
        Some(times) => {
            notes.push(format!("slowest: DuckDB {}", Quantity::seconds(times.at(1.0))));
            Claim::new(beside, measured).against(Quantity::seconds(times.minimum()))
        }
        None => {
            notes.push(NO_DUCKDB.to_owned());
            Claim::skipped(beside)
        }
    };
    Report { claims: vec![claim, only_sent, beside], notes }
}

/// The times of a turn in this process, and how many rows there are.
async fn collect(session: &Session) -> Result<(Samples, u64), Failure> {
    let mut times = Samples::default();
    let mut rows: u64 = 0;
    for _ in 0..ROUNDS_PER_TURN {
        let started = Instant::now();
        let batches = session.sql(SQL, &Parameters::none()).await?.into_rows()?.collect().await?;
        let took: Duration = started.elapsed();
        times.push(took);
        rows = batches.iter().map(|batch: &RecordBatch| batch.num_rows() as u64).sum();
    }
    Ok((times, rows))
}
