//! What can go wrong with an import.

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;

use super::exact::ExactCastError;
use super::format::UnknownFormat;

/// Values longer than this are cut in messages.
const SHOWN_CHARACTERS: usize = 60;

/// A row of a file, as a user counts it.
///
/// * Rows count from 1; the header of a CSV file is not a row.
/// * The line is that on which the row begins, also from 1; formats without lines have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    number: u64,
    line: Option<NonZeroU64>,
}

impl Row {
    /// The row with this number.
    pub(crate) fn new(number: u64) -> Self {
        Self { number, line: None }
    }

    /// The row with this number, which begins on this line.
    pub(crate) fn on_line(number: u64, line: u64) -> Self {
        Self { number, line: NonZeroU64::new(line) }
    }

    /// The number of the row, from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// The line on which the row begins, from 1.
    pub fn line(self) -> Option<u64> {
        self.line.map(NonZeroU64::get)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "row {} (line {line})", self.number),
            None => write!(formatter, "row {}", self.number),
        }
    }
}

/// Why files could not be read into a table.
///
/// Every variant names the file, and as much of row, column and value as there is.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There was nothing to read.
    #[error("no file given; name at least one file or pattern, like `data/*.csv`")]
    NoFiles,
    /// A path leads nowhere.
    #[error("`{file}` does not exist")]
    NotFound {
        /// The path as given.
        file: PathBuf,
    },
    /// A pattern matched no file.
    #[error("no file matches `{pattern}`")]
    NoMatch {
        /// The pattern as given.
        pattern: String,
    },
    /// A pattern is malformed.
    #[error("`{pattern}` is not a valid file pattern; put `[`, `*` or `?` in brackets, like `[*]`, to mean itself")]
    BadPattern {
        /// The pattern as given.
        pattern: String,
        /// Where and why.
        source: glob::PatternError,
    },
    /// A path is a directory.
    #[error("`{file}` is a directory; name its files, like `{file}/*.csv`")]
    Directory {
        /// The path as given.
        file: PathBuf,
    },
    /// A file is named twice, and its rows would be imported twice.
    #[error("`{file}` is named twice; name every file once")]
    NamedTwice {
        /// The file.
        file: PathBuf,
    },
    /// Two names lead to one file, and its rows would be imported twice.
    #[error("`{file}` and `{other}` are the same file; name every file once")]
    SameFile {
        /// The file, as it was named last.
        file: PathBuf,
        /// The same file, as it was named before.
        other: PathBuf,
    },
    /// A pipe could not be read into a temporary file.
    #[error(
        "`{file}` is no regular file, and could not be copied into `{folder}`; \
         make room there, or set TMPDIR to another folder"
    )]
    Spool {
        /// The pipe.
        file: PathBuf,
        /// The folder of temporary files.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The format of a file is not known.
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    /// An option has a value that makes no sense.
    #[error("the option `{option}` {problem}")]
    BadOption {
        /// The name of the option.
        option: &'static str,
        /// What is wrong with it and what to do.
        problem: &'static str,
    },
    /// The operating system refused.
    #[error("`{file}` cannot be read")]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in a file from which columns could be told.
    #[error("`{file}` is empty: it has no header and no rows, so it has no columns")]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A file has rows, or a schema, without a single column.
    #[error("`{file}` has no columns; a table needs at least one")]
    NoColumns {
        /// The file.
        file: PathBuf,
    },
    /// Two columns would have one name.
    #[error(
        "`{file}` has two columns with the name `{name}`: `{first}` and `{second}`; rename one, \
         or keep upper and lower case apart with `--keep-case`"
    )]
    DuplicateColumn {
        /// The file.
        file: PathBuf,
        /// The name that both would have.
        name: String,
        /// The first column, as the file spells it.
        first: String,
        /// The second column, as the file spells it.
        second: String,
    },
    /// Two files of one import have different columns.
    #[error(
        "`{file}` has no column `{column}`, which `{other}` has; \
         all files of an import must have the same columns"
    )]
    ColumnsDiffer {
        /// The file that lacks the column.
        file: PathBuf,
        /// The column.
        column: String,
        /// A file that has it.
        other: PathBuf,
    },
    /// A file lacks a column of the target.
    #[error("`{file}` has no column `{column}`, which the table has; its columns are {columns}")]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// The column of the target.
        column: String,
        /// The columns of the file.
        columns: String,
    },
    /// A file has a column that the target lacks.
    #[error("`{file}` has a column `{column}`, which the table has not; the table's columns are {columns}")]
    UnknownColumn {
        /// The file.
        file: PathBuf,
        /// The column of the file.
        column: String,
        /// The columns of the target.
        columns: String,
    },
    /// A file without header has another number of columns than the target.
    #[error("`{file}` has {found} columns and no header, but the table has {expected} columns")]
    ColumnCount {
        /// The file.
        file: PathBuf,
        /// How many columns it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A row has more or fewer fields than the others.
    #[error(
        "`{file}`, {row}: found {found} fields, expected {expected}; \
         look for a missing or stray delimiter or quote, or set `--delimiter`"
    )]
    RaggedRow {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// How many fields it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A quote that is opened is never closed.
    #[error("`{file}`, {row}: a quote is opened and never closed; close it, or set `--quote`")]
    OpenQuote {
        /// The file.
        file: PathBuf,
        /// The row in which it is opened.
        row: Row,
    },
    /// Something other than a delimiter follows a closing quote.
    #[error("`{file}`, {row}: text follows a closing quote; a quote inside a quoted field is written twice")]
    TextAfterQuote {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
    },
    /// A row is larger than any row may be.
    #[error("`{file}`, {row}: the row is longer than {limit}; look for a quote or bracket that is never closed")]
    RowTooLong {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// The limit, in words.
        limit: &'static str,
    },
    /// Bytes are not UTF-8.
    #[error("`{file}`, {row}, column `{column}`: not UTF-8 at byte {offset} of the file; convert the file to UTF-8")]
    BadUtf8 {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// The column, by name if names are known, else by number.
        column: String,
        /// Where the first bad byte is, from 0.
        offset: u64,
    },
    /// A column cannot hold a value.
    #[error(
        "`{file}`, {row}, column `{column}`: `{value}` is not a valid {expected}; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred"
    )]
    BadValue {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// The column of the target.
        column: String,
        /// The value, shortened.
        value: String,
        /// The type of the column.
        expected: String,
    },
    /// A column that forbids NULL gets one.
    #[error("`{file}`, {row}, column `{column}`: no value, but the column is not null")]
    NullValue {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// The column of the target.
        column: String,
    },
    /// Two files give one column types that no type covers.
    #[error("column `{column}` is {found} in `{file}`, but {expected} in `{other}`; declare its type or mend a file")]
    TypeClash {
        /// The column.
        column: String,
        /// The second file.
        file: PathBuf,
        /// The type in the second file.
        found: Box<str>,
        /// The first file.
        other: PathBuf,
        /// The type in the first file.
        expected: Box<str>,
    },
    /// Rows of one file give one column types that no type covers.
    #[error("`{file}`, {row}, column `{column}`: found {found}, but rows before have {expected}")]
    MixedTypes {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// The column, with the path inside it.
        column: String,
        /// What the row has.
        found: &'static str,
        /// What the rows before have.
        expected: &'static str,
    },
    /// A type of a file or target has no counterpart in this format or in Frostline.
    #[error("`{file}`, column `{column}`: type {found} cannot be imported; {problem}")]
    UnsupportedType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
        /// The type.
        found: Box<str>,
        /// What to do.
        problem: &'static str,
    },
    /// A column of a file has a type from which its target's type cannot be made.
    #[error("`{file}`, column `{column}`: {found} cannot become {expected}; select from the file with a CAST instead")]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The column of the target.
        column: String,
        /// The type in the file.
        found: Box<str>,
        /// The type of the target.
        expected: Box<str>,
    },
    /// A row of a JSON file is not JSON.
    #[error("`{file}`, {row}: not valid JSON")]
    BadJson {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// Where in the row and why.
        source: serde_json::Error,
    },
    /// A JSON file is not a sequence of objects.
    #[error("`{file}`, {row}: {problem}")]
    BadJsonLayout {
        /// The file.
        file: PathBuf,
        /// The row.
        row: Row,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A Parquet file is not one, or is damaged.
    #[error("`{file}` is damaged at {place}, or is not a Parquet file; check that it was copied whole")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the damage shows.
        place: String,
        /// What the decoder said, if it said anything.
        source: Option<::parquet::errors::ParquetError>,
    },
    /// A file is not what it was when its columns were looked at.
    #[error("`{file}` was changed while it was being read; run the statement again")]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// Values of a file have no counterpart in the type that their column has together with other files.
    #[error("`{file}`: a value cannot become its column's type; select from the file alone")]
    Unlike {
        /// The file.
        file: PathBuf,
        /// Which value or type.
        source: Box<ExactCastError>,
    },
    /// Rows could not be made into a batch.
    #[error("`{file}`, {row}: the rows from here on cannot be made into columns")]
    Batch {
        /// The file.
        file: PathBuf,
        /// The first row of the batch.
        row: Row,
        /// Why.
        source: arrow::error::ArrowError,
    },
}

/// A value as messages show it: on one line and not too long.
pub(crate) fn shorten_value(value: &str) -> String {
    let mut shown = String::new();
    for (position, character) in value.chars().enumerate() {
        if position == SHOWN_CHARACTERS {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Names as messages list them.
pub(crate) fn list_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_at_a_character() {
        let value = "é".repeat(100);
        assert_eq!(shorten_value(&value), format!("{}…", "é".repeat(60)));
        assert_eq!(shorten_value("a\nb"), "a\\nb");
    }

    #[test]
    fn an_error_fits_where_clippy_wants_it() {
        assert!(std::mem::size_of::<ImportError>() <= 128, "{}", std::mem::size_of::<ImportError>());
    }
}
