//! Which frozen segments may hold rows that a filter lets through, by the catalog's statistics alone.
//!
//! One vectorised evaluation over all segments of the version, before any file is named. A segment is left out only if
//! its statistics prove that none of its rows can pass; where nothing is known, or the filter cannot be turned into a
//! question about bounds, it stays.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use super::bounds::SegmentBounds;

/// The segments that may hold matching rows, by their places, in order. `schema` is that of the filter's columns.
pub(super) fn prune_segments(filter: &Arc<dyn PhysicalExpr>, schema: &SchemaRef, bounds: &SegmentBounds) -> Vec<usize> {
    let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema));
    let Some(predicate) = builder.build(Arc::clone(filter)) else { return (0..bounds.len()).collect() };
    match predicate.prune(bounds) {
        Ok(kept) => kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(segment, _)| segment).collect(),
        Err(error) => {
            tracing::debug!(%error, "statistics cannot answer a filter; every segment is read");
            (0..bounds.len()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use arrow::datatypes::DataType;
    use datafusion::common::{DFSchema, ScalarValue};
    use datafusion::logical_expr::{Expr, col, lit};
    use datafusion::prelude::SessionContext;

    use super::super::bounds::tests::{FieldRows, bounds, integers};
    use super::super::columns::ScanColumns;
    use super::super::columns::tests::{column, columns};
    use super::*;

    fn asked() -> ScanColumns {
        columns(&[
            column(1, "a", DataType::Int64, Some("5")),
            column(2, "s", DataType::Utf8View, None),
            column(3, "f", DataType::Float64, None),
        ])
    }

    /// Four segments of ten rows. `a`: 0 to 9, 10 to 19, unknown, lacking. `s`: all "m" to "p", lacking in the last.
    fn segments() -> SegmentBounds {
        let a = integers(&[Some((0, 9)), Some((10, 19)), None, None], &[Some(0), Some(3), Some(1), None]);
        let min: ArrayRef = Arc::new(StringArray::from(vec![Some("m"), Some("m"), Some("m"), None]));
        let max: ArrayRef = Arc::new(StringArray::from(vec![Some("p"), Some("p"), Some("p"), None]));
        let s = FieldRows::new(min, max, vec![Some(0), Some(0), Some(0), None]);
        bounds(&asked(), &[10, 10, 10, 10], &[Some(a), Some(s), None])
    }

    fn text(text: &str) -> Expr {
        lit(ScalarValue::Utf8View(Some(text.to_owned())))
    }

    fn check(filter: Expr, expected: &[usize]) {
        let schema = Arc::clone(asked().schema());
        let df_schema = DFSchema::try_from(Arc::clone(&schema)).unwrap();
        let filter = SessionContext::new().state().create_physical_expr(filter, &df_schema).unwrap();
        assert_eq!(prune_segments(&filter, &schema, &segments()), expected, "{filter}");
    }

    #[test]
    fn a_segment_stays_unless_its_bounds_rule_it_out() {
        check(col("a").gt(lit(12_i64)), &[1, 2]);
        check(col("a").lt_eq(lit(9_i64)), &[0, 2, 3]);
        check(col("a").eq(lit(100_i64)), &[2]);
    }

    #[test]
    fn a_segment_without_the_column_is_judged_by_the_initial_value() {
        check(col("a").eq(lit(5_i64)), &[0, 2, 3]);
        check(col("a").eq(lit(6_i64)), &[0, 2]);
        check(col("s").eq(text("n")), &[0, 1, 2]);
    }

    #[test]
    fn null_counts_rule_out_segments() {
        check(col("a").is_null(), &[1, 2]);
        check(col("s").is_null(), &[3]);
        check(col("s").is_not_null(), &[0, 1, 2]);
    }

    #[test]
    fn strings_are_compared_by_their_bytes() {
        check(col("s").gt(text("q")), &[]);
        check(col("s").like(text("n%")), &[0, 1, 2]);
        check(col("s").like(text("a%")), &[]);
    }

    #[test]
    fn a_filter_that_bounds_cannot_answer_keeps_every_segment() {
        check(col("a").eq(col("a")), &[0, 1, 2, 3]);
    }
}
