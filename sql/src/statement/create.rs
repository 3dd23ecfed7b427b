//! CREATE SCHEMA, TABLE and VIEW.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::{Column, Constraint, SortKey};
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{FieldId, Name, Relation};

use super::Work;
use super::assign::assign_all;
use super::name::{distinct, new_name, own_schema, plain};
use crate::column::{NewColumn, assign_ids, check_column_name, declared, from_field};
use crate::constraint::{Checks, Declarations, column_constraints};
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::execution::fill_parameters;
use crate::parse::{self, SortColumn, Statement, VersionClause, parse_one};
use crate::references::{Reference, References, references};
use crate::rows::write_plan;
use crate::session::{Commit, Session};

pub(super) fn schema(context: &Context, create: &parse::CreateSchema) -> Result<Work, Error> {
    let name = match create.name.0.as_slice() {
        [part] => part.as_ident().map(plain).transpose()?,
        _ => None,
    };
    let name = name.ok_or_else(|| Error::statement(format!("`{}` is no name of a schema", create.name)))?;
    own_schema(name.as_str())?;
    if context.state.schema_named(name.as_str(), context.visible).is_some() {
        return match create.if_not_exists {
            true => Ok(Work::no_change(context)),
            false => Err(Error::statement(format!("schema `{name}` exists already"))),
        };
    }
    let summary = format!("create schema {name}");
    Ok(Work::Commit(Commit::of("create schema", summary, vec![Proposal::CreateSchema { name }])))
}

pub(super) async fn table(
    session: &Session,
    context: &Arc<Context>,
    create: &parse::CreateTable,
) -> Result<Work, Error> {
    if let Some(source) = &create.clone_of {
        return super::cloned::table(session, context, create, source).await;
    }
    let (schema, name, qualified) = new_name(context, &create.name)?;
    let existing = context.find(&qualified, context.visible);
    let mut changes = Vec::new();
    match existing {
        Some(_) if create.if_not_exists => return Ok(Work::no_change(context)),
        Some(Relation::View(..)) => return Err(Error::statement(format!("`{qualified}` exists already, as a view"))),
        Some(Relation::Table(table, _)) if create.or_replace => changes.push(Proposal::DropTable { table }),
        Some(Relation::Table(..)) => {
            return Err(Error::statement(format!("table `{qualified}` exists already"))
                .with_hint("CREATE OR REPLACE TABLE takes its place; its past stays readable AS OF"));
        }
        None => {}
    }
    let plan = match &create.query {
        Some(query) => {
            Some(fill_parameters(context.plan_query(query, context.visible, 0).await?, &context.parameters)?)
        }
        None => None,
    };
    let (mut sort_by_like, mut constraints_like) = (Vec::new(), Vec::new());
    let new: Vec<NewColumn> = if let Some(like) = &create.like {
        let source = context.qualify(like)?;
        let table = context.find_table(&source, context.visible)?;
        let columns = context.state.columns_at(table, context.visible);
        let definition = context.state.table_at(table, context.visible);
        sort_by_like = definition.map(|table| sorted_names(&columns, &table.sort_by)).unwrap_or_default();
        constraints_like = definition.map(|table| constrained_names(&columns, &table.constraints)).unwrap_or_default();
        columns.into_iter().map(NewColumn::like).collect()
    } else if create.columns.is_empty() {
        let plan = plan.as_ref().ok_or_else(|| Error::statement(format!("table `{qualified}` has no column")))?;
        let fields = plan.schema().fields();
        fields.iter().map(|field| from_field(field)).collect::<Result<_, _>>()?
    } else {
        create.columns.iter().map(|column| declared(&context.base, column)).collect::<Result<_, _>>()?
    };
    if new.is_empty() {
        return Err(Error::statement(format!("table `{qualified}` has no column")));
    }
    // One like an old table's may be called as none is now.
    new.iter().try_for_each(|column| check_column_name(&column.name))?;
    distinct(new.iter().map(|column| &column.name))?;
    let (mut columns, next_field) = assign_ids(new, FieldId::FIRST);
    let like = constraints_like.into_iter().map(|(names, constraint)| with_fields(&columns, &names, constraint));
    let mut declarations = Declarations::new(context, &qualified.name, like.collect());
    for declared in create.columns.iter().flat_map(column_constraints) {
        declarations.add(&mut columns, &declared)?;
    }
    for declared in &create.constraints {
        declarations.add(&mut columns, declared)?;
    }
    let constraints = declarations.finish();
    let checks = Checks::new(context, columns.clone(), &constraints)?;
    let sort_by = match create.sort_by.is_empty() {
        true => sort_by_like.into_iter().filter_map(|(name, key)| with_field(&columns, &name, key)).collect(),
        false => sort_keys(&columns, &create.sort_by)?,
    };
    changes.push(Proposal::CreateTable {
        schema,
        name,
        columns: columns.clone(),
        next_field,
        sort_by: sort_by.clone(),
        options: table_options(&create.options)?,
        comment: create.comment.clone(),
        constraints,
    });
    let verb = if create.or_replace { "create or replace table" } else { "create table" };
    let Some(plan) = plan else {
        return Ok(Work::Commit(Commit::of("create table", format!("{verb} {qualified}"), changes)));
    };
    let plan = if create.columns.is_empty() { plan } else { assign_all(context, plan, &columns, &qualified)? };
    let rows = write_plan(session, context, plan, &columns, sort_by, checks).await?;
    let count = rows.rows();
    let mut blocks = Vec::new();
    changes.extend(rows.into_proposals(TableTarget::Created(0), &mut blocks));
    Ok(Work::Commit(Commit {
        operation: "create table",
        summary: format!("{verb} {qualified}, {}", counted(count)),
        rows: count,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}

/// `1 row`, `3 rows`.
pub(crate) fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn sorted_names(columns: &[&Column], keys: &[SortKey]) -> Vec<(Name, SortKey)> {
    let name = |key: &SortKey| columns.iter().find(|column| column.id == key.field).map(|column| column.name.clone());
    keys.iter().filter_map(|key| Some((name(key)?, *key))).collect()
}

fn with_field(columns: &[Column], name: &Name, key: SortKey) -> Option<SortKey> {
    let column = columns.iter().find(|column| column.name == *name)?;
    Some(SortKey { field: column.id, ..key })
}

/// Constraints, and the names of the columns that keys are of.
fn constrained_names(columns: &[&Column], constraints: &[Constraint]) -> Vec<(Vec<Name>, Constraint)> {
    let names = |constraint: &Constraint| match constraint {
        Constraint::Check { .. } => Vec::new(),
        Constraint::Key { columns: key, .. } => key
            .iter()
            .filter_map(|field| columns.iter().find(|column| column.id == *field))
            .map(|column| column.name.clone())
            .collect(),
    };
    constraints.iter().map(|constraint| (names(constraint), constraint.clone())).collect()
}

/// A constraint whose key is of the columns with these names.
fn with_fields(columns: &[Column], names: &[Name], constraint: Constraint) -> Constraint {
    match constraint {
        Constraint::Key { name, primary, .. } => {
            let field = |name: &Name| columns.iter().find(|column| column.name == *name).map(|column| column.id);
            Constraint::Key { name, columns: names.iter().filter_map(field).collect(), primary }
        }
        check => check,
    }
}

pub(super) fn sort_keys(columns: &[Column], sort_by: &[SortColumn]) -> Result<Vec<SortKey>, Error> {
    sort_by
        .iter()
        .map(|sort| {
            let name = crate::context::fold(&sort.name);
            let column = columns.iter().find(|column| column.name.as_str() == name).ok_or_else(|| {
                Error::statement(format!("SORT BY names column `{name}`, which the table does not have"))
            })?;
            if column.data_type.is_nested() {
                return Err(Error::statement(format!("SORT BY column `{name}` has a nested type, which has no order")));
            }
            Ok(SortKey {
                field: column.id,
                descending: sort.descending,
                nulls_first: sort.nulls_first.unwrap_or(sort.descending),
            })
        })
        .collect()
}

/// The options of a table. Keys with a period in them are the user's own, and mean nothing here; others would have to
/// mean something, and none does yet.
pub(super) fn table_options(options: &[(String, String)]) -> Result<Vec<(String, String)>, Error> {
    match options.iter().find(|(key, _)| !key.contains('.')) {
        None => Ok(options.to_vec()),
        Some((key, _)) => Err(Error::statement(format!("table option `{key}` does not exist")).with_hint(
            "a table's rows are sorted by SORT BY (…) behind its columns; COMMENT = '…' remarks on it; an option of \
             your own has a period in its name, as in `team.owner`",
        )),
    }
}

pub(super) async fn view(context: &Arc<Context>, create: &parse::CreateView) -> Result<Work, Error> {
    let (schema, name, qualified) = new_name(context, &create.name)?;
    let mut changes = Vec::new();
    match context.find(&qualified, context.visible) {
        Some(_) if create.if_not_exists => return Ok(Work::no_change(context)),
        Some(Relation::Table(..)) => return Err(Error::statement(format!("`{qualified}` exists already, as a table"))),
        Some(Relation::View(view, _)) if create.or_replace => changes.push(Proposal::DropView { view }),
        Some(Relation::View(..)) => {
            return Err(Error::statement(format!("view `{qualified}` exists already"))
                .with_hint("CREATE OR REPLACE VIEW takes its place; its past stays readable AS OF"));
        }
        None => {}
    }
    check_view_text(context, &create.query_text, &qualified)?;
    let plan = context.plan_query(&create.query, context.visible, 1).await?;
    if let Some((parameter, _)) = plan.get_parameter_types()?.into_iter().next() {
        return Err(Error::statement(format!("a view's text cannot hold the parameter `{parameter}`")));
    }
    let columns: Vec<Name> = create.columns.iter().map(plain).collect::<Result<_, _>>()?;
    let found = plan.schema().fields().len();
    if found == 0 {
        return Err(Error::statement(format!("view `{qualified}` has no column")));
    }
    if !columns.is_empty() && columns.len() != found {
        let named = columns.len();
        return Err(Error::statement(format!(
            "view `{qualified}` names {named} columns, and its query yields {found}"
        )));
    }
    match columns.is_empty() {
        true => {
            let names: Result<Vec<Name>, _> =
                plan.schema().fields().iter().map(|field| Name::try_new(field.name())).collect();
            distinct(&names?)?;
        }
        false => distinct(&columns)?,
    }
    let verb = if changes.is_empty() { "create view" } else { "create or replace view" };
    let query = create.query_text.clone();
    changes.push(Proposal::CreateView { schema, name, columns, query, comment: None });
    Ok(Work::Commit(Commit::of("create view", format!("{verb} {qualified}"), changes)))
}

/// A view must not rest on itself, nor on files of one machine. Its names without a schema are those of its own schema,
/// whoever reads it; they must be meant so.
fn check_view_text(context: &Context, text: &str, view: &QualifiedName) -> Result<(), Error> {
    for reference in relations_of(text)? {
        match &reference {
            Reference::Plain(name) | Reference::At { name, .. } => {
                if name.0.len() == 1 && view.schema != context.schema {
                    return Err(Error::statement(format!(
                        "view `{view}` names `{name}` without a schema; write `{}.{name}` or `{}.{name}`",
                        context.schema, view.schema
                    )));
                }
            }
            Reference::Target { .. } => {}
            Reference::File { .. } | Reference::ReadFunction { .. } => {
                return Err(Error::statement("a view cannot rest on a file: import it into a table first"));
            }
            // What these name is looked up when the view is read.
            Reference::ChangeFunction { .. } => {}
        }
    }
    check_no_cycle(context, text, view)
}

/// Follows the views that a view's text names, and those that their texts name.
fn check_no_cycle(context: &Context, text: &str, view: &QualifiedName) -> Result<(), Error> {
    let mut seen: HashSet<QualifiedName> = HashSet::new();
    // Texts to look through, each with the schema of its bare names and the first view on the way to it.
    let mut open: Vec<(String, String, Option<QualifiedName>)> = vec![(text.to_owned(), view.schema.clone(), None)];
    while let Some((text, schema, through)) = open.pop() {
        for reference in relations_of(&text)? {
            let name = match &reference {
                Reference::Plain(name) => name,
                Reference::At { name, clause, .. } if !names_a_fixed_past(clause) => name,
                _ => continue,
            };
            let found = Context::qualify_in(&schema, name)?;
            if found == *view {
                let error = Error::statement(format!("view `{view}` cannot rest on itself"));
                return Err(match through {
                    Some(through) => error.with_hint(format!("it would, through `{through}`")),
                    None => error,
                });
            }
            if let Some(Relation::View(_, next)) = context.find(&found, context.visible)
                && seen.insert(found.clone())
            {
                let through = through.clone().unwrap_or_else(|| found.clone());
                open.push((next.query.clone(), found.schema, Some(through)));
            }
        }
    }
    Ok(())
}

/// What a view's text names, without the names of its recursive queries.
fn relations_of(text: &str) -> Result<Vec<Reference>, Error> {
    let Statement::Query(query) = parse_one(text)?.statement else {
        return Err(Error::statement("a view's text is one query"));
    };
    let found: References = references(&query)?;
    let mut relations = found.relations.clone();
    relations.retain(|reference| !matches!(reference, Reference::Plain(name) if found.may_be_recursive(name)));
    Ok(relations)
}

/// Whether a clause always asks for the same version, which is older than whatever is created now.
fn names_a_fixed_past(clause: &VersionClause) -> bool {
    match clause {
        VersionClause::Version(expr) | VersionClause::Timestamp(expr) => matches!(expr, ast::Expr::Value(_)),
        VersionClause::Tag(_) | VersionClause::Branch(_) | VersionClause::Auto(_) => false,
    }
}
