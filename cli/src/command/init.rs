//! `frostline init`: create a lake.

use frostline_sql::{CreateOptions, Lake};

use crate::context::Context;
use crate::exit::Failure;
use crate::message;

/// Creates the lake. It fails where there is one already, and leaves that one as it is.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let id = context.writing(Lake::create(&context.location, CreateOptions::default())).await??;
    message::say(&format!("version 1: create lake {id} at {}", context.location));
    Ok(())
}
