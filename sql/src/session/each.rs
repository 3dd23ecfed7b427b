//! A statement that changes rows in place, run once for each of many rows of parameters, as one change.
//!
//! ```text
//!   state ──row 1──► what it proposes ──row 2──► what both propose ──► …  ──► one commit, or part of a transaction
//! ```

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::ObjectName;

use super::folded::folded;
use super::pinned::Told;
use super::together::{Together, together};
use super::transaction::Modes;
use super::{OpenTransaction, Session};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::parameters::Parameters;
use crate::parse::{Parsed, Statement};
use crate::statement::{self, Work, counted};

/// The table that a statement changes, if it is one that changes rows in place.
pub(super) fn changed_table(statement: &Statement) -> Option<&ObjectName> {
    match statement {
        Statement::Update(update) => Some(&update.target.name),
        Statement::Delete(delete) => Some(&delete.target.name),
        Statement::Merge(merge) => Some(&merge.target.name),
        _ => None,
    }
}

/// What a statement that changes rows of a table comes to, run for each row of parameters after the one before.
///
/// * Each sees what those before it did; all see the lake, and the time, that the first one sees.
/// * In a transaction that is open, all is part of that; else it is one commit. Without any row, or if none changed
///   anything, it is nothing.
/// * An error says which row it is of, and nothing of any row stays.
pub(super) async fn run_each(
    session: &Session,
    context: &Arc<Context>,
    parsed: &Parsed,
    table: &ObjectName,
    parameters: &[Parameters],
) -> Result<Work, Error> {
    session.inner().check_writes()?;
    let begin = || match &context.transaction {
        Some(open) => Arc::clone(open),
        None => OpenTransaction::begin(Modes { isolation: context.own.isolation, read_only: false }),
    };
    let mut transaction: Arc<OpenTransaction> = begin();
    let mut parts: Option<Vec<Told>> = None;
    if let Some(together) = together(context, parsed, parameters) {
        if together.rounds() > 1 {
            parts = run_rounds(session, context, &transaction, &together).await?;
        } else if let Some(work) = together.run(session, context, 0).await? {
            return Ok(work);
        }
    }
    let parts: Vec<Told> = match parts {
        Some(parts) => parts,
        None => {
            // What rounds have set by then, in a transaction that was open, is set again.
            transaction = begin();
            run_rows(session, context, &transaction, parsed, parameters).await?
        }
    };
    let Some(told) = summed(parts, context, table)? else { return Ok(unchanged(context)) };
    match &context.transaction {
        Some(open) => Ok(Work::Answer(open.tell(told)?)),
        None => Ok(Work::Commit(folded(transaction.take_commit(told)?))),
    }
}

/// Adds what each row of parameters comes to to a transaction.
async fn run_rows(
    session: &Session,
    context: &Arc<Context>,
    transaction: &Arc<OpenTransaction>,
    parsed: &Parsed,
    parameters: &[Parameters],
) -> Result<Vec<Told>, Error> {
    let mut parts: Vec<Told> = Vec::new();
    for (row, values) in parameters.iter().enumerate() {
        let part = run_one(session, context, transaction, parsed, values).await;
        parts.extend(part.map_err(|error| error.in_row(row + 1))?);
    }
    Ok(parts)
}

/// Adds what one row of parameters comes to to a transaction. `None` if that is nothing.
async fn run_one(
    session: &Session,
    context: &Arc<Context>,
    transaction: &Arc<OpenTransaction>,
    parsed: &Parsed,
    values: &Parameters,
) -> Result<Option<Told>, Error> {
    let own = Arc::new(within(session, context, transaction, values.clone())?);
    let work = statement::run(session, &own, parsed).await?;
    taken_in(transaction, &own, work)
}

/// Adds what rounds of rows of parameters come to to a transaction; `None` if the rows have to be run one by one.
async fn run_rounds(
    session: &Session,
    context: &Arc<Context>,
    transaction: &Arc<OpenTransaction>,
    together: &Together,
) -> Result<Option<Vec<Told>>, Error> {
    let mut parts: Vec<Told> = Vec::new();
    for round in 0..together.rounds() {
        let own = within(session, context, transaction, Parameters::none())?;
        let Some(work) = together.run(session, &own, round).await? else { return Ok(None) };
        parts.extend(taken_in(transaction, &own, work)?);
    }
    Ok(Some(parts))
}

/// What a statement sees behind what a transaction holds by now.
fn within(
    session: &Session,
    context: &Arc<Context>,
    transaction: &Arc<OpenTransaction>,
    parameters: Parameters,
) -> Result<Context, Error> {
    let view = transaction.pin(&session.lake, Arc::clone(&context.committed), context.started)?;
    Ok(Context {
        state: view.state,
        visible: view.visible,
        transaction: Some(Arc::clone(transaction)),
        held: view.held,
        ..context.with_parameters(parameters)
    })
}

/// Adds what was decided to a transaction.
fn taken_in(transaction: &OpenTransaction, own: &Context, work: Work) -> Result<Option<Told>, Error> {
    match work {
        Work::Commit(part) => Ok(Some(transaction.add_part(part)?)),
        Work::Answer(_) => {
            own.tell_reads();
            Ok(None)
        }
    }
}

/// What is said of all parts together; `None` if there are none.
fn summed(mut parts: Vec<Told>, context: &Context, table: &ObjectName) -> Result<Option<Told>, Error> {
    let rows = parts.iter().fold(0_u64, |rows, part| rows.saturating_add(part.rows));
    let Some(last) = parts.pop() else { return Ok(None) };
    if parts.is_empty() {
        return Ok(Some(last));
    }
    let operation = last.operation;
    let summary = format!("{operation} {}, {}", context.qualify(table)?, counted(rows));
    Ok(Some(Told { operation, summary, rows }))
}

fn unchanged(context: &Context) -> Work {
    Work::Answer(Answer::NoChange { version: context.visible })
}
