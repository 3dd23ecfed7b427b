//! Checks of the source tree that no compiler makes: each a pure function of a file's path and text.
//!
//! | check | what holds |
//! |---|---|
//! | `size` | a file holds one idea, and is about as long as one |
//! | `name` | names say what a thing is |
//! | `arrows` | crates depend on one another in one direction |
//! | `place` | object stores, DataFusion and gRPC are used where they belong |
//! | `layout` | lines fit the page and end where they seem to end |
//! | `marker` | what is left to do stands in the tracker, not in the code |
//! | `registry` | no file but a lock names the host of a package registry |
//! | `decision` | every decision is in the index, and every entry of the index is there |
//!
//! Paths are relative to the root and have forward slashes.

mod arrows;
mod decision;
mod finding;
mod layout;
mod marker;
mod name;
mod place;
mod registry;
mod size;
mod source;
mod tree;

use std::error::Error;
use std::fmt;
use std::path::Path;

use self::finding::{Finding, Severity};
use self::tree::{SourceFile, TreeError};

type Check = fn(&str, &str) -> Vec<Finding>;

const CHECKS: &[Check] =
    &[size::check, name::check, arrows::check, place::check, layout::check, marker::check, registry::check];

/// Checks the whole tree and prints what it finds. Warnings alone are no failure.
pub(crate) fn run(root: &Path) -> Result<(), TidyError> {
    let files = tree::read_tree(root)?;
    let findings = check_files(&files);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    println!("tidy: {} files, {} errors, {} warnings", files.len(), errors, findings.len() - errors);
    if errors == 0 { Ok(()) } else { Err(TidyError::Untidy { errors }) }
}

/// Why the tree is not tidy, or not known to be.
#[derive(Debug)]
pub(crate) enum TidyError {
    /// There are findings, which have been printed.
    Untidy { errors: usize },
    /// A file or folder cannot be read.
    Tree(TreeError),
}

impl fmt::Display for TidyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untidy { errors: 1 } => f.write_str("the tree has 1 error; mend it as it says above"),
            Self::Untidy { errors } => write!(f, "the tree has {errors} errors; mend them as they say above"),
            Self::Tree(_) => f.write_str("the tree could not be checked"),
        }
    }
}

impl Error for TidyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Untidy { .. } => None,
            Self::Tree(source) => Some(source),
        }
    }
}

impl From<TreeError> for TidyError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

fn check_files(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        files.iter().flat_map(|file| CHECKS.iter().flat_map(move |check| check(&file.path, &file.text))).collect();
    findings.extend(check_decisions(files));
    findings
}

fn check_decisions(files: &[SourceFile]) -> Vec<Finding> {
    let names: Vec<&str> = files.iter().filter_map(|file| decision::record_name(&file.path)).collect();
    let index = files.iter().find(|file| file.path == decision::INDEX).map(|file| file.text.as_str());
    decision::check(&names, index)
}

#[cfg(test)]
mod tests {
    use super::finding::assert_found;
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_tidy_tree_has_no_findings() {
        let index = "- [Hashes](0001-hashes.md)\n";
        let files = [
            file("catalog/src/lib.rs", "//! What exists at which version.\n"),
            file("docs/decisions/0001-hashes.md", "# Hashes\n"),
            file("docs/decisions/README.md", index),
        ];
        assert_found(&check_files(&files), &[]);
    }

    #[test]
    fn each_file_is_put_to_every_check_and_decisions_to_their_index() {
        let files = [
            file("catalog/src/utils.rs", "use datafusion::prelude::*; \n"),
            file("docs/decisions/0001-hashes.md", "# Hashes\n"),
        ];
        let found: Vec<String> = check_files(&files).iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
    }
}
