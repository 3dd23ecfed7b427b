//! COMMENT ON: remarks for people.

use datafusion::sql::sqlparser::ast;
use frostline_catalog::Relation;
use frostline_catalog::schema::{Table, View};
use frostline_catalog::transaction::Proposal;

use super::Work;
use super::definition::Definition;
use super::name::own_schema;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse::{Comment, CommentSubject};
use crate::session::Commit;

pub(super) fn run(context: &Context, comment: &Comment) -> Result<Work, Error> {
    let (changes, what) = match &comment.subject {
        CommentSubject::Table(name) => {
            let qualified = own(context, name)?;
            let table = context.find_table(&qualified, context.visible)?;
            let now = Definition::at(&context.state, table, context.visible);
            let now = now.ok_or_else(|| context.missing(&qualified, context.visible))?;
            let definition = Table { comment: comment.text.clone(), ..now.table.clone() };
            let then = Definition { table: definition, columns: now.columns.clone() };
            (now.changes_to(table, &then), format!("table {qualified}"))
        }
        CommentSubject::View(name) => {
            let qualified = own(context, name)?;
            match context.find(&qualified, context.visible) {
                Some(Relation::View(_, view)) if view.comment == comment.text => (Vec::new(), String::new()),
                Some(Relation::View(id, view)) => {
                    let definition = View { comment: comment.text.clone(), ..view.clone() };
                    (vec![Proposal::SetView { view: id, definition }], format!("view {qualified}"))
                }
                Some(Relation::Table(..)) => {
                    return Err(Error::statement(format!("`{qualified}` is a table; COMMENT ON TABLE remarks on it")));
                }
                None => return Err(context.missing(&qualified, context.visible)),
            }
        }
        CommentSubject::Column(name) => column(context, name, comment.text.as_ref())?,
    };
    if changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    Ok(Work::Commit(Commit::of("comment", format!("comment on {what}"), changes)))
}

fn own(context: &Context, name: &ast::ObjectName) -> Result<QualifiedName, Error> {
    let qualified = context.qualify(name)?;
    own_schema(&qualified.schema)?;
    Ok(qualified)
}

fn column(context: &Context, name: &ast::ObjectName, text: Option<&String>) -> Result<(Vec<Proposal>, String), Error> {
    let (table, column) = match name.0.split_last() {
        Some((column, table)) if !table.is_empty() => (ast::ObjectName(table.to_vec()), column.as_ident().map(fold)),
        _ => return Err(Error::statement(format!("`{name}` names no column; write `table.column`"))),
    };
    let column = column.ok_or_else(|| Error::statement(format!("`{name}` names no column; write `table.column`")))?;
    let qualified = own(context, &table)?;
    let id = context.find_table(&qualified, context.visible)?;
    let now = Definition::at(&context.state, id, context.visible);
    let now = now.ok_or_else(|| context.missing(&qualified, context.visible))?;
    let mut then = now.clone();
    let Some(placed) = then.columns.iter_mut().find(|placed| placed.column.name.as_str() == column) else {
        let known = now.columns.iter().map(|placed| placed.column.name.as_str());
        let nearest = frostline_catalog::nearest(&column, known);
        let nearest = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
        return Err(Error::statement(format!("table `{qualified}` has no column `{column}`{nearest}")));
    };
    placed.column.comment = text.cloned();
    Ok((now.changes_to(id, &then), format!("column {column} of {qualified}")))
}
