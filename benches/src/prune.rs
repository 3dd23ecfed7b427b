//! Claim: leaving out 99,999 of 100,000 frozen segments by one predicate costs milliseconds.
//!
//! So many Parquet objects on a disk would take minutes to make and to keep durably, and planning reads none of them:
//! the lake is one in memory, every segment has one row, and 1,000 of them come with each commit.
//!
//! What happens inside a scan cannot be timed from outside. So a query is planned on a table of 100,000 segments and,
//! in the same round, on one of a single segment: both plans read one segment, and what the one costs more than the
//! other is listing the version's segments, laying out their bounds and evaluating the predicate over them. That is
//! more than the evaluation alone, never less. EXPLAIN shows that all but one are left out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::error::ArrowError;
use arrow::util::pretty::pretty_format_batches;
use frostline_sql::{Lake, Parameters, Session, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

const LOCATION: &str = "memory://benches-prune";

const SEGMENTS_PER_COMMIT: u64 = 1_000;

const WARM_UP_ROUNDS: u64 = 3;

/// Plans a query that needs one of many segments.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let segments: u64 = workbench.pick(100_000, 2_000);
    let rounds: u64 = workbench.pick(50, 3);
    eprintln!("    making a lake of {segments} segments in memory");
    // Every batch of one row is a segment of its own.
    let settings = Settings { hot_bytes_max: 0, row_group_rows: 1, segment_bytes_target: 1, ..Settings::default() };
    let lake = lakes::create(LOCATION, settings).await?;
    add_segments(&lake, "many_segments", segments).await?;
    add_segments(&lake, "one_segment", 1).await?;

    let session = lake.session();
    // One value that a segment in the middle has, and the value of the only segment.
    let many = format!("SELECT id FROM many_segments WHERE id = {}", segments / 2);
    let one = "SELECT id FROM one_segment WHERE id = 0".to_owned();
    check_pruned(&session, &many, segments).await?;
    check_pruned(&session, &one, 1).await?;
    let (mut many_times, mut one_times) = (Samples::default(), Samples::default());
    for round in 0..WARM_UP_ROUNDS + rounds {
        let (took_one, took_many) = (plan(&session, &one).await?, plan(&session, &many).await?);
        if round >= WARM_UP_ROUNDS {
            one_times.push(took_one);
            many_times.push(took_many);
        }
    }
    let more = many_times.median().saturating_sub(one_times.median());
    let what = format!("prune {segments} segments by one predicate, p50");
    let claim = Claim::new(what, Quantity::ms(more)).must(Bound::AtMost(5.0));
    let note = format!(
        "planning on {segments} segments {}, on one {}",
        Quantity::ms(many_times.median()),
        Quantity::ms(one_times.median())
    );
    Ok(Report { claims: vec![claim], notes: vec![note] })
}

/// Makes a table of frozen segments, whose rows are 0, 1, 2 and so on.
async fn add_segments(lake: &Lake, table: &str, segments: u64) -> Result<(), Failure> {
    lake.session().sql(&format!("CREATE TABLE {table} (id BIGINT)"), &Parameters::none()).await?;
    let mut begin: u64 = 0;
    while begin < segments {
        let end = segments.min(begin + SEGMENTS_PER_COMMIT);
        let batches = (begin..end).map(row).collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
        lake.append(table, batches).await?;
        begin = end;
    }
    Ok(())
}

fn row(number: u64) -> Result<RecordBatch, ArrowError> {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![number as i64]));
    RecordBatch::try_from_iter([("id", id)])
}

/// Checks that a query leaves out all segments but one.
pub(crate) async fn check_pruned(session: &Session, query: &str, segments: u64) -> Result<(), Failure> {
    let explained = session.sql(&format!("EXPLAIN {query}"), &Parameters::none()).await?.into_rows()?.collect().await?;
    let text = pretty_format_batches(&explained)?.to_string();
    let expected = format!("segments {segments}, pruned {}, scanned 1,", segments - 1);
    if text.contains(&expected) {
        return Ok(());
    }
    Err(format!("EXPLAIN does not say `{expected}`:\n{text}").into())
}

/// Plans a query, and says how long that took.
async fn plan(session: &Session, query: &str) -> Result<Duration, Failure> {
    let started = Instant::now();
    let rows = session.sql(query, &Parameters::none()).await?.into_rows()?;
    let took = started.elapsed();
    drop(rows);
    Ok(took)
}
