//! From protobuf to changes. Whatever a record lacks or this release does not know is an error.

use super::slot::SlotError;
use super::{types, wire};
use crate::change::{BlockHeader, Change, Entry, Record, TableCount};
use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, CommitId, FieldId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::name::Name;
use crate::schema::{Column, Constraint, SortKey, Table, View};
use crate::segment::{BlockRef, FrozenObject, RowIds, Segment, Storage, TableVersion};
use crate::time::Micros;

/// The features that this release knows. The base format has none.
const KNOWN_FEATURES: [&str; 0] = [];

pub(super) fn record(found: wire::Record) -> Result<Record, SlotError> {
    for feature in &found.features {
        if !KNOWN_FEATURES.contains(&feature.as_str()) {
            return Err(SlotError::UnknownFeature { feature: feature.clone() });
        }
    }
    let slot = Slot::new(found.slot);
    let blocks = found
        .blocks
        .iter()
        .map(|block| Ok(BlockHeader { length_bytes: block.length_bytes, sha256: digest(&block.sha256)? }))
        .collect::<Result<Vec<_>, SlotError>>()?;
    let entries = found
        .entries
        .into_iter()
        .map(|found| entry(found, &Around::Record { slot, blocks: &blocks }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Record {
        features: found.features,
        lake: LakeId::from_bytes(bytes16(&found.lake, "the lake id")?),
        slot,
        previous: digest(&found.previous)?,
        entries,
        blocks,
        state: StateDigest::try_from_slice(&found.state).ok_or(SlotError::Lacks { what: "the state digest" })?,
    })
}

/// What stands around a block reference.
pub(crate) enum Around<'a> {
    /// The record whose slot carries the block.
    Record { slot: Slot, blocks: &'a [BlockHeader] },
    /// Nothing: the reference says everything.
    Nothing,
}

pub(super) fn entry(found: wire::Entry, around: &Around<'_>) -> Result<Entry, SlotError> {
    Ok(Entry {
        version: version(found.version)?,
        branch: BranchId::new(found.branch),
        commit_id: CommitId::from_bytes(bytes16(&found.commit_id, "a commit id")?),
        request: found.request.as_deref().map(digest).transpose()?,
        base: Version::new(found.base),
        author: found.author,
        message: found.message,
        operation: found.operation,
        wall_time: Micros::new(found.wall_time),
        commit_time: found.commit_time.map(Micros::new),
        changes: found.changes.into_iter().map(|found| change(found, around)).collect::<Result<_, _>>()?,
        tables: found.tables.iter().map(count).collect(),
        properties: properties(found.properties),
    })
}

pub(crate) fn properties(found: Vec<wire::Setting>) -> Vec<(String, String)> {
    found.into_iter().map(|property| (property.key, property.value.unwrap_or_default())).collect()
}

pub(crate) fn count(found: &wire::TableCount) -> TableCount {
    TableCount { table: ObjectId::new(found.table), added: found.added, removed: found.removed, total: found.total }
}

fn change(found: wire::Change, around: &Around<'_>) -> Result<Change, SlotError> {
    use wire::Kind;
    Ok(match found.kind.ok_or(SlotError::UnknownChange)? {
        Kind::CreateSchema(named) => {
            Change::CreateSchema { schema: ObjectId::new(named.number), name: name(&named.name)? }
        }
        Kind::DropSchema(schema) => Change::DropSchema { schema: ObjectId::new(schema) },
        Kind::CreateTable(found) => Change::CreateTable {
            table: ObjectId::new(found.table),
            definition: table(required(found.definition, "a table's definition")?)?,
            columns: found.columns.into_iter().map(column).collect::<Result<_, _>>()?,
        },
        Kind::DropTable(table) => Change::DropTable { table: ObjectId::new(table) },
        Kind::AddColumn(found) => Change::AddColumn {
            table: ObjectId::new(found.table),
            column: column(required(found.column, "a column")?)?,
            next_field: FieldId::new(found.next_field),
        },
        Kind::DropColumn(found) => {
            Change::DropColumn { table: ObjectId::new(found.table), field: FieldId::new(found.field) }
        }
        Kind::RenameColumn(found) => Change::RenameColumn {
            table: ObjectId::new(found.table),
            field: FieldId::new(found.field),
            name: name(&found.name)?,
        },
        Kind::CreateView(found) => Change::CreateView {
            view: ObjectId::new(found.view),
            definition: view(required(found.definition, "a view's definition")?)?,
        },
        Kind::DropView(view) => Change::DropView { view: ObjectId::new(view) },
        Kind::CreateTag(named) => Change::CreateTag { name: name(&named.name)?, version: version(named.number)? },
        Kind::DropTag(tag) => Change::DropTag { name: name(&tag)? },
        Kind::SetSetting(found) => Change::SetSetting { key: found.key, value: found.value },
        Kind::AddSegment(found) => Change::AddSegment { segment: segment(found, around)? },
        Kind::Place(found) => Change::Place {
            placement: PlacementId::new(found.placement),
            table: ObjectId::new(found.table),
            segment: SegmentId::new(found.segment),
        },
        Kind::KillRows(found) => Change::KillRows {
            table: ObjectId::new(found.table),
            segment: SegmentId::new(found.segment),
            rows: found.rows,
            positions: found.positions.as_ref().map(|positions| block(positions, around)).transpose()?,
        },
        Kind::BeginEpoch(found) => Change::BeginEpoch {
            table: ObjectId::new(found.table),
            base: found.base.map(|base| table_version(&base)).transpose()?,
        },
        Kind::SetTable(found) => Change::SetTable {
            table: ObjectId::new(found.table),
            definition: table(required(found.definition, "a table's definition")?)?,
        },
        Kind::SetColumn(found) => {
            let set = required(found.column, "a column")?;
            let ordinal = set.ordinal;
            Change::SetColumn { table: ObjectId::new(found.table), column: column(set)?, ordinal }
        }
        Kind::SetView(found) => Change::SetView {
            view: ObjectId::new(found.view),
            definition: view(required(found.definition, "a view's definition")?)?,
        },
        Kind::SetSchema(named) => Change::SetSchema { schema: ObjectId::new(named.number), name: name(&named.name)? },
    })
}

fn table_version(found: &wire::TableVersion) -> Result<TableVersion, SlotError> {
    Ok(TableVersion { table: ObjectId::new(found.table), version: version(found.version)? })
}

pub(crate) fn table(found: wire::Table) -> Result<Table, SlotError> {
    Ok(Table {
        schema: ObjectId::new(found.schema),
        name: name(&found.name)?,
        comment: found.comment,
        sort_by: found
            .sort_by
            .iter()
            .map(|key| SortKey {
                field: FieldId::new(key.field),
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
            .collect(),
        options: properties(found.options),
        next_field: FieldId::new(found.next_field),
        constraints: found.constraints.into_iter().map(constraint).collect::<Result<_, _>>()?,
    })
}

fn constraint(found: wire::Constraint) -> Result<Constraint, SlotError> {
    let name = name(&found.name)?;
    Ok(match required(found.rule, "what a constraint demands")? {
        wire::Rule::Check(expression) => Constraint::Check { name, expression },
        wire::Rule::Key(key) => {
            let columns = key.columns.into_iter().map(FieldId::new).collect();
            Constraint::Key { name, columns, primary: key.primary }
        }
    })
}

pub(crate) fn column(found: wire::Column) -> Result<Column, SlotError> {
    let field = types::decode_field(&required(found.field, "a column's field")?)?;
    Ok(Column {
        id: crate::schema::field_id(&field).ok_or(SlotError::Lacks { what: "a column's field id" })?,
        name: name(field.name())?,
        data_type: field.data_type().clone(),
        nullable: field.is_nullable(),
        default: found.default,
        initial: found.initial,
        comment: found.comment,
    })
}

pub(crate) fn view(found: wire::View) -> Result<View, SlotError> {
    Ok(View {
        schema: ObjectId::new(found.schema),
        name: name(&found.name)?,
        columns: found.columns.iter().map(|column| name(column)).collect::<Result<_, _>>()?,
        query: found.query,
        comment: found.comment,
    })
}

pub(crate) fn segment(found: wire::Segment, around: &Around<'_>) -> Result<Segment, SlotError> {
    let storage = match required(found.storage, "a segment's storage")? {
        wire::Storage::Hot(rows) => Storage::Hot { rows: block(&rows, around)? },
        wire::Storage::Frozen(found) => Storage::Frozen {
            digests: block(&required(found.digests, "a segment's digests")?, around)?,
            statistics: block(&required(found.statistics, "a segment's statistics")?, around)?,
            object: FrozenObject {
                key: found.key,
                size_bytes: found.size_bytes,
                sha256: digest(&found.sha256)?,
                tail_bytes: found.tail_bytes,
            },
        },
    };
    Ok(Segment {
        id: SegmentId::new(found.id),
        table: ObjectId::new(found.table),
        rows: found.rows,
        row_ids: if found.stored_ids { RowIds::Stored } else { RowIds::From(RowId::new(found.first_row)) },
        storage,
    })
}

pub(crate) fn block(found: &wire::BlockRef, around: &Around<'_>) -> Result<BlockRef, SlotError> {
    let index = found.index;
    match around {
        Around::Record { slot, blocks } => {
            let header = usize::try_from(index)
                .ok()
                .and_then(|index| blocks.get(index))
                .ok_or(SlotError::Lacks { what: "a block that a change names" })?;
            Ok(BlockRef { slot: *slot, index, length_bytes: header.length_bytes, sha256: header.sha256 })
        }
        Around::Nothing => Ok(BlockRef {
            slot: Slot::new(required(found.slot, "a block's slot")?),
            index,
            length_bytes: found.length_bytes,
            sha256: digest(&found.sha256)?,
        }),
    }
}

pub(crate) fn required<T>(found: Option<T>, what: &'static str) -> Result<T, SlotError> {
    found.ok_or(SlotError::Lacks { what })
}

pub(crate) fn name(text: &str) -> Result<Name, SlotError> {
    Name::try_new(text).map_err(|_| SlotError::Lacks { what: "a valid name" })
}

fn version(number: u64) -> Result<Version, SlotError> {
    Version::new(number).ok_or(SlotError::Lacks { what: "a version" })
}

fn digest(bytes: &[u8]) -> Result<Digest, SlotError> {
    Digest::try_from_slice(bytes).ok_or(SlotError::Lacks { what: "a digest of 32 bytes" })
}

fn bytes16(bytes: &[u8], what: &'static str) -> Result<[u8; 16], SlotError> {
    bytes.try_into().map_err(|_| SlotError::Lacks { what })
}
