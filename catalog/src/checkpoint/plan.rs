//! Which runs a checkpoint writes, and which older ones it keeps.

use super::{Index, Run};

/// How many runs of one level are merged into one of the next.
const FAN: usize = 4;

/// The relations of the catalog, as checkpoints divide them. The numbers are written into indexes and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RelationKind {
    /// Transactions.
    Commits = 1,
    /// Schemas, tables, columns, views, tags, settings, epochs and kills.
    Facts = 2,
    /// Segments in their places.
    Segments = 3,
}

impl RelationKind {
    pub(crate) const ALL: [Self; 3] = [Self::Commits, Self::Facts, Self::Segments];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == number)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Commits => "commits",
            Self::Facts => "facts",
            Self::Segments => "segments",
        }
    }
}

/// A run to write: the facts of a relation that changed after a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedRun {
    pub(crate) relation: RelationKind,
    pub(crate) level: u32,
    pub(crate) after: u64,
}

/// What a checkpoint after `previous` keeps and writes. Each relation gets one new run.
///
/// The new run takes in the newest runs while there are [`FAN`] of a level, itself included.
pub(crate) fn plan_runs(previous: Option<&Index>) -> (Vec<Run>, Vec<PlannedRun>) {
    let (mut kept, mut planned) = (Vec::new(), Vec::new());
    let base = previous.and_then(|index| index.head.version).map_or(0, crate::id::Version::number);
    for relation in RelationKind::ALL {
        let runs = previous.map(|index| index.runs.as_slice()).unwrap_or_default();
        let mut runs: Vec<Run> = runs.iter().filter(|run| run.relation == relation).cloned().collect();
        let mut new = PlannedRun { relation, level: 0, after: base };
        loop {
            let of_level = runs.iter().rev().take_while(|run| run.level == new.level).count();
            if of_level < FAN - 1 {
                break;
            }
            for run in runs.split_off(runs.len() - of_level) {
                new.after = new.after.min(run.after);
            }
            new.level += 1;
        }
        kept.extend(runs);
        planned.push(new);
    }
    (kept, planned)
}
