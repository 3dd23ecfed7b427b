//! Subqueries that stand for a value: one without a row stands for NULL, whatever its column says.
//!
//! The planner takes such a value for one that is never NULL if the column is not, so that `(SELECT k FROM e) IS NULL`
//! would be false where `e` is empty. Here the column of such a subquery is told to be nullable.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Subquery, Volatility,
};

/// The same plan, in which subqueries that may have no row say that they may be NULL.
pub(crate) fn tell_nulls(plan: LogicalPlan) -> Result<LogicalPlan> {
    let told = plan.transform_up_with_subqueries(rewrite_plan)?;
    match told.transformed {
        // What rests on such a value learns of it too, also within a subquery that looks at the row outside.
        true => Ok(told
            .data
            .transform_up_with_subqueries(|plan| {
                let plan = plan.map_expressions(|expr| expr.transform_up(|node| Ok(outside_may_be_null(node))))?.data;
                plan.recompute_schema().map(Transformed::yes)
            })?
            .data),
        false => Ok(told.data),
    }
}

fn outside_may_be_null(node: Expr) -> Transformed<Expr> {
    match node {
        Expr::OuterReferenceColumn(field, column) if !field.is_nullable() => {
            let field = Arc::new(field.as_ref().clone().with_nullable(true));
            Transformed::yes(Expr::OuterReferenceColumn(field, column))
        }
        other => Transformed::no(other),
    }
}

fn rewrite_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !has_subquery(&plan)? {
        return Ok(Transformed::no(plan));
    }
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let rewritten = expr.transform_up(|node| match node {
            Expr::ScalarSubquery(subquery) if is_told_wrong(&subquery) => told_right(subquery).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(rewritten.update_data(|expr| name.restore(expr)))
    })
}

fn has_subquery(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_expressions(|expr| {
        found |= expr.exists(|node| Ok(matches!(node, Expr::ScalarSubquery(_))))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether a subquery that may have no row has a column that is never NULL.
fn is_told_wrong(subquery: &Subquery) -> bool {
    let column = subquery.subquery.schema().fields().first();
    column.is_some_and(|column| !column.is_nullable()) && !has_one_row(&subquery.subquery)
}

/// The value of a subquery, told to be nullable.
fn told_right(subquery: Subquery) -> Result<Expr> {
    match subquery.outer_ref_columns.is_empty() {
        true => nullable(&subquery).map(Expr::ScalarSubquery),
        // The planner looks into one that looks at the row outside, to make a join of it.
        false => Ok(or_null(Expr::ScalarSubquery(subquery))),
    }
}

/// Whether a plan surely yields a row.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(relation) => relation.produce_one_row,
        LogicalPlan::Values(values) => !values.values.is_empty(),
        _ => false,
    }
}

fn nullable(subquery: &Subquery) -> Result<Subquery> {
    let plan = subquery.subquery.as_ref().clone();
    let (qualifier, field) = plan.schema().qualified_field(0);
    let (column, name) = (Expr::Column((qualifier, field).into()), field.name().clone());
    let plan = LogicalPlanBuilder::from(plan).project([or_null(column).alias(name)])?.build()?;
    Ok(subquery.with_plan(Arc::new(plan)))
}

fn or_null(value: Expr) -> Expr {
    ScalarUDF::from(OrNull { signature: Signature::any(1, Volatility::Volatile) }).call(vec![value])
}

/// A value that may be NULL, as far as the planner knows. It is volatile so that nothing is concluded from the value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OrNull {
    signature: Signature,
}

impl ScalarUDFImpl for OrNull {
    fn name(&self) -> &str {
        "or_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().cloned().ok_or_else(no_value)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let value = args.arg_fields.first().ok_or_else(no_value)?;
        Ok(Arc::new(Field::new(value.name(), value.data_type().clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.args.into_iter().next().ok_or_else(no_value)
    }
}

fn no_value() -> DataFusionError {
    DataFusionError::Internal("or_null takes one value".to_owned())
}
