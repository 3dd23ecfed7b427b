//! Cuts delimited text into records and fields, after RFC 4180.
//!
//! ```text
//! a,"b, ""c""",,""        four fields: a · b, "c" · (empty) · (empty, quoted)
//! ```
//!
//! * Every field says whether it was quoted: that is how the empty text differs from NULL.
//! * Records end with LF, CRLF or CR; a byte order mark before the first is skipped.
//! * A quote opens a quoted field only as its first byte; elsewhere in a bare field it is an ordinary byte.
//! * After a closing quote there must be a delimiter or the end of the record.
//! * A record has at most 64 MiB and 65,536 fields, so an unclosed quote does not swallow a large file.
//!
//! Bytes go through a small state machine that survives the end of its buffer, so a field may lie across reads.

use std::io::{self, Read};

/// The longest record, in bytes as in the file.
pub(crate) const MAX_RECORD_BYTES: u64 = 64 * 1024 * 1024;
/// [`MAX_RECORD_BYTES`] in words.
pub(crate) const MAX_RECORD_WORDS: &str = "64 MiB or 65,536 fields";
const MAX_FIELDS: usize = 65_536;
/// A block ends early when its text is as long as this.
const BLOCK_BYTES: usize = 8 * 1024 * 1024;
const READ_BYTES: usize = 256 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes that structure a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Between fields. ASCII, and no line end.
    pub(crate) delimiter: u8,
    /// Around fields. ASCII, and neither the delimiter nor a line end.
    pub(crate) quote: Option<u8>,
}

/// Why a file cannot be cut into records.
#[derive(Debug)]
pub(crate) struct RecordError {
    /// The record, from 1.
    pub(crate) record: u64,
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) problem: RecordProblem,
}

/// What is wrong with a record.
#[derive(Debug)]
pub(crate) enum RecordProblem {
    Read(io::Error),
    OpenQuote,
    TextAfterQuote,
    TooLong,
    Ragged { found: usize, expected: usize },
    Utf8 { column: usize, offset: u64 },
}

/// One field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its text, without quotes around it and with single quotes inside.
    pub(crate) text: &'a str,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
}

/// A run of records.
#[derive(Debug)]
pub(crate) struct Block {
    /// The text of all fields, one after another.
    text: String,
    fields: Vec<FieldMark>,
    records: Vec<RecordMark>,
}

#[derive(Clone, Copy, Debug)]
struct FieldMark {
    /// Where its text ends in the block; it begins where that of the field before it ends.
    end: usize,
    /// Where it begins in the file, from the beginning of its record.
    offset: u32,
    quoted: bool,
}

#[derive(Clone, Copy, Debug)]
struct RecordMark {
    first_field: usize,
    line: u64,
    offset: u64,
}

impl Block {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many fields a record has.
    pub(crate) fn width(&self, record: usize) -> usize {
        let end = match self.records.get(record + 1) {
            Some(next) => next.first_field,
            None => self.fields.len(),
        };
        end - self.records[record].first_field
    }

    /// The line on which a record begins, from 1.
    pub(crate) fn line(&self, record: usize) -> u64 {
        self.records[record].line
    }

    /// One field. The record must have it.
    pub(crate) fn field(&self, record: usize, column: usize) -> Field<'_> {
        let index = self.records[record].first_field + column;
        let start = if index == 0 { 0 } else { self.fields[index - 1].end };
        let mark = self.fields[index];
        Field { text: &self.text[start..mark.end], quoted: mark.quoted }
    }
}

/// Reads records, block by block.
pub(crate) struct RecordReader<R> {
    input: R,
    dialect: Dialect,
    /// Which bytes end a bare field.
    stops: [bool; 256],
    width: Option<usize>,
    skip_blank_records: bool,
    buffer: Vec<u8>,
    position: usize,
    filled: usize,
    /// Where the buffer begins in the file.
    buffer_offset: u64,
    at_start: bool,
    state: State,
    /// The last record ended with CR: an LF directly after it belongs to the same line end.
    after_carriage_return: bool,
    line: u64,
    record_line: u64,
    record_offset: u64,
    field_offset: u64,
    record_first_field: usize,
    records_read: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Bare,
    Quoted,
    /// After a quote inside a quoted field: the end of the field, or half of a doubled quote.
    QuoteSeen,
}

/// A block while it grows.
#[derive(Default)]
struct Growing {
    bytes: Vec<u8>,
    fields: Vec<FieldMark>,
    records: Vec<RecordMark>,
}

impl<R: Read> RecordReader<R> {
    /// Reads records of any width. Blank lines are records with one empty field.
    pub(crate) fn new(input: R, dialect: Dialect) -> Self {
        Self::with_buffer(input, dialect, READ_BYTES)
    }

    /// As [`Self::new`], with a buffer of so many bytes.
    pub(crate) fn with_buffer(input: R, dialect: Dialect, buffer_bytes: usize) -> Self {
        let mut stops = [false; 256];
        for byte in [dialect.delimiter, b'\n', b'\r'] {
            stops[usize::from(byte)] = true;
        }
        Self {
            input,
            dialect,
            stops,
            width: None,
            skip_blank_records: false,
            // The byte order mark must fit.
            buffer: vec![0; buffer_bytes.max(BYTE_ORDER_MARK.len())],
            position: 0,
            filled: 0,
            buffer_offset: 0,
            at_start: true,
            state: State::RecordStart,
            after_carriage_return: false,
            line: 1,
            record_line: 1,
            record_offset: 0,
            field_offset: 0,
            record_first_field: 0,
            records_read: 0,
        }
    }

    /// From now on, every record must have so many fields.
    pub(crate) fn require_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    /// From now on, leaves blank lines out, or takes them for records with one empty field.
    pub(crate) fn skip_blank_records(&mut self, skip: bool) {
        self.skip_blank_records = skip;
    }

    /// How many bytes of the file have been cut.
    pub(crate) fn offset(&self) -> u64 {
        self.buffer_offset + self.position as u64
    }

    /// Up to `limit` more records, or `None` at the end of the file. Blocks with much text end earlier.
    pub(crate) fn next_block(&mut self, limit: usize) -> Result<Option<Block>, RecordError> {
        let mut growing = Growing::default();
        // A record that has begun is read to its end, however long the block gets.
        while self.state != State::RecordStart || (growing.records.len() < limit && growing.bytes.len() < BLOCK_BYTES) {
            if self.position == self.filled && !self.refill()? {
                self.finish_last_record(&mut growing)?;
                break;
            }
            self.scan(&mut growing)?;
        }
        if growing.records.is_empty() {
            return Ok(None);
        }
        self.check_text(growing).map(Some)
    }

    /// Fills the buffer from the file. `false` at its end.
    fn refill(&mut self) -> Result<bool, RecordError> {
        if self.state != State::RecordStart && self.offset() - self.record_offset > MAX_RECORD_BYTES {
            return Err(self.error(RecordProblem::TooLong));
        }
        self.buffer_offset += self.filled as u64;
        self.position = 0;
        self.filled = 0;
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(RecordProblem::Read(error))),
            }
        }
        if self.at_start {
            self.at_start = false;
            if self.buffer[..self.filled].starts_with(BYTE_ORDER_MARK) {
                self.position = BYTE_ORDER_MARK.len();
            }
            if self.position == self.filled {
                // Nothing but a byte order mark, or a buffer that holds no more than that.
                return if self.filled == 0 { Ok(false) } else { self.refill() };
            }
        }
        Ok(self.filled > 0)
    }

    /// Cuts until a record ends or the buffer does.
    fn scan(&mut self, growing: &mut Growing) -> Result<(), RecordError> {
        while self.position < self.filled {
            let byte = self.buffer[self.position];
            match self.state {
                State::RecordStart => {
                    if self.after_carriage_return {
                        self.after_carriage_return = false;
                        if byte == b'\n' {
                            self.position += 1;
                            continue;
                        }
                    }
                    self.record_line = self.line;
                    self.record_offset = self.offset();
                    self.record_first_field = growing.fields.len();
                    self.state = State::FieldStart;
                }
                State::FieldStart => {
                    self.field_offset = self.offset();
                    if self.dialect.quote == Some(byte) {
                        self.position += 1;
                        self.state = State::Quoted;
                    } else {
                        self.state = State::Bare;
                    }
                }
                State::Bare => {
                    let rest = &self.buffer[self.position..self.filled];
                    let stop = rest.iter().position(|byte| self.stops[usize::from(*byte)]);
                    let length = stop.unwrap_or(rest.len());
                    growing.bytes.extend_from_slice(&rest[..length]);
                    self.position += length;
                    if stop.is_some() && self.end_field(growing, false)? {
                        return Ok(());
                    }
                }
                State::Quoted => {
                    let quote = self.dialect.quote;
                    let rest = &self.buffer[self.position..self.filled];
                    let end = rest.iter().position(|byte| quote == Some(*byte));
                    let length = end.unwrap_or(rest.len());
                    growing.bytes.extend_from_slice(&rest[..length]);
                    self.line += rest[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
                    self.position += length;
                    if end.is_some() {
                        self.position += 1;
                        self.state = State::QuoteSeen;
                    }
                }
                State::QuoteSeen => {
                    if self.dialect.quote == Some(byte) {
                        growing.bytes.push(byte);
                        self.position += 1;
                        self.state = State::Quoted;
                    } else if !self.stops[usize::from(byte)] {
                        return Err(self.error(RecordProblem::TextAfterQuote));
                    } else if self.end_field(growing, true)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends a field at the stop under the position, and steps over it. `true` if it ends the record too.
    fn end_field(&mut self, growing: &mut Growing, quoted: bool) -> Result<bool, RecordError> {
        let stop = self.buffer[self.position];
        self.position += 1;
        self.push_field(growing, quoted)?;
        if stop == self.dialect.delimiter {
            self.state = State::FieldStart;
            return Ok(false);
        }
        self.line += 1;
        self.after_carriage_return = stop == b'\r';
        self.end_record(growing)?;
        Ok(true)
    }

    fn push_field(&mut self, growing: &mut Growing, quoted: bool) -> Result<(), RecordError> {
        let offset = self.field_offset - self.record_offset;
        let width = growing.fields.len() - self.record_first_field;
        let Ok(offset) = u32::try_from(offset) else {
            return Err(self.error(RecordProblem::TooLong));
        };
        if width == MAX_FIELDS {
            return Err(self.error(RecordProblem::TooLong));
        }
        growing.fields.push(FieldMark { end: growing.bytes.len(), offset, quoted });
        Ok(())
    }

    fn end_record(&mut self, growing: &mut Growing) -> Result<(), RecordError> {
        self.state = State::RecordStart;
        let found = growing.fields.len() - self.record_first_field;
        if self.skip_blank_records && found == 1 && is_blank(growing) {
            growing.fields.pop();
            return Ok(());
        }
        if let Some(expected) = self.width
            && found != expected
        {
            return Err(self.error(RecordProblem::Ragged { found, expected }));
        }
        growing.records.push(RecordMark {
            first_field: self.record_first_field,
            line: self.record_line,
            offset: self.record_offset,
        });
        self.records_read += 1;
        Ok(())
    }

    /// At the end of the file, ends a record that no line end has ended.
    fn finish_last_record(&mut self, growing: &mut Growing) -> Result<(), RecordError> {
        match self.state {
            State::RecordStart => return Ok(()),
            State::Quoted => return Err(self.error(RecordProblem::OpenQuote)),
            State::FieldStart => {
                self.field_offset = self.offset();
                self.push_field(growing, false)?;
            }
            State::Bare => self.push_field(growing, false)?,
            State::QuoteSeen => self.push_field(growing, true)?,
        }
        self.end_record(growing)
    }

    /// The block, if all its text is UTF-8, field by field.
    fn check_text(&self, growing: Growing) -> Result<Block, RecordError> {
        let Growing { bytes, fields, records } = growing;
        match String::from_utf8(bytes) {
            // Halves of a character in two fields would look whole where the fields meet.
            Ok(text) if fields.iter().all(|field| text.is_char_boundary(field.end)) => {
                Ok(Block { text, fields, records })
            }
            Ok(text) => Err(self.locate_bad_text(text.as_bytes(), &fields, &records)),
            Err(error) => Err(self.locate_bad_text(error.as_bytes(), &fields, &records)),
        }
    }

    fn locate_bad_text(&self, bytes: &[u8], fields: &[FieldMark], records: &[RecordMark]) -> RecordError {
        let before_block = self.records_read - records.len() as u64;
        let mut start = 0;
        let mut record = 0;
        for (index, field) in fields.iter().enumerate() {
            while records.get(record + 1).is_some_and(|next| next.first_field <= index) {
                record += 1;
            }
            let text = &bytes[start..field.end];
            start = field.end;
            let Err(error) = std::str::from_utf8(text) else {
                continue;
            };
            let Some(mark) = records.get(record) else {
                break;
            };
            let mut offset = mark.offset + u64::from(field.offset) + error.valid_up_to() as u64;
            if field.quoted {
                // The opening quote, and the first of each pair of quotes before.
                let good = &text[..error.valid_up_to()];
                offset += 1 + good.iter().filter(|byte| Some(**byte) == self.dialect.quote).count() as u64;
            }
            return RecordError {
                record: before_block + record as u64 + 1,
                line: mark.line,
                problem: RecordProblem::Utf8 { column: index - mark.first_field, offset },
            };
        }
        // Only fields that are not UTF-8 lead here, so one was found.
        self.error(RecordProblem::Utf8 { column: 0, offset: self.record_offset })
    }

    fn error(&self, problem: RecordProblem) -> RecordError {
        RecordError { record: self.records_read + 1, line: self.record_line, problem }
    }
}

/// Whether the last field is empty and bare.
fn is_blank(growing: &Growing) -> bool {
    let Some((last, before)) = growing.fields.split_last() else {
        return false;
    };
    let start = before.last().map_or(0, |field| field.end);
    !last.quoted && last.end == start
}

#[cfg(test)]
mod tests;
