//! NaN as one value, made so where it arises.
//!
//! ```text
//!   -x, x - y, x / y, sqrt(x), CAST(s AS DOUBLE)     one_nan(…) around the outermost
//!   sum(x), avg(x) … of a node                       one_nan(…) in a projection above the node
//!   a column, CASE, coalesce(…), min(x)              nothing: they choose among values that have been made so
//! ```
//!
//! Processors give the NaN of `inf - inf` a sign, and `-x` turns it around. Compared by its bits, such a NaN is less
//! than every number, and no NaN without a sign. What is stored has one NaN already, since it is written so; a column
//! that is compared with a constant therefore stays what it is, and statistics rule out what they can.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, Projection, TryCast};
use datafusion::scalar::ScalarValue;
use frostline_engine::holds_floats;

use super::one_form::OneForm;

/// Functions that yield one of their arguments or a part of one, or never NaN.
const CHOOSING: [&str; 17] = [
    "array_element",
    "coalesce",
    "date_part",
    "element_at",
    "get_field",
    "greatest",
    "least",
    "make_array",
    "map",
    "map_extract",
    "named_struct",
    "nullif",
    "nvl",
    "nvl2",
    "one_nan",
    "one_zero",
    "struct",
];

/// Aggregates and window functions of which the same is true.
const CHOOSING_AGGREGATES: [&str; 13] = [
    "any_value",
    "array_agg",
    "cume_dist",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "max",
    "min",
    "nth_value",
    "percent_rank",
    "row_number",
    "string_agg",
];

/// The same expression, in which NaN is one value.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !makes_nan(&expr, schema) {
        return Ok(Transformed::no(expr));
    }
    // Only the outermost of several operations needs it.
    let computed = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (OneForm::Nan.without(*left), OneForm::Nan.without(*right));
            Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
        }
        Expr::Negative(value) => Expr::Negative(Box::new(OneForm::Nan.without(*value))),
        other => other,
    };
    Ok(Transformed::yes(OneForm::Nan.of(computed)))
}

/// Whether an expression may yield another NaN than what it is computed from.
fn makes_nan(expr: &Expr, schema: &DFSchema) -> bool {
    let may = match expr {
        Expr::Literal(value, _) => return is_other_nan(value),
        Expr::BinaryExpr(BinaryExpr { op, .. }) => is_arithmetic(*op),
        Expr::Negative(value) => !matches!(value.as_ref(), Expr::Literal(literal, _) if !is_nan(literal)),
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => is_text(expr, schema),
        Expr::ScalarFunction(call) => !CHOOSING.contains(&call.func.name()),
        Expr::HigherOrderFunction(_) => true,
        _ => false,
    };
    may && expr.get_type(schema).is_ok_and(|data_type| holds_floats(&data_type))
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo)
}

/// A text may spell `-nan`.
fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| data_type.is_string())
}

fn is_nan(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float32(Some(value)) => value.is_nan(),
        ScalarValue::Float64(Some(value)) => value.is_nan(),
        _ => false,
    }
}

fn is_other_nan(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float32(Some(value)) => value.is_nan() && value.to_bits() != f32::NAN.to_bits(),
        ScalarValue::Float64(Some(value)) => value.is_nan() && value.to_bits() != f64::NAN.to_bits(),
        _ => false,
    }
}

/// The same plan, or one with a projection above that makes NaN one value in what aggregates and window functions
/// compute. Its columns have the same names.
pub(crate) fn above_aggregates(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let computed: &[Expr] = match &plan {
        LogicalPlan::Aggregate(aggregate) => &aggregate.aggr_expr,
        LogicalPlan::Window(window) => &window.window_expr,
        _ => return Ok(Transformed::no(plan)),
    };
    let schema = Arc::clone(plan.schema());
    // What is computed stands behind what it is grouped by, and behind the columns of the input.
    let first = schema.fields().len().saturating_sub(computed.len());
    let makes: Vec<bool> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let computes = at >= first && computed.get(at - first).is_some_and(computes);
            computes && holds_floats(field.data_type())
        })
        .collect();
    if !makes.contains(&true) {
        return Ok(Transformed::no(plan));
    }
    let columns: Vec<Expr> = schema
        .columns()
        .into_iter()
        .zip(makes)
        .map(|(column, makes)| match makes {
            true => {
                let (relation, name) = (column.relation.clone(), column.name.clone());
                OneForm::Nan.of(Expr::Column(column)).alias_qualified(relation, name)
            }
            false => Expr::Column(column),
        })
        .collect();
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?)))
}

/// Whether an aggregate or window function yields other values than it is given.
fn computes(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => computes(&alias.expr),
        Expr::AggregateFunction(call) => !CHOOSING_AGGREGATES.contains(&call.func.name()),
        Expr::WindowFunction(call) => !CHOOSING_AGGREGATES.contains(&call.fun.name()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::functions::expr_fn::{coalesce, sqrt};
    use datafusion::functions_aggregate::expr_fn::{avg, count, max};
    use datafusion::logical_expr::builder::table_scan;
    use datafusion::logical_expr::{cast, col, lit};

    use super::*;

    fn columns() -> Schema {
        let column = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        Schema::new(vec![
            column("x", DataType::Float64),
            column("y", DataType::Float64),
            column("k", DataType::Int64),
            column("s", DataType::Utf8View),
        ])
    }

    fn is_changed(expr: Expr) -> bool {
        rewrite(expr, &DFSchema::try_from(columns()).unwrap()).unwrap().transformed
    }

    #[test]
    fn what_computes_floats_makes_one_nan() {
        assert!(is_changed(Expr::Negative(Box::new(col("x")))));
        assert!(is_changed(col("x") - col("y")));
        assert!(is_changed(sqrt(col("x"))));
        assert!(is_changed(cast(col("s"), DataType::Float64)));
        assert!(is_changed(lit(-f64::NAN)));
    }

    #[test]
    fn what_chooses_among_values_and_what_is_no_float_stays() {
        assert!(!is_changed(col("x")));
        assert!(!is_changed(col("x").gt(lit(5.0))));
        assert!(!is_changed(coalesce(vec![col("x"), lit(0.0)])));
        assert!(!is_changed(col("k") + lit(1_i64)));
        assert!(!is_changed(cast(col("k"), DataType::Float64)));
        assert!(!is_changed(Expr::Negative(Box::new(lit(1.5)))));
        assert!(!is_changed(lit(f64::NAN)));
    }

    #[test]
    fn only_the_outermost_operation_is_looked_at() {
        let schema = DFSchema::try_from(columns()).unwrap();
        let product = rewrite(col("x") * col("y"), &schema).unwrap().data;
        let sum = rewrite(product + lit(1.0), &schema).unwrap().data;
        assert_eq!(sum, OneForm::Nan.of(col("x") * col("y") + lit(1.0)));
    }

    #[test]
    fn a_projection_stands_above_what_computes_only() {
        let aggregated = |call: Expr| {
            let scan = table_scan(Some("t"), &columns(), None).unwrap();
            let plan = scan.aggregate(vec![col("k")], vec![call]).unwrap().build().unwrap();
            let names = plan.schema().field_names();
            let rewritten = above_aggregates(plan).unwrap();
            assert_eq!(rewritten.data.schema().field_names(), names);
            rewritten.transformed
        };
        assert!(aggregated(avg(col("x"))));
        assert!(!aggregated(max(col("x"))));
        assert!(!aggregated(count(col("x"))));
    }
}
