//! Groups of floats, of which only the first few are asked for.
//!
//! DataFusion keeps no more groups than `ORDER BY max(y) LIMIT n` asks for. It finds them by `==`, to which no NaN is
//! equal: there would be a group for each NaN, and a panic where one of them has to go. Groups of floats are all kept
//! instead, as they are without a LIMIT.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

/// Takes the limit from aggregates whose groups are floats. It runs after the rule that puts it there.
#[derive(Debug)]
pub(crate) struct AllFloatGroups;

impl PhysicalOptimizerRule for AllFloatGroups {
    fn name(&self) -> &str {
        "all_float_groups"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node: Arc<dyn ExecutionPlan>| {
            let whole = node.downcast_ref::<AggregateExec>().and_then(without_limit).transpose()?;
            Ok(match whole {
                Some(whole) => Transformed::yes(Arc::new(whole) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same aggregate without its limit, if it has one and groups by a float.
fn without_limit(aggregate: &AggregateExec) -> Option<Result<AggregateExec>> {
    aggregate.limit_options()?;
    let schema = aggregate.input_schema();
    let types = aggregate.group_expr().expr().iter().map(|(key, _)| key.data_type(&schema));
    match types.collect::<Result<Vec<_>>>() {
        Ok(types) => types.iter().any(|found| found.is_floating()).then(|| Ok(aggregate.with_new_limit_options(None))),
        Err(error) => Some(Err(error)),
    }
}
