//! What a writer wants: changes that have no ids yet, and the base they were decided on.

use bytes::Bytes;

use crate::digest::Digest;
use crate::id::{BranchId, CommitId, FieldId, ObjectId, Version};
use crate::name::Name;
use crate::schema::{Column, SortKey};
use crate::segment::FrozenObject;
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
    /// The tables it read. A change of their rows since `base` is a conflict.
    pub reads: Vec<ObjectId>,
    /// What it changes, in order.
    pub changes: Vec<Proposal>,
    /// Payload blocks; proposals name them by their place here.
    pub blocks: Vec<Bytes>,
}

/// A table that a proposal speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableTarget {
    /// One that exists at the base.
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
        /// The version.
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
    },
}
