//! One partition of hot rows as a stream: zones that cannot match are passed over, the others filtered row by row.

use std::collections::HashSet;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::RecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::metrics::{BaselineMetrics, Count};
use futures::Stream;

use super::rows::{HotRows, Zone};

/// A stream over some zones.
///
/// * The filter is read anew for each zone, so that a filter that tightens while the query runs is used at once.
/// * It never waits.
pub(super) struct HotStream {
    rows: Arc<HotRows>,
    first: usize,
    zones: Range<usize>,
    kept: Option<Vec<bool>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    projection: Vec<usize>,
    schema: SchemaRef,
    left: Option<usize>,
    baseline: BaselineMetrics,
    zones_pruned: Count,
}

/// Of what a stream is made.
pub(super) struct HotStreamParts {
    pub(super) rows: Arc<HotRows>,
    /// Which zones it goes through.
    pub(super) zones: Range<usize>,
    /// In terms of the rows' schema.
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
    pub(super) projection: Vec<usize>,
    /// The schema of what comes out.
    pub(super) schema: SchemaRef,
    /// How many rows may come out.
    pub(super) fetch: Option<usize>,
    pub(super) baseline: BaselineMetrics,
    pub(super) zones_pruned: Count,
}

impl HotStream {
    /// A stream that has not begun.
    pub(super) fn new(parts: HotStreamParts) -> Self {
        Self {
            rows: parts.rows,
            first: parts.zones.start,
            zones: parts.zones,
            kept: None,
            filter: parts.filter,
            projection: parts.projection,
            schema: parts.schema,
            left: parts.fetch,
            baseline: parts.baseline,
            zones_pruned: parts.zones_pruned,
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let time = self.baseline.elapsed_compute().clone();
        let _timer = time.timer();
        if self.left == Some(0) {
            return Ok(None);
        }
        if self.kept.is_none() {
            let kept = self.prune();
            self.zones_pruned.add(kept.iter().filter(|kept| !**kept).count());
            self.kept = Some(kept);
        }
        while let Some(index) = self.zones.next() {
            if !self.keeps(index) {
                continue;
            }
            let Some(zone) = self.rows.zones().get(index) else { break };
            if let Some(batch) = self.read(zone)? {
                self.left = self.left.map(|left| left.saturating_sub(batch.num_rows()));
                self.baseline.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn keeps(&self, index: usize) -> bool {
        let place = index.saturating_sub(self.first);
        self.kept.as_ref().and_then(|kept| kept.get(place)).copied().unwrap_or(true)
    }

    /// Which of the zones may hold a row that the filter lets through.
    fn prune(&self) -> Vec<bool> {
        let all = vec![true; self.zones.len()];
        let Some(filter) = self.filter.as_ref().filter(|_| self.zones.len() > 1) else { return all };
        let schema = Arc::clone(self.rows.schema());
        let Some(predicate) = PruningPredicateBuilder::new().with_file_schema(schema).build(Arc::clone(filter)) else {
            return all;
        };
        let zones = self.rows.zones().get(self.zones.clone()).unwrap_or_default();
        predicate.prune(&ZoneStatistics { schema: self.rows.schema(), zones }).unwrap_or(all)
    }

    /// The rows of a zone that match, as they come out; `None` if none does.
    fn read(&self, zone: &Zone) -> Result<Option<RecordBatch>> {
        let rows = zone.rows();
        let projected = rows.project(&self.projection)?;
        let matching = match &self.filter {
            None => projected,
            Some(filter) => {
                let mask: ArrayRef = filter.evaluate(rows)?.into_array(rows.num_rows())?;
                let mask: &BooleanArray = as_boolean_array(&mask)?;
                match mask.true_count() {
                    0 => return Ok(None),
                    all if all == rows.num_rows() => projected,
                    _ => filter_record_batch(&projected, mask)?,
                }
            }
        };
        Ok(Some(match self.left {
            Some(left) if left < matching.num_rows() => matching.slice(0, left),
            _ => matching,
        }))
    }
}

impl Stream for HotStream {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        Poll::Ready(this.next_batch().transpose())
    }
}

impl RecordBatchStream for HotStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Zones as containers that can be pruned. Only the columns that a filter names are ever looked at.
struct ZoneStatistics<'a> {
    schema: &'a SchemaRef,
    zones: &'a [Zone],
}

impl ZoneStatistics<'_> {
    fn bounds(&self, column: &Column, bound: fn(&ColumnStatistics) -> &Precision<ScalarValue>) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        let unknown = ScalarValue::try_new_null(self.schema.field(index).data_type()).ok()?;
        let values: Vec<ScalarValue> = self
            .zones
            .iter()
            .map(|zone| zone.column(index).and_then(|known| bound(known).get_value()).unwrap_or(&unknown).clone())
            .collect();
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for ZoneStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |known| &known.min_value)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |known| &known.max_value)
    }

    fn num_containers(&self) -> usize {
        self.zones.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        let counts: UInt64Array = self
            .zones
            .iter()
            .map(|zone| zone.column(index)?.null_count.get_value().map(|count| *count as u64))
            .collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts: UInt64Array = self.zones.iter().map(|zone| Some(zone.rows().num_rows() as u64)).collect();
        Some(Arc::new(counts))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
