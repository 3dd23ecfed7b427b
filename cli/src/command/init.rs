//! `frostline init`: create a lake.

use frostline_sql::{CreateOptions, Lake};

use crate::args::InitArguments;
use crate::context::Context;
use crate::exit::Failure;
use crate::message;

/// Creates the lake. It fails where there is one already, and leaves that one as it is.
pub(crate) async fn run(context: &Context, arguments: InitArguments) -> Result<(), Failure> {
    let attribution = arguments.attribution;
    let options = CreateOptions {
        author: attribution.author(),
        message: attribution.message().unwrap_or_default().to_owned(),
        allow_asserted_times: arguments.allow_asserted_times,
        require_message: arguments.require_message,
        store: context.store.clone(),
        ..CreateOptions::default()
    };
    let id = context.writing(Lake::create(&context.location, options)).await??;
    message::say(&format!("version 1: create lake {id} at {}", context.location));
    Ok(())
}
