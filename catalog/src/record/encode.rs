//! From changes to protobuf.

use super::{types, wire};
use crate::change::{Change, Entry, Record, TableCount};
use crate::digest::Digest;
use crate::id::{FieldId, ObjectId, RowId, Version};
use crate::name::Name;
use crate::schema::{Column, Constraint, Table, View};
use crate::segment::{BlockRef, RowIds, Segment, Storage, TableVersion};

pub(super) fn wire_record(record: &Record) -> wire::Record {
    wire::Record {
        features: record.features.clone(),
        lake: record.lake.bytes().to_vec(),
        slot: record.slot.number(),
        previous: record.previous.bytes().to_vec(),
        entries: record.entries.iter().map(wire_entry).collect(),
        blocks: record
            .blocks
            .iter()
            .map(|block| wire::Block { length_bytes: block.length_bytes, sha256: block.sha256.bytes().to_vec() })
            .collect(),
        state: record.state.bytes().to_vec(),
    }
}

pub(super) fn wire_entry(entry: &Entry) -> wire::Entry {
    wire::Entry { changes: entry.changes.iter().map(wire_change).collect(), ..wire_commit(entry) }
}

/// An entry without its changes: what stays of it in the catalog.
pub(crate) fn wire_commit(entry: &Entry) -> wire::Entry {
    wire::Entry {
        version: entry.version.number(),
        branch: entry.branch.number(),
        commit_id: entry.commit_id.bytes().to_vec(),
        request: entry.request.map(|digest| digest.bytes().to_vec()),
        base: entry.base.map_or(0, Version::number),
        author: entry.author.clone(),
        message: entry.message.clone(),
        operation: entry.operation.clone(),
        wall_time: entry.wall_time.get(),
        commit_time: entry.commit_time.map(crate::time::Micros::get),
        changes: Vec::new(),
        tables: entry.tables.iter().map(wire_count).collect(),
        properties: wire_properties(&entry.properties),
    }
}

fn wire_properties(properties: &[(String, String)]) -> Vec<wire::Setting> {
    properties.iter().map(|(key, value)| wire::Setting { key: key.clone(), value: Some(value.clone()) }).collect()
}

fn wire_count(count: &TableCount) -> wire::TableCount {
    wire::TableCount { table: count.table.number(), added: count.added, removed: count.removed, total: count.total }
}

fn wire_change(change: &Change) -> wire::Change {
    use wire::Kind;
    let kind = match change {
        Change::CreateSchema { schema, name } => Kind::CreateSchema(named(schema.number(), name)),
        Change::DropSchema { schema } => Kind::DropSchema(schema.number()),
        Change::CreateTable { table, definition, columns } => Kind::CreateTable(wire::CreateTable {
            table: table.number(),
            definition: Some(wire_table(definition)),
            columns: columns.iter().zip(0..).map(|(column, ordinal)| wire_column(column, ordinal)).collect(),
        }),
        Change::DropTable { table } => Kind::DropTable(table.number()),
        Change::AddColumn { table, column, next_field } => Kind::AddColumn(wire::AddColumn {
            table: table.number(),
            column: Some(wire_column(column, 0)),
            next_field: next_field.number(),
        }),
        Change::DropColumn { table, field } => Kind::DropColumn(column_name(*table, *field, "")),
        Change::RenameColumn { table, field, name } => Kind::RenameColumn(column_name(*table, *field, name.as_str())),
        Change::CreateView { view, definition } => {
            Kind::CreateView(wire::CreateView { view: view.number(), definition: Some(wire_view(definition)) })
        }
        Change::DropView { view } => Kind::DropView(view.number()),
        Change::CreateTag { name, version } => Kind::CreateTag(named(version.number(), name)),
        Change::DropTag { name } => Kind::DropTag(name.as_str().to_owned()),
        Change::SetSetting { key, value } => Kind::SetSetting(wire::Setting { key: key.clone(), value: value.clone() }),
        Change::AddSegment { segment } => Kind::AddSegment(wire_segment(segment, false)),
        Change::Place { placement, table, segment } => {
            Kind::Place(wire::Place { placement: placement.number(), table: table.number(), segment: segment.number() })
        }
        Change::KillRows { table, segment, rows, positions } => Kind::KillRows(wire::KillRows {
            table: table.number(),
            segment: segment.number(),
            rows: *rows,
            positions: positions.as_ref().map(|block| wire_block(block, false)),
        }),
        Change::BeginEpoch { table, base } => {
            Kind::BeginEpoch(wire::BeginEpoch { table: table.number(), base: base.map(wire_table_version) })
        }
        Change::SetTable { table, definition } => {
            Kind::SetTable(wire::SetTable { table: table.number(), definition: Some(wire_table(definition)) })
        }
        Change::SetColumn { table, column, ordinal } => {
            Kind::SetColumn(wire::SetColumn { table: table.number(), column: Some(wire_column(column, *ordinal)) })
        }
        Change::SetView { view, definition } => {
            Kind::SetView(wire::CreateView { view: view.number(), definition: Some(wire_view(definition)) })
        }
        Change::SetSchema { schema, name } => Kind::SetSchema(named(schema.number(), name)),
    };
    wire::Change { kind: Some(kind) }
}

fn wire_table_version(found: TableVersion) -> wire::TableVersion {
    wire::TableVersion { table: found.table.number(), version: found.version.number() }
}

fn named(number: u64, name: &Name) -> wire::Named {
    wire::Named { number, name: name.as_str().to_owned() }
}

fn column_name(table: ObjectId, field: FieldId, name: &str) -> wire::ColumnName {
    wire::ColumnName { table: table.number(), field: field.number(), name: name.to_owned() }
}

pub(crate) fn wire_table(table: &Table) -> wire::Table {
    wire::Table {
        schema: table.schema.number(),
        name: table.name.as_str().to_owned(),
        comment: table.comment.clone(),
        sort_by: table
            .sort_by
            .iter()
            .map(|key| wire::SortKey {
                field: key.field.number(),
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
            .collect(),
        options: wire_properties(&table.options),
        next_field: table.next_field.number(),
        constraints: table.constraints.iter().map(wire_constraint).collect(),
    }
}

fn wire_constraint(constraint: &Constraint) -> wire::Constraint {
    let rule = match constraint {
        Constraint::Check { expression, .. } => wire::Rule::Check(expression.clone()),
        Constraint::Key { columns, primary, .. } => {
            let columns = columns.iter().map(|field| field.number()).collect();
            wire::Rule::Key(wire::Key { columns, primary: *primary })
        }
    };
    wire::Constraint { name: constraint.name().as_str().to_owned(), rule: Some(rule) }
}

pub(crate) fn wire_column(column: &Column, ordinal: u32) -> wire::Column {
    wire::Column {
        field: Some(types::encode_field(&column.to_field())),
        default: column.default.clone(),
        initial: column.initial.clone(),
        comment: column.comment.clone(),
        ordinal,
    }
}

pub(crate) fn wire_view(view: &View) -> wire::View {
    wire::View {
        schema: view.schema.number(),
        name: view.name.as_str().to_owned(),
        columns: view.columns.iter().map(|name| name.as_str().to_owned()).collect(),
        query: view.query.clone(),
        comment: view.comment.clone(),
    }
}

/// A segment; `alone` if the block references must say everything because no record stands around them.
pub(crate) fn wire_segment(segment: &Segment, alone: bool) -> wire::Segment {
    let block = |block: &BlockRef| wire_block(block, alone);
    let storage = match &segment.storage {
        Storage::Hot { rows } => wire::Storage::Hot(block(rows)),
        Storage::Frozen { object, digests, statistics } => wire::Storage::Frozen(wire::Frozen {
            key: object.key.clone(),
            size_bytes: object.size_bytes,
            sha256: object.sha256.bytes().to_vec(),
            tail_bytes: object.tail_bytes,
            digests: Some(block(digests)),
            statistics: Some(block(statistics)),
        }),
    };
    wire::Segment {
        id: segment.id.number(),
        table: segment.table.number(),
        rows: segment.rows,
        first_row: segment.row_ids.first().map_or(0, RowId::number),
        storage: Some(storage),
        stored_ids: segment.row_ids == RowIds::Stored,
    }
}

/// A block of positions, or of anything else, as a fact names it.
pub(crate) fn wire_whole_block(block: &BlockRef) -> wire::BlockRef {
    wire_block(block, true)
}

fn wire_block(block: &BlockRef, alone: bool) -> wire::BlockRef {
    if alone {
        let sha256 = block.sha256.bytes().to_vec();
        wire::BlockRef { index: block.index, slot: Some(block.slot.number()), length_bytes: block.length_bytes, sha256 }
    } else {
        debug_assert_ne!(block.sha256, Digest::ZERO);
        wire::BlockRef { index: block.index, slot: None, length_bytes: 0, sha256: Vec::new() }
    }
}
