//! Claim: a small statement over Flight SQL takes little more than in process.
//!
//! The server runs in this process, on this machine's loopback, and asks for a token. One client, one connection,
//! GetFlightInfo and DoGet for each statement. In each round the same statement runs in process and over the wire, on
//! the same open lake: `SELECT 1`, and a query for one row of a large table, another row each time.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use frostline_server::ServeLimits;
use frostline_sql::{Parameters, Session};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::flight_client::FlightClient;
use crate::points;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::served::Served;
use crate::workbench::Workbench;

const WARM_UP_ROUNDS: u64 = 20;

/// The times of one kind of statement.
#[derive(Debug, Default)]
struct Times {
    in_process: Samples,
    flight: Samples,
}

/// Runs statements on both ways in turns.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let rounds: u64 = workbench.pick(500, 20);
    let points: u64 = workbench.pick(1_000_000, 10_000);
    let scratch = workbench.scratch()?;
    let limits = ServeLimits::default();
    let lake = points::create(&scratch.path().join("lake"), points, Some(limits.runtime())).await?;
    let session = lake.session();
    let served = Served::start(lake.clone(), limits).await?;
    let mut client = FlightClient::connect(served.address(), served.token()).await?;

    let (mut constant, mut point_query) = (Times::default(), Times::default());
    for round in 0..WARM_UP_ROUNDS + rounds {
        let one = in_turns(&session, &mut client, "SELECT 1 AS one", round).await?;
        if one.answers.iter().any(|answer| answer.iter().map(RecordBatch::num_rows).sum::<usize>() != 1) {
            return Err("`SELECT 1` does not give one row".into());
        }
        let point = points::walk(round, points);
        let found = in_turns(&session, &mut client, &points::query(point), round).await?;
        for answer in &found.answers {
            points::check(answer, point)?;
        }
        if round >= WARM_UP_ROUNDS {
            constant.push(&one);
            point_query.push(&found);
        }
    }
    drop(client);
    served.end().await?;
    lake.settle().await;

    let mut report = Report::default();
    let point_what = format!("a row of {points} by its id over Flight SQL, p50");
    for (what, times) in [("SELECT 1 over Flight SQL, p50".to_owned(), &constant), (point_what, &point_query)] {
        let (own, flown) = (&times.in_process, &times.flight);
        report.notes.push(format!(
            "{what}: p99 {}, least {}; in process p99 {}, least {}; of {rounds}",
            Quantity::ms(flown.at(0.99)),
            Quantity::ms(flown.minimum()),
            Quantity::ms(own.at(0.99)),
            Quantity::ms(own.minimum()),
        ));
        let claim = Claim::new(what, Quantity::ms(flown.median()))
            .against(Quantity::ms(own.median()))
            .must(Bound::TimesAndMore { times: 1.0, more: 1.0 });
        report.claims.push(claim);
    }
    Ok(report)
}

impl Times {
    fn push(&mut self, pair: &Pair) {
        self.in_process.push(pair.in_process);
        self.flight.push(pair.flight);
    }
}

/// One statement on both ways: how long it took, and the answers, the one of this process first.
#[derive(Debug)]
struct Pair {
    in_process: Duration,
    flight: Duration,
    answers: [Vec<RecordBatch>; 2],
}

/// Runs a statement on both ways; which comes first changes from round to round.
async fn in_turns(session: &Session, client: &mut FlightClient, sql: &str, round: u64) -> Result<Pair, Failure> {
    if round.is_multiple_of(2) {
        let (in_process, own) = run_in_process(session, sql).await?;
        let (flight, flown) = run_over_flight(client, sql).await?;
        return Ok(Pair { in_process, flight, answers: [own, flown] });
    }
    let (flight, flown) = run_over_flight(client, sql).await?;
    let (in_process, own) = run_in_process(session, sql).await?;
    Ok(Pair { in_process, flight, answers: [own, flown] })
}

async fn run_in_process(session: &Session, sql: &str) -> Result<(Duration, Vec<RecordBatch>), Failure> {
    let started = Instant::now();
    let batches = session.sql(sql, &Parameters::none()).await?.into_rows()?.collect().await?;
    Ok((started.elapsed(), batches))
}

async fn run_over_flight(client: &mut FlightClient, sql: &str) -> Result<(Duration, Vec<RecordBatch>), Failure> {
    let started = Instant::now();
    let batches = client.query(sql).await?;
    Ok((started.elapsed(), batches))
}
