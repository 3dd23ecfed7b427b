//! The shell: statements and commands typed at a terminal.
//!
//! ```text
//!              ┌ highlight (colours)       scan      the pieces of a text: words, strings, comments
//! line editor ─┼ validate (is it all?)     keyword   the words of SQL
//!              ├ complete (Tab)            meta      `\d`, `.tables` and the like
//!              └ history (a file)
//! ```
//!
//! * A statement ends with `;` and may span lines. Ctrl-C drops what is typed, or cancels the statement that runs, and
//!   never leaves the shell. Ctrl-D leaves it.
//! * An error is shown, and the shell goes on.
//! * After each result it says which version was read, and how long that took.
//! * The prompt shows an open transaction, `frostline*>`, and one that only ROLLBACK ends, `frostline!>`. Who leaves
//!   the shell in one leaves it rolled back.

mod complete;
mod highlight;
mod history;
mod keyword;
mod meta;
mod scan;
mod validate;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use frostline_sql::{Lake, TransactionStatus};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Editor, Helper};

use crate::args::VERSION;
use crate::command::read_script;
use crate::context::Context;
use crate::exit::Failure;
use crate::message;
use crate::output::{OutputError, OutputFormat, OutputOptions, Screen, Target};
use crate::script::{Notes, Results, Runner, Text};

use complete::Names;
use history::HistoryFile;
use meta::Meta;

/// What stands before an input: outside of a transaction, in one, and in one that failed.
const PROMPT: &str = "frostline> ";
const PROMPT_IN_TRANSACTION: &str = "frostline*> ";
const PROMPT_IN_FAILED_TRANSACTION: &str = "frostline!> ";

/// Runs the shell until the user leaves it.
pub(crate) async fn run(context: &Context, lake: &Lake, runner: Runner, format: OutputFormat) -> Result<(), Failure> {
    context.interrupts.enter_shell();
    let mut editor = open_editor(lake).map_err(|source| Failure::Terminal { source })?;
    let history = HistoryFile::of_user();
    history.load(&mut editor);
    greet(context, lake);

    let mut shell = Shell { context, runner, format };
    shell.runner.notes = Notes::VersionAndTime;
    loop {
        let input = match editor.readline(shell.prompt()) {
            Ok(input) => input,
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Eof) => {
                shell.leave();
                return Ok(());
            }
            Err(source) => return Err(Failure::Terminal { source }),
        };
        let input = input.trim();
        if input.is_empty() {
            continue;
        }
        history.add(&mut editor, input);
        match shell.obey(input).await {
            Ok(Next::Prompt) => {}
            Ok(Next::Leave) => {
                shell.leave();
                return Ok(());
            }
            Err(failure) if failure.is_closed_pipe() => return Err(failure),
            Err(failure) if failure.is_interrupt() => message::cancelled(&failure),
            Err(failure) => message::failed(&failure),
        }
    }
}

struct Shell<'a> {
    context: &'a Context,
    runner: Runner,
    format: OutputFormat,
}

/// What follows an input.
enum Next {
    Prompt,
    Leave,
}

impl Shell<'_> {
    fn prompt(&self) -> &'static str {
        match self.runner.transaction() {
            TransactionStatus::None => PROMPT,
            TransactionStatus::Open => PROMPT_IN_TRANSACTION,
            TransactionStatus::Failed => PROMPT_IN_FAILED_TRANSACTION,
        }
    }

    fn leave(&self) {
        if self.runner.roll_back() {
            message::rolled_back();
        }
    }

    async fn obey(&mut self, input: &str) -> Result<Next, Failure> {
        let Some(command) = meta::parse(input) else {
            self.run_sql(input).await?;
            return Ok(Next::Prompt);
        };
        match command.map_err(|error| Failure::usage(error.to_string()))? {
            Meta::Quit => return Ok(Next::Leave),
            Meta::Help => print(meta::HELP)?,
            Meta::Tables => self.run_sql("SHOW TABLES").await?,
            Meta::Describe(name) => self.run_sql(&format!("DESCRIBE {name}")).await?,
            Meta::Definition(name) => self.run_sql(&format!("SHOW CREATE TABLE {name}")).await?,
            Meta::Run(file) => {
                let text = read_script(Path::new(&file))?;
                self.run_text(&text).await?;
            }
            Meta::Format(format) if format.holds_one_result() => {
                return Err(Failure::usage(format!("{format} is not for terminals; run `frostline sql` with -o FILE")));
            }
            Meta::Format(format) => self.format = format,
            Meta::Timing(wanted) => self.set_timing(wanted),
        }
        Ok(Next::Prompt)
    }

    async fn run_sql(&self, sql: &str) -> Result<(), Failure> {
        self.run_text(&Text { name: None, sql: sql.to_owned() }).await
    }

    async fn run_text(&self, text: &Text) -> Result<(), Failure> {
        self.context.interrupts.forget();
        let target = Target::Stdout;
        // Asked anew each time: the window may have changed.
        let screen = Screen::of(&target);
        let mut results = Results::open(&OutputOptions { format: self.format, target, screen })?;
        self.runner.run(text, &mut results).await?;
        results.finish()
    }

    fn set_timing(&mut self, wanted: Option<bool>) {
        let is_on = wanted.unwrap_or(self.runner.notes != Notes::VersionAndTime);
        self.runner.notes = if is_on { Notes::VersionAndTime } else { Notes::Version };
        message::say(if is_on { "timing is on" } else { "timing is off" });
    }
}

fn greet(context: &Context, lake: &Lake) {
    let version = lake.state().head().version.map_or(0, |version| version.number());
    message::say(&format!("frostline {VERSION}"));
    message::say(&format!("lake {} at version {version}; \\? for help, \\q to leave", context.location));
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let outcome = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    outcome.map_err(|source| Failure::Output(OutputError::Write { target: Target::Stdout, source }))
}

fn open_editor(lake: &Lake) -> rustyline::Result<Editor<Assistant, DefaultHistory>> {
    let has_colours = message::colours();
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .color_mode(if has_colours { ColorMode::Enabled } else { ColorMode::Disabled })
        .max_history_size(history::ENTRIES_MAX)?
        .build();
    let mut editor: Editor<Assistant, DefaultHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant { lake: lake.clone(), has_colours }));
    Ok(editor)
}

/// What the line editor asks while the user types.
struct Assistant {
    lake: Lake,
    has_colours: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _history: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete::complete(line, position, &Names::of(&self.lake.state())))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        if self.has_colours { Cow::Owned(highlight::highlight(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _line: &str, _position: usize, kind: CmdKind) -> bool {
        self.has_colours && kind != CmdKind::MoveCursor
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if validate::is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}
