//! From a planned query to rows that a transaction can add.

use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::logical_expr::LogicalPlan;
use frostline_catalog::schema::{Column, SortKey, arrow_schema};
use frostline_engine::import::normalise::normalise_batch;
use frostline_engine::{RowWriter, TakenRows};

use crate::constraint::{Checks, SHOWN_MAX};
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
            check_nulls(batch, self.columns, RowOrder::After(before))?;
            let normal = normalise_batch(batch, &self.schema)?;
            if let Some(checks) = &self.checks {
                checks.test(&normal, RowOrder::After(before))?;
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

/// How an error says which of some rows it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// By its number: so many rows of the statement came before these.
    After(u64),
    /// By its values alone: rows come as they are found, and no number would say which it is.
    Unknown,
}

impl RowOrder {
    /// `row 3`, for the row at a place, counted from 0; `a row` where that would say nothing.
    pub(crate) fn shown(self, row: usize) -> String {
        match self {
            Self::After(before) => format!("row {}", before.saturating_add(row as u64).saturating_add(1)),
            Self::Unknown => "a row".to_owned(),
        }
    }
}

/// Refuses a missing value in a column that is NOT NULL, and says where.
pub(crate) fn check_nulls(batch: &RecordBatch, columns: &[Column], order: RowOrder) -> Result<(), Error> {
    for (column, values) in columns.iter().zip(batch.columns()) {
        if column.nullable || values.logical_null_count() == 0 {
            continue;
        }
        let row = (0..values.len()).find(|row| values.is_null(*row)).unwrap_or(0);
        let (name, shown) = (&column.name, order.shown(row));
        return Err(Error::statement(match order {
            RowOrder::After(_) => format!("column `{name}` is NOT NULL, and {shown} has no value for it"),
            RowOrder::Unknown => {
                let values = shown_row(batch, columns, row);
                format!("column `{name}` is NOT NULL, and {shown} would have no value for it{values}")
            }
        }));
    }
    Ok(())
}

/// The first values of a row, as the end of a message: so many as fit.
fn shown_row(batch: &RecordBatch, columns: &[Column], row: usize) -> String {
    let mut text = String::new();
    for (column, values) in columns.iter().zip(batch.columns()) {
        if values.is_null(row) {
            continue;
        }
        let Ok(value) = array_value_to_string(values, row) else { continue };
        let part = format!("{} {} = {value}", if text.is_empty() { ":" } else { "," }, column.name);
        if text.chars().count() + part.chars().count() > SHOWN_MAX {
            break;
        }
        text.push_str(&part);
    }
    text
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use datafusion::arrow::datatypes::DataType;
    use frostline_catalog::{FieldId, Name};

    use super::*;

    fn column(id: i32, name: &str, data_type: DataType, nullable: bool) -> Column {
        let name = Name::try_new(name).unwrap();
        Column { id: FieldId::new(id), name, data_type, nullable, default: None, initial: None, comment: None }
    }

    fn check(order: RowOrder, expected: &str) {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let notes: ArrayRef = Arc::new(StringArray::from(vec!["a".to_owned(), "long ".repeat(40)]));
        let must: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let rows = RecordBatch::try_from_iter([("k", keys), ("note", notes), ("must", must)]).unwrap();
        let columns = [
            column(1, "k", DataType::Int64, false),
            column(2, "note", DataType::Utf8, true),
            column(3, "must", DataType::Int64, false),
        ];
        assert_eq!(check_nulls(&rows, &columns, order).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_row_without_a_value_is_told_by_its_number_or_by_its_values() {
        check(RowOrder::After(10), "column `must` is NOT NULL, and row 12 has no value for it");
        check(RowOrder::Unknown, "column `must` is NOT NULL, and a row would have no value for it: k = 2");
    }
}
