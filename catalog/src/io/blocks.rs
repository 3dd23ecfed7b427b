//! Payload blocks: from memory, from bundles, or from their slots.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};

use super::{LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::{Bundle, Extent};
use crate::digest::Digest;
use crate::id::Slot;
use crate::record::SlotBytes;
use crate::segment::BlockRef;

/// How many requests for slots are under way at once.
const REQUESTS: usize = 64;

/// How many blocks of one bundle make it worth a request of its own.
const BUNDLE_BLOCKS_MIN: usize = 4;

/// The bytes of blocks kept in memory because they came with a slot that was followed.
const RECENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The payload blocks of a ledger.
///
/// * Every block that is handed out has the digest that its reference says, wherever it came from.
/// * It is in memory of its own: whoever keeps it does not keep the slot or bundle that it came in.
#[derive(Debug)]
pub struct Blocks {
    store: Arc<dyn ObjectStore>,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    blocks: HashMap<(Slot, u32), Bytes>,
    order: VecDeque<(Slot, u32)>,
    bytes: usize,
}

impl Recent {
    fn keep(&mut self, slot: Slot, blocks: &[Bytes]) {
        for (index, bytes) in (0..).zip(blocks) {
            if self.blocks.insert((slot, index), bytes.clone()).is_none() {
                self.order.push_back((slot, index));
                self.bytes += bytes.len();
            }
        }
        while self.bytes > RECENT_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.blocks.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }
}

impl Blocks {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, recent: Mutex::default() }
    }

    /// Keeps the blocks of a slot that was just read or written.
    pub(super) fn keep(&self, slot: Slot, blocks: &[Bytes]) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).keep(slot, blocks);
    }

    fn recent(&self, block: &BlockRef) -> Option<Bytes> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.blocks.get(&(block.slot, block.index)).cloned()
    }

    /// One block.
    pub async fn read(&self, block: &BlockRef) -> Result<Bytes, LedgerError> {
        let bytes = match self.recent(block) {
            Some(bytes) => bytes,
            None => checked(block, self.read_slot(block.slot).await?.get(block.index as usize).cloned())?,
        };
        Ok(own_copy(&bytes))
    }

    /// Some blocks, in the order asked for. Many blocks of one bundle are read with it, and the slots of others at the
    /// same time.
    pub async fn read_all(&self, blocks: &[BlockRef], head: Slot) -> Result<Vec<Bytes>, LedgerError> {
        let mut found: Vec<Option<Bytes>> = blocks.iter().map(|block| self.recent(block)).collect();
        let mut by_extent: BTreeMap<Option<Extent>, Vec<usize>> = BTreeMap::new();
        for (place, block) in blocks.iter().enumerate().filter(|(place, _)| found[*place].is_none()) {
            by_extent.entry(Extent::of(block.slot, head)).or_default().push(place);
        }
        let (mut bundled, mut single): (Vec<(Extent, Vec<usize>)>, Vec<usize>) = (Vec::new(), Vec::new());
        for (extent, places) in by_extent {
            match extent {
                Some(extent) if places.len() >= BUNDLE_BLOCKS_MIN => bundled.push((extent, places)),
                _ => single.extend(places),
            }
        }
        let (from_bundles, from_slots) =
            futures::join!(self.read_from_bundles(blocks, bundled), self.read_from_slots(blocks, single));
        let mut missing: Vec<usize> = Vec::new();
        for (place, bytes) in from_bundles {
            match bytes {
                Some(bytes) => found[place] = Some(bytes),
                None => missing.push(place),
            }
        }
        let rest = self.read_from_slots(blocks, missing).await?;
        for (place, bytes) in from_slots?.into_iter().chain(rest) {
            found[place] = Some(bytes);
        }
        Ok(found.iter().flatten().map(own_copy).collect())
    }

    /// Blocks by their places, out of bundles; `None` for those that are not there or not sound.
    async fn read_from_bundles(
        &self,
        blocks: &[BlockRef],
        bundled: Vec<(Extent, Vec<usize>)>,
    ) -> Vec<(usize, Option<Bytes>)> {
        let mut read = stream::iter(bundled)
            .map(|(extent, places)| async move { (self.read_bundle(extent).await, places) })
            .buffer_unordered(REQUESTS);
        let mut found: Vec<(usize, Option<Bytes>)> = Vec::new();
        while let Some((bundle, places)) = read.next().await {
            for place in places {
                let block = &blocks[place];
                let slot = bundle.as_ref().and_then(|bundle| bundle.slot(block.slot));
                let bytes = slot.and_then(|slot| {
                    slot.blocks.iter().find(|(index, _)| *index == block.index).map(|(_, bytes)| bytes.clone())
                });
                found.push((place, bytes.and_then(|bytes| checked(block, Some(bytes)).ok())));
            }
        }
        found
    }

    /// Blocks by their places, out of their slots.
    async fn read_from_slots(
        &self,
        blocks: &[BlockRef],
        places: Vec<usize>,
    ) -> Result<Vec<(usize, Bytes)>, LedgerError> {
        let mut by_slot: BTreeMap<Slot, Vec<usize>> = BTreeMap::new();
        for place in places {
            by_slot.entry(blocks[place].slot).or_default().push(place);
        }
        let slots: Vec<(Vec<usize>, Vec<Bytes>)> = stream::iter(by_slot)
            .map(|(slot, places)| async move { self.read_slot(slot).await.map(|read| (places, read)) })
            .buffer_unordered(REQUESTS)
            .try_collect()
            .await?;
        let mut found: Vec<(usize, Bytes)> = Vec::new();
        for (places, read) in slots {
            for place in places {
                let block = &blocks[place];
                found.push((place, checked(block, read.get(block.index as usize).cloned())?));
            }
        }
        Ok(found)
    }

    async fn read_slot(&self, slot: Slot) -> Result<Vec<Bytes>, LedgerError> {
        let key = keys::slot(slot);
        let error = |error| LedgerError::from(StoreError::new("read", &key, error));
        let bytes = self.store.get(&key).await.map_err(error)?.bytes().await.map_err(error)?;
        let damaged = |source| LedgerError::Slot { slot, key: key.to_string(), source: Arc::new(source) };
        Ok(SlotBytes::decode(&bytes).map_err(damaged)?.blocks)
    }

    /// A bundle, if it is there and sound.
    pub(super) async fn read_bundle(&self, extent: Extent) -> Option<Bundle> {
        let key = keys::bundle(extent);
        let read = match self.store.get(&key).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => {
                let bundle = Bundle::decode(extent.first, &bytes);
                if bundle.is_none() {
                    tracing::warn!(%key, "a bundle is damaged; the slots are read instead");
                }
                bundle
            }
            Err(error) if StoreFailure::of(&error) == StoreFailure::NotFound => None,
            Err(error) => {
                tracing::warn!(%key, %error, "a bundle cannot be read; the slots are read instead");
                None
            }
        }
    }
}

fn own_copy(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn checked(block: &BlockRef, bytes: Option<Bytes>) -> Result<Bytes, LedgerError> {
    bytes
        .filter(|bytes| Digest::of(bytes) == block.sha256)
        .ok_or(LedgerError::Block { slot: block.slot, index: block.index })
}
