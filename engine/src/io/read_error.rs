//! What can go wrong when a frozen segment is read.

use std::sync::Arc;

use frostline_catalog::SegmentId;
use frostline_catalog::io::StoreFailure;
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::write::DigestsError;

/// Why a frozen segment cannot be read.
///
/// Inside Parquet's and DataFusion's errors it travels as a cause; find it along [`source`](std::error::Error::source).
#[derive(Clone, Debug, Error)]
pub enum ReadError {
    /// The object is not there.
    #[error("`{key}` is missing from the store, though a version needs it; run `frostline verify`")]
    Missing {
        /// The object's key.
        key: String,
    },
    /// Bytes of the object are not those that were written.
    #[error("`{key}` is damaged between bytes {begin} and {end}; run `frostline verify` and restore it from a copy")]
    Damaged {
        /// The object's key.
        key: String,
        /// Where the damaged part begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// The digests are not the object's.
    #[error("the digests of `{key}` cannot be used")]
    Digests {
        /// The object's key.
        key: String,
        /// Why.
        source: DigestsError,
    },
    /// The bytes are those that were written, and still no rows come out of them.
    #[error("`{key}` holds no Parquet that this version can read; use a newer version of frostline")]
    Decode {
        /// The object's key.
        key: String,
        /// What Parquet found.
        source: Arc<ParquetError>,
    },
    /// The store failed.
    #[error("cannot read `{key}` from the store")]
    Store {
        /// The object's key.
        key: String,
        /// What the failure means.
        failure: StoreFailure,
        /// What the store said.
        source: Arc<object_store::Error>,
    },
    /// A hot segment was asked for, which has no object.
    #[error("segment {segment} is hot: its rows are in a slot of the ledger, not in an object")]
    Hot {
        /// The segment.
        segment: SegmentId,
    },
}

impl ReadError {
    /// What a failed request means.
    pub(crate) fn of_store(key: &str, source: object_store::Error) -> Self {
        match StoreFailure::of(&source) {
            StoreFailure::NotFound => Self::Missing { key: key.to_owned() },
            failure => Self::Store { key: key.to_owned(), failure, source: Arc::new(source) },
        }
    }

    /// What Parquet's reader met: an error of ours that it passes on, or one of its own.
    pub(crate) fn of_parquet(key: &str, error: ParquetError) -> Self {
        let own = |source: ParquetError| Self::Decode { key: key.to_owned(), source: Arc::new(source) };
        match error {
            ParquetError::External(cause) => match cause.downcast::<Self>() {
                Ok(error) => *error,
                Err(cause) => own(ParquetError::External(cause)),
            },
            other => own(other),
        }
    }
}

impl From<ReadError> for ParquetError {
    fn from(error: ReadError) -> Self {
        Self::External(Box::new(error))
    }
}
