//! Writers of query results: rows in, bytes of one format out, to standard output or a file.
//!
//! ```text
//!   schema, batches            text or bytes               bytes
//!   ───────────────▶ ResultWriter ───────────▶ Sink ───────────▶ standard output, or a file put in place at the end
//!                    boxed  markdown
//!                    encoded
//! ```
//!
//! Standard output carries results and nothing else: messages, timings and progress go to standard error.
//! Every value has one spelling, made by `frostline_engine::export`, whatever the format around it.

mod boxed;
mod encoded;
mod error;
mod format;
mod layout;
mod markdown;
mod screen;
mod sink;
#[cfg(test)]
mod tests;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_engine::export::{ArrowRows, CsvRows, JsonRows, ParquetRows};

pub(crate) use error::OutputError;
pub(crate) use format::OutputFormat;
pub(crate) use frostline_engine::export::Provenance;
pub(crate) use screen::Screen;
pub(crate) use sink::Target;

use boxed::BoxWriter;
use encoded::EncodedWriter;
use markdown::MarkdownWriter;
use sink::Sink;

/// Writes results in one format, one after the other.
///
/// * For each result: `begin` once, `batch` any number of times, `end` once. A result without batches is one too.
/// * What stands between two results is the writer's concern: it knows how many came before.
/// * Rows are written as they come. Only box and markdown hold rows back, and a bounded number of them.
/// * After an error the writer must not be used again.
pub(crate) trait ResultWriter: Send {
    /// Starts a result with these columns.
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError>;

    /// Writes rows of the result that was begun.
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError>;

    /// Ends the result, and passes on every byte of it.
    fn end(&mut self) -> Result<(), OutputError>;

    /// Ends the output and gives back where its bytes went. Fails if the format needs a result and there was none.
    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError>;
}

/// How and where results are written.
#[derive(Clone, Debug)]
pub(crate) struct OutputOptions {
    /// The format.
    pub(crate) format: OutputFormat,
    /// Where the bytes go.
    pub(crate) target: Target,
    /// What the box format may use of the screen. `Screen::of` finds it out.
    pub(crate) screen: Screen,
}

/// Results on their way out.
///
/// * A file appears, or is replaced, in `finish` and at no other time: a failed query leaves none behind.
/// * Dropped without `finish`, standard output keeps what was written so far, and a file is as it was before.
pub(crate) struct Output {
    writer: Box<dyn ResultWriter>,
}

impl Output {
    /// Opens the target. An output that cannot be written to fails here, before the query runs.
    pub(crate) fn open(options: &OutputOptions) -> Result<Self, OutputError> {
        let sink = Sink::open(options.target.clone())?;
        Ok(Self { writer: writer_of(options.format, options.screen, sink) })
    }

    /// Starts a result. Parquet and Arrow carry the provenance in the schema's metadata.
    pub(crate) fn begin(&mut self, schema: &SchemaRef, provenance: Option<&Provenance>) -> Result<(), OutputError> {
        match provenance {
            Some(provenance) => self.writer.begin(&provenance.note_in(schema)),
            None => self.writer.begin(schema),
        }
    }

    /// Writes rows of the result that was begun.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.writer.batch(batch)
    }

    /// Ends the result.
    pub(crate) fn end(&mut self) -> Result<(), OutputError> {
        self.writer.end()
    }

    /// Ends the output and puts a file in place.
    pub(crate) fn finish(self) -> Result<(), OutputError> {
        self.writer.into_sink()?.finish()
    }
}

fn writer_of(format: OutputFormat, screen: Screen, sink: Sink) -> Box<dyn ResultWriter> {
    match format {
        OutputFormat::Box => Box::new(BoxWriter::new(sink, screen)),
        OutputFormat::Markdown => Box::new(MarkdownWriter::new(sink)),
        OutputFormat::Csv => Box::new(EncodedWriter::new(format, CsvRows::commas(), sink)),
        OutputFormat::Tsv => Box::new(EncodedWriter::new(format, CsvRows::tabs(), sink)),
        OutputFormat::Json => Box::new(EncodedWriter::new(format, JsonRows::arrays(), sink)),
        OutputFormat::Jsonl => Box::new(EncodedWriter::new(format, JsonRows::lines(), sink)),
        OutputFormat::Parquet => Box::new(EncodedWriter::new(format, ParquetRows::new(), sink)),
        // Only a file can be read at any offset.
        OutputFormat::Arrow if sink.is_regular_file() => Box::new(EncodedWriter::new(format, ArrowRows::file(), sink)),
        OutputFormat::Arrow => Box::new(EncodedWriter::new(format, ArrowRows::stream(), sink)),
    }
}
