//! Claim: the first query of a process on S3 costs hardly more than the round trips that opening takes.
//!
//! The store is the slow one of this process, which lets each GET wait 15 ms. A lake has 1,000 frozen segments. A whole
//! process opens it and counts and adds up the rows of one of them: the predicate leaves out the others, whose data is
//! never asked for. Opening takes at most four round trips, which is the floor; asking for the statistics that tell
//! which segment it is and for the segment come on top. It is small enough to come whole, while its digests are read.
//! Counting all rows reads no segment, and is reported beside it.
//!
//! Segments come 50 with a commit, as imports write them; in a second lake each comes with a commit of its own, so that
//! hundreds of slots lie behind the last checkpoint and are read one by one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::error::ArrowError;
use frostline_sql::{Parameters, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::program::{NOT_BUILT, Program};
use crate::prune::check_pruned;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::s3_floor::RawObjects;
use crate::samples::Samples;
use crate::slow_store::{BUCKET, Delays, SlowStore, round_trips};
use crate::workbench::Workbench;

const WHAT: &str = "whole process: first query on S3";

/// What is injected.
const GET_DELAY: Duration = Duration::from_millis(15);

/// How many segments come with a commit, in one lake and in the other.
const SEGMENTS_PER_COMMIT: [u64; 2] = [50, 1];

/// How many round trips opening takes at most.
const ROUND_TRIPS: u32 = 4;

const ROWS_PER_SEGMENT: u64 = 1_000;

/// A query, and what was measured of it.
struct Query {
    what: &'static str,
    sql: String,
    /// The row of CSV that it gives.
    answer: String,
    times: Samples,
    /// What the last run asked of the store.
    requests: usize,
    round_trips: usize,
}

impl Query {
    fn new(what: &'static str, sql: String, answer: String) -> Self {
        Self { what, sql, answer, times: Samples::default(), requests: 0, round_trips: 0 }
    }
}

/// Queries in fresh processes, on one lake after the other.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else { return Ok(Report::skipped(WHAT, NOT_BUILT)) };
    let mut report = Report::default();
    for per_commit in SEGMENTS_PER_COMMIT {
        let measured = run_on_lake(workbench, program, per_commit).await?;
        report.claims.extend(measured.claims);
        report.notes.extend(measured.notes);
    }
    Ok(report)
}

async fn run_on_lake(workbench: &Workbench, program: &Program, per_commit: u64) -> Result<Report, Failure> {
    let segments: u64 = workbench.pick(1_000, 50);
    let rounds: u64 = workbench.pick(15, 2);
    let scratch = workbench.scratch()?;
    let store = SlowStore::start(scratch.path()).await?;
    let location = format!("s3://{BUCKET}/segments");
    let mut queries = queries(segments);
    eprintln!("    making a lake of {segments} segments, {per_commit} with a commit, on a store in memory");
    make_lake(&store, &location, segments, per_commit, &queries[0].sql).await?;

    let mut raw = RawObjects::on(&store, 1_000)?;
    raw.put().await?;
    store.set_delays(Delays { read: GET_DELAY, ..Delays::default() });
    let flags = store.flags();
    let (mut start_only, mut single_get) = (Samples::default(), Samples::default());
    for round in 0..=rounds {
        let started = program.start_only()?;
        let got = raw.get().await?;
        if round > 0 {
            start_only.push(started.took);
            single_get.push(got);
        }
        for query in &mut queries {
            store.take_answered();
            let ended = program.query_with(Path::new(&location), &flags, &query.sql)?;
            let asked = store.take_answered();
            if ended.output.lines().nth(1) != Some(query.answer.as_str()) {
                return Err(format!("`{}` answers {:?}", query.sql, ended.output).into());
            }
            (query.requests, query.round_trips) = (asked.len(), round_trips(&asked));
            if round > 0 {
                query.times.push(ended.took);
            }
        }
    }
    let lake = format!("{segments} segments, {per_commit} with a commit");
    Ok(report(&lake, &queries, &start_only, &single_get))
}

fn report(lake: &str, queries: &[Query], start_only: &Samples, single_get: &Samples) -> Report {
    let beside = Quantity::ms(GET_DELAY * ROUND_TRIPS);
    let mut report = Report::default();
    for (place, query) in queries.iter().enumerate() {
        let what = format!("{WHAT} with {} ms for each GET, {lake}, {}, p50", GET_DELAY.as_millis(), query.what);
        let claim = Claim::new(what, Quantity::ms(query.times.median())).against(beside);
        report.claims.push(if place == 0 { claim.must(Bound::TimesAtMost(1.5)) } else { claim });
        report.notes.push(format!(
            "{lake}, {}: {} requests, {} round trips one after another; least {}",
            query.what,
            query.requests,
            query.round_trips,
            Quantity::ms(query.times.minimum()),
        ));
    }
    report.notes.push(format!(
        "a process that only says its version {}; one GET through the client {}",
        Quantity::ms(start_only.median()),
        Quantity::ms(single_get.median()),
    ));
    report
}

/// The query that the claim is about, and the one beside it.
fn queries(segments: u64) -> [Query; 2] {
    let begin = segments / 2 * ROWS_PER_SEGMENT;
    let end = begin + ROWS_PER_SEGMENT;
    let sum: u64 = (begin..end).map(amount).sum();
    let one = format!("SELECT count(*), sum(a) FROM facts WHERE id >= {begin} AND id < {end}");
    let all = "SELECT count(*) FROM facts".to_owned();
    [
        Query::new("count(*) and sum of one of them", one, format!("{ROWS_PER_SEGMENT},{sum}")),
        Query::new("count(*) of all", all, (segments * ROWS_PER_SEGMENT).to_string()),
    ]
}

/// Makes the lake, and checks that the query reads one segment.
async fn make_lake(
    store: &SlowStore,
    location: &str,
    segments: u64,
    per_commit: u64,
    pruned: &str,
) -> Result<(), Failure> {
    // Every batch is a segment of its own.
    let rows_each = usize::try_from(ROWS_PER_SEGMENT)?;
    let settings =
        Settings { hot_bytes_max: 0, row_group_rows: rows_each, segment_bytes_target: 1, ..Settings::default() };
    let lake = lakes::create_on(location, settings, store.options()).await?;
    lake.session().sql("CREATE TABLE facts (id BIGINT, a BIGINT)", &Parameters::none()).await?;
    for first in (0..segments).step_by(usize::try_from(per_commit)?) {
        let numbers = first..segments.min(first + per_commit);
        let batches = numbers.map(|number| rows(number * ROWS_PER_SEGMENT));
        lake.append("facts", batches.collect::<Result<Vec<RecordBatch>, ArrowError>>()?).await?;
    }
    lake.settle().await;
    check_pruned(&lake.session(), pruned, segments).await
}

/// The rows of one segment, from this id on.
fn rows(begin: u64) -> Result<RecordBatch, ArrowError> {
    let ids = begin..begin + ROWS_PER_SEGMENT;
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.clone().map(|id| id as i64)));
    let a: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.map(|id| amount(id) as i64)));
    RecordBatch::try_from_iter([("id", id), ("a", a)])
}

fn amount(id: u64) -> u64 {
    id * 7 % 1_000
}
