//! Windows of a table's segments: the catalog says which segments moved, and only of those is anything read.

use std::sync::Arc;

use frostline_catalog::{Dead, ObjectId, Placed, Version};
use frostline_engine::Positions;

use super::plan::is_fresh;
use super::row_set::RowSet;
use super::timeline::{Phase, Presence, added, cut, existence, phases, since};
use super::window::{Step, Window};
use crate::context::Context;
use crate::error::Error;

/// Which segments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Those that show other rows at the end than at the begin.
    Ends,
    /// If rows went, those too that had rows in between which may be later versions of them.
    Passing,
    /// Those that some version in between changed, too.
    Steps,
}

/// A segment whose dead rows are not decoded yet.
struct Draft {
    placed: Placed,
    before: Presence,
    after: Vec<Phase>,
    /// Whether it shows the same rows at the end as at the begin.
    is_passing: bool,
}

/// How the dead rows of a phase are known.
enum Known {
    /// The table has nothing of the segment.
    Absent,
    /// No row is dead.
    Whole,
    /// Those of the phase before, and these.
    More(Option<Arc<Dead>>),
    /// These.
    These(Arc<Dead>),
}

impl Known {
    fn of(presence: &Presence, earlier: &Presence) -> Self {
        match (presence, earlier) {
            (Presence::Absent, _) => Self::Absent,
            (Presence::There(None), _) => Self::Whole,
            (Presence::There(Some(dead)), Presence::There(Some(before))) => match added(before, dead) {
                Some(more) => Self::More(more),
                None => Self::These(Arc::clone(dead)),
            },
            (Presence::There(Some(dead)), _) => Self::These(Arc::clone(dead)),
        }
    }

    /// What has to be decoded.
    fn block(&self) -> Option<&Arc<Dead>> {
        match self {
            Self::Absent | Self::Whole | Self::More(None) => None,
            Self::More(Some(dead)) | Self::These(dead) => Some(dead),
        }
    }
}

/// The segments of a table that moved after `from`, up to `to`, in the order of their placements. Without `from`, the
/// table has nothing before the window.
pub(super) async fn windows(
    context: &Context,
    table: ObjectId,
    from: Option<Version>,
    to: Version,
    interest: Interest,
) -> Result<Vec<Window>, Error> {
    let drafts = drafts(context, table, from, to, interest)?;
    let mut all: Vec<(Draft, Vec<Known>)> = Vec::with_capacity(drafts.len());
    let mut wanted: Vec<Arc<Dead>> = Vec::new();
    for draft in drafts {
        let mut earlier = &Presence::Absent;
        let mut known: Vec<Known> = Vec::with_capacity(draft.after.len() + 1);
        for presence in std::iter::once(&draft.before).chain(draft.after.iter().map(|phase| &phase.presence)) {
            known.push(Known::of(presence, earlier));
            earlier = presence;
        }
        wanted.extend(known.iter().filter_map(Known::block).map(Arc::clone));
        all.push((draft, known));
    }
    let mut decoded = context.lake.dead_positions_all(&wanted).await?.into_iter();
    let mut windows: Vec<Window> = Vec::with_capacity(all.len());
    for (draft, known) in all {
        let mut steps: Vec<Step> = Vec::with_capacity(draft.after.len());
        let mut blocks = known.iter().map(|known| {
            // They come in the order in which they were asked for.
            let block = known.block().and_then(|_| decoded.next());
            (known, block)
        });
        let mut living = RowSet::none();
        if let Some((known, block)) = blocks.next() {
            change(&mut living, known, block.as_deref());
        }
        let before = living.clone();
        for (phase, (known, block)) in draft.after.iter().zip(blocks) {
            let (came, went) = change(&mut living, known, block.as_deref());
            steps.push(Step { version: phase.begin, came, went });
        }
        windows.push(Window { placed: draft.placed, before, steps });
    }
    Ok(windows)
}

/// Which rows come and which go where a phase begins, given those that live until then and what was decoded for it.
fn change(living: &mut RowSet, known: &Known, block: Option<&Positions>) -> (RowSet, RowSet) {
    let dead = || block.cloned().unwrap_or_default();
    let now = match known {
        Known::More(_) => {
            let went = RowSet::Only(dead());
            living.remove(&went);
            return (RowSet::none(), went);
        }
        Known::Absent => RowSet::none(),
        Known::Whole | Known::These(_) => RowSet::AllBut(dead()),
    };
    let moved = (now.minus(living), living.minus(&now));
    *living = now;
    moved
}

fn drafts(
    context: &Context,
    table: ObjectId,
    from: Option<Version>,
    to: Version,
    interest: Interest,
) -> Result<Vec<Draft>, Error> {
    let existence = existence(context.state.tables().of(&table));
    let mut drafts: Vec<Draft> = Vec::new();
    let mut goes = false;
    for life in context.state.segment_lives(table, to)? {
        let (before, after) = cut(phases(&life.spans, &existence), from, to);
        let Some(last) = after.last() else { continue };
        let is_passing = last.presence == before;
        let is_of_interest = match interest {
            Interest::Ends => !is_passing,
            Interest::Passing => !is_passing || from.is_none_or(|from| !is_fresh(life.placed, from)),
            Interest::Steps => true,
        };
        if !is_of_interest {
            continue;
        }
        goes |= !is_passing && before != Presence::Absent;
        let placed: Placed = life.placed.clone();
        drafts.push(match since(&before, &after) {
            Some(told) => Draft { placed, before: Presence::There(None), after: told, is_passing },
            None => Draft { placed, before, after, is_passing },
        });
    }
    if interest == Interest::Passing && !goes {
        drafts.retain(|draft| !draft.is_passing);
    }
    Ok(drafts)
}
