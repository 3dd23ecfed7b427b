//! The large parts of a checkpoint: read and checked when a lake is opened, decoded when they are first asked for.
//!
//! * A sealed part is immutable and shared by all states that come after it. It is decoded at most once, whoever asks.
//! * What most statements ask is answered without decoding: how many commits there are, their newest times, and how
//!   many rows each table has in segments of each kind. The index of the checkpoint says so.
//! * What is decoded is compared with what the index says. A part that differs, or cannot be decoded although its
//!   digest is right, gives an error and never a row.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use thiserror::Error;

use super::runs::{decode_commits, decode_segments};
use super::{Index, RelationKind, Run};
use crate::id::{BranchId, CommitId, ObjectId, Slot, Version};
use crate::state::{Commit, Placed, SegmentSummary};
use crate::time::Micros;

/// Why a sealed part of a checkpoint cannot be used. Its bytes are those that the index names, so whoever wrote them
/// was mistaken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealedError {
    /// A run is no run.
    #[error("`{key}` cannot be decoded, though its digest is right; {}", REMEDY)]
    Run {
        /// The run's key.
        key: String,
    },
    /// The runs of a relation are not what the index says of them.
    #[error("the {relation} of the checkpoint at slot {slot} are not what its index says; {}", REMEDY)]
    Contradiction {
        /// The relation.
        relation: &'static str,
        /// The slot of the checkpoint.
        slot: Slot,
    },
}

const REMEDY: &str = "remove the folder `checkpoints/`, and the lake is read from its slots";

impl SealedError {
    fn contradiction(relation: RelationKind, slot: Slot) -> Self {
        Self::Contradiction { relation: relation.name(), slot }
    }
}

/// A run whose bytes have the digest that the index says.
#[derive(Clone)]
pub(crate) struct SealedRun {
    pub(crate) run: Run,
    pub(crate) bytes: Bytes,
}

impl fmt::Debug for SealedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRun").field("run", &self.run).field("bytes", &self.bytes.len()).finish()
    }
}

/// The commits of a checkpoint: those of version 1 up to its own.
#[derive(Debug)]
pub(crate) struct SealedCommits {
    runs: Vec<SealedRun>,
    slot: Slot,
    last: Version,
    wall_time: Micros,
    commit_times: BTreeMap<BranchId, Micros>,
    decoded: OnceLock<Result<Vec<Commit>, SealedError>>,
    /// Where among the decoded commits the newest one with an id is; made when it is first asked for.
    places: OnceLock<HashMap<CommitId, usize>>,
}

impl SealedCommits {
    /// The commits in these runs; `None` if the runs cannot hold every version once.
    pub(crate) fn try_new(runs: Vec<SealedRun>, index: &Index) -> Option<Self> {
        let last = index.head.version?;
        let mut versions: u64 = 0;
        for sealed in &runs {
            if sealed.run.after != versions {
                return None;
            }
            versions = versions.checked_add(sealed.run.rows)?;
        }
        let commit_times: BTreeMap<BranchId, Micros> = index.commit_times.iter().copied().collect();
        let sound = versions == last.number() && commit_times.len() == index.commit_times.len();
        let (slot, wall_time) = (index.head.slot, index.head.wall_time);
        let (decoded, places) = (OnceLock::new(), OnceLock::new());
        sound.then(|| Self { runs, slot, last, wall_time, commit_times, decoded, places })
    }

    /// The version of the last commit, which is also how many they are.
    pub(crate) fn last(&self) -> Version {
        self.last
    }

    /// The greatest wall time of a commit.
    pub(crate) fn wall_time(&self) -> Micros {
        self.wall_time
    }

    /// The commits, oldest first.
    pub(crate) fn commits(&self) -> Result<&[Commit], SealedError> {
        let decoded = self.decoded.get_or_init(|| self.decode());
        decoded.as_ref().map(Vec::as_slice).map_err(SealedError::clone)
    }

    /// The newest commit with an id.
    pub(crate) fn with_id(&self, commit_id: CommitId) -> Result<Option<&Commit>, SealedError> {
        let commits = self.commits()?;
        let places = self.places.get_or_init(|| {
            let ids = commits.iter().map(|commit| commit.commit_id);
            ids.zip(0..).collect::<HashMap<CommitId, usize>>()
        });
        Ok(places.get(&commit_id).and_then(|place| commits.get(*place)))
    }

    /// The commits after a version, decoded from the runs that hold them and not kept.
    pub(crate) fn read_after(&self, after: u64) -> Result<Vec<Commit>, SealedError> {
        if after >= self.last.number() {
            return Ok(Vec::new());
        }
        let mut commits = decode_all(runs_after(&self.runs, after), decode_commits)?;
        commits.retain(|commit| commit.version.number() > after);
        if self.is_complete(&commits, after) { Ok(commits) } else { Err(self.contradiction()) }
    }

    fn decode(&self) -> Result<Vec<Commit>, SealedError> {
        let commits = decode_all(&self.runs, decode_commits)?;
        let mut commit_times: BTreeMap<BranchId, Micros> = BTreeMap::new();
        for commit in &commits {
            commit_times.extend(commit.commit_time.map(|time| (commit.branch, time)));
        }
        let wall_time = commits.iter().map(|commit| commit.wall_time).max();
        let agrees = commit_times == self.commit_times && wall_time == Some(self.wall_time);
        if agrees && self.is_complete(&commits, 0) { Ok(commits) } else { Err(self.contradiction()) }
    }

    /// Whether commits are those of every version after one, in their order.
    fn is_complete(&self, commits: &[Commit], after: u64) -> bool {
        let dense = (after + 1..).zip(commits).all(|(number, commit)| commit.version.number() == number);
        dense && commits.len() as u64 == self.last.number() - after
    }

    fn contradiction(&self) -> SealedError {
        SealedError::contradiction(RelationKind::Commits, self.slot)
    }

    #[cfg(test)]
    pub(crate) fn is_decoded(&self) -> bool {
        self.decoded.get().is_some()
    }
}

/// The placements of one table in a checkpoint: hot and frozen apart, each in the order of their begin.
#[derive(Debug, Default)]
pub(crate) struct SealedTable {
    pub(crate) hot: Vec<Placed>,
    pub(crate) frozen: Vec<Placed>,
    summary: SegmentSummary,
}

/// The placements of a checkpoint, those of all tables.
#[derive(Debug)]
pub(crate) struct SealedSegments {
    runs: Vec<SealedRun>,
    slot: Slot,
    version: Version,
    summaries: BTreeMap<ObjectId, SegmentSummary>,
    decoded: OnceLock<Result<BTreeMap<ObjectId, SealedTable>, SealedError>>,
}

impl SealedSegments {
    /// The placements in these runs; `None` if the index contradicts itself.
    pub(crate) fn try_new(runs: Vec<SealedRun>, index: &Index) -> Option<Self> {
        let version = index.head.version?;
        let summaries: BTreeMap<ObjectId, SegmentSummary> = index.tables.iter().copied().collect();
        let in_order = runs.is_sorted_by(|one, next| one.run.after < next.run.after);
        let known = summaries.len() == index.tables.len() && summaries.values().all(|known| known.holds_at(version));
        let slot = index.head.slot;
        (in_order && known).then(|| Self { runs, slot, version, summaries, decoded: OnceLock::new() })
    }

    /// The placements of a table that has some.
    pub(crate) fn table(&self, table: ObjectId) -> Result<&SealedTable, SealedError> {
        match self.decoded.get_or_init(|| self.decode()) {
            Ok(tables) => tables.get(&table).ok_or_else(|| self.contradiction()),
            Err(error) => Err(error.clone()),
        }
    }

    /// The placements that began or ended after a version, in the order of their ids, decoded from the runs that hold
    /// them and not kept.
    pub(crate) fn read_after(&self, after: u64) -> Result<Vec<Placed>, SealedError> {
        if after >= self.version.number() {
            return Ok(Vec::new());
        }
        let mut placed = newest_by_id(decode_all(runs_after(&self.runs, after), decode_segments)?);
        placed.retain(|placed| placed.placement.interval.changed_after(after));
        Ok(placed)
    }

    fn decode(&self) -> Result<BTreeMap<ObjectId, SealedTable>, SealedError> {
        let placed = newest_by_id(decode_all(&self.runs, decode_segments)?);
        let mut tables: BTreeMap<ObjectId, SealedTable> = BTreeMap::new();
        for placed in placed {
            let table = tables.entry(placed.placement.table).or_default();
            table.summary.count(&placed);
            if placed.segment.is_hot() { table.hot.push(placed) } else { table.frozen.push(placed) }
        }
        let follows = |one: &Placed, next: &Placed| {
            let (one, next) = (&one.placement, &next.placement);
            one.segment < next.segment && one.interval.begin() <= next.interval.begin()
        };
        let sorted = |placed: &[Placed]| placed.is_sorted_by(follows);
        let in_order = tables.values().all(|table| sorted(&table.hot) && sorted(&table.frozen));
        let found = tables.iter().map(|(table, found)| (table, &found.summary));
        if in_order && found.eq(&self.summaries) { Ok(tables) } else { Err(self.contradiction()) }
    }

    fn contradiction(&self) -> SealedError {
        SealedError::contradiction(RelationKind::Segments, self.slot)
    }

    #[cfg(test)]
    pub(crate) fn is_decoded(&self) -> bool {
        self.decoded.get().is_some()
    }
}

/// What runs hold, one after the other.
fn decode_all<T>(runs: &[SealedRun], decode: fn(&Bytes) -> Option<Vec<T>>) -> Result<Vec<T>, SealedError> {
    let mut all: Vec<T> = Vec::new();
    for sealed in runs {
        let found = decode(&sealed.bytes).filter(|found| found.len() as u64 == sealed.run.rows);
        all.extend(found.ok_or_else(|| SealedError::Run { key: sealed.run.key.clone() })?);
    }
    Ok(all)
}

/// The runs that may hold what changed after a version. A run goes up to where the next one begins.
fn runs_after(runs: &[SealedRun], after: u64) -> &[SealedRun] {
    let first = runs.partition_point(|sealed| sealed.run.after <= after).saturating_sub(1);
    runs.get(first..).unwrap_or_default()
}

/// Each placement once, in the order of their ids, as the last run says it is.
fn newest_by_id(mut placed: Vec<Placed>) -> Vec<Placed> {
    let is_usual = placed.is_sorted_by(|one, next| one.placement.id < next.placement.id);
    if !is_usual {
        // Latest runs first: the sort keeps equal ids in their order, and of those the first stays.
        placed.reverse();
        placed.sort_by_key(|placed| placed.placement.id);
        placed.dedup_by_key(|placed| placed.placement.id);
    }
    placed
}
