//! Tables that take batches as they come: created, replaced or appended to.

use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::transaction::Proposal;
use frostline_catalog::{FieldId, Relation};

use super::append::Append;
use super::name::{distinct, new_name};
use crate::column::{NewColumn, assign_ids, from_field};
use crate::context::Context;
use crate::error::Error;

/// Where batches go.
///
/// Names are taken as they are, not as SQL folds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// The table's schema; `None` for the session's.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// What happens if there is no such table.
    pub if_missing: IfMissing,
    /// What happens if there is one.
    pub if_exists: IfExists,
}

/// What happens to batches for a table that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It is created with the batches' columns.
    Create,
    /// That is an error.
    Fail,
}

/// What happens to batches for a table that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// They go behind its rows.
    Append,
    /// A new table takes its place; its past stays readable.
    Replace,
    /// That is an error.
    Fail,
}

/// Gets a table ready for batches with these columns.
pub(crate) fn begin(context: &Context, ingest: &Ingest, columns: &SchemaRef) -> Result<Append, Error> {
    let schema = ingest.schema.as_deref().unwrap_or(&context.schema);
    let quoted = |name: &str| ast::Ident::with_quote('"', name);
    let object = ast::ObjectName::from(vec![quoted(schema), quoted(&ingest.table)]);
    let (schema, name, qualified) = new_name(context, &object)?;
    let mut changes = Vec::new();
    match (context.find(&qualified, context.visible), ingest.if_exists, ingest.if_missing) {
        (Some(Relation::View(..)), ..) => {
            return Err(Error::statement(format!("`{qualified}` is a view, not a table")));
        }
        (Some(Relation::Table(table, _)), IfExists::Append, _) => {
            let append = Append::to_existing(context, qualified, table)?;
            append.check(columns)?;
            return Ok(append);
        }
        (Some(Relation::Table(table, _)), IfExists::Replace, _) => changes.push(Proposal::DropTable { table }),
        (Some(Relation::Table(..)), IfExists::Fail, _) => {
            return Err(Error::statement(format!("table `{qualified}` exists already"))
                .with_hint("append to it, or replace it; its past stays readable AS OF"));
        }
        (None, _, IfMissing::Fail) => return Err(context.missing(&qualified, context.visible)),
        (None, _, IfMissing::Create) => {}
    }
    if columns.fields().is_empty() {
        return Err(Error::statement(format!("table `{qualified}` has no column")));
    }
    let column = |field: &FieldRef| Ok(NewColumn { nullable: field.is_nullable(), ..from_field(field)? });
    let new: Vec<NewColumn> = columns.fields().iter().map(column).collect::<Result<_, Error>>()?;
    distinct(new.iter().map(|column| &column.name))?;
    let (columns, next_field) = assign_ids(new, FieldId::FIRST);
    changes.push(Proposal::CreateTable {
        schema,
        name,
        columns: columns.clone(),
        next_field,
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    });
    Append::to_created(context, qualified, changes, columns)
}
