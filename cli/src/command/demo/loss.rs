//! Steps 9 and 10: a table is dropped, its past stays, it comes back, and the log tells who did what.

use frostline_sql::{Lake, Session};

use super::error::ensure;
use super::replay::Month;
use super::teller::Teller;
use crate::exit::Failure;

/// 1 August 2013 at 09:00 in New York.
const MORNING_MICROS_UTC: i64 = 1_375_362_000_000_000;

/// Five minutes later.
const BACK_MICROS_UTC: i64 = 1_375_362_300_000_000;

const COUNT: &str = "SELECT count(*) AS flights FROM departures";

const LOG: &str = "SELECT version, time AT TIME ZONE 'America/New_York' AS time, author, operation, message\n\
                   FROM system.commits ORDER BY version DESC LIMIT 6";

/// Shows the two steps.
pub(super) async fn tell(teller: &mut Teller, lake: &Lake, session: &Session, month: &Month) -> Result<(), Failure> {
    teller.step("DROP TABLE takes the table away, not its past; UNDROP brings it back")?;
    let careless = lake
        .session()
        .with_author("cleanup")
        .with_message(Some("nobody needs it any more"))
        .with_commit_time(Some(MORNING_MICROS_UTC));
    teller.change(&careless, "DROP TABLE departures").await?;
    let refusal = teller.refused(session, COUNT).await?;
    let says_how = refusal.hint().is_some_and(|hint| hint.contains("AS OF VERSION"));
    ensure(says_how, "the error says how to read the past of a dropped table")?;
    let past = teller.ask(session, &format!("{COUNT} AS OF VERSION {}", month.newest)).await?;
    ensure(past.number("flights", 0)? == month.departures as f64, "the past of a dropped table is whole")?;
    let sorry = lake
        .session()
        .with_author("cleanup")
        .with_message(Some("somebody does"))
        .with_commit_time(Some(BACK_MICROS_UTC));
    teller.change(&sorry, "UNDROP TABLE departures").await?;
    let back = teller.ask(session, COUNT).await?;
    ensure(back.number("flights", 0)? == month.departures as f64, "UNDROP brings the table back whole")?;

    teller.step("The log: who, when, why")?;
    let log = teller.ask(session, LOG).await?;
    ensure(log.number("version", 0)? > month.newest.number() as f64, "the log begins with the newest version")
}
