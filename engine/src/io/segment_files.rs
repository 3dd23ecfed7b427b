//! The frozen segments of a lake, as this process reads them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use frostline_catalog::segment::{FrozenObject, Segment, Storage};
use object_store::ObjectStore;
use tokio::sync::OnceCell;

use super::read_error::ReadError;
use super::segment_object::SegmentObject;
use super::segment_reader::SegmentReader;
use super::segment_source::SegmentSource;
use crate::read::fetched::Fetched;
use crate::read::kept::Kept;

/// The frozen segments of a lake: their footers, and which of their parts are verified. Clones share both.
///
/// * What is kept is kept by the object's key, which holds its digest: segments that are not committed yet have ids
///   that others may get.
/// * Footers are kept up to a number of bytes, the least recently used given up first. What was given up is read and
///   verified again.
/// * Of those who open one segment at the same time, one reads its footer and the others wait.
#[derive(Clone)]
pub struct SegmentFiles {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn ObjectStore>,
    whole_bytes_max: u64,
    objects: Mutex<Kept<String, Arc<KnownObject>>>,
}

/// An object, once somebody has opened it.
type KnownObject = OnceCell<Arc<SegmentObject>>;

impl SegmentFiles {
    /// The segments in a store. An object of at most `whole_bytes_max` bytes is read whole when its footer is wanted: 0
    /// where a request costs little. `cache_bytes` bounds the footers that are kept.
    pub fn new(store: Arc<dyn ObjectStore>, whole_bytes_max: u64, cache_bytes: usize) -> Self {
        Self { shared: Arc::new(Shared { store, whole_bytes_max, objects: Mutex::new(Kept::new(cache_bytes)) }) }
    }

    /// Opens a frozen segment. If its footer is not known, it is read while `digests` is awaited, which gives the block
    /// that the segment names; otherwise `digests` is dropped.
    ///
    /// # Errors
    /// That of `digests`, or a [`ReadError`]: of a store that fails, of damage, of a hot segment.
    pub async fn open<E: From<ReadError>>(
        &self,
        segment: &Segment,
        digests: impl Future<Output = Result<Bytes, E>>,
    ) -> Result<SegmentReader, E> {
        let object = frozen_object(segment)?;
        let known = self.known(object);
        let mut ahead = Fetched::default();
        let load = async {
            let source = SegmentSource::new(Arc::clone(&self.shared.store), object);
            let (opened, fetched) = SegmentObject::open(source, digests, self.shared.whole_bytes_max).await?;
            // From now on its bytes count.
            self.objects().keep(object.key.clone(), Arc::clone(&known), opened.memory_bytes());
            ahead = fetched;
            Ok::<Arc<SegmentObject>, E>(Arc::new(opened))
        };
        let opened = Arc::clone(known.get_or_try_init(|| load).await?);
        Ok(SegmentReader::new(opened, ahead))
    }

    fn known(&self, object: &FrozenObject) -> Arc<KnownObject> {
        let mut objects = self.objects();
        if let Some(known) = objects.find(&object.key) {
            return known;
        }
        let unread: Arc<KnownObject> = Arc::default();
        objects.keep(object.key.clone(), Arc::clone(&unread), size_of::<KnownObject>());
        unread
    }

    fn objects(&self) -> MutexGuard<'_, Kept<String, Arc<KnownObject>>> {
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
