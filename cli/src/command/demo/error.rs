//! What ends the demo before its end.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use frostline_datasets::FlightsError;

use crate::exit::Failure;

/// Why the demo cannot be told to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// What was shown is not what was claimed.
    #[error("the demo claims that {claim}, and here it does not hold; please report it with the output above")]
    Claim {
        /// What should hold.
        claim: &'static str,
    },
    /// An answer has no such number.
    #[error("an answer of the demo has no number `{column}` in row {row}; please report it")]
    NoNumber {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
    },
    /// A folder or a file cannot be used.
    #[error("cannot {action} `{}`; check that it may be used and that there is room", path.display())]
    Folder {
        /// What was tried: `read`, `create`, …
        action: &'static str,
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The flights cannot be had.
    #[error(transparent)]
    Flights(#[from] FlightsError),
    /// The flights do not make rows of the table.
    #[error("the flights do not make rows of the table; please report it")]
    Rows(#[from] ArrowError),
}

impl DemoError {
    /// For `map_err`: what was tried with a folder or file that cannot be used.
    pub(super) fn folder(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Folder { action, path, source }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Self::Demo(Box::new(error))
    }
}

/// Fails unless a claim holds.
pub(super) fn ensure(holds: bool, claim: &'static str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(DemoError::Claim { claim }.into()) }
}
