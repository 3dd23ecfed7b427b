//! The text that was given, and slices of it by line and column.

use datafusion::sql::sqlparser::tokenizer::Location;

/// A text and where its lines begin, so that tokens can be traced back to what was typed.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Keeps a text.
    pub(crate) fn new(text: &str) -> Self {
        let mut line_starts: Vec<usize> = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(index, _)| index + 1));
        Self { text: text.to_owned(), line_starts }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text from one place up to, not including, another, without white space around it. Places beyond the text
    /// count as its end.
    pub(crate) fn slice(&self, start: Location, end: Location) -> &str {
        self.text.get(self.offset(start)..self.offset(end)).unwrap_or("").trim()
    }

    /// The byte at which a place begins.
    fn offset(&self, location: Location) -> usize {
        let line = usize::try_from(location.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(start) = self.line_starts.get(line).copied() else {
            return self.text.len();
        };
        self.text[start..].char_indices().nth(column).map_or(self.text.len(), |(index, _)| start + index)
    }
}
