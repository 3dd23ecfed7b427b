//! One frozen segment's object: what this process has read of it, and reads of it that are checked.

use std::fmt;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use frostline_catalog::segment::FrozenObject;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::file::metadata::ParquetMetaData;
use tokio::sync::OnceCell;

use super::read_error::ReadError;
use crate::read::footer::decode_tail;
use crate::read::ranges::plan_fetch;
use crate::read::verified::{VerifiedParts, verify_bytes};
use crate::write::PartDigests;

/// An object in the store whose bytes are compared with their digests when they are first read.
///
/// * No byte is handed out whose part was not verified by this object.
/// * The footer is read once, in one request.
pub(crate) struct SegmentObject {
    store: Arc<dyn ObjectStore>,
    key: String,
    path: Path,
    tail_bytes: u64,
    digests: PartDigests,
    verified: VerifiedParts,
    footer: OnceCell<Arc<ParquetMetaData>>,
}

impl SegmentObject {
    /// The object that the catalog describes, with the block of its digests. Nothing is read.
    pub(crate) fn try_new(
        store: Arc<dyn ObjectStore>,
        object: &FrozenObject,
        digests: &Bytes,
    ) -> Result<Self, ReadError> {
        let digests = PartDigests::decode(digests, object.size_bytes)
            .map_err(|source| ReadError::Digests { key: object.key.clone(), source })?;
        Ok(Self {
            store,
            key: object.key.clone(),
            path: Path::from(object.key.as_str()),
            tail_bytes: object.tail_bytes.min(object.size_bytes),
            verified: VerifiedParts::new(digests.len()),
            digests,
            footer: OnceCell::new(),
        })
    }

    /// The object's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The bytes of some ranges, in the order asked.
    pub(crate) async fn read(&self, asked: &[Range<u64>]) -> Result<Vec<Bytes>, ReadError> {
        if let Some(beyond) = asked.iter().find(|range| range.end > self.digests.object_bytes()) {
            return Err(self.damaged(beyond));
        }
        let planned = plan_fetch(asked, &self.digests, &self.verified);
        let fetched = if planned.is_empty() { Vec::new() } else { self.fetch(&planned).await? };
        asked.iter().map(|range| self.cut(range, &planned, &fetched)).collect()
    }

    /// The footer, with the page index. Float columns that hold NaN have no bounds in it.
    pub(crate) async fn footer(&self) -> Result<Arc<ParquetMetaData>, ReadError> {
        let footer = self.footer.get_or_try_init(|| self.load_footer()).await?;
        Ok(Arc::clone(footer))
    }

    /// Whether the footer was read already.
    pub(crate) fn has_footer(&self) -> bool {
        self.footer.get().is_some()
    }

    /// About how many bytes this takes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        let footer = self.footer.get().map_or(0, |footer: &Arc<ParquetMetaData>| footer.memory_size());
        footer + self.digests.len() as usize * 33 + size_of::<Self>()
    }

    async fn load_footer(&self) -> Result<Arc<ParquetMetaData>, ReadError> {
        let end = self.digests.object_bytes();
        let tail = end - self.tail_bytes..end;
        let mut bytes = self.read(std::slice::from_ref(&tail)).await?;
        let bytes = bytes.pop().unwrap_or_default();
        let footer = decode_tail(end, bytes).map_err(|error| ReadError::of_parquet(&self.key, error))?;
        Ok(Arc::new(footer))
    }

    /// Fetches ranges and verifies the parts in them.
    async fn fetch(&self, planned: &[Range<u64>]) -> Result<Vec<Bytes>, ReadError> {
        // A client that joins ranges cuts its answer up again without a look at its length, and panics if it is short.
        let request = AssertUnwindSafe(self.store.get_ranges(&self.path, planned)).catch_unwind();
        let fetched = match request.await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(error)) => return Err(self.failure(error).await),
            Err(_) => return Err(self.damaged(&around(planned))),
        };
        for (range, bytes) in planned.iter().zip(&fetched) {
            verify_bytes(range, bytes, &self.digests, &self.verified).map_err(|part| self.damaged(&part))?;
        }
        Ok(fetched)
    }

    /// The piece of what was fetched that a range asked for.
    fn cut(&self, range: &Range<u64>, planned: &[Range<u64>], fetched: &[Bytes]) -> Result<Bytes, ReadError> {
        if range.start >= range.end {
            return Ok(Bytes::new());
        }
        let mut pieces = planned.iter().zip(fetched);
        let holder = pieces.find(|(whole, _)| whole.start <= range.start && range.end <= whole.end);
        // A store that answers with fewer ranges than it was asked for has lost some.
        let (whole, bytes) = holder.ok_or_else(|| self.damaged(range))?;
        Ok(bytes.slice((range.start - whole.start) as usize..(range.end - whole.start) as usize))
    }

    /// What a failed request means: an object of another length is damage, whatever the store calls it.
    async fn failure(&self, error: object_store::Error) -> ReadError {
        let failure = ReadError::of_store(&self.key, error);
        if matches!(failure, ReadError::Missing { .. }) {
            return failure;
        }
        match self.store.head(&self.path).await {
            Ok(found) if found.size < self.digests.object_bytes() => {
                self.damaged(&(found.size..self.digests.object_bytes()))
            }
            _ => failure,
        }
    }

    fn damaged(&self, range: &Range<u64>) -> ReadError {
        ReadError::Damaged { key: self.key.clone(), begin: range.start, end: range.end }
    }
}

/// From the first byte of some ranges to the last.
fn around(ranges: &[Range<u64>]) -> Range<u64> {
    ranges.first().map_or(0, |first| first.start)..ranges.last().map_or(0, |last| last.end)
}

impl fmt::Debug for SegmentObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentObject").field("key", &self.key).finish_non_exhaustive()
    }
}
