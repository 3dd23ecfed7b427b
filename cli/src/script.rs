//! Statements, run one after the other.
//!
//! * Each statement commits by itself and sees those before, or from BEGIN to COMMIT all together; the first error
//!   stops the script, and what was committed stays.
//! * A statement is read when its turn comes: a mistake in the third does not keep the first two from running.
//! * A commit says so on standard error in one line. A query says nothing, unless it is asked to.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_sql::parse::{Parsed, Script, Statement};
use frostline_sql::{Answer, Lake, Parameters, Rows, Session, TransactionStatus};

use crate::context::Context;
use crate::exit::Failure;
use crate::message;
use crate::output::{Output, OutputError, OutputOptions, Provenance};

/// A text of statements, and what it is called in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The file it was read from; `None` for what stands on the command line.
    pub(crate) name: Option<String>,
    /// The statements.
    pub(crate) sql: String,
}

/// Runs statements in one session.
pub(crate) struct Runner {
    context: Context,
    lake: Lake,
    session: Session,
    parameters: Parameters,
    lake_id: String,
    /// What is said of a query that has succeeded.
    pub(crate) notes: Notes,
}

/// What is said on standard error of a query that has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    /// Nothing.
    Silent,
    /// The version that it read.
    Version,
    /// The version, and how long it took.
    VersionAndTime,
}

/// Where results go, as long as somebody reads them.
pub(crate) struct Results {
    /// `None` once the reader has closed the pipe.
    output: Option<Output>,
}

/// What a query read.
struct Read {
    version: u64,
    rows: u64,
}

impl Runner {
    /// Runs statements in this session.
    pub(crate) fn new(context: &Context, lake: &Lake, session: Session, parameters: Parameters) -> Self {
        let notes = if context.says_reads { Notes::VersionAndTime } else { Notes::Silent };
        let lake_id = lake.id().to_string();
        Self { context: context.clone(), lake: lake.clone(), session, parameters, lake_id, notes }
    }

    /// Runs the statements of a text up to the first error.
    ///
    /// Where nobody reads the results any more, queries are passed over and other statements still run.
    pub(crate) async fn run(&self, text: &Text, results: &mut Results) -> Result<(), Failure> {
        for parsed in Script::new(&text.sql) {
            let parsed = parsed.map_err(|error| {
                // A transaction with a statement that nobody can read is not to be committed.
                self.session.abort_transaction();
                // The parser's own message names the line.
                locate(Failure::from(error), text.name.clone())
            })?;
            if results.is_closed() && matches!(parsed.statement, Statement::Query(_)) {
                continue;
            }
            let place = text.name.as_ref().map(|name| format!("{name}, line {}", parsed.line));
            self.run_statement(&parsed, results).await.map_err(|failure| locate(failure, place))?;
        }
        Ok(())
    }

    /// How it stands with the session's transaction.
    pub(crate) fn transaction(&self) -> TransactionStatus {
        self.session.transaction_status()
    }

    /// Rolls back a transaction that is still open, and says whether there was one.
    pub(crate) fn roll_back(&self) -> bool {
        self.session.roll_back()
    }

    async fn run_statement(&self, parsed: &Parsed, results: &mut Results) -> Result<(), Failure> {
        let started = Instant::now();
        let before = self.lake.requests();
        let work = self.answer(parsed, results);
        let is_query = matches!(parsed.statement, Statement::Query(_));
        let outcome = if is_query { self.context.reading(work).await } else { self.context.writing(work).await };
        if let Some(read) = outcome?? {
            self.note(&read, started.elapsed());
        }
        self.context.note_requests("statement", &self.lake, before);
        Ok(())
    }

    async fn answer(&self, parsed: &Parsed, results: &mut Results) -> Result<Option<Read>, Failure> {
        match self.session.run(parsed, &self.parameters).await? {
            Answer::Rows(rows) => self.write_rows(rows, results).await.map(Some),
            Answer::Committed(committed) => {
                message::committed(&committed);
                Ok(None)
            }
            Answer::Pending { summary, .. } => {
                message::pending(&summary);
                Ok(None)
            }
            Answer::NoChange { .. } => {
                message::no_change();
                Ok(None)
            }
            Answer::Done => Ok(None),
        }
    }

    async fn write_rows(&self, mut rows: Rows, results: &mut Results) -> Result<Read, Failure> {
        let version: u64 = rows.version.number();
        let provenance = Provenance { version, lake_id: self.lake_id.clone() };
        let mut count: u64 = 0;
        // A query that fails before its first row leaves no trace in the results.
        let mut next: Option<RecordBatch> = read_batch(&mut rows).await?;
        results.begin(&rows.schema, &provenance)?;
        while let Some(batch) = next {
            count += batch.num_rows() as u64;
            results.batch(&batch)?;
            if results.is_closed() {
                break;
            }
            // Rows that are always ready would never let Ctrl-C be noticed.
            tokio::task::yield_now().await;
            next = read_batch(&mut rows).await?;
        }
        results.end()?;
        Ok(Read { version, rows: count })
    }

    fn note(&self, read: &Read, elapsed: Duration) {
        match self.notes {
            Notes::Silent => {}
            Notes::Version => message::read(read.version, read.rows, None),
            Notes::VersionAndTime => message::read(read.version, read.rows, Some(elapsed)),
        }
    }
}

impl Results {
    /// Opens the output. What cannot be written to fails here, before any statement runs.
    pub(crate) fn open(options: &OutputOptions) -> Result<Self, Failure> {
        Ok(Self { output: Some(Output::open(options)?) })
    }

    /// Whether nobody reads the results any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.output.is_none()
    }

    /// Starts a result.
    pub(crate) fn begin(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), Failure> {
        self.put(|output| output.begin(schema, Some(provenance)))
    }

    /// Writes rows of the result that was begun.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.put(|output| output.batch(batch))
    }

    /// Ends the result.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.put(Output::end)
    }

    /// Ends the output and puts a file in place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.output.map(Output::finish) {
            None | Some(Ok(()) | Err(OutputError::ClosedPipe)) => Ok(()),
            Some(Err(error)) => Err(Failure::Output(error)),
        }
    }

    /// Passes something on. A closed pipe is not an error but the end of the output.
    fn put(&mut self, action: impl FnOnce(&mut Output) -> Result<(), OutputError>) -> Result<(), Failure> {
        match self.output.as_mut().map(action) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(OutputError::ClosedPipe)) => {
                self.output = None;
                Ok(())
            }
            Some(Err(error)) => Err(Failure::Output(error)),
        }
    }
}

/// The next rows of a result.
pub(crate) async fn read_batch(rows: &mut Rows) -> Result<Option<RecordBatch>, Failure> {
    match rows.next().await {
        None => Ok(None),
        Some(Ok(batch)) => Ok(Some(batch)),
        Some(Err(error)) => Err(Failure::Engine(error)),
    }
}

fn locate(failure: Failure, place: Option<String>) -> Failure {
    match place {
        Some(place) => failure.at(place),
        None => failure,
    }
}
