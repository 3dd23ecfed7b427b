//! Claim: asking what changed costs what changed, not what is there.
//!
//! `lineitem` of TPC-H, all rows frozen. 0.1 % of the rows are updated by one statement, and in a second table by 1,000
//! statements of equal shares; `table_changes` gives the rows before and after. Beside it DuckDB, in a Python process,
//! compares the two full states, both in its memory, by EXCEPT ALL both ways. Minima count.

use std::path::{Path, PathBuf};

use crate::bound::Bound;
use crate::changing_lake::ChangingLake;
use crate::claim::Claim;
use crate::lakes;
use crate::peer::{Peer, Work};
use crate::python::{NO_PEERS, Python};
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

/// Changes, and asks for them.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: usize = workbench.pick(5, 1);
    let scratch = workbench.scratch()?;
    let mut lake = ChangingLake::create(workbench, scale, &scratch.path().join("lake")).await?;
    let python = Python::peers();
    let mut report = Report::default();
    if python.is_none() {
        report.notes.push(NO_PEERS.to_owned());
    }
    for statements in [1_u64, workbench.pick(1_000, 10)] {
        let table = lake.clone_table().await?;
        let from = lakes::number(&lake.lake, "SELECT current_version()").await?;
        let keys = lakes::number(&lake.lake, "SELECT max(l_orderkey) FROM lineitem").await? as u64;
        for statement in 0..statements {
            // A thousandth of the rows, cut into as many parts as there are statements.
            let (begin, end) = (keys * statement / statements, keys * (statement + 1) / statements);
            let update = format!(
                "UPDATE {table} SET l_quantity = l_quantity + 1 WHERE l_orderkey > {begin} AND l_orderkey <= {end} \
                 AND (l_orderkey * 2654435761 + l_linenumber * 40503) % 1000 = 0"
            );
            lake.run(&update).await?;
        }
        let to = lakes::number(&lake.lake, "SELECT current_version()").await?;
        let changes = format!("SELECT * FROM table_changes('{table}', {from}, {to})");
        let (mut own, mut rows) = (Samples::default(), 0);
        for _ in 0..=rounds {
            let (took, found) = lake.query(&changes).await?;
            own.push(took);
            rows = found;
        }
        let earlier = state(&lake, &table, from, scratch.path()).await?;
        let later = state(&lake, &table, to, scratch.path()).await?;
        let work = Work {
            action: "except",
            file: &earlier,
            filter: None,
            source: Some(&later),
            rounds: workbench.pick(3, 1),
            folder: scratch.path(),
        };
        let theirs = match &python {
            Some(python) => work.by(Peer::DuckDb, python)?,
            None => None,
        };
        let what =
            format!("changes of {rows} rows of lineitem, scale {scale}, {} versions apart, beside EXCEPT", to - from);
        report.claims.push(match theirs {
            Some((_, other)) if other != rows => {
                return Err(format!("{rows} rows differ, and {other} by {}", Peer::DuckDb.name()).into());
            }
            Some((times, _)) => Claim::new(what, Quantity::ms(own.minimum()))
                .against(Quantity::ms(times.minimum()))
                .must(Bound::TimesAtMost(0.02)),
            None => Claim::skipped(what),
        });
    }
    Ok(report)
}

/// The table's rows at a version, as a Parquet file.
async fn state(lake: &ChangingLake, table: &str, version: i64, folder: &Path) -> Result<PathBuf, Failure> {
    let file = folder.join(format!("state-{version}.parquet"));
    let copy = format!("COPY (SELECT * FROM {table} AS OF VERSION {version}) TO '{}'", lakes::location(&file)?);
    lake.lake.session().with_local_files(true).sql(&copy, &frostline_sql::Parameters::none()).await?;
    Ok(file)
}
