//! Writers of query results: rows in, bytes of one format out, to standard output or a file.
//!
//! ```text
//!   schema, batches            text or bytes               bytes
//!   ───────────────▶ ResultWriter ───────────▶ Sink ───────────▶ standard output, or a file put in place at the end
//!                    boxed  csv  json
//!                    markdown  columnar
//! ```
//!
//! Standard output carries results and nothing else: messages, timings and progress go to standard error.
//! Every value has one spelling, made in `value` (text) and `json` (JSON), whatever the format around it.

mod boxed;
mod columnar;
mod csv;
mod error;
mod format;
mod json;
mod layout;
mod markdown;
mod screen;
mod sink;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

pub(crate) use error::OutputError;
pub(crate) use format::OutputFormat;
pub(crate) use screen::Screen;
pub(crate) use sink::Target;

use boxed::BoxWriter;
use columnar::ColumnarWriter;
use csv::CsvWriter;
use json::JsonWriter;
use markdown::MarkdownWriter;
use sink::Sink;

/// The key of the schema's metadata that holds the version that a result was read from.
pub(crate) const VERSION_KEY: &str = "frostline.version";

/// The key of the schema's metadata that holds the id of the lake that a result was read from.
pub(crate) const LAKE_ID_KEY: &str = "frostline.lake_id";

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

/// What state of which lake a result shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The version that the statement read.
    pub(crate) version: u64,
    /// The lake's id.
    pub(crate) lake_id: String,
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

impl Provenance {
    fn note_in(&self, schema: &SchemaRef) -> SchemaRef {
        let mut metadata = schema.metadata.clone();
        metadata.insert(VERSION_KEY.to_owned(), self.version.to_string());
        metadata.insert(LAKE_ID_KEY.to_owned(), self.lake_id.clone());
        Arc::new(Schema::new_with_metadata(schema.fields.clone(), metadata))
    }
}

fn writer_of(format: OutputFormat, screen: Screen, sink: Sink) -> Box<dyn ResultWriter> {
    match format {
        OutputFormat::Box => Box::new(BoxWriter::new(sink, screen)),
        OutputFormat::Csv => Box::new(CsvWriter::commas(sink)),
        OutputFormat::Tsv => Box::new(CsvWriter::tabs(sink)),
        OutputFormat::Json => Box::new(JsonWriter::arrays(sink)),
        OutputFormat::Jsonl => Box::new(JsonWriter::lines(sink)),
        OutputFormat::Markdown => Box::new(MarkdownWriter::new(sink)),
        OutputFormat::Parquet => Box::new(ColumnarWriter::parquet(sink)),
        OutputFormat::Arrow => Box::new(ColumnarWriter::arrow(sink)),
    }
}
