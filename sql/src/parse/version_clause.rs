//! Version clauses on the syntax tree.

use std::fmt;

use datafusion::sql::sqlparser::ast::{Expr, TableVersion};

use super::error::ParseError;
use super::marker::Kind;

/// Which version of a table is asked for, as it was written. The expression is not evaluated yet.
///
/// * Every accepted spelling yields exactly one of these; the spelling itself is forgotten.
/// * An expression may hold parameters, calls and constants; columns and subqueries are refused when it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionClause {
    /// By number: `AS OF VERSION 42`.
    Version(Expr),
    /// By instant: `AS OF TIMESTAMP '2026-01-31'`. A string literal that stands alone stays text.
    Timestamp(Expr),
    /// By tag: `AS OF TAG 'q3-close'`. A bare name is an identifier.
    Tag(Expr),
    /// The newest version of a branch: `AS OF BRANCH exp`. A bare name is an identifier.
    Branch(Expr),
    /// By whatever the expression is: an integer is a number, a timestamp or date an instant, text a tag or an instant.
    Auto(Expr),
}

impl VersionClause {
    /// The expression, whatever it names.
    pub fn expr(&self) -> &Expr {
        match self {
            Self::Version(expr) | Self::Timestamp(expr) | Self::Tag(expr) | Self::Branch(expr) | Self::Auto(expr) => {
                expr
            }
        }
    }
}

/// In our own spelling, `AS OF VERSION 42`, however it was written.
impl fmt::Display for VersionClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Version(_) => "VERSION ",
            Self::Timestamp(_) => "TIMESTAMP ",
            Self::Tag(_) => "TAG ",
            Self::Branch(_) => "BRANCH ",
            Self::Auto(_) => "",
        };
        let value = self.expr().to_string();
        // An instant that is reckoned with has the word before its text already.
        let kind = if value.starts_with("TIMESTAMP '") { "" } else { kind };
        write!(f, "AS OF {kind}{value}")
    }
}

/// Reads the version clause of a table of the syntax tree.
///
/// # Errors
/// [`ParseError::VersionForm`] if the clause did not come through the token pass, or goes on behind its end.
pub fn version_clause(version: &TableVersion) -> Result<VersionClause, ParseError> {
    let TableVersion::ForSystemTimeAsOf(Expr::Prefixed { prefix, value }) = version else {
        return Err(not_ours(version));
    };
    let expr: Expr = value.as_ref().clone();
    match Kind::of_prefix(prefix) {
        Some(Kind::Version) => Ok(VersionClause::Version(expr)),
        Some(Kind::Timestamp) => Ok(VersionClause::Timestamp(expr)),
        Some(Kind::Tag) => Ok(VersionClause::Tag(expr)),
        Some(Kind::Branch) => Ok(VersionClause::Branch(expr)),
        Some(Kind::Auto) => Ok(VersionClause::Auto(expr)),
        None => Err(not_ours(version)),
    }
}

fn not_ours(version: &TableVersion) -> ParseError {
    ParseError::version_form(
        None,
        format!("the version clause `{version}` cannot be read"),
        "put `AS OF VERSION 42`, `AS OF TIMESTAMP '…'`, `AS OF TAG '…'` or `AS OF BRANCH name` directly behind a \
         table's name",
    )
}
