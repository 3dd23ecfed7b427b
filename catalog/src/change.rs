//! What the ledger says: records of entries, entries of changes.

use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, CommitId, FieldId, LakeId, ObjectId, PlacementId, SegmentId, Slot, Version};
use crate::name::Name;
use crate::schema::{Column, Table, View};
use crate::segment::{BlockRef, Segment, TableVersion};
use crate::time::Micros;

/// One object of the ledger, without its payload blocks.
///
/// * It never holds a row's values: those are in payload blocks, which the record names by length and digest.
/// * Its hash is the SHA-256 of its bytes as stored; they are never encoded again.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What a reader must know to read it rightly. A reader that does not know one of these refuses the record.
    pub features: Vec<String>,
    /// The lake.
    pub lake: LakeId,
    /// Its number.
    pub slot: Slot,
    /// The hash of the record before it; zeros in slot 1.
    pub previous: Digest,
    /// One or more transactions, with consecutive versions; none in a slot that only kills an uncertain commit.
    pub entries: Vec<Entry>,
    /// The payload blocks that follow the record in its slot, in order.
    pub blocks: Vec<BlockHeader>,
    /// The digest of the catalog's state after the record.
    pub state: StateDigest,
}

/// What a payload block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Its length as stored, in bytes.
    pub length_bytes: u64,
    /// The SHA-256 of its bytes as stored.
    pub sha256: Digest,
}

/// One transaction: a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The version it makes.
    pub version: Version,
    /// The branch it is made on.
    pub branch: BranchId,
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
    /// What kind of statement made it, in lower case: `insert`, `create table`.
    pub operation: String,
    /// When it was made. Never decreases along the ledger.
    pub wall_time: Micros,
    /// When it counts as made, for `AS OF TIMESTAMP`. Increases along a branch; the first version has none.
    pub commit_time: Option<Micros>,
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// What it did to each table's rows, by table id.
    pub tables: Vec<TableCount>,
    /// What else is said of it, in the order given.
    pub properties: Vec<(String, String)>,
}

/// What an entry did to one table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableCount {
    /// The table.
    pub table: ObjectId,
    /// Rows it added.
    pub added: u64,
    /// Rows it took away.
    pub removed: u64,
    /// Rows of the table after it.
    pub total: u64,
}

/// A decided change of the catalog. Reading a record, a kind that is not one of these is an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A schema begins, or one that has ended begins again.
    CreateSchema {
        /// Its id.
        schema: ObjectId,
        /// Its name.
        name: Name,
    },
    /// A schema ends. It holds nothing.
    DropSchema {
        /// Its id.
        schema: ObjectId,
    },
    /// A table begins. One that has ended begins again: without rows, in an epoch of its own.
    CreateTable {
        /// Its id.
        table: ObjectId,
        /// What it is.
        definition: Table,
        /// Its columns, in order.
        columns: Vec<Column>,
    },
    /// A table ends, and its columns with it.
    DropTable {
        /// Its id.
        table: ObjectId,
    },
    /// A column begins, after the others.
    AddColumn {
        /// The table.
        table: ObjectId,
        /// The column.
        column: Column,
        /// The field id that the table's next column gets.
        next_field: FieldId,
    },
    /// A column ends.
    DropColumn {
        /// The table.
        table: ObjectId,
        /// The column.
        field: FieldId,
    },
    /// A column changes its name.
    RenameColumn {
        /// The table.
        table: ObjectId,
        /// The column.
        field: FieldId,
        /// The new name.
        name: Name,
    },
    /// A view begins, or one that has ended begins again.
    CreateView {
        /// Its id.
        view: ObjectId,
        /// What it is.
        definition: View,
    },
    /// A view ends.
    DropView {
        /// Its id.
        view: ObjectId,
    },
    /// A version gets a name.
    CreateTag {
        /// The name.
        name: Name,
        /// The version it stands for.
        version: Version,
    },
    /// A name of a version ends.
    DropTag {
        /// The name.
        name: Name,
    },
    /// A setting of the lake gets a value, or its default again.
    SetSetting {
        /// The setting.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// A segment exists.
    AddSegment {
        /// What it is.
        segment: Segment,
    },
    /// A segment belongs to a table from this version on. It was added in the same entry.
    Place {
        /// The placement's id.
        placement: PlacementId,
        /// The table.
        table: ObjectId,
        /// The segment.
        segment: SegmentId,
    },
    /// Rows of a segment are in a table no more.
    KillRows {
        /// The table.
        table: ObjectId,
        /// The segment.
        segment: SegmentId,
        /// How many die, at least 1.
        rows: u64,
        /// The block with their positions; `None` if all die that lived until then.
        positions: Option<BlockRef>,
    },
    /// A table begins anew, from nothing or from what a table was at a version. What the entry placed and killed in the
    /// table before that never was; of two in one entry, the later counts.
    BeginEpoch {
        /// The table.
        table: ObjectId,
        /// What it begins from, decided before this version.
        base: Option<TableVersion>,
    },
    /// A table gets another definition: its name, schema, comment, options, sort key or constraints.
    SetTable {
        /// The table.
        table: ObjectId,
        /// What it is from now on.
        definition: Table,
    },
    /// A column gets another definition, or begins, or begins again.
    SetColumn {
        /// The table.
        table: ObjectId,
        /// What it is from now on.
        column: Column,
        /// Its place among the table's columns.
        ordinal: u32,
    },
    /// A view gets another definition.
    SetView {
        /// The view.
        view: ObjectId,
        /// What it is from now on.
        definition: View,
    },
    /// A schema gets another name.
    SetSchema {
        /// The schema.
        schema: ObjectId,
        /// The new name.
        name: Name,
    },
}
