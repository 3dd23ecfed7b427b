//! `table_history('t')`: every version of every row that a table ever had, with its life.

use std::sync::Arc;

use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit, when};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::FunctionArg;
use frostline_catalog::segment::RowIds;
use frostline_catalog::{ObjectId, Version};

use super::arguments::{Arguments, Usage};
use super::chosen::ChosenTable;
use super::columns::{columns_of, own_name, union_all};
use super::load::{Interest, windows};
use super::lookup::{Makers, author_of, number_at, signed, time_of};
use super::plan::{Round, only, rounds};
use super::window::{Found, Life};
use crate::context::Context;
use crate::error::Error;

const USAGE: Usage = Usage { name: "table_history", positions: (1, 1), options: &[], example: "table_history('t')" };

/// How a row came to be where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// As a new row.
    Insert,
    /// As another version of a row.
    Update,
    /// It came back, or came from another table: RESTORE, UNDROP, CLONE.
    Restore,
}

impl Origin {
    const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Restore];

    fn of(found: &Found<Life>, table: ObjectId) -> Self {
        let placement = &found.placed.placement;
        match &found.placed.segment.row_ids {
            _ if placement.table != table || placement.interval.begin() != found.fact.born => Self::Restore,
            RowIds::From(_) => Self::Insert,
            RowIds::Stored => Self::Update,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Restore => "restore",
        }
    }

    fn number(self) -> i64 {
        self as i64
    }
}

/// The plan of a call.
pub(super) async fn plan(context: &Context, given: &[FunctionArg], version: Version) -> Result<LogicalPlan, Error> {
    let arguments = Arguments::try_new(context, USAGE, given)?;
    let table = arguments.table(version)?;
    let mut lives: Vec<Found<Life>> = Vec::new();
    for window in windows(context, table, None, version, Interest::Steps).await? {
        lives.append(&mut window.lives());
    }
    let versions = lives.iter().flat_map(|found| std::iter::once(found.fact.born).chain(found.fact.died));
    let makers = Makers::load(&context.state, versions)?;
    let rounds = rounds(lives);
    let mut scans: Vec<LogicalPlan> = Vec::new();
    for place in 0..rounds.len().max(1) {
        scans.push(scan(context, table, version, &rounds, place, &makers)?);
    }
    union_all(scans)?.ok_or_else(|| Error::statement("a history has no plan"))
}

/// The rows of one round, as they come out. Without it, no rows.
fn scan(
    context: &Context,
    table: ObjectId,
    version: Version,
    rounds: &[Round<Life>],
    place: usize,
    makers: &Arc<Makers>,
) -> Result<LogicalPlan, Error> {
    let chosen = rounds.get(place).map(Round::chosen).unwrap_or_default();
    let provider = ChosenTable::new(context, table, version, version, chosen);
    let own = provider.own_columns();
    let reference = TableReference::bare(format!("history of {table} until {version}, {place}"));
    let scan = LogicalPlanBuilder::scan(reference, provider_as_source(Arc::new(provider)), None)?.build()?;
    let columns: Vec<Column> = columns_of(&scan);
    let column = |place: usize| -> Expr { columns.get(place).cloned().map_or(lit(ScalarValue::Null), Expr::Column) };
    let known = |name: &'static str, nullable: bool, number: &dyn Fn(&Found<Life>) -> Option<i64>| -> Expr {
        match (only(rounds, number), rounds.get(place)) {
            (Some(number), _) => lit(ScalarValue::Int64(number)),
            (None, Some(round)) => number_at(name, round.numbers(number), nullable, column(own), column(own + 1)),
            (None, None) => lit(0_i64),
        }
    };
    let born = known("row_born", false, &|found: &Found<Life>| Some(signed(found.fact.born)));
    let died = known("row_died", true, &|found: &Found<Life>| found.fact.died.map(signed));
    let origin = known("row_origin", false, &|found: &Found<Life>| Some(Origin::of(found, table).number()));

    let names: Vec<String> =
        context.state.columns_at(table, version).iter().map(|column| column.name.as_str().to_owned()).collect();
    let own_column = |expr: Expr, name: &str| expr.alias(own_name(name, &names));
    let mut exprs: Vec<Expr> = vec![
        own_column(column(own + 2), "_row_id"),
        own_column(born.clone(), "_born"),
        own_column(died.clone(), "_died"),
        own_column(time_of(makers, born.clone()), "_born_time"),
        own_column(time_of(makers, died.clone()), "_died_time"),
        own_column(author_of(makers, born), "_born_by"),
        own_column(author_of(makers, died), "_died_by"),
        own_column(origin_name(&origin)?, "_change"),
    ];
    exprs.extend(names.iter().enumerate().map(|(place, name)| column(place).alias(name.as_str())));
    Ok(LogicalPlanBuilder::from(scan).project(exprs)?.build()?)
}

/// The name of an origin's number.
fn origin_name(number: &Expr) -> Result<Expr, Error> {
    let [first, second, last] = Origin::ALL;
    let text = |origin: Origin| lit(ScalarValue::Utf8View(Some(origin.name().to_owned())));
    let named = when(number.clone().eq(lit(first.number())), text(first))
        .when(number.clone().eq(lit(second.number())), text(second))
        .otherwise(text(last))?;
    Ok(named)
}

#[cfg(test)]
mod tests {
    use frostline_catalog::RowId;

    use super::super::row_set::RowSet;
    use super::super::window::tests::{placed, version};
    use super::*;

    fn origin(begin: u64, row_ids: RowIds, born: u64, table: u64) -> Origin {
        let fact = Life { born: version(born), died: None };
        let found = Found { placed: placed(1, begin, row_ids), rows: RowSet::all(), fact };
        Origin::of(&found, ObjectId::new(table))
    }

    #[test]
    fn a_row_is_inserted_or_updated_where_its_segment_was_written() {
        assert_eq!(origin(3, RowIds::From(RowId::new(0)), 3, 1), Origin::Insert);
        assert_eq!(origin(3, RowIds::Stored, 3, 1), Origin::Update);
    }

    #[test]
    fn a_row_that_comes_from_elsewhere_or_before_is_restored() {
        assert_eq!(origin(3, RowIds::From(RowId::new(0)), 8, 1), Origin::Restore);
        assert_eq!(origin(3, RowIds::Stored, 3, 2), Origin::Restore);
    }
}
