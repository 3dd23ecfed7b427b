//! Boxes for reading on a terminal.
//!
//! ```text
//! ┌────────┬─────────┐
//! │   id   │  name   │
//! │ bigint │ varchar │
//! ├────────┼─────────┤
//! │      1 │ ann     │
//! │      2 │ NULL    │
//! ├────────┴─────────┤
//! │ 2 rows           │
//! └──────────────────┘
//! ```
//!
//! * Numbers stand on the right and are never cut. Text that is cut ends in `…`.
//! * On a terminal a result of more than 40 rows shows its first and its last 20, with three lines of `·` between, and
//!   columns that do not fit are left out in the middle, with `…` in their place. The last line says so.
//! * Elsewhere every row and every column is written; widths are measured over the first 1,000 rows, and a later value
//!   that is wider pushes its line's border out.
//! * A text with line breaks (`\n`) is drawn over several lines; cells of its row with fewer are blank below.
//!   On a terminal a text of more than 200 lines shows the first 199 and a line `…`.
//! * Other characters that would move the cursor or colour the screen are spelled out: no value can play tricks. So are
//!   line breaks in the names of columns.
//! * An empty line stands between two results. A result without columns writes nothing.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use frostline_engine::export::text_rows;
use unicode_width::UnicodeWidthStr;

use super::ResultWriter;
use super::error::OutputError;
use super::layout::{self, Lane, Need};
use super::screen::{self, Align, Colour, Screen};
use super::sink::Sink;

/// Rows held back to measure the columns where none are left out.
const PAGE_ROWS: usize = 1000;

/// Text narrower than this is not worth showing when it is cut.
const LEAST_TEXT_WIDTH: usize = 8;

/// Room for the last line when the number of rows is not known yet: `1000000000 rows`.
const LAST_LINE_WIDTH: usize = 15;

/// Lines of a value stand apart by `\n`.
type Row = Vec<Option<String>>;

/// Writes `box`.
pub(super) struct BoxWriter {
    sink: Sink,
    screen: Screen,
    results: usize,
    table: Option<Table>,
}

/// The result being written.
struct Table {
    screen: Screen,
    heads: Vec<Head>,
    /// Rows from the start that are not written yet.
    first: Vec<Row>,
    /// The newest rows that `first` has no room for.
    last: VecDeque<Row>,
    /// Rows of the result so far.
    rows: usize,
    /// Empty until the heading is written.
    lanes: Vec<Lane>,
}

struct Head {
    name: String,
    type_name: String,
    align: Align,
}

/// A text in its place.
struct Piece<'a> {
    text: &'a str,
    align: Align,
    tone: Tone,
}

enum Tone {
    Normal,
    Dim,
}

impl BoxWriter {
    pub(super) fn new(sink: Sink, screen: Screen) -> Self {
        Self { sink, screen, results: 0, table: None }
    }
}

impl ResultWriter for BoxWriter {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), OutputError> {
        self.table = None;
        if schema.fields().is_empty() {
            return Ok(());
        }
        self.table = Some(Table::new(schema, self.screen));
        self.results += 1;
        if self.results > 1 { self.sink.put(b"\n") } else { Ok(()) }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        if let Some(limit) = self.screen.rows {
            return table.keep_ends(batch, limit);
        }
        let mut next = 0;
        while next < batch.num_rows() {
            let length = (PAGE_ROWS - table.first.len()).min(batch.num_rows() - next);
            table.first.extend(shown_rows(&batch.slice(next, length), self.screen)?);
            table.rows += length;
            next += length;
            if table.first.len() == PAGE_ROWS {
                let text = table.take_page(LAST_LINE_WIDTH);
                self.sink.put(text.as_bytes())?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), OutputError> {
        if let Some(table) = self.table.take() {
            let text = table.into_rest();
            self.sink.put(text.as_bytes())?;
        }
        self.sink.settle()
    }

    fn into_sink(self: Box<Self>) -> Result<Sink, OutputError> {
        Ok(self.sink)
    }
}

impl Table {
    fn new(schema: &SchemaRef, screen: Screen) -> Self {
        let heads = schema
            .fields()
            .iter()
            .map(|field| Head {
                name: screen::visible(field.name()).into_owned(),
                type_name: type_name(field.data_type()),
                align: if field.data_type().is_numeric() { Align::Right } else { Align::Left },
            })
            .collect();
        Self { screen, heads, first: Vec::new(), last: VecDeque::new(), rows: 0, lanes: Vec::new() }
    }

    /// Keeps the first and the last rows, `limit` in all. Rows that cannot be among them are never made text.
    fn keep_ends(&mut self, batch: &RecordBatch, limit: usize) -> Result<(), OutputError> {
        let count = batch.num_rows();
        let last_limit = limit / 2;
        let first_limit = limit - last_limit;
        let to_first = (first_limit - self.first.len()).min(count);
        self.first.extend(shown_rows(&batch.slice(0, to_first), self.screen)?);

        let to_last = (count - to_first).min(last_limit);
        self.last.extend(shown_rows(&batch.slice(count - to_last, to_last), self.screen)?);
        while self.last.len() > last_limit {
            self.last.pop_front();
        }
        self.rows += count;
        Ok(())
    }

    /// The rows held back, with the heading if it was not written yet.
    fn take_page(&mut self, last_line_width: usize) -> String {
        let mut text = String::new();
        if self.lanes.is_empty() {
            self.lanes = self.lay_out(last_line_width);
            self.put_heading(&mut text);
        }
        for row in std::mem::take(&mut self.first) {
            self.put_row(&row, &mut text);
        }
        text
    }

    /// All that is still to be written.
    fn into_rest(mut self) -> String {
        let (shown, rows) = (self.first.len() + self.last.len(), self.rows);
        let is_elided = self.screen.rows.is_some() && shown < rows;
        let unit = if rows == 1 { "row" } else { "rows" };
        let count = if is_elided { format!("{rows} {unit} ({shown} shown)") } else { format!("{rows} {unit}") };

        let mut text = self.take_page(count.width());
        if is_elided {
            for _ in 0..3 {
                self.put_line(&mut text, "·", |index| dim("·", self.heads[index].align));
            }
        }
        for row in &self.last {
            self.put_row(row, &mut text);
        }
        let inner = layout::inner_width(&self.lanes);
        self.put_rule(&mut text, ['├', '┴', '┤']);
        text.push_str("│ ");
        let columns = self.columns_shown();
        let room = inner.saturating_sub(2 + columns.width());
        screen::pad(&mut text, &count, room, Align::Left);
        text.push_str(&columns);
        text.push_str(" │\n");
        self.put_rule(&mut text, ['└', '─', '┘']);
        text
    }

    /// Shares the width among the columns, so that the last line has room too.
    fn lay_out(&self, last_line_width: usize) -> Vec<Lane> {
        let mut needs: Vec<Need> = Vec::with_capacity(self.heads.len());
        for (index, head) in self.heads.iter().enumerate() {
            let values = self.first.iter().chain(&self.last).map(|row| match row.get(index) {
                Some(Some(text)) => text.split('\n').map(|line| line.width()).max().unwrap_or(0),
                _ => "NULL".width(),
            });
            let values = values.max().unwrap_or(0);
            let full = values.max(head.name.width()).max(head.type_name.width());
            let least = full.min(LEAST_TEXT_WIDTH);
            needs.push(match head.align {
                Align::Right => Need { least: least.max(values), full },
                _ => Need { least, full },
            });
        }
        let mut lanes = layout::fit(&needs, self.screen.width);
        let hidden = lanes.contains(&Lane::Gap);
        let last_line = last_line_width + if hidden { 2 + columns_text(&self.heads, &lanes).width() } else { 0 };
        let missing = (last_line + 2).saturating_sub(layout::inner_width(&lanes));
        if let Some(Lane::Column { width, .. }) = lanes.iter_mut().rev().find(|lane| **lane != Lane::Gap) {
            *width += missing;
        }
        lanes
    }

    /// What the last line says of columns: nothing if all are shown.
    fn columns_shown(&self) -> String {
        if self.lanes.contains(&Lane::Gap) { columns_text(&self.heads, &self.lanes) } else { String::new() }
    }

    fn put_heading(&self, text: &mut String) {
        self.put_rule(text, ['┌', '┬', '┐']);
        self.put_line(text, "…", |index| plain(&self.heads[index].name, Align::Centre));
        self.put_line(text, " ", |index| dim(&self.heads[index].type_name, Align::Centre));
        self.put_rule(text, ['├', '┼', '┤']);
    }

    /// As many lines as the tallest of the values that are shown has.
    fn put_row(&self, row: &[Option<String>], text: &mut String) {
        let cells: Vec<Option<Vec<&str>>> =
            row.iter().map(|value| value.as_ref().map(|value| value.split('\n').collect())).collect();
        let height_of = |lane: &Lane| match lane {
            Lane::Column { index, .. } => cells.get(*index).and_then(|cell| cell.as_ref()).map_or(1, Vec::len),
            Lane::Gap => 1,
        };
        let height: usize = self.lanes.iter().map(height_of).max().unwrap_or(1);
        for line in 0..height {
            let gap = if line == 0 { "…" } else { " " };
            self.put_line(text, gap, |index| {
                let align = self.heads[index].align;
                match cells.get(index) {
                    Some(Some(lines)) => plain(lines.get(line).copied().unwrap_or_default(), align),
                    _ if line == 0 => dim("NULL", align),
                    _ => plain("", align),
                }
            });
        }
    }

    fn put_line<'a>(&self, text: &mut String, gap: &str, piece: impl Fn(usize) -> Piece<'a>) {
        text.push('│');
        for lane in &self.lanes {
            text.push(' ');
            match lane {
                Lane::Gap => text.push_str(gap),
                Lane::Column { index, width } => self.put_piece(text, &piece(*index), *width),
            }
            text.push_str(" │");
        }
        text.push('\n');
    }

    fn put_piece(&self, text: &mut String, piece: &Piece<'_>, width: usize) {
        // Without a screen's edge nothing is cut.
        let shown = match self.screen.width {
            Some(_) => screen::cut(piece.text, width),
            None => piece.text.into(),
        };
        match (&piece.tone, self.screen.colour) {
            (Tone::Dim, Colour::Ansi) => {
                text.push_str("\u{1b}[2m");
                screen::pad(text, &shown, width, piece.align);
                text.push_str("\u{1b}[0m");
            }
            (Tone::Dim, Colour::Plain) | (Tone::Normal, _) => screen::pad(text, &shown, width, piece.align),
        }
    }

    fn put_rule(&self, text: &mut String, [left, joint, right]: [char; 3]) {
        text.push(left);
        for (place, lane) in self.lanes.iter().enumerate() {
            if place > 0 {
                text.push(joint);
            }
            text.push_str(&"─".repeat(lane.width() + 2));
        }
        text.push(right);
        text.push('\n');
    }
}

fn plain(text: &str, align: Align) -> Piece<'_> {
    Piece { text, align, tone: Tone::Normal }
}

fn dim(text: &str, align: Align) -> Piece<'_> {
    Piece { text, align, tone: Tone::Dim }
}

fn columns_text(heads: &[Head], lanes: &[Lane]) -> String {
    let shown = lanes.iter().filter(|lane| **lane != Lane::Gap).count();
    format!("{} columns ({shown} shown)", heads.len())
}

/// Rows as the screen can show them: no control characters but line breaks, not too many lines, and none wider than the
/// whole screen.
fn shown_rows(batch: &RecordBatch, screen: Screen) -> Result<Vec<Row>, OutputError> {
    let mut rows = text_rows(batch)?;
    for text in rows.iter_mut().flatten().flatten() {
        *text = shown_text(text, screen);
    }
    Ok(rows)
}

fn shown_text(text: &str, screen: Screen) -> String {
    let mut shown = String::new();
    for (place, line) in screen::first_lines(text, screen.lines).into_iter().enumerate() {
        if place > 0 {
            shown.push('\n');
        }
        let visible = screen::visible(line);
        match screen.width {
            Some(width) => shown.push_str(&screen::cut(&visible, width)),
            None => shown.push_str(&visible),
        }
    }
    shown
}

/// The type as SQL calls it.
fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::UInt8 => "tinyint unsigned",
        DataType::UInt16 => "smallint unsigned",
        DataType::UInt32 => "int unsigned",
        DataType::UInt64 => "bigint unsigned",
        DataType::Float16 => "half",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) => "interval",
        DataType::Duration(_) => "duration",
        DataType::Struct(_) => "struct",
        DataType::Map(_, _) => "map",
        DataType::Union(_, _) => "union",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::List(items)
        | DataType::LargeList(items)
        | DataType::ListView(items)
        | DataType::LargeListView(items)
        | DataType::FixedSizeList(items, _) => return format!("{}[]", type_name(items.data_type())),
        DataType::Dictionary(_, values) => return type_name(values),
        DataType::RunEndEncoded(_, values) => return type_name(values.data_type()),
    };
    name.to_owned()
}
