//! The names of a result's columns, where a plan cannot have them: its columns have distinct names.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::Expr;
use futures::StreamExt;

use crate::answer::Rows;
use crate::column_names::Renamed;
use crate::error::Error;

/// What the user calls columns that the plan calls otherwise.
#[derive(Clone, Debug)]
pub(crate) struct ResultNames {
    renamed: Vec<Renamed>,
}

impl ResultNames {
    pub(crate) fn new(renamed: Vec<Renamed>) -> Self {
        Self { renamed }
    }

    /// What the user calls a column of the plan.
    pub(crate) fn asked<'a>(&'a self, given: &'a str) -> &'a str {
        self.renamed.iter().find(|name| name.given == given).map_or(given, |name| name.asked.as_str())
    }

    /// The plan's columns under the user's names.
    pub(crate) fn columns(&self, given: &SchemaRef) -> SchemaRef {
        if self.renamed.is_empty() {
            return Arc::clone(given);
        }
        let fields: Vec<Field> =
            given.fields().iter().map(|field| field.as_ref().clone().with_name(self.asked(field.name()))).collect();
        Arc::new(Schema::new_with_metadata(fields, given.metadata().clone()))
    }

    /// The rows under the user's names.
    pub(crate) fn give(&self, rows: Rows) -> Rows {
        if self.renamed.is_empty() {
            return rows;
        }
        let schema = self.columns(&rows.schema);
        let shown = Arc::clone(&schema);
        let stream = rows.stream.map(move |batch| relabelled(&batch?, &shown));
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Rows { version: rows.version, schema, stream }
    }
}

/// The same columns under other names.
fn relabelled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)?)
}

/// The plan with a name of its own for each column: of several called `id`, as `SELECT *` of a join yields them, the
/// later ones become `id_1`, `id_2`.
pub(crate) fn distinct_columns(plan: LogicalPlan) -> Result<LogicalPlan, Error> {
    let columns = plan.schema().columns();
    let asked: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    if asked.len() == columns.len() {
        return Ok(plan);
    }
    let mut given: HashSet<String> = HashSet::new();
    let mut named: Vec<Expr> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        let mut number: u64 = 0;
        while given.contains(&name) || (number > 0 && asked.contains(&name)) {
            number += 1;
            name = format!("{}_{number}", column.name);
        }
        named.push(if number == 0 { Expr::Column(column) } else { Expr::Column(column).alias(name.as_str()) });
        given.insert(name);
    }
    Ok(LogicalPlanBuilder::from(plan).project(named)?.build()?)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use datafusion::logical_expr::builder::table_scan;

    use super::*;

    #[test]
    fn columns_of_one_name_get_numbers_that_are_free() {
        let table = |name: &str, columns: &[&str]| {
            let fields: Vec<Field> = columns.iter().map(|column| Field::new(*column, DataType::Int64, true)).collect();
            table_scan(Some(name), &Schema::new(fields), None).unwrap()
        };
        let left = table("a", &["id", "id_1"]);
        let right = table("b", &["id", "x"]).build().unwrap();
        let plan = left.cross_join(right).unwrap().build().unwrap();
        let names: Vec<String> =
            distinct_columns(plan).unwrap().schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["id", "id_1", "id_2", "x"]);
    }

    #[test]
    fn a_column_is_called_what_the_user_asked_for() {
        let names = ResultNames::new(vec![Renamed { given: "a_1".to_owned(), asked: "a".to_owned() }]);
        assert_eq!((names.asked("a_1"), names.asked("b")), ("a", "b"));
    }
}
