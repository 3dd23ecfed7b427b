//! The digest of a state in three parts, one for each relation that a checkpoint keeps.

use super::{FactKind, StoredFact};
use crate::digest::StateDigest;

/// The digests of a state's commits, of its small facts, and of its segments in their places.
///
/// * Together they are the digest that records carry.
/// * Each can be compared alone with what was read of its relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RelationDigests {
    pub(crate) commits: StateDigest,
    pub(crate) facts: StateDigest,
    pub(crate) segments: StateDigest,
}

impl RelationDigests {
    /// Adds a fact.
    pub(super) fn add(&mut self, fact: &StoredFact) {
        self.part(fact.kind).add(&fact.digest_bytes());
    }

    /// Takes a fact away.
    pub(super) fn remove(&mut self, fact: &StoredFact) {
        self.part(fact.kind).remove(&fact.digest_bytes());
    }

    /// The digest of all facts.
    pub(crate) fn total(self) -> StateDigest {
        self.commits.plus(self.facts).plus(self.segments)
    }

    fn part(&mut self, kind: FactKind) -> &mut StateDigest {
        match kind {
            FactKind::Commit => &mut self.commits,
            FactKind::Schema
            | FactKind::Table
            | FactKind::Column
            | FactKind::View
            | FactKind::Tag
            | FactKind::Setting
            | FactKind::Epoch
            | FactKind::Kill => &mut self.facts,
            FactKind::Segment | FactKind::Placement => &mut self.segments,
        }
    }
}
