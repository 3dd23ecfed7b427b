//! `frostline demo`.
use crate::args::DemoArguments;
use crate::context::Context;
use crate::exit::Failure;
pub(crate) async fn run(_context: &Context, _arguments: DemoArguments) -> Result<(), Failure> { Ok(()) }
