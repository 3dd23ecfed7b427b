//! INSERT.

use datafusion::sql::sqlparser::ast::{ObjectName, Query};

/// An INSERT, or INSERT OVERWRITE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The table that receives the rows.
    pub table: ObjectName,
    /// The columns that are named, in order; empty for all.
    pub columns: Vec<ObjectName>,
    /// Whether the query's columns go where their names say (`BY NAME`) and not by position.
    pub by_name: bool,
    /// The rows; `None` for `DEFAULT VALUES`, one row of defaults.
    pub source: Option<Box<Query>>,
    /// Whether the rows take the place of all that are there (`INSERT OVERWRITE`).
    pub overwrite: bool,
}
