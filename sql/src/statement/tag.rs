//! CREATE TAG and DROP TAG.

use frostline_catalog::transaction::Proposal;
use frostline_catalog::{BranchId, Name};

use super::Work;
use super::name::plain;
use crate::context::Context;
use crate::error::Error;
use crate::instant::{InstantError, parse_instant};
use crate::parse::{CreateTag, DropTag};
use crate::session::Commit;

pub(super) fn create(context: &Context, create: &CreateTag) -> Result<Work, Error> {
    let name = plain(&create.name)?;
    check(context, &name)?;
    if tag_exists(context, &name) {
        return match create.if_not_exists {
            true => Ok(Work::no_change(context)),
            false => Err(Error::statement(format!("tag `{name}` exists already, and tags never move"))
                .with_hint("DROP TAG takes the name away; its version stays")),
        };
    }
    let version = match &create.as_of {
        Some(clause) => context.resolve_version(clause)?,
        None if context.in_transaction => {
            return Err(Error::statement(
                "in a transaction, CREATE TAG needs AS OF: its own version has no number yet",
            )
            .with_hint("create the tag behind COMMIT, or name a committed version"));
        }
        None => context.visible,
    };
    let summary = format!("create tag {name} for version {version}");
    Ok(Work::Commit(Commit::of("create tag", summary, vec![Proposal::CreateTag { name, version }])))
}

pub(super) fn drop(context: &Context, drop: &DropTag) -> Result<Work, Error> {
    let name = plain(&drop.name)?;
    if !tag_exists(context, &name) {
        let known = context.state.tags().all_at(context.visible).map(|(tag, _)| tag.as_str());
        return match (drop.if_exists, frostline_catalog::nearest(name.as_str(), known)) {
            (true, _) => Ok(Work::no_change(context)),
            (false, Some(nearest)) => {
                Err(Error::statement(format!("tag `{name}` does not exist; did you mean `{nearest}`?")))
            }
            (false, None) => Err(Error::statement(format!("tag `{name}` does not exist"))),
        };
    }
    let summary = format!("drop tag {name}");
    Ok(Work::Commit(Commit::of("drop tag", summary, vec![Proposal::DropTag { name }])))
}

fn tag_exists(context: &Context, name: &Name) -> bool {
    context.state.tags().at(name, context.visible).is_some()
}

/// A tag must not read as a number, a date or a timestamp, nor bear a branch's name: a tag made later would change
/// what an older query means.
fn check(context: &Context, name: &Name) -> Result<(), Error> {
    let text = name.as_str();
    let refused = |what: &str| {
        Err(Error::statement(format!("a tag cannot be called `{name}`: it reads as {what}"))
            .with_hint("put a word before it, as in `close-2013-07-10`"))
    };
    if text == BranchId::MAIN.name() {
        return Err(Error::statement(format!("a tag cannot be called `{name}`: it is the name of a branch")));
    }
    if text.trim().parse::<f64>().is_ok() {
        return refused("a number");
    }
    // A time that the clock showed twice or never in this zone is one in others.
    if !matches!(parse_instant(text, context.zone), Err(InstantError::Text { .. })) {
        return refused("a date or timestamp");
    }
    Ok(())
}
