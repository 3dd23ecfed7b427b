//! MERGE: one join of the target and the source, and for each row of it the first WHEN clause that holds.
//!
//! ```text
//!   FROM target [LEFT | RIGHT | FULL] JOIN source ON …      the sides that the clauses speak of
//!   |> EXTEND CASE … END AS action                          the number of the clause, NULL for none
//!   |> WHERE action IS NOT NULL
//!   |> SELECT place, id, action, CASE action WHEN 1 THEN … END AS column, …
//! ```
//!
//! A clause's condition and values are computed for those rows only that reach it.

use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, PipeOperator, Query, SelectItem, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};
use frostline_catalog::schema::Column;

use super::super::Work;
use super::super::insert::with_fits;
use super::Planned;
use super::scope::scoped;
use super::search::{alone, case, column_of, item, null, number, own_column, place_and_id};
use super::target::{Assigned, Target};
use super::values::{Within, check_values};
use super::write::{Killed, NewRows, matched_twice, numbers, values_behind};
use crate::column_default::default_ast;
use crate::context::Context;
use crate::error::Error;
use crate::parse::{Merge, MergeAction, MergeClause, MergeWhen, query_of, source_mark};
use crate::session::{Commit, Session};
use crate::target::{ACTION, SEGMENT, SOURCE_ROW};

/// Segment, position, row id and clause.
const KEPT: usize = 4;

/// What a clause does with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Insert,
    Update,
    Delete,
    Nothing,
}

impl Effect {
    fn of(action: &MergeAction) -> Self {
        match action {
            MergeAction::Update(_) | MergeAction::UpdateAll => Self::Update,
            MergeAction::Delete => Self::Delete,
            MergeAction::Insert { .. } | MergeAction::InsertAll => Self::Insert,
            MergeAction::Nothing => Self::Nothing,
        }
    }

    fn writes(self) -> bool {
        matches!(self, Self::Insert | Self::Update)
    }
}

/// The plan of a MERGE, and what each of its clauses does.
pub(super) async fn planned(context: &Arc<Context>, merge: &Merge) -> Result<(Planned, Vec<Effect>), Error> {
    let target = Target::resolve(context, &merge.target)?;
    check_values(context, Within::Merge, merge.clauses.iter().flat_map(written))?;
    let merge = &scoped(context, &target, merge).await?;
    let context = Arc::new(with_fits(context, &target.columns)?);
    let effects: Vec<Effect> = merge.clauses.iter().map(|clause| Effect::of(&clause.action)).collect();
    let mut parameters: Vec<(String, DataType)> = Vec::new();
    let mut items = place_and_id(&target);
    items.push(item(own_column(ACTION), ACTION));
    let mut columns: Vec<Column> = Vec::new();
    if effects.iter().any(|effect| effect.writes()) {
        items.extend(values(&target, merge, &mut parameters)?);
        columns.clone_from(&target.columns);
    }
    let mut query = joined(&target, merge);
    query.pipe_operators = vec![
        PipeOperator::Extend { exprs: vec![item(clause_number(&target, merge), ACTION)] },
        PipeOperator::Where { expr: Expr::IsNotNull(Box::new(own_column(ACTION))) },
        PipeOperator::Select { exprs: items },
    ];
    let planned = Planned::new(context, target, &query, KEPT, columns).await?;
    Ok((Planned { parameters, ..planned }, effects))
}

fn has(merge: &Merge, when: MergeWhen) -> bool {
    merge.clauses.iter().any(|clause| clause.when == when)
}

/// All columns of the target and the source, joined: rows that match, and of each side the others if a clause speaks of
/// them.
fn joined(target: &Target, merge: &Merge) -> Query {
    let on = JoinConstraint::On(merge.on.as_ref().clone());
    let by_source = has(merge, MergeWhen::NotMatchedBySource);
    let join_operator = match (has(merge, MergeWhen::NotMatched), by_source) {
        (false, false) => JoinOperator::Inner(on),
        (true, false) => JoinOperator::RightOuter(on),
        (false, true) => JoinOperator::LeftOuter(on),
        (true, true) => JoinOperator::FullOuter(on),
    };
    let relation = match by_source {
        true => TableFactor::NestedJoin {
            table_with_joins: Box::new(alone(merge.source.as_ref().clone())),
            alias: Some(source_mark()),
        },
        false => merge.source.as_ref().clone(),
    };
    let joins = vec![Join { relation, global: false, join_operator }];
    let from = TableWithJoins { relation: target.relation(), joins };
    let everything = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    query_of(merge.with.clone(), vec![everything], vec![from], None)
}

/// The number of the first clause that holds for a row of the join, from 1; NULL where none does, or does nothing.
fn clause_number(target: &Target, merge: &Merge) -> Expr {
    let mut sides: Vec<(Expr, Expr)> = Vec::new();
    if has(merge, MergeWhen::NotMatched) {
        sides.push((Expr::IsNull(Box::new(target.own(SEGMENT))), first_of(merge, MergeWhen::NotMatched)));
    }
    if has(merge, MergeWhen::NotMatchedBySource) {
        sides.push((Expr::IsNull(Box::new(own_column(SOURCE_ROW))), first_of(merge, MergeWhen::NotMatchedBySource)));
    }
    case(None, sides, Some(first_of(merge, MergeWhen::Matched)))
}

/// The number of the first clause of this kind whose condition holds.
fn first_of(merge: &Merge, when: MergeWhen) -> Expr {
    let mut conditions: Vec<(Expr, Expr)> = Vec::new();
    for (index, clause) in merge.clauses.iter().enumerate().filter(|(_, clause)| clause.when == when) {
        let result = match clause.action {
            MergeAction::Nothing => null(),
            _ => number(index + 1),
        };
        match &clause.condition {
            Some(condition) => conditions.push((condition.clone(), result)),
            // No clause of this kind stands behind one without a condition.
            None => return case(None, conditions, Some(result)),
        }
    }
    case(None, conditions, None)
}

/// The values of all columns, by the number of the clause.
fn values(target: &Target, merge: &Merge, parameters: &mut Vec<(String, DataType)>) -> Result<Vec<SelectItem>, Error> {
    let mut writing: Vec<(usize, Vec<Assigned>)> = Vec::new();
    for (index, clause) in merge.clauses.iter().enumerate() {
        if Effect::of(&clause.action).writes() {
            writing.push((index + 1, assigned(target, merge, clause)?));
        }
    }
    let deletes = merge.clauses.iter().any(|clause| clause.action == MergeAction::Delete);
    let mut items: Vec<SelectItem> = Vec::with_capacity(target.columns.len());
    for (place, column) in target.columns.iter().enumerate() {
        let mut arms: Vec<(usize, Expr)> = Vec::with_capacity(writing.len());
        for (clause, assigned) in &writing {
            let value = assigned.iter().find(|(found, _)| *found == place).map(|(_, value)| value.clone());
            let value = match (value, &merge.clauses[clause - 1].action) {
                (Some(value), _) => value,
                (None, MergeAction::Insert { .. } | MergeAction::InsertAll) => default_ast(column)?,
                (None, _) => target.value(column),
            };
            arms.push((*clause, value));
        }
        let value = match common_column(&arms) {
            Some(value) if !deletes => target.fit((place, value), parameters)?,
            _ => {
                let mut whens: Vec<(Expr, Expr)> = Vec::with_capacity(arms.len());
                for (clause, value) in arms {
                    whens.push((number(clause), target.fit((place, value), parameters)?));
                }
                case(Some(own_column(ACTION)), whens, None)
            }
        };
        items.push(item(value, column.name.as_str()));
    }
    Ok(items)
}

/// The column that every clause takes its value from, if that is one.
fn common_column(arms: &[(usize, Expr)]) -> Option<Expr> {
    let (_, first) = arms.first()?;
    let is_common = matches!(first, Expr::CompoundIdentifier(_)) && arms.iter().all(|(_, value)| value == first);
    is_common.then(|| first.clone())
}

/// What a clause assigns, column by column.
fn assigned(target: &Target, merge: &Merge, clause: &MergeClause) -> Result<Vec<Assigned>, Error> {
    match &clause.action {
        MergeAction::Update(assignments) => target.assigned(assignments),
        MergeAction::Insert { columns, values } => target.inserted(columns, values),
        MergeAction::UpdateAll | MergeAction::InsertAll => {
            let source = called(&merge.source).ok_or_else(|| {
                Error::statement("`UPDATE SET *` and `INSERT *` need a name for the source")
                    .with_hint("write one behind it: `USING (…) AS s`")
            })?;
            let columns = target.columns.iter().enumerate();
            Ok(columns.map(|(place, column)| (place, column_of(&source, column.name.as_str()))).collect())
        }
        MergeAction::Delete | MergeAction::Nothing => Ok(Vec::new()),
    }
}

/// The condition and the values of a clause, as they are written.
fn written(clause: &MergeClause) -> Vec<&Expr> {
    let values: Vec<&Expr> = match &clause.action {
        MergeAction::Update(assignments) => assignments.iter().map(|assignment| &assignment.value).collect(),
        MergeAction::Insert { values, .. } => values.iter().collect(),
        MergeAction::UpdateAll | MergeAction::Delete | MergeAction::InsertAll | MergeAction::Nothing => Vec::new(),
    };
    clause.condition.iter().chain(values).collect()
}

/// What a relation is called in the statement.
pub(super) fn called(relation: &TableFactor) -> Option<Vec<Ident>> {
    let (alias, name) = match relation {
        TableFactor::Table { alias, name, args: None, .. } => (alias, Some(name)),
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => (alias, None),
        _ => return None,
    };
    if let Some(alias) = alias {
        return Some(vec![alias.name.clone()]);
    }
    let parts: Vec<Ident> = name?.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
    // A file has no name but its path.
    (!parts.iter().any(|part| part.quote_style == Some('\''))).then_some(parts)
}

/// How many rows a MERGE has changed in each way.
#[derive(Default)]
struct Counts {
    inserted: u64,
    updated: u64,
    deleted: u64,
}

impl Counts {
    fn all(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }

    /// `2 inserted, 1 deleted`
    fn shown(&self) -> String {
        let counts = [(self.inserted, "inserted"), (self.updated, "updated"), (self.deleted, "deleted")];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        told.join(", ")
    }
}

pub(super) async fn run(session: &Session, context: &Arc<Context>, merge: &Merge) -> Result<Work, Error> {
    let (planned, effects) = planned(context, merge).await?;
    let (context, target) = (&planned.context, &planned.target);
    let mut killed = Killed::default();
    let mut written = NewRows::new(context, target)?;
    let mut counts = Counts::default();
    let mut rows = session.rows(context, planned.rows()?).await?.into_rows()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        let taken = take(&batch, &effects, &mut counts)?;
        if let Some(dying) = &taken.dying {
            let (segments, positions) = (numbers::<UInt64Type>(dying, 0)?, numbers::<UInt64Type>(dying, 1)?);
            if killed.insert_all(segments, positions) < dying.num_rows() as u64 {
                return Err(matched_twice(target));
            }
        }
        if let Some(new) = &taken.new {
            written.write(&values_behind(new, KEPT)?, numbers::<Int64Type>(new, 2)?).await?;
        }
    }
    let count = counts.all();
    if count == 0 {
        return Ok(Work::no_change(context));
    }
    let mut blocks = Vec::new();
    let mut changes = killed.into_proposals(context, target.table, &mut blocks)?;
    changes.extend(written.into_proposals(target.table, &mut blocks).await?);
    Ok(Work::Commit(Commit {
        operation: "merge",
        summary: format!("merge {}, {}", target.name, counts.shown()),
        rows: count,
        reads: context.tables_read(),
        changes,
        blocks,
    }))
}

/// The rows of a batch that die, and those that are written; `None` where there are none. An updated row is both.
struct Taken {
    dying: Option<RecordBatch>,
    new: Option<RecordBatch>,
}

fn take(batch: &RecordBatch, effects: &[Effect], counts: &mut Counts) -> Result<Taken, Error> {
    let clauses: &Int64Array = numbers::<Int64Type>(batch, 3)?;
    let segments: &UInt64Array = numbers::<UInt64Type>(batch, 0)?;
    let (mut dying, mut new): (Vec<bool>, Vec<bool>) = (Vec::new(), Vec::new());
    for row in 0..batch.num_rows() {
        let clause = usize::try_from(clauses.value(row)).ok().and_then(|number| number.checked_sub(1));
        let effect = clause.and_then(|clause| effects.get(clause)).copied().unwrap_or(Effect::Nothing);
        match effect {
            Effect::Insert => counts.inserted += 1,
            Effect::Update => counts.updated += 1,
            Effect::Delete => counts.deleted += 1,
            Effect::Nothing => {}
        }
        dying.push(matches!(effect, Effect::Update | Effect::Delete) && segments.is_valid(row));
        new.push(effect.writes());
    }
    let chosen = |rows: Vec<bool>| -> Result<Option<RecordBatch>, Error> {
        let rows = BooleanArray::from(rows);
        match rows.true_count() {
            0 => Ok(None),
            count if count == batch.num_rows() => Ok(Some(batch.clone())),
            _ => Ok(Some(filter_record_batch(batch, &rows)?)),
        }
    };
    Ok(Taken { dying: chosen(dying)?, new: chosen(new)? })
}
