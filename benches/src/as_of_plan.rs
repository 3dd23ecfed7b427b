//! Claim: any version plans as fast as the newest.
//!
//! One process, warm. Timed is everything from the text of a query up to the stream of its rows, without reading any
//! of them: parsing, asking the store for newer commits, resolving the version, planning. The newest version is named
//! by its number too, so that the three texts differ in nothing but the number.

use std::time::{Duration, Instant};

use frostline_catalog::BranchId;
use frostline_sql::{Lake, OpenOptions, Parameters, Session};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::history::{self, FIRST_EVENT_VERSION};
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::workbench::Workbench;

const WARM_UP_ROUNDS: u64 = 10;

/// Plans a query at three versions of two lakes.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let mut claims: Vec<Claim> = Vec::new();
    for commits in workbench.pick([10_000, 100_000], [300, 600]) {
        let rounds: u64 = workbench.pick(200, 5);
        claims.extend(plan_at_three_versions(workbench, commits, rounds).await?);
    }
    Ok(Report::of(claims))
}

async fn plan_at_three_versions(workbench: &Workbench, commits: u64, rounds: u64) -> Result<Vec<Claim>, Failure> {
    let folder = history::lake_of(workbench, commits).await?;
    let lake = Lake::open(lakes::location(&folder)?, OpenOptions::default()).await?;
    let newest = lake.state().newest(BranchId::MAIN).ok_or("the lake has no version")?.number();
    let versions = [FIRST_EVENT_VERSION, newest / 2, newest];
    let session = lake.session();
    for version in versions {
        let count = format!("SELECT count(*) FROM events AS OF VERSION {version} WHERE amount >= 0");
        let rows = lakes::number(&lake, &count).await?;
        if rows != (version + 1 - FIRST_EVENT_VERSION) as i64 {
            return Err(format!("version {version} has {rows} rows").into());
        }
    }
    let mut times: [Samples; 3] = [Samples::default(), Samples::default(), Samples::default()];
    for round in 0..WARM_UP_ROUNDS + rounds {
        for (version, samples) in versions.into_iter().zip(&mut times) {
            let took = plan(&session, version).await?;
            if round >= WARM_UP_ROUNDS {
                samples.push(took);
            }
        }
    }
    let [first, middle, last] = times.map(|samples| Quantity::ms(samples.median()));
    let claim = |which: &str, measured: Quantity| {
        Claim::new(format!("plan AS OF the {which} of {commits} commits, p50"), measured).must(Bound::AtMost(3.0))
    };
    Ok(vec![
        claim("first", first).against(last).must(Bound::TimesAtMost(1.2)),
        claim("middle", middle).against(last).must(Bound::TimesAtMost(1.2)),
        claim("newest", last),
    ])
}

/// Plans a query at a version, and says how long that took.
async fn plan(session: &Session, version: u64) -> Result<Duration, Failure> {
    let text = format!("SELECT account, amount FROM events AS OF VERSION {version} WHERE id = 7");
    let started = Instant::now();
    let rows = session.sql(&text, &Parameters::none()).await?.into_rows()?;
    let took = started.elapsed();
    drop(rows);
    Ok(took)
}
