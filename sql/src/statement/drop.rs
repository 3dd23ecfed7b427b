//! DROP TABLE, VIEW and SCHEMA. Each statement is one commit, however many names it has.

use frostline_catalog::Relation;
use frostline_catalog::transaction::Proposal;

use super::Work;
use super::name::own_schema;
use crate::context::Context;
use crate::error::Error;
use crate::parse::DropNames;
use crate::session::Commit;

pub(super) fn tables(context: &Context, names: &DropNames) -> Result<Work, Error> {
    relations(context, names, "drop table", |relation, name| match relation {
        Relation::Table(table, _) => Ok(Proposal::DropTable { table }),
        Relation::View(..) => Err(Error::statement(format!("`{name}` is a view; DROP VIEW drops it"))),
    })
}

pub(super) fn views(context: &Context, names: &DropNames) -> Result<Work, Error> {
    relations(context, names, "drop view", |relation, name| match relation {
        Relation::View(view, _) => Ok(Proposal::DropView { view }),
        Relation::Table(..) => Err(Error::statement(format!("`{name}` is a table; DROP TABLE drops it"))),
    })
}

fn relations(
    context: &Context,
    names: &DropNames,
    operation: &'static str,
    drop: impl Fn(Relation<'_>, &str) -> Result<Proposal, Error>,
) -> Result<Work, Error> {
    let (mut changes, mut dropped) = (Vec::new(), Vec::<String>::new());
    for name in &names.names {
        let qualified = context.qualify(name)?;
        own_schema(&qualified.schema)?;
        let text = qualified.to_string();
        if dropped.contains(&text) {
            return Err(Error::statement(format!("`{text}` is named twice")));
        }
        match context.find(&qualified, context.visible) {
            Some(relation) => {
                changes.push(drop(relation, &text)?);
                dropped.push(text);
            }
            None if names.if_exists => {}
            None => return Err(context.missing(&qualified, context.visible)),
        }
    }
    if changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    Ok(Work::Commit(Commit::of(operation, format!("{operation} {}", dropped.join(", ")), changes)))
}

pub(super) fn schemas(context: &Context, names: &DropNames) -> Result<Work, Error> {
    let (mut changes, mut dropped) = (Vec::new(), Vec::<String>::new());
    for name in &names.names {
        let text = match name.0.as_slice() {
            [part] => part.as_ident().map(crate::context::fold),
            _ => None,
        };
        let text = text.ok_or_else(|| Error::statement(format!("`{name}` is no name of a schema")))?;
        own_schema(&text)?;
        if dropped.contains(&text) {
            return Err(Error::statement(format!("`{text}` is named twice")));
        }
        match context.state.schema_named(&text, context.visible) {
            Some(schema) => {
                if let Some((_, held)) = context.state.relations_at(context.visible).find(|(found, _)| *found == schema)
                {
                    return Err(Error::statement(format!("schema `{text}` still holds `{}`", held.name()))
                        .with_hint("drop what it holds first"));
                }
                changes.push(Proposal::DropSchema { schema });
                dropped.push(text);
            }
            None if names.if_exists => {}
            None => return Err(Error::statement(format!("schema `{text}` not found"))),
        }
    }
    if changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    Ok(Work::Commit(Commit::of("drop schema", format!("drop schema {}", dropped.join(", ")), changes)))
}
