//! Cuts a JSON file into its objects.
//!
//! ```text
//! {"a": 1}            one after another, usually one a line
//! {"a": 2}
//!
//! [{"a": 1},          or all in one array
//!  {"a": 2}]
//! ```
//!
//! * The first byte tells which of the two a file is; blanks and line ends between objects mean nothing.
//! * Only brackets and strings are looked at: whether an object is JSON is seen when it is decoded.
//! * An object has at most 64 MiB. A file that ends within an object or array is an error: it was cut off.

use std::io::{self, Read};

use super::record::MAX_RECORD_BYTES;

/// A block ends early when its objects are as long as this.
const BLOCK_BYTES: usize = 8 * 1024 * 1024;
const READ_BYTES: usize = 256 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file cannot be cut into objects.
#[derive(Debug)]
pub(crate) struct ElementError {
    /// The object, from 1.
    pub(crate) element: u64,
    /// The line on which it begins, or on which something else stands in its place.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) problem: ElementProblem,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) enum ElementProblem {
    Read(io::Error),
    TooLong,
    Layout(&'static str),
}

/// A run of objects.
#[derive(Debug, Default)]
pub(crate) struct ElementBlock {
    /// The objects, a line end after each.
    bytes: Vec<u8>,
    elements: Vec<ElementMark>,
}

#[derive(Clone, Copy, Debug)]
struct ElementMark {
    start: usize,
    end: usize,
    line: u64,
}

impl ElementBlock {
    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// All objects, a line end after each.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One object.
    pub(crate) fn element(&self, element: usize) -> &[u8] {
        let mark = self.elements[element];
        &self.bytes[mark.start..mark.end]
    }

    /// The line on which an object begins, from 1.
    pub(crate) fn line(&self, element: usize) -> u64 {
        self.elements[element].line
    }
}

/// Reads objects, block by block.
pub(crate) struct ElementReader<R> {
    input: R,
    buffer: Vec<u8>,
    position: usize,
    filled: usize,
    /// Where the buffer begins in the file.
    buffer_offset: u64,
    at_start: bool,
    state: State,
    in_array: bool,
    line: u64,
    element_line: u64,
    element_start: usize,
    elements_read: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing read but blanks.
    Beginning,
    /// Before the first object of an array, or its end.
    ArrayOpened,
    /// After an object of an array: before a comma or the end.
    AfterElement,
    /// After a comma: before an object.
    AfterComma,
    /// Outside arrays: before an object or the end of the file.
    Between,
    /// In an object, under so many open brackets.
    Inside(u32),
    InString(u32),
    /// After a backslash in a string.
    Escaped(u32),
    /// After the array.
    Closed,
}

impl<R: Read> ElementReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self::with_buffer(input, READ_BYTES)
    }

    /// As [`Self::new`], with a buffer of so many bytes.
    pub(crate) fn with_buffer(input: R, buffer_bytes: usize) -> Self {
        Self {
            input,
            // The byte order mark must fit.
            buffer: vec![0; buffer_bytes.max(BYTE_ORDER_MARK.len())],
            position: 0,
            filled: 0,
            buffer_offset: 0,
            at_start: true,
            state: State::Beginning,
            in_array: false,
            line: 1,
            element_line: 1,
            element_start: 0,
            elements_read: 0,
        }
    }

    /// How many bytes of the file have been cut.
    pub(crate) fn offset(&self) -> u64 {
        self.buffer_offset + self.position as u64
    }

    /// Up to `limit` more objects, or `None` at the end of the file. Blocks of large objects end earlier.
    pub(crate) fn next_block(&mut self, limit: usize) -> Result<Option<ElementBlock>, ElementError> {
        let mut block = ElementBlock::default();
        while self.is_inside() || (block.elements.len() < limit && block.bytes.len() < BLOCK_BYTES) {
            if self.position == self.filled && !self.refill(&block)? {
                self.check_end()?;
                break;
            }
            self.scan(&mut block)?;
        }
        if block.elements.is_empty() { Ok(None) } else { Ok(Some(block)) }
    }

    fn is_inside(&self) -> bool {
        matches!(self.state, State::Inside(_) | State::InString(_) | State::Escaped(_))
    }

    /// Fills the buffer from the file. `false` at its end.
    fn refill(&mut self, block: &ElementBlock) -> Result<bool, ElementError> {
        if self.is_inside() && (block.bytes.len() - self.element_start) as u64 > MAX_RECORD_BYTES {
            return Err(self.error(ElementProblem::TooLong));
        }
        self.buffer_offset += self.filled as u64;
        self.position = 0;
        self.filled = 0;
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(ElementProblem::Read(error))),
            }
        }
        if self.at_start && self.buffer[..self.filled].starts_with(BYTE_ORDER_MARK) {
            self.position = BYTE_ORDER_MARK.len();
        }
        self.at_start = false;
        Ok(self.filled > 0)
    }

    /// Cuts until an object ends or the buffer does.
    fn scan(&mut self, block: &mut ElementBlock) -> Result<(), ElementError> {
        while self.position < self.filled {
            match self.state {
                State::Inside(depth) => {
                    if self.scan_inside(block, depth) {
                        return Ok(());
                    }
                }
                State::InString(depth) => self.scan_string(block, depth),
                State::Escaped(depth) => {
                    self.copy(block, 1);
                    self.state = State::InString(depth);
                }
                _ => self.scan_outside(block)?,
            }
        }
        Ok(())
    }

    /// Steps over one byte between objects.
    fn scan_outside(&mut self, block: &mut ElementBlock) -> Result<(), ElementError> {
        let byte = self.buffer[self.position];
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            self.position += 1;
            self.line += u64::from(byte == b'\n');
            return Ok(());
        }
        self.element_line = self.line;
        match (self.state, byte) {
            (State::Beginning, b'[') => {
                self.in_array = true;
                self.state = State::ArrayOpened;
            }
            (State::Beginning | State::Between | State::ArrayOpened | State::AfterComma, b'{') => {
                self.element_start = block.bytes.len();
                // The bracket is counted when the object is scanned.
                self.state = State::Inside(0);
                return Ok(());
            }
            (State::ArrayOpened | State::AfterElement, b']') => self.state = State::Closed,
            (State::AfterElement, b',') => self.state = State::AfterComma,
            (State::AfterElement, _) => {
                return Err(self.layout("expected `,` or `]` after an object of the array"));
            }
            (State::Closed, _) => return Err(self.layout("something follows the array; a file is one array or none")),
            _ => {
                return Err(self.layout(
                    "expected an object, like `{\"name\": 1}`; \
                     a file is JSON objects, one after another or in one array",
                ));
            }
        }
        self.position += 1;
        Ok(())
    }

    /// Copies up to the next bracket or string. `true` if the object ends there.
    fn scan_inside(&mut self, block: &mut ElementBlock, depth: u32) -> bool {
        let rest = &self.buffer[self.position..self.filled];
        let stop = rest.iter().position(|byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b'"'));
        let length = stop.unwrap_or(rest.len());
        self.line += rest[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.copy(block, length);
        if stop.is_none() {
            return false;
        }
        let byte = self.buffer[self.position];
        self.copy(block, 1);
        match byte {
            b'"' => self.state = State::InString(depth),
            b'{' | b'[' => self.state = State::Inside(depth.saturating_add(1)),
            _ if depth > 1 => self.state = State::Inside(depth - 1),
            _ => {
                block.elements.push(ElementMark {
                    start: self.element_start,
                    end: block.bytes.len(),
                    line: self.element_line,
                });
                block.bytes.push(b'\n');
                self.elements_read += 1;
                self.state = if self.in_array { State::AfterElement } else { State::Between };
                return true;
            }
        }
        false
    }

    /// Copies up to the end of the string, or to a backslash.
    fn scan_string(&mut self, block: &mut ElementBlock, depth: u32) {
        let rest = &self.buffer[self.position..self.filled];
        let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let length = stop.unwrap_or(rest.len());
        self.line += rest[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.copy(block, length);
        if stop.is_some() {
            let quote = self.buffer[self.position] == b'"';
            self.copy(block, 1);
            self.state = if quote { State::Inside(depth) } else { State::Escaped(depth) };
        }
    }

    fn copy(&mut self, block: &mut ElementBlock, length: usize) {
        block.bytes.extend_from_slice(&self.buffer[self.position..self.position + length]);
        self.position += length;
    }

    fn check_end(&self) -> Result<(), ElementError> {
        match self.state {
            State::Beginning | State::Between | State::Closed => Ok(()),
            State::Inside(_) | State::InString(_) | State::Escaped(_) => {
                Err(self.layout("the file ends within this object; check that it was copied whole"))
            }
            State::ArrayOpened | State::AfterElement | State::AfterComma => {
                Err(self.layout("the file ends before its array does; check that it was copied whole"))
            }
        }
    }

    fn layout(&self, problem: &'static str) -> ElementError {
        self.error(ElementProblem::Layout(problem))
    }

    fn error(&self, problem: ElementProblem) -> ElementError {
        ElementError { element: self.elements_read + 1, line: self.element_line, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, buffer_bytes: usize, limit: usize) -> Result<Vec<(u64, String)>, String> {
        let mut reader = ElementReader::with_buffer(text.as_bytes(), buffer_bytes);
        let mut elements: Vec<(u64, String)> = Vec::new();
        loop {
            match reader.next_block(limit) {
                Ok(Some(block)) => {
                    for element in 0..block.len() {
                        let text = String::from_utf8(block.element(element).to_vec()).unwrap();
                        elements.push((block.line(element), text));
                    }
                }
                Ok(None) => return Ok(elements),
                Err(ElementError { element, line, problem: ElementProblem::Layout(problem) }) => {
                    return Err(format!("{element} on {line}: {problem}"));
                }
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }

    fn check(text: &str, expected: &[(u64, &str)]) {
        let expected: Vec<(u64, String)> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
        for buffer_bytes in [3, 4, 5, 1024] {
            for limit in [1, 2, 100] {
                assert_eq!(cut(text, buffer_bytes, limit), Ok(expected.clone()), "{text:?}");
            }
        }
    }

    fn refuse(text: &str, expected: &str) {
        for buffer_bytes in [3, 1024] {
            assert_eq!(cut(text, buffer_bytes, 100), Err(expected.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn objects_come_one_after_another() {
        check("{\"a\":1}\n\n{\"b\":[{}]}", &[(1, "{\"a\":1}"), (3, "{\"b\":[{}]}")]);
        check("{\n\"a\": 1\n} {}\r\n", &[(1, "{\n\"a\": 1\n}"), (3, "{}")]);
        check("\u{feff}{}", &[(1, "{}")]);
        check("", &[]);
        check(" \n", &[]);
    }

    #[test]
    fn objects_come_in_an_array() {
        check("[]", &[]);
        check("[{\"a\":1},\n {\"a\":2}\n]\n", &[(1, "{\"a\":1}"), (2, "{\"a\":2}")]);
    }

    #[test]
    fn brackets_in_strings_mean_nothing() {
        check("{\"a\":\"}\\\"]{\"}{}", &[(1, "{\"a\":\"}\\\"]{\"}"), (1, "{}")]);
        check("{\"a\":\"\\\\\"}", &[(1, "{\"a\":\"\\\\\"}")]);
    }

    #[test]
    fn a_file_that_was_cut_off_is_refused() {
        refuse("{\"a\":1}\n{\"a\":", "2 on 2: the file ends within this object; check that it was copied whole");
        refuse("[{\"a\":1},\n", "2 on 1: the file ends before its array does; check that it was copied whole");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let problem =
            "expected an object, like `{\"name\": 1}`; a file is JSON objects, one after another or in one array";
        refuse("1", &format!("1 on 1: {problem}"));
        refuse("[1]", &format!("1 on 1: {problem}"));
        refuse("{}\n[]", &format!("2 on 2: {problem}"));
        refuse("[{},]", &format!("2 on 1: {problem}"));
        refuse("[{} {}]", "2 on 1: expected `,` or `]` after an object of the array");
        refuse("[{}]\n{}", "2 on 2: something follows the array; a file is one array or none");
    }
}
