//! Statements that set what a session remembers, and EXECUTE, which runs what it remembers.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident};

use super::Statement;

/// A PREPARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// The name to execute it by.
    pub name: Ident,
    /// The types of the parameters, if the text names them.
    pub data_types: Vec<DataType>,
    /// The text behind AS, as typed, to be planned again at each execution.
    pub text: String,
    /// A query, INSERT, DELETE, UPDATE or MERGE.
    pub statement: Box<Statement>,
}

/// An EXECUTE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// The prepared statement.
    pub name: Ident,
    /// The values of `$1`, `$2`, …
    pub parameters: Vec<Expr>,
}

/// A SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The setting's name, in lower case unless quoted, parts joined by periods.
    pub name: String,
    /// The value, or the values of a list. A bare word is an identifier. Never empty.
    pub values: Vec<Expr>,
}
