//! Claim: a small commit on S3 takes little more than the one PUT that it is.
//!
//! The store is the slow one of this process, which lets each PUT wait 60 ms. In each round one object as long as a
//! slot is put, if absent, by the client alone; then a row is inserted by SQL, which also asks once for newer commits.

use std::time::{Duration, Instant};

use frostline_catalog::io::Requests;
use frostline_sql::{Lake, Parameters, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::s3_floor::RawObjects;
use crate::samples::Samples;
use crate::slow_store::{BUCKET, Delays, SlowStore};
use crate::workbench::Workbench;

/// What is injected.
const PUT_DELAY: Duration = Duration::from_millis(60);

/// The first commits of a process try the store out. These are as many as tell how long a slot is, and no hint is due.
const WARM_UP_COMMITS: u64 = 5;

/// Commits rows, one at a time.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let rounds: u64 = workbench.pick(50, 5);
    let scratch = workbench.scratch()?;
    let store = SlowStore::start(scratch.path()).await?;
    let lake = lakes::create_on(&format!("s3://{BUCKET}/commits"), Settings::default(), store.options()).await?;
    lakes::add_events(&lake).await?;
    let session = lake.session().with_author("benches");

    let mut slot_bytes: u64 = 0;
    for number in 0..WARM_UP_COMMITS {
        let before = requests(&lake)?;
        session.sql(&lakes::insert_event(number), &Parameters::none()).await?;
        slot_bytes = requests(&lake)?.since(&before).bytes_written;
    }
    let mut raw = RawObjects::on(&store, usize::try_from(slot_bytes)?)?;
    raw.put().await?;
    store.set_delays(Delays { write: PUT_DELAY, ..Delays::default() });

    let (mut floor, mut commits) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        floor.push(raw.put().await?);
        let text = lakes::insert_event(WARM_UP_COMMITS + round);
        let started = Instant::now();
        session.sql(&text, &Parameters::none()).await?;
        commits.push(started.elapsed());
    }
    store.set_delays(Delays::default());
    lake.settle().await;
    let rows = lakes::number(&lake, "SELECT count(*) FROM events").await?;
    if rows != (WARM_UP_COMMITS + rounds) as i64 {
        return Err(format!("the lake has {rows} rows, which is not what was committed").into());
    }

    let what = format!("commit of 1 row on S3 with {} ms for each PUT, SQL, p50", PUT_DELAY.as_millis());
    let claim = Claim::new(what, Quantity::ms(commits.median()))
        .against(Quantity::ms(floor.median()))
        .must(Bound::TimesAtMost(1.1));
    let note = format!(
        "a slot has {slot_bytes} bytes; commit: p99 {}, least {}; PUT: p99 {}, least {}; of {rounds}",
        Quantity::ms(commits.at(0.99)),
        Quantity::ms(commits.minimum()),
        Quantity::ms(floor.at(0.99)),
        Quantity::ms(floor.minimum()),
    );
    Ok(Report { claims: vec![claim], notes: vec![note] })
}

fn requests(lake: &Lake) -> Result<Requests, Failure> {
    lake.requests().ok_or_else(|| Failure::from("requests to this store are not counted"))
}
