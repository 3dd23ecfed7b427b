//! Claim: a durable commit of one row costs little more than keeping a file durably.
//!
//! One writer, a local lake. Each round keeps one file as the floor, commits one row through the library and one by
//! SQL, so that all three see the same disk in the same mood.

use std::time::Instant;

use frostline_sql::Parameters;

use crate::bound::Bound;
use crate::claim::Claim;
use crate::floor::DurableFiles;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

const WARM_UP_ROUNDS: u64 = 20;

/// Commits rows, one at a time.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let rounds: u64 = workbench.pick(1_000, 30);
    let (files_folder, lake_folder) = (workbench.scratch()?, workbench.scratch()?);
    let mut files = DurableFiles::in_folder(files_folder.path())?;
    let lake = lakes::create_with_events(&lake_folder.path().join("lake")).await?;
    let session = lake.session().with_author("benches");
    let (mut floor, mut library, mut sql) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..WARM_UP_ROUNDS + rounds {
        let kept = files.keep()?;

        let batch = lakes::event(2 * round)?;
        let started = Instant::now();
        lake.append("events", vec![batch]).await?;
        let appended = started.elapsed();

        let text = lakes::insert_event(2 * round + 1);
        let started = Instant::now();
        session.sql(&text, &Parameters::none()).await?;
        let inserted = started.elapsed();

        if round >= WARM_UP_ROUNDS {
            floor.push(kept);
            library.push(appended);
            sql.push(inserted);
        }
    }
    let rows = lakes::number(&lake, "SELECT count(*) FROM events").await?;
    if rows != 2 * (WARM_UP_ROUNDS + rounds) as i64 {
        return Err(format!("the lake has {rows} rows, which is not what was committed").into());
    }
    lake.settle().await;
    let beside = Quantity::ms(floor.median());
    let library_claim = Claim::new("durable commit of 1 row, library, p50", Quantity::ms(library.median()))
        .against(beside)
        .must(Bound::TimesAtMost(3.0));
    let sql_claim = Claim::new("durable commit of 1 row, SQL, p50", Quantity::ms(sql.median()))
        .against(beside)
        .must(Bound::TimesAndMore { times: 3.0, more: 1.0 });
    let named = [("floor", &floor), ("library", &library), ("sql", &sql)];
    let notes = named.into_iter().map(|(name, samples)| {
        let (p99, least) = (Quantity::ms(samples.at(0.99)), Quantity::ms(samples.minimum()));
        format!("{name}: p99 {p99}, least {least}, of {rounds}")
    });
    Ok(Report { claims: vec![library_claim, sql_claim], notes: notes.collect() })
}
