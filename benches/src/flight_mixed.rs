//! Claim: many clients that read and write small things lose nothing, meet no error and do not wait long.
//!
//! `frostline serve` is a process of its own; 16 clients of this process have a connection each and send one statement
//! after the other, without a pause, for five minutes: nine of ten ask for one row of a large frozen table by its id,
//! the tenth inserts a row into another table. Before, one client alone asks for rows. Afterwards the server is killed,
//! not told to end, and the lake is opened in this process: each row whose insert was acknowledged must be there once.
//!
//! The clients share the machine with the server, so that what they wait for is partly themselves. How much of the
//! processors each of the two took is told beside the claims.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use frostline_sql::{Lake, OpenOptions, Parameters};
use tokio::task::JoinHandle;

use crate::bound::Bound;
use crate::claim::Claim;
use crate::cpu_time::cpu_time;
use crate::flight_client::FlightClient;
use crate::lakes;
use crate::points;
use crate::program::NOT_BUILT;
use crate::quantity::{Quantity, Unit};
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::served_program::ServedProgram;
use crate::workbench::Workbench;

const WHAT: &str = "16 clients, 90 % reads of a row, 10 % inserts of a row";

const CLIENTS: u64 = 16;

/// Every so many statements of a client, one inserts.
const STATEMENTS_PER_INSERT: u64 = 10;

const WARM_UP_ROUNDS: u64 = 50;

/// What a client has seen.
#[derive(Debug, Default)]
struct Seen {
    reads: Samples,
    inserts: Samples,
    /// The ids whose inserts were acknowledged.
    acknowledged: Vec<i64>,
    /// Why it stopped before its time.
    error: Option<String>,
}

/// Lets clients work against a server.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else { return Ok(Report::skipped(WHAT, NOT_BUILT)) };
    let points: u64 = workbench.pick(1_000_000, 10_000);
    let alone_rounds: u64 = workbench.pick(500, 20);
    let duration: Duration = workbench.pick(Duration::from_secs(300), Duration::from_secs(5));
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    points::create(&folder, points, None).await?.settle().await;
    let server = ServedProgram::start(program, &folder, &[])?;
    let (address, token) = (server.address(), server.first_token()?.to_owned());

    let alone = read_alone(address, &token, points, alone_rounds).await?;
    let before = [cpu_time(&server.process()), cpu_time("self")];
    let started = Instant::now();
    let clients: Vec<JoinHandle<Seen>> = (0..CLIENTS)
        .map(|number| tokio::spawn(work(address, token.clone(), number, points, started + duration)))
        .collect();
    let mut all = Seen::default();
    let mut errors: Vec<String> = Vec::new();
    for client in clients {
        let seen = client.await?;
        all.reads.append(seen.reads);
        all.inserts.append(seen.inserts);
        all.acknowledged.extend(seen.acknowledged);
        errors.extend(seen.error);
    }
    let took = started.elapsed();
    let after = [cpu_time(&server.process()), cpu_time("self")];
    drop(server);
    if all.reads.count() == 0 || (all.acknowledged.is_empty() && errors.is_empty()) {
        return Err("the clients came to no statement, so that nothing is shown".into());
    }
    let found = ids(lakes::location(&folder)?).await?;
    let lost = not_once(&all.acknowledged, &found);

    let count = |number: usize| Quantity::new(number as f64, Unit::Count);
    let claims = vec![
        Claim::new(format!("{WHAT}, {} s: errors", duration.as_secs()), count(errors.len())).must(Bound::AtMost(0.0)),
        Claim::new("acknowledged rows that are not there exactly once", count(lost)).must(Bound::AtMost(0.0)),
        Claim::new("p99 of the reads, beside p50 of one client alone", Quantity::ms(all.reads.at(0.99)))
            .against(Quantity::ms(alone.median()))
            .must(Bound::TimesAtMost(10.0)),
    ];
    let mut notes: Vec<String> = errors.into_iter().map(|error| format!("a client stopped: {error}")).collect();
    for (name, samples) in [("reads", &all.reads), ("inserts", &all.inserts)] {
        let (p50, p99) = (Quantity::ms(samples.median()), Quantity::ms(samples.at(0.99)));
        let per_second = samples.count() as f64 / took.as_secs_f64();
        notes.push(format!("{name}: {}, {per_second:.0} in a second, p50 {p50}, p99 {p99}", samples.count()));
    }
    notes.push(format!("acknowledged {}, found {}", all.acknowledged.len(), found.len()));
    for (name, begin, end) in [("server", before[0], after[0]), ("clients", before[1], after[1])] {
        if let (Some(begin), Some(end)) = (begin, end) {
            let cores = end.saturating_sub(begin).as_secs_f64() / took.as_secs_f64();
            notes.push(format!("{name}: {cores:.2} cores"));
        }
    }
    Ok(Report { claims, notes })
}

/// The times of reads by one client, with nobody else there.
async fn read_alone(address: SocketAddr, token: &str, points: u64, rounds: u64) -> Result<Samples, Failure> {
    let mut client = FlightClient::connect(address, token).await?;
    let mut times = Samples::default();
    for round in 0..WARM_UP_ROUNDS + rounds {
        let took = read(&mut client, points::walk(round, points)).await?;
        if round >= WARM_UP_ROUNDS {
            times.push(took);
        }
    }
    Ok(times)
}

/// Works until its time is over, or something goes wrong.
async fn work(address: SocketAddr, token: String, number: u64, points: u64, until: Instant) -> Seen {
    let mut seen = Seen::default();
    if let Err(failure) = work_on(&mut seen, address, &token, number, points, until).await {
        seen.error = Some(failure.to_string());
    }
    seen
}

async fn work_on(
    seen: &mut Seen,
    address: SocketAddr,
    token: &str,
    number: u64,
    points: u64,
    until: Instant,
) -> Result<(), Failure> {
    let mut client = FlightClient::connect(address, token).await?;
    let mut place: u64 = 0;
    while Instant::now() < until {
        // No two statements of all clients have the same number.
        let own = place * CLIENTS + number;
        if (place + number).is_multiple_of(STATEMENTS_PER_INSERT) {
            let started = Instant::now();
            let rows = client.update(&lakes::insert_event(own)).await?;
            seen.inserts.push(started.elapsed());
            if rows != 1 {
                return Err(format!("an insert of one row is acknowledged as {rows}").into());
            }
            seen.acknowledged.push(own as i64);
        } else {
            seen.reads.push(read(&mut client, points::walk(own, points)).await?);
        }
        place += 1;
    }
    Ok(())
}

/// Reads a point, and says how long that took.
async fn read(client: &mut FlightClient, point: u64) -> Result<Duration, Failure> {
    let started = Instant::now();
    let batches = client.query(&points::query(point)).await?;
    let took = started.elapsed();
    points::check(&batches, point)?;
    Ok(took)
}

/// The ids of the rows that were inserted, read without the server.
async fn ids(location: &str) -> Result<Vec<i64>, Failure> {
    let lake = Lake::open(location, OpenOptions::default()).await?;
    let rows = lake.session().sql("SELECT id FROM events", &Parameters::none()).await?.into_rows()?;
    let mut ids: Vec<i64> = Vec::new();
    for batch in rows.collect().await? {
        ids.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
    }
    Ok(ids)
}

/// How many of the acknowledged ids are not found exactly once.
fn not_once(acknowledged: &[i64], found: &[i64]) -> usize {
    let mut sorted: Vec<i64> = found.to_vec();
    sorted.sort_unstable();
    let times = |id: i64| {
        let begin = sorted.partition_point(|other| *other < id);
        sorted[begin..].iter().take_while(|other| **other == id).count()
    };
    acknowledged.iter().filter(|id| times(**id) != 1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_there_twice_is_lost() {
        assert_eq!(not_once(&[1, 2, 3], &[3, 2, 1]), 0);
        assert_eq!(not_once(&[1, 2, 3], &[3, 1]), 1);
        assert_eq!(not_once(&[1, 2, 3], &[3, 2, 2, 1]), 1);
        assert_eq!(not_once(&[1], &[1, 7]), 0, "what was not acknowledged may be there");
    }
}
