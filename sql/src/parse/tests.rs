//! Claims about reading SQL.

mod dialect;
mod dml;
mod refusals;
mod scripts;
mod statements;
mod versions;

use super::{ParseError, Statement, VersionClause, parse_one, table_versions};

/// Reads one statement that is expected to be right.
fn read(sql: &str) -> Statement {
    match parse_one(sql) {
        Ok(parsed) => parsed.statement,
        Err(error) => panic!("{sql}\n{error}"),
    }
}

/// Reads one statement that is expected to be wrong.
fn refuse(sql: &str) -> ParseError {
    match parse_one(sql) {
        Ok(parsed) => panic!("{sql}\nwas read as {:?}", parsed.statement),
        Err(error) => error,
    }
}

/// A version clause in one line: its kind and its expression.
fn show(clause: &VersionClause) -> String {
    let kind = match clause {
        VersionClause::Version(_) => "version",
        VersionClause::Timestamp(_) => "timestamp",
        VersionClause::Tag(_) => "tag",
        VersionClause::Branch(_) => "branch",
        VersionClause::Auto(_) => "auto",
    };
    format!("{kind} {}", clause.expr())
}

/// The versioned tables of a statement, each as `name: kind expression`.
fn versions(sql: &str) -> Vec<String> {
    let statement = read(sql);
    let Some(query) = statement.query() else {
        panic!("{sql}\nhas no query");
    };
    match table_versions(query) {
        Ok(found) => found.iter().map(|table| format!("{}: {}", table.name, show(&table.clause))).collect(),
        Err(error) => panic!("{sql}\n{error}"),
    }
}
