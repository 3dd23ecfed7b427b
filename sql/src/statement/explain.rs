//! EXPLAIN [ANALYZE]: the planner's plans, what each scan pruned and read, and what was asked of a distant store.
//!
//! * Of a statement that writes, the query that feeds it, or finds the rows that it changes, is planned and shown.
//!   Nothing is written, and no file made.
//! * Requests are counted for the whole process: those of statements that run at the same time are among them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, PlanType, ToStringifiedPlan};
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::parser::{ExplainStatement, Statement as DFStatement};
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;

use super::Work;
use super::dml;
use super::insert::planned;
use crate::answer::{Answer, Rows};
use crate::context::Context;
use crate::error::Error;
use crate::execution::fill_parameters;
use crate::parse::{CopySource, CopyTo, CreateTable, Explain, Statement, parse_one};
use crate::table::ScanSummary;

/// The plan that explains a statement, with its parameters open.
pub(crate) async fn plan(context: &Arc<Context>, explain: &Explain) -> Result<LogicalPlan, Error> {
    explained(context, &explain.options, feeding_plan(context, &explain.inner).await?).await
}

pub(super) async fn run(context: &Arc<Context>, explain: &Explain) -> Result<Work, Error> {
    let before = context.lake.ledger().store().requests();
    let plan = fill_parameters(feeding_plan(context, &explain.inner).await?, &context.parameters)?;
    let plan = explained(context, &explain.options, plan).await?;
    let physical = context.base.create_physical_plan(&plan).await?;
    let schema = physical.schema();
    let batches = execute_stream(physical, context.task())?;
    let scans = context.scans.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let own = scans.iter().map(|scan| ("scan".to_owned(), shown(context, scan)));
    let lines: Vec<(String, String)> =
        std::iter::once(("version".to_owned(), format!("version {}", context.told_version(context.visible))))
            .chain(own)
            .collect();
    let more = lines_batch(&schema, &lines)?;
    let plans = batches.map(|batch| batch.and_then(|batch| without_last_breaks(&batch)));
    let mut stream = plans.chain(futures::stream::iter([Ok(more)])).boxed();
    if explain.options.analyze
        && let Some(before) = before
    {
        let (lake, schema) = (Arc::clone(&context.lake), Arc::clone(&schema));
        let sent = async move {
            let sent = lake.ledger().store().requests().unwrap_or_default().since(&before);
            lines_batch(&schema, &[("requests".to_owned(), format!("requests {sent}"))])
        };
        stream = stream.chain(futures::stream::once(sent)).boxed();
    }
    let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
    Ok(Work::Answer(Answer::Rows(Rows { version: context.visible, schema, stream })))
}

/// Lines of a kind and a text each, as the planner's own are.
fn lines_batch(schema: &SchemaRef, lines: &[(String, String)]) -> Result<RecordBatch, DataFusionError> {
    let kinds: ArrayRef = Arc::new(StringArray::from_iter_values(lines.iter().map(|(kind, _)| kind)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(lines.iter().map(|(_, text)| text)));
    Ok(RecordBatch::try_new(Arc::clone(schema), vec![kinds, texts])?)
}

/// The plan of the query that a statement runs. If it is only described, its parameters are open.
async fn feeding_plan(context: &Arc<Context>, statement: &Statement) -> Result<LogicalPlan, Error> {
    match statement {
        Statement::Query(query) => Ok(context.plan_result(query).await?.0),
        Statement::Insert(insert) => {
            let planned = planned(context, insert).await?;
            match context.describing {
                true => Ok(planned.source),
                false => planned.rows(&context.parameters),
            }
        }
        Statement::Delete(_) | Statement::Update(_) | Statement::Merge(_) => dml::plan(context, statement).await,
        Statement::CreateTable(CreateTable { query: Some(query), .. })
        | Statement::CopyTo(CopyTo { source: CopySource::Query(query), .. }) => {
            context.plan_query(query, context.visible, 0).await
        }
        Statement::CopyTo(CopyTo { source: CopySource::Table(name), .. }) => {
            let query = parsed_query(&format!("SELECT * FROM {name}"))?;
            context.plan_query(&query, context.visible, 0).await
        }
        _ => Err(Error::statement("EXPLAIN takes a query, or a statement that a query feeds")),
    }
}

/// The EXPLAIN of a plan. The planner checks the options on a query of its own, whose plan then gives way.
async fn explained(
    context: &Context,
    options: &ExplainStatementOptions,
    plan: LogicalPlan,
) -> Result<LogicalPlan, Error> {
    let query = ast::Statement::Query(parsed_query("SELECT 1")?);
    let statement = Box::new(DFStatement::Statement(Box::new(query)));
    let statement = DFStatement::Explain(ExplainStatement { options: options.clone(), statement });
    match context.base.statement_to_plan(statement).await? {
        LogicalPlan::Explain(mut explain) => {
            explain.stringified_plans = vec![plan.to_stringified(PlanType::InitialLogicalPlan)];
            explain.plan = Arc::new(plan);
            Ok(LogicalPlan::Explain(explain))
        }
        LogicalPlan::Analyze(mut analyze) => {
            analyze.input = Arc::new(plan);
            Ok(LogicalPlan::Analyze(analyze))
        }
        _ => Err(Error::statement("EXPLAIN takes a query, or a statement that a query feeds")),
    }
}

/// The planner ends a physical plan's text with a line break.
fn without_last_breaks(batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        match column.as_string_opt::<i32>() {
            Some(texts) => {
                let trimmed: StringArray = texts.iter().map(|text| text.map(str::trim_end)).collect();
                Arc::new(trimmed)
            }
            None => Arc::clone(column),
        }
    });
    Ok(RecordBatch::try_new(batch.schema(), columns.collect())?)
}

fn parsed_query(text: &str) -> Result<Box<ast::Query>, Error> {
    match parse_one(text)?.statement {
        Statement::Query(query) => Ok(query),
        _ => Err(Error::statement("EXPLAIN takes a query, or a statement that a query feeds")),
    }
}

/// What a scan decided, as a line. Dead rows are named where there are some.
fn shown(context: &Context, scan: &ScanSummary) -> String {
    let name =
        context.state.table_at(scan.table, scan.version).map_or_else(String::new, |table| table.name.to_string());
    let dead = if scan.dead_rows > 0 { format!(", dead rows {}", scan.dead_rows) } else { String::new() };
    format!(
        "{name} at version {}: segments {}, pruned {}, scanned {}, hot rows {}, frozen rows {}{dead}, bytes {}",
        scan.version,
        scan.segments_total,
        scan.segments_pruned,
        scan.segments_scanned(),
        scan.hot_rows,
        scan.frozen_rows,
        scan.bytes
    )
}
