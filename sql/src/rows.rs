//! From a planned query to rows that a transaction can add.

use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use frostline_catalog::schema::{Column, SortKey, arrow_schema};
use frostline_engine::import::normalise::normalise_batch;
use frostline_engine::{RowWriter, TakenRows};

use crate::constraint::Checks;
use crate::context::Context;
use crate::error::Error;
use crate::session::Session;

/// Runs a query and takes its rows in as rows of a table with these columns, matched by position.
///
/// # Errors
/// If the query fails, a value does not fit its column, a column that is NOT NULL lacks a value, or a row fails a
/// check. Nothing is committed.
pub(crate) async fn write_plan(
    session: &Session,
    context: &Arc<Context>,
    plan: LogicalPlan,
    columns: &[Column],
    sort_by: Vec<SortKey>,
    checks: Checks,
) -> Result<TakenRows, Error> {
    let mut rows = PlanRows::new(context, columns, sort_by).with_checks(checks);
    rows.write(session, context, plan).await?;
    rows.finish().await
}

/// Takes the rows of queries in, one query after the other, as rows of a table with these columns.
pub(crate) struct PlanRows<'a> {
    columns: &'a [Column],
    schema: SchemaRef,
    writer: RowWriter,
    before: u64,
    checks: Option<Checks>,
}

impl<'a> PlanRows<'a> {
    pub(crate) fn new(context: &Context, columns: &'a [Column], sort_by: Vec<SortKey>) -> Self {
        let schema = arrow_schema(columns);
        let writer = RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), sort_by);
        Self { columns, schema, writer, before: 0, checks: None }
    }

    /// The same, with each row tested.
    pub(crate) fn with_checks(mut self, checks: Checks) -> Self {
        self.checks = Some(checks);
        self
    }

    /// Takes in the rows of a query as they are computed.
    pub(crate) async fn write(
        &mut self,
        session: &Session,
        context: &Arc<Context>,
        plan: LogicalPlan,
    ) -> Result<(), Error> {
        let mut rows = session.rows(context, plan).await?.into_rows()?;
        while let Some(batch) = rows.next().await {
            let fitting = self.fitting(&[batch?])?;
            self.take(fitting).await?;
        }
        Ok(())
    }

    /// Computed rows as the table has them, if they can be the next ones.
    pub(crate) fn fitting(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, Error> {
        let mut before = self.before;
        let mut fitting: Vec<RecordBatch> = Vec::with_capacity(batches.len());
        for batch in batches {
            check_nulls(batch, self.columns, before)?;
            let normal = normalise_batch(batch, &self.schema)?;
            if let Some(checks) = &self.checks {
                checks.test(&normal, before)?;
            }
            before += batch.num_rows() as u64;
            fitting.push(normal);
        }
        Ok(fitting)
    }

    /// Takes in rows as the table has them.
    pub(crate) async fn take(&mut self, fitting: Vec<RecordBatch>) -> Result<(), Error> {
        for batch in fitting {
            self.before += batch.num_rows() as u64;
            self.writer.write(batch).await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(self) -> Result<TakenRows, Error> {
        Ok(self.writer.finish().await?)
    }
}

/// Refuses a missing value in a column that is NOT NULL, and says where.
pub(crate) fn check_nulls(batch: &RecordBatch, columns: &[Column], rows_before: u64) -> Result<(), Error> {
    for (column, values) in columns.iter().zip(batch.columns()) {
        if column.nullable || values.logical_null_count() == 0 {
            continue;
        }
        let row = (0..values.len()).find(|row| values.is_null(*row)).unwrap_or(0) as u64 + rows_before + 1;
        return Err(Error::statement(format!(
            "column `{}` is NOT NULL, and row {row} has no value for it",
            column.name
        )));
    }
    Ok(())
}
