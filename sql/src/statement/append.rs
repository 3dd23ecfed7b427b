//! Appending Arrow batches, one after the other, in one commit.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::ObjectId;
use frostline_catalog::schema::{Column, arrow_schema};
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_engine::RowWriter;
use frostline_engine::import::normalise::normalise_batch;

use super::Work;
use super::create::counted;
use crate::constraint::Checks;
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::rows::{RowOrder, check_nulls};
use crate::session::Commit;

/// Appends batches to a table. Columns are matched by name; those that a batch lacks are NULL.
pub(crate) async fn append_batches(
    context: &Arc<Context>,
    table: &ast::ObjectName,
    batches: Vec<RecordBatch>,
) -> Result<Work, Error> {
    let qualified = context.qualify(table)?;
    let id = context.find_table(&qualified, context.visible)?;
    let mut append = Append::to_existing(context, qualified, id)?;
    for batch in batches {
        append.check(&batch.schema())?;
        append.write(&batch).await?;
    }
    append.finish(context).await
}

/// Batches on their way into a table.
///
/// * Columns are matched by name; those that a batch lacks, or has without a type, are NULL.
/// * Nothing is committed before [`Append::finish`], nor by it: it says what is to be committed.
pub(crate) struct Append {
    name: QualifiedName,
    verb: &'static str,
    target: TableTarget,
    changes: Vec<Proposal>,
    columns: Vec<Column>,
    schema: SchemaRef,
    writer: RowWriter,
    rows_before: u64,
    checks: Checks,
}

impl Append {
    /// Into a table that is there.
    pub(crate) fn to_existing(context: &Context, name: QualifiedName, table: ObjectId) -> Result<Self, Error> {
        let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
        let schema = arrow_schema(&columns);
        let sort_by = context.state.table_at(table, context.visible).map(|table| table.sort_by.clone());
        let writer = RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), sort_by.unwrap_or_default());
        let target = TableTarget::Existing(table);
        let checks = Checks::of(context, table)?;
        Ok(Self { name, verb: "append", target, changes: Vec::new(), columns, schema, writer, rows_before: 0, checks })
    }

    /// Into the table that one of the changes creates, the first of them that creates any.
    pub(crate) fn to_created(
        context: &Context,
        name: QualifiedName,
        changes: Vec<Proposal>,
        columns: Vec<Column>,
    ) -> Result<Self, Error> {
        let schema = arrow_schema(&columns);
        let writer = RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), Vec::new());
        let verb = if changes.len() > 1 { "create or replace table" } else { "create table" };
        let checks = Checks::new(context, columns.clone(), &[])?;
        let target = TableTarget::Created(0);
        Ok(Self { name, verb, target, changes, columns, schema, writer, rows_before: 0, checks })
    }

    /// Refuses columns that the table does not have, and names that occur twice.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), Error> {
        let fields = schema.fields();
        for (place, field) in fields.iter().enumerate() {
            let name = field.name();
            if !self.columns.iter().any(|column| column.name.as_str() == name) {
                let known = self.columns.iter().map(|column| column.name.as_str());
                let nearest = frostline_catalog::nearest(name, known);
                let nearest = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
                return Err(Error::statement(format!("table `{}` has no column `{name}`{nearest}", self.name)));
            }
            if fields.iter().take(place).any(|before| before.name() == name) {
                return Err(Error::statement(format!("column `{name}` occurs twice; give one of them another name")));
            }
        }
        Ok(())
    }

    /// Takes a batch whose schema was checked.
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let arranged = arrange(batch, &self.columns)?;
        let order = RowOrder::After(self.rows_before);
        check_nulls(&arranged, &self.columns, order)?;
        let normal = normalise_batch(&arranged, &self.schema)?;
        self.checks.test(&normal, order)?;
        self.rows_before += arranged.num_rows() as u64;
        self.writer.write(normal).await?;
        Ok(())
    }

    /// Ends the batches.
    pub(crate) async fn finish(self, context: &Context) -> Result<Work, Error> {
        let rows = self.writer.finish().await?;
        let count = rows.rows();
        if count == 0 && self.changes.is_empty() {
            return Ok(Work::no_change(context));
        }
        let (mut blocks, mut changes) = (Vec::new(), self.changes);
        let operation = if changes.is_empty() { "insert" } else { "create table" };
        changes.extend(rows.into_proposals(self.target, &mut blocks));
        let summary = format!("{} {}, {}", self.verb, self.name, counted(count));
        Ok(Work::Commit(Commit { operation, summary, rows: count, reads: Vec::new(), changes, blocks }))
    }
}

/// A batch with the table's columns, in their order.
fn arrange(batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch, Error> {
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for column in columns {
        let array = match batch.column_by_name(column.name.as_str()) {
            Some(array) if array.data_type() != &DataType::Null => Arc::clone(array),
            _ => new_null_array(&column.data_type, batch.num_rows()),
        };
        fields.push(Field::new(column.name.as_str(), array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
