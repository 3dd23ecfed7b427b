//! Export: rows become the bytes of one format, for the command line, for COPY … TO and for answers over a network.
//!
//! ```text
//!   schema, batches                  bytes
//!   ───────────────▶ RowEncoder ───────────▶ any `io::Write`
//!                    CsvRows   JsonRows
//!                    ParquetRows   ArrowRows
//! ```
//!
//! * No encoder opens, names or finishes a file: [`ResultFile`] does, for those who write to one.
//! * Every value has one spelling, made in `value` (text) and `tree` (JSON), whatever the format around it. Only binary
//!   has two, see [`BinaryStyle`].
//! * What a reader of [`import`](crate::import) gets back is what was written, NULL and empty text apart, if binary is
//!   written as [`BinaryStyle::Prefixed`]. Lists, structs and maps in CSV are text to it.
//!
//! One idea a file: `encoder` (what all do), `csv`, `json`, `parquet`, `ipc` (one format each), `value` and `tree`
//! (spelling), `name` (of columns), `provenance` (which version of which lake), `file` (what bytes go to), `error`.

mod csv;
mod encoder;
mod error;
mod file;
mod ipc;
mod json;
mod name;
mod parquet;
mod provenance;
mod tree;
mod value;

#[cfg(test)]
mod tests;

pub use self::parquet::ParquetRows;
pub use csv::{CsvOptionError, CsvOptions, CsvRows};
pub use encoder::RowEncoder;
pub use error::{ExportError, ValueError};
pub use file::ResultFile;
pub use ipc::ArrowRows;
pub use json::JsonRows;
pub use provenance::{LAKE_ID_KEY, Provenance, VERSION_KEY};
pub use value::{BinaryStyle, text_rows};
