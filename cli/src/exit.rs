//! Why a command stopped, and what its process tells the one that started it.

use std::error::Error;
use std::io;

use frostline_catalog::{AsOfError, SealedError};
use frostline_engine::import::ImportError;
use frostline_server::config::ConfigError;
use frostline_server::tls::TlsError;
use frostline_server::{ServeError, TokenError};
use frostline_sql::ErrorKind;
use frostline_sql::parse::ParseError;
use rustyline::error::ReadlineError;

use crate::output::OutputError;

/// The statement, or what it reads, is at fault.
const STATEMENT: u8 = 1;
/// The command line is at fault.
pub(crate) const USAGE: u8 = 2;
/// Another transaction won, or it is not known whether this one did.
const CONFLICT: u8 = 3;
/// There is no lake, or none that this release can read.
const LAKE: u8 = 4;
/// The store refused, and nothing was committed.
const STORE: u8 = 5;
/// Ctrl-C, as shells count it: 128 and the number of the signal.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine says no.
    #[error(transparent)]
    Engine(#[from] frostline_sql::Error),

    /// A statement cannot be read.
    #[error(transparent)]
    Parse(Box<ParseError>),

    /// A result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),

    /// Files cannot be imported.
    #[error(transparent)]
    Import(Box<ImportError>),

    /// A version is not there.
    #[error(transparent)]
    Version(Box<AsOfError>),

    /// A table is not there, nor was it ever.
    #[error("table `{name}` was never in this lake; {}", nearest_name(nearest.as_deref()))]
    NoTable {
        /// The name asked for.
        name: String,
        /// The table whose name is nearest.
        nearest: Option<String>,
    },

    /// A statement of a script failed.
    #[error("{place}")]
    At {
        /// The script, and the line if it is known.
        place: String,
        /// Why it failed.
        source: Box<Failure>,
    },

    /// A script does not end what it began.
    #[error("the statements end inside a transaction, which was rolled back; COMMIT would have kept what it did")]
    OpenTransaction,

    /// A script cannot be read.
    #[error("cannot read {place}; check that it exists, may be read, and is text in UTF-8")]
    Script {
        /// The file, or standard input.
        place: String,
        /// What the system said.
        source: io::Error,
    },

    /// The command line asks for what cannot be done.
    #[error("{problem}")]
    Usage {
        /// What is wrong and what to do.
        problem: String,
    },

    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted {
        /// Whether the statement may have committed all the same.
        may_have_committed: bool,
    },

    /// The shell cannot read from the terminal.
    #[error("the terminal cannot be read; give statements with -c, -f or on standard input")]
    Terminal {
        /// Why.
        source: ReadlineError,
    },

    /// The settings cannot be obeyed.
    #[error(transparent)]
    Config(Box<ConfigError>),

    /// A token is not made or revoked.
    #[error(transparent)]
    Token(Box<TokenError>),

    /// A certificate is not made.
    #[error(transparent)]
    Tls(Box<TlsError>),

    /// The lake is not served, or no more.
    #[error(transparent)]
    Serve(Box<ServeError>),

    /// The demo did not go as told.
    #[error(transparent)]
    Demo(Box<dyn Error + Send + Sync>),

    /// The process cannot start its threads.
    #[error("cannot start; check the limits on processes and memory")]
    Runtime {
        /// Why.
        source: io::Error,
    },
}

impl Failure {
    /// A command line that cannot be obeyed.
    pub(crate) fn usage(problem: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into() }
    }

    /// The same failure, of a statement at this place.
    pub(crate) fn at(self, place: String) -> Self {
        Self::At { place, source: Box::new(self) }
    }

    /// Whether whoever read the output has closed it. No failure: the process ends with 0 and says nothing.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(OutputError::ClosedPipe) => true,
            Self::At { source, .. } => source.is_closed_pipe(),
            _ => false,
        }
    }

    /// Whether Ctrl-C was the reason.
    pub(crate) fn is_interrupt(&self) -> bool {
        match self {
            Self::Interrupted { .. } => true,
            Self::At { source, .. } => source.is_interrupt(),
            _ => false,
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Engine(error) => code_of_kind(error.kind()),
            Self::Output(error) => code_of_output(error),
            Self::At { source, .. } => source.exit_code(),
            Self::Parse(_)
            | Self::Import(_)
            | Self::Version(_)
            | Self::NoTable { .. }
            | Self::OpenTransaction
            | Self::Script { .. }
            | Self::Demo(_) => STATEMENT,
            Self::Usage { .. } | Self::Config(_) | Self::Tls(_) => USAGE,
            Self::Token(error) => code_of_token(error),
            Self::Serve(error) => code_of_serve(error),
            Self::Interrupted { .. } => INTERRUPTED,
            Self::Terminal { .. } | Self::Runtime { .. } => STORE,
        }
    }

    /// What to do next, where the message alone does not tell.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Engine(error) => hint_of(error),
            Self::Token(error) => match error.as_ref() {
                TokenError::Lake(error) => hint_of(error),
                _ => None,
            },
            Self::Interrupted { may_have_committed: true } => {
                Some("if it was already committing, it may have succeeded: `frostline log` tells")
            }
            Self::At { source, .. } => source.hint(),
            _ => None,
        }
    }

    /// The failure in one line, with every cause once.
    pub(crate) fn describe(&self) -> String {
        let mut text = self.to_string();
        let mut cause: Option<&(dyn Error + 'static)> = self.source();
        while let Some(current) = cause {
            let part = current.to_string();
            if !part.is_empty() && !text.contains(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            cause = current.source();
        }
        text
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Import(Box::new(error))
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::Parse(Box::new(error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Token(Box::new(error))
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::Tls(Box::new(error))
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::Serve(Box::new(error))
    }
}

impl From<AsOfError> for Failure {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::Sealed(error) => error.into(),
            other => Self::Version(Box::new(other)),
        }
    }
}

impl From<SealedError> for Failure {
    fn from(error: SealedError) -> Self {
        Self::Engine(error.into())
    }
}

fn code_of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Statement | ErrorKind::Resources | ErrorKind::Stopped => STATEMENT,
        ErrorKind::Usage => USAGE,
        ErrorKind::Conflict | ErrorKind::Unknown => CONFLICT,
        ErrorKind::Lake => LAKE,
        ErrorKind::Store => STORE,
    }
}

fn code_of_token(error: &TokenError) -> u8 {
    match error {
        TokenError::Lake(error) => code_of_kind(error.kind()),
        TokenError::Name { .. } | TokenError::Taken { .. } | TokenError::Unknown { .. } => STATEMENT,
        TokenError::Random(_) => STORE,
    }
}

fn code_of_serve(error: &ServeError) -> u8 {
    match error {
        ServeError::OpenToAll { .. } | ServeError::Plaintext { .. } | ServeError::Tls(_) => USAGE,
        ServeError::FirstToken(error) => code_of_token(error),
        ServeError::Listen { .. } | ServeError::Flight(_) => STORE,
    }
}

fn hint_of(error: &frostline_sql::Error) -> Option<&str> {
    error.hint().or_else(|| hint_of_kind(error.kind()))
}

fn hint_of_kind(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unknown => Some("`frostline log` shows whether it was committed"),
        ErrorKind::Conflict => Some("nothing was committed: run it again"),
        ErrorKind::Statement
        | ErrorKind::Resources
        | ErrorKind::Stopped
        | ErrorKind::Usage
        | ErrorKind::Lake
        | ErrorKind::Store => None,
    }
}

/// A file that is refused for the same reasons as a commit ends the process in the same way.
fn code_of_output(error: &OutputError) -> u8 {
    match error {
        OutputError::Write { source, .. } if is_refusal(source.kind()) => STORE,
        other => other.exit_code(),
    }
}

fn is_refusal(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn nearest_name(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`SHOW TABLES` lists those that are there now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Target;

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        let kinds = [
            (ErrorKind::Statement, 1),
            (ErrorKind::Resources, 1),
            (ErrorKind::Stopped, 1),
            (ErrorKind::Usage, 2),
            (ErrorKind::Conflict, 3),
            (ErrorKind::Unknown, 3),
            (ErrorKind::Lake, 4),
            (ErrorKind::Store, 5),
        ];
        for (kind, code) in kinds {
            assert_eq!(code_of_kind(kind), code);
        }
    }

    #[test]
    fn a_full_disk_is_told_from_a_wrong_path() {
        let write = |kind: io::ErrorKind| -> u8 {
            let source = io::Error::from(kind);
            Failure::Output(OutputError::Write { target: Target::Stdout, source }).exit_code()
        };
        assert_eq!(write(io::ErrorKind::StorageFull), 5);
        assert_eq!(write(io::ErrorKind::NotFound), 1);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_wherever_it_happened() {
        let failure = Failure::Output(OutputError::ClosedPipe).at("a.sql, line 3".to_owned());
        assert!(failure.is_closed_pipe());
        assert_eq!(failure.exit_code(), 0);
    }

    #[test]
    fn a_failure_names_its_place_and_every_cause_once() {
        let source = io::Error::other("the disk is on fire");
        let failure = Failure::Script { place: "`b.sql`".to_owned(), source }.at("a.sql, line 3".to_owned());
        assert_eq!(
            failure.describe(),
            "a.sql, line 3: cannot read `b.sql`; check that it exists, may be read, and is text in UTF-8: \
             the disk is on fire"
        );
    }
}
