//! What a benchmark gives.

use std::error::Error;

use crate::claim::Claim;

/// Why a benchmark could not be run to its end. People read it; no code acts on it.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a benchmark gives.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The rows of the table.
    pub(crate) claims: Vec<Claim>,
    /// Details, a line each.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// A report of claims alone.
    pub(crate) fn of(claims: Vec<Claim>) -> Self {
        Self { claims, notes: Vec::new() }
    }

    /// A report that a benchmark was left out, and why.
    pub(crate) fn skipped(what: &str, reason: &str) -> Self {
        Self { claims: vec![Claim::skipped(what)], notes: vec![format!("left out: {reason}")] }
    }
}
