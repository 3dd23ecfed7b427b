//! INSERT.

use std::sync::Arc;

use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::ObjectId;
use frostline_catalog::schema::Column;
use frostline_catalog::transaction::TableTarget;

use super::Work;
use super::assign::{assign, fit_for};
use super::cell::fit_cell;
use super::create::counted;
use super::name::own_schema;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse;
use crate::rows::write_plan;
use crate::session::{Commit, Session, fill_parameters};

/// An INSERT that is planned and not run.
pub(super) struct Planned {
    /// What the query sees.
    context: Arc<Context>,
    /// The query whose rows are the new rows, its parameters filled in.
    pub(super) plan: LogicalPlan,
    table: ObjectId,
    name: QualifiedName,
    columns: Vec<Column>,
}

/// Plans an INSERT.
pub(super) async fn planned(context: &Arc<Context>, insert: &parse::Insert) -> Result<Planned, Error> {
    let name = context.qualify(&insert.table)?;
    own_schema(&name.schema)?;
    let table = context.find_table(&name, context.visible)?;
    let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
    let context = Arc::new(with_fits(context, &columns)?);
    let plan = match &insert.source {
        Some(source) => plan(&context, insert, source, &name, &columns).await?,
        // DEFAULT VALUES: one row, and no column of it is named.
        None => assign(&context, LogicalPlanBuilder::empty(true).build()?, &columns, &[])?,
    };
    Ok(Planned { context, plan, table, name, columns })
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, insert: &parse::Insert) -> Result<Work, Error> {
    let Planned { context, plan, table, name: qualified, columns } = planned(context, insert).await?;
    let sort_by = context.state.table_at(table, context.visible).map(|table| table.sort_by.clone());
    let rows = write_plan(session, &context, plan, &columns, sort_by.unwrap_or_default()).await?;
    let count = rows.rows();
    if count == 0 {
        return Ok(Work::no_change(&context));
    }
    let mut blocks = Vec::new();
    let changes = rows.into_proposals(TableTarget::Existing(table), &mut blocks);
    Ok(Work::Commit(Commit {
        operation: "insert",
        summary: format!("insert {qualified}, {}", counted(count)),
        rows: count,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}

/// The same snapshot with a function for each column that makes a value fit it. The cells of VALUES call it, each for
/// itself, because the type that holds all cells of a column may hold none of them exactly.
fn with_fits(context: &Context, columns: &[Column]) -> Result<Context, Error> {
    let mut own = context.with_parameters(context.parameters.clone());
    for column in columns {
        let function = Arc::new(ScalarUDF::from(fit_for(&own, column)));
        FunctionRegistry::register_udf(&mut own.base, function)?;
    }
    Ok(own)
}

/// The query whose rows are the new rows: every column of the table, in order, of its type.
async fn plan(
    context: &Arc<Context>,
    insert: &parse::Insert,
    source: &ast::Query,
    table: &QualifiedName,
    columns: &[Column],
) -> Result<LogicalPlan, Error> {
    let mut query = source.clone();
    if insert.by_name {
        let plan = fill_parameters(context.plan_query(&query, context.visible, 0).await?, &context.parameters)?;
        let schema = Arc::clone(plan.schema());
        let places = places(table, columns, schema.fields().iter().map(|field| field.name().as_str()))?;
        return assign(context, plan, columns, &places);
    }
    let places: Vec<usize> = match insert.columns.is_empty() {
        true => (0..columns.len()).collect(),
        false => {
            let names: Vec<String> = insert.columns.iter().map(column_name).collect::<Result<_, _>>()?;
            places(table, columns, names.iter().map(String::as_str))?
        }
    };
    if let ast::SetExpr::Values(values) = query.body.as_mut() {
        for row in &mut values.rows {
            if row.content.len() != places.len() {
                return Err(other_count(table, places.len()));
            }
            for (cell, place) in row.content.iter_mut().zip(&places) {
                fit_cell(cell, &columns[*place])?;
            }
        }
    }
    let plan = fill_parameters(context.plan_query(&query, context.visible, 0).await?, &context.parameters)?;
    if plan.schema().fields().len() != places.len() {
        return Err(other_count(table, places.len()));
    }
    assign(context, plan, columns, &places)
}

fn column_name(name: &ast::ObjectName) -> Result<String, Error> {
    let column = match name.0.as_slice() {
        [part] => part.as_ident().map(fold),
        _ => None,
    };
    column.ok_or_else(|| Error::statement(format!("`{name}` is no column's name; write it without the table's")))
}

fn other_count(table: &QualifiedName, expected: usize) -> Error {
    Error::statement(format!("the INSERT names {expected} columns of `{table}`, and its rows have another number"))
}

/// The places of columns that are named.
fn places<'a>(
    table: &QualifiedName,
    columns: &[Column],
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<usize>, Error> {
    let mut places: Vec<usize> = Vec::new();
    for name in names {
        let Some(place) = columns.iter().position(|column| column.name.as_str() == name) else {
            let known = columns.iter().map(|column| column.name.as_str());
            let nearest = frostline_catalog::nearest(name, known)
                .map_or_else(|| all_names(columns), |nearest| format!("did you mean `{nearest}`?"));
            return Err(Error::statement(format!("table `{table}` has no column `{name}`; {nearest}")));
        };
        if places.contains(&place) {
            return Err(Error::statement(format!("column `{name}` is named twice")));
        }
        places.push(place);
    }
    Ok(places)
}

fn all_names(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
    format!("there are {}", names.join(", "))
}
