//! Tables as GitHub-flavoured Markdown has them.
//!
//! * Numbers stand on the right. NULL is `NULL`. Line ends become `<br>`.
//! * What Markdown would take for markup (`\`, `|`, `*`, `` ` ``, `<`) is escaped, so that the page shows the value.
//! * Column widths are measured over the first 1,000 rows; a later value that is wider makes its own line longer.
//! * An empty line stands between two results. A result without columns writes nothing.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_engine::export::text_rows;
use unicode_width::UnicodeWidthStr;

use super::ResultWriter;
use super::error::OutputError;
use super::screen::{self, Align};
use super::sink::Sink;

/// Rows held back to measure the columns.
const PAGE_ROWS: usize = 1000;

/// Some readers want three dashes under every name.
const LEAST_WIDTH: usize = 3;

/// Writes `markdown`.
pub(super) struct MarkdownWriter {
    sink: Sink,
    results: usize,
    table: Option<Table>,
}

/// The result being written.
struct Table {
    names: Vec<String>,
    aligns: Vec<Align>,
    page: Vec<Vec<String>>,
    /// Known once the first page is written.
    widths: Option<Vec<usize>>,
}

impl MarkdownWriter {
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, results: 0, table: None }
    }
}

impl ResultWriter for MarkdownWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        self.table = None;
        if schema.fields().is_empty() {
            return Ok(());
        }
        self.table = Some(Table::new(schema));
        self.results += 1;
        if self.results > 1 { self.sink.put(b"\n") } else { Ok(()) }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        let mut next = 0;
        while next < batch.num_rows() {
            let length = (PAGE_ROWS - table.page.len()).min(batch.num_rows() - next);
            for row in text_rows(&batch.slice(next, length))? {
                table.page.push(row.iter().map(|cell| escaped(cell.as_deref().unwrap_or("NULL"))).collect());
            }
            next += length;
            if table.page.len() == PAGE_ROWS {
                let text = table.take_page();
                self.sink.put(text.as_bytes())?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), OutputError> {
        if let Some(mut table) = self.table.take() {
            let text = table.take_page();
            self.sink.put(text.as_bytes())?;
        }
        self.sink.settle()
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        Ok(self.sink)
    }
}

impl Table {
    fn new(schema: &SchemaRef) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut aligns: Vec<Align> = Vec::new();
        for field in schema.fields() {
            names.push(escaped(field.name()));
            aligns.push(if field.data_type().is_numeric() { Align::Right } else { Align::Left });
        }
        Self { names, aligns, page: Vec::new(), widths: None }
    }

    /// The text of the rows held back, with the heading if it was not written yet.
    fn take_page(&mut self) -> String {
        let page = std::mem::take(&mut self.page);
        let mut text = String::new();
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => {
                let widths = self.measure(&page);
                self.put_heading(&widths, &mut text);
                widths
            }
        };
        for row in &page {
            self.put_line(row, &widths, &mut text);
        }
        self.widths = Some(widths);
        text
    }

    fn measure(&self, page: &[Vec<String>]) -> Vec<usize> {
        let mut widths: Vec<usize> = self.names.iter().map(|name| name.width().max(LEAST_WIDTH)).collect();
        for row in page {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    fn put_heading(&self, widths: &[usize], text: &mut String) {
        self.put_line(&self.names, widths, text);
        for (width, align) in widths.iter().zip(&self.aligns) {
            let dashes = "-".repeat(width - 1);
            text.push_str("| ");
            text.push_str(&dashes);
            text.push(if *align == Align::Right { ':' } else { '-' });
            text.push(' ');
        }
        text.push_str("|\n");
    }

    fn put_line(&self, cells: &[String], widths: &[usize], text: &mut String) {
        for ((cell, width), align) in cells.iter().zip(widths).zip(&self.aligns) {
            text.push_str("| ");
            screen::pad(text, cell, *width, *align);
            text.push(' ');
        }
        text.push_str("|\n");
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' | '|' | '*' | '`' | '<' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => escaped.push_str("<br>"),
            _ if screen::is_unsafe(character) => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    escaped
}
