//! Commands of the shell itself, as users of psql and of DuckDB expect them.

use clap::ValueEnum;

use crate::output::OutputFormat;

/// What `\?` shows.
pub(super) const HELP: &str = r"Statements end with ; and may span lines. Read the past with AS OF behind a table:
  SELECT * FROM t AS OF VERSION 42;     also AS OF TAG 'name', AS OF TIMESTAMP '2013-07-10'

  \d            .tables          list the tables; \dt is the same
  \d TABLE      .describe TABLE  the columns of a table
  \sf TABLE     .schema TABLE    the statement that creates a table
  \i FILE       .read FILE       run the statements of a file
  \format NAME  .mode NAME       write results as box, csv, tsv, json, jsonl or markdown
  \timing       .timer on|off    say how long statements take, or not
  \? \h         .help            this help
  \q            .quit .exit      leave, as Ctrl-D does

Tab completes names and keywords. Ctrl-C cancels the statement, or drops what is typed.
";

/// A command of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meta {
    /// Leave.
    Quit,
    /// Show the help.
    Help,
    /// List the tables.
    Tables,
    /// Show the columns of a table. The name is SQL as typed, and may have a version clause.
    Describe(String),
    /// Show the statement that creates a table.
    Definition(String),
    /// Run the statements of a file.
    Run(String),
    /// Write results in another format.
    Format(OutputFormat),
    /// Show times, or do not; without a choice, the other way round.
    Timing(Option<bool>),
}

/// Why a command is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetaError {
    /// There is no such command.
    #[error("there is no command `{command}`; `\\?` lists them")]
    Unknown {
        /// The command.
        command: String,
    },
    /// It lacks what it needs.
    #[error("`{command}` needs {needed}")]
    Missing {
        /// The command.
        command: String,
        /// What it needs, with an example.
        needed: &'static str,
    },
    /// It was given what it cannot use.
    #[error("`{command}` cannot use `{argument}`; it takes {expected}")]
    Argument {
        /// The command.
        command: String,
        /// What it was given.
        argument: String,
        /// What it takes.
        expected: &'static str,
    },
}

/// Whether an input is for the shell itself.
pub(super) fn is_meta(input: &str) -> bool {
    let input = input.trim();
    input.starts_with(['\\', '.']) || bare_word(input).is_some()
}

/// The command that an input is; `None` if it is SQL.
pub(super) fn parse(input: &str) -> Option<Result<Meta, MetaError>> {
    let input = input.trim();
    if let Some(meta) = bare_word(input) {
        return Some(Ok(meta));
    }
    if !input.starts_with(['\\', '.']) {
        return None;
    }
    let input = input.trim_end_matches(';').trim_end();
    let (command, argument) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
    Some(obey(command, argument.trim()))
}

/// Words that leave or help without a sign before them, as long as they stand alone.
fn bare_word(input: &str) -> Option<Meta> {
    match input.trim_end_matches(';').trim_end().to_ascii_lowercase().as_str() {
        "exit" | "quit" => Some(Meta::Quit),
        "help" => Some(Meta::Help),
        _ => None,
    }
}

fn obey(command: &str, argument: &str) -> Result<Meta, MetaError> {
    let needs = |needed: &'static str| -> Result<String, MetaError> {
        if argument.is_empty() {
            Err(MetaError::Missing { command: command.to_owned(), needed })
        } else {
            Ok(argument.to_owned())
        }
    };
    let alone = |meta: Meta| -> Result<Meta, MetaError> {
        if argument.is_empty() { Ok(meta) } else { Err(unusable(command, argument, "nothing behind it")) }
    };
    match command {
        "\\q" | "\\quit" | ".q" | ".quit" | ".exit" => alone(Meta::Quit),
        "\\?" | "\\h" | "\\help" | ".help" | ".h" => Ok(Meta::Help),
        "\\d" if argument.is_empty() => Ok(Meta::Tables),
        "\\dt" | ".tables" => alone(Meta::Tables),
        "\\d" | "\\d+" | ".describe" => needs("a table: `\\d TABLE`").map(Meta::Describe),
        "\\sf" | ".schema" => needs("a table: `.schema TABLE`").map(Meta::Definition),
        "\\i" | ".read" => needs("a file: `\\i FILE`").map(|file| Meta::Run(unquoted(&file).to_owned())),
        "\\format" | ".mode" => {
            let name = needs("a format: `.mode csv`")?;
            OutputFormat::from_str(&name, true)
                .map(Meta::Format)
                .map_err(|_| unusable(command, argument, "box, csv, tsv, json, jsonl or markdown"))
        }
        "\\timing" | ".timer" => match argument.to_ascii_lowercase().as_str() {
            "" => Ok(Meta::Timing(None)),
            "on" => Ok(Meta::Timing(Some(true))),
            "off" => Ok(Meta::Timing(Some(false))),
            _ => Err(unusable(command, argument, "on or off")),
        },
        _ => Err(MetaError::Unknown { command: command.to_owned() }),
    }
}

fn unusable(command: &str, argument: &str, expected: &'static str) -> MetaError {
    MetaError::Argument { command: command.to_owned(), argument: argument.to_owned(), expected }
}

/// A path without the quotes that may stand around it.
fn unquoted(path: &str) -> &str {
    let within = |quote: char| path.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('\'').or_else(|| within('"')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Meta) {
        assert_eq!(parse(input), Some(Ok(expected)), "{input}");
        assert!(is_meta(input), "{input}");
    }

    fn refused(input: &str) -> String {
        match parse(input) {
            Some(Err(error)) => error.to_string(),
            _ => String::new(),
        }
    }

    #[test]
    fn both_dialects_are_understood() {
        check("\\q", Meta::Quit);
        check(".exit", Meta::Quit);
        check("quit;", Meta::Quit);
        check("\\d", Meta::Tables);
        check(".tables", Meta::Tables);
        check("\\d flights AS OF VERSION 3;", Meta::Describe("flights AS OF VERSION 3".to_owned()));
        check(".schema flights", Meta::Definition("flights".to_owned()));
        check("\\i 'my file.sql'", Meta::Run("my file.sql".to_owned()));
        check(".mode JSON", Meta::Format(OutputFormat::Json));
        check("\\timing", Meta::Timing(None));
        check(".timer off", Meta::Timing(Some(false)));
    }

    #[test]
    fn what_is_not_understood_says_what_is() {
        assert_eq!(refused("\\x"), "there is no command `\\x`; `\\?` lists them");
        assert_eq!(refused(".schema"), "`.schema` needs a table: `.schema TABLE`");
        assert_eq!(refused(".mode xml"), "`.mode` cannot use `xml`; it takes box, csv, tsv, json, jsonl or markdown");
    }

    #[test]
    fn sql_is_left_alone() {
        assert_eq!(parse("SELECT 1;"), None);
        assert_eq!(parse("help me"), None);
        assert!(!is_meta("explain SELECT 1"));
    }
}
