//! RESTORE: a table, a schema or the lake is again what it was, as a new version. No row is copied.

mod plan;
#[cfg(test)]
mod plan_tests;
mod steps;

use frostline_catalog::schema::Table;
use frostline_catalog::{ObjectId, Relation, Version};

use super::Work;
use super::name::own_schema;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse::{Restore, RestoreScope};
use crate::session::Commit;

pub(super) use plan::{next_field, reopened};

use plan::{RestoreError, Scope, plan_restore, tables_in};

pub(super) fn run(context: &Context, restore: &Restore) -> Result<Work, Error> {
    let to = context.resolve_version(&restore.to)?;
    let (scope, what) = match &restore.scope {
        RestoreScope::Table(name) => {
            let qualified = context.qualify(name)?;
            own_schema(&qualified.schema)?;
            (table_scope(context, &qualified, to)?, format!("table {qualified}"))
        }
        RestoreScope::Schema(name) => {
            let name = fold(name);
            own_schema(&name)?;
            (Scope::Schema(schema_of(context, &name, to)?), format!("schema {name}"))
        }
        RestoreScope::Lake => (Scope::Lake, "lake".to_owned()),
    };
    let changes = plan_restore(&context.state, scope, context.visible, to)?;
    if changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    let reads = tables_in(&context.state, scope, context.visible);
    let summary = format!("restore {what} to version {to}");
    Ok(Work::Commit(Commit { reads, ..Commit::of("restore", summary, changes) }))
}

impl From<RestoreError> for Error {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Sealed(error) => error.into(),
            taken @ RestoreError::Taken { .. } => Self::statement(taken.to_string()),
        }
    }
}

/// The table that a name means: the one that has it now, if it was there at the version, or the one that had it then.
fn table_scope(context: &Context, qualified: &QualifiedName, to: Version) -> Result<Scope, Error> {
    let then = match context.find(qualified, to) {
        Some(Relation::Table(then, table)) if may_return(context, then, table) => Some(then),
        _ => None,
    };
    match context.find(qualified, context.visible) {
        Some(Relation::View(..)) => Err(Error::statement(format!("`{qualified}` is a view, not a table"))
            .with_hint("CREATE OR REPLACE VIEW gives it another query; RESTORE SCHEMA restores views, too")),
        Some(Relation::Table(now, _)) if context.state.table_at(now, to).is_some() => Ok(Scope::Table(now)),
        Some(Relation::Table(now, _)) => match then {
            Some(then) => Ok(Scope::Replaced { now, then }),
            None => Err(not_yet("table", &qualified.to_string(), to, first_version(context, now))),
        },
        None => {
            let missing = context.missing(qualified, context.visible);
            Err(match then {
                Some(_) => Error::statement(missing.to_string())
                    .with_hint(format!("UNDROP TABLE {qualified} brings it back; then it can be restored")),
                None => missing,
            })
        }
    }
}

/// Whether a table of the past has ended, and its schema has not.
fn may_return(context: &Context, table: ObjectId, then: &Table) -> bool {
    context.state.table_at(table, context.visible).is_none()
        && context.state.schemas().at(&then.schema, context.visible).is_some()
}

fn first_version(context: &Context, table: ObjectId) -> Option<Version> {
    context.state.tables().of(&table).first().map(|fact| fact.interval.begin())
}

fn schema_of(context: &Context, name: &str, to: Version) -> Result<ObjectId, Error> {
    let Some(schema) = context.state.schema_named(name, context.visible) else {
        let error = Error::statement(format!("schema `{name}` not found"));
        return Err(match context.state.schema_named(name, to) {
            Some(_) => error.with_hint(format!("UNDROP SCHEMA {name} brings it back; then it can be restored")),
            None => error,
        });
    };
    if context.state.schemas().at(&schema, to).is_some() {
        return Ok(schema);
    }
    let first = context.state.schemas().of(&schema).first().map(|fact| fact.interval.begin());
    Err(not_yet("schema", name, to, first))
}

/// The error of a version before something existed.
fn not_yet(kind: &str, name: &str, to: Version, first: Option<Version>) -> Error {
    let range = first.map(|first| format!("; it exists from version {first} on")).unwrap_or_default();
    Error::statement(format!("{kind} `{name}` did not exist at version {to}{range}"))
}
