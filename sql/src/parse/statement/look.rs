//! Statements that only look: EXPLAIN, SHOW, and a table as DESCRIBE and SUMMARIZE take it.

use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::sqlparser::ast::ObjectName;

use super::Statement;
use crate::parse::version_clause::VersionClause;

/// `EXPLAIN [ANALYZE] [VERBOSE] [FORMAT f]`, or the same as `EXPLAIN (option, …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// The options, `analyze`, `verbose` and `format` among them.
    pub options: ExplainStatementOptions,
    /// A query, an INSERT, DELETE, UPDATE or MERGE, a CREATE TABLE with a query, or a COPY TO. A query if `analyze` is
    /// set.
    pub inner: Box<Statement>,
}

/// A SHOW TABLES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowTables {
    /// The schema whose tables are shown; `None` for all.
    pub schema: Option<ObjectName>,
    /// A LIKE pattern that names match.
    pub like: Option<String>,
    /// The version of the catalog that is shown.
    pub as_of: Option<VersionClause>,
}

/// A table, maybe at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableAt {
    /// The table.
    pub table: ObjectName,
    /// The version, if one is asked for.
    pub as_of: Option<VersionClause>,
}
