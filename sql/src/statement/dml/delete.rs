//! DELETE: the rows that a query finds die.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::UInt64Type;

use super::super::Work;
use super::super::create::counted;
use super::Planned;
use super::search::{alone, place};
use super::target::Target;
use super::write::{Killed, numbers};
use crate::context::Context;
use crate::error::Error;
use crate::parse::{Delete, query_of};
use crate::session::{Commit, Session};

pub(super) async fn planned(context: &Arc<Context>, delete: &Delete) -> Result<Planned, Error> {
    let target = Target::resolve(context, &delete.target)?;
    let mut from = vec![alone(target.relation())];
    from.extend(delete.using.iter().cloned());
    let query = query_of(delete.with.clone(), place(&target), from, delete.filter.clone());
    Planned::new(Arc::clone(context), target, &query, 2, Vec::new()).await
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, delete: &Delete) -> Result<Work, Error> {
    if delete.with.is_none() && delete.using.is_empty() && delete.filter.is_none() {
        return all(context, &Target::resolve(context, &delete.target)?);
    }
    let planned = planned(context, delete).await?;
    let (context, target) = (&planned.context, &planned.target);
    let mut killed = Killed::default();
    let mut rows = session.rows(context, planned.rows()?).await?.into_rows()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 {
            killed.insert_all(numbers::<UInt64Type>(&batch, 0)?, numbers::<UInt64Type>(&batch, 1)?);
        }
    }
    deleted(context, target, killed)
}

/// All rows of the table: no file is read.
fn all(context: &Arc<Context>, target: &Target) -> Result<Work, Error> {
    context.note_read(&target.name, context.visible);
    deleted(context, target, Killed::all(context, target.table)?)
}

fn deleted(context: &Context, target: &Target, killed: Killed) -> Result<Work, Error> {
    let rows = killed.rows();
    if rows == 0 {
        return Ok(Work::no_change(context));
    }
    let mut blocks: Vec<Bytes> = Vec::new();
    let changes = killed.into_proposals(context, target.table, &mut blocks)?;
    Ok(Work::Commit(Commit {
        operation: "delete",
        summary: format!("delete {}, {}", target.name, counted(rows)),
        rows,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}
