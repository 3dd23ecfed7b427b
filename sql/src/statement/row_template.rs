//! One row of VALUES with parameters, for many rows of their values at once.
//!
//! ```text
//!   VALUES (upper($2), $1 + 1)   ──▶   SELECT upper(p."$2"), p."$1" + 1 FROM p
//!
//!   p: one row for each row of values, one column for each parameter
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result as PlanResult, TableReference};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, LogicalPlanBuilder, Operator, TryCast};
use datafusion::scalar::ScalarValue;

use crate::error::Error;
use crate::parameters::Parameters;

/// How many rows of values one plan computes at most: what they come to is held until all of them are known to be good.
pub(super) const ROWS_MAX: usize = 4096;

/// What the rows of values are called in a plan.
const RELATION: &str = "parameters";

/// A row of expressions that hold parameters, as expressions over columns of their values.
///
/// * A plan gives one row for each row of values, in their order, with the columns of the VALUES.
/// * The types are those that each row by itself would get: rows are computed together only if their values have the
///   same types, and no expression has a type that hangs on a value.
/// * What is refused over columns, or for one row among many, may be fine for a row by itself, where the planner sees
///   the values.
pub(super) struct RowTemplate {
    cells: Vec<Expr>,
    /// The parameters as they are written, `$1` or `$name`.
    names: Vec<String>,
}

impl RowTemplate {
    /// The template that a query is, if it is VALUES of one row, without queries in it.
    ///
    /// # Errors
    /// If the plan cannot be walked through.
    pub(super) fn of(source: &LogicalPlan) -> Result<Option<Self>, Error> {
        let LogicalPlan::Values(values) = source else { return Ok(None) };
        let [row] = values.values.as_slice() else { return Ok(None) };
        let (mut cells, mut names): (Vec<Expr>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
        for (cell, field) in row.iter().zip(values.schema.fields()) {
            if cell.exists(|node| Ok(!is_same_over_columns(node)?))? {
                return Ok(None);
            }
            let over_columns = cell.clone().transform(|node| {
                Ok(match node {
                    Expr::Placeholder(placeholder) => {
                        names.insert(placeholder.id.clone());
                        Transformed::yes(Expr::Column(Column::new(Some(relation()), placeholder.id)))
                    }
                    other => Transformed::no(other),
                })
            })?;
            cells.push(over_columns.data.alias(field.name().as_str()));
        }
        let names: Vec<String> = names.into_iter().collect();
        Ok((!names.is_empty()).then_some(Self { cells, names }))
    }

    /// How many of the first rows can be computed together: their values have the same types.
    pub(super) fn alike(&self, parameters: &[Parameters]) -> usize {
        let Some(first) = parameters.first().and_then(|row| self.types(row)) else { return 0 };
        parameters.iter().take(ROWS_MAX).take_while(|row| self.types(row).as_ref() == Some(&first)).count()
    }

    /// The types of a row's values; `None` if one is missing.
    fn types(&self, row: &Parameters) -> Option<Vec<DataType>> {
        self.names.iter().map(|name| row.value(name).map(ScalarValue::data_type)).collect()
    }

    /// A query that gives one row for each of the rows of values, which are alike.
    ///
    /// # Errors
    /// If a row lacks a value, or an expression takes no columns.
    pub(super) fn plan(&self, parameters: &[Parameters]) -> Result<LogicalPlan, Error> {
        let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for name in &self.names {
            let values: Option<Vec<ScalarValue>> = parameters.iter().map(|row| row.value(name).cloned()).collect();
            let values = values.ok_or_else(|| Error::statement(format!("parameter `{name}` has no value")))?;
            let column = ScalarValue::iter_to_array(values)?;
            fields.push(Field::new(name.as_str(), column.data_type().clone(), true));
            columns.push(column);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        let rows = LogicalPlanBuilder::scan(relation(), provider_as_source(Arc::new(table)), None)?;
        Ok(rows.project(self.cells.clone())?.build()?)
    }
}

fn relation() -> TableReference {
    TableReference::bare(RELATION)
}

/// Whether an expression means the same if columns stand where its parameters stand; what is in it is asked by itself.
fn is_same_over_columns(node: &Expr) -> PlanResult<bool> {
    match node {
        // The scale of what is rounded hangs on the number of digits, if that is a constant. Other functions that look
        // at their arguments before they run refuse columns.
        Expr::ScalarFunction(call) if call.name() == "round" => {
            for argument in call.args.iter().skip(1) {
                if argument.exists(|inner| Ok(matches!(inner, Expr::Placeholder(_))))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        // The planner takes a cast of a column away where it is compared, if it keeps all values apart, and so does not
        // notice a value that is too long or too late for it.
        Expr::Between(_) | Expr::InList(_) => Ok(!may_hide_failure(node)?),
        Expr::BinaryExpr(binary) if !is_comparison(binary.op) => Ok(true),
        Expr::BinaryExpr(_) => Ok(!may_hide_failure(node)?),
        Expr::Alias(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotNull(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsUnknown(_)
        | Expr::Like(_)
        | Expr::Literal(..)
        | Expr::Negative(_)
        | Expr::Not(_)
        | Expr::Placeholder(_)
        | Expr::ScalarFunction(_)
        | Expr::SimilarTo(_)
        | Expr::TryCast(_) => Ok(true),
        // Queries, above all.
        _ => Ok(false),
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{And, Divide, Minus, Modulo, Multiply, Or, Plus, StringConcat};
    !matches!(op, And | Divide | Minus | Modulo | Multiply | Or | Plus | StringConcat)
}

/// Whether there is a cast in an expression that keeps all values apart, but not of all of them.
fn may_hide_failure(node: &Expr) -> PlanResult<bool> {
    node.exists(|inner| {
        Ok(match inner {
            Expr::Cast(Cast { field, .. }) | Expr::TryCast(TryCast { field, .. }) => {
                matches!(field.data_type(), DataType::Timestamp(..) | DataType::Decimal128(DECIMAL128_MAX_PRECISION, _))
            }
            Expr::ScalarFunction(call) => matches!(call.name(), "arrow_cast" | "arrow_try_cast"),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{cast, lit, placeholder};

    use super::*;

    fn values(rows: Vec<Vec<Expr>>) -> LogicalPlan {
        LogicalPlanBuilder::values(rows).unwrap().build().unwrap()
    }

    #[test]
    fn a_parameter_is_a_column_however_often_it_is_used() {
        let source = values(vec![vec![placeholder("$1"), placeholder("$name"), placeholder("$1"), lit(7_i64)]]);
        let template = RowTemplate::of(&source).unwrap().unwrap();
        assert_eq!(template.names, ["$1", "$name"]);
        let row = |number: i64, name: &str| Parameters {
            positional: vec![number.into()],
            named: vec![("name".to_owned(), name.into())],
        };
        let plan = template.plan(&[row(1, "a"), row(2, "b")]).unwrap();
        let names: Vec<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["column1", "column2", "column3", "column4"]);
    }

    #[test]
    fn only_one_row_with_parameters_is_a_template() {
        let is_one = |rows: Vec<Vec<Expr>>| RowTemplate::of(&values(rows)).unwrap().is_some();
        assert!(is_one(vec![vec![placeholder("$1")]]));
        assert!(!is_one(vec![vec![placeholder("$1")], vec![placeholder("$2")]]));
        assert!(!is_one(vec![vec![lit(1_i64)]]));
    }

    #[test]
    fn a_cast_that_is_compared_is_planned_for_many_rows_unless_it_may_hide_a_failure() {
        let is_one = |target: DataType| {
            let same = cast(placeholder("$1"), target.clone()).eq(cast(lit(1_i64), target));
            RowTemplate::of(&values(vec![vec![same]])).unwrap().is_some()
        };
        assert!(is_one(DataType::Decimal128(5, 1)));
        assert!(is_one(DataType::Int16));
        assert!(!is_one(DataType::Decimal128(38, 1)));
    }

    #[test]
    fn rows_are_alike_as_long_as_their_values_have_the_same_types() {
        let template = RowTemplate::of(&values(vec![vec![placeholder("$1")]])).unwrap().unwrap();
        let row = |value: ScalarValue| Parameters::positional(vec![value]);
        let rows = [row(1_i64.into()), row(ScalarValue::Int64(None)), row(ScalarValue::Null), row("x".into())];
        assert_eq!(template.alike(&rows), 2);
        assert_eq!(template.alike(&[Parameters::none(), row(1_i64.into())]), 0);
        assert_eq!(template.alike(&vec![row(1_i64.into()); ROWS_MAX + 1]), ROWS_MAX);
    }
}
