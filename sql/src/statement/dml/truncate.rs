//! TRUNCATE: a table begins anew, however many segments it has.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast;
use frostline_catalog::ObjectId;
use frostline_catalog::transaction::{Proposal, TableTarget};

use super::super::Work;
use super::super::create::counted;
use super::super::name::own_schema;
use crate::context::Context;
use crate::error::Error;
use crate::session::Commit;

pub(in crate::statement) fn run(context: &Arc<Context>, table: &ast::ObjectName) -> Result<Work, Error> {
    let name = context.qualify(table)?;
    own_schema(&name.schema)?;
    let table = context.find_table(&name, context.visible)?;
    let rows = context.state.rows_at(table, context.visible)?;
    let Some(change) = begin_anew(context, table, 0)? else { return Ok(Work::no_change(context)) };
    let summary = format!("truncate {name}, {}", counted(rows));
    Ok(Work::Commit(Commit { rows, ..Commit::of("truncate", summary, vec![change]) }))
}

/// The change that takes all rows of a table away before so many others come; `None` where there are neither.
pub(in crate::statement) fn begin_anew(
    context: &Context,
    table: ObjectId,
    coming: u64,
) -> Result<Option<Proposal>, Error> {
    let there = context.state.rows_at(table, context.visible)?;
    let change = Proposal::BeginEpoch { table: TableTarget::Existing(table), base: None };
    Ok((there > 0 || coming > 0).then_some(change))
}
