//! Import: files of the user become Arrow batches of one target schema.
//!
//! ```text
//! 'data/*.csv'  ──resolve_sources──▶  files  ──infer_schema──▶  schema
//!                                       │                         │
//!                                       └──────── open ───────────┘
//!                                                  │
//!                                             ImportReader  ──▶  batch, batch, …
//! ```
//!
//! * Everything reads local files and blocks: callers on an async runtime run it on a blocking thread.
//! * Memory is bounded: a reader holds one block of rows, never a file. What can be read only once is copied to disk.
//! * Nothing is guessed past an error: a value that its column cannot hold is an [`ImportError`] that names the file,
//!   the row, the column, the value and what to do. No value is rounded, cut or turned into NULL to make it fit.
//! * What a value means does not depend on the format: text from CSV and scalars from JSON go through the same parsers.
//!
//! One idea a file: `source` (which files), `spool` (pipes), `format`, `options`, `name` (of columns), `candidates`,
//! `shape` and `widen` (inference), `record` and `element` (cutting bytes into rows), `value`, `instant` and `column`
//! (text into arrays), `normalise` and `exact` (arrays into arrays), `csv`, `json`, `parquet` (one reader each),
//! `target` (what they make), `reader` (the door).

mod candidates;
mod column;
mod csv;
mod delimiter;
mod element;
mod error;
mod exact;
mod format;
mod infer;
mod instant;
mod json;
mod name;
pub mod normalise;
mod options;
mod parquet;
mod progress;
mod reader;
mod record;
mod shape;
mod source;
mod spool;
mod target;
mod type_name;
mod value;
mod widen;

#[cfg(test)]
mod tests;

pub use self::parquet::ParquetFooter;
pub use error::{ImportError, Row};
pub use exact::{ExactCastError, cast_exact, is_always_exact};
pub use format::{FileFormat, UnknownFormat};
pub use name::{fold_name, relation_names};
pub use options::ImportOptions;
pub use progress::Progress;
pub use reader::{ImportReader, infer_parquet_schema, infer_schema, open, open_columns, open_counted};
pub use source::{SourceFile, resolve_sources};
pub use type_name::sql_type_name;
