//! The protobuf messages of the ledger. Field numbers are for ever; a number that was used is never used again.
//!
//! A new kind of change, or a field that a reader must not overlook, comes with a feature in [`Record::features`].

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(string, repeated, tag = "1")]
    pub(crate) features: Vec<String>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) lake: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) slot: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) previous: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) entries: Vec<Entry>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) blocks: Vec<Block>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) state: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Block {
    #[prost(uint64, tag = "1")]
    pub(crate) length_bytes: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sha256: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(uint64, tag = "1")]
    pub(crate) version: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) branch: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) commit_id: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(crate) request: Option<Vec<u8>>,
    #[prost(uint64, tag = "5")]
    pub(crate) base: u64,
    #[prost(string, tag = "6")]
    pub(crate) author: String,
    #[prost(string, tag = "7")]
    pub(crate) message: String,
    #[prost(string, tag = "8")]
    pub(crate) operation: String,
    #[prost(sint64, tag = "9")]
    pub(crate) wall_time: i64,
    #[prost(sint64, optional, tag = "10")]
    pub(crate) commit_time: Option<i64>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) changes: Vec<Change>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) tables: Vec<TableCount>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) properties: Vec<Setting>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct TableCount {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) added: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) removed: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) total: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Change {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    CreateSchema(Named),
    #[prost(uint64, tag = "2")]
    DropSchema(u64),
    #[prost(message, tag = "3")]
    CreateTable(CreateTable),
    #[prost(uint64, tag = "4")]
    DropTable(u64),
    #[prost(message, tag = "5")]
    AddColumn(AddColumn),
    #[prost(message, tag = "6")]
    DropColumn(ColumnName),
    #[prost(message, tag = "7")]
    RenameColumn(ColumnName),
    #[prost(message, tag = "8")]
    CreateView(CreateView),
    #[prost(uint64, tag = "9")]
    DropView(u64),
    #[prost(message, tag = "10")]
    CreateTag(Named),
    #[prost(string, tag = "11")]
    DropTag(String),
    #[prost(message, tag = "12")]
    SetSetting(Setting),
    #[prost(message, tag = "13")]
    AddSegment(Segment),
    #[prost(message, tag = "14")]
    Place(Place),
    #[prost(message, tag = "15")]
    KillRows(KillRows),
    #[prost(message, tag = "16")]
    BeginEpoch(BeginEpoch),
    #[prost(message, tag = "17")]
    SetTable(SetTable),
    #[prost(message, tag = "18")]
    SetColumn(SetColumn),
    /// A view and what it is from now on.
    #[prost(message, tag = "19")]
    SetView(CreateView),
    #[prost(message, tag = "20")]
    SetSchema(Named),
}

/// A name with a number: a schema's id, or the version of a tag.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Named {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Setting {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateTable {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) definition: Option<Table>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) columns: Vec<Column>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Table {
    #[prost(uint64, tag = "1")]
    pub(crate) schema: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, optional, tag = "3")]
    pub(crate) comment: Option<String>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) sort_by: Vec<SortKey>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) options: Vec<Setting>,
    #[prost(int32, tag = "6")]
    pub(crate) next_field: i32,
    #[prost(message, repeated, tag = "7")]
    pub(crate) constraints: Vec<Constraint>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Constraint {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(oneof = "Rule", tags = "2, 3")]
    pub(crate) rule: Option<Rule>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Rule {
    /// The expression, as SQL text.
    #[prost(string, tag = "2")]
    Check(String),
    #[prost(message, tag = "3")]
    Key(Key),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Key {
    #[prost(int32, repeated, tag = "1")]
    pub(crate) columns: Vec<i32>,
    #[prost(bool, tag = "2")]
    pub(crate) primary: bool,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct SortKey {
    #[prost(int32, tag = "1")]
    pub(crate) field: i32,
    #[prost(bool, tag = "2")]
    pub(crate) descending: bool,
    #[prost(bool, tag = "3")]
    pub(crate) nulls_first: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Column {
    #[prost(message, optional, tag = "1")]
    pub(crate) field: Option<Field>,
    #[prost(string, optional, tag = "2")]
    pub(crate) default: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) initial: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) comment: Option<String>,
    /// The column's place among the table's columns; used where columns stand alone.
    #[prost(uint32, tag = "5")]
    pub(crate) ordinal: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Field {
    #[prost(int32, tag = "1")]
    pub(crate) id: i32,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) data_type: Option<Type>,
    #[prost(bool, tag = "4")]
    pub(crate) nullable: bool,
}

/// A type: its name, and what the name leaves open.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Type {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) precision: u32,
    #[prost(sint32, tag = "3")]
    pub(crate) scale: i32,
    #[prost(message, repeated, tag = "4")]
    pub(crate) children: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AddColumn {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) column: Option<Column>,
    #[prost(int32, tag = "3")]
    pub(crate) next_field: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ColumnName {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(int32, tag = "2")]
    pub(crate) field: i32,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateView {
    #[prost(uint64, tag = "1")]
    pub(crate) view: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) definition: Option<View>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct View {
    #[prost(uint64, tag = "1")]
    pub(crate) schema: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) columns: Vec<String>,
    #[prost(string, tag = "4")]
    pub(crate) query: String,
    #[prost(string, optional, tag = "5")]
    pub(crate) comment: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Segment {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) rows: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) first_row: u64,
    #[prost(oneof = "Storage", tags = "5, 6")]
    pub(crate) storage: Option<Storage>,
    /// Whether the rows carry their ids; `first_row` is 0 then.
    #[prost(bool, tag = "7")]
    pub(crate) stored_ids: bool,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Storage {
    #[prost(message, tag = "5")]
    Hot(BlockRef),
    #[prost(message, tag = "6")]
    Frozen(Frozen),
}

/// A block. Within a slot's own record only the index is written: the slot and the digest are the record's.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BlockRef {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) slot: Option<u64>,
    #[prost(uint64, tag = "3")]
    pub(crate) length_bytes: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) sha256: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Frozen {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(uint64, tag = "2")]
    pub(crate) size_bytes: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) sha256: Vec<u8>,
    #[prost(uint64, tag = "4")]
    pub(crate) tail_bytes: u64,
    #[prost(message, optional, tag = "5")]
    pub(crate) digests: Option<BlockRef>,
    #[prost(message, optional, tag = "6")]
    pub(crate) statistics: Option<BlockRef>,
}

/// Number 4 was used.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Place {
    #[prost(uint64, tag = "1")]
    pub(crate) placement: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) segment: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KillRows {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) segment: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) rows: u64,
    #[prost(message, optional, tag = "4")]
    pub(crate) positions: Option<BlockRef>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct BeginEpoch {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) base: Option<TableVersion>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct TableVersion {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) version: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SetTable {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) definition: Option<Table>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SetColumn {
    #[prost(uint64, tag = "1")]
    pub(crate) table: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) column: Option<Column>,
}

/// A placement as a fact: its id and interval stand beside it. Number 4 was used.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct PlacementFact {
    #[prost(uint32, tag = "1")]
    pub(crate) branch: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) table: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) segment: u64,
}

/// Rows that died, as a fact: whose, and when, stands beside it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KillFact {
    #[prost(uint64, tag = "1")]
    pub(crate) rows: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) positions: Option<BlockRef>,
}
