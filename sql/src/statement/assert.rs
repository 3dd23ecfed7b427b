//! ASSERT: an error unless a condition is true.

use std::sync::Arc;

use super::Work;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::parse::Assert;
use crate::session::Session;

pub(super) async fn run(session: &Session, context: &Arc<Context>, assert: &Assert) -> Result<Work, Error> {
    let plan = context.plan_query(&assert.condition, context.visible, 0).await?;
    let batches = session.rows(context, plan).await?.into_rows()?.collect().await?;
    if batches.iter().any(|batch| batch.num_rows() > 0) {
        return Ok(Work::Answer(Answer::Done));
    }
    let told = assert.message.as_ref().unwrap_or(&assert.text);
    Err(Error::statement(format!("assertion failed: {told}")))
}
