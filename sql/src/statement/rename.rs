//! ALTER SCHEMA and ALTER VIEW: new names and places.

use datafusion::sql::sqlparser::ast;
use frostline_catalog::io::DEFAULT_SCHEMA;
use frostline_catalog::schema::View;
use frostline_catalog::transaction::Proposal;
use frostline_catalog::{Name, ObjectId, Relation};

use super::Work;
use super::name::{own_schema, plain};
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse::{AlterSchema, AlterView, ViewChange};
use crate::session::Commit;

pub(super) fn schema(context: &Context, alter: &AlterSchema) -> Result<Work, Error> {
    let (old, new) = (fold(&alter.name), plain(&alter.rename_to)?);
    own_schema(&old)?;
    own_schema(new.as_str())?;
    let Some(schema) = context.state.schema_named(&old, context.visible) else {
        return match alter.if_exists {
            true => Ok(Work::no_change(context)),
            false => Err(Error::statement(format!("schema `{old}` not found"))),
        };
    };
    if new.as_str() == old {
        return Ok(Work::no_change(context));
    }
    if old == DEFAULT_SCHEMA {
        let message = format!("schema `{old}` keeps its name: names without a schema are looked for there");
        return Err(
            Error::statement(message).with_hint("make another schema, and move tables with ALTER TABLE … SET SCHEMA")
        );
    }
    if context.state.schema_named(new.as_str(), context.visible).is_some() {
        return Err(Error::statement(format!("schema `{new}` exists already")));
    }
    let summary = format!("alter schema {old}, now {new}");
    Ok(Work::Commit(Commit::of("alter schema", summary, vec![Proposal::SetSchema { schema, name: new }])))
}

pub(super) fn view(context: &Context, alter: &AlterView) -> Result<Work, Error> {
    let qualified = context.qualify(&alter.name)?;
    own_schema(&qualified.schema)?;
    let (view, definition) = match context.find(&qualified, context.visible) {
        Some(Relation::View(view, definition)) => (view, definition.clone()),
        Some(Relation::Table(..)) => {
            return Err(Error::statement(format!("`{qualified}` is a table; ALTER TABLE changes it")));
        }
        None if alter.if_exists => return Ok(Work::no_change(context)),
        None => return Err(context.missing(&qualified, context.visible)),
    };
    let place = match &alter.change {
        ViewChange::Rename(name) => renamed(context, &qualified, name)?,
        ViewChange::SetSchema(schema) => in_schema(context, &qualified, schema)?,
    };
    let Some((schema, name, target)) = place else { return Ok(Work::no_change(context)) };
    let definition = View { schema, name, ..definition };
    let summary = format!("alter view {qualified}, now {target}");
    Ok(Work::Commit(Commit::of("alter view", summary, vec![Proposal::SetView { view, definition }])))
}

/// Where a table or view is to be, if not where it is: its schema, its name, and both for people.
pub(super) type NewPlace = Option<(ObjectId, Name, QualifiedName)>;

/// The place that RENAME TO gives. A name without a schema stays in the schema.
pub(super) fn renamed(context: &Context, old: &QualifiedName, name: &ast::ObjectName) -> Result<NewPlace, Error> {
    let target = Context::qualify_in(&old.schema, name)?;
    free_place(context, old, target)
}

/// The place that SET SCHEMA gives.
pub(super) fn in_schema(context: &Context, old: &QualifiedName, schema: &ast::Ident) -> Result<NewPlace, Error> {
    free_place(context, old, QualifiedName { schema: fold(schema), name: old.name.clone() })
}

fn free_place(context: &Context, old: &QualifiedName, target: QualifiedName) -> Result<NewPlace, Error> {
    if target == *old {
        return Ok(None);
    }
    own_schema(&target.schema)?;
    let Some(schema) = context.state.schema_named(&target.schema, context.visible) else {
        return Err(context.missing(&target, context.visible));
    };
    match context.find(&target, context.visible) {
        Some(Relation::Table(..)) => Err(Error::statement(format!("table `{target}` exists already"))),
        Some(Relation::View(..)) => Err(Error::statement(format!("view `{target}` exists already"))),
        None => Ok(Some((schema, Name::try_new(&target.name)?, target))),
    }
}
