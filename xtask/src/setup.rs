//! What the tests need besides Rust: a virtual environment with the Python packages of `requirements.txt`.
//!
//! The environment stands in `target/venv`. A copy of the requirements inside it is its stamp: it is written last, so
//! an environment that was only half made has none, and is made again.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{self, ProgramError};

/// Makes what is missing or stale; does nothing otherwise.
pub(crate) fn prepare(root: &Path) -> Result<(), SetupError> {
    let requirements_path = root.join("requirements.txt");
    let venv = root.join("target").join("venv");
    let stamp_path = venv.join("requirements.stamp");

    let requirements = read_if_present(&requirements_path)?;
    let stamp = read_if_present(&stamp_path)?;
    match plan(requirements, stamp.as_deref()) {
        Plan::Nothing => println!("nothing to set up"),
        Plan::Keep => println!("{} is up to date", venv.display()),
        Plan::Make { stamp } => {
            println!("making {}", venv.display());
            program::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            program::run(Command::new(venv.join("bin").join("python")).args(install).arg(&requirements_path))?;
            fs::write(&stamp_path, stamp).map_err(|source| SetupError::File { path: stamp_path, source })?;
        }
    }
    Ok(())
}

/// Why the set-up failed.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// The requirements or the stamp cannot be read or written.
    File { path: PathBuf, source: io::Error },
    /// Python or pip failed.
    Program(ProgramError),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "cannot read or write {}", path.display()),
            Self::Program(_) => f.write_str("cannot make the python environment of the tests"),
        }
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Program(source) => Some(source),
        }
    }
}

impl From<ProgramError> for SetupError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Nothing,
    Keep,
    Make { stamp: String },
}

fn plan(requirements: Option<String>, stamp: Option<&str>) -> Plan {
    match requirements {
        None => Plan::Nothing,
        Some(requirements) if stamp == Some(requirements.as_str()) => Plan::Keep,
        Some(requirements) => Plan::Make { stamp: requirements },
    }
}

fn read_if_present(path: &Path) -> Result<Option<String>, SetupError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SetupError::File { path: path.to_path_buf(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requirements: Option<&str>, stamp: Option<&str>, expected: Plan) {
        assert_eq!(plan(requirements.map(str::to_owned), stamp), expected);
    }

    #[test]
    fn a_tree_without_requirements_needs_nothing() {
        check(None, None, Plan::Nothing);
        check(None, Some("duckdb==1\n"), Plan::Nothing);
    }

    #[test]
    fn the_environment_is_made_when_its_stamp_is_absent_or_another() {
        check(Some("duckdb==2\n"), None, Plan::Make { stamp: "duckdb==2\n".to_owned() });
        check(Some("duckdb==2\n"), Some("duckdb==1\n"), Plan::Make { stamp: "duckdb==2\n".to_owned() });
        check(Some("duckdb==2\n"), Some("duckdb==2\n"), Plan::Keep);
    }
}
