//! How files are read.

use super::error::ImportError;
use super::format::FileFormat;

/// How files are read. The default reads most files as they are meant.
///
/// What concerns CSV only says so; JSON and Parquet ignore it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// The format of the files; by default the ending of each name tells it. Used where files are resolved.
    pub format: Option<FileFormat>,
    /// CSV: whether the first record names the columns. By default it does, unless it is nothing but numbers, dates
    /// and the like. Without header, columns are called `column1`, `column2` and so on.
    pub header: Option<bool>,
    /// CSV: the byte between fields. By default, the one of `,` `;` tab `|` that splits the first records evenly;
    /// always a tab in TSV files.
    pub delimiter: Option<u8>,
    /// CSV: the byte around fields that hold delimiters, line ends or quotes, themselves written twice. `None`: quotes
    /// mean nothing. Default `"`.
    pub quote: Option<u8>,
    /// CSV: the texts which, without quotes, mean NULL. Default: only the empty text, so that `,,` is NULL and `,"",`
    /// is the empty text. In columns that are not text, an empty field is NULL in any case.
    pub null_text: Vec<String>,
    /// Keep the case of column names. By default they are folded to lower case, as SQL folds names without quotes.
    pub keep_case: bool,
    /// From how many rows of each CSV or JSON file types are inferred, at least 1. Default 20,480; `usize::MAX` reads
    /// everything twice.
    pub sample_rows: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            format: None,
            header: None,
            delimiter: None,
            quote: Some(b'"'),
            null_text: vec![String::new()],
            keep_case: false,
            sample_rows: 20_480,
        }
    }
}

impl ImportOptions {
    /// Checks that the options make sense together.
    ///
    /// # Errors
    /// [`ImportError::BadOption`] names the option that does not.
    pub fn check(&self) -> Result<(), ImportError> {
        if let Some(delimiter) = self.delimiter {
            if !delimiter.is_ascii() || delimiter == b'\n' || delimiter == b'\r' {
                return Err(bad_option("delimiter", "must be one ASCII character, and not a line end"));
            }
            if self.quote == Some(delimiter) {
                return Err(bad_option("delimiter", "must not be the same character as `quote`"));
            }
        }
        if let Some(quote) = self.quote
            && (!quote.is_ascii() || quote == b'\n' || quote == b'\r')
        {
            return Err(bad_option("quote", "must be one ASCII character, and not a line end"));
        }
        if self.sample_rows == 0 {
            return Err(bad_option("sample_rows", "must be at least 1"));
        }
        Ok(())
    }
}

fn bad_option(option: &'static str, problem: &'static str) -> ImportError {
    ImportError::BadOption { option, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: ImportOptions, expected: &str) {
        assert_eq!(options.check().unwrap_err().to_string(), expected);
    }

    #[test]
    fn options_that_make_no_sense_are_errors() {
        assert!(ImportOptions::default().check().is_ok());
        check(
            ImportOptions { delimiter: Some(b'"'), ..ImportOptions::default() },
            "the option `delimiter` must not be the same character as `quote`",
        );
        check(
            ImportOptions { delimiter: Some(b'\n'), ..ImportOptions::default() },
            "the option `delimiter` must be one ASCII character, and not a line end",
        );
        check(
            ImportOptions { sample_rows: 0, ..ImportOptions::default() },
            "the option `sample_rows` must be at least 1",
        );
    }
}
