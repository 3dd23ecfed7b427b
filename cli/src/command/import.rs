//! `frostline import`: files into a table, in one commit.

use std::panic;
use std::sync::Arc;

use frostline_engine::import::{Progress, SourceFile, resolve_sources};
use frostline_sql::{Answer, ImportRequest};

use crate::args::ImportArguments;
use crate::context::Context;
use crate::exit::Failure;
use crate::message;
use crate::progress::ImportProgress;

/// Imports the files. Nothing is committed if any of them is bad.
pub(crate) async fn run(context: &Context, arguments: ImportArguments) -> Result<(), Failure> {
    let options = arguments.options();
    if let Err(error) = options.check() {
        return Err(Failure::usage(Failure::from(error).describe()));
    }
    let (names, format) = (arguments.files.clone(), arguments.format);
    // Pipes are read to their ends here, which may take as long as whoever writes to them.
    let found = tokio::task::spawn_blocking(move || resolve_sources(&names, format));
    let found = context.reading(found).await?;
    let files: Vec<SourceFile> = found.unwrap_or_else(|broken| panic::resume_unwind(broken.into_panic()))?;
    let bytes_total: u64 = files.iter().map(|file| file.size_bytes).sum();

    let lake = context.open_lake().await?;
    let before = lake.requests();
    let request = ImportRequest {
        import: options,
        declared: arguments.schema.clone(),
        author: arguments.attribution.author(),
        message: arguments.attribution.message().map(str::to_owned),
    };
    let progress: Arc<Progress> = Arc::new(Progress::default());
    let shown = Arc::clone(&progress);
    let bar = ImportProgress::start(Some(bytes_total), move || (shown.bytes_read(), shown.rows_read()));
    let outcome = context.writing(lake.import(&arguments.table, files, request, progress)).await;
    // The bar's line is taken away before anything else is said.
    drop(bar);
    match outcome?? {
        Answer::Committed(committed) => message::committed(&committed),
        Answer::NoChange { .. } => message::no_change(),
        Answer::Rows(_) | Answer::Pending { .. } | Answer::Done => {}
    }
    context.note_requests("import", &lake, before);
    context.settle(&lake).await;
    Ok(())
}
