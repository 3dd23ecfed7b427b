//! SUMMARIZE: what the columns of a table or query hold, in one pass.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::functions_aggregate::expr_fn::{approx_distinct, avg, count, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use super::Work;
use super::describe::version_of;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::execution::fill_parameters;
use crate::parse::TableAt;
use crate::session::Session;
use crate::type_name::sql_type;

/// How many aggregates each column has.
const AGGREGATES: usize = 5;

/// The columns of a summary.
pub(crate) fn schema() -> SchemaRef {
    let column = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        column("column_name", DataType::Utf8View),
        column("column_type", DataType::Utf8View),
        column("min", DataType::Utf8View),
        column("max", DataType::Utf8View),
        column("approx_unique", DataType::Int64),
        column("avg", DataType::Float64),
        column("count", DataType::Int64),
        column("null_count", DataType::Int64),
    ]))
}

pub(super) async fn relation(session: &Session, context: &Arc<Context>, at: &TableAt) -> Result<Work, Error> {
    let version = version_of(context, at)?;
    let qualified = context.qualify(&at.table)?;
    let provider =
        context.relation(&qualified, version, 0).await?.ok_or_else(|| context.missing(&qualified, version))?;
    context.note_version(version);
    if at.as_of.is_none() {
        context.note_read(&qualified, version);
    }
    let source = datafusion::datasource::provider_as_source(provider);
    let plan = LogicalPlanBuilder::scan(qualified.name.as_str(), source, None)?.build()?;
    summarize(session, context, plan).await
}

pub(super) async fn query(session: &Session, context: &Arc<Context>, query: &ast::Query) -> Result<Work, Error> {
    let plan = context.plan_query(query, context.visible, 0).await?;
    let plan = fill_parameters(plan, &context.parameters)?;
    summarize(session, context, plan).await
}

async fn summarize(session: &Session, context: &Arc<Context>, plan: LogicalPlan) -> Result<Work, Error> {
    let columns = plan.schema().columns();
    let types: Vec<DataType> = plan.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut aggregates = vec![count(lit(1_i64)).alias("rows")];
    for (place, (column, data_type)) in columns.into_iter().zip(&types).enumerate() {
        let value = Expr::Column(column);
        let nothing = || lit(ScalarValue::Utf8View(None));
        let ordered = !data_type.is_nested() && *data_type != DataType::Boolean;
        let named = |expr: Expr, what: &str| expr.alias(format!("{what}{place}"));
        aggregates.push(named(count(value.clone()), "present"));
        aggregates.push(named(if ordered { min(value.clone()) } else { min(nothing()) }, "min"));
        aggregates.push(named(if ordered { max(value.clone()) } else { max(nothing()) }, "max"));
        let as_text = || approx_distinct(cast(value.clone(), DataType::Utf8View));
        let distinct = if ordered { as_text() } else { count(nothing()) };
        aggregates.push(named(distinct, "distinct"));
        let mean = match data_type.is_numeric() {
            true => avg(cast(value, DataType::Float64)),
            false => avg(lit(ScalarValue::Float64(None))),
        };
        aggregates.push(named(mean, "mean"));
    }
    let plan = LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), aggregates)?.build()?;
    let rows = session.rows(context, plan).await?.into_rows()?;
    let version = rows.version;
    let batches = rows.collect().await?;
    let row =
        batches.iter().find(|batch| batch.num_rows() == 1).ok_or_else(|| Error::statement("the summary has no row"))?;
    Ok(Work::Answer(Answer::of_batch(version, summary(row, &names, &types)?)))
}

fn summary(row: &RecordBatch, names: &[String], types: &[DataType]) -> Result<RecordBatch, Error> {
    let value = |place: usize| Ok::<_, Error>(ScalarValue::try_from_array(row.column(place), 0)?);
    let whole = |place: usize| -> Result<i64, Error> {
        match value(place)?.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(Some(number)) => Ok(number),
            _ => Ok(0),
        }
    };
    let text = |place: usize| -> Result<Option<String>, Error> {
        match value(place)?.cast_to(&DataType::Utf8) {
            Ok(ScalarValue::Utf8(text)) => Ok(text),
            _ => Ok(None),
        }
    };
    let rows = whole(0)?;
    let places: Vec<usize> = (0..names.len()).map(|column| 1 + column * AGGREGATES).collect();
    let all_text = |offset: usize| places.iter().map(|place| text(place + offset)).collect::<Result<Vec<_>, _>>();
    let all_whole = |offset: usize| places.iter().map(|place| whole(place + offset)).collect::<Result<Vec<_>, _>>();
    let mut means = Vec::with_capacity(places.len());
    for place in &places {
        means.push(match value(place + 4)? {
            ScalarValue::Float64(mean) => mean,
            _ => None,
        });
    }
    let nulls: Vec<i64> = all_whole(0)?.into_iter().map(|present| rows - present).collect();
    Ok(RecordBatch::try_from_iter([
        ("column_name", Arc::new(StringViewArray::from_iter_values(names)) as ArrayRef),
        ("column_type", Arc::new(StringViewArray::from_iter_values(types.iter().map(sql_type)))),
        ("min", Arc::new(StringViewArray::from_iter(all_text(1)?))),
        ("max", Arc::new(StringViewArray::from_iter(all_text(2)?))),
        ("approx_unique", Arc::new(Int64Array::from(all_whole(3)?))),
        ("avg", Arc::new(Float64Array::from(means))),
        ("count", Arc::new(Int64Array::from(vec![rows; names.len()]))),
        ("null_count", Arc::new(Int64Array::from(nulls))),
    ])?)
}
