//! Step 12: what the past costs, in time to plan and in bytes.

use std::time::Instant;

use frostline_catalog::Version;
use frostline_sql::{Lake, Session};

use super::error::{DemoError, ensure};
use super::folders::{Folders, location};
use super::replay::Month;
use super::teller::{Found, Teller};
use crate::context::quote_text;
use crate::exit::Failure;

/// How often each version is planned. The fastest run counts: what slows the others is not the plan.
const RUNS: usize = 20;

/// Above this the two do not plan equally fast, whatever else the machine does.
const RATIO_MAX: f64 = 3.0;

/// Shows the step.
pub(super) async fn tell(
    teller: &mut Teller,
    lake: &Lake,
    session: &Session,
    month: &Month,
    folders: &Folders,
) -> Result<(), Failure> {
    teller.step("What the past costs: the first and the newest version plan equally fast; bytes")?;
    let (first, newest) = (explain(month.first), explain(month.newest));
    teller.statement(&first)?;
    teller.statement(&newest)?;
    let (mut first_seconds, mut newest_seconds) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..RUNS {
        first_seconds = first_seconds.min(seconds(session, &first).await?);
        newest_seconds = newest_seconds.min(seconds(session, &newest).await?);
    }
    let ratio = newest_seconds / first_seconds;
    teller.say(&format!(
        "version {} plans in {:.2} ms, version {} in {:.2} ms: {ratio:.2} × (the fastest of {RUNS} runs each)",
        month.first,
        first_seconds * 1e3,
        month.newest,
        newest_seconds * 1e3,
    ))?;
    ensure(ratio < RATIO_MAX, "the first and the newest version plan equally fast")?;

    let versions = lake.state().head().version.unwrap_or(month.newest);
    let lake_bytes = folders.lake_bytes()? as f64;
    let plain_bytes = plain_copy_bytes(session, month.newest, folders).await? as f64;
    teller.say(&format!(
        "all {versions} versions take {:.1} MB, one Parquet file of the newest {:.1} MB: {:.1} ×",
        lake_bytes / 1e6,
        plain_bytes / 1e6,
        lake_bytes / plain_bytes
    ))?;
    teller.say("(Each hour is still an object of its own; to merge them is not built yet.)")
}

fn explain(version: Version) -> String {
    format!("EXPLAIN SELECT carrier, avg(dep_delay) FROM departures AS OF VERSION {version} GROUP BY carrier")
}

/// How long a statement takes.
async fn seconds(session: &Session, sql: &str) -> Result<f64, Failure> {
    let started = Instant::now();
    Found::read(session, sql).await?;
    Ok(started.elapsed().as_secs_f64())
}

/// How many bytes the departures of a version take as one Parquet file.
async fn plain_copy_bytes(session: &Session, version: Version, folders: &Folders) -> Result<u64, Failure> {
    let file = folders.temporary("departures.parquet");
    let target = quote_text(&location(&file)?);
    Found::read(session, &format!("COPY (SELECT * FROM departures AS OF VERSION {version}) TO {target}")).await?;
    let metadata = std::fs::metadata(&file).map_err(DemoError::folder("read", &file))?;
    Ok(metadata.len())
}
