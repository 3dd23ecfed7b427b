//! One line for each statement, in the log.

use std::time::Duration;

use frostline_catalog::Version;

/// What is said of a statement when it has ended. Neither its text nor a value of it is said.
#[derive(Clone, Debug)]
pub(crate) struct StatementNote<'a> {
    /// The statement's id.
    pub(crate) query_id: &'a str,
    /// Who sent it.
    pub(crate) principal: &'a str,
    /// What it is: `query`, `insert`.
    pub(crate) kind: &'static str,
    /// How it ended: `ok`, `cancelled`, or the kind of its error.
    pub(crate) outcome: &'static str,
    /// The version that it read or made, if it came so far.
    pub(crate) version: Option<Version>,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// How many rows it gave or wrote.
    pub(crate) rows: u64,
}

impl StatementNote<'_> {
    /// Says it.
    pub(crate) fn log(&self) {
        let milliseconds = self.elapsed.as_secs_f64() * 1000.0;
        let ms = (milliseconds * 1000.0).round() / 1000.0;
        tracing::info!(
            target: "frostline::statement",
            query_id = self.query_id,
            principal = self.principal,
            kind = self.kind,
            outcome = self.outcome,
            version = self.version.map(Version::number),
            ms,
            rows = self.rows,
            "statement"
        );
    }
}
