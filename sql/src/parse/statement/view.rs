//! Statements that say what a view is: CREATE VIEW and ALTER VIEW.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query};

/// A CREATE VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// The new view's name.
    pub name: ObjectName,
    /// Whether a view of that name gives way. Not together with `if_not_exists`.
    pub or_replace: bool,
    /// Whether an existing view of that name is left as it is.
    pub if_not_exists: bool,
    /// Names for the query's columns; empty for its own.
    pub columns: Vec<Ident>,
    /// The query's text, as typed. Parsing it again yields `query`.
    pub query_text: String,
    /// The query.
    pub query: Box<Query>,
}

/// An ALTER VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterView {
    /// The view.
    pub name: ObjectName,
    /// Whether a missing view is passed over.
    pub if_exists: bool,
    /// What changes.
    pub change: ViewChange,
}

/// A change of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewChange {
    /// `RENAME TO`.
    Rename(ObjectName),
    /// `SET SCHEMA`.
    SetSchema(Ident),
}
