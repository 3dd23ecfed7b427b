//! What can go wrong between rows and bytes.

use std::error::Error;
use std::io;

use arrow::error::ArrowError;

/// A value has no text, such as a timestamp beyond the calendar.
#[derive(Debug, thiserror::Error)]
#[error("a value of column `{column}` cannot be written as text; cast the column to another type")]
pub struct ValueError {
    /// The column's name.
    pub column: String,
    /// What is wrong with the value.
    #[source]
    pub source: ArrowError,
}

/// Why a result was not written, or not completely.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The place where the bytes go refused them.
    #[error("the bytes of the rows were refused; check the place that they are written to")]
    Write(#[source] io::Error),

    /// A value has no text.
    #[error(transparent)]
    Value(#[from] ValueError),

    /// The format has no place for these columns.
    #[error("the format cannot hold these columns; cast them to plainer types, or choose another format")]
    Encode(#[source] Box<dyn Error + Send + Sync>),

    /// A second result was begun, and the format holds one.
    #[error("the format holds one result, but there is a second; ask for one result, or choose another format")]
    SecondResult,

    /// The format holds one result, and none was begun.
    #[error("the format holds one result, but there is none; ask for one result, or choose another format")]
    NoResult,
}

impl ExportError {
    /// The error for what a format's own writer said.
    pub(crate) fn encode<E>(source: E) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        Self::Encode(Box::new(source))
    }
}
