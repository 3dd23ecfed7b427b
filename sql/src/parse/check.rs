//! Checks on the syntax tree: what the planner would drop without a word is refused here.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, SetExpr, TableFactor, TableVersion, Visit, Visitor};

use super::error::{ParseError, Position};
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

/// Refuses what would be ignored later: samples, hints and partitions of tables, version clauses that are none of
/// ours or stand on a table function, and statements that hide in a query.
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

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        flow(check_table_factor(table))
    }
}

fn flow(outcome: Result<(), ParseError>) -> ControlFlow<Box<ParseError>> {
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

fn check_query(query: &Query) -> Result<(), ParseError> {
    if query.settings.is_some() || query.format_clause.is_some() || query.for_clause.is_some() {
        return Err(ParseError::unsupported("SETTINGS, FORMAT or FOR behind a query", "use SET, or COPY … TO a file"));
    }
    if !query.locks.is_empty() {
        return Err(ParseError::unsupported("FOR UPDATE", "a query reads one version and needs no lock: leave it out"));
    }
    check_body(&query.body)
}

fn check_body(body: &SetExpr) -> Result<(), ParseError> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => {
            Err(ParseError::unsupported("SELECT … INTO", "write `CREATE TABLE name AS SELECT …`"))
        }
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(ParseError::unsupported(
                "a statement that writes inside a query",
                "write the statement by itself, with the WITH clause in its query",
            ))
        }
        // The parser drops whatever stands behind `TABLE t`, a version clause included.
        SetExpr::Table(table) => {
            let name = table.table_name.clone().unwrap_or_else(|| "t".to_owned());
            Err(ParseError::unsupported("TABLE as a query", format!("write `SELECT * FROM {name}`")))
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
    }
}

fn check_table_factor(factor: &TableFactor) -> Result<(), ParseError> {
    match factor {
        TableFactor::Table { name, args, with_hints, version, partitions, json_path, sample, index_hints, .. } => {
            if sample.is_some() {
                return Err(sampled(name));
            }
            if !with_hints.is_empty() || !index_hints.is_empty() {
                return Err(ParseError::unsupported(
                    format!("a hint on table `{name}`"),
                    "leave it out: plans follow statistics",
                ));
            }
            if !partitions.is_empty() || json_path.is_some() {
                return Err(ParseError::unsupported(format!("a part of table `{name}`"), "filter its rows with WHERE"));
            }
            check_version(name, args.is_some(), version.as_ref())
        }
        TableFactor::Derived { sample: Some(_), .. } => Err(ParseError::unsupported(
            "TABLESAMPLE",
            "filter the rows, as in `WHERE random() < 0.1`, or take the first with LIMIT",
        )),
        _ => Ok(()),
    }
}

fn check_version(name: &ObjectName, is_function: bool, version: Option<&TableVersion>) -> Result<(), ParseError> {
    let Some(version) = version else {
        return Ok(());
    };
    version_clause(version)?;
    if is_function {
        return Err(ParseError::version_form(
            Position::of_name(name),
            format!("the table function `{name}` has a version clause"),
            "leave the clause out, or read a table: `t AS OF VERSION 42`",
        ));
    }
    Ok(())
}

fn sampled(name: &ObjectName) -> ParseError {
    ParseError::version_form(
        Position::of_name(name),
        format!("TABLESAMPLE on `{name}` is not supported"),
        format!("read the whole table and filter it: `SELECT * FROM {name} WHERE random() < 0.1`"),
    )
}
