//! What can go wrong when rows become a segment.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use thiserror::Error;

use super::block::BlockError;

/// Why rows could not be written. Nothing was stored; the writer must not be used again.
#[derive(Debug, Error)]
pub enum WriteError {
    /// A field of the schema has no field id, so that no reader could find it again.
    #[error("column `{column}` carries no field id; give the writer the schema of a table")]
    MissingFieldId {
        /// The path of the field.
        column: String,
    },
    /// A batch has another number of columns than the table.
    #[error("the rows have {found} columns and the table has {expected}; give every column, in the table's order")]
    ColumnCount {
        /// The table's columns.
        expected: usize,
        /// The batch's columns.
        found: usize,
    },
    /// A column of a batch has another type than the table's.
    #[error("column `{column}` holds {found} and the table wants {expected}; cast it first")]
    ColumnType {
        /// The column.
        column: String,
        /// The table's type.
        expected: String,
        /// The batch's type.
        found: String,
    },
    /// The rows break a rule of the table, such as NOT NULL.
    #[error("the rows do not fit the table's columns")]
    Rows {
        /// What Arrow found.
        source: ArrowError,
    },
    /// Parquet could not encode the rows.
    #[error("the rows cannot be written as Parquet")]
    Encode {
        /// What the writer found.
        #[from]
        source: ParquetError,
    },
    /// The statistics could not be encoded.
    #[error("the statistics of the rows cannot be written")]
    Statistics {
        /// What went wrong.
        #[from]
        source: BlockError,
    },
}
