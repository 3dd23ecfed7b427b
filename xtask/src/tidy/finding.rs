//! What a check found, and where.

use std::fmt;

/// One thing that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    path: String,
    /// Counted from 1; `None` if the whole file is meant.
    line: Option<usize>,
    message: String,
}

/// Whether a finding fails the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Warning,
    Error,
}

impl Finding {
    /// A finding that must be mended.
    pub(crate) fn error(path: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.to_owned(), line, message: message.into() }
    }

    /// A finding that asks for a look.
    pub(crate) fn warning(path: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        match self.line {
            Some(line) => write!(f, "{severity}: {}:{line}: {}", self.path, self.message),
            None => write!(f, "{severity}: {}: {}", self.path, self.message),
        }
    }
}

/// Fails unless a check's findings, as they are printed, are the expected ones.
#[cfg(test)]
pub(crate) fn assert_found(findings: &[Finding], expected: &[&str]) {
    let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(found, expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_prints_where_an_editor_can_follow() {
        let findings = [Finding::error("a/b.rs", Some(7), "too long"), Finding::warning("c.rs", None, "long")];
        assert_found(&findings, &["error: a/b.rs:7: too long", "warning: c.rs: long"]);
    }
}
