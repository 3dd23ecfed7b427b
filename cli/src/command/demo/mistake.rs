//! Steps 6 to 8: an UPDATE that should not have been, who made it, how it is undone, and one flight's biography.

use frostline_sql::{Lake, Session};

use super::error::ensure;
use super::replay::Month;
use super::teller::Teller;
use crate::exit::Failure;

/// 1 August 2013 at 08:30 in New York, and ten minutes later.
const UPDATED_MICROS_UTC: i64 = 1_375_360_200_000_000;
const RESTORED_MICROS_UTC: i64 = 1_375_360_800_000_000;

const BIOGRAPHY: &str = "SELECT _born AS version, _born_by AS author, _change AS change,\n       \
                         departed AT TIME ZONE 'America/New_York' AS departed, dep_delay\n\
                         FROM table_history('board') WHERE carrier = 'B6' AND flight = 415 ORDER BY _born";

/// Shows the three steps.
pub(super) async fn tell(teller: &mut Teller, lake: &Lake, session: &Session, month: &Month) -> Result<(), Failure> {
    let at = |author: &str, message: &str, micros: i64| {
        lake.session().with_author(author).with_message(Some(message)).with_commit_time(Some(micros))
    };
    teller.step("A bad UPDATE, and what it changed: minutes became hours on the board of 10 July")?;
    let hasty = at("intern", "minutes are so small", UPDATED_MICROS_UTC);
    teller.change(&hasty, "UPDATE board SET dep_delay = dep_delay / 60").await?;
    let changes = teller
        .ask(
            session,
            &format!(
                "SELECT _change_type, _version, _author, count(*) AS flights, sum(dep_delay) AS delays\n\
                 FROM table_changes('board', {})\n\
                 GROUP BY _change_type, _version, _author ORDER BY _change_type DESC",
                month.newest
            ),
        )
        .await?;
    ensure(changes.number("flights", 0)? == changes.number("flights", 1)?, "each change has a before and an after")?;
    ensure(changes.number("delays", 0)? > changes.number("delays", 1)?, "the delays were greater before")?;

    teller.step("RESTORE puts it back, as a new version: nothing is lost, the mistake neither")?;
    let careful = at("airport-ops", "minutes again", RESTORED_MICROS_UTC);
    teller.change(&careful, &format!("RESTORE TABLE board TO VERSION {}", month.newest)).await?;
    let differences =
        format!("SELECT count(*) AS differences FROM table_diff('board', {}, current_version())", month.newest);
    let differences = teller.ask(session, &differences).await?;
    ensure(differences.number("differences", 0)? == 0.0, "the restored table is the one from before")?;

    teller.step("The biography of a flight: scheduled for 18:00, and all that happened to its row")?;
    let biography = teller.ask(session, BIOGRAPHY).await?;
    ensure(biography.rows() >= 4, "a row was scheduled, departed, updated by mistake and restored")
}
