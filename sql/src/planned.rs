//! A statement that gives rows, planned on one version, to be run as often as one likes.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use frostline_catalog::Version;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::answer::Rows;
use crate::context::Context;
use crate::description::StatementKind;
use crate::error::Error;
use crate::execution::{execute, fill_parameters};
use crate::files::check_local_files;
use crate::parameters::Parameters;
use crate::parse::{Parsed, Statement};
use crate::planning::zone::yield_utc;
use crate::result_names::ResultNames;
use crate::session::{Purpose, Session};
use crate::statement::{self, Work};

/// A statement that gives rows, planned.
///
/// * Every run reads the version, the settings and the values of parameters that it was planned with.
/// * Dropping it forgets it; it holds no rows, but keeps the lake's state of its time in memory.
#[derive(Clone, Debug)]
pub struct Planned {
    session: Session,
    context: Arc<Context>,
    work: PlannedWork,
    columns: SchemaRef,
}

/// What is left to be done.
#[derive(Clone, Debug)]
enum PlannedWork {
    /// A query, analysed and optimised, its parameters filled in; and what the user calls its columns.
    Query(Box<LogicalPlan>, ResultNames),
    /// What is not planned as a query: EXPLAIN, SHOW, DESCRIBE, SUMMARIZE.
    Other(Box<Parsed>),
}

impl Session {
    /// Plans a statement that gives rows, on the version that the session sees now.
    ///
    /// # Errors
    /// Those that planning meets, or if the statement gives no rows. In a transaction, they abort it.
    pub async fn plan(&self, statement: &Parsed, parameters: &Parameters) -> Result<Planned, Error> {
        let open = self.open_transaction();
        let attempt = open.as_ref().map(|transaction| transaction.attempt());
        let context = self.make_context(parameters, Purpose::Run, open.as_ref()).await?;
        let planned = self.plan_in(context, statement).await?;
        planned.context.tell_reads();
        if let Some(attempt) = attempt {
            attempt.succeeded();
        }
        Ok(planned)
    }

    fn plan_in<'a>(&'a self, context: Arc<Context>, statement: &'a Parsed) -> BoxFuture<'a, Result<Planned, Error>> {
        async move {
            if self.kind(&statement.statement)? != StatementKind::Rows {
                return Err(Error::statement("the statement gives no rows"));
            }
            let (work, columns) = match &statement.statement {
                Statement::Query(query) => {
                    let (plan, names) = context.plan_result(query).await?;
                    let filled = fill_parameters(plan, &context.parameters)?;
                    let plan = context.base.optimize(&yield_utc(filled, context.zone.label().as_ref())?)?;
                    let columns = names.columns(&Arc::new(plan.schema().as_arrow().clone()));
                    (PlannedWork::Query(Box::new(plan), names), columns)
                }
                Statement::Execute(execute) => {
                    let (with_values, prepared) = statement::with_values(self, &context, execute)?;
                    return self.plan_in(with_values, &prepared).await;
                }
                Statement::Explain(explain) => {
                    let plan = statement::plan_explain(&context, explain).await?;
                    let columns = Arc::new(fill_parameters(plan, &context.parameters)?.schema().as_arrow().clone());
                    (PlannedWork::Other(Box::new(statement.clone())), columns)
                }
                _ => {
                    if let Statement::CopyTo(_) = &statement.statement {
                        check_local_files(&context)?;
                    }
                    let columns = self.assembled_columns(&context, statement).await?;
                    let columns = columns.ok_or_else(|| Error::statement("the statement gives no rows"))?;
                    (PlannedWork::Other(Box::new(statement.clone())), columns)
                }
            };
            Ok(Planned { session: self.clone(), context, work, columns })
        }
        .boxed()
    }
}

impl Planned {
    /// The version that every run reads: that of every table where it is one, else the one that the statement sees.
    pub fn version(&self) -> Version {
        match &self.work {
            PlannedWork::Query(..) => self.context.version_read(),
            PlannedWork::Other(_) => self.context.told_version(self.context.visible),
        }
    }

    /// The columns of the rows, as the statement promises them. The rows themselves may come with other nullability.
    pub fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    /// Starts a run.
    ///
    /// # Errors
    /// Those of the statement's execution that show before the first row.
    pub async fn run(&self) -> Result<Rows, Error> {
        let attempt = self.context.transaction.as_ref().map(|transaction| transaction.attempt());
        let rows = match &self.work {
            PlannedWork::Query(plan, names) => {
                let state = &self.context.base;
                let physical = state.query_planner().create_physical_plan(plan, state).await?;
                names.give(execute(&self.context, physical)?)
            }
            PlannedWork::Other(statement) => match statement::run(&self.session, &self.context, statement).await? {
                Work::Answer(answer) => answer.into_rows()?,
                Work::Commit(_) => return Err(Error::statement("the statement gives no rows")),
            },
        };
        self.context.tell_reads();
        if let Some(attempt) = attempt {
            attempt.succeeded();
        }
        Ok(self.context.told_rows(rows))
    }

    /// The same statement on the same snapshot, planned with other values for its parameters.
    ///
    /// # Errors
    /// See [`Session::plan`].
    pub async fn with_parameters(&self, statement: &Parsed, parameters: &Parameters) -> Result<Self, Error> {
        let mut context = self.context.with_parameters(parameters.clone());
        // What one of them names, another need not.
        context.versions = Arc::default();
        let attempt = context.transaction.as_ref().map(|transaction| transaction.attempt());
        let planned = self.session.plan_in(Arc::new(context), statement).await?;
        planned.context.tell_reads();
        if let Some(attempt) = attempt {
            attempt.succeeded();
        }
        Ok(planned)
    }
}
