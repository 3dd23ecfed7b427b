//! UPDATE: the rows that a query finds die, and live on with other values under their row ids.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::sql::sqlparser::ast::Expr;

use super::super::Work;
use super::super::create::counted;
use super::super::insert::with_fits;
use super::Planned;
use super::search::{alone, item, place_and_id};
use super::target::Target;
use super::values::{Within, check_values};
use super::write::{Killed, NewRows, matched_twice, numbers, values_behind};
use crate::context::Context;
use crate::error::Error;
use crate::parse::{Update, query_of};
use crate::session::{Commit, Session};

/// Segment, position and row id.
const KEPT: usize = 3;

pub(super) async fn planned(context: &Arc<Context>, update: &Update) -> Result<Planned, Error> {
    let target = Target::resolve(context, &update.target)?;
    check_values(context, Within::Update, update.assignments.iter().map(|assignment| &assignment.value))?;
    let context = Arc::new(with_fits(context, &target.columns)?);
    let mut parameters: Vec<(String, DataType)> = Vec::new();
    let mut assigned: HashMap<usize, Expr> = HashMap::new();
    for (place, value) in target.assigned(&update.assignments)? {
        assigned.insert(place, target.fit((place, value), &mut parameters)?);
    }
    let mut items = place_and_id(&target);
    for (place, column) in target.columns.iter().enumerate() {
        let value = assigned.remove(&place).unwrap_or_else(|| target.value(column));
        items.push(item(value, column.name.as_str()));
    }
    let mut from = vec![alone(target.relation())];
    from.extend(update.from.iter().cloned());
    let query = query_of(update.with.clone(), items, from, update.filter.clone());
    let columns = target.columns.clone();
    let planned = Planned::new(context, target, &query, KEPT, columns).await?;
    Ok(Planned { parameters, ..planned })
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, update: &Update) -> Result<Work, Error> {
    let planned = planned(context, update).await?;
    let (context, target) = (&planned.context, &planned.target);
    let mut killed = Killed::default();
    let mut written = NewRows::new(context, target)?;
    let mut rows = session.rows(context, planned.rows()?).await?.into_rows()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        let found = batch.num_rows() as u64;
        if killed.insert_all(numbers::<UInt64Type>(&batch, 0)?, numbers::<UInt64Type>(&batch, 1)?) < found {
            return Err(matched_twice(target));
        }
        written.write(&values_behind(&batch, KEPT)?, numbers::<Int64Type>(&batch, 2)?).await?;
    }
    let count = killed.rows();
    if count == 0 {
        return Ok(Work::no_change(context));
    }
    let mut blocks = Vec::new();
    let mut changes = killed.into_proposals(context, target.table, &mut blocks)?;
    changes.extend(written.into_proposals(target.table, &mut blocks).await?);
    Ok(Work::Commit(Commit {
        operation: "update",
        summary: format!("update {}, {}", target.name, counted(count)),
        rows: count,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}
