//! EXPLAIN [ANALYZE]: the planner's plans, what each scan pruned and read, and what was asked of a distant store.
//!
//! Requests are counted for the whole process: those of statements that run at the same time are among them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{ExplainStatement, Statement as DFStatement};
use datafusion::sql::sqlparser::ast;

use super::Work;
use crate::answer::{Answer, Rows};
use crate::context::Context;
use crate::error::Error;
use crate::parse::Explain;
use crate::session::{Session, fill_parameters};
use crate::table::ScanSummary;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

/// The plan that explains a query.
pub(crate) async fn plan(context: &Arc<Context>, explain: &Explain) -> Result<LogicalPlan, Error> {
    let inner = match explain.inner.as_ref() {
        DFStatement::Statement(inner) => inner.as_ref(),
        _ => return Err(Error::statement("EXPLAIN takes a query")),
    };
    let ast::Statement::Query(query) = inner else {
        return Err(Error::statement("EXPLAIN takes a query").with_hint("explain the query of an INSERT alone"));
    };
    let statement =
        DFStatement::Explain(ExplainStatement { options: explain.options.clone(), statement: explain.inner.clone() });
    context.plan_statement(statement, query, context.visible, 0).await
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, explain: &Explain) -> Result<Work, Error> {
    let before = context.lake.ledger().store().requests();
    let plan = plan(context, explain).await?;
    let plan = fill_parameters(plan, &context.parameters)?;
    let physical = context.base.create_physical_plan(&plan).await?;
    let schema = physical.schema();
    let batches = execute_stream(physical, context.task())?;
    let _ = session;
    let scans = context.scans.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let own = scans.iter().map(|scan| ("scan".to_owned(), shown(context, scan)));
    let lines: Vec<(String, String)> =
        std::iter::once(("version".to_owned(), format!("version {}", context.visible))).chain(own).collect();
    let more = lines_batch(&schema, &lines)?;
    let mut stream = batches.chain(futures::stream::iter([Ok(more)])).boxed();
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

/// What a scan decided, as a line.
fn shown(context: &Context, scan: &ScanSummary) -> String {
    let name =
        context.state.table_at(scan.table, scan.version).map_or_else(String::new, |table| table.name.to_string());
    format!(
        "{name} at version {}: segments {}, pruned {}, scanned {}, hot rows {}, frozen rows {}, bytes {}",
        scan.version,
        scan.segments_total,
        scan.segments_pruned,
        scan.segments_scanned(),
        scan.hot_rows,
        scan.frozen_rows,
        scan.bytes
    )
}
