//! From the rows of a query to rows of a table: every column in order, its values made to fit.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use frostline_catalog::schema::Column;

use crate::column::computed_type;
use crate::column_default::default_expression;
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::fit::Fit;

/// Rows for the columns at these places, in the order of the query's. Other columns get their default, or NULL.
///
/// The query has as many columns as there are places.
pub(super) fn assign(
    context: &Context,
    plan: LogicalPlan,
    columns: &[Column],
    places: &[usize],
) -> Result<LogicalPlan, Error> {
    let schema = Arc::clone(plan.schema());
    let given = schema.columns();
    let mut values: Vec<Expr> = Vec::with_capacity(columns.len());
    for (place, column) in columns.iter().enumerate() {
        let source = places.iter().position(|found| *found == place).and_then(|position| given.get(position));
        let value = match source {
            Some(source) => Expr::Column(source.clone()),
            None => default_expression(&context.base, column)?,
        };
        let fit = fit_for(context, column);
        values.push(fit.expression(value, &schema)?.alias(column.name.as_str()));
    }
    Ok(LogicalPlanBuilder::from(plan).project(values)?.build()?)
}

/// Rows for all columns, by position.
pub(super) fn assign_all(
    context: &Context,
    plan: LogicalPlan,
    columns: &[Column],
    table: &QualifiedName,
) -> Result<LogicalPlan, Error> {
    let found = plan.schema().fields().len();
    if found != columns.len() {
        return Err(Error::statement(format!(
            "table `{table}` has {} columns, and its query yields {found}",
            columns.len()
        )));
    }
    let places: Vec<usize> = (0..columns.len()).collect();
    assign(context, plan, columns, &places)
}

/// The same rows, where the query's first columns are kept as they are, and behind them stand values for all of these
/// columns, in order.
pub(super) fn assign_behind(
    context: &Context,
    plan: LogicalPlan,
    columns: &[Column],
    kept: usize,
) -> Result<LogicalPlan, Error> {
    let schema = Arc::clone(plan.schema());
    let given = schema.columns();
    let mut values: Vec<Expr> = given.iter().take(kept).cloned().map(Expr::Column).collect();
    for (source, column) in given.iter().skip(kept).zip(columns) {
        let fit = fit_for(context, column);
        values.push(fit.expression(Expr::Column(source.clone()), &schema)?.alias(column.name.as_str()));
    }
    Ok(LogicalPlanBuilder::from(plan).project(values)?.build()?)
}

/// What makes computed values fit a column.
pub(super) fn fit_for(context: &Context, column: &Column) -> Fit {
    Fit::new(&context.base, column.name.as_str(), computed_type(&column.data_type))
}
