//! INSERT, and INSERT OVERWRITE, whose rows take the place of all that are there.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::ObjectId;
use frostline_catalog::schema::Column;
use frostline_catalog::transaction::{Proposal, TableTarget};

use super::Work;
use super::assign::{assign, fit_for};
use super::cell::fit_cell;
use super::create::counted;
use super::dml::begin_anew;
use super::name::own_schema;
use super::row_template::{ROWS_MAX, RowTemplate};
use crate::column::computed_type;
use crate::constraint::Checks;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::execution::fill_parameters;
use crate::parameters::Parameters;
use crate::parse;
use crate::rows::PlanRows;
use crate::session::{Commit, Session};

/// An INSERT that is planned and not run.
pub(super) struct Planned {
    /// What the query sees.
    context: Arc<Context>,
    /// The query whose rows are given, its parameters open.
    pub(super) source: LogicalPlan,
    /// The places among the table's columns that the query's are for.
    places: Vec<usize>,
    table: ObjectId,
    name: QualifiedName,
    columns: Vec<Column>,
}

impl Planned {
    /// The query whose rows are the new rows: every column of the table, in order, of its type.
    pub(super) fn rows(&self, parameters: &Parameters) -> Result<LogicalPlan, Error> {
        // A parameter has a type only when it has a value.
        let filled = fill_parameters(self.source.clone(), parameters)?;
        assign(&self.context, filled, &self.columns, &self.places)
    }
}

/// Plans an INSERT.
pub(super) async fn planned(context: &Arc<Context>, insert: &parse::Insert) -> Result<Planned, Error> {
    let name = context.qualify(&insert.table)?;
    own_schema(&name.schema)?;
    let table = context.find_table(&name, context.visible)?;
    let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
    let context = Arc::new(with_fits(context, &columns)?);
    let (source, places) = match &insert.source {
        Some(source) => plan(&context, insert, source, &name, &columns).await?,
        // DEFAULT VALUES: one row, and no column of it is named.
        None => (LogicalPlanBuilder::empty(true).build()?, Vec::new()),
    };
    Ok(Planned { context, source, places, table, name, columns })
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, insert: &parse::Insert) -> Result<Work, Error> {
    run_each(session, context, insert, std::slice::from_ref(&context.parameters)).await
}

/// Runs an INSERT for each of the parameters, as far as one commit of all the rows. Where there are several, an error
/// says which of them it is of.
pub(crate) async fn run_each(
    session: &Session,
    context: &Arc<Context>,
    insert: &parse::Insert,
    parameters: &[Parameters],
) -> Result<Work, Error> {
    session.inner().check_writes()?;
    if insert.overwrite && parameters.len() != 1 {
        return Err(Error::statement(
            "INSERT OVERWRITE takes one row of parameters: each would replace the one before",
        )
        .with_hint("INSERT takes several"));
    }
    let from = Arc::clone(context);
    let planned = planned(context, insert).await?;
    let context = &planned.context;
    let sort_by = context.state.table_at(planned.table, context.visible).map(|table| table.sort_by.clone());
    let checks = Checks::of(context, planned.table)?;
    let mut rows = PlanRows::new(context, &planned.columns, sort_by.unwrap_or_default()).with_checks(checks);
    match parameters {
        [only] => rows.write(session, context, planned.rows(only)?).await?,
        several => write_each(session, (&from, insert), &planned, several, &mut rows).await?,
    }
    let rows = rows.finish().await?;
    let count = rows.rows();
    let mut changes: Vec<Proposal> = Vec::new();
    let operation = if insert.overwrite { "insert overwrite" } else { "insert" };
    if insert.overwrite {
        changes.extend(begin_anew(context, planned.table, count)?);
    }
    if count == 0 && changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    let mut blocks = Vec::new();
    changes.extend(rows.into_proposals(TableTarget::Existing(planned.table), &mut blocks));
    Ok(Work::Commit(Commit {
        operation,
        summary: format!("{operation} {}, {}", planned.name, counted(count)),
        rows: count,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}

/// Takes the rows in that an INSERT gives for each of several rows of parameters, in their order.
///
/// They are computed together where that gives what each by itself gives. If some cannot be, fewer are tried, down to
/// one, which says what is wrong; if nothing is wrong with it, all that follow are computed by themselves.
///
/// What is no single row of VALUES is planned for each row of parameters, which may name the version that is read.
async fn write_each(
    session: &Session,
    (context, insert): (&Arc<Context>, &parse::Insert),
    planned: &Planned,
    parameters: &[Parameters],
    rows: &mut PlanRows<'_>,
) -> Result<(), Error> {
    let template = RowTemplate::of(&planned.source)?;
    let in_order = Arc::new(planned.context.in_one_partition());
    let (mut taken, mut most): (usize, usize) = (0, ROWS_MAX);
    while taken < parameters.len() {
        let (_, rest) = parameters.split_at(taken);
        let count = template.as_ref().map_or(1, |template| template.alike(rest).min(most));
        if let Some(template) = &template
            && count > 1
        {
            let (some, _) = rest.split_at(count);
            let computed = compute_together(session, &in_order, planned, template, some).await;
            let fitting = computed.and_then(|batches| rows.fitting(&batches));
            match fitting {
                Ok(fitting) => {
                    rows.take(fitting).await?;
                    taken += count;
                }
                Err(_) => most = count / 2,
            }
            continue;
        }
        if let Some(values) = rest.first() {
            let written = match &template {
                Some(_) => write_one(session, planned, values, rows).await,
                None => write_anew(session, context, insert, values, rows).await,
            };
            written.map_err(|error| error.in_row(taken + 1))?;
        }
        taken += 1;
    }
    Ok(())
}

async fn write_one(
    session: &Session,
    planned: &Planned,
    values: &Parameters,
    rows: &mut PlanRows<'_>,
) -> Result<(), Error> {
    rows.write(session, &planned.context, planned.rows(values)?).await
}

/// Plans an INSERT for its parameters, and takes its rows in.
async fn write_anew(
    session: &Session,
    context: &Arc<Context>,
    insert: &parse::Insert,
    values: &Parameters,
    rows: &mut PlanRows<'_>,
) -> Result<(), Error> {
    let own = Arc::new(context.with_parameters(values.clone()));
    let anew = planned(&own, insert).await?;
    write_one(session, &anew, values, rows).await
}

/// The rows that an INSERT gives for rows of parameters that are alike.
async fn compute_together(
    session: &Session,
    in_order: &Arc<Context>,
    planned: &Planned,
    template: &RowTemplate,
    parameters: &[Parameters],
) -> Result<Vec<RecordBatch>, Error> {
    let plan = assign(in_order, template.plan(parameters)?, &planned.columns, &planned.places)?;
    session.rows(in_order, plan).await?.into_rows()?.collect().await
}

/// The query that feeds an INSERT, its parameters open; and those parameters that stand for whole values of columns,
/// with the columns' types.
pub(crate) async fn plan_source(
    context: &Arc<Context>,
    insert: &parse::Insert,
) -> Result<(LogicalPlan, Vec<(String, DataType)>), Error> {
    let planned = planned(context, insert).await?;
    let mut types: Vec<(String, DataType)> = Vec::new();
    let body: Option<&ast::SetExpr> = insert.source.as_deref().map(|source| &*source.body);
    if let Some(ast::SetExpr::Values(values)) = body
        && !insert.by_name
    {
        for row in &values.rows {
            for (cell, place) in row.content.iter().zip(&planned.places) {
                if let ast::Expr::Value(value) = cell
                    && let ast::Value::Placeholder(name) = &value.value
                {
                    types.push((name.clone(), computed_type(&planned.columns[*place].data_type)));
                }
            }
        }
    }
    Ok((planned.source, types))
}

/// The same snapshot with a function for each column that makes a value fit it. The cells of VALUES call it, each for
/// itself, because the type that holds all cells of a column may hold none of them exactly.
pub(super) fn with_fits(context: &Context, columns: &[Column]) -> Result<Context, Error> {
    let mut own = context.with_parameters(context.parameters.clone());
    for column in columns {
        let function = Arc::new(ScalarUDF::from(fit_for(&own, column)));
        FunctionRegistry::register_udf(&mut own.base, function)?;
    }
    Ok(own)
}

/// The query whose rows are given, and the places of the columns that its own are for.
async fn plan(
    context: &Arc<Context>,
    insert: &parse::Insert,
    source: &ast::Query,
    table: &QualifiedName,
    columns: &[Column],
) -> Result<(LogicalPlan, Vec<usize>), Error> {
    let mut query = source.clone();
    if insert.by_name {
        let plan = context.plan_query(&query, context.visible, 0).await?;
        let schema = Arc::clone(plan.schema());
        let places = places(table, columns, schema.fields().iter().map(|field| field.name().as_str()))?;
        return Ok((plan, places));
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
    let plan = context.plan_query(&query, context.visible, 0).await?;
    if plan.schema().fields().len() != places.len() {
        return Err(other_count(table, places.len()));
    }
    Ok((plan, places))
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
pub(super) fn places<'a>(
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
