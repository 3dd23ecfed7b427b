//! Claim: importing Parquet takes little more than decoding and encoding its rows.
//!
//! `lineitem` of TPC-H, from one Parquet file into a new table of a new lake each time: decoded, checked, encoded as
//! frozen segments, hashed, kept durably and committed, through the library. Rounds alternate with the floor, which
//! only decodes and encodes; minima count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{ImportRequest, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::import_floor;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

/// Imports a file several times.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: u64 = workbench.pick(5, 1);
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let source = lakes::location(&file)?;
    // Brings the file into the operating system's cache, whichever is timed first.
    import_floor::recode(&file)?;
    let (mut floor, mut imports) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        floor.push(import_floor::recode(&file)?);
        imports.push(import(workbench, source).await?);
    }
    let what = format!("import lineitem scale {scale} from Parquet, minimum");
    let claim = Claim::new(what, Quantity::seconds(imports.minimum()))
        .against(Quantity::seconds(floor.minimum()))
        .must(Bound::TimesAtMost(1.3));
    let (slowest, slowest_floor) = (Quantity::seconds(imports.at(1.0)), Quantity::seconds(floor.at(1.0)));
    let note = format!("slowest: import {slowest}, floor {slowest_floor}");
    Ok(Report { claims: vec![claim], notes: vec![note] })
}

/// Imports a file into a new lake, and says how long the import took.
pub(crate) async fn import(workbench: &Workbench, source: &str) -> Result<Duration, Failure> {
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    let lake = lakes::create(lakes::location(&folder)?, Settings::default()).await?;
    let request = ImportRequest { author: "benches".to_owned(), ..ImportRequest::default() };
    let started = Instant::now();
    let files = resolve_sources(&[source.to_owned()], None)?;
    lake.import("lineitem", files, request, Arc::new(Progress::default())).await?;
    let took = started.elapsed();
    lake.settle().await;
    Ok(took)
}
