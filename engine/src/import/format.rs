//! The formats that can be imported.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Text in records and fields, after RFC 4180; the delimiter is told from the first lines.
    Csv,
    /// As [`FileFormat::Csv`], with tabs as delimiters.
    Tsv,
    /// JSON objects: one after another (usually one a line), or all in one array. The first byte tells which.
    Json,
    /// Apache Parquet.
    Parquet,
}

/// A format, or the format of a file, that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFormat {
    /// No format has this name.
    #[error("`{name}` is not a file format; the formats are csv, tsv, json, jsonl, ndjson, parquet")]
    Name {
        /// The name as given.
        name: String,
    },
    /// The ending of a file's name tells no format.
    #[error(
        "the name of `{file}` does not tell its format; the known endings are .csv, .tsv, .tab, .json, .jsonl, \
         .ndjson, .parquet and .pq; rename the file (unpack it first if it is compressed), or name its format"
    )]
    Ending {
        /// The file.
        file: PathBuf,
    },
    /// The name of a pipe tells no format.
    #[error(
        "the name of `{file}`, which is no regular file, does not tell its format; give it with `--format`, like \
         `--format csv`, or `(FORMAT csv)` in COPY, or read it by `read_csv`, `read_json` or `read_parquet`"
    )]
    Pipe {
        /// The pipe.
        file: PathBuf,
    },
}

impl FileFormat {
    /// The format that the ending of a file's name tells.
    ///
    /// # Errors
    /// [`UnknownFormat::Ending`] if it tells none.
    pub fn of_path(path: &Path) -> Result<Self, UnknownFormat> {
        let ending: String = match path.extension() {
            Some(extension) => extension.to_string_lossy().to_ascii_lowercase(),
            None => String::new(),
        };
        match ending.as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "json" | "jsonl" | "ndjson" => Ok(Self::Json),
            "parquet" | "pq" => Ok(Self::Parquet),
            _ => Err(UnknownFormat::Ending { file: path.to_path_buf() }),
        }
    }

    /// The name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for FileFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "json" | "jsonl" | "ndjson" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            _ => Err(UnknownFormat::Name { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: FileFormat) {
        assert_eq!(FileFormat::of_path(Path::new(path)), Ok(expected));
    }

    #[test]
    fn the_ending_tells_the_format_in_any_case() {
        check("a/b.csv", FileFormat::Csv);
        check("B.TSV", FileFormat::Tsv);
        check("x.2024.jsonl", FileFormat::Json);
        check("x.pq", FileFormat::Parquet);
    }

    #[test]
    fn an_unknown_ending_is_an_error_that_lists_the_known_ones() {
        let error = FileFormat::of_path(Path::new("x.csv.gz")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the name of `x.csv.gz` does not tell its format; the known endings are .csv, .tsv, .tab, .json, .jsonl, \
             .ndjson, .parquet and .pq; rename the file (unpack it first if it is compressed), or name its format"
        );
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        assert_eq!("NDJSON".parse(), Ok(FileFormat::Json));
        let error = "xlsx".parse::<FileFormat>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`xlsx` is not a file format; the formats are csv, tsv, json, jsonl, ndjson, parquet"
        );
    }
}
