use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::datatypes::Schema;
use arrow::util::pretty::pretty_format_batches;
use datafusion::common::ScalarValue;
use datafusion::common::stats::Precision;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{DynamicFilterPhysicalExpr, binary, col, lit};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionContext;

use super::*;

const ROWS: i64 = 20_000;

/// `a` counts from 0, `b` is its last digit as text.
fn source() -> HotSource {
    let a: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    let b: ArrayRef = Arc::new(StringViewArray::from_iter_values((0..ROWS).map(|n| (n % 10).to_string())));
    let batch = RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap();
    HotSource::new(Version::FIRST, Arc::new(HotRows::new(batch.schema(), &[batch])))
}

fn filter(source: &HotSource, column: &str, operator: Operator, value: i64) -> Arc<dyn PhysicalExpr> {
    let schema = Arc::clone(&source.schema);
    binary(col(column, &schema).unwrap(), operator, lit(value), &schema).unwrap()
}

fn pushed(source: &HotSource, filters: Vec<Arc<dyn PhysicalExpr>>) -> Arc<dyn DataSource> {
    let count = filters.len();
    let answer = source.try_pushdown_filters(filters, &ConfigOptions::default()).unwrap();
    assert_eq!(answer.filters.len(), count);
    assert!(answer.filters.iter().all(|pushed| matches!(pushed, PushedDown::Yes)));
    answer.updated_node.unwrap()
}

async fn rows(source: Arc<dyn DataSource>) -> Vec<RecordBatch> {
    let plan: Arc<dyn ExecutionPlan> = Arc::new(DataSourceExec::new(source));
    collect(plan, SessionContext::new().task_ctx()).await.unwrap()
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn all_rows_come_out_of_all_partitions() {
    let source = source();
    assert_eq!(count(&rows(Arc::new(source.clone())).await), 20_000);
    let halves = Arc::new(HotSource { partitions: vec![0..1, 1..3], ..source });
    assert_eq!(count(&rows(halves).await), 20_000);
}

#[tokio::test]
async fn rows_that_are_only_counted_come_in_batches_of_bounded_length() {
    let schema: SchemaRef = Arc::new(Schema::empty());
    let options = RecordBatchOptions::new().with_row_count(Some(1_000_000));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options).unwrap();
    let batches = rows(Arc::new(HotSource::new(Version::FIRST, Arc::new(HotRows::new(schema, &[batch]))))).await;
    assert_eq!(count(&batches), 1_000_000);
    assert!(batches.iter().all(|batch| batch.num_rows() <= 65_536));
}

#[tokio::test]
async fn a_pushed_filter_is_applied_to_rows() {
    let source = source();
    let filters = vec![filter(&source, "a", Operator::GtEq, 19_998)];
    let printed = pretty_format_batches(&rows(pushed(&source, filters)).await).unwrap().to_string();
    let expected = "\
+-------+---+
| a     | b |
+-------+---+
| 19998 | 8 |
| 19999 | 9 |
+-------+---+";
    assert_eq!(printed, expected);
}

#[tokio::test]
async fn zones_that_cannot_match_are_not_filtered() {
    let source = source();
    let filtered = pushed(&source, vec![filter(&source, "a", Operator::GtEq, 19_998)]);
    let metrics = filtered.metrics();
    rows(filtered).await;
    let pruned = metrics.clone_inner().sum_by_name("hot_zones_pruned").map(|value| value.as_usize());
    assert_eq!(pruned, Some(2));
}

#[tokio::test]
async fn a_filter_that_tightens_while_the_query_runs_is_obeyed() {
    let source = source();
    let a = col("a", &source.schema).unwrap();
    let dynamic = Arc::new(DynamicFilterPhysicalExpr::new(vec![a], lit(true)));
    let filtered = pushed(&source, vec![Arc::clone(&dynamic) as Arc<dyn PhysicalExpr>]);
    assert_eq!(count(&rows(Arc::clone(&filtered)).await), 20_000);
    dynamic.update(filter(&source, "a", Operator::Lt, 5)).unwrap();
    assert_eq!(count(&rows(filtered).await), 5);
}

#[tokio::test]
async fn a_filter_stays_right_when_its_column_is_projected_away() {
    let source = source();
    let filtered = pushed(&source, vec![filter(&source, "a", Operator::Lt, 2)]);
    let only_b = ProjectionExprs::new([ProjectionExpr::new(col("b", &source.schema).unwrap(), "b")]);
    let projected = filtered.try_swapping_with_projection(&only_b).unwrap().unwrap();
    let printed = pretty_format_batches(&rows(projected).await).unwrap().to_string();
    assert_eq!(printed, "+---+\n| b |\n+---+\n| 0 |\n| 1 |\n+---+");
}

#[tokio::test]
async fn a_limit_ends_the_stream_and_no_filter_passes_it() {
    let limited = source().with_limit(Some(3));
    let filters = vec![filter(&limited, "a", Operator::GtEq, 19_998)];
    let answer = limited.try_pushdown_filters(filters, &ConfigOptions::default()).unwrap();
    assert!(matches!(answer.filters.as_slice(), [PushedDown::No]));
    assert_eq!(count(&rows(Arc::new(limited)).await), 3);
}

#[test]
fn statistics_are_exact_until_a_filter_is_pushed() {
    let source = source();
    let all = source.partition_statistics(None).unwrap();
    assert_eq!(all.num_rows, Precision::Exact(20_000));
    assert_eq!(all.column_statistics[0].max_value, Precision::Exact(ScalarValue::Int64(Some(19_999))));
    let some = pushed(&source, vec![filter(&source, "a", Operator::Lt, 2)]).partition_statistics(None).unwrap();
    assert_eq!(some.num_rows, Precision::Inexact(20_000));
    assert_eq!(some.column_statistics[0].max_value, Precision::Inexact(ScalarValue::Int64(Some(19_999))));
}

#[test]
fn partitions_share_the_zones_evenly() {
    let a: ArrayRef = Arc::new(Int64Array::from_iter_values(0..80_000));
    let batch = RecordBatch::try_from_iter([("a", a)]).unwrap();
    let source = HotSource::new(Version::FIRST, Arc::new(HotRows::new(batch.schema(), &[batch])));
    let two = source.repartitioned(8, 0, None).unwrap().unwrap();
    assert_eq!(two.output_partitioning().partition_count(), 2);
    assert!(two.repartitioned(2, 0, None).unwrap().is_none());
}
