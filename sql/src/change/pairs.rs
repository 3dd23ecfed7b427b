//! Rows that came and rows that went, each read once, as the changes that they are.
//!
//! ```text
//!   rows that came ─┐
//!                   ├─ FULL JOIN by id ── but pairs of equal values ── UNNEST sides ──► a row for each side
//!   rows that went ─┘
//! ```
//!
//! * A row without another of its id is inserted or deleted. Two of one id are an update: two changes, or none where
//!   their values are the same.
//! * Ids alone would not do: what was only written anew has an id on both sides, and is no change.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit, when};
use datafusion::prelude::ident;
use datafusion::scalar::ScalarValue;

use super::columns::{ROW, VERSION, inner_columns, inner_name};
use super::differ::{differ, has_map};
use super::either::{either, either_known};
use crate::error::Error;

/// What the plan calls the kind of a change, inside.
pub(super) const KIND: &str = "kind";

/// Whether a row has another of its id.
const IS_PAIR: &str = "is_pair";

/// For each side that is there, whether it is that of the row that came; unnested, whether a row is.
const CAME: &str = "came";

/// A kind of change.
pub(super) fn kind(name: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(name.to_owned())))
}

/// The changes that lead from the rows that went to those that came: the table's columns, of these types, inside; the
/// row's id; the version; the kind.
///
/// * Rows are matched by `keys`, which are among the id and the version, and are on each side once.
/// * Both images of an update are of the version that made the later one.
pub(super) fn paired(
    came: LogicalPlan,
    went: LogicalPlan,
    types: &[DataType],
    keys: &[&str],
) -> Result<LogicalPlan, Error> {
    let columns: Vec<String> = (0..types.len()).map(inner_name).collect();
    let names = columns.iter().map(String::as_str).chain([ROW, VERSION]);
    let renamed: Vec<Expr> = names.map(|name| ident(name).alias(other_name(name))).collect();
    let went = LogicalPlanBuilder::from(went).project(renamed)?.build()?;
    let own_keys: Vec<Column> = keys.iter().map(|key| Column::from_name(*key)).collect();
    let other_keys: Vec<Column> = keys.iter().map(|key| Column::from_name(other_name(key))).collect();

    let mut side_by_side: Vec<Expr> = inner_columns(columns.len());
    side_by_side.extend(columns.iter().map(|name| ident(other_name(name))));
    let known = [ROW, VERSION].map(|name| either_known(ident(name), ident(other_name(name))).alias(name));
    side_by_side.extend(known);
    side_by_side.push(ident(ROW).is_not_null().and(ident(other_name(ROW)).is_not_null()).alias(IS_PAIR));
    side_by_side.push(sides()?.alias(CAME));

    let mut shown: Vec<Expr> = columns
        .iter()
        .map(|name| either(ident(CAME), ident(name.as_str()), ident(other_name(name))).alias(name.as_str()))
        .collect();
    shown.extend([ident(ROW), ident(VERSION), kind_of()?.alias(KIND)]);

    let plan = LogicalPlanBuilder::from(came)
        .join(went, JoinType::Full, (own_keys, other_keys), None)?
        .filter(is_change(&columns, types))?
        .project(side_by_side)?
        .unnest_column(CAME)?
        .project(shown)?
        .build()?;
    Ok(plan)
}

/// What the plan calls a column of the row that went, inside, beside that of the row that came.
fn other_name(name: &str) -> String {
    format!("other_{name}")
}

/// Whether two rows side by side differ, or there is but one of them.
fn is_change(columns: &[String], types: &[DataType]) -> Expr {
    let is_alone = ident(ROW).is_null().or(ident(other_name(ROW)).is_null());
    let differs = columns.iter().zip(types).map(|(name, data_type)| {
        let (own, other) = (ident(name.as_str()), ident(other_name(name)));
        match has_map(data_type) {
            true => differ(own, other),
            false => binary_expr(own, Operator::IsDistinctFrom, other),
        }
    });
    differs.fold(is_alone, Expr::or)
}

/// The sides that are there.
fn sides() -> Result<Expr, Error> {
    let list = |came: &[bool]| -> Expr {
        let came: Vec<ScalarValue> = came.iter().map(|came| ScalarValue::Boolean(Some(*came))).collect();
        lit(ScalarValue::List(ScalarValue::new_list(&came, &DataType::Boolean, true)))
    };
    let sides = when(ident(other_name(ROW)).is_null(), list(&[true]))
        .when(ident(ROW).is_null(), list(&[false]))
        .otherwise(list(&[false, true]))?;
    Ok(sides)
}

/// The kind of the change that a row is, one side of it by now.
fn kind_of() -> Result<Expr, Error> {
    let kind = when(ident(IS_PAIR).and(ident(CAME)), kind("update_postimage"))
        .when(ident(IS_PAIR), kind("update_preimage"))
        .when(ident(CAME), kind("insert"))
        .otherwise(kind("delete"))?;
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// One column, the id and the version of some rows.
    fn rows(given: &[(Option<i64>, i64, i64)]) -> LogicalPlan {
        let row = |(value, row, version): &(Option<i64>, i64, i64)| -> Vec<Expr> {
            vec![lit(ScalarValue::Int64(*value)), lit(*row), lit(*version)]
        };
        let named = ["c0", ROW, VERSION];
        let exprs: Vec<Expr> =
            named.iter().enumerate().map(|(place, name)| ident(format!("column{}", place + 1)).alias(*name)).collect();
        let values = LogicalPlanBuilder::values(given.iter().map(row).collect()).unwrap();
        values.project(exprs).unwrap().build().unwrap()
    }

    async fn check(came: LogicalPlan, went: LogicalPlan, keys: &[&str], expected: &str) {
        let plan = paired(came, went, &[DataType::Int64], keys).unwrap();
        let order = vec![ident(ROW).sort(true, true), ident(VERSION).sort(true, true), ident(KIND).sort(false, true)];
        let plan = LogicalPlanBuilder::from(plan).sort(order).unwrap().build().unwrap();
        let found = SessionContext::new().execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        assert_eq!(pretty_format_batches(&found).unwrap().to_string(), expected);
    }

    #[tokio::test]
    async fn rows_of_one_id_are_an_update_unless_their_values_are_the_same() {
        let came = rows(&[(Some(10), 1, 7), (Some(21), 2, 8), (None, 3, 8), (Some(50), 5, 9), (None, 6, 9)]);
        let went = rows(&[(Some(10), 1, 6), (Some(20), 2, 6), (Some(30), 3, 6), (Some(40), 4, 6), (None, 6, 6)]);
        let expected = "\
+----+-----+---------+------------------+
| c0 | row | version | kind             |
+----+-----+---------+------------------+
| 20 | 2   | 8       | update_preimage  |
| 21 | 2   | 8       | update_postimage |
| 30 | 3   | 8       | update_preimage  |
|    | 3   | 8       | update_postimage |
| 40 | 4   | 6       | delete           |
| 50 | 5   | 9       | insert           |
+----+-----+---------+------------------+";
        check(came, went, &[ROW], expected).await;
    }

    #[tokio::test]
    async fn rows_that_moved_in_several_versions_are_matched_version_by_version() {
        let came = rows(&[(Some(11), 1, 7), (Some(12), 1, 8)]);
        let went = rows(&[(Some(10), 1, 7), (Some(11), 1, 8), (Some(12), 1, 9)]);
        let expected = "\
+----+-----+---------+------------------+
| c0 | row | version | kind             |
+----+-----+---------+------------------+
| 10 | 1   | 7       | update_preimage  |
| 11 | 1   | 7       | update_postimage |
| 11 | 1   | 8       | update_preimage  |
| 12 | 1   | 8       | update_postimage |
| 12 | 1   | 9       | delete           |
+----+-----+---------+------------------+";
        check(came, went, &[ROW, VERSION], expected).await;
    }

    #[test]
    fn ids_and_versions_are_never_null() {
        let plan = paired(rows(&[(None, 1, 2)]), rows(&[(None, 1, 2)]), &[DataType::Int64], &[ROW]).unwrap();
        let nullable: Vec<bool> = plan.schema().fields().iter().map(|field| field.is_nullable()).collect();
        assert_eq!(nullable, [true, false, false, false]);
    }
}
