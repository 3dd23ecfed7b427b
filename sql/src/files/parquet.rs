//! Parquet files as a relation: DataFusion's own scan of Parquet, fed from footers that were checked.
//!
//! ```text
//!   footers (engine) ──► one file group ──► FileScanConfig ─ CheckedSource ─ ParquetSource
//!   rows, sizes ───────► statistics ──┘          │                                └── LocalFiles: footers and bytes
//!                                                └── ByName: the files' columns
//! ```
//!
//! * A scan reads the columns that a query needs, and leaves out row groups and pages that a filter rules out.
//! * All files are one group in their order; DataFusion splits it among its threads by size where that pays.
//! * Row counts come from the footers and are exact, so `count(*)` reads no rows.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::object_store::memory::InMemory;
use datafusion::physical_plan::ExecutionPlan;
use frostline_engine::import::ParquetFooter;

use super::adapt::{ByName, is_adaptable};
use super::checked::CheckedSource;
use super::reader::LocalFiles;

/// The name under which DataFusion wants a store for the files of a plan.
const STORE_URL: &str = "frostline://files";

/// Parquet files of the machine.
#[derive(Debug)]
pub(super) struct ParquetFiles {
    schema: SchemaRef,
    footers: Vec<Arc<ParquetFooter>>,
    keep_case: bool,
}

impl ParquetFiles {
    /// The files of these footers with the columns that were inferred for them. `None` if values of a file must be
    /// looked at one by one, because not all that its type can hold fit the column's.
    pub(super) fn try_new(schema: &SchemaRef, footers: Vec<ParquetFooter>, keep_case: bool) -> Option<Self> {
        let all_fit = footers.iter().all(|footer| is_adaptable(schema, footer.schema(), keep_case));
        let footers = footers.into_iter().map(Arc::new).collect();
        all_fit.then(|| Self { schema: Arc::clone(schema), footers, keep_case })
    }

    fn statistics(&self) -> Statistics {
        let rows = self.footers.iter().map(|footer| footer.rows()).fold(0, u64::saturating_add);
        let size_bytes = self.footers.iter().map(|footer| footer.size_bytes()).fold(0, u64::saturating_add);
        let mut statistics = Statistics::new_unknown(&self.schema);
        if let Ok(rows) = usize::try_from(rows) {
            statistics.num_rows = Precision::Exact(rows);
        }
        if let Ok(size_bytes) = usize::try_from(size_bytes) {
            statistics.total_byte_size = Precision::Inexact(size_bytes);
        }
        statistics
    }
}

#[async_trait]
impl TableProvider for ParquetFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters reach the plan when it is optimised: they prune there, and rows are filtered above it.
    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(session.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(LocalFiles));
        let source: Arc<dyn FileSource> = Arc::new(CheckedSource::new(Arc::new(source)));
        let files: Vec<PartitionedFile> = self
            .footers
            .iter()
            .map(|footer| {
                PartitionedFile::new(footer.path().to_string_lossy(), footer.size_bytes())
                    .with_extension(Arc::clone(footer))
            })
            .collect();
        let config = FileScanConfigBuilder::new(store_url(session.runtime_env())?, source)
            .with_file_group(FileGroup::new(files))
            .with_statistics(self.statistics())
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(ByName::new(self.keep_case))))
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The URL of the plan's files. DataFusion looks a store up by it before it opens files; ours come from [`LocalFiles`],
/// so an empty store will do.
fn store_url(runtime: &RuntimeEnv) -> Result<ObjectStoreUrl> {
    let url = ObjectStoreUrl::parse(STORE_URL)?;
    if runtime.object_store(&url).is_err() {
        runtime.register_object_store(url.as_ref(), Arc::new(InMemory::new()));
    }
    Ok(url)
}
