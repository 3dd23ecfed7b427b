//! The `frostline` command: shell, statements, import, log, verify, demo.
//!
//! ```text
//! args ──▶ command/ ──▶ script ──▶ the sql crate's door ──▶ output/ ──▶ standard output
//!             │            │
//!             └─ shell/ ───┘            message, progress ──▶ standard error          exit ──▶ exit code
//! ```
//!
//! * Standard output carries results and nothing else.
//! * Exit codes: 0 done; 1 the statement or its input; 2 usage; 3 conflict, or an outcome not known; 4 the lake;
//!   5 the store refused and nothing was committed; 130 interrupted.
//! * A reader that closes the pipe is no error.

mod args;
mod command;
mod context;
mod exit;
mod interrupt;
mod message;
mod output;
mod parameter;
mod progress;
mod script;
mod serve_flags;
mod shell;
mod store;
mod user;

use std::env;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use frostline_server::config::{Config, ConfigFile, LogFormat};
use mimalloc::MiMalloc;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command};
use exit::{Failure, USAGE};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Plans of deep queries recurse, and unoptimised builds have large frames.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help that nobody reads any more is no error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            message::failed(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let asked = arguments.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let file = ConfigFile::find(asked)?;
    let config = Config::resolve(&arguments.settings(), |name| env::var(name).ok(), file.as_ref())?;
    start_tracing(&arguments, config.log_format()?);
    let runtime = start_runtime()?;
    let outcome = runtime.block_on(command::run(arguments, config));
    // What was interrupted may still be reading a file; nobody waits for it.
    runtime.shutdown_background();
    outcome
}

fn start_runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|source| Failure::Runtime { source })
}

/// Diagnostics go to standard error: warnings, more with `-v`, or what `RUST_LOG` asks for. A server also says each
/// statement.
fn start_tracing(arguments: &Arguments, format: LogFormat) {
    let level = match arguments.verbose {
        0 if matches!(arguments.command, Some(Command::Serve(_))) => "warn,frostline=info,frostline_server=info",
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let directives = env::var("RUST_LOG").ok().filter(|text| !text.is_empty()).unwrap_or_else(|| level.to_owned());
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(directives)).with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(message::colours()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init(),
    };
    // It fails only where there is a subscriber already, and then that one does.
    drop(started);
}
