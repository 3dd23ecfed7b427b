//! `frostline config`: the settings, and where they come from.

use super::lines::Lines;
use crate::args::{ConfigAction, ConfigArguments};
use crate::context::Context;
use crate::exit::Failure;

/// Shows the settings, which were resolved before this command began.
pub(crate) fn run(context: &Context, arguments: &ConfigArguments) -> Result<(), Failure> {
    let ConfigAction::Show { origin, .. } = &arguments.action;
    let mut lines = Lines::stdout();
    for line in context.config.show(*origin).lines() {
        lines.put(line)?;
    }
    Ok(())
}
