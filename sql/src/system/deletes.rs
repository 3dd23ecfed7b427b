//! `system.deletes`: what killed rows of the tables that are there, by table and version.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::segment::BlockRef;
use frostline_catalog::{Kill, SegmentId, State, Version};

use super::array::{flags, numbers, optional_numbers, texts};
use super::field::{self, flag, number, optional, text};
use super::tables::{FoundTable, tables_at};

/// The columns.
///
/// * `rows` is how many rows of the segment the version killed.
/// * `is_whole` says that it killed all that still lived; then no positions are kept, and `slot` and `bytes`, those of
///   the block that holds the positions, are NULL.
/// * A kill stays listed where a later version brought the rows back.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("table_name"),
        number("segment_id"),
        number("version"),
        number("rows"),
        flag("is_whole"),
        optional(number("slot")),
        optional(number("bytes")),
    ])
}

struct KillRow<'a> {
    found: FoundTable<'a>,
    segment: SegmentId,
    version: Version,
    rows: u64,
    positions: Option<BlockRef>,
}

/// The kills up to a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<KillRow<'_>> = Vec::new();
    for found in tables_at(state, version) {
        let first = rows.len();
        for (segment, kill) in state.kills_of(found.id).filter(|(_, kill)| kill.version <= version) {
            let Kill { version, rows: killed, positions } = *kill;
            rows.push(KillRow { found, segment, version, rows: killed, positions });
        }
        if let Some(of_table) = rows.get_mut(first..) {
            of_table.sort_by_key(|row| (row.version, row.segment));
        }
    }
    vec![
        texts(rows.iter().map(|row| row.found.schema)),
        texts(rows.iter().map(|row| row.found.table.name.as_str())),
        numbers(rows.iter().map(|row| row.segment.number())),
        numbers(rows.iter().map(|row| row.version.number())),
        numbers(rows.iter().map(|row| row.rows)),
        flags(rows.iter().map(|row| row.positions.is_none())),
        optional_numbers(rows.iter().map(|row| row.positions.map(|block| block.slot.number()))),
        optional_numbers(rows.iter().map(|row| row.positions.map(|block| block.length_bytes))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};

    #[test]
    fn where_nothing_was_killed_nothing_is_listed() {
        let lake = sample_lake();
        for version in 1..=lake.newest().number() {
            assert!(lines(&lake, SystemTable::Deletes, version, &["rows"]).is_empty());
        }
    }
}
