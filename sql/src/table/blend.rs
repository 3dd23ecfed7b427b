//! A scan of a table: which segments, then frozen rows, hot rows, or both.
//!
//! ```text
//!   frozen rows of whole segments    DataSourceExec (Parquet)
//!   frozen rows, others are dead     FilterExec ─ DataSourceExec (Parquet with row numbers)
//!   hot rows                         DataSourceExec (hot)
//!   several of these                 UnionExec
//!   none                             EmptyExec, which counts exactly no row
//! ```
//!
//! * The union is left out where it can be, because sorts do not pass it. Filters and limits do: each side gets them.
//! * A segment without dead rows is read as if there were no dead rows anywhere, with statistics that are exact.
//! * Where nothing but the number of rows is asked, it comes from the catalog: neither dead rows nor files are read.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Statistics};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use frostline_catalog::segment::RowIds;
use frostline_catalog::{ObjectId, Placed, State, Version};
use frostline_engine::Lake;

use super::bounds::SegmentBounds;
use super::chosen::{ChosenRows, SegmentRows, load_kept};
use super::columns::ScanColumns;
use super::evolve::adapt_rows;
use super::frozen::{FrozenPart, FrozenSegment, plan_frozen};
use super::hot::{HotRows, HotSource};
use super::marked::plan_marked;
use super::places::Asked;
use super::prune::prune_segments;
use super::summary::ScanSummary;

/// What a scan was asked for.
pub(super) struct Scan<'a> {
    pub(super) lake: &'a Arc<Lake>,
    pub(super) state: &'a State,
    pub(super) table: ObjectId,
    pub(super) version: Version,
    /// Up to which version rows may be chosen, if not those that live at the version: its columns hold them all.
    pub(super) reach: Option<Version>,
    /// Which columns come out, in order; all where `None`.
    pub(super) projection: Option<&'a [usize]>,
    /// Whoever asks applies them again.
    pub(super) filters: &'a [Expr],
    /// How many rows are enough, if no filter is applied again.
    pub(super) limit: Option<usize>,
    /// Whether the columns that say where rows are stand behind the table's.
    pub(super) places: bool,
    /// Which rows to scan, if not those that live at the version.
    pub(super) chosen: Option<&'a [ChosenRows]>,
}

/// Whether a filter can be decided by a row of the table alone, so that a scan may use it.
pub(super) fn is_usable(filter: &Expr) -> bool {
    let needs_more = filter.exists(|node| {
        Ok(matches!(
            node,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::Placeholder(_)
        ))
    });
    !filter.is_volatile() && !needs_more.unwrap_or(true)
}

/// Whether a filter names only columns of a schema.
pub(super) fn names_only(filter: &Expr, schema: &SchemaRef) -> bool {
    filter.column_refs().iter().all(|column| schema.index_of(&column.name).is_ok())
}

/// The filters of a scan as one, and which columns it names.
struct ScanFilter {
    filter: Option<Arc<dyn PhysicalExpr>>,
    columns: HashSet<usize>,
}

/// A segment that statistics did not rule out.
struct Candidate<'a> {
    rows: SegmentRows<'a>,
    statistics: Statistics,
}

impl<'a> Scan<'a> {
    /// The plan, and what was decided.
    pub(super) async fn plan(&self, session: &dyn Session) -> Result<(Arc<dyn ExecutionPlan>, ScanSummary)> {
        let columns = Arc::new(match self.reach {
            Some(until) => ScanColumns::reaching(self.state, self.table, self.version, until)?,
            None => ScanColumns::at(self.state, self.table, self.version)?,
        });
        let asked = Asked::try_new(&columns, self.projection, self.places)?;
        let filter = self.filter(session, columns.schema())?;
        let limit = self.limit.filter(|_| self.filters.is_empty());

        let (hot_segments, frozen_segments) = self.segments()?;
        let segments_total = frozen_segments.len();
        let only_counts = asked.is_empty() && self.filters.is_empty();
        let (counted, all): (Vec<SegmentRows<'a>>, Vec<SegmentRows<'a>>) =
            frozen_segments.into_iter().partition(|segment| only_counts && !segment.is_whole());
        let hot = if only_counts {
            counted_rows(&columns, hot_segments.iter().chain(&counted))?
        } else {
            self.hot_rows(&columns, &asked, &hot_segments).await?
        };
        let needed = limit.map(|limit| limit.saturating_sub(hot.len()));
        let candidates: Vec<Candidate<'a>> = if needed == Some(0) {
            Vec::new()
        } else {
            enough_segments(self.candidates(&columns, asked.columns(), &filter, all).await?, needed)
        };
        let hot_rows: u64 = hot_segments.iter().map(SegmentRows::count).sum();
        let frozen_rows: u64 = candidates.iter().map(|candidate| candidate.rows.count()).sum();
        let all_rows: u64 = candidates.iter().map(|candidate| candidate.rows.placed.segment.rows).sum();
        let summary = ScanSummary {
            table: self.table,
            version: self.version,
            segments_total,
            segments_pruned: segments_total - candidates.len(),
            hot_rows: usize::try_from(hot_rows).unwrap_or(usize::MAX),
            frozen_rows,
            dead_rows: all_rows.saturating_sub(frozen_rows),
            bytes: candidates.iter().map(|candidate| candidate.rows.placed.segment.size_bytes()).sum(),
        };

        let segments = self.frozen(candidates).await?;
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        for segments in alike(segments, &asked) {
            let is_marked = asked.has_places() || segments.iter().any(|segment| segment.kept.is_some());
            let part = FrozenPart {
                columns: Arc::clone(&columns),
                projection: asked.columns().to_vec(),
                filtered: filter.columns.clone(),
                segments,
                limit,
            };
            let told = plans.is_empty().then_some(&summary);
            plans.push(if is_marked {
                plan_marked(self.lake, session, part, &asked, told)?
            } else {
                plan_frozen(self.lake, session, part, &[], told)?
            });
        }
        if !hot.is_empty() {
            let source = HotSource::new(self.version, Arc::new(hot)).with_limit(limit);
            if plans.is_empty() {
                summary.count(source.metrics_set());
            }
            plans.push(DataSourceExec::from_data_source(source));
        }
        let plan: Arc<dyn ExecutionPlan> = match (plans.pop(), plans.is_empty()) {
            (None, _) => Arc::new(EmptyExec::new(Arc::clone(asked.schema()))),
            (Some(only), true) => only,
            (Some(last), false) => {
                plans.push(last);
                UnionExec::try_new(plans)?
            }
        };
        Ok((plan, summary))
    }

    /// The usable filters as one, over the version's columns.
    fn filter(&self, session: &dyn Session, schema: &SchemaRef) -> Result<ScanFilter> {
        let usable = |filter: &&Expr| is_usable(filter) && names_only(filter, schema);
        let Some(filter) = conjunction(self.filters.iter().filter(usable).cloned()) else {
            return Ok(ScanFilter { filter: None, columns: HashSet::new() });
        };
        let df_schema = DFSchema::try_from(Arc::clone(schema))?;
        let filter = session.create_physical_expr(filter, &df_schema)?;
        let columns = collect_columns(&filter).iter().map(|column| column.index()).collect();
        Ok(ScanFilter { filter: Some(filter), columns })
    }

    /// The segments, hot and frozen apart, in the order of their placements or of the choice.
    fn segments(&self) -> Result<(Vec<SegmentRows<'a>>, Vec<SegmentRows<'a>>)> {
        if let Some(chosen) = self.chosen {
            return Ok(chosen.iter().map(SegmentRows::from).partition(|rows| rows.placed.segment.is_hot()));
        }
        let live = self.state.live_segments(self.table, self.version).map_err(external)?;
        let hot = live.hot.into_iter().map(SegmentRows::from).collect();
        let frozen = live.frozen.into_iter().map(SegmentRows::from).collect();
        Ok((hot, frozen))
    }

    /// The rows that come out of the hot segments, with the columns that are asked for.
    async fn hot_rows(&self, columns: &ScanColumns, asked: &Asked, segments: &[SegmentRows<'a>]) -> Result<HotRows> {
        let schema = Arc::clone(asked.schema());
        if segments.is_empty() {
            return Ok(HotRows::new(schema, &[]));
        }
        if self.chosen.is_none() && !asked.has_places() {
            let slices = self.lake.hot_rows(self.state, self.table, self.version).await.map_err(external)?;
            let batches: Vec<RecordBatch> = slices
                .iter()
                .map(|rows| adapt_rows(rows, columns, asked.columns()))
                .collect::<Result<Vec<RecordBatch>>>()?;
            return Ok(HotRows::new(schema, &batches));
        }
        let placed: Vec<&Placed> = segments.iter().map(|segment| segment.placed).collect();
        let kept = load_kept(self.lake, segments).await?;
        let chosen: Vec<(&Placed, Option<BooleanBuffer>)> = placed.iter().copied().zip(kept).collect();
        let parts = self.lake.hot_parts(&chosen).await.map_err(external)?;
        let mut batches: Vec<RecordBatch> = Vec::with_capacity(parts.len());
        for part in &parts {
            batches.push(asked.of_hot(part, columns, &placed)?);
        }
        Ok(HotRows::new(schema, &batches))
    }

    /// The frozen segments that the filter does not rule out, with the statistics of all their rows.
    async fn candidates(
        &self,
        columns: &ScanColumns,
        projection: &[usize],
        filter: &ScanFilter,
        all: Vec<SegmentRows<'a>>,
    ) -> Result<Vec<Candidate<'a>>> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let placed: Vec<&Placed> = all.iter().map(|segment| segment.placed).collect();
        let statistics = self.lake.statistics(&placed).await.map_err(external)?;
        let places: BTreeSet<usize> = projection.iter().chain(&filter.columns).copied().collect();
        let bounds = SegmentBounds::try_new(columns, places, &statistics)?;
        let kept: Vec<usize> = match &filter.filter {
            Some(filter) => prune_segments(filter, columns.schema(), &bounds),
            None => (0..all.len()).collect(),
        };
        let mut candidates: Vec<Candidate<'a>> = Vec::with_capacity(kept.len());
        let mut kept = kept.into_iter().peekable();
        for (place, rows) in all.into_iter().enumerate() {
            if kept.next_if_eq(&place).is_some() {
                candidates.push(Candidate { rows, statistics: bounds.segment(place, projection)? });
            }
        }
        Ok(candidates)
    }

    /// The segments to read, with their dead rows.
    async fn frozen(&self, candidates: Vec<Candidate<'a>>) -> Result<Vec<FrozenSegment>> {
        let (rows, statistics): (Vec<SegmentRows<'a>>, Vec<Statistics>) =
            candidates.into_iter().map(|candidate| (candidate.rows, candidate.statistics)).unzip();
        let kept = load_kept(self.lake, &rows).await?;
        let found = rows.into_iter().zip(statistics).zip(kept).map(|((rows, statistics), kept)| FrozenSegment {
            segment: Arc::clone(&rows.placed.segment),
            born: rows.placed.placement.interval.begin(),
            rows: rows.count(),
            statistics,
            kept,
        });
        Ok(found.collect())
    }
}

/// As many rows without columns as come out of the segments: what COUNT(*) needs. The catalog knows how many.
fn counted_rows<'a, 'b: 'a>(
    columns: &ScanColumns,
    segments: impl Iterator<Item = &'a SegmentRows<'b>>,
) -> Result<HotRows> {
    let schema = Arc::new(columns.schema().project(&[])?);
    let rows: u64 = segments.map(SegmentRows::count).sum();
    let options = RecordBatchOptions::new().with_row_count(usize::try_from(rows).ok());
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options)?;
    Ok(HotRows::new(schema, &[batch]))
}

/// Segments in groups that one scan reads. None is empty.
///
/// Where places are asked for, those whose rows carry their ids are apart; otherwise, those whose rows do not all come
/// out.
fn alike(segments: Vec<FrozenSegment>, asked: &Asked) -> Vec<Vec<FrozenSegment>> {
    let (first, second): (Vec<FrozenSegment>, Vec<FrozenSegment>) = segments.into_iter().partition(|segment| {
        if asked.has_places() { segment.segment.row_ids != RowIds::Stored } else { segment.kept.is_none() }
    });
    [first, second].into_iter().filter(|group| !group.is_empty()).collect()
}

/// As many segments as hold the rows that are needed, the newest first to be taken.
fn enough_segments(mut segments: Vec<Candidate<'_>>, needed: Option<usize>) -> Vec<Candidate<'_>> {
    let Some(needed) = needed else { return segments };
    let mut rows: u64 = 0;
    let mut first = segments.len();
    while first > 0 && rows < needed as u64 {
        first -= 1;
        rows += segments.get(first).map_or(0, |candidate| candidate.rows.count());
    }
    segments.split_off(first)
}

/// An error of the lake as DataFusion carries it.
fn external(error: impl Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datafusion::common::stats::Precision;
    use datafusion::logical_expr::{col, lit, placeholder};
    use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
    use frostline_catalog::segment::{BlockRef, Placement, Segment, Storage};
    use frostline_catalog::{BranchId, Dead, Digest, Interval, PlacementId, RowId, SegmentId, Slot};

    use super::super::chosen::Which;
    use super::super::columns::tests::{column, columns};
    use super::*;

    fn placed(id: u64, rows: u64, row_ids: RowIds) -> Placed {
        let block = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let (table, segment) = (ObjectId::new(1), SegmentId::new(id));
        let placement = Placement {
            id: PlacementId::new(id),
            branch: BranchId::MAIN,
            table,
            segment,
            interval: Interval::from(Version::FIRST),
        };
        let segment = Segment { id: segment, table, rows, row_ids, storage: Storage::Hot { rows: block } };
        Placed { placement, segment: Arc::new(segment) }
    }

    fn with_dead(placed: &Placed, dead: u64) -> SegmentRows<'_> {
        let block = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let which = match dead {
            0 => Which::All,
            rows => Which::Living(Arc::new(Dead::new(None, rows, block))),
        };
        SegmentRows { placed, which }
    }

    fn check(dead: [u64; 3], needed: Option<usize>, expected: &[u64]) {
        let placed: Vec<Placed> = (1..=3).map(|id| placed(id, 10, RowIds::From(RowId::new(0)))).collect();
        let segments: Vec<Candidate<'_>> = placed
            .iter()
            .zip(dead)
            .map(|(placed, dead)| Candidate { rows: with_dead(placed, dead), statistics: Statistics::default() })
            .collect();
        let kept: Vec<u64> =
            enough_segments(segments, needed).iter().map(|kept| kept.rows.placed.segment.id.number()).collect();
        assert_eq!(kept, expected, "{needed:?}");
    }

    #[test]
    fn a_limit_keeps_no_more_segments_than_it_needs() {
        check([0; 3], None, &[1, 2, 3]);
        check([0; 3], Some(1), &[3]);
        check([0; 3], Some(10), &[3]);
        check([0; 3], Some(11), &[2, 3]);
        check([0; 3], Some(1_000), &[1, 2, 3]);
    }

    #[test]
    fn dead_rows_do_not_count_for_a_limit() {
        check([0, 0, 3], Some(7), &[3]);
        check([0, 0, 3], Some(8), &[2, 3]);
        check([0, 9, 9], Some(3), &[1, 2, 3]);
    }

    #[test]
    fn living_rows_are_counted_without_reading_anything() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        let placed = placed(1, 10, RowIds::Stored);
        let segments = [with_dead(&placed, 3), with_dead(&placed, 0)];
        let counted = counted_rows(&columns, segments.iter()).unwrap();
        assert_eq!(counted.len(), 17);
        let source = HotSource::new(Version::FIRST, Arc::new(counted));
        let plan = DataSourceExec::from_data_source(source);
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
        assert_eq!(statistics.num_rows, Precision::Exact(17));
    }

    #[test]
    fn segments_are_apart_where_one_scan_cannot_read_them() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        let frozen = |id: u64, row_ids: RowIds, kept: Option<BooleanBuffer>| FrozenSegment {
            segment: placed(id, 10, row_ids).segment,
            born: Version::FIRST,
            statistics: Statistics::default(),
            rows: 10,
            kept,
        };
        let some = || Some(BooleanBuffer::new_set(10));
        let from = RowIds::From(RowId::new(0));
        let segments = || vec![frozen(1, from, None), frozen(2, RowIds::Stored, some()), frozen(3, from, some())];
        let grouped = |places: bool| -> Vec<Vec<u64>> {
            let asked = Asked::try_new(&columns, None, places).unwrap();
            let groups = alike(segments(), &asked);
            groups.iter().map(|group| group.iter().map(|found| found.segment.id.number()).collect()).collect()
        };
        assert_eq!(grouped(false), [vec![1], vec![2, 3]]);
        assert_eq!(grouped(true), [vec![1, 3], vec![2]]);
    }

    #[test]
    fn a_filter_that_needs_more_than_the_row_is_not_used() {
        assert!(is_usable(&col("a").gt(lit(1))));
        assert!(!is_usable(&col("a").gt(placeholder("$1"))));
    }

    #[test]
    fn a_filter_by_places_is_left_to_whoever_asks() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        assert!(names_only(&col("a").gt(lit(1)), columns.schema()));
        assert!(!names_only(&col("_segment").eq(lit(1)), columns.schema()));
    }
}
