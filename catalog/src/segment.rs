//! Segments: immutable sets of rows, described once for the whole lake, and placements, which say where they are.

use crate::digest::Digest;
use crate::id::{BranchId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::interval::Interval;

/// Where a payload block of the ledger is, and what its bytes must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockRef {
    /// The slot that carries the block.
    pub slot: Slot,
    /// The block's place among the slot's blocks, from 0.
    pub index: u32,
    /// Its length as stored, in bytes.
    pub length_bytes: u64,
    /// The SHA-256 of its bytes as stored.
    pub sha256: Digest,
}

/// A Parquet object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenObject {
    /// Its key in the store.
    pub key: String,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of the whole object.
    pub sha256: Digest,
    /// How many bytes at its end hold the footer and the page index.
    pub tail_bytes: u64,
}

/// Where a segment's rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Arrow IPC in a payload block.
    Hot {
        /// The block.
        rows: BlockRef,
    },
    /// A Parquet object.
    Frozen {
        /// The object.
        object: FrozenObject,
        /// The block that holds a digest for each part of the object.
        digests: BlockRef,
        /// The block that holds the columns' statistics.
        statistics: BlockRef,
    },
}

/// Which ids a segment's rows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowIds {
    /// The first row has this one; the others count on from there.
    From(RowId),
    /// Each row carries its own, in the column whose field id is [`ROW_ID_FIELD`](crate::schema::ROW_ID_FIELD).
    Stored,
}

impl RowIds {
    /// The id of the first row; `None` if only the rows themselves say it.
    pub const fn first(self) -> Option<RowId> {
        match self {
            Self::From(first) => Some(first),
            Self::Stored => None,
        }
    }
}

/// An immutable set of rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The table whose columns' field ids its rows carry.
    pub table: ObjectId,
    /// How many rows it has, at least 1.
    pub rows: u64,
    /// The ids of its rows.
    pub row_ids: RowIds,
    /// Where the rows are.
    pub storage: Storage,
}

impl Segment {
    /// How many bytes its rows take in the store.
    pub fn size_bytes(&self) -> u64 {
        match &self.storage {
            Storage::Hot { rows } => rows.length_bytes,
            Storage::Frozen { object, .. } => object.size_bytes,
        }
    }

    /// Whether its rows are in the ledger.
    pub fn is_hot(&self) -> bool {
        matches!(self.storage, Storage::Hot { .. })
    }
}

/// That a segment belongs to a table, and at which versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its id.
    pub id: PlacementId,
    /// The branch.
    pub branch: BranchId,
    /// The table.
    pub table: ObjectId,
    /// The segment.
    pub segment: SegmentId,
    /// When it holds, unless the table ended or began anew: only [`State`](crate::State) knows what a table's rows are.
    pub interval: Interval,
}

/// A table as it was at a version: what an epoch of a table may begin from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableVersion {
    /// The table.
    pub table: ObjectId,
    /// The version.
    pub version: Version,
}
