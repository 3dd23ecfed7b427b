//! `frostline verify`: is the lake what its chain and its digests say?
//!
//! * Damage to what counts is an error that names the object.
//! * Damage to what is derived changes no answer: it is listed, and made anew where that can be done.

use frostline_engine::VerifyNote;

use super::lines::{Lines, visible};
use crate::args::VerifyArguments;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::OutputError;

/// Checks the lake. Prints a line for each derived object that was damaged, then what was checked.
pub(crate) async fn run(context: &Context, arguments: VerifyArguments) -> Result<(), Failure> {
    let lake = context.open_lake().await?;
    let before = lake.requests();
    let mut lines = Lines::stdout();
    let mut unwritten: Option<OutputError> = None;
    let report = |note: VerifyNote| {
        let VerifyNote::Derived { object, reason, rebuilt } = note;
        let outcome = if rebuilt { "rebuilt" } else { "damaged, but not needed:" };
        let line = visible(&format!("{outcome} {object}: {reason}"));
        if unwritten.is_none() {
            unwritten = lines.put(&line).err();
        }
    };
    let summary = context.reading(lake.verify(arguments.deep, report)).await??;
    context.note_requests("verify", &lake, before);
    if let Some(error) = unwritten {
        return Err(Failure::Output(error));
    }
    let depth = if arguments.deep { "every byte" } else { "frozen segments not read; --deep reads them too" };
    lines.put(&format!(
        "no damage: {} slots, {} versions, {} segments, {} bytes ({depth})",
        summary.slots, summary.versions, summary.segments, summary.bytes
    ))?;
    Ok(())
}
