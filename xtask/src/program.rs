//! Running another program and telling how it ended.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

/// Runs a program to its end. It writes where we write, and reads nothing.
pub(crate) fn run(command: &mut Command) -> Result<(), ProgramError> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ProgramError::Failed { program, status }),
        Err(source) => Err(ProgramError::NotStarted { program, source }),
    }
}

/// Why a program did not do its work.
#[derive(Debug)]
pub(crate) enum ProgramError {
    /// It could not be started, for example because it is not installed.
    NotStarted { program: String, source: io::Error },
    /// It ended with a failure, which it has told on its own output.
    Failed { program: String, status: ExitStatus },
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { program, .. } => write!(f, "cannot start `{program}`; is it installed?"),
            Self::Failed { program, status } => write!(f, "`{program}` failed with {status}"),
        }
    }
}

impl Error for ProgramError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotStarted { source, .. } => Some(source),
            Self::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_installed_is_named() {
        let error = run(&mut Command::new("frostline-no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `frostline-no-such-program`; is it installed?");
    }
}
