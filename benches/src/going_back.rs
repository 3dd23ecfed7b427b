//! Claim: going back costs a small commit, however large the lake is.
//!
//! A table of 10,000 frozen segments. A clone of it, and a RESTORE of the whole lake to the version before a truncation
//! of it, are timed in turns with an INSERT of one row into a small table: p50s are compared.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use frostline_sql::{Parameters, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

const SEGMENTS_PER_COMMIT: i64 = 500;

/// Clones and restores.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let segments: i64 = workbench.pick(10_000, 100);
    let rounds: usize = workbench.pick(50, 3);
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    // Every batch is a segment of its own.
    let settings = Settings { hot_bytes_max: 0, row_group_rows: 1, segment_bytes_target: 1, ..Settings::default() };
    let lake = lakes::create(lakes::location(&folder)?, settings).await?;
    let session = lake.session();
    let run = async |sql: &str| {
        let started = Instant::now();
        session.sql(sql, &Parameters::none()).await?;
        Ok::<_, Failure>(started.elapsed())
    };
    run("CREATE TABLE facts (id BIGINT)").await?;
    lakes::add_events(&lake).await?;
    for first in (0..segments).step_by(SEGMENTS_PER_COMMIT as usize) {
        let numbers = first..segments.min(first + SEGMENTS_PER_COMMIT);
        let batches: Result<Vec<RecordBatch>, _> = numbers
            .map(|id| RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![id])) as ArrayRef)]))
            .collect();
        lake.append("facts", batches?).await?;
    }
    drop(lake);
    let lake = frostline_sql::Lake::open(lakes::location(&folder)?, frostline_sql::OpenOptions::default()).await?;
    let session = lake.session();
    let run = async |sql: &str| {
        let started = Instant::now();
        session.sql(sql, &Parameters::none()).await?;
        Ok::<_, Failure>(started.elapsed())
    };
    let (mut commits, mut clones, mut restores) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..=rounds {
        let commit = run(&lakes::insert_event(round as u64)).await?;
        let clone = run(&format!("CREATE TABLE clone_{round} CLONE facts")).await?;
        let version = lakes::number(&lake, "SELECT current_version()").await?;
        run("TRUNCATE TABLE facts").await?;
        let restore = run(&format!("RESTORE LAKE TO VERSION {version}")).await?;
        if round > 0 {
            commits.push(commit);
            clones.push(clone);
            restores.push(restore);
        }
    }
    let found = lakes::number(&lake, "SELECT count(*) FROM facts").await?;
    if found != segments {
        return Err(format!("{segments} rows were restored, and {found} are there").into());
    }
    let commit = Quantity::ms(commits.median());
    let claim = |what: &str, samples: &Samples| {
        let what = format!("{what} on a lake of {segments} segments, beside a small commit, p50");
        Claim::new(what, Quantity::ms(samples.median())).against(commit).must(Bound::TimesAtMost(1.5))
    };
    let claims = vec![claim("CREATE TABLE … CLONE", &clones), claim("RESTORE LAKE", &restores)];
    Ok(Report { claims, notes: Vec::new() })
}
