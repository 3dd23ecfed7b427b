//! Windows of a table's segments: the catalog says which segments moved, and only of those is anything read.

use std::sync::Arc;

use frostline_catalog::{Dead, ObjectId, Placed, Version};
use frostline_engine::Positions;

use super::row_set::RowSet;
use super::timeline::{Phase, Presence, added, cut, existence, phases, since};
use super::window::Window;
use crate::context::Context;
use crate::error::Error;

/// Which segments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Those that show other rows at the end than at the begin.
    Ends,
    /// Those that some version in between changed, too.
    Steps,
}

/// A segment whose dead rows are not decoded yet.
struct Draft {
    placed: Placed,
    before: Presence,
    after: Vec<Phase>,
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
        let mut sets: Vec<RowSet> = Vec::with_capacity(known.len());
        let mut dead = Positions::new();
        for known in &known {
            // Blocks come in the order in which they were asked for.
            let block = known.block().and_then(|_| decoded.next());
            match known {
                Known::Absent => {
                    sets.push(RowSet::none());
                    continue;
                }
                Known::Whole => dead = Positions::new(),
                Known::More(_) => {
                    if let Some(block) = &block {
                        dead.union_with(block);
                    }
                }
                Known::These(_) => dead = block.as_deref().map_or_else(Positions::new, Positions::clone),
            }
            sets.push(RowSet::AllBut(dead.clone()));
        }
        let mut sets = sets.into_iter();
        let before = sets.next().unwrap_or_else(RowSet::none);
        let steps = draft.after.iter().map(|phase| phase.begin).zip(sets).collect();
        windows.push(Window { placed: draft.placed, before, steps });
    }
    Ok(windows)
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
    for life in context.state.segment_lives(table, to)? {
        let (before, after) = cut(phases(&life.spans, &existence), from, to);
        let Some(last) = after.last() else { continue };
        if interest == Interest::Ends && last.presence == before {
            continue;
        }
        let placed: Placed = life.placed.clone();
        drafts.push(match since(&before, &after) {
            Some(told) => Draft { placed, before: Presence::There(None), after: told },
            None => Draft { placed, before, after },
        });
    }
    Ok(drafts)
}
