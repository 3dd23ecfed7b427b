//! What can be wrong with a statement's text, and what to write instead.

use std::fmt;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::ObjectName;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location, TokenizerError};

/// A place in the text that was given: line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    line: u64,
    column: u64,
}

impl Position {
    /// The place of a token, or `None` for a token that the text does not hold.
    pub(crate) fn of(location: Location) -> Option<Self> {
        (location.line > 0).then_some(Self { line: location.line, column: location.column })
    }

    /// The place where a name begins, if the syntax tree knows it.
    pub(crate) fn of_name(name: &ObjectName) -> Option<Self> {
        name.0.first().and_then(|part| part.as_ident()).and_then(|ident| Self::of(ident.span.start))
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> u64 {
        self.column
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a statement was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is not SQL as Frostline reads it.
    #[error("{}syntax error: {message}", before(.at))]
    Syntax {
        /// Where reading stopped.
        at: Option<Position>,
        /// What was expected and what was found.
        message: String,
    },
    /// A version clause in a form or a place that is not accepted. Never read as the newest data.
    #[error("{}{found}; {instead}", before(.at))]
    VersionForm {
        /// Where the clause begins.
        at: Option<Position>,
        /// What was written.
        found: String,
        /// The nearest accepted form.
        instead: String,
    },
    /// A statement or an option of one that Frostline does not execute.
    #[error("{what} is not supported; {instead}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What to do instead.
        instead: String,
    },
    /// Both `?` and `$1` stand for parameters in one statement, so their numbers would be a guess.
    #[error("{}the statement mixes `?` and `$n` parameters; use one style throughout", before(.at))]
    MixedParameters {
        /// The first parameter of the second style.
        at: Option<Position>,
    },
    /// One statement was asked for, and the text holds none.
    #[error("the text holds no statement; write one SQL statement")]
    NoStatement,
    /// One statement was asked for, and the text holds more.
    #[error("{}a second statement begins here; give one statement at a time, or run the text as a script", before(.at))]
    SeveralStatements {
        /// Where the second statement begins.
        at: Option<Position>,
    },
}

impl ParseError {
    /// A refusal of something that Frostline does not execute.
    pub(crate) fn unsupported(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), instead: instead.into() }
    }

    /// A mistake at a place of the text.
    pub(crate) fn syntax(location: Location, message: impl Into<String>) -> Self {
        Self::Syntax { at: Position::of(location), message: message.into() }
    }

    /// A version clause that cannot be taken as it stands.
    pub(crate) fn version_form(at: Option<Position>, found: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::VersionForm { at, found: found.into(), instead: instead.into() }
    }
}

impl From<TokenizerError> for ParseError {
    fn from(error: TokenizerError) -> Self {
        Self::syntax(error.location, lower_first(&error.message))
    }
}

impl From<ParserError> for ParseError {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => split_location(message),
            ParserError::RecursionLimitExceeded => {
                Self::Syntax { at: None, message: "the statement is nested too deeply; split it into views".to_owned() }
            }
        }
    }
}

impl From<DataFusionError> for ParseError {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::SQL(source, _) => Self::from(*source),
            DataFusionError::Diagnostic(_, inner) => Self::from(*inner),
            DataFusionError::Context(_, inner) => Self::from(*inner),
            other => Self::Syntax { at: None, message: other.strip_backtrace() },
        }
    }
}

/// The prefix of a message about a place that is known.
fn before(at: &Option<Position>) -> String {
    match at {
        Some(position) => format!("{position}: "),
        None => String::new(),
    }
}

/// Takes the place out of a message of the parser, which ends in ` at Line: 1, Column: 8`.
fn split_location(message: String) -> ParseError {
    let found: Option<(usize, Location)> = message.rfind(" at Line: ").and_then(|start| {
        let (line, column) = message[start..].strip_prefix(" at Line: ")?.split_once(", Column: ")?;
        Some((start, Location::new(line.parse::<u64>().ok()?, column.parse::<u64>().ok()?)))
    });
    match found {
        Some((start, location)) => ParseError::syntax(location, lower_first(&message[..start])),
        None => ParseError::Syntax { at: None, message: lower_first(&message) },
    }
}

/// The parser's messages begin with a capital letter; ours do not.
fn lower_first(message: &str) -> String {
    let message =
        message.trim_start_matches("sql parser error: ").replace("found: EOF", "found: the end of the statement");
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => message,
    }
}
