//! Runs as Parquet: facts of the catalog in columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, UInt8Array,
    UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Int64Type, Schema, UInt8Type, UInt32Type, UInt64Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use prost::Message;
use thiserror::Error;

use super::{PlannedRun, RelationKind, SealedError};
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::interval::Interval;
use crate::record::{Around, count, properties, segment, wire, wire_commit, wire_segment};
use crate::segment::{BlockRef, Placement, RowIds, Segment, Storage};
use crate::state::{Commit, FactKind, Placed, State, StoredFact};
use crate::time::Micros;

/// Why a run cannot be written.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// It takes in facts of an older run, which cannot be decoded.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// Parquet refuses.
    #[error("the run cannot be encoded")]
    Encode(#[from] ParquetError),
}

/// The run's facts as a Parquet object, and how many they are.
///
/// Facts that are in sealed runs are decoded only if the run takes them in.
pub(crate) fn encode_run(state: &State, run: PlannedRun) -> Result<(Bytes, u64), RunError> {
    let batch = match run.relation {
        RelationKind::Commits => commits_batch(state, run.after)?,
        RelationKind::Facts => facts_batch(state, run.after),
        RelationKind::Segments => segments_batch(state, run.after)?,
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by("frostline".to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok((bytes.into(), batch.num_rows() as u64))
}

/// The commits of a run, in its order; `None` if the object is no such run.
pub(super) fn decode_commits(bytes: &Bytes) -> Option<Vec<Commit>> {
    let mut commits: Vec<Commit> = Vec::new();
    for batch in batches(bytes)? {
        read_commits(&batch.ok()?, &mut commits)?;
    }
    Some(commits)
}

/// The placed segments of a run, in its order; `None` if the object is no such run.
pub(super) fn decode_segments(bytes: &Bytes) -> Option<Vec<Placed>> {
    let mut placed: Vec<Placed> = Vec::new();
    for batch in batches(bytes)? {
        read_segments(&batch.ok()?, &mut placed)?;
    }
    Some(placed)
}

/// Adds a run's facts to those of earlier runs; `None` if the object is no such run.
pub(crate) fn decode_facts(bytes: &Bytes, facts: &mut BTreeMap<(FactKind, Vec<u8>, u64), StoredFact>) -> Option<()> {
    for batch in batches(bytes)? {
        read_facts(&batch.ok()?, facts)?;
    }
    Some(())
}

fn batches(bytes: &Bytes) -> Option<ParquetRecordBatchReader> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).ok()?;
    reader.with_batch_size(65_536).build().ok()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), array.is_nullable())).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns are built to one length")
}

fn numbers(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

fn fixed(width: i32, values: Vec<&[u8]>) -> ArrayRef {
    let empty = || FixedSizeBinaryArray::new_null(width, 0);
    let array = FixedSizeBinaryArray::try_from_iter(values.into_iter()).unwrap_or_else(|_| empty());
    Arc::new(array)
}

fn commits_batch(state: &State, after: u64) -> Result<RecordBatch, SealedError> {
    let sealed = state.read_sealed_commits(after)?;
    let tail = state.tail_commits().filter(|commit| commit.version.number() > after);
    let commits: Vec<&Commit> = sealed.iter().chain(tail).collect();
    let rows = || commits.iter();
    let text = |value: fn(&Commit) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows().map(|commit| value(commit))))
    };
    let rest = rows().map(|commit| wire_commit(&commit.to_entry()));
    let rest = rest.map(|entry| (entry.tables, entry.properties));
    let rest: Vec<Vec<u8>> = rest
        .map(|(tables, properties)| wire::Entry { tables, properties, ..wire::Entry::default() }.encode_to_vec())
        .collect();
    Ok(batch(vec![
        ("version", numbers(rows().map(|commit| commit.version.number()))),
        ("branch", Arc::new(UInt32Array::from_iter_values(rows().map(|commit| commit.branch.number())))),
        ("slot", numbers(rows().map(|commit| commit.slot.number()))),
        ("hash", fixed(32, rows().map(|commit| commit.hash.bytes().as_slice()).collect())),
        ("commit_id", fixed(16, rows().map(|commit| commit.commit_id.bytes().as_slice()).collect())),
        (
            "request",
            Arc::new(BinaryArray::from_iter(rows().map(|commit| commit.request.as_ref().map(|digest| digest.bytes())))),
        ),
        ("base", numbers(rows().map(|commit| commit.base.map_or(0, Version::number)))),
        ("author", text(|commit| &commit.author)),
        ("message", text(|commit| &commit.message)),
        ("operation", text(|commit| &commit.operation)),
        ("wall_time", Arc::new(Int64Array::from_iter_values(rows().map(|commit| commit.wall_time.get())))),
        ("commit_time", Arc::new(Int64Array::from_iter(rows().map(|commit| commit.commit_time.map(Micros::get))))),
        ("tables", Arc::new(BinaryArray::from_iter_values(rest))),
    ]))
}

fn read_commits(batch: &RecordBatch, commits: &mut Vec<Commit>) -> Option<()> {
    let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let (version, slot, base) = (number("version")?, number("slot")?, number("base")?);
    let branch = batch.column_by_name("branch")?.as_primitive_opt::<UInt32Type>()?;
    let hash = batch.column_by_name("hash")?.as_fixed_size_binary_opt()?;
    let commit_id = batch.column_by_name("commit_id")?.as_fixed_size_binary_opt()?;
    let request = batch.column_by_name("request")?.as_binary_opt::<i32>()?;
    let text = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
    let (author, message, operation) = (text("author")?, text("message")?, text("operation")?);
    let time = |name| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let (wall_time, commit_time) = (time("wall_time")?, time("commit_time")?);
    let tables = batch.column_by_name("tables")?.as_binary_opt::<i32>()?;
    for row in 0..batch.num_rows() {
        let rest = wire::Entry::decode(tables.value(row)).ok()?;
        commits.push(Commit {
            version: Version::new(version.value(row))?,
            branch: BranchId::new(branch.value(row)),
            slot: Slot::new(slot.value(row)),
            hash: Digest::try_from_slice(hash.value(row))?,
            commit_id: CommitId::from_bytes(commit_id.value(row).try_into().ok()?),
            request: match request.is_valid(row) {
                true => Some(Digest::try_from_slice(request.value(row))?),
                false => None,
            },
            base: Version::new(base.value(row)),
            author: author.value(row).to_owned(),
            message: message.value(row).to_owned(),
            operation: operation.value(row).to_owned(),
            wall_time: Micros::new(wall_time.value(row)),
            commit_time: commit_time.is_valid(row).then(|| Micros::new(commit_time.value(row))),
            tables: rest.tables.iter().map(count).collect(),
            properties: properties(rest.properties),
        });
    }
    Some(())
}

fn facts_batch(state: &State, after: u64) -> RecordBatch {
    let facts = state.stored_facts(after);
    let rows = || facts.iter();
    batch(vec![
        ("kind", Arc::new(UInt8Array::from_iter_values(rows().map(|fact| fact.kind as u8)))),
        ("key", Arc::new(BinaryArray::from_iter_values(rows().map(|fact| &fact.key)))),
        ("begin", numbers(rows().map(|fact| fact.begin))),
        ("end", numbers(rows().map(|fact| fact.end))),
        ("body", Arc::new(BinaryArray::from_iter_values(rows().map(|fact| &fact.body)))),
    ])
}

fn read_facts(batch: &RecordBatch, facts: &mut BTreeMap<(FactKind, Vec<u8>, u64), StoredFact>) -> Option<()> {
    let kind = batch.column_by_name("kind")?.as_primitive_opt::<UInt8Type>()?;
    let bytes = |name| batch.column_by_name(name)?.as_binary_opt::<i32>();
    let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let (key, body, begin, end) = (bytes("key")?, bytes("body")?, number("begin")?, number("end")?);
    for row in 0..batch.num_rows() {
        let fact = StoredFact {
            kind: FactKind::from_number(kind.value(row))?,
            key: key.value(row).to_vec(),
            begin: begin.value(row),
            end: end.value(row),
            body: body.value(row).to_vec(),
        };
        facts.insert((fact.kind, fact.key.clone(), fact.begin), fact);
    }
    Some(())
}

fn segments_batch(state: &State, after: u64) -> Result<RecordBatch, SealedError> {
    let sealed = state.read_sealed_segments(after)?;
    let tail = state.tail_segments().filter(|placed| placed.placement.interval.changed_after(after));
    let mut placed: Vec<&Placed> = sealed.iter().chain(tail).collect();
    placed.sort_unstable_by_key(|placed| placed.placement.id);
    let rows = || placed.iter();
    let hot = |placed: &&&Placed| match &placed.segment.storage {
        Storage::Hot { rows } => Some(*rows),
        Storage::Frozen { .. } => None,
    };
    let frozen =
        rows().map(|placed| (!placed.segment.is_hot()).then(|| wire_segment(&placed.segment, true).encode_to_vec()));
    Ok(batch(vec![
        ("placement", numbers(rows().map(|placed| placed.placement.id.number()))),
        ("branch", Arc::new(UInt32Array::from_iter_values(rows().map(|placed| placed.placement.branch.number())))),
        ("table", numbers(rows().map(|placed| placed.placement.table.number()))),
        ("begin", numbers(rows().map(|placed| placed.placement.interval.begin().number()))),
        ("end", numbers(rows().map(|placed| placed.placement.interval.end().map_or(0, Version::number)))),
        ("segment", numbers(rows().map(|placed| placed.segment.id.number()))),
        ("owner", numbers(rows().map(|placed| placed.segment.table.number()))),
        ("rows", numbers(rows().map(|placed| placed.segment.rows))),
        (
            "first_row",
            Arc::new(UInt64Array::from_iter(rows().map(|placed| placed.segment.row_ids.first().map(RowId::number)))),
        ),
        ("block_slot", numbers(rows().map(|placed| hot(&placed).map_or(0, |block| block.slot.number())))),
        (
            "block_index",
            Arc::new(UInt32Array::from_iter_values(rows().map(|placed| hot(&placed).map_or(0, |block| block.index)))),
        ),
        ("block_length", numbers(rows().map(|placed| hot(&placed).map_or(0, |block| block.length_bytes)))),
        (
            "block_sha256",
            Arc::new(BinaryArray::from_iter(
                rows().map(|placed| hot(&placed).map(|block| block.sha256.bytes().to_vec())),
            )),
        ),
        ("frozen", Arc::new(BinaryArray::from_iter(frozen))),
    ]))
}

fn read_segments(batch: &RecordBatch, found: &mut Vec<Placed>) -> Option<()> {
    let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let word = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>();
    let bytes = |name| batch.column_by_name(name)?.as_binary_opt::<i32>();
    let (placement, table, begin, end) = (number("placement")?, number("table")?, number("begin")?, number("end")?);
    let (id, owner, rows, first_row) = (number("segment")?, number("owner")?, number("rows")?, number("first_row")?);
    let (slot, length) = (number("block_slot")?, number("block_length")?);
    let (branch, index) = (word("branch")?, word("block_index")?);
    let (sha256, frozen) = (bytes("block_sha256")?, bytes("frozen")?);
    for row in 0..batch.num_rows() {
        let segment = if frozen.is_valid(row) {
            segment(wire::Segment::decode(frozen.value(row)).ok()?, &Around::Nothing).ok()?
        } else {
            let rows_block = BlockRef {
                slot: Slot::new(slot.value(row)),
                index: index.value(row),
                length_bytes: length.value(row),
                sha256: Digest::try_from_slice(sha256.value(row))?,
            };
            Segment {
                id: SegmentId::new(id.value(row)),
                table: ObjectId::new(owner.value(row)),
                rows: rows.value(row),
                row_ids: match first_row.is_valid(row) {
                    true => RowIds::From(RowId::new(first_row.value(row))),
                    false => RowIds::Stored,
                },
                storage: Storage::Hot { rows: rows_block },
            }
        };
        let placement = Placement {
            id: PlacementId::new(placement.value(row)),
            branch: BranchId::new(branch.value(row)),
            table: ObjectId::new(table.value(row)),
            segment: segment.id,
            interval: Interval::try_new(Version::new(begin.value(row))?, Version::new(end.value(row)))?,
        };
        found.push(Placed { placement, segment: Arc::new(segment) });
    }
    Some(())
}
