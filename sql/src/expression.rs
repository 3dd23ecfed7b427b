//! Values of constant expressions: what AS OF asks for, defaults, parameters of EXECUTE.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::{ColumnarValue, PhysicalExpr};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use crate::error::Error;
use crate::parameters::Parameters;
use crate::planning::{exact, number};

/// A constant expression as the planner sees it, its parameters filled in.
///
/// # Errors
/// If it names a column, holds a subquery, or a parameter has no value.
pub(crate) fn constant(state: &SessionState, expr: &ast::Expr, parameters: &Parameters) -> Result<Expr, Error> {
    let mut with_alias = ast::ExprWithAlias { expr: expr.clone(), alias: None };
    number::keep_digits(&mut with_alias.expr);
    let planned = state.create_logical_expr_from_sql_expr(with_alias, &DFSchema::empty());
    let planned = planned.map_err(|error| match expr {
        ast::Expr::Identifier(name) => {
            Error::statement(format!("`{name}` is not a constant; text needs quotes: '{name}'"))
        }
        ast::Expr::Subquery(_) => Error::statement(format!("a constant is needed here, not the subquery in {expr}")),
        _ => error.into(),
    })?;
    if planned.exists(|node| Ok(is_subquery(node)))? {
        return Err(Error::statement(format!("a constant is needed here, not the subquery in {expr}")));
    }
    let planned = number::rewrite(planned, &DFSchema::empty())?.data;
    let missing = std::cell::RefCell::new(None);
    let filled = planned.transform(|node| match node {
        Expr::Placeholder(placeholder) => match parameters.value(&placeholder.id) {
            Some(value) => Ok(Transformed::yes(Expr::Literal(value.clone(), None))),
            None => {
                missing.replace(Some(placeholder.id.clone()));
                Ok(Transformed::no(Expr::Placeholder(placeholder)))
            }
        },
        other => Ok(Transformed::no(other)),
    })?;
    match missing.into_inner() {
        Some(id) => Err(Error::statement(format!("parameter `{id}` has no value"))),
        None => Ok(filled.data),
    }
}

pub(crate) fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
}

/// The value of a constant expression at the statement's start.
///
/// # Errors
/// If it is no constant, is random, or cannot be computed.
pub(crate) fn evaluate(state: &SessionState, expr: &ast::Expr, parameters: &Parameters) -> Result<ScalarValue, Error> {
    let planned = constant(state, expr, parameters)?;
    if planned.is_volatile() {
        return Err(Error::statement(format!("`{expr}` gives another value each time; a constant is needed here")));
    }
    let physical = physical(state, planned)?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    match physical.evaluate(&row)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) => Ok(ScalarValue::try_from_array(&array, 0)?),
    }
}

/// A constant expression, ready to be computed.
pub(crate) fn physical(state: &SessionState, planned: Expr) -> Result<Arc<dyn PhysicalExpr>, Error> {
    physical_over(state, planned, &Arc::new(DFSchema::empty()))
}

/// An expression over some columns, ready to be computed.
pub(crate) fn physical_over(
    state: &SessionState,
    planned: Expr,
    schema: &Arc<DFSchema>,
) -> Result<Arc<dyn PhysicalExpr>, Error> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(schema))
        .with_config_options(Arc::clone(state.config_options()))
        .with_query_execution_start_time(state.execution_props().query_execution_start_time)
        .build();
    // now() has a value only after simplification: the statement's start.
    let simplifier = ExprSimplifier::new(context);
    let coerced = simplifier.coerce(planned, schema)?;
    let planned = simplifier.simplify(exact::rewrite(coerced, schema)?.data)?;
    Ok(state.create_physical_expr(planned, schema)?)
}
