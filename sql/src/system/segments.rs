//! `system.segments`: the segments whose rows the tables have, by table, in the order of their placements.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::segment::Storage;
use frostline_catalog::{Digest, ObjectId, Placed, RowId, SealedError, State, Version};

use super::array::{numbers, optional_numbers, optional_texts, texts};
use super::field::{self, number, optional, text};
use super::tables::{FoundTable, placed_at, tables_at};

/// The columns.
///
/// * `kind` is `hot` or `frozen`. A frozen segment is the object under `key`; a hot one is a block of the slot.
/// * `slot` is the one that added the segment. `bytes` and `sha256` are those of the object, or of the block.
/// * `end_version` is the first version without the segment's rows, as far as it is known by now: it is always after
///   the version asked for, and becomes known when the rows go.
/// * `first_row_id` is the id of the first row; the others count on from there. Without it, the rows carry their ids.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("table_name"),
        number("segment_id"),
        text("kind"),
        number("rows"),
        number("bytes"),
        optional(text("key")),
        number("slot"),
        number("begin_version"),
        optional(number("end_version")),
        optional(number("first_row_id")),
        text("sha256"),
    ])
}

struct SegmentRow<'a> {
    found: FoundTable<'a>,
    placed: &'a Placed,
    end: Option<Version>,
}

impl SegmentRow<'_> {
    fn kind(&self) -> &'static str {
        if self.placed.segment.is_hot() { "hot" } else { "frozen" }
    }

    fn key(&self) -> Option<&str> {
        match &self.placed.segment.storage {
            Storage::Hot { .. } => None,
            Storage::Frozen { object, .. } => Some(object.key.as_str()),
        }
    }

    fn slot(&self) -> u64 {
        match &self.placed.segment.storage {
            Storage::Hot { rows } => rows.slot.number(),
            Storage::Frozen { digests, .. } => digests.slot.number(),
        }
    }

    fn sha256(&self) -> Digest {
        match &self.placed.segment.storage {
            Storage::Hot { rows } => rows.sha256,
            Storage::Frozen { object, .. } => object.sha256,
        }
    }
}

/// The segments of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Result<Vec<ArrayRef>, SealedError> {
    let mut rows: Vec<SegmentRow<'_>> = Vec::new();
    for found in tables_at(state, version) {
        let dropped = dropped_version(state, found.id);
        for placed in placed_at(state, found.id, version)? {
            let ends = [placed.placement.interval.end(), dropped];
            rows.push(SegmentRow { found, placed, end: ends.into_iter().flatten().min() });
        }
    }
    Ok(vec![
        texts(rows.iter().map(|row| row.found.schema)),
        texts(rows.iter().map(|row| row.found.table.name.as_str())),
        numbers(rows.iter().map(|row| row.placed.segment.id.number())),
        texts(rows.iter().map(SegmentRow::kind)),
        numbers(rows.iter().map(|row| row.placed.segment.rows)),
        numbers(rows.iter().map(|row| row.placed.segment.size_bytes())),
        optional_texts(rows.iter().map(SegmentRow::key)),
        numbers(rows.iter().map(SegmentRow::slot)),
        numbers(rows.iter().map(|row| row.placed.placement.interval.begin().number())),
        optional_numbers(rows.iter().map(|row| row.end.map(Version::number))),
        optional_numbers(rows.iter().map(|row| row.placed.segment.row_ids.first().map(RowId::number))),
        texts(rows.iter().map(|row| row.sha256().to_string())),
    ])
}

/// The version that dropped a table: its placements end with it.
fn dropped_version(state: &State, table: ObjectId) -> Option<Version> {
    state.tables().of(&table).last().and_then(|fact| fact.interval.end())
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};
    use super::*;

    #[test]
    fn a_hot_segment_is_a_block_and_a_frozen_one_an_object() {
        let lake = sample_lake();
        let columns = ["table_name", "segment_id", "kind", "rows", "bytes", "key", "slot", "first_row_id"];
        assert_eq!(lines(&lake, SystemTable::Segments, 3, &columns), ["flights | 1 | hot | 3 | 8 | - | 3 | 0"]);
        assert_eq!(
            lines(&lake, SystemTable::Segments, 4, &columns),
            [
                "flights | 1 | hot | 3 | 8 | - | 3 | 0",
                "flights | 2 | frozen | 10 | 1000 | segments/ab/cd-1.parquet | 4 | 3",
            ]
        );
    }

    #[test]
    fn segments_end_with_their_table() {
        let lake = sample_lake();
        let columns = ["begin_version", "end_version"];
        assert_eq!(lines(&lake, SystemTable::Segments, 8, &columns), ["3 | 9", "4 | 9"]);
        assert!(lines(&lake, SystemTable::Segments, 9, &columns).is_empty());
        let mut open = super::super::sample_tests::SampleLake::new();
        (0..4).for_each(|step| open.take_step(step));
        assert_eq!(lines(&open, SystemTable::Segments, 4, &columns), ["3 | -", "4 | -"]);
    }

    #[test]
    fn digests_are_those_of_the_stored_bytes() {
        let lake = sample_lake();
        let found = lines(&lake, SystemTable::Segments, 4, &["sha256"]);
        assert_eq!(found, [Digest::of(b"hot rows").to_string(), Digest::of(b"object").to_string()]);
    }
}
