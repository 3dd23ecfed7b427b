//! The commands, one file each.

mod cells;
mod config;
mod demo;
mod diff;
mod import;
mod init;
mod lines;
mod log;
mod serve;
mod show;
mod sql;
mod tag;
mod tls;
mod token;
mod verify;

pub(crate) use sql::read_script;

use frostline_server::config::Config;

use crate::args::{Arguments, Command, SqlArguments};
use crate::context::Context;
use crate::exit::Failure;

/// Does what a command line asks for. Must be called within the runtime.
pub(crate) async fn run(arguments: Arguments, config: Config) -> Result<(), Failure> {
    let context = Context::new(&arguments, config)?;
    match arguments.command {
        None => sql::run(&context, SqlArguments::default()).await,
        Some(Command::Init(arguments)) => init::run(&context, arguments).await,
        Some(Command::Sql(arguments)) => sql::run(&context, arguments).await,
        Some(Command::Import(arguments)) => import::run(&context, arguments).await,
        Some(Command::Log(arguments)) => log::run(&context, arguments).await,
        Some(Command::Show(arguments)) => show::run(&context, arguments).await,
        Some(Command::Diff(arguments)) => diff::run(&context, arguments).await,
        Some(Command::Tag(arguments)) => tag::run(&context, arguments).await,
        Some(Command::Verify(arguments)) => verify::run(&context, arguments).await,
        Some(Command::Serve(_)) => serve::run(&context).await,
        Some(Command::Token(arguments)) => token::run(&context, arguments).await,
        Some(Command::Config(arguments)) => config::run(&context, &arguments),
        Some(Command::Tls(arguments)) => tls::run(&arguments),
        Some(Command::Demo(arguments)) => demo::run(&context, arguments).await,
    }
}
