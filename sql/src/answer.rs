//! What a statement gives.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use frostline_catalog::Version;
use futures::{StreamExt, TryStreamExt};

use crate::error::Error;

/// What a statement gave.
#[derive(Debug)]
pub enum Answer {
    /// Rows.
    Rows(Rows),
    /// A commit was made.
    Committed(Committed),
    /// The statement changed something in a transaction, which makes a version when it is committed.
    Pending {
        /// The version that the transaction began from.
        base: Version,
        /// What the statement did, for people: `insert orders, 3 rows`.
        summary: String,
        /// How many rows it wrote.
        rows: u64,
    },
    /// The statement changed nothing, so no version was made.
    NoChange {
        /// The version that the statement saw.
        version: Version,
    },
    /// The session changed: a setting, a prepared statement, a transaction. Or an assertion held.
    Done,
}

/// Rows, and the version they were read at.
///
/// Rows come as they are computed; dropping them cancels the rest.
pub struct Rows {
    /// The version that was read: that of every table where it is one, else the one that the statement saw.
    pub version: Version,
    /// The columns.
    pub schema: SchemaRef,
    /// The batches.
    pub stream: SendableRecordBatchStream,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("version", &self.version).field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Rows {
    /// The next batch.
    ///
    /// # Errors
    /// Whatever stopped the statement; nothing comes after it.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        self.stream.next().await.map(|batch| batch.map_err(Error::from))
    }

    /// All batches that are left.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, Error> {
        self.stream.map_err(Error::from).try_collect().await
    }
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version it made.
    pub version: Version,
    /// What it did, for people: `insert orders, 3 rows`.
    pub summary: String,
    /// How many rows it wrote.
    pub rows: u64,
}

impl Answer {
    /// An answer of one batch.
    pub(crate) fn of_batch(version: Version, batch: RecordBatch) -> Self {
        let schema = batch.schema();
        let stream = futures::stream::iter([Ok(batch)]);
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Self::Rows(Rows { version, schema, stream })
    }

    /// The rows, if the statement gave rows.
    ///
    /// # Errors
    /// If it gave none.
    pub fn into_rows(self) -> Result<Rows, Error> {
        match self {
            Self::Rows(rows) => Ok(rows),
            Self::Committed(_) | Self::Pending { .. } | Self::NoChange { .. } | Self::Done => {
                Err(Error::statement("the statement gives no rows"))
            }
        }
    }
}
