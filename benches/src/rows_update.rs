//! Claim: UPDATE and MERGE of a part of a large table are as fast as DuckLake's, MERGE as the faster of DuckLake's and
//! delta-rs'.
//!
//! `lineitem` of TPC-H, all rows frozen. UPDATE gives 1 % of the rows, picked at random, another quantity and comment.
//! MERGE takes 100,000 rows: half of them are there by order and line and get another quantity and comment, half are
//! new. Each round changes a fresh clone, in this process; the peers change a table of their own in a Python process.
//! Loading is not timed; minima count.

use std::path::{Path, PathBuf};

use crate::bound::Bound;
use crate::changing_lake::{ChangingLake, random_rows};
use crate::claim::Claim;
use crate::lakes;
use crate::peer::{Peer, Work};
use crate::python::{NO_PEERS, Python};
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

/// Updates, and merges.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: usize = workbench.pick(5, 1);
    let scratch = workbench.scratch()?;
    let mut lake = ChangingLake::create(workbench, scale, &scratch.path().join("lake")).await?;
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let merged_rows: u64 = workbench.pick(100_000, 1_000);
    let source = merge_source(&lake, merged_rows, scratch.path()).await?;
    lake.import("source", &source).await?;
    let python = Python::peers();
    let mut report = Report::default();
    if python.is_none() {
        report.notes.push(NO_PEERS.to_owned());
    }

    let filter = random_rows(100);
    let (mut updates, mut merges) = (Samples::default(), Samples::default());
    let (mut updated, mut merged) = (0, 0);
    for _ in 0..=rounds {
        let table = lake.clone_table().await?;
        let set = "SET l_quantity = l_quantity + 1, l_comment = 'changed'";
        let (took, rows) = lake.run(&format!("UPDATE {table} {set} WHERE {filter}")).await?;
        updates.push(took);
        updated = rows;
        let table = lake.clone_table().await?;
        let (took, rows) = lake.run(&merge(&table)).await?;
        merges.push(took);
        merged = rows;
    }
    let update = Work {
        action: "update",
        file: &file,
        filter: Some(&filter),
        source: None,
        rounds: workbench.pick(3, 1),
        folder: scratch.path(),
    };
    let merge = Work { action: "merge", filter: None, source: Some(&source), ..update };
    let mut least: Option<Quantity> = None;
    for (what, work, peer, own, expected) in [
        ("update 1 % of lineitem", update, Peer::DuckLake, &updates, updated),
        ("update 1 % of lineitem", update, Peer::Delta, &updates, updated),
        ("merge into lineitem", merge, Peer::DuckLake, &merges, merged),
        ("merge into lineitem", merge, Peer::Delta, &merges, merged),
    ] {
        let what = format!("{what}, scale {scale}, {expected} rows, beside {}, minimum", peer.name());
        let theirs = match &python {
            Some(python) => work.by(peer, python)?,
            None => None,
        };
        let measured = Quantity::ms(own.minimum());
        report.claims.push(match theirs {
            Some((_, rows)) if rows != expected => {
                return Err(format!("{expected} rows were changed, and {rows} by {}", peer.name()).into());
            }
            Some((times, _)) => {
                let theirs = Quantity::ms(times.minimum());
                if work.action == "merge" && least.is_none_or(|least| theirs.number() < least.number()) {
                    least = Some(theirs);
                }
                let claim = Claim::new(what, measured).against(theirs);
                if work.action == "update" && peer == Peer::DuckLake {
                    claim.must(Bound::TimesAtMost(1.0))
                } else {
                    claim
                }
            }
            None => Claim::skipped(what),
        });
    }
    let what = format!("merge into lineitem, scale {scale}, beside the faster of the two, minimum");
    report.claims.push(match least {
        Some(least) => Claim::new(what, Quantity::ms(merges.minimum())).against(least).must(Bound::TimesAtMost(1.0)),
        None => Claim::skipped(what),
    });
    Ok(report)
}

fn merge(table: &str) -> String {
    format!(
        "MERGE INTO {table} AS t USING source AS s ON t.l_orderkey = s.l_orderkey AND t.l_linenumber = s.l_linenumber \
         WHEN MATCHED THEN UPDATE SET l_quantity = s.l_quantity, l_comment = s.l_comment \
         WHEN NOT MATCHED THEN INSERT *"
    )
}

/// A Parquet file of rows to merge: every so many of the table's, each once as it is and once with a new order.
async fn merge_source(lake: &ChangingLake, rows: u64, folder: &Path) -> Result<PathBuf, Failure> {
    let file = folder.join("source.parquet");
    let all = lakes::number(&lake.lake, "SELECT count(*) FROM lineitem").await?;
    let step = (all as u64 / (rows / 2)).max(1);
    let columns = "l_linenumber, l_quantity + 7 AS l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag, \
                   l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, \
                   'merged' AS l_comment";
    let keys = "l_partkey, l_suppkey";
    let some = format!("FROM lineitem WHERE (l_orderkey * 7 + l_linenumber) % {step} = 0");
    let copy = format!(
        "COPY (SELECT l_orderkey, {keys}, {columns} {some} UNION ALL \
         SELECT l_orderkey + 100000000 AS l_orderkey, {keys}, {columns} {some}) TO '{}'",
        lakes::location(&file)?
    );
    lake.lake.session().with_local_files(true).sql(&copy, &frostline_sql::Parameters::none()).await?;
    Ok(file)
}
