//! What a writer wants: changes that have no ids yet, and the base they were decided on.
//!
//! A proposal names what its own transaction makes by a pending id: `ObjectId::pending(n)` is the n-th schema, table or
//! view that the transaction creates, `SegmentId::pending(n)` the n-th set of rows that it adds, both from 0, in the
//! order of the proposals. What begins again keeps its id and is not counted.

use bytes::Bytes;

use crate::digest::Digest;
use crate::id::{BranchId, CommitId, FieldId, ObjectId, SegmentId, Version};
use crate::name::Name;
use crate::schema::{Column, Constraint, SortKey, Table, View};
use crate::segment::{FrozenObject, TableVersion};
use crate::time::Micros;

/// One transaction, asked for.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The branch to write to.
    pub branch: BranchId,
    /// The version it was decided on.
    pub base: Version,
    /// Its identity.
    pub commit_id: CommitId,
    /// The digest of what was asked, if the caller chose the commit id and may ask again.
    pub request: Option<Digest>,
    /// Who makes it.
    pub author: String,
    /// Why.
    pub message: String,
    /// What kind of statement it is, in lower case: `insert`, `create table`.
    pub operation: String,
    /// The asserted commit time, where recorded history is replayed.
    pub commit_time: Option<Micros>,
    /// The tables and views it read. A change of a table's rows, or of a view's definition, since `base` is a conflict.
    pub reads: Vec<ObjectId>,
    /// What it changes, in order.
    pub changes: Vec<Proposal>,
    /// Payload blocks; proposals name them by their place here.
    pub blocks: Vec<Bytes>,
    /// What else is said of it, in the order given.
    pub properties: Vec<(String, String)>,
}

/// A table that a proposal speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableTarget {
    /// One that exists at the base, or by its pending id one that this transaction creates.
    Existing(ObjectId),
    /// The n-th table that this transaction creates, from 0.
    Created(usize),
}

/// A block of a transaction, by its place among the transaction's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockIndex(pub usize);

/// Rows to add.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Arrow IPC in a block.
    Hot {
        /// The block.
        rows: BlockIndex,
    },
    /// A Parquet object, uploaded already.
    Frozen {
        /// The object.
        object: FrozenObject,
        /// The block with a digest for each part of the object.
        digests: BlockIndex,
        /// The block with the columns' statistics.
        statistics: BlockIndex,
    },
}

/// What a transaction wants changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Proposal {
    /// Begin a schema.
    CreateSchema {
        /// Its name.
        name: Name,
    },
    /// End a schema that holds nothing.
    DropSchema {
        /// The schema.
        schema: ObjectId,
    },
    /// Begin a table.
    CreateTable {
        /// The schema it stands in.
        schema: ObjectId,
        /// Its name.
        name: Name,
        /// Its columns, with field ids, in order.
        columns: Vec<Column>,
        /// The field id that the next new column gets.
        next_field: FieldId,
        /// How frozen rows are sorted.
        sort_by: Vec<SortKey>,
        /// Options given `WITH (…)`.
        options: Vec<(String, String)>,
        /// A remark for people.
        comment: Option<String>,
        /// What its rows must fulfil.
        constraints: Vec<Constraint>,
    },
    /// End a table.
    DropTable {
        /// The table.
        table: ObjectId,
    },
    /// Begin a column.
    AddColumn {
        /// The table.
        table: ObjectId,
        /// The column; its field id is the table's next one at the base.
        column: Column,
        /// The field id that the next new column gets.
        next_field: FieldId,
    },
    /// End a column.
    DropColumn {
        /// The table.
        table: ObjectId,
        /// The column.
        field: FieldId,
    },
    /// Give a column another name.
    RenameColumn {
        /// The table.
        table: ObjectId,
        /// The column.
        field: FieldId,
        /// The new name.
        name: Name,
    },
    /// Begin a view.
    CreateView {
        /// The schema it stands in.
        schema: ObjectId,
        /// Its name.
        name: Name,
        /// The names of its columns, where given.
        columns: Vec<Name>,
        /// The query's text.
        query: String,
        /// A remark for people.
        comment: Option<String>,
    },
    /// End a view.
    DropView {
        /// The view.
        view: ObjectId,
    },
    /// Give a version a name.
    CreateTag {
        /// The name.
        name: Name,
        /// The version. One after the base stands for the version that the transaction makes.
        version: Version,
    },
    /// End a name of a version.
    DropTag {
        /// The name.
        name: Name,
    },
    /// Set a setting of the lake.
    SetSetting {
        /// The setting.
        key: String,
        /// Its value; `None` for its default.
        value: Option<String>,
    },
    /// Add rows to a table.
    AddRows {
        /// The table.
        table: TableTarget,
        /// How many, at least 1.
        count: u64,
        /// Where they are.
        rows: Rows,
        /// Whether they carry ids, those of rows that existed before; otherwise they get new ones.
        stored_ids: bool,
    },
    /// Take rows of a segment out of a table.
    KillRows {
        /// The table.
        table: TableTarget,
        /// The segment.
        segment: SegmentId,
        /// How many, at least 1.
        rows: u64,
        /// The block with their positions; `None` for all that live.
        positions: Option<BlockIndex>,
    },
    /// Begin a table anew.
    BeginEpoch {
        /// The table.
        table: TableTarget,
        /// What it begins from; `None` for no rows. A version after the base stands for the base, unless the
        /// transaction changed the rows of that table.
        base: Option<TableVersion>,
    },
    /// Give a table another definition.
    SetTable {
        /// The table.
        table: ObjectId,
        /// What it shall be.
        definition: Table,
    },
    /// Give a column another definition, begin it, or begin it again.
    SetColumn {
        /// The table.
        table: ObjectId,
        /// What it shall be.
        column: Column,
        /// Its place among the table's columns.
        ordinal: u32,
        /// The field id that the next new column gets.
        next_field: FieldId,
    },
    /// Give a view another definition.
    SetView {
        /// The view.
        view: ObjectId,
        /// What it shall be.
        definition: View,
    },
    /// Give a schema another name.
    SetSchema {
        /// The schema.
        schema: ObjectId,
        /// The name.
        name: Name,
    },
    /// Begin a schema again that has ended.
    ReopenSchema {
        /// The schema.
        schema: ObjectId,
        /// Its name from now on.
        name: Name,
    },
    /// Begin a table again that has ended. It has no rows, unless an epoch with a base follows.
    ReopenTable {
        /// The table.
        table: ObjectId,
        /// What it shall be.
        definition: Table,
        /// Its columns, each with its place among them.
        columns: Vec<(Column, u32)>,
    },
    /// Begin a view again that has ended.
    ReopenView {
        /// The view.
        view: ObjectId,
        /// What it shall be.
        definition: View,
    },
}
