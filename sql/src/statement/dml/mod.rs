//! Statements that change rows in place: DELETE, UPDATE, MERGE, TRUNCATE.
//!
//! ```text
//!   statement ──search──► a query over the target with its rows' places ──plan, run──► batches
//!                                                                                         │
//!            delete, update, merge: which rows die, which values are new  ◄───────────────┘
//!                                       │
//!                                       └──write──► positions of rows that die, new segments of rows
//! ```
//!
//! * The query is an ordinary one: filters reach the scan, and subqueries mean what they mean in a SELECT.
//! * No file is changed. A row that dies is a position in a segment; a row that changes dies, and is written anew with
//!   its row id.
//! * What is written fits its columns by the rules of INSERT, and is tested by the table's constraints.
//! * The target and every table named are read: another commit that changed their rows is a conflict.

mod delete;
mod merge;
mod scope;
mod search;
mod target;
mod truncate;
mod update;
mod values;
mod write;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::Column;

use super::Work;
use super::assign::assign_behind;
use crate::context::Context;
use crate::error::Error;
use crate::execution::fill_parameters;
use crate::parse::{Delete, Merge, Statement, Update};
use crate::session::Session;
use target::Target;

pub(super) use truncate::{begin_anew, run as truncate};

/// The query that finds the rows which a statement changes, planned, its parameters open.
struct Planned {
    /// What the query sees.
    context: Arc<Context>,
    target: Target,
    plan: LogicalPlan,
    /// How many of its columns say which row it is, and what becomes of it. New values are behind them.
    kept: usize,
    /// The columns that get new values: those of the target, or none.
    columns: Vec<Column>,
    /// Parameters that stand for whole values of columns, with the columns' types.
    parameters: Vec<(String, DataType)>,
}

impl Planned {
    /// Plans a query of the target.
    async fn new(
        context: Arc<Context>,
        target: Target,
        query: &ast::Query,
        kept: usize,
        columns: Vec<Column>,
    ) -> Result<Self, Error> {
        let plan = context.plan_query(query, context.visible, 0).await?;
        Ok(Self { context, target, plan, kept, columns, parameters: Vec::new() })
    }

    /// The query with the values of its parameters, whose new values are of their columns' types.
    fn rows(&self) -> Result<LogicalPlan, Error> {
        // A parameter has a type only when it has a value.
        let filled = fill_parameters(self.plan.clone(), &self.context.parameters)?;
        match self.columns.is_empty() {
            true => Ok(filled),
            false => assign_behind(&self.context, filled, &self.columns, self.kept),
        }
    }
}

pub(super) async fn delete(session: &Session, context: &Arc<Context>, delete: &Delete) -> Result<Work, Error> {
    delete::run(session, context, delete).await
}

pub(super) async fn update(session: &Session, context: &Arc<Context>, update: &Update) -> Result<Work, Error> {
    update::run(session, context, update).await
}

pub(super) async fn merge(session: &Session, context: &Arc<Context>, merge: &Merge) -> Result<Work, Error> {
    merge::run(session, context, merge).await
}

/// The query that finds the rows which a statement changes. If that is only described, its parameters are open.
pub(super) async fn plan(context: &Arc<Context>, statement: &Statement) -> Result<LogicalPlan, Error> {
    let planned = planned(context, statement).await?;
    match context.describing {
        true => Ok(planned.plan),
        false => planned.rows(),
    }
}

/// The query that finds the rows which a statement changes, its parameters open; and those parameters that stand for
/// whole values of columns, with the columns' types.
pub(crate) async fn describe(
    context: &Arc<Context>,
    statement: &Statement,
) -> Result<(LogicalPlan, Vec<(String, DataType)>), Error> {
    let planned = planned(context, statement).await?;
    Ok((planned.plan, planned.parameters))
}

async fn planned(context: &Arc<Context>, statement: &Statement) -> Result<Planned, Error> {
    match statement {
        Statement::Delete(delete) => delete::planned(context, delete).await,
        Statement::Update(update) => update::planned(context, update).await,
        Statement::Merge(merge) => Ok(merge::planned(context, merge).await?.0),
        _ => Err(Error::statement("the statement changes no rows in place")),
    }
}
