//! Names of things to be created or changed.

use datafusion::sql::sqlparser::ast;
use frostline_catalog::{Name, ObjectId};

use crate::context::{Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM, fold};
use crate::error::Error;

/// Where something new is to be: its schema, which is there, and its name.
pub(super) fn new_name(context: &Context, name: &ast::ObjectName) -> Result<(ObjectId, Name, QualifiedName), Error> {
    let qualified = context.qualify(name)?;
    own_schema(&qualified.schema)?;
    let schema = context
        .state
        .schema_named(&qualified.schema, context.visible)
        .ok_or_else(|| context.missing(&qualified, context.visible))?;
    Ok((schema, Name::try_new(&qualified.name)?, qualified))
}

/// Refuses the schemas that are not the user's.
pub(super) fn own_schema(schema: &str) -> Result<(), Error> {
    if schema == SYSTEM || schema == INFORMATION_SCHEMA {
        return Err(Error::statement(format!("schema `{schema}` belongs to the lake itself and cannot be changed")));
    }
    Ok(())
}

/// An identifier as a name.
pub(super) fn plain(ident: &ast::Ident) -> Result<Name, Error> {
    Ok(Name::try_new(&fold(ident))?)
}

/// Refuses a column's name that occurs twice.
pub(super) fn distinct<'a>(names: impl IntoIterator<Item = &'a Name>) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    match names.into_iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(Error::statement(format!("column `{twice}` occurs twice; give one of them another name"))),
        None => Ok(()),
    }
}
