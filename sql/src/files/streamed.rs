//! Files that Frostline's own readers read: CSV, JSON, and Parquet whose values want a look each.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use frostline_engine::batch_with_one_nan;
use frostline_engine::import::{self, ImportOptions, SourceFile};

/// The rows of some files, one file after another.
///
/// * Rows come in the order of the files.
/// * Values are read only of the columns that a query needs; every row is cut and checked.
#[derive(Debug)]
pub(super) struct StreamedFiles {
    files: Vec<SourceFile>,
    schema: SchemaRef,
    options: ImportOptions,
}

impl StreamedFiles {
    /// Files with the columns that were inferred for them.
    pub(super) fn new(files: Vec<SourceFile>, schema: SchemaRef, options: ImportOptions) -> Self {
        Self { files, schema, options }
    }
}

#[async_trait]
impl TableProvider for StreamedFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let projected: SchemaRef = Arc::new(self.schema.project(&wanted)?);
        let rows: Arc<dyn PartitionStream> = Arc::new(FileRows {
            files: self.files.clone(),
            file_schema: Arc::clone(&self.schema),
            wanted,
            schema: Arc::clone(&projected),
            options: self.options.clone(),
        });
        let plan = StreamingTableExec::try_new(projected, vec![rows], None, None::<LexOrdering>, false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// Some columns of some files, read once for each scan.
#[derive(Debug)]
struct FileRows {
    files: Vec<SourceFile>,
    file_schema: SchemaRef,
    wanted: Vec<usize>,
    schema: SchemaRef,
    options: ImportOptions,
}

impl PartitionStream for FileRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let sender = builder.tx();
        let (files, wanted, options) = (self.files.clone(), self.wanted.clone(), self.options.clone());
        let file_schema = Arc::clone(&self.file_schema);
        builder.spawn_blocking(move || {
            let reader = import::open_columns(files, file_schema, wanted, options)?.with_inferred_types();
            for batch in reader {
                let batch: Result<RecordBatch> = match batch {
                    Ok(batch) => batch_with_one_nan(&batch).map_err(DataFusionError::from),
                    Err(error) => Err(DataFusionError::External(Box::new(error))),
                };
                let failed = batch.is_err();
                if sender.blocking_send(batch).is_err() || failed {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    }
}
