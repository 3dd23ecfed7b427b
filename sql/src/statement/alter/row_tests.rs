//! Whether the rows that are there are as a table that is altered wants them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, new_null_array};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::scalar::ScalarValue;
use frostline_catalog::schema::{Column, Constraint};
use frostline_catalog::{FieldId, Name, ObjectId};

use super::kept_value;
use crate::column::computed_type;
use crate::constraint::{Condition, shown_values};
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::parse::parse_one;
use crate::session::Session;
use crate::shape::Shape;
use crate::statement::definition::Definition;
use crate::statement::quoted;
use crate::statement::show::full_name;

/// What rows are tested for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowTest {
    /// That a column has a value in each.
    NotNull(FieldId),
    /// That the CHECK of this name holds for each.
    Check(Name),
}

/// A table before and after it is altered.
pub(super) struct RowTests<'a> {
    pub(super) session: &'a Session,
    pub(super) context: &'a Arc<Context>,
    pub(super) table: ObjectId,
    pub(super) name: &'a QualifiedName,
    pub(super) before: &'a Definition,
    pub(super) after: &'a Definition,
}

impl RowTests<'_> {
    /// Reads the table, as far as there is something to be tested. What is not there any more needs no test.
    ///
    /// # Errors
    /// The first row that is not as it must be.
    pub(super) async fn run(&self, tests: &[RowTest]) -> Result<(), Error> {
        if self.context.state.rows_at(self.table, self.context.visible)? == 0 {
            return Ok(());
        }
        let columns: Vec<Column> = self.after.columns.iter().map(|placed| placed.column.clone()).collect();
        for test in tests {
            match test {
                RowTest::NotNull(field) => {
                    if let Some(column) = columns.iter().find(|column| column.id == *field && !column.nullable) {
                        self.not_null(column).await?;
                    }
                }
                RowTest::Check(name) => {
                    let found = self.after.table.constraints.iter().find(|found| found.name() == name);
                    if let Some(Constraint::Check { expression, .. }) = found {
                        self.check(name, &Condition::new(self.context, &columns, expression)?, &columns).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The column as it was.
    fn old(&self, field: FieldId) -> Option<&Column> {
        self.before.columns.iter().map(|placed| &placed.column).find(|column| column.id == field)
    }

    async fn not_null(&self, column: &Column) -> Result<(), Error> {
        let Some(old) = self.old(column.id) else {
            return match column.initial {
                Some(_) => Ok(()),
                None => Err(Error::statement(format!("column `{}` is NOT NULL, and the table has rows", column.name))
                    .with_hint("give it a DEFAULT, which those rows get")),
            };
        };
        let sql = format!("SELECT count(*) FROM {} WHERE {} IS NULL", full_name(self.name), quoted(old.name.as_str()));
        let mut missing: i64 = 0;
        self.read(&sql, &mut |batch| {
            if let Some(counts) = batch.column(0).as_primitive_opt::<Int64Type>() {
                missing += counts.iter().flatten().sum::<i64>();
            }
            Ok(())
        })
        .await?;
        if missing == 0 {
            return Ok(());
        }
        let rows = if missing == 1 { "1 row".to_owned() } else { format!("{missing} rows") };
        Err(Error::statement(format!(
            "column `{}` of table `{}` has no value in {rows}, so it cannot be NOT NULL",
            column.name, self.name
        ))
        .with_hint("give these rows a value first"))
    }

    async fn check(&self, name: &Name, condition: &Condition, columns: &[Column]) -> Result<(), Error> {
        let named: Vec<&Column> = condition.places().iter().filter_map(|place| columns.get(*place)).collect();
        let olds: Vec<Option<&Column>> = named.iter().map(|column| self.old(column.id)).collect();
        let list: Vec<String> = olds.iter().flatten().map(|old| quoted(old.name.as_str())).collect();
        let sql = match list.is_empty() {
            // Whatever row it is, it gives the same.
            true => format!("SELECT 1 AS one FROM {} LIMIT 1", full_name(self.name)),
            false => format!("SELECT {} FROM {}", list.join(", "), full_name(self.name)),
        };
        self.read(&sql, &mut |batch| {
            let mut values: Vec<ArrayRef> = Vec::with_capacity(named.len());
            let mut read = batch.columns().iter();
            for (column, old) in named.iter().zip(&olds) {
                let value = match old {
                    None => initial(column, batch.num_rows())?,
                    Some(old) => {
                        let found =
                            read.next().ok_or_else(|| Error::statement("a column of the table was not read"))?;
                        Shape::new(&old.data_type, &column.data_type)?.apply(found)?
                    }
                };
                values.push(value);
            }
            match condition.first_false(&values, batch.num_rows())? {
                None => Ok(()),
                Some(row) => Err(Error::statement(format!(
                    "a row of table `{}` fails constraint `{name}`, CHECK ({}){}",
                    self.name,
                    condition.text(),
                    shown_values(condition, columns, &values, row)
                ))
                .with_hint("mend these rows first")),
            }
        })
        .await
    }

    /// Runs a query on the table as it was, and looks at its rows as they are computed.
    async fn read(
        &self,
        sql: &str,
        look: &mut (dyn FnMut(&RecordBatch) -> Result<(), Error> + Send),
    ) -> Result<(), Error> {
        let parsed = parse_one(sql)?;
        let query = parsed.statement.query().ok_or_else(|| Error::statement("a test of rows is a query"))?;
        let plan = self.context.plan_query(query, self.context.visible, 0).await?;
        let mut rows = self.session.rows(self.context, plan).await?.into_rows()?;
        while let Some(batch) = rows.next().await {
            look(&batch?)?;
        }
        Ok(())
    }
}

/// The value of a column in rows that were written before it was added.
fn initial(column: &Column, rows: usize) -> Result<ArrayRef, Error> {
    let data_type = computed_type(&column.data_type);
    match &column.initial {
        None => Ok(new_null_array(&data_type, rows)),
        Some(text) => {
            let value = kept_value(text, &data_type)?;
            Ok(ScalarValue::try_from_array(&value, 0)?.to_array_of_size(rows)?)
        }
    }
}
