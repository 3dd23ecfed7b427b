//! Appending Arrow batches.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::{Column, arrow_schema};
use frostline_catalog::transaction::TableTarget;
use frostline_engine::RowWriter;
use frostline_engine::import::normalise::normalise_batch;

use super::Work;
use super::create::counted;
use crate::context::Context;
use crate::error::Error;
use crate::rows::check_nulls;
use crate::session::Commit;

/// Appends batches to a table. Columns are matched by name; those that a batch lacks are NULL.
pub(crate) async fn append_batches(
    context: &Arc<Context>,
    table: &ast::ObjectName,
    batches: Vec<RecordBatch>,
) -> Result<Work, Error> {
    let qualified = context.qualify(table)?;
    let id = context.find_table(&qualified, context.visible)?;
    let columns: Vec<Column> = context.state.columns_at(id, context.visible).into_iter().cloned().collect();
    let schema = arrow_schema(&columns);
    let sort_by = context.state.table_at(id, context.visible).map(|table| table.sort_by.clone());
    let mut writer = RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), sort_by.unwrap_or_default());
    let mut rows_before = 0;
    for batch in batches {
        if let Some(unknown) = batch
            .schema()
            .fields()
            .iter()
            .find(|field| !columns.iter().any(|column| column.name.as_str() == field.name()))
        {
            return Err(Error::statement(format!("table `{qualified}` has no column `{}`", unknown.name())));
        }
        let arranged = arrange(&batch, &columns)?;
        check_nulls(&arranged, &columns, rows_before)?;
        rows_before += arranged.num_rows() as u64;
        writer.write(normalise_batch(&arranged, &schema)?).await?;
    }
    let rows = writer.finish().await?;
    let count = rows.rows();
    if count == 0 {
        return Ok(Work::no_change(context));
    }
    let mut blocks = Vec::new();
    let changes = rows.into_proposals(TableTarget::Existing(id), &mut blocks);
    Ok(Work::Commit(Commit {
        operation: "insert",
        summary: format!("append {qualified}, {}", counted(count)),
        rows: count,
        reads: Vec::new(),
        changes,
        blocks,
    }))
}

/// A batch with the table's columns, in their order.
fn arrange(batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch, Error> {
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for column in columns {
        let array = match batch.column_by_name(column.name.as_str()) {
            Some(array) => Arc::clone(array),
            None => new_null_array(&column.data_type, batch.num_rows()),
        };
        fields.push(Field::new(column.name.as_str(), array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
