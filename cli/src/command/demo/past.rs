//! Steps 2 to 5: a table as it was, as it is, and both at once.

use frostline_sql::Session;

use super::error::ensure;
use super::teller::Teller;
use crate::exit::Failure;

/// 10 July at 18:00 in New York.
const EVENING: &str = " AS OF TIMESTAMP '2013-07-10 18:00-04:00'";

/// How many times as long the delays of the whole day are, at least.
const FAR_WORSE: f64 = 2.0;

/// Shows the four steps.
pub(super) async fn tell(teller: &mut Teller, session: &Session) -> Result<(), Failure> {
    teller.step("10 July as it was known at 18:00: the flights departed so far, and their mean delay in minutes")?;
    let then = teller.ask(session, &figures(EVENING)).await?;
    teller.step("The same statement now: it was a bad evening")?;
    let now = teller.ask(session, &figures("")).await?;
    ensure(now.number("flights", 0)? > then.number("flights", 0)?, "there are more flights now than at 18:00")?;
    let is_far_worse = now.number("mean_delay", 0)? > FAR_WORSE * then.number("mean_delay", 0)?;
    ensure(is_far_worse, "the delays are far worse now than at 18:00")?;

    teller.step("Both versions in one join, by carrier")?;
    let carriers = teller.ask(session, &by_carrier()).await?;
    for row in 0..carriers.rows() {
        let grew = carriers.number("flights_now", row)? >= carriers.number("flights_at_18h", row)?;
        ensure(grew, "no carrier has fewer flights now than at 18:00")?;
    }
    ensure(carriers.rows() > 0, "there are carriers")?;

    teller.step("A report restated: what left after midnight was missing when 10 July was closed")?;
    let report = teller.ask(session, RESTATED).await?;
    let last = report.rows().saturating_sub(1);
    let grew = report.number("flights_now", last)? > report.number("flights_at_close", last)?;
    ensure(grew, "the report on 10 July was restated")
}

fn figures(clause: &str) -> String {
    format!(
        "SELECT count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay\n\
         FROM departures{clause}\n\
         WHERE day = DATE '2013-07-10'"
    )
}

fn by_carrier() -> String {
    let side = |clause: &str| {
        format!(
            "(SELECT carrier, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay\n      \
             FROM departures{clause}\n      \
             WHERE day = DATE '2013-07-10' GROUP BY carrier)"
        )
    };
    format!(
        "SELECT late.carrier, early.flights AS flights_at_18h, late.flights AS flights_now,\n       \
         early.mean_delay AS delay_at_18h, late.mean_delay AS delay_now\n\
         FROM {} AS early\n\
         JOIN {} AS late\n  \
         ON early.carrier = late.carrier\n\
         ORDER BY flights_now DESC, late.carrier LIMIT 5",
        side(EVENING),
        side("")
    )
}

const RESTATED: &str = "SELECT closed.day, closed.flights AS flights_at_close, restated.flights AS flights_now,\n\
                        \x20      closed.mean_delay AS delay_at_close, restated.mean_delay AS delay_now\n\
                        FROM daily AS OF TAG 'close-2013-07-10' AS closed\n\
                        JOIN daily AS restated ON closed.day = restated.day\n\
                        WHERE closed.day >= DATE '2013-07-08' ORDER BY closed.day";
