//! Columns of plans: inside they are numbered, so that no name of a user's is in the way; outside they bear their
//! names.

use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::ident;

/// What the plan calls the id of a row, inside.
pub(super) const ROW: &str = "row";

/// What the plan calls the version that moved a row, inside.
pub(super) const VERSION: &str = "version";

/// What the plan calls a column of the table, inside.
pub(super) fn inner_name(place: usize) -> String {
    format!("c{place}")
}

/// The columns of the table, inside.
pub(super) fn inner_columns(count: usize) -> Vec<Expr> {
    (0..count).map(|place| ident(inner_name(place))).collect()
}

/// A column of ours under a name that none of the user's columns has: with as many underscores before it as it takes.
pub(super) fn own_name(name: &str, taken: &[String]) -> String {
    let mut own = name.to_owned();
    while taken.contains(&own) {
        own.insert(0, '_');
    }
    own
}

/// The columns of a plan by their places.
pub(super) fn columns_of(plan: &LogicalPlan) -> Vec<Column> {
    plan.schema().columns()
}

/// Plans one behind the other; `None` if there is none.
pub(super) fn union_all(plans: Vec<LogicalPlan>) -> Result<Option<LogicalPlan>> {
    let mut all: Option<LogicalPlan> = None;
    for plan in plans {
        all = Some(match all {
            Some(before) => LogicalPlanBuilder::from(before).union(plan)?.build()?,
            None => plan,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_ours_gets_out_of_the_way_of_the_users() {
        let taken = ["_version".to_owned(), "__version".to_owned()];
        assert_eq!(own_name("_version", &taken), "___version");
        assert_eq!(own_name("_time", &taken), "_time");
    }
}
