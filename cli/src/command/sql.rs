//! `frostline sql`, and `frostline` alone: statements from the command line, from files or from standard input, or
//! typed into the shell.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::args::SqlArguments;
use crate::context::Context;
use crate::exit::Failure;
use crate::message;
use crate::output::{OutputFormat, OutputOptions, Screen, Target};
use crate::parameter;
use crate::script::{Results, Runner, Text};
use crate::shell;

/// Runs the statements, or the shell if there are none and a person sits at the terminal.
pub(crate) async fn run(context: &Context, arguments: SqlArguments) -> Result<(), Failure> {
    let parameters = parameter::collect(&arguments.parameters)?;
    let target = match &arguments.output {
        Some(path) => Target::File(path.clone()),
        None => Target::Stdout,
    };
    let format = OutputFormat::choose(arguments.format, &target);
    if format.holds_one_result() && target.is_terminal() {
        return Err(Failure::usage(format!("{format} is not for terminals; write it to a file with -o FILE")));
    }
    let for_shell = wants_shell(&arguments);
    if for_shell && arguments.output.is_some() {
        return Err(Failure::usage("-o needs statements: give them with -c, -f or on standard input"));
    }

    let texts: Vec<Text> = if for_shell { Vec::new() } else { read_texts(&arguments)? };
    if !for_shell {
        parameter::check_used(&parameters, &texts)?;
    }
    let lake = context.open_lake().await?;
    let mut session = context.session(&lake, &arguments.attribution, arguments.as_of.as_deref()).await?;
    if !arguments.commands.is_empty() {
        // Its first statement was there before the lake was opened, and asks for nothing that came later.
        session = session.starting_as_opened();
    }
    let runner = Runner::new(context, &lake, session, parameters);
    let outcome = if for_shell {
        shell::run(context, &lake, runner, format).await
    } else {
        let screen = Screen::of(&target);
        run_texts(&runner, &texts, &OutputOptions { format, target, screen }).await
    };
    // What was interrupted may still keep the threads busy that would write a checkpoint; a later commit writes one.
    if !outcome.as_ref().is_err_and(|failure| failure.is_interrupt()) {
        context.settle(&lake).await;
    }
    outcome
}

/// Runs texts in order. A file for results is put in place only if all succeed. A transaction that is open at the end
/// is rolled back, and that is a failure.
async fn run_texts(runner: &Runner, texts: &[Text], options: &OutputOptions) -> Result<(), Failure> {
    let mut results = Results::open(options)?;
    for text in texts {
        if let Err(failure) = runner.run(text, &mut results).await {
            if runner.roll_back() {
                message::rolled_back();
            }
            return Err(failure);
        }
    }
    match runner.roll_back() {
        true => Err(Failure::OpenTransaction),
        false => results.finish(),
    }
}

fn wants_shell(arguments: &SqlArguments) -> bool {
    let has_statements = !arguments.commands.is_empty() || !arguments.files.is_empty();
    !has_statements && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// All that is to be run. A file that cannot be read is found here, before any statement runs.
fn read_texts(arguments: &SqlArguments) -> Result<Vec<Text>, Failure> {
    if !arguments.commands.is_empty() {
        return Ok(arguments.commands.iter().map(|sql| Text { name: None, sql: sql.clone() }).collect());
    }
    if arguments.files.is_empty() {
        return Ok(vec![read_stdin()?]);
    }
    let is_stdin = |path: &Path| path.as_os_str() == "-";
    if arguments.files.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Failure::usage("standard input (-f -) can be read only once"));
    }
    arguments.files.iter().map(|path| if is_stdin(path) { read_stdin() } else { read_script(path) }).collect()
}

/// The statements of a file.
pub(crate) fn read_script(path: &Path) -> Result<Text, Failure> {
    match fs::read_to_string(path) {
        Ok(sql) => Ok(Text { name: Some(path.display().to_string()), sql: without_mark(sql) }),
        Err(source) => Err(Failure::Script { place: format!("`{}`", path.display()), source }),
    }
}

fn read_stdin() -> Result<Text, Failure> {
    let name = "standard input";
    let mut sql = String::new();
    match io::stdin().read_to_string(&mut sql) {
        Ok(_) => Ok(Text { name: Some(name.to_owned()), sql: without_mark(sql) }),
        Err(source) => Err(Failure::Script { place: name.to_owned(), source }),
    }
}

/// The text without the byte order mark that some editors put before it.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
