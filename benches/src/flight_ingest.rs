//! Claim: an ingest over Flight SQL takes little more than importing the same rows in process.
//!
//! `lineitem` of TPC-H. A Python process holds it as a table of Arrow in memory and gives it to ADBC, which makes a new
//! table of it in a lake that `frostline serve` has open, in one commit. Beside it stands the import of the Parquet
//! file through the library into a new lake, as in `import-speed`. Rounds alternate, minima count.

use frostline_sql::{Lake, OpenOptions, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::import_floor;
use crate::import_speed;
use crate::lakes;
use crate::program::NOT_BUILT;
use crate::python::{Measured, NO_PYTHON, Python};
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::served_program::ServedProgram;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

const WHAT: &str = "ingest lineitem by ADBC from Python";

/// Ingests and imports in turns.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else { return Ok(Report::skipped(WHAT, NOT_BUILT)) };
    let Some(python) = Python::find() else { return Ok(Report::skipped(WHAT, NO_PYTHON)) };
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: u64 = workbench.pick(3, 1);
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let source = lakes::location(&file)?;
    // Brings the file into the operating system's cache, whichever is timed first.
    import_floor::recode(&file)?;
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    lakes::create(lakes::location(&folder)?, Settings::default()).await?.settle().await;
    let server = ServedProgram::start(program, &folder, &[])?;
    let (url, token) = (server.url(), server.first_token()?.to_owned());

    let (mut ingests, mut imports) = (Samples::default(), Samples::default());
    let mut ingested: Vec<u64> = Vec::new();
    for round in 0..rounds {
        imports.push(import_speed::import(workbench, source).await?);
        let table = table_of(round);
        let arguments = ["--url", &url, "--token", &token, "--file", source, "--table", &table];
        match python.run("ingest.py", &arguments)? {
            Measured::Rounds { times, rows } => {
                ingests.append(times);
                ingested.push(rows);
            }
            Measured::Missing(package) => return Ok(Report::skipped(WHAT, &format!("{package} is not installed"))),
        }
    }
    drop(server);
    check_rows(lakes::location(&folder)?, &ingested).await?;

    let claim = Claim::new(format!("{WHAT}, scale {scale}, minimum"), Quantity::seconds(ingests.minimum()))
        .against(Quantity::seconds(imports.minimum()))
        .must(Bound::TimesAtMost(1.3));
    let (slowest, slowest_import) = (Quantity::seconds(ingests.at(1.0)), Quantity::seconds(imports.at(1.0)));
    let note = format!("slowest: ingest {slowest}, import {slowest_import}");
    Ok(Report { claims: vec![claim], notes: vec![note] })
}

fn table_of(round: u64) -> String {
    format!("lineitem_{round}")
}

/// Checks that each table has the rows that the server said it took.
async fn check_rows(location: &str, ingested: &[u64]) -> Result<(), Failure> {
    let lake = Lake::open(location, OpenOptions::default()).await?;
    for (round, told) in (0..).zip(ingested) {
        let table = table_of(round);
        let rows = lakes::number(&lake, &format!("SELECT count(*) FROM {table}")).await?;
        if rows != *told as i64 || rows == 0 {
            return Err(format!("{table} has {rows} rows, and the server told {told}").into());
        }
    }
    Ok(())
}
