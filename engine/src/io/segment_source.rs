//! Where the bytes of one frozen segment come from.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use frostline_catalog::segment::FrozenObject;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::read_error::ReadError;
use crate::read::fetched::Fetched;

/// An object in the store, as the catalog describes it. What it gives is not checked.
pub(super) struct SegmentSource {
    store: Arc<dyn ObjectStore>,
    key: String,
    path: Path,
    size_bytes: u64,
    tail_bytes: u64,
}

impl SegmentSource {
    /// The object in a store. Nothing is read.
    pub(super) fn new(store: Arc<dyn ObjectStore>, object: &FrozenObject) -> Self {
        Self {
            store,
            key: object.key.clone(),
            path: Path::from(object.key.as_str()),
            size_bytes: object.size_bytes,
            tail_bytes: object.tail_bytes.min(object.size_bytes),
        }
    }

    /// The object's key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The object's length.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Where page index and footer lie: at the end.
    pub(super) fn tail(&self) -> Range<u64> {
        self.size_bytes - self.tail_bytes..self.size_bytes
    }

    /// Fetches ranges, all at the same time. Empty ones are not asked for.
    pub(super) async fn fetch(&self, mut ranges: Vec<Range<u64>>) -> Result<Fetched, ReadError> {
        ranges.retain(|range| range.start < range.end);
        if ranges.is_empty() {
            return Ok(Fetched::default());
        }
        // A client that joins ranges cuts its answer up again without a look at its length, and panics if it is short.
        let request = AssertUnwindSafe(self.store.get_ranges(&self.path, &ranges)).catch_unwind();
        let answer = request.await;
        match answer {
            Ok(Ok(bytes)) => Ok(Fetched::new(ranges, bytes)),
            Ok(Err(error)) => Err(self.failure(error).await),
            Err(_) => Err(self.damaged(&around(&ranges))),
        }
    }

    /// What a failed request means: an object of another length is damage, whatever the store calls it.
    async fn failure(&self, error: object_store::Error) -> ReadError {
        let failure = ReadError::of_store(&self.key, error);
        if matches!(failure, ReadError::Missing { .. }) {
            return failure;
        }
        match self.store.head(&self.path).await {
            Ok(found) if found.size < self.size_bytes => self.damaged(&(found.size..self.size_bytes)),
            _ => failure,
        }
    }

    /// The error for bytes that are not those that were written.
    pub(super) fn damaged(&self, range: &Range<u64>) -> ReadError {
        ReadError::Damaged { key: self.key.clone(), begin: range.start, end: range.end }
    }
}

/// From the first byte of some ranges to the last.
fn around(ranges: &[Range<u64>]) -> Range<u64> {
    ranges.first().map_or(0, |first| first.start)..ranges.last().map_or(0, |last| last.end)
}
