//! CREATE TABLE … CLONE: a table that begins with another's rows, without copying one.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use frostline_catalog::schema::Column;
use frostline_catalog::segment::TableVersion;
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{Relation, Version};

use super::Work;
use super::create::counted;
use super::definition::Definition;
use super::name::new_name;
use super::restore::next_field;
use crate::constraint::Checks;
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::parse::{CreateTable, TableAt};
use crate::rows::write_plan;
use crate::session::{Commit, Session};

/// Plans a clone. The new table has the source's columns with their ids, its order, options, constraints and remarks,
/// and its rows; from then on the two go their own ways.
///
/// No row is copied, unless the statement's own transaction changed the source: no version has these rows yet.
pub(super) async fn table(
    session: &Session,
    context: &Arc<Context>,
    create: &CreateTable,
    source: &TableAt,
) -> Result<Work, Error> {
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
    let count = context.state.rows_at(table, at)?;
    let definition = Definition::at(&context.state, table, at).ok_or_else(|| context.missing(&of, at))?;
    let columns: Vec<Column> = definition.columns.into_iter().map(|placed| placed.column).collect();
    let sort_by = definition.table.sort_by;
    changes.push(Proposal::CreateTable {
        schema,
        name,
        columns: columns.clone(),
        next_field: next_field(&context.state, table),
        sort_by: sort_by.clone(),
        options: definition.table.options,
        comment: definition.table.comment,
        constraints: definition.table.constraints,
    });
    let mut blocks = Vec::new();
    let is_pending = at > context.newest();
    let transaction = context.transaction.as_ref().filter(|_| is_pending);
    if transaction.is_some_and(|transaction| transaction.has_changed_rows(table)) {
        let checks = Checks::new(context, columns.clone(), &[])?;
        let rows = write_plan(session, context, all_rows(context, &of, at).await?, &columns, sort_by, checks).await?;
        changes.extend(rows.into_proposals(TableTarget::Created(0), &mut blocks));
    } else {
        let base = Some(TableVersion { table, version: at });
        changes.push(Proposal::BeginEpoch { table: TableTarget::Created(0), base });
    }
    let verb = if create.or_replace { "create or replace table" } else { "create table" };
    let told = context.told_version(at);
    let summary = format!("{verb} {qualified}, a clone of {of} at version {told}, {}", counted(count));
    let reads = context.tables_read();
    Ok(Work::Commit(Commit { operation: "clone", summary, rows: 0, reads, changes, blocks }))
}

/// The query of all rows that a table has.
async fn all_rows(context: &Arc<Context>, name: &QualifiedName, version: Version) -> Result<LogicalPlan, Error> {
    let found = context.relation(name, version, 0).await?;
    let provider = found.ok_or_else(|| context.missing(name, version))?;
    context.note_read(name, version);
    let reference = TableReference::partial(name.schema.as_str(), name.name.as_str());
    Ok(LogicalPlanBuilder::scan(reference, provider_as_source(provider), None)?.build()?)
}
