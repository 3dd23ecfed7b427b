//! `table_changes('t', from, to)`: what leads from one version of a table to another.
//!
//! ```text
//!   rows that came, with ids of their own ──► insert
//!   rows that came, others ──┐
//!                            ├─ pairs ──► insert, update_postimage, delete, update_preimage
//!   rows that went ──────────┘
//!     └─ LEFT JOIN rows that came and went in between, by id ──► which version really took it
//! ```
//!
//! * Each row that moved is read once, whatever becomes of it: see [`pairs`](super::pairs).
//! * The joins are left out where nothing can match: where no row went, or every row that came has a new id.
//! * A row that was only written anew, with the values that it had, is no change.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit, when};
use datafusion::prelude::ident;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::FunctionArg;
use frostline_catalog::{ObjectId, Version};

use super::arguments::{Arguments, Usage};
use super::chosen::ChosenTable;
use super::columns::{ROW, VERSION, columns_of, inner_columns, inner_name, own_name, union_all};
use super::load::{Interest, windows};
use super::lookup::{Makers, author_of, number_at, signed, time_of};
use super::pairs::{KIND, kind, paired};
use super::plan::{Round, is_fresh, only, rounds};
use super::window::{Found, Moves};
use crate::context::Context;
use crate::error::Error;

const USAGE: Usage = Usage {
    name: "table_changes",
    positions: (2, 3),
    options: &["mode"],
    example: "table_changes('t', 3, 7, mode => 'versions')",
};

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// What leads from the first version to the last.
    Net,
    /// What each version did.
    Versions,
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "net" => Some(Self::Net),
            "versions" => Some(Self::Versions),
            _ => None,
        }
    }
}

/// The rows that one of two versions of a table has and the other has not.
///
/// * `from` is not after `to`.
pub(super) async fn net_moves(context: &Context, table: ObjectId, from: Version, to: Version) -> Result<Moves, Error> {
    let mut moves = Moves::none();
    for window in windows(context, table, Some(from), to, Interest::Ends).await? {
        moves.append(window.net());
    }
    Ok(moves)
}

/// The plan of a call.
pub(super) async fn plan(context: &Context, given: &[FunctionArg], version: Version) -> Result<LogicalPlan, Error> {
    let arguments = Arguments::try_new(context, USAGE, given)?;
    let mode = match arguments.option("mode")? {
        None => Mode::Net,
        Some(text) => {
            Mode::parse(&text).ok_or_else(|| Error::statement(format!("mode is 'net' or 'versions', not '{text}'")))?
        }
    };
    let mut from = arguments.version(1)?.unwrap_or(version);
    let to = arguments.version(2)?.unwrap_or(version);
    if from > to && context.describing {
        // A parameter without a value stands for the newest version.
        from = to;
    }
    if from > to {
        let message = format!("changes lead from an earlier version to a later one, not from {from} to {to}");
        return Err(Error::statement(message).with_hint("swap the two; table_diff compares versions in either order"));
    }
    let table = arguments.table(to)?;
    let interest = match mode {
        Mode::Net => Interest::Passing,
        Mode::Versions => Interest::Steps,
    };
    let (mut moves, mut passed) = (Moves::none(), Vec::new());
    for window in windows(context, table, Some(from), to, interest).await? {
        match mode {
            Mode::Net => {
                moves.append(window.net());
                if !is_fresh(&window.placed, from) {
                    passed.append(&mut window.passed());
                }
            }
            Mode::Versions => moves.append(window.each()),
        }
    }
    Feed { context, table, from, to, columns: to, mode }.plan(moves, passed)
}

/// Rows that moved, on their way into a plan.
pub(super) struct Feed<'a> {
    pub(super) context: &'a Context,
    pub(super) table: ObjectId,
    pub(super) from: Version,
    pub(super) to: Version,
    /// The version whose columns the rows have.
    pub(super) columns: Version,
    pub(super) mode: Mode,
}

/// What the plan calls the id of a row that came and went in between, inside, and the last version that took it.
const PASSED_ROW: &str = "passed_row";
const PASSED_VERSION: &str = "passed_version";

impl Feed<'_> {
    /// The plan of what moved, given the rows that came and went in between.
    fn plan(&self, moves: Moves, passed: Vec<Found<Version>>) -> Result<LogicalPlan, Error> {
        let Moves { gained, lost } = moves;
        let versions = gained.iter().chain(&lost).chain(&passed).map(|found| found.fact);
        let makers = Makers::load(&self.context.state, versions)?;
        let (fresh, old): (Vec<Found<Version>>, Vec<Found<Version>>) =
            gained.into_iter().partition(|found| is_fresh(&found.placed, self.since(found.fact)));
        let (fresh, old, gone, passed) = (rounds(fresh), rounds(old), rounds(lost), rounds(passed));

        let mut arms: Vec<LogicalPlan> = Vec::new();
        if let Some(fresh) = self.side("fresh", &fresh)? {
            arms.push(self.arm(fresh, kind("insert"), &makers)?);
        }
        match (self.side("came", &old)?, self.side("went", &gone)?) {
            (None, None) => {}
            (Some(came), None) => arms.push(self.arm(came, kind("insert"), &makers)?),
            (None, Some(went)) => arms.push(self.arm(self.taken(went, &passed)?, kind("delete"), &makers)?),
            (Some(came), Some(went)) => {
                let keys: &[&str] = match self.mode {
                    Mode::Net => &[ROW],
                    Mode::Versions => &[ROW, VERSION],
                };
                let pairs = paired(came, self.taken(went, &passed)?, &self.column_types(), keys)?;
                arms.push(self.arm(pairs, ident(KIND), &makers)?);
            }
        }
        match union_all(arms)? {
            Some(all) => Ok(all),
            None => self.arm(self.scan("nothing", &[], 0)?, kind("insert"), &makers),
        }
    }

    /// The version after which ids are new to whatever went.
    fn since(&self, moved: Version) -> Version {
        match self.mode {
            Mode::Net => self.from,
            Mode::Versions => Version::new(moved.number() - 1).unwrap_or(self.from),
        }
    }

    /// The rows of some rounds: the table's columns, inside; the row's id; the version that moved it.
    pub(super) fn rows(&self, name: &str, rounds: &[Round<Version>]) -> Result<LogicalPlan, Error> {
        match self.side(name, rounds)? {
            Some(side) => Ok(side),
            None => self.scan(name, &[], 0),
        }
    }

    /// The same; `None` if there is no row.
    fn side(&self, name: &str, rounds: &[Round<Version>]) -> Result<Option<LogicalPlan>, Error> {
        let mut scans: Vec<LogicalPlan> = Vec::with_capacity(rounds.len());
        for place in 0..rounds.len() {
            scans.push(self.scan(name, rounds, place)?);
        }
        Ok(union_all(scans)?)
    }

    /// The rows of one round. Without it, no rows.
    fn scan(&self, name: &str, rounds: &[Round<Version>], place: usize) -> Result<LogicalPlan, Error> {
        let number = |found: &Found<Version>| Some(signed(found.fact));
        let chosen = rounds.get(place).map(Round::chosen).unwrap_or_default();
        let provider = ChosenTable::new(self.context, self.table, self.columns, self.to, chosen);
        let own = provider.own_columns();
        // The planner holds two scans of one name for one.
        let name = format!("{name} of {} from {} to {}, {:?}, {place}", self.table, self.from, self.to, self.mode);
        let reference = TableReference::bare(name);
        let scan = LogicalPlanBuilder::scan(reference, provider_as_source(Arc::new(provider)), None)?.build()?;
        let columns: Vec<Column> = columns_of(&scan);
        let column =
            |place: usize| -> Expr { columns.get(place).cloned().map_or(lit(ScalarValue::Null), Expr::Column) };
        let version: Expr = match (only(rounds, number).flatten(), rounds.get(place)) {
            (Some(version), _) => lit(version),
            (None, Some(round)) => {
                let numbers = round.numbers(number);
                number_at("change_version", numbers, false, column(own), column(own + 1))
            }
            (None, None) => lit(0_i64),
        };
        let mut exprs: Vec<Expr> = (0..own).map(|place| column(place).alias(inner_name(place))).collect();
        exprs.push(column(own + 2).alias(ROW));
        exprs.push(version.alias(VERSION));
        Ok(LogicalPlanBuilder::from(scan).project(exprs)?.build()?)
    }

    /// Rows that went, each with the last version that took it. One that was updated before it was deleted went twice,
    /// the second time as a row that came in between.
    fn taken(&self, rows: LogicalPlan, passed: &[Round<Version>]) -> Result<LogicalPlan, Error> {
        let Some(passed) = self.side("passed", passed)? else { return Ok(rows) };
        let named = vec![ident(ROW).alias(PASSED_ROW), ident(VERSION).alias(PASSED_VERSION)];
        let last = max(ident(PASSED_VERSION)).alias(PASSED_VERSION);
        let passed =
            LogicalPlanBuilder::from(passed).project(named)?.aggregate(vec![ident(PASSED_ROW)], vec![last])?.build()?;
        let keys = (vec![Column::from_name(ROW)], vec![Column::from_name(PASSED_ROW)]);
        let later = when(ident(PASSED_VERSION).gt(ident(VERSION)), ident(PASSED_VERSION)).end()?;
        let mut exprs = inner_columns(self.column_names().len());
        exprs.push(ident(ROW));
        exprs.push(coalesce(vec![later, ident(VERSION)]).alias(VERSION));
        Ok(LogicalPlanBuilder::from(rows).join(passed, JoinType::Left, keys, None)?.project(exprs)?.build()?)
    }

    /// Rows as they come out.
    fn arm(&self, rows: LogicalPlan, kind: Expr, makers: &Arc<Makers>) -> Result<LogicalPlan, Error> {
        let names = self.column_names();
        let own = |name: &str| own_name(name, &names);
        let mut exprs: Vec<Expr> = vec![
            kind.alias(own("_change_type")),
            ident(ROW).alias(own("_row_id")),
            ident(VERSION).alias(own("_version")),
            time_of(makers, ident(VERSION)).alias(own("_time")),
            author_of(makers, ident(VERSION)).alias(own("_author")),
        ];
        let columns = inner_columns(names.len()).into_iter().zip(&names);
        exprs.extend(columns.map(|(column, name)| column.alias(name.as_str())));
        Ok(LogicalPlanBuilder::from(rows).project(exprs)?.build()?)
    }

    /// What the table's columns are called.
    pub(super) fn column_names(&self) -> Vec<String> {
        let columns = self.context.state.columns_at(self.table, self.columns);
        columns.iter().map(|column| column.name.as_str().to_owned()).collect()
    }

    /// The types of the table's columns.
    fn column_types(&self) -> Vec<DataType> {
        let columns = self.context.state.columns_at(self.table, self.columns);
        columns.iter().map(|column| column.data_type.clone()).collect()
    }
}
