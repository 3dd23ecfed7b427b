//! Checks on the syntax tree: what the planner would drop without a word is refused here.
//!
//! * Structures of the syntax tree are taken apart field by field, so that a clause which a later parser knows does not
//!   compile before it is decided on.
//! * What the planner refuses itself is left to it, unless its message would print the syntax tree.

mod call;
mod query;
mod relation;
mod select;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Select, TableFactor, Visit, Visitor};

use self::call::check_expr;
use self::query::check_query;
use self::relation::check_table_factor;
use self::select::check_select;
use super::error::ParseError;
use super::version_clause::{VersionClause, version_clause};

/// A table that is read at a version of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedTable {
    /// The table's name as written.
    pub name: ObjectName,
    /// The version that is asked for.
    pub clause: VersionClause,
}

/// Lists the tables with a version clause in a piece of the syntax tree, in the order of the text.
///
/// # Errors
/// [`ParseError::VersionForm`] if a clause is not one that the token pass wrote.
pub fn table_versions<N: Visit>(node: &N) -> Result<Vec<VersionedTable>, ParseError> {
    let mut collector = Collector { found: Vec::new() };
    match node.visit(&mut collector) {
        ControlFlow::Break(error) => Err(*error),
        ControlFlow::Continue(()) => Ok(collector.found),
    }
}

/// Refuses what would be ignored later: clauses that the planner drops, samples, hints and partitions of tables,
/// version clauses that are none of ours or stand on a table function, and statements that hide in a query.
///
/// # Errors
/// [`ParseError::VersionForm`] or [`ParseError::Unsupported`].
pub(crate) fn check<N: Visit>(node: &N) -> Result<(), ParseError> {
    match node.visit(&mut Checker) {
        ControlFlow::Break(error) => Err(*error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Collector {
    found: Vec<VersionedTable>,
}

impl Visitor for Collector {
    type Break = Box<ParseError>;

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, version: Some(version), .. } = table {
            match version_clause(version) {
                Ok(clause) => self.found.push(VersionedTable { name: name.clone(), clause }),
                Err(error) => return ControlFlow::Break(Box::new(error)),
            }
        }
        ControlFlow::Continue(())
    }
}

struct Checker;

impl Visitor for Checker {
    type Break = Box<ParseError>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        flow(check_query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        flow(check_select(select))
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        flow(check_table_factor(table))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        flow(check_expr(expr))
    }
}

fn flow(outcome: Result<(), ParseError>) -> ControlFlow<Box<ParseError>> {
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}
