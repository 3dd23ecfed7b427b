//! Statements that say what a schema is: CREATE SCHEMA and ALTER SCHEMA.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};

/// A CREATE SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// The new schema's name.
    pub name: ObjectName,
    /// Whether an existing schema of that name is left as it is.
    pub if_not_exists: bool,
}

/// An ALTER SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSchema {
    /// The schema.
    pub name: Ident,
    /// Whether a missing schema is passed over.
    pub if_exists: bool,
    /// The name that it gets.
    pub rename_to: Ident,
}
