//! Frozen rows as a plan: DataFusion's own scan of Parquet, fed from the catalog.
//!
//! ```text
//!   segments that stay ──► file groups ──► FileScanConfig ─ ParquetSource
//!   statistics (catalog) ──┘                  │                  └── SegmentReaders: footers and checked bytes
//!                                             └── ByFieldId: columns of older segments
//! ```
//!
//! * Planning names no object of the store: sizes, statistics and columns come from the catalog, footers come when a
//!   file is opened, and those of segments that a filter rules out at run time never come.
//! * The plan is a plain `DataSourceExec`, so that every rule of DataFusion's optimizer knows it.
//! * Files that were frozen last come first: a TopK by time then rules the older ones out.

mod reader;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{Statistics, internal_datafusion_err};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::memory::InMemory;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::segment::{Segment, Storage};
use frostline_engine::Lake;

use super::columns::ScanColumns;
use super::evolve::ByFieldId;
use super::statistics::merge;
use super::summary::ScanSummary;

use reader::SegmentReaders;

/// From how many columns beyond the filter's on a scan reads the filter's columns first and the others only where rows
/// pass. That pays where rows are wide and few of them pass; elsewhere, reading in two steps costs more than it spares.
const LATE_COLUMNS_MIN: usize = 4;

/// Into how many pieces a scan's files are cut for each partition: the last to be done is late by at most this share.
const PIECES_PER_PARTITION: u64 = 8;

/// Smaller pieces are not made: they would hold no row group, and cost a look at the footer each.
const PIECE_BYTES_MIN: u64 = 4 << 20;

/// The name under which DataFusion wants a store for the files of a plan.
const STORE_URL: &str = "frostline://segments";

/// A frozen segment and what is known of it.
#[derive(Debug)]
pub(super) struct FrozenSegment {
    /// The segment.
    pub(super) segment: Arc<Segment>,
    /// One entry for each of the version's columns.
    pub(super) statistics: Statistics,
}

/// What a scan reads of which segments.
#[derive(Debug)]
pub(super) struct FrozenPart {
    /// The version's columns.
    pub(super) columns: Arc<ScanColumns>,
    /// Which of them come out, in order.
    pub(super) projection: Vec<usize>,
    /// Which of them the filters name.
    pub(super) filtered: HashSet<usize>,
    /// The segments, in the order of their placements.
    pub(super) segments: Vec<FrozenSegment>,
    /// How many rows are enough.
    pub(super) limit: Option<usize>,
}

/// The plan that reads the segments. `summary`, if given, is shown among its metrics.
pub(super) fn plan_frozen(
    lake: &Arc<Lake>,
    session: &dyn Session,
    part: FrozenPart,
    summary: Option<&ScanSummary>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let FrozenPart { columns, projection, filtered, segments, limit } = part;
    let schema: SchemaRef = Arc::clone(columns.scan_schema());
    let is_late = reads_late(&columns, &projection, &filtered);
    // Segments have no Bloom filters. To look for some, the scan would exchange the reader that came with the footer,
    // and with it the bytes that it holds.
    let source = ParquetSource::new(schema)
        .with_table_parquet_options(session.default_table_options().parquet)
        .with_bloom_filter_on_read(false)
        .with_parquet_file_reader_factory(Arc::new(SegmentReaders::new(Arc::clone(lake))))
        .with_pushdown_filters(is_late);
    if let Some(summary) = summary {
        summary.count(source.metrics());
    }
    let named = source
        .try_pushdown_projection(&named_projection(&columns, &projection))?
        .ok_or_else(|| internal_datafusion_err!("a scan of Parquet takes no projection"))?;

    let statistics = merge(segments.iter().map(|segment| &segment.statistics), columns.len());
    let target = session.config().target_partitions();
    let groups = group_pieces(cut_files(segments, target), target);
    let config = FileScanConfigBuilder::new(store_url(session.runtime_env())?, named)
        .with_file_groups(groups)
        .with_statistics(statistics)
        .with_limit(limit)
        .with_expr_adapter(Some(Arc::new(ByFieldId::new(columns))))
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// The projected columns, from their scan names to their names.
fn named_projection(columns: &ScanColumns, projection: &[usize]) -> ProjectionExprs {
    ProjectionExprs::new(projection.iter().filter_map(|place| {
        let column = columns.get(*place)?;
        let expr = Arc::new(Column::new(&column.scan_name, *place));
        Some(ProjectionExpr::new(expr, column.field.name().as_str()))
    }))
}

/// Whether rows are worth being filtered before their other columns are decoded.
fn reads_late(columns: &ScanColumns, projection: &[usize], filtered: &HashSet<usize>) -> bool {
    if filtered.is_empty() {
        return false;
    }
    let others: Vec<&DataType> = projection
        .iter()
        .filter(|place| !filtered.contains(*place))
        .filter_map(|place| columns.get(*place))
        .map(|column| column.data_type())
        .collect();
    others.len() >= LATE_COLUMNS_MIN && others.iter().any(|data_type| is_wide(data_type))
}

fn is_wide(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::BinaryView) || data_type.is_nested()
}

/// The files, newest first, cut into pieces of about the same size, several for each of `target` partitions.
///
/// A partition that is done with a piece takes the next one, so that none works much longer than the others. Each row
/// group belongs to the piece in which it begins.
fn cut_files(segments: Vec<FrozenSegment>, target: usize) -> Vec<PartitionedFile> {
    let total: u64 = segments.iter().map(|segment| segment.segment.size_bytes()).sum();
    let piece_bytes = (total / (target.max(1) as u64 * PIECES_PER_PARTITION)).max(PIECE_BYTES_MIN);
    let mut pieces: Vec<PartitionedFile> = Vec::with_capacity(segments.len());
    for FrozenSegment { segment, statistics } in segments.into_iter().rev() {
        let Storage::Frozen { object, .. } = &segment.storage else { continue };
        let whole = PartitionedFile::new(object.key.as_str(), object.size_bytes)
            .with_statistics(Arc::new(statistics))
            .with_extension(Arc::clone(&segment));
        let count = (object.size_bytes / piece_bytes).max(1);
        let cut = |number: u64| i64::try_from(object.size_bytes / count * number).unwrap_or(i64::MAX);
        for number in 0..count {
            let mut piece = whole.clone();
            if count > 1 {
                let end = if number + 1 == count { object.size_bytes as i64 } else { cut(number + 1) };
                piece.range = Some(FileRange { start: cut(number), end });
            }
            pieces.push(piece);
        }
    }
    pieces
}

/// The pieces, in order, in at most `target` groups of about the same size.
fn group_pieces(pieces: Vec<PartitionedFile>, target: usize) -> Vec<FileGroup> {
    let count = target.min(pieces.len()).max(1);
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = (0..count).map(|_| (0, Vec::new())).collect();
    for piece in pieces {
        if let Some(least) = groups.iter_mut().min_by_key(|group| group.0) {
            least.0 = least.0.saturating_add(piece.effective_size());
            least.1.push(piece);
        }
    }
    groups.into_iter().map(|(_, pieces)| FileGroup::new(pieces)).collect()
}

/// The URL of the plan's files. DataFusion looks a store up by it before it opens files, and hands the store to whoever
/// makes readers; ours read from the lake, so an empty store will do.
fn store_url(runtime: &RuntimeEnv) -> Result<ObjectStoreUrl> {
    let url = ObjectStoreUrl::parse(STORE_URL)?;
    if runtime.object_store(&url).is_err() {
        runtime.register_object_store(url.as_ref(), Arc::new(InMemory::new()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use datafusion::common::stats::Precision;
    use frostline_catalog::segment::{BlockRef, FrozenObject, RowIds};
    use frostline_catalog::{Digest, ObjectId, RowId, SegmentId, Slot};

    use super::super::columns::tests::{column, columns};
    use super::*;

    fn segment(id: u64, size_bytes: u64) -> FrozenSegment {
        let block = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let object = FrozenObject { key: format!("segments/{id}"), size_bytes, sha256: Digest::ZERO, tail_bytes: 0 };
        let segment = Segment {
            id: SegmentId::new(id),
            table: ObjectId::new(1),
            rows: 10,
            row_ids: RowIds::From(RowId::new(0)),
            storage: Storage::Frozen { object, digests: block, statistics: block },
        };
        let statistics = Statistics {
            num_rows: Precision::Exact(10),
            total_byte_size: Precision::Inexact(80),
            column_statistics: Vec::new(),
        };
        FrozenSegment { segment: Arc::new(segment), statistics }
    }

    /// A piece's file and which of its bytes, `None` for all.
    type Piece<'a> = (&'a str, Option<(i64, i64)>);

    fn check_pieces(segments: Vec<FrozenSegment>, target: usize, expected: &[&[Piece<'_>]]) {
        let groups = group_pieces(cut_files(segments, target), target);
        let piece = |file: &PartitionedFile| match &file.range {
            Some(range) => format!("{} {}..{}", file.path(), range.start, range.end),
            None => file.path().to_string(),
        };
        let found: Vec<Vec<String>> = groups.iter().map(|group| group.iter().map(piece).collect()).collect();
        let named = |(path, range): &Piece<'_>| match range {
            Some((begin, end)) => format!("segments/{path} {begin}..{end}"),
            None => format!("segments/{path}"),
        };
        let expected: Vec<Vec<String>> = expected.iter().map(|group| group.iter().map(named).collect()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_are_of_about_the_same_size_and_the_newest_come_first() {
        let segments = vec![segment(1, 10), segment(2, 10), segment(3, 20), segment(4, 40)];
        let (old, newest) = ([("3", None), ("2", None), ("1", None)], [("4", None)]);
        check_pieces(segments, 2, &[&newest, &old]);
    }

    #[test]
    fn a_large_file_is_cut_into_pieces_that_cover_it() {
        let mib: i64 = 1 << 20;
        let size = 9 * mib as u64 + 1;
        let end = 9 * mib + 1;
        check_pieces(vec![segment(1, size)], 2, &[&[("1", Some((0, end / 2)))], &[("1", Some((end / 2, end)))]]);
    }

    #[test]
    fn there_are_no_empty_groups() {
        check_pieces(vec![segment(1, 10)], 8, &[&[("1", None)]]);
    }

    #[test]
    fn wide_rows_are_read_late_and_narrow_ones_are_not() {
        let wide = columns(&[
            column(1, "a", DataType::Int64, None),
            column(2, "b", DataType::Int64, None),
            column(3, "c", DataType::Int64, None),
            column(4, "d", DataType::Int64, None),
            column(5, "s", DataType::Utf8View, None),
        ]);
        let filtered = HashSet::from([0]);
        assert!(reads_late(&wide, &[0, 1, 2, 3, 4], &filtered));
        assert!(!reads_late(&wide, &[0, 1, 2, 3], &filtered));
        assert!(!reads_late(&wide, &[0, 1, 2, 3, 4], &HashSet::new()));
    }
}
