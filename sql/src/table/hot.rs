//! Hot rows as a source of data: batches in memory that know their statistics and filter themselves.
//!
//! DataFusion's own source of batches knows no least and greatest values and takes no filters. Without the former,
//! `max(x)` of a table with one hot row reads all of it; without the latter, a join's or a TopK's filter that spares
//! frozen rows does not spare hot ones.
//!
//! * Filters that are pushed are applied, exactly; no FilterExec is left above hot rows.
//! * Without a filter the statistics are exact. A float column with a NaN has no least and no greatest value, as in
//!   frozen segments: both kinds of rows must give one answer.

mod rows;
mod stream;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::source::DataSource;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, conjunction_opt};
use datafusion::physical_plan::DisplayFormatType;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder};
use datafusion::physical_plan::projection::{all_alias_free_columns, new_projections_for_columns};
use frostline_catalog::Version;

pub(super) use rows::{HotRows, width_bytes};

use stream::{HotStream, HotStreamParts};

/// How many zones a partition has at least: less work is not worth a task.
const ZONES_PER_PARTITION_MIN: usize = 4;

/// The hot rows of a table at a version.
#[derive(Clone, Debug)]
pub(super) struct HotSource {
    version: Version,
    rows: Arc<HotRows>,
    partitions: Vec<Range<usize>>,
    projection: Vec<usize>,
    schema: SchemaRef,
    /// In terms of the rows' schema.
    filters: Vec<Arc<dyn PhysicalExpr>>,
    fetch: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
}

impl HotSource {
    /// A source of all the rows and columns, in one partition.
    pub(super) fn new(version: Version, rows: Arc<HotRows>) -> Self {
        let schema = Arc::clone(rows.schema());
        Self {
            version,
            partitions: std::iter::once(0..rows.zones().len()).collect(),
            projection: (0..schema.fields().len()).collect(),
            rows,
            schema,
            filters: Vec::new(),
            fetch: None,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The same source, of at most so many rows from each partition.
    pub(super) fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.fetch = limit;
        self
    }

    /// Where the source counts.
    pub(super) fn metrics_set(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn statistics_of(&self, zones: Range<usize>) -> Result<Statistics> {
        let statistics = self.rows.statistics(zones, &self.projection);
        let statistics = if self.filters.is_empty() { statistics } else { statistics.to_inexact() };
        match self.fetch {
            Some(_) => statistics.with_fetch(self.fetch, 0, 1),
            None => Ok(statistics),
        }
    }
}

impl DataSource for HotSource {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(zones) = self.partitions.get(partition) else {
            let count = self.partitions.len();
            return internal_err!("hot rows have {count} partitions; partition {partition} was asked for");
        };
        Ok(Box::pin(cooperative(HotStream::new(HotStreamParts {
            rows: Arc::clone(&self.rows),
            zones: zones.clone(),
            filter: conjunction_opt(self.filters.iter().cloned()),
            projection: self.projection.clone(),
            schema: Arc::clone(&self.schema),
            fetch: self.fetch,
            baseline: BaselineMetrics::new(&self.metrics, partition),
            zones_pruned: MetricBuilder::new(&self.metrics).counter("hot_zones_pruned", partition),
        }))))
    }

    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let filters: Vec<String> = self.filters.iter().map(|filter| filter.to_string()).collect();
        // Frozen rows that are only counted are among rows without columns.
        let kind = if self.rows.schema().fields().is_empty() { "counted_rows" } else { "hot_rows" };
        match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(
                    f,
                    "{kind}={}, version={}, partitions={}, projection=[{}]",
                    self.rows.len(),
                    self.version,
                    self.partitions.len(),
                    names.join(", ")
                )?;
                if let Some(fetch) = self.fetch {
                    write!(f, ", limit={fetch}")?;
                }
                if !filters.is_empty() {
                    write!(f, ", predicate={}", filters.join(" AND "))?;
                }
                Ok(())
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "format=hot")?;
                writeln!(f, "rows={}", self.rows.len())?;
                if !filters.is_empty() {
                    writeln!(f, "predicate={}", filters.join(" AND "))?;
                }
                Ok(())
            }
        }
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        _repartition_file_min_size: usize,
        _output_ordering: Option<LexOrdering>,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        let zones = self.rows.zones().len();
        let count = target_partitions.min(zones / ZONES_PER_PARTITION_MIN);
        if count <= self.partitions.len() {
            return Ok(None);
        }
        let partitions = (0..count).map(|n| n * zones / count..(n + 1) * zones / count).collect();
        Ok(Some(Arc::new(Self { partitions, ..self.clone() })))
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn scheduling_type(&self) -> SchedulingType {
        SchedulingType::Cooperative
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let zones = match partition {
            None => 0..self.rows.zones().len(),
            Some(partition) => self.partitions.get(partition).cloned().unwrap_or(0..0),
        };
        Ok(Arc::new(self.statistics_of(zones)?))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(Arc::new(self.clone().with_limit(limit)))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        let exprs: Vec<ProjectionExpr> = projection.iter().cloned().collect();
        if !all_alias_free_columns(&exprs) {
            return Ok(None);
        }
        let projection = new_projections_for_columns(&exprs, &self.projection);
        let schema: SchemaRef = Arc::new(self.rows.schema().project(&projection)?);
        Ok(Some(Arc::new(Self { projection, schema, ..self.clone() })))
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        // A filter above a limit is another question than one below it.
        if filters.is_empty() || self.fetch.is_some() {
            return Ok(FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]));
        }
        let answer = vec![PushedDown::Yes; filters.len()];
        let mut source = self.clone();
        for filter in filters {
            source.filters.push(reassign_expr_columns(filter, self.rows.schema())?);
        }
        let source: Arc<dyn DataSource> = Arc::new(source);
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(answer).with_updated_node(source))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for filter in &self.filters {
            if f(filter)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

#[cfg(test)]
mod tests;
