//! The formats that results can be written in.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use super::sink::Target;

/// A format for results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// Boxes for reading on a terminal: the middle of long results and what is too wide are left out
    Box,
    /// Comma-separated values (RFC 4180) with a header; NULL is empty, empty text is ""
    Csv,
    /// Tab-separated values, quoted as in csv
    Tsv,
    /// One array of objects per result, each on its own line
    Json,
    /// One object per row, each on its own line
    #[value(alias = "ndjson")]
    Jsonl,
    /// Tables for documents
    #[value(alias = "md")]
    Markdown,
    /// One Parquet file
    Parquet,
    /// Arrow IPC: the stream form on standard output, the file form in a file
    Arrow,
}

impl OutputFormat {
    /// The format to use: the one that was asked for; else the one that the file's extension names; else box on a
    /// terminal, and csv off it.
    pub(crate) fn choose(asked: Option<Self>, target: &Target) -> Self {
        match (asked, target) {
            (Some(format), _) => format,
            (None, Target::File(path)) => Self::of_extension(path).unwrap_or(Self::Csv),
            (None, Target::Stdout) if target.is_terminal() => Self::Box,
            (None, Target::Stdout) => Self::Csv,
        }
    }

    /// Whether the format holds exactly one result, so that more or fewer are an error.
    pub(crate) fn holds_one_result(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    fn of_extension(path: &Path) -> Option<Self> {
        let extension = path.extension().and_then(OsStr::to_str)?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "md" | "markdown" => Some(Self::Markdown),
            "parquet" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Box => "box",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        })
    }
}
