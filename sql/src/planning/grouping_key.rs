//! Keys of ROLLUP, CUBE and GROUPING SETS, each of them a column.
//!
//! All keys of such a GROUP BY are within one expression, whose name is made of theirs. Whatever rewrites expressions
//! keeps the name of the whole and changes those of its parts: a cast that the planner adds to `ROLLUP (x + 1)` is
//! enough, and the column `x + 1` is not found. `grouping(k)` in turn looks for its `k` among the keys as it is
//! written. So keys that are computed are computed below, and get their names above:
//!
//! ```text
//!   Projection: grouping key 0 AS x + 1, count(*)
//!     Aggregate: ROLLUP (grouping key 0), count(*)
//!       Projection: x, x + 1 AS grouping key 0
//! ```

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection};

/// The same plan, in which keys of grouping sets are columns.
pub(crate) fn keys_as_columns(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(aggregate) if computes_keys(&aggregate)? => {
            Ok(Transformed::yes(computed_below(aggregate)?))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(rewritten.data)
}

/// Whether there are grouping sets, or questions about them, of other keys than columns.
fn computes_keys(aggregate: &Aggregate) -> Result<bool> {
    let are_sets = matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]);
    if !are_sets && !aggregate.aggr_expr.iter().any(is_grouping) {
        return Ok(false);
    }
    let keys = grouping_set_to_exprlist(&aggregate.group_expr)?;
    Ok(keys.into_iter().any(|key| !matches!(key, Expr::Column(_))))
}

/// Whether it is a call of `grouping()`.
fn is_grouping(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_grouping(&alias.expr),
        Expr::AggregateFunction(call) => call.func.name() == "grouping",
        _ => false,
    }
}

fn computed_below(aggregate: Aggregate) -> Result<LogicalPlan> {
    let names = NamePreserver::new_for_projection();
    let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut keys: Vec<(Expr, Expr)> = Vec::new();
    for key in grouping_set_to_exprlist(&group_expr)? {
        if matches!(key, Expr::Column(_)) {
            continue;
        }
        let name = format!("grouping key {}", keys.len());
        columns.push(key.clone().alias(name.as_str()));
        keys.push((key.clone(), Expr::Column(Column::from_name(name))));
    }
    let below = LogicalPlan::Projection(Projection::try_new(columns, input)?);
    let mut group: Vec<Expr> = Vec::with_capacity(group_expr.len());
    for expr in group_expr {
        group.push(by_column(expr, &keys)?);
    }
    let mut calls: Vec<Expr> = Vec::with_capacity(aggr_expr.len());
    for call in aggr_expr {
        if is_grouping(&call) {
            let name = names.save(&call);
            calls.push(name.restore(by_column(call, &keys)?));
        } else {
            calls.push(call);
        }
    }
    let grouped = Aggregate::try_new(Arc::new(below), group, calls)?;
    let mut named: Vec<Expr> = Vec::new();
    for ((relation, field), column) in schema.iter().zip(grouped.schema.columns()) {
        // Only the planner asks for it, and it asks the aggregate.
        if field.name() == Aggregate::INTERNAL_GROUPING_ID {
            continue;
        }
        named.push(match column.relation.as_ref() == relation && column.name == *field.name() {
            true => Expr::Column(column),
            false => Expr::Column(column).alias_qualified(relation.cloned(), field.name().as_str()),
        });
    }
    Ok(LogicalPlan::Projection(Projection::try_new(named, Arc::new(LogicalPlan::Aggregate(grouped)))?))
}

/// The same expression, in which columns stand for keys.
fn by_column(expr: Expr, keys: &[(Expr, Expr)]) -> Result<Expr> {
    let rewritten = expr.transform_down(|node| match keys.iter().find(|(key, _)| *key == node) {
        Some((_, column)) => Ok(Transformed::new(column.clone(), true, TreeNodeRecursion::Jump)),
        None => Ok(Transformed::no(node)),
    })?;
    Ok(rewritten.data)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::functions_aggregate::expr_fn::sum;
    use datafusion::logical_expr::builder::table_scan;
    use datafusion::logical_expr::{col, lit, rollup};

    use super::*;

    fn aggregated(key: Expr) -> LogicalPlan {
        let column = |name: &str| Field::new(name, DataType::Int64, true);
        let scan = table_scan(Some("t"), &Schema::new(vec![column("a"), column("b")]), None).unwrap();
        scan.aggregate(vec![key], vec![sum(col("b"))]).unwrap().build().unwrap()
    }

    #[test]
    fn what_is_computed_has_its_name_above() {
        let made = keys_as_columns(aggregated(rollup(vec![col("a"), col("a") + lit(1_i64)]))).unwrap();
        assert_eq!(made.schema().field_names(), ["t.a", "t.a + Int64(1)", "sum(t.b)"]);
        let LogicalPlan::Projection(above) = made else { unreachable!("it gives names") };
        let LogicalPlan::Aggregate(grouped) = above.input.as_ref() else { unreachable!("it groups") };
        assert_eq!(grouped.group_expr, [rollup(vec![col("t.a"), Expr::Column(Column::from_name("grouping key 0"))])]);
    }

    #[test]
    fn columns_and_keys_without_sets_stay() {
        for key in [rollup(vec![col("a"), col("b")]), col("a") + lit(1_i64)] {
            let plan = aggregated(key);
            assert_eq!(keys_as_columns(plan.clone()).unwrap(), plan);
        }
    }
}
