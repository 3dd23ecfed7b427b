//! Claim: a DELETE costs what it kills, and a scan hardly notices the dead.
//!
//! `lineitem` of TPC-H, all rows frozen; 0.01 %, 1 % and 10 % of the rows, picked at random, are deleted from a fresh
//! clone of it, in this process, beside DuckLake and delta-rs, which delete the same rows from a table of their own in
//! a Python process. Loading is not timed. What the lake's folder grows by is held against the positions of the dead.
//! Then all rows are summed over five columns, before and after, in turns; minima count.

use crate::bound::Bound;
use crate::changing_lake::{ChangingLake, random_rows};
use crate::claim::Claim;
use crate::folder_size::FolderSize;
use crate::lakes;
use crate::peer::{Peer, Work};
use crate::python::{NO_PEERS, Python};
use crate::quantity::{Quantity, Unit};
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

/// Of 10,000 rows, and as it is said.
const SHARES: [(u64, &str); 3] = [(1, "0.01 %"), (100, "1 %"), (1_000, "10 %")];

/// The scan after so many rows of 10,000 are dead, and what it may take beside the one before.
const SCANS: [(u64, &str, f64); 2] = [(100, "1 %", 1.05), (1_000, "10 %", 1.15)];

/// Deletes, and scans.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: usize = workbench.pick(5, 1);
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    let mut lake = ChangingLake::create(workbench, scale, &folder).await?;
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let python = Python::peers();
    let mut report = Report::default();
    if python.is_none() {
        report.notes.push(NO_PEERS.to_owned());
    }
    for (share, said) in SHARES {
        let filter = random_rows(share);
        let (mut own, mut rows, mut grown) = (Samples::default(), 0, 0);
        for _ in 0..=rounds {
            let table = lake.clone_table().await?;
            lake.lake.settle().await;
            let before = FolderSize::of(&folder)?;
            let (took, deleted) = lake.run(&format!("DELETE FROM {table} WHERE {filter}")).await?;
            grown = FolderSize::of(&folder)?.bytes - before.bytes;
            own.push(took);
            rows = deleted;
        }
        let measured = Quantity::ms(own.minimum());
        for (peer, bound) in [(Peer::Delta, 0.2), (Peer::DuckLake, 1.0)] {
            let what = format!("delete {said} of lineitem, scale {scale}, beside {}", peer.name());
            let work = Work {
                action: "delete",
                file: &file,
                filter: Some(&filter),
                source: None,
                rounds: workbench.pick(3, 1),
                folder: scratch.path(),
            };
            let theirs = match &python {
                Some(python) => work.by(peer, python)?,
                None => None,
            };
            report.claims.push(match theirs {
                Some((_, other)) if other != rows => {
                    return Err(format!("{rows} rows were deleted, and {other} by {}", peer.name()).into());
                }
                Some((times, _)) => {
                    Claim::new(what, measured).against(Quantity::ms(times.minimum())).must(Bound::TimesAtMost(bound))
                }
                None => Claim::skipped(what),
            });
        }
        let newest = "version = (SELECT max(version) FROM system.deletes)";
        let bytes = lakes::number(&lake.lake, &format!("SELECT sum(bytes) FROM system.deletes WHERE {newest}")).await?;
        let touched = lakes::number(&lake.lake, &format!("SELECT count(*) FROM system.deletes WHERE {newest}")).await?;
        let floor = Quantity::new(bytes as f64, Unit::Bytes);
        report.claims.push(
            Claim::new(format!("bytes that it writes, beside the positions, {touched} segments"), bytes_of(grown))
                .against(floor)
                .must(Bound::TimesAndMore { times: 1.2, more: touched as f64 * 1024.0 }),
        );
    }
    for (share, said, bound) in SCANS {
        let table = lake.clone_table().await?;
        lake.run(&format!("DELETE FROM {table} WHERE {}", random_rows(share))).await?;
        let (mut before, mut after) = (Samples::default(), Samples::default());
        for round in 0..=2 * rounds {
            let (all, _) = lake.query(&scan("lineitem")).await?;
            let (living, _) = lake.query(&scan(&table)).await?;
            if round > 0 {
                before.push(all);
                after.push(living);
            }
        }
        let what = format!("scan of lineitem, scale {scale}, with {said} of the rows dead, beside none, minimum");
        report.claims.push(
            Claim::new(what, Quantity::ms(after.minimum()))
                .against(Quantity::ms(before.minimum()))
                .must(Bound::TimesAtMost(bound)),
        );
    }
    Ok(report)
}

fn bytes_of(bytes: u64) -> Quantity {
    Quantity::new(bytes as f64, Unit::Bytes)
}

fn scan(table: &str) -> String {
    format!(
        "SELECT sum(l_quantity), sum(l_extendedprice), sum(l_discount), sum(l_tax), max(l_shipdate), max(l_shipmode) \
         FROM {table}"
    )
}
