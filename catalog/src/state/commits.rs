//! The commits of a lake, of which the older ones may still be sealed in a checkpoint.

use std::sync::Arc;

use imbl::{OrdMap, Vector};

use super::Commit;
use crate::checkpoint::{SealedCommits, SealedError};
use crate::digest::Digest;
use crate::id::{CommitId, Version};
use crate::time::Micros;

/// The commits of a state, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Commits<'a> {
    sealed: &'a [Commit],
    tail: &'a Vector<Commit>,
}

impl<'a> Commits<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.sealed.len() + self.tail.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.tail.is_empty()
    }

    /// Them, oldest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'a Commit> {
        self.sealed.iter().chain(self.tail.iter())
    }
}

/// Every commit: those of the checkpoint that a state was restored from, and those after it.
///
/// * What concerns the tail alone is answered without decoding the sealed part.
/// * Cloning shares everything.
#[derive(Clone, Debug, Default)]
pub(super) struct CommitLog {
    sealed: Option<Arc<SealedCommits>>,
    tail: Vector<Commit>,
    /// Where in the tail the newest commit with an id is.
    places: OrdMap<CommitId, usize>,
}

impl CommitLog {
    /// The commits of a checkpoint.
    pub(super) fn from_sealed(sealed: SealedCommits) -> Self {
        Self { sealed: Some(Arc::new(sealed)), ..Self::default() }
    }

    /// Every commit.
    pub(super) fn all(&self) -> Result<Commits<'_>, SealedError> {
        self.with_sealed_if(|_| true)
    }

    /// The commits after a version, newest first.
    pub(super) fn after(&self, version: Version) -> Result<impl Iterator<Item = &Commit>, SealedError> {
        let commits = self.with_sealed_if(|sealed| sealed.last() > version)?;
        Ok(commits.iter().rev().take_while(move |commit| commit.version > version))
    }

    /// The newest commit with an id, if it was written at an instant or later.
    pub(super) fn with_id(&self, commit_id: CommitId, since: Micros) -> Result<Option<&Commit>, SealedError> {
        let in_tail = self.places.get(&commit_id).and_then(|place| self.tail.get(*place));
        let found = match (in_tail, &self.sealed) {
            (None, Some(sealed)) if sealed.wall_time() >= since => sealed.with_id(commit_id)?,
            (found, _) => found,
        };
        Ok(found.filter(|commit| commit.wall_time >= since))
    }

    /// The commit that made a version.
    pub(super) fn of(&self, version: Version) -> Result<Option<&Commit>, SealedError> {
        let place = |number: u64| usize::try_from(number).ok()?.checked_sub(1);
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.last().number());
        match &self.sealed {
            Some(part) if version.number() <= sealed => {
                let commits = part.commits()?;
                Ok(place(version.number()).and_then(|place| commits.get(place)))
            }
            _ => Ok(place(version.number() - sealed).and_then(|place| self.tail.get(place))),
        }
    }

    /// The last commit that counts as made by an instant. Commits without a commit time count as made before all.
    pub(super) fn made_by(&self, time: Micros) -> Result<Option<&Commit>, SealedError> {
        let made = |commit: &Commit| commit.commit_time.is_none_or(|at| at <= time);
        let (mut low, mut high) = (0, self.tail.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.tail.get(middle).is_some_and(made) { low = middle + 1 } else { high = middle }
        }
        if let Some(found) = low.checked_sub(1).and_then(|place| self.tail.get(place)) {
            return Ok(Some(found));
        }
        let Some(part) = &self.sealed else { return Ok(None) };
        let commits = part.commits()?;
        Ok(commits.partition_point(made).checked_sub(1).and_then(|place| commits.get(place)))
    }

    /// Adds the next commit.
    pub(super) fn push(&mut self, commit: Commit) {
        self.places.insert(commit.commit_id, self.tail.len());
        self.tail.push_back(commit);
    }

    /// Gives the newest commits, all of which are new, the hash of the record that carries them.
    pub(super) fn set_hash(&mut self, newest: usize, hash: Digest) {
        let count = self.tail.len();
        for place in count.saturating_sub(newest)..count {
            if let Some(commit) = self.tail.get_mut(place) {
                commit.hash = hash;
            }
        }
    }

    /// The commits that are not sealed, oldest first.
    pub(super) fn tail(&self) -> impl Iterator<Item = &Commit> {
        self.tail.iter()
    }

    /// The sealed commits after a version, decoded for this once.
    pub(super) fn read_sealed(&self, after: u64) -> Result<Vec<Commit>, SealedError> {
        self.sealed.as_ref().map_or_else(|| Ok(Vec::new()), |sealed| sealed.read_after(after))
    }

    /// Every commit, but those of the sealed part only if it is needed.
    fn with_sealed_if(&self, needed: impl Fn(&SealedCommits) -> bool) -> Result<Commits<'_>, SealedError> {
        let sealed: &[Commit] = match &self.sealed {
            Some(part) if needed(part) => part.commits()?,
            _ => &[],
        };
        Ok(Commits { sealed, tail: &self.tail })
    }

    #[cfg(test)]
    pub(super) fn is_decoded(&self) -> bool {
        self.sealed.as_ref().is_some_and(|sealed| sealed.is_decoded())
    }
}
