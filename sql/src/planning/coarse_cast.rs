//! Casts of timestamps to dates and coarser timestamps, in filters.
//!
//! DataFusion estimates how many rows a filter keeps from the least and the greatest value of its columns. Through a
//! cast it looks both ways: `CAST(ts AS DATE)` of 10 to 12 o'clock is one day, which is a wider range of timestamps
//! than there was, and a share above 1 is an error. It does not estimate through TRY_CAST; statistics of segments rule
//! out what they can through both. Of these casts, the two do the same: what one cannot cast is an error of the other.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, TryCast};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Makes coarser casts in filters TRY_CAST. It runs when filters are where they will be.
#[derive(Debug)]
pub(crate) struct CoarseCasts;

impl OptimizerRule for CoarseCasts {
    fn name(&self) -> &str {
        "coarse_casts"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(mut filter) => {
                let schema = Arc::clone(filter.input.schema());
                let predicate = std::mem::take(&mut filter.predicate);
                let rewritten = predicate.transform_up(|node| Ok(rewrite(node, &schema)))?;
                Ok(rewritten.update_data(|predicate| {
                    filter.predicate = predicate;
                    LogicalPlan::Filter(filter)
                }))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::Cast(Cast { expr, field }) if is_coarser(&expr, field.data_type(), schema) => {
            Transformed::yes(Expr::TryCast(TryCast { expr, field }))
        }
        other => Transformed::no(other),
    }
}

/// Whether a timestamp loses digits, or its time of day.
fn is_coarser(value: &Expr, target: &DataType, schema: &DFSchema) -> bool {
    let Ok(DataType::Timestamp(unit, _)) = value.get_type(schema) else { return false };
    match target {
        DataType::Date32 => true,
        DataType::Timestamp(coarser, _) => *coarser < unit,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{Field, Schema, TimeUnit};
    use datafusion::logical_expr::{cast, col};

    use super::*;

    fn is_changed(source: DataType, target: DataType) -> bool {
        let schema = DFSchema::try_from(Schema::new(vec![Field::new("v", source, true)])).unwrap();
        rewrite(cast(col("v"), target), &schema).transformed
    }

    #[test]
    fn only_timestamps_that_become_coarser_are_cast_otherwise() {
        let stamp = |unit: TimeUnit| DataType::Timestamp(unit, None);
        assert!(is_changed(stamp(TimeUnit::Microsecond), DataType::Date32));
        assert!(is_changed(stamp(TimeUnit::Nanosecond), stamp(TimeUnit::Microsecond)));
        assert!(!is_changed(stamp(TimeUnit::Millisecond), stamp(TimeUnit::Microsecond)));
        assert!(!is_changed(stamp(TimeUnit::Microsecond), stamp(TimeUnit::Microsecond)));
        assert!(!is_changed(DataType::Date32, stamp(TimeUnit::Microsecond)));
        assert!(!is_changed(DataType::Int64, DataType::Int32));
    }
}
