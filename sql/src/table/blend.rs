//! A scan of a table: which segments, then frozen rows, hot rows, or both.
//!
//! ```text
//!   only frozen rows    DataSourceExec (Parquet)
//!   only hot rows       DataSourceExec (hot)
//!   both                UnionExec of the two
//!   none                EmptyExec, which counts exactly no row
//! ```
//!
//! The union is left out where it can be, because sorts do not pass it. Filters and limits do: each side gets them.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use frostline_catalog::{ObjectId, Placed, State, Version};
use frostline_engine::Lake;

use super::bounds::SegmentBounds;
use super::columns::ScanColumns;
use super::evolve::adapt_rows;
use super::frozen::{FrozenPart, FrozenSegment, plan_frozen};
use super::hot::{HotRows, HotSource};
use super::prune::prune_segments;
use super::summary::ScanSummary;

/// What a scan was asked for.
pub(super) struct Scan<'a> {
    pub(super) lake: &'a Arc<Lake>,
    pub(super) state: &'a State,
    pub(super) table: ObjectId,
    pub(super) version: Version,
    /// Which columns come out, in order; all where `None`.
    pub(super) projection: Option<&'a [usize]>,
    /// Whoever asks applies them again.
    pub(super) filters: &'a [Expr],
    /// How many rows are enough, if no filter is applied again.
    pub(super) limit: Option<usize>,
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

impl Scan<'_> {
    /// The plan, and what was decided.
    pub(super) async fn plan(&self, session: &dyn Session) -> Result<(Arc<dyn ExecutionPlan>, ScanSummary)> {
        let columns = Arc::new(ScanColumns::at(self.state, self.table, self.version)?);
        let projection: Vec<usize> = match self.projection {
            Some(projection) => projection.to_vec(),
            None => (0..columns.len()).collect(),
        };
        let filter = self.filter(session, columns.schema())?;
        let filtered: HashSet<usize> = match &filter {
            Some(filter) => collect_columns(filter).iter().map(|column| column.index()).collect(),
            None => HashSet::new(),
        };
        let limit = self.limit.filter(|_| self.filters.is_empty());

        let hot = self.hot_rows(&columns, &projection).await?;
        let all: Vec<&Placed> = self.frozen_segments()?;
        let needed = limit.map(|limit| limit.saturating_sub(hot.len()));
        let segments = if needed == Some(0) {
            Vec::new()
        } else {
            let kept = self.kept_segments(&columns, &projection, &filtered, filter.as_ref(), &all).await?;
            enough_segments(kept, needed)
        };
        let summary = ScanSummary {
            table: self.table,
            version: self.version,
            segments_total: all.len(),
            segments_pruned: all.len() - segments.len(),
            hot_rows: hot.len(),
            frozen_rows: segments.iter().map(|kept| kept.segment.rows).sum(),
            bytes: segments.iter().map(|kept| kept.segment.size_bytes()).sum(),
        };
        let schema: SchemaRef = Arc::clone(hot.schema());
        let cold: Option<Arc<dyn ExecutionPlan>> = if segments.is_empty() {
            None
        } else {
            let part = FrozenPart { columns, projection, filtered, segments, limit };
            Some(plan_frozen(self.lake, session, part, Some(&summary))?)
        };
        let warm: Option<Arc<dyn ExecutionPlan>> = if hot.is_empty() {
            None
        } else {
            let source = HotSource::new(self.version, Arc::new(hot)).with_limit(limit);
            if cold.is_none() {
                summary.count(source.metrics_set());
            }
            let plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(source);
            Some(plan)
        };
        let plan: Arc<dyn ExecutionPlan> = match (cold, warm) {
            (Some(cold), Some(warm)) => UnionExec::try_new(vec![cold, warm])?,
            (Some(plan), None) | (None, Some(plan)) => plan,
            (None, None) => Arc::new(EmptyExec::new(schema)),
        };
        Ok((plan, summary))
    }

    /// The usable filters as one, over the version's columns.
    fn filter(&self, session: &dyn Session, schema: &SchemaRef) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let usable = self.filters.iter().filter(|filter| is_usable(filter)).cloned();
        let Some(filter) = conjunction(usable) else { return Ok(None) };
        let schema = DFSchema::try_from(Arc::clone(schema))?;
        session.create_physical_expr(filter, &schema).map(Some)
    }

    /// The hot rows of the version, as the projected columns.
    async fn hot_rows(&self, columns: &ScanColumns, projection: &[usize]) -> Result<HotRows> {
        if projection.is_empty() && self.filters.is_empty() {
            return self.hot_row_count(columns);
        }
        let slices = self.lake.hot_rows(self.state, self.table, self.version).await.map_err(external)?;
        let batches: Vec<RecordBatch> =
            slices.iter().map(|rows| adapt_rows(rows, columns, projection)).collect::<Result<Vec<RecordBatch>>>()?;
        Ok(HotRows::new(Arc::new(columns.schema().project(projection)?), &batches))
    }

    /// As many rows without columns as the version has hot rows: what COUNT(*) needs. The catalog knows how many.
    fn hot_row_count(&self, columns: &ScanColumns) -> Result<HotRows> {
        let schema = Arc::new(columns.schema().project(&[])?);
        let rows: u64 = self.state.hot_rows_at(self.table, self.version).map_err(external)?;
        let options = RecordBatchOptions::new().with_row_count(usize::try_from(rows).ok());
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options)?;
        Ok(HotRows::new(schema, &[batch]))
    }

    /// The frozen segments of the version, in the order of their placements.
    fn frozen_segments(&self) -> Result<Vec<&Placed>> {
        let live = self.state.live_frozen(self.table, self.version).map_err(external)?;
        Ok(live.into_iter().map(|live| live.placed).collect())
    }

    /// The segments that the filter does not rule out, with their statistics.
    async fn kept_segments(
        &self,
        columns: &ScanColumns,
        projection: &[usize],
        filtered: &HashSet<usize>,
        filter: Option<&Arc<dyn PhysicalExpr>>,
        all: &[&Placed],
    ) -> Result<Vec<FrozenSegment>> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let statistics = self.lake.statistics(all).await.map_err(external)?;
        let places: BTreeSet<usize> = projection.iter().chain(filtered).copied().collect();
        let bounds = SegmentBounds::try_new(columns, places, &statistics)?;
        let kept: Vec<usize> = match filter {
            Some(filter) => prune_segments(filter, columns.schema(), &bounds),
            None => (0..all.len()).collect(),
        };
        let mut segments: Vec<FrozenSegment> = Vec::with_capacity(kept.len());
        for place in kept {
            if let Some(placed) = all.get(place) {
                let statistics = bounds.segment(place, projection)?;
                segments.push(FrozenSegment { segment: Arc::clone(&placed.segment), statistics });
            }
        }
        Ok(segments)
    }
}

/// As many segments as hold the rows that are needed, the newest first to be taken.
fn enough_segments(mut segments: Vec<FrozenSegment>, needed: Option<usize>) -> Vec<FrozenSegment> {
    let Some(needed) = needed else { return segments };
    let mut rows: u64 = 0;
    let mut first = segments.len();
    while first > 0 && rows < needed as u64 {
        first -= 1;
        rows += segments.get(first).map_or(0, |kept| kept.segment.rows);
    }
    segments.split_off(first)
}

/// An error of the lake as DataFusion carries it.
fn external(error: impl Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use datafusion::common::Statistics;
    use datafusion::logical_expr::{col, lit, placeholder};
    use frostline_catalog::segment::{BlockRef, RowIds, Segment, Storage};
    use frostline_catalog::{Digest, RowId, SegmentId, Slot};

    use super::*;

    fn segment(id: u64, rows: u64) -> FrozenSegment {
        let block = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let segment = Segment {
            id: SegmentId::new(id),
            table: ObjectId::new(1),
            rows,
            row_ids: RowIds::From(RowId::new(0)),
            storage: Storage::Hot { rows: block },
        };
        FrozenSegment { segment: Arc::new(segment), statistics: Statistics::default() }
    }

    fn check(needed: Option<usize>, expected: &[u64]) {
        let segments = vec![segment(1, 10), segment(2, 10), segment(3, 10)];
        let kept: Vec<u64> = enough_segments(segments, needed).iter().map(|kept| kept.segment.id.number()).collect();
        assert_eq!(kept, expected, "{needed:?}");
    }

    #[test]
    fn a_limit_keeps_no_more_segments_than_it_needs() {
        check(None, &[1, 2, 3]);
        check(Some(1), &[3]);
        check(Some(10), &[3]);
        check(Some(11), &[2, 3]);
        check(Some(1_000), &[1, 2, 3]);
    }

    #[test]
    fn a_filter_that_needs_more_than_the_row_is_not_used() {
        assert!(is_usable(&col("a").gt(lit(1))));
        assert!(!is_usable(&col("a").gt(placeholder("$1"))));
    }
}
