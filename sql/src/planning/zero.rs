//! The two zeros, which are equal, wherever values are compared.
//!
//! The operators of comparison, GROUP BY and DISTINCT take them for one in DataFusion; this is about the rest:
//!
//! | what | becomes |
//! |---|---|
//! | `x IN (0, 1, 2, 3)` | `x IN (1, 2, 3, 0.0, -0.0)`: of a column, so that statistics rule out what they can |
//! | `x IN (y, z, …)`, `CASE x WHEN y` | the same of `one_zero(x)`, `one_zero(y)` |
//! | `nullif(x, y)` | `CASE WHEN x = y THEN NULL ELSE x END`; of a CASE, `nullif(one_zero(x), one_zero(y))` |
//! | keys of joins, of IN (SELECT …), INTERSECT and EXCEPT | `one_zero(x)`: one side filters the other |
//! | PARTITION BY and ORDER BY of a window | `one_zero(x)` |
//! | `count(DISTINCT x)` | `count(DISTINCT one_zero(x))` |
//! | ORDER BY x, y | `one_zero(x), y`; the last key may order zeros as it likes |
//!
//! What stands in a query is rewritten by the analyzer, before constants are folded. What the optimizer makes of it,
//! joins of subqueries and lists of OR, is rewritten by [`OneZero`], which runs last.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, JoinConstraint, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::scalar::ScalarValue;

use super::one_form::{OneForm, is_float};

/// Makes zeros one in what the optimizer has made. It runs last, and leaves what it made as it is.
#[derive(Debug)]
pub(crate) struct OneZero;

impl OptimizerRule for OneZero {
    fn name(&self) -> &str {
        "one_zero"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        rewrite_expressions(plan)?.transform_data(rewrite_keys)
    }
}

fn rewrite_expressions(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut found = false;
    plan.apply_expressions(|expr| {
        found = found || expr.exists(|node| Ok(may_tell_apart(node)))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !found {
        return Ok(Transformed::no(plan));
    }
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = &plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let rewritten = expr.transform_up(|node| rewrite(node, &schema))?;
        Ok(rewritten.update_data(|expr| name.restore(expr)))
    })
}

/// Whether an expression, if it is one of floats, may tell the zeros apart.
fn may_tell_apart(expr: &Expr) -> bool {
    match expr {
        Expr::InList(_) => true,
        Expr::Case(case) => case.expr.is_some(),
        Expr::ScalarFunction(call) => call.func.name() == "nullif",
        _ => false,
    }
}

/// The same expression, which takes the zeros for one.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::InList(list) if is_float(&list.expr, schema) => {
            let found = Expr::InList(list.clone());
            changed(found, Expr::InList(in_list(list)))
        }
        Expr::Case(Case { expr: Some(base), when_then_expr, else_expr }) if is_float(&base, schema) => {
            let found = Expr::Case(Case::new(Some(base.clone()), when_then_expr.clone(), else_expr.clone()));
            let base = Box::new(OneForm::Zero.of(*base));
            let when_then_expr: Vec<(Box<Expr>, Box<Expr>)> =
                when_then_expr.into_iter().map(|(when, then)| (Box::new(OneForm::Zero.of(*when)), then)).collect();
            changed(found, Expr::Case(Case::new(Some(base), when_then_expr, else_expr)))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if op.supports_propagation() && (is_zero(&left) || is_zero(&right)) =>
        {
            let found = Expr::BinaryExpr(BinaryExpr::new(left.clone(), op, right.clone()));
            let left = if is_zero(&left) { Box::new(OneForm::Zero.of(*left)) } else { left };
            let right = if is_zero(&right) { Box::new(OneForm::Zero.of(*right)) } else { right };
            changed(found, Expr::BinaryExpr(BinaryExpr::new(left, op, right)))
        }
        Expr::ScalarFunction(call) => null_if(call, schema)?,
        other => Transformed::no(other),
    })
}

fn changed(found: Expr, made: Expr) -> Transformed<Expr> {
    let is_changed = found != made;
    Transformed::new_transformed(made, is_changed)
}

/// A list that holds both zeros or none, and is tested as it is; or, where not all of it is constant, a list of
/// positive zeros, as is what is tested.
fn in_list(InList { expr, list, negated }: InList) -> InList {
    let are_constant = list.iter().all(is_constant);
    let tested = match are_constant && !is_constant(&expr) {
        true => expr,
        false => Box::new(OneForm::Zero.of(*expr)),
    };
    let mut list: Vec<Expr> = list.into_iter().map(|value| OneForm::Zero.of(value)).collect();
    if let Some(Expr::Literal(zero, _)) = list.iter().find(|value| is_zero(value)) {
        let both = match zero {
            ScalarValue::Float32(_) => [ScalarValue::Float32(Some(0.0)), ScalarValue::Float32(Some(-0.0))],
            _ => [ScalarValue::Float64(Some(0.0)), ScalarValue::Float64(Some(-0.0))],
        };
        list.retain(|value| !is_zero(value));
        list.extend(both.map(|zero| Expr::Literal(zero, None)));
    }
    InList { expr: tested, list, negated }
}

/// Whether an expression is folded to a constant before it is computed.
fn is_constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..) | Expr::Placeholder(_))
        || (expr.column_refs().is_empty() && !expr.is_volatile() && !holds_subquery(expr))
}

fn holds_subquery(expr: &Expr) -> bool {
    expr.exists(|node| Ok(crate::expression::is_subquery(node))).unwrap_or(true)
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Float32(Some(value)), _) => *value == 0.0,
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => *value == 0.0,
        _ => false,
    }
}

/// `nullif` of floats; any other function as it is.
fn null_if(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let are_floats = call.func.name() == "nullif" && call.args.iter().all(|arg| is_float(arg, schema));
    if !are_floats || call.args.len() != 2 {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    }
    if call.args.iter().any(|arg| arg.is_volatile() || holds_case(arg)) {
        // It must be computed once, or would be written twice as often by each call around it.
        let found = Expr::ScalarFunction(call.clone());
        call.args = call.args.into_iter().map(|arg| OneForm::Zero.of(arg)).collect();
        return Ok(changed(found, Expr::ScalarFunction(call)));
    }
    let null = ScalarValue::try_from(&call.args[0].get_type(schema)?)?;
    let (value, other) = (call.args[0].clone(), call.args[1].clone());
    let when_then = (Box::new(value.clone().eq(other)), Box::new(Expr::Literal(null, None)));
    Ok(Transformed::yes(Expr::Case(Case::new(None, vec![when_then], Some(Box::new(value))))))
}

fn holds_case(expr: &Expr) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::Case(_)))).unwrap_or(true)
}

/// The same plan, whose keys have one zero.
fn rewrite_keys(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    Ok(match plan {
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                changed |= take_form(left, join.left.schema());
                changed |= take_form(right, join.right.schema());
            }
            if changed && join.join_constraint == JoinConstraint::Using {
                // The keys of USING would have to be columns.
                join.join_constraint = JoinConstraint::On;
            }
            Transformed::new_transformed(LogicalPlan::Join(join), changed)
        }
        LogicalPlan::Sort(mut sort) => {
            let before_last = sort.expr.len().saturating_sub(1);
            let mut changed = false;
            for key in sort.expr.iter_mut().take(before_last) {
                changed |= take_form(&mut key.expr, sort.input.schema());
            }
            Transformed::new_transformed(LogicalPlan::Sort(sort), changed)
        }
        LogicalPlan::Window(mut window) => {
            let mut changed = false;
            for expr in &mut window.window_expr {
                let name = names.save(expr);
                if take_form_within(expr, window.input.schema()) {
                    *expr = name.restore(std::mem::take(expr));
                    changed = true;
                }
            }
            Transformed::new_transformed(LogicalPlan::Window(window), changed)
        }
        LogicalPlan::Aggregate(mut aggregate) => {
            let mut changed = false;
            for expr in &mut aggregate.aggr_expr {
                let name = names.save(expr);
                if take_form_within(expr, aggregate.input.schema()) {
                    *expr = name.restore(std::mem::take(expr));
                    changed = true;
                }
            }
            Transformed::new_transformed(LogicalPlan::Aggregate(aggregate), changed)
        }
        other => Transformed::no(other),
    })
}

/// Gives a key of floats one zero. Says whether it did.
fn take_form(key: &mut Expr, schema: &DFSchema) -> bool {
    if !is_float(key, schema) {
        return false;
    }
    let formed = OneForm::Zero.of(key.clone());
    let changed = formed != *key;
    *key = formed;
    changed
}

/// The same for what a window is divided and ordered by, and for what an aggregate tells apart.
fn take_form_within(expr: &mut Expr, schema: &DFSchema) -> bool {
    let mut changed = false;
    match expr {
        Expr::Alias(alias) => changed = take_form_within(&mut alias.expr, schema),
        Expr::WindowFunction(call) => {
            let params = &mut call.params;
            for key in &mut params.partition_by {
                changed |= take_form(key, schema);
            }
            for key in &mut params.order_by {
                changed |= take_form(&mut key.expr, schema);
            }
            if params.distinct {
                for arg in &mut params.args {
                    changed |= take_form(arg, schema);
                }
            }
        }
        Expr::AggregateFunction(call) if call.params.distinct || call.func.name() == "approx_distinct" => {
            for arg in &mut call.params.args {
                changed |= take_form(arg, schema);
            }
            for key in &mut call.params.order_by {
                changed |= take_form(&mut key.expr, schema);
            }
        }
        _ => {}
    }
    changed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::functions::expr_fn::nullif;
    use datafusion::functions_aggregate::expr_fn::{count_distinct, sum};
    use datafusion::logical_expr::builder::table_scan;
    use datafusion::logical_expr::{JoinType, LogicalPlanBuilder, col, lit, when};
    use datafusion::optimizer::OptimizerContext;

    use super::*;

    fn columns() -> Schema {
        let column = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        Schema::new(vec![column("x", DataType::Float64), column("y", DataType::Float64), column("k", DataType::Int64)])
    }

    fn scan(name: &str) -> LogicalPlanBuilder {
        table_scan(Some(name), &columns(), None).unwrap()
    }

    fn rewritten(expr: Expr) -> Transformed<Expr> {
        rewrite(expr, &DFSchema::try_from(columns()).unwrap()).unwrap()
    }

    fn optimized(plan: LogicalPlan) -> Transformed<LogicalPlan> {
        OneZero.rewrite(plan, &OptimizerContext::new()).unwrap()
    }

    #[test]
    fn a_list_holds_both_zeros_and_its_column_stays_a_column() {
        let list = |values: &[f64]| col("x").in_list(values.iter().map(|value| lit(*value)).collect(), false);
        for found in [list(&[0.0, 1.0]), list(&[-0.0, 1.0]), list(&[0.0, 1.0, -0.0])] {
            assert_eq!(rewritten(found).data, list(&[1.0, 0.0, -0.0]));
        }
        assert!(!rewritten(list(&[1.0, 0.0, -0.0])).transformed);
        assert!(!rewritten(list(&[1.0, 2.0])).transformed);
        assert!(!rewritten(col("k").in_list(vec![lit(0_i64)], false)).transformed);
    }

    #[test]
    fn what_is_no_constant_is_compared_in_one_form() {
        let one = |name: &str| OneForm::Zero.of(col(name));
        let found = rewritten(col("x").in_list(vec![col("y"), lit(1.0)], true)).data;
        assert_eq!(found, one("x").in_list(vec![one("y"), lit(1.0)], true));
        assert!(!rewritten(found).transformed);
    }

    #[test]
    fn nullif_compares_as_an_operator_does() {
        let mut expected = when(col("x").eq(col("y")), Expr::Literal(ScalarValue::Float64(None), None));
        assert_eq!(rewritten(nullif(col("x"), col("y"))).data, expected.otherwise(col("x")).unwrap());
        assert!(!rewritten(nullif(col("k"), lit(1_i64))).transformed);
    }

    #[test]
    fn what_nullif_is_called_with_is_doubled_once() {
        let schema = DFSchema::try_from(columns()).unwrap();
        let nested = (0..40).fold(col("x"), |value, _| nullif(value, lit(0.5)));
        let made = nested.transform_up(|node| rewrite(node, &schema)).unwrap().data;
        assert!(made.to_string().len() < 10_000);
    }

    #[test]
    fn keys_of_joins_have_one_zero() {
        let join = |key: &str| {
            let keys = (vec![format!("a.{key}")], vec![format!("b.{key}")]);
            scan("a").join(scan("b").build().unwrap(), JoinType::Inner, keys, None).unwrap().build().unwrap()
        };
        let made = optimized(join("x"));
        let LogicalPlan::Join(found) = &made.data else { unreachable!("a join stays one") };
        assert_eq!(found.on, [(OneForm::Zero.of(col("a.x")), OneForm::Zero.of(col("b.x")))]);
        assert!(made.transformed);
        assert!(!optimized(made.data).transformed);
        assert!(!optimized(join("k")).transformed);
    }

    #[test]
    fn distinct_aggregates_have_one_zero_under_the_same_names() {
        let aggregate = |call: Expr| scan("t").aggregate(Vec::<Expr>::new(), vec![call]).unwrap().build().unwrap();
        let plan = aggregate(count_distinct(col("x")));
        let schema = Arc::clone(plan.schema());
        let made = optimized(plan);
        assert!(made.transformed);
        assert_eq!(made.data.recompute_schema().unwrap().schema().field_names(), schema.field_names());
        assert!(!optimized(aggregate(sum(col("x")))).transformed);
        assert!(!optimized(aggregate(count_distinct(col("k")))).transformed);
    }

    #[test]
    fn the_last_key_of_a_sort_orders_zeros_as_it_likes() {
        let sorted = |keys: &[&str]| {
            let keys: Vec<_> = keys.iter().map(|key| col(*key).sort(true, false)).collect();
            optimized(scan("t").sort(keys).unwrap().build().unwrap()).transformed
        };
        assert!(sorted(&["x", "k"]));
        assert!(!sorted(&["k", "x"]));
        assert!(!sorted(&["x"]));
    }
}
