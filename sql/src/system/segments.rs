//! `system.segments`: the segments whose rows the tables have, by table, in the order of their placements.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::segment::{RowIds, Segment, Storage};
use frostline_catalog::{BranchId, Digest, Live, ObjectId, SealedError, SegmentId, State, Version};

use super::array::{numbers, optional_numbers, optional_texts, texts};
use super::field::{self, number, optional, text};
use super::tables::{FoundTable, live_at, tables_at};

/// The columns.
///
/// * `kind` is `hot` or `frozen`. A frozen segment is the object under `key`; a hot one is a block of the slot.
/// * `slot` is the one that added the segment. `bytes` and `sha256` are those of the object, or of the block.
/// * `end_version` is the first version without the segment's rows, as far as it is known by now: it is always after
///   the version asked for, and becomes known when the rows go.
/// * `rows` live at the version; `dead` are the segment's others, which older versions may read.
/// * `first_row_id` is the id of the first row; the others count on from there. It is NULL where the rows carry their
///   ids, because an UPDATE or a MERGE wrote them.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("table_name"),
        number("segment_id"),
        text("kind"),
        number("rows"),
        number("dead"),
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
    live: Live<'a>,
    end: Option<Version>,
}

impl SegmentRow<'_> {
    fn segment(&self) -> &Segment {
        &self.live.placed.segment
    }

    fn kind(&self) -> &'static str {
        if self.segment().is_hot() { "hot" } else { "frozen" }
    }

    fn key(&self) -> Option<&str> {
        match &self.segment().storage {
            Storage::Hot { .. } => None,
            Storage::Frozen { object, .. } => Some(object.key.as_str()),
        }
    }

    fn slot(&self) -> u64 {
        match &self.segment().storage {
            Storage::Hot { rows } => rows.slot.number(),
            Storage::Frozen { digests, .. } => digests.slot.number(),
        }
    }

    fn first_row_id(&self) -> Option<u64> {
        match &self.segment().row_ids {
            RowIds::From(first) => Some(first.number()),
            RowIds::Stored => None,
        }
    }

    fn sha256(&self) -> Digest {
        match &self.segment().storage {
            Storage::Hot { rows } => rows.sha256,
            Storage::Frozen { object, .. } => object.sha256,
        }
    }
}

/// The segments of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Result<Vec<ArrayRef>, SealedError> {
    let mut rows: Vec<SegmentRow<'_>> = Vec::new();
    for found in tables_at(state, version) {
        let dropped = dropped_version(state, found.id, version);
        let ends = ends(state, found.id, version)?;
        for live in live_at(state, found.id, version)? {
            let end = ends.get(&live.placed.segment.id).copied();
            rows.push(SegmentRow { found, live, end: [end, dropped].into_iter().flatten().min() });
        }
    }
    Ok(vec![
        texts(rows.iter().map(|row| row.found.schema)),
        texts(rows.iter().map(|row| row.found.table.name.as_str())),
        numbers(rows.iter().map(|row| row.segment().id.number())),
        texts(rows.iter().map(SegmentRow::kind)),
        numbers(rows.iter().map(|row| row.live.rows())),
        numbers(rows.iter().map(|row| row.segment().rows.saturating_sub(row.live.rows()))),
        numbers(rows.iter().map(|row| row.segment().size_bytes())),
        optional_texts(rows.iter().map(SegmentRow::key)),
        numbers(rows.iter().map(SegmentRow::slot)),
        numbers(rows.iter().map(|row| row.live.placed.placement.interval.begin().number())),
        optional_numbers(rows.iter().map(|row| row.end.map(Version::number))),
        optional_numbers(rows.iter().map(SegmentRow::first_row_id)),
        texts(rows.iter().map(|row| row.sha256().to_string())),
    ])
}

/// The first version without any row of a segment, for those that have one by now.
fn ends(state: &State, table: ObjectId, version: Version) -> Result<HashMap<SegmentId, Version>, SealedError> {
    let mut ends: HashMap<SegmentId, Version> = HashMap::new();
    let Some(newest) = state.newest(BranchId::MAIN).filter(|newest| *newest > version) else { return Ok(ends) };
    for life in state.segment_lives(table, newest)? {
        let spans = life.spans.iter().map(|span| (span.begin, span.end));
        if let Some(end) = run_end(spans, version) {
            ends.insert(life.placed.segment.id, end);
        }
    }
    Ok(ends)
}

/// The version that dropped a table that is there at a version: its segments end with it.
fn dropped_version(state: &State, table: ObjectId, version: Version) -> Option<Version> {
    let facts = state.tables().of(&table).iter();
    run_end(facts.map(|fact| (fact.interval.begin(), fact.interval.end())), version)
}

/// Where the run of intervals ends that touch one another and hold a version.
fn run_end(intervals: impl Iterator<Item = (Version, Option<Version>)>, version: Version) -> Option<Version> {
    let mut end: Option<Version> = None;
    for (begin, next) in intervals {
        let holds = begin <= version && next.is_none_or(|next| version < next);
        if holds || end == Some(begin) {
            end = next;
        }
    }
    end
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
    fn a_run_ends_where_nothing_goes_on() {
        let version = |number: u64| Version::new(number).unwrap();
        let spans = [(2, Some(4)), (4, Some(6)), (8, None)];
        let end = |at: u64| {
            let spans = spans.iter().map(|(begin, end)| (version(*begin), end.map(version)));
            run_end(spans, version(at)).map(Version::number)
        };
        assert_eq!([end(2), end(4), end(8)], [Some(6), Some(6), None]);
    }

    #[test]
    fn digests_are_those_of_the_stored_bytes() {
        let lake = sample_lake();
        let found = lines(&lake, SystemTable::Segments, 4, &["sha256"]);
        assert_eq!(found, [Digest::of(b"hot rows").to_string(), Digest::of(b"object").to_string()]);
    }
}
