//! A scan of Parquet files that nobody vouches for.
//!
//! DataFusion and its decoders name no file in their errors, and panic on some that lie about themselves. Here each
//! step of a scan runs behind a wall:
//!
//! * An error of the decoder says which file is damaged; other errors pass as they are.
//! * A panic becomes such an error. Whatever panicked is not used again.
//! * Where neither filter nor limit leaves rows out, they are counted: a file that yields fewer or more than its footer
//!   says is damaged.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::object_store::ObjectStore;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use frostline_engine::import::{ExactCastError, ImportError, ParquetFooter};
use futures::future::ready;
use futures::stream::{BoxStream, once};
use futures::{FutureExt, StreamExt};
use parquet::errors::ParquetError;

/// A source of rows from files that carry their [`ParquetFooter`], behind the wall.
pub(super) struct CheckedSource {
    inner: Arc<dyn FileSource>,
}

impl CheckedSource {
    /// The same source behind the wall.
    pub(super) fn new(inner: Arc<dyn FileSource>) -> Self {
        Self { inner }
    }

    fn wrap(inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self::new(inner))
    }
}

impl FileSource for CheckedSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.inner.create_morselizer(store, config, partition)?;
        let yields_all = config.limit.is_none() && self.inner.filter().is_none();
        Ok(Box::new(CheckedMorselizer { inner, yields_all }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Self::wrap(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        self.inner.fmt_extra(format, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let FilterPushdownPropagation { filters, updated_node } = self.inner.try_pushdown_filters(filters, config)?;
        Ok(FilterPushdownPropagation { filters, updated_node: updated_node.map(Self::wrap) })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_sort(order, properties)?.map(Self::wrap))
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(Self::wrap))
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(visit)
    }
}

/// Begins files, each behind a wall of its own.
#[derive(Debug)]
struct CheckedMorselizer {
    inner: Box<dyn Morselizer>,
    /// Whether every row of a file comes out.
    yields_all: bool,
}

impl Morselizer for CheckedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let Some(footer) = file.extension::<Arc<ParquetFooter>>().cloned() else {
            return internal_err!("file {} of a scan has no footer", file.path());
        };
        let rows = match &file.range {
            _ if !self.yields_all => None,
            Some(range) => Some(footer.rows_within(&(range.start..range.end))),
            None => Some(footer.rows()),
        };
        let wall = Wall { footer, rows };
        let inner = wall.run(|| self.inner.plan_file(file))?;
        Ok(Box::new(CheckedPlanner { inner, wall }))
    }
}

/// Plans a file, or the rest of one.
#[derive(Debug)]
struct CheckedPlanner {
    inner: Box<dyn MorselPlanner>,
    wall: Wall,
}

impl CheckedPlanner {
    fn boxed(inner: Box<dyn MorselPlanner>, wall: Wall) -> Box<dyn MorselPlanner> {
        Box::new(Self { inner, wall })
    }
}

impl MorselPlanner for CheckedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, wall } = *self;
        let Some(mut plan) = wall.run(|| inner.plan())? else {
            return Ok(None);
        };
        let morsels: Vec<Box<dyn Morsel>> = plan
            .take_morsels()
            .into_iter()
            .map(|inner| Box::new(CheckedMorsel { inner, wall: wall.clone() }) as Box<dyn Morsel>)
            .collect();
        let planners: Vec<Box<dyn MorselPlanner>> =
            plan.take_ready_planners().into_iter().map(|inner| Self::boxed(inner, wall.clone())).collect();
        let mut checked = MorselPlan::new().with_morsels(morsels).with_planners(planners);
        if let Some(pending) = plan.take_pending_planner() {
            checked.set_pending_planner(async move {
                match AssertUnwindSafe(pending).catch_unwind().await {
                    Ok(Ok(inner)) => Ok(Self::boxed(inner, wall)),
                    Ok(Err(error)) => Err(wall.locate(error)),
                    Err(_) => Err(wall.damaged("its pages", None)),
                }
            });
        }
        Ok(Some(checked))
    }
}

/// Rows of a file, or of a part of it.
#[derive(Debug)]
struct CheckedMorsel {
    inner: Box<dyn Morsel>,
    wall: Wall,
}

impl Morsel for CheckedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, wall } = *self;
        let batches = match wall.run(|| Ok(inner.into_stream())) {
            Ok(batches) => batches,
            Err(error) => return once(ready(Err(error))).boxed(),
        };
        let read = Arc::new(AtomicU64::new(0));
        let (counted, counter, end) = (wall.clone(), Arc::clone(&read), wall);
        let checked = AssertUnwindSafe(batches).catch_unwind().map(move |item| match item {
            Ok(Ok(batch)) => {
                counter.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                Ok(batch)
            }
            Ok(Err(error)) => Err(counted.locate(error)),
            Err(_) => Err(counted.damaged("its pages", None)),
        });
        let last = once(async move { end.check_rows(read.load(Ordering::Relaxed)).err().map(Err) });
        checked.chain(last.filter_map(ready)).boxed()
    }
}

/// What stands between one file and those who read it.
#[derive(Clone, Debug)]
struct Wall {
    footer: Arc<ParquetFooter>,
    /// How many rows must come, if that is known.
    rows: Option<u64>,
}

impl Wall {
    /// Runs a step that computes and does not wait.
    fn run<T>(&self, step: impl FnOnce() -> Result<T>) -> Result<T> {
        match catch_unwind(AssertUnwindSafe(step)) {
            Ok(result) => result.map_err(|error| self.locate(error)),
            Err(_) => Err(self.damaged("its pages", None)),
        }
    }

    fn check_rows(&self, read: u64) -> Result<()> {
        match self.rows {
            Some(rows) if rows != read => Err(self.damaged("the row count in its footer", None)),
            _ => Ok(()),
        }
    }

    /// The same error with the name of the file, if the file is to blame.
    fn locate(&self, error: DataFusionError) -> DataFusionError {
        match error {
            DataFusionError::ParquetError(error) => match *error {
                ParquetError::External(error) => match error.downcast::<ImportError>() {
                    Ok(named) => DataFusionError::External(named),
                    Err(error) => self.damaged("its pages", Some(ParquetError::External(error))),
                },
                other => self.damaged("its pages", Some(other)),
            },
            DataFusionError::ArrowError(error, trace) => match *error {
                ArrowError::ParquetError(text) => self.damaged("its pages", Some(ParquetError::ArrowError(text))),
                other => DataFusionError::ArrowError(Box::new(other), trace),
            },
            DataFusionError::External(error) => match error.downcast::<ExactCastError>() {
                Ok(source) => {
                    let file = self.footer.path().to_path_buf();
                    DataFusionError::External(Box::new(ImportError::Unlike { file, source }))
                }
                Err(error) => DataFusionError::External(error),
            },
            other => other,
        }
    }

    fn damaged(&self, place: &str, source: Option<ParquetError>) -> DataFusionError {
        DataFusionError::External(Box::new(self.footer.damaged(place, source)))
    }
}
