//! Rewrites a plan's expressions where DataFusion's own would give a wrong value without a word.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::{cast, checked, in_list, interval, nan, zero, zone};

/// Runs after types are coerced and before anything is computed: constants are folded by the same functions that run.
///
/// * Names of columns stay as they were.
/// * Comparisons of a column with a constant stay operators, so that statistics rule out what they can; so do those of
///   a column that is cast, if the cast loses nothing.
#[derive(Debug)]
pub(crate) struct ExactExpressions;

impl AnalyzerRule for ExactExpressions {
    fn name(&self) -> &str {
        "exact_expressions"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(rewrite_plan)?.data)
    }
}

fn rewrite_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = &plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let names = NamePreserver::new(&plan);
    let sorts = matches!(plan, LogicalPlan::Sort(_));
    let filters = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
    let rewritten = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let mut rewritten = rewrite_node(expr, &schema)?;
        rewritten = rewritten.transform_data(|expr| match filters {
            true => in_list::rewrite_filter(expr, &schema),
            false => in_list::rewrite(expr, &schema),
        })?;
        if sorts {
            rewritten = rewritten.transform_data(|expr| interval::sort_key(expr, &schema))?;
        }
        Ok(rewritten.update_data(|expr| name.restore(expr)))
    })?;
    let rewritten = match rewritten.transformed {
        true => rewritten.map_data(|plan| plan.recompute_schema())?,
        false => rewritten,
    };
    rewritten.transform_data(nan::above_aggregates)
}

/// An expression whose types are coerced, rewritten.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    rewrite_node(expr, schema)?.transform_data(|expr| in_list::rewrite(expr, schema))
}

fn rewrite_node(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|node| {
        checked::rewrite(node, schema)?
            .transform_data(|node| interval::rewrite(node, schema))?
            .transform_data(|node| cast::rewrite(node, schema))?
            .transform_data(|node| zone::rewrite(node, schema))?
            .transform_data(|node| zero::rewrite(node, schema))?
            .transform_data(|node| nan::rewrite(node, schema))
    })
}
