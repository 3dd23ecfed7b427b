//! CREATE TABLE … CLONE: a table that begins with another's rows, without copying one.

use frostline_catalog::Relation;
use frostline_catalog::segment::TableVersion;
use frostline_catalog::transaction::{Proposal, TableTarget};

use super::Work;
use super::create::counted;
use super::definition::Definition;
use super::name::new_name;
use super::restore::next_field;
use crate::context::Context;
use crate::error::Error;
use crate::parse::{CreateTable, TableAt};
use crate::session::Commit;

/// Plans a clone. The new table has the source's columns with their ids, its order, options, constraints and remarks,
/// and its rows; from then on the two go their own ways.
pub(super) fn table(context: &Context, create: &CreateTable, source: &TableAt) -> Result<Work, Error> {
    let (schema, name, qualified) = new_name(context, &create.name)?;
    let mut changes: Vec<Proposal> = Vec::new();
    match context.find(&qualified, context.visible) {
        Some(_) if create.if_not_exists => return Ok(Work::no_change(context)),
        Some(Relation::View(..)) => return Err(Error::statement(format!("`{qualified}` exists already, as a view"))),
        Some(Relation::Table(table, _)) if create.or_replace => changes.push(Proposal::DropTable { table }),
        Some(Relation::Table(..)) => {
            return Err(Error::statement(format!("table `{qualified}` exists already"))
                .with_hint("CREATE OR REPLACE TABLE takes its place; its past stays readable AS OF"));
        }
        None => {}
    }
    let at = match &source.as_of {
        Some(clause) => context.resolve_version(clause)?,
        None => context.visible,
    };
    let of = context.qualify(&source.table)?;
    let table = context.find_table(&of, at)?;
    let rows = context.state.rows_at(table, at)?;
    let definition = Definition::at(&context.state, table, at).ok_or_else(|| context.missing(&of, at))?;
    changes.push(Proposal::CreateTable {
        schema,
        name,
        columns: definition.columns.into_iter().map(|placed| placed.column).collect(),
        next_field: next_field(&context.state, table),
        sort_by: definition.table.sort_by,
        options: definition.table.options,
        comment: definition.table.comment,
        constraints: definition.table.constraints,
    });
    let base = Some(TableVersion { table, version: at });
    changes.push(Proposal::BeginEpoch { table: TableTarget::Created(0), base });
    let verb = if create.or_replace { "create or replace table" } else { "create table" };
    let summary = format!("{verb} {qualified}, a clone of {of} at version {at}, {}", counted(rows));
    Ok(Work::Commit(Commit::of("clone", summary, changes)))
}
