//! The frozen segments of a lake, as this process reads them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use frostline_catalog::segment::{FrozenObject, Segment, Storage};
use object_store::ObjectStore;
use parquet::file::metadata::ParquetMetaData;

use super::read_error::ReadError;
use super::segment_object::SegmentObject;
use super::segment_reader::SegmentReader;
use crate::read::kept::Kept;

/// The frozen segments of a lake: their footers, and which of their parts are verified. Clones share both.
///
/// * What is kept is kept by the object's key, which holds its digest: segments that are not committed yet have ids
///   that others may get.
/// * Footers are kept up to a number of bytes, the least recently used given up first. What was given up is read and
///   verified again.
#[derive(Clone)]
pub struct SegmentFiles {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn ObjectStore>,
    objects: Mutex<Kept<String, Arc<SegmentObject>>>,
}

impl SegmentFiles {
    /// The segments in a store. `cache_bytes` bounds the footers that are kept.
    pub fn new(store: Arc<dyn ObjectStore>, cache_bytes: usize) -> Self {
        Self { shared: Arc::new(Shared { store, objects: Mutex::new(Kept::new(cache_bytes)) }) }
    }

    /// The footer of a frozen segment, with its page index. `digests` is the block that the segment names.
    ///
    /// A float column that holds NaN has no least and greatest value in it, neither for the row groups nor for pages.
    pub async fn metadata(&self, segment: &Segment, digests: &Bytes) -> Result<Arc<ParquetMetaData>, ReadError> {
        let object = self.open(segment, digests)?;
        self.footer(&object).await
    }

    /// A reader of a frozen segment's object. It reads nothing yet; a hot segment is an error when it does.
    pub fn reader(&self, segment: Arc<Segment>, digests: Bytes) -> SegmentReader {
        SegmentReader::new(self.clone(), segment, digests)
    }

    /// The object of a segment, shared by all who read it.
    pub(crate) fn open(&self, segment: &Segment, digests: &Bytes) -> Result<Arc<SegmentObject>, ReadError> {
        let object = frozen_object(segment)?;
        let mut objects = self.objects();
        if let Some(known) = objects.find(&object.key) {
            return Ok(known);
        }
        let opened = Arc::new(SegmentObject::try_new(Arc::clone(&self.shared.store), object, digests)?);
        objects.keep(object.key.clone(), Arc::clone(&opened), opened.memory_bytes());
        Ok(opened)
    }

    /// The footer of an object. The first time, its bytes begin to count.
    pub(crate) async fn footer(&self, object: &Arc<SegmentObject>) -> Result<Arc<ParquetMetaData>, ReadError> {
        let was_read = object.has_footer();
        let footer = object.footer().await?;
        if !was_read {
            self.objects().keep(object.key().to_owned(), Arc::clone(object), object.memory_bytes());
        }
        Ok(footer)
    }

    fn objects(&self) -> MutexGuard<'_, Kept<String, Arc<SegmentObject>>> {
        self.shared.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SegmentFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentFiles").field("store", &self.shared.store.to_string()).finish_non_exhaustive()
    }
}

fn frozen_object(segment: &Segment) -> Result<&FrozenObject, ReadError> {
    match &segment.storage {
        Storage::Frozen { object, .. } => Ok(object),
        Storage::Hot { .. } => Err(ReadError::Hot { segment: segment.id }),
    }
}
