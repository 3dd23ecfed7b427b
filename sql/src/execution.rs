//! How a planned query runs: with the values of its parameters, in a task of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use crate::answer::Rows;
use crate::context::Context;
use crate::error::Error;
use crate::parameters::Parameters;
use crate::planning::empty_subquery::tell_nulls;

/// How many batches of an answer are computed before somebody asks for them.
const BATCHES_AHEAD: usize = 2;

/// The plan with the values of its parameters.
pub(crate) fn fill_parameters(plan: LogicalPlan, parameters: &Parameters) -> Result<LogicalPlan, Error> {
    let names: BTreeMap<String, _> = plan.get_parameter_types()?.into_iter().collect();
    if let Some(name) = names.keys().find(|name| parameters.value(name).is_none()) {
        return Err(Error::statement(format!("parameter `{name}` has no value")));
    }
    if names.is_empty() {
        return Ok(plan);
    }
    // A value is never NULL where a parameter might have been.
    Ok(tell_nulls(plan.with_param_values(parameters.to_param_values())?)?)
}

/// Starts a physical plan.
pub(crate) fn execute(context: &Context, physical: Arc<dyn ExecutionPlan>) -> Result<Rows, Error> {
    let schema = physical.schema();
    let stream = in_background(Arc::clone(&schema), execute_stream(physical, context.task())?);
    Ok(Rows { version: context.version_read(), schema, stream })
}

/// The same rows, computed by a task of the runtime: a long step of theirs does not keep whoever waits for them from
/// noticing something else, such as Ctrl-C. Dropping the stream stops the task.
fn in_background(schema: SchemaRef, mut rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStream::builder(schema, BATCHES_AHEAD);
    let output = builder.tx();
    builder.spawn(async move {
        while let Some(batch) = rows.next().await {
            let failed = batch.is_err();
            if output.send(batch).await.is_err() || failed {
                break;
            }
        }
        Ok(())
    });
    builder.build()
}
