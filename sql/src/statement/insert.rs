//! INSERT.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as DFStatement;
use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::Column;
use frostline_catalog::transaction::TableTarget;

use super::Work;
use super::create::{cast_by_position, counted};
use super::name::own_schema;
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::parse;
use crate::rows::write_plan;
use crate::session::{Commit, Session, fill_parameters};
use crate::target::InsertTarget;

pub(super) async fn run(session: &Session, context: &Arc<Context>, insert: &parse::Insert) -> Result<Work, Error> {
    let qualified = context.qualify(&insert.table)?;
    own_schema(&qualified.schema)?;
    let table = context.find_table(&qualified, context.visible)?;
    let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
    let plan = plan(context, insert, &qualified, &columns).await?;
    // A parameter may have another type than its column: the planner took the column's.
    let plan = cast_by_position(fill_parameters(plan, &context.parameters)?, &columns, &qualified, context.zone)?;
    let sort_by = context.state.table_at(table, context.visible).map(|table| table.sort_by.clone());
    let rows = write_plan(session, context, plan, &columns, sort_by.unwrap_or_default()).await?;
    let count = rows.rows();
    if count == 0 {
        return Ok(Work::no_change(context));
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

/// The query whose rows are the new rows: every column of the table, in order, cast to its type.
async fn plan(
    context: &Arc<Context>,
    insert: &parse::Insert,
    table: &QualifiedName,
    columns: &[Column],
) -> Result<LogicalPlan, Error> {
    let mut statement = insert.ast.as_ref().clone();
    if insert.by_name {
        let source = context.plan_query(&insert.source, context.visible, 0).await?;
        let names: Vec<ast::Ident> =
            source.schema().fields().iter().map(|field| ast::Ident::with_quote('"', field.name())).collect();
        check_names(table, columns, names.iter().map(|name| name.value.as_str()))?;
        statement.columns = names.into_iter().map(|name| ast::ObjectName::from(vec![name])).collect();
    } else {
        let names = insert.columns.iter().filter_map(|name| name.0.last()?.as_ident().map(crate::context::fold));
        let names: Vec<String> = names.collect();
        check_names(table, columns, names.iter().map(String::as_str))?;
    }
    statement.table = ast::TableObject::TableName(crate::target::target_name(table));
    let target = InsertTarget::new(&context.base, columns, context.zone)?;
    let mut state = context.planning_state(&insert.source, context.visible, 0).await?;
    let catalogs = crate::target::with_target(state.catalog_list(), table, target);
    state.register_catalog_list(catalogs);
    let statement = DFStatement::Statement(Box::new(ast::Statement::Insert(statement)));
    match state.statement_to_plan(statement).await {
        Ok(LogicalPlan::Dml(dml)) => Ok(LogicalPlan::clone(&dml.input)),
        Ok(_) => Err(Error::statement("the INSERT has no rows")),
        Err(DataFusionError::Plan(text)) if text.starts_with("Column count doesn't match insert query") => {
            let expected = if statement_columns(insert) == 0 { columns.len() } else { statement_columns(insert) };
            Err(Error::statement(format!(
                "the INSERT names {expected} columns of `{table}`, and its rows have another number"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

fn statement_columns(insert: &parse::Insert) -> usize {
    insert.columns.len()
}

fn check_names<'a>(
    table: &QualifiedName,
    columns: &[Column],
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    for name in names {
        if !columns.iter().any(|column| column.name.as_str() == name) {
            let known = columns.iter().map(|column| column.name.as_str());
            let nearest = frostline_catalog::nearest(name, known)
                .map_or_else(|| all_names(columns), |nearest| format!("did you mean `{nearest}`?"));
            return Err(Error::statement(format!("table `{table}` has no column `{name}`; {nearest}")));
        }
    }
    Ok(())
}

fn all_names(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
    format!("there are {}", names.join(", "))
}
