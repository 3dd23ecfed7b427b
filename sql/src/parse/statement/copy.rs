//! COPY, to files and from them.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query};

/// A COPY TO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyTo {
    /// What is written.
    pub source: CopySource,
    /// The path or URL.
    pub target: String,
    /// The format as written, if the text names one.
    pub format: Option<String>,
    /// The other options, keys in lower case unless quoted. An option without a value is `true`.
    pub options: Vec<(String, String)>,
}

/// What a COPY TO writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// A table at the session's version.
    Table(ObjectName),
    /// The rows of a query.
    Query(Box<Query>),
}

/// A COPY FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFrom {
    /// The table that receives the rows.
    pub table: ObjectName,
    /// The columns that the files hold, in order; empty for all.
    pub columns: Vec<Ident>,
    /// The paths or URLs. Never empty.
    pub sources: Vec<String>,
    /// The format as written, if the text names one.
    pub format: Option<String>,
    /// The other options, keys in lower case unless quoted. An option without a value is `true`.
    pub options: Vec<(String, String)>,
}
