//! Telling: headings, statements as one types them, and what comes of them, on standard output.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_sql::{Answer, Parameters, Session};

use super::error::{DemoError, ensure};
use crate::command::cells;
use crate::command::lines::Lines;
use crate::exit::Failure;
use crate::output::{Output, OutputFormat, OutputOptions, Screen, Target};
use crate::script::read_batch;

const PROMPT: &str = "frostline> ";

/// Writes the demo.
///
/// * Boxes are as wide as what they hold, whatever the terminal: two runs write the same.
/// * A reader that has seen enough ends the demo, and is no failure.
pub(super) struct Teller {
    lines: Lines,
    steps: u8,
}

/// All rows of an answer.
pub(super) struct Found {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Teller {
    /// A teller at the beginning.
    pub(super) fn new() -> Self {
        Self { lines: Lines::stdout(), steps: 0 }
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        let heading = self.lines.marked(&format!("{}. {title}", self.steps));
        self.say("")?;
        self.say(&heading)
    }

    /// Writes a line.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Failure> {
        Ok(self.lines.put(line)?)
    }

    /// Writes a statement as one types it.
    pub(super) fn statement(&mut self, sql: &str) -> Result<(), Failure> {
        let below = format!("\n{}", " ".repeat(PROMPT.len()));
        self.say(&format!("{PROMPT}{};", sql.replace('\n', &below)))
    }

    /// Asks and shows the answer.
    pub(super) async fn ask(&mut self, session: &Session, sql: &str) -> Result<Found, Failure> {
        self.statement(sql)?;
        let found = Found::read(session, sql).await?;
        let options = OutputOptions { format: OutputFormat::Box, target: Target::Stdout, screen: Screen::UNBOUNDED };
        let mut output = Output::open(&options)?;
        output.begin(&found.schema, None)?;
        for batch in &found.batches {
            output.batch(batch)?;
        }
        output.end()?;
        output.finish()?;
        Ok(found)
    }

    /// Runs a statement that commits, and shows what it says.
    pub(super) async fn change(&mut self, session: &Session, sql: &str) -> Result<(), Failure> {
        self.statement(sql)?;
        match session.sql(sql, &Parameters::none()).await? {
            Answer::Committed(committed) => self.say(&format!("version {}: {}", committed.version, committed.summary)),
            Answer::Rows(_) | Answer::Pending { .. } | Answer::NoChange { .. } | Answer::Done => {
                ensure(false, "a change is committed")
            }
        }
    }

    /// Asks what must be refused, and shows the refusal.
    pub(super) async fn refused(&mut self, session: &Session, sql: &str) -> Result<Failure, Failure> {
        self.statement(sql)?;
        match Found::read(session, sql).await {
            Ok(_) => Err(DemoError::Claim { claim: "this statement is refused" }.into()),
            Err(refusal) => {
                self.failure(&refusal)?;
                Ok(refusal)
            }
        }
    }

    /// Writes a failure as the command does.
    pub(super) fn failure(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.say(&format!("error: {}", failure.describe()))?;
        match failure.hint() {
            Some(hint) => self.say(&format!("hint: {hint}")),
            None => Ok(()),
        }
    }
}

impl Found {
    /// Asks, and waits for all rows.
    pub(super) async fn read(session: &Session, sql: &str) -> Result<Self, Failure> {
        let mut rows = session.sql(sql, &Parameters::none()).await?.into_rows()?;
        let schema: SchemaRef = Arc::clone(&rows.schema);
        let mut batches: Vec<RecordBatch> = Vec::new();
        while let Some(batch) = read_batch(&mut rows).await? {
            batches.push(batch);
        }
        Ok(Self { schema, batches })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The number in a column of a row, counted from 0.
    pub(super) fn number(&self, column: &str, row: usize) -> Result<f64, Failure> {
        let mut first: usize = 0;
        for batch in &self.batches {
            let end = first + batch.num_rows();
            if row < end {
                let number = cells::text(batch, column, row - first)?.and_then(|text| text.parse::<f64>().ok());
                return number.ok_or_else(|| DemoError::NoNumber { column: column.to_owned(), row }.into());
            }
            first = end;
        }
        Err(DemoError::NoNumber { column: column.to_owned(), row }.into())
    }
}
