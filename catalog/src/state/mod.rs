//! The catalog: every fact of the lake, with the versions at which it holds.
//!
//! A [`State`] is an immutable value and a pure function of the ledger's records. [`State::apply`] gives the next one;
//! both share what did not change, so a clone costs nothing and a commit costs what it changes.
//!
//! * `AS OF v` is the filter `begin <= v < end`: no replay, the same cost for every version.
//! * What rows a table has at a version, [`State::live_segments`] says: by placements, epochs and kills.
//! * Each state has a digest of all its facts, which every record carries: a state that was derived wrongly is found.
//! * The commits and segments of the checkpoint that a state was restored from are decoded when they are first looked
//!   at. Whatever may have to look at them returns a [`SealedError`](crate::SealedError) if that fails.

mod apply;
mod commits;
mod dead;
mod define;
mod digests;
mod epochs;
mod fact;
mod history;
mod kills;
mod live;
mod lives;
mod names;
mod query;
mod restore;
mod segments;

use imbl::OrdMap;

pub use apply::ApplyError;
pub use commits::Commits;
pub use dead::Dead;
pub use history::{Fact, History};
pub use kills::Kill;
pub use live::{Live, LiveSegments};
pub use lives::{SegmentLife, Span};
pub use query::{Relation, RelationId};
pub use segments::{Placed, TableSegments};

pub(crate) use digests::RelationDigests;
pub(crate) use fact::{FactKind, StoredFact};
pub(crate) use restore::Restore;
pub(crate) use segments::SegmentSummary;

use commits::CommitLog;
use kills::Kills;
use names::Names;

use crate::change::TableCount;
use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, CommitId, FieldId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::name::Name;
use crate::schema::{Column, Table, View};
use crate::segment::TableVersion;
use crate::time::Micros;

/// The last record that a state has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its slot; 0 before the first.
    pub slot: Slot,
    /// Its hash; zeros before the first.
    pub hash: Digest,
    /// The newest version; `None` before the first.
    pub version: Option<Version>,
    /// The greatest wall time of an entry.
    pub wall_time: Micros,
}

/// The next number of each kind that the lake counts. They never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Schemas, tables and views.
    pub object: ObjectId,
    /// Segments.
    pub segment: SegmentId,
    /// Placements.
    pub placement: PlacementId,
    /// Rows.
    pub row: RowId,
}

/// A transaction as the catalog remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// The version it made.
    pub version: Version,
    /// The branch it was made on.
    pub branch: BranchId,
    /// The slot that carries it.
    pub slot: Slot,
    /// The hash of that slot's record; zeros while the record is being written.
    pub hash: Digest,
    /// Its identity.
    pub commit_id: CommitId,
    /// The digest of what was asked, if the caller chose the commit id.
    pub request: Option<Digest>,
    /// The version it was decided on.
    pub base: Option<Version>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub message: String,
    /// What kind of statement made it.
    pub operation: String,
    /// When it was made.
    pub wall_time: Micros,
    /// When it counts as made, for `AS OF TIMESTAMP`.
    pub commit_time: Option<Micros>,
    /// What it did to each table's rows.
    pub tables: Vec<TableCount>,
    /// What else was said of it, in the order given.
    pub properties: Vec<(String, String)>,
}

impl Commit {
    /// Rows it added, over all tables.
    pub fn rows_added(&self) -> u64 {
        self.tables.iter().fold(0, |rows: u64, count| rows.saturating_add(count.added))
    }

    /// Rows it took away, over all tables.
    pub fn rows_removed(&self) -> u64 {
        self.tables.iter().fold(0, |rows: u64, count| rows.saturating_add(count.removed))
    }
}

/// A column and its place among its table's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedColumn {
    /// The column.
    pub column: Column,
    /// Its place; later columns have greater ones, and places of dropped columns stay empty.
    pub ordinal: u32,
}

/// How many rows a table has at the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) rows: u64,
    /// The last version that changed its rows, if only by counting them again.
    pub(crate) since: Version,
}

/// Every fact of a lake up to its head.
#[derive(Clone, Debug)]
pub struct State {
    lake: LakeId,
    head: Head,
    counters: Counters,
    digests: RelationDigests,
    commit_times: OrdMap<BranchId, Micros>,
    totals: OrdMap<ObjectId, Total>,
    commits: CommitLog,
    schemas: History<ObjectId, Name>,
    tables: History<ObjectId, Table>,
    columns: History<(ObjectId, FieldId), PlacedColumn>,
    views: History<ObjectId, View>,
    tags: History<Name, Version>,
    settings: History<String, String>,
    names: Names,
    segments: OrdMap<ObjectId, TableSegments>,
    epochs: History<ObjectId, Option<TableVersion>>,
    kills: Kills,
}

impl State {
    /// The state before the first record.
    pub fn genesis(lake: LakeId) -> Self {
        Self {
            lake,
            head: Head { slot: Slot::new(0), hash: Digest::ZERO, version: None, wall_time: Micros::new(i64::MIN) },
            counters: Counters {
                object: ObjectId::new(1),
                segment: SegmentId::new(1),
                placement: PlacementId::new(1),
                row: RowId::new(0),
            },
            digests: RelationDigests::default(),
            commit_times: OrdMap::new(),
            totals: OrdMap::new(),
            commits: CommitLog::default(),
            schemas: History::default(),
            tables: History::default(),
            columns: History::default(),
            views: History::default(),
            tags: History::default(),
            settings: History::default(),
            names: Names::default(),
            segments: OrdMap::new(),
            epochs: History::default(),
            kills: Kills::default(),
        }
    }

    /// The lake.
    pub fn lake(&self) -> LakeId {
        self.lake
    }

    /// The last record seen.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The next numbers.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The digest of every fact.
    pub fn digest(&self) -> StateDigest {
        self.digests.total()
    }

    /// The digests of the facts of each relation.
    pub(crate) fn digests(&self) -> RelationDigests {
        self.digests
    }
}

#[cfg(test)]
mod epoch_tests;
#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod sealed_tests;
#[cfg(test)]
mod tests;
