//! The commands, one file each.

mod cells;
mod demo;
mod import;
mod init;
mod lines;
mod log;
mod show;
mod sql;
mod tag;
mod verify;

pub(crate) use sql::read_script;

use crate::args::{Arguments, Command, SqlArguments};
use crate::context::Context;
use crate::exit::Failure;

/// Does what a command line asks for. Must be called within the runtime.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let context = Context::new(&arguments);
    match arguments.command {
        None => sql::run(&context, SqlArguments::default()).await,
        Some(Command::Init(arguments)) => init::run(&context, arguments).await,
        Some(Command::Sql(arguments)) => sql::run(&context, arguments).await,
        Some(Command::Import(arguments)) => import::run(&context, arguments).await,
        Some(Command::Log(arguments)) => log::run(&context, arguments).await,
        Some(Command::Show(arguments)) => show::run(&context, arguments).await,
        Some(Command::Tag(arguments)) => tag::run(&context, arguments).await,
        Some(Command::Verify(arguments)) => verify::run(&context, arguments).await,
        Some(Command::Demo(arguments)) => demo::run(&context, arguments).await,
    }
}
