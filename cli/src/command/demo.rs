//! `frostline demo`: a month of real departures, replayed hour by hour, and what its past can be asked.
//!
//! ```text
//! folders    where the lake is, and what is thrown away
//! replay     the month: a commit for each hour, a report and a tag for each day
//! board      one evening's flights, scheduled and then updated as they depart
//! teller     statements and their answers, on standard output
//! past       steps 2 to 5: one table at two versions
//! mistake    steps 6 to 8: a bad UPDATE, RESTORE, and the biography of a row
//! loss       steps 9 and 10: a table is dropped and comes back, and the log tells who did it
//! damage     step 11: a byte is flipped
//! cost       step 12: what the past costs
//! ```
//!
//! * It touches no lake but its own, and leaves nothing behind unless it is asked to keep the lake.
//! * Each step compares what it shows with what it claims. The first claim that does not hold ends the demo with an
//!   error.

mod board;
mod cost;
mod damage;
mod error;
mod folders;
mod loss;
mod mistake;
mod past;
mod replay;
mod teller;

use std::path::Path;

use frostline_sql::{Lake, Session};
use indicatif::HumanCount;

use crate::args::DemoArguments;
use crate::context::Context;
use crate::exit::Failure;
use error::ensure;
use folders::{Folders, location};
use replay::Month;
use teller::{Found, Teller};

/// What to ask the lake when the demo is over.
const INVITATIONS: [&str; 4] = [
    "SELECT * FROM daily AS OF TIMESTAMP '2013-07-11 12:00-04:00' ORDER BY day",
    "SELECT origin, max(dep_delay) AS longest FROM departures AS OF TAG 'close-2013-07-10' GROUP BY origin",
    "SELECT carrier, flight, dep_delay FROM table_changes('board', 'close-2013-07-10') WHERE dep_delay > 400",
    "SELECT tag_name, version, time FROM system.tags ORDER BY version",
];

/// Shows the demo. Ctrl-C ends it and takes away what is not kept.
pub(crate) async fn run(context: &Context, arguments: DemoArguments) -> Result<(), Failure> {
    let folders = Folders::prepare(arguments.keep)?;
    context.reading(tell(&folders)).await?
}

async fn tell(folders: &Folders) -> Result<(), Failure> {
    let mut teller = Teller::new();
    teller.say("Flights from New York in July 2013. What departed in an hour is committed when the hour is over.")?;
    let lake: Lake = replay::create_lake(&location(&folders.lake())?).await?;
    let month: Month = replay::replay(&lake).await?;
    let session: Session = lake.session().with_local_files(true);

    show_replay(&mut teller, &session, &month, folders.lake_bytes()?).await?;
    past::tell(&mut teller, &session).await?;
    mistake::tell(&mut teller, &lake, &session, &month).await?;
    loss::tell(&mut teller, &lake, &session, &month).await?;
    // From here on the lake's folder is copied and measured, so nothing may be written to it.
    lake.settle().await;
    damage::tell(&mut teller, &lake, folders).await?;
    cost::tell(&mut teller, &lake, &session, &month, folders).await?;
    invite(&mut teller, &session, folders).await
}

async fn show_replay(teller: &mut Teller, session: &Session, month: &Month, lake_bytes: u64) -> Result<(), Failure> {
    teller.step("What was replayed: each hour's departures, one evening's board, and each day a report and a tag")?;
    teller.statement(board::UPDATE)?;
    teller.statement(replay::REPORT)?;
    let found = teller
        .ask(
            session,
            "SELECT operation, count(*) AS commits, sum(rows_added) AS rows_added\n\
             FROM system.commits GROUP BY operation ORDER BY commits DESC, operation",
        )
        .await?;
    let (commits, rows) = (month.hours + 1, month.departures + month.board);
    ensure(found.number("commits", 0)? == commits as f64, "every hour with departures is one commit")?;
    ensure(found.number("rows_added", 0)? == rows as f64, "every departure was committed once")?;
    teller.say(&format!(
        "{} commits, {} departures, {:.1} MB, replayed in {:.1} s",
        month.newest,
        HumanCount(month.departures as u64),
        lake_bytes as f64 / 1e6,
        month.took.as_secs_f64()
    ))
}

async fn invite(teller: &mut Teller, session: &Session, folders: &Folders) -> Result<(), Failure> {
    for sql in INVITATIONS {
        let found = Found::read(session, sql).await?;
        ensure(found.rows() > 0, "the statements to paste have answers")?;
    }
    teller.step("Ask it yourself")?;
    match folders.kept() {
        Some(folder) => teller.say(&format!("$ frostline --lake {}", shell_word(folder)))?,
        None => {
            teller
                .say("$ frostline demo --keep flights      # this lake is gone when the demo ends; that one stays")?;
            teller.say("$ frostline --lake flights")?;
        }
    }
    for sql in INVITATIONS {
        teller.statement(sql)?;
    }
    Ok(())
}

/// A path as a shell takes it for one word.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "./_-+=:,@%".contains(character);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_command_line() {
        assert_eq!(shell_word(Path::new("/tmp/a-b/lake")), "/tmp/a-b/lake");
        assert_eq!(shell_word(Path::new("my lake")), "'my lake'");
        assert_eq!(shell_word(Path::new("it's")), "'it'\\''s'");
    }
}
