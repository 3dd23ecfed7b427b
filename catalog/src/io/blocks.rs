//! Payload blocks: from memory, from bundles, or from their slots.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};

use super::{LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::id::Slot;
use crate::record::SlotBytes;
use crate::segment::BlockRef;

/// How many requests for slots are under way at once.
const REQUESTS: usize = 32;

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

    /// Some blocks, in the order asked for. Many blocks of one bundle are read with it.
    pub async fn read_all(&self, blocks: &[BlockRef], head: Slot) -> Result<Vec<Bytes>, LedgerError> {
        let mut found: Vec<Option<Bytes>> = blocks.iter().map(|block| self.recent(block)).collect();
        let mut by_bundle: BTreeMap<Slot, Vec<usize>> = BTreeMap::new();
        for (place, block) in blocks.iter().enumerate().filter(|(place, _)| found[*place].is_none()) {
            by_bundle.entry(Bundle::first_of(block.slot)).or_default().push(place);
        }
        let worth =
            |first: &Slot, places: &Vec<usize>| places.len() >= BUNDLE_BLOCKS_MIN && Bundle::last_of(*first) <= head;
        let bundles: Vec<(Slot, Vec<usize>)> =
            by_bundle.into_iter().filter(|(first, places)| worth(first, places)).collect();
        let mut read = stream::iter(bundles)
            .map(|(first, places)| async move { (self.read_bundle(first).await, places) })
            .buffer_unordered(REQUESTS);
        while let Some((bundle, places)) = read.next().await {
            let Some(bundle) = bundle else { continue };
            for place in places {
                let block = &blocks[place];
                let bytes = bundle.slot(block.slot).and_then(|slot| {
                    slot.blocks.iter().find(|(index, _)| *index == block.index).map(|(_, bytes)| bytes.clone())
                });
                found[place] = bytes.and_then(|bytes| checked(block, Some(bytes)).ok());
            }
        }
        drop(read);
        let mut by_slot: BTreeMap<Slot, Vec<usize>> = BTreeMap::new();
        for (place, block) in blocks.iter().enumerate().filter(|(place, _)| found[*place].is_none()) {
            by_slot.entry(block.slot).or_default().push(place);
        }
        let slots: Vec<(Vec<usize>, Vec<Bytes>)> = stream::iter(by_slot)
            .map(|(slot, places)| async move { self.read_slot(slot).await.map(|read| (places, read)) })
            .buffer_unordered(REQUESTS)
            .try_collect()
            .await?;
        for (places, read) in slots {
            for place in places {
                let block = &blocks[place];
                found[place] = Some(checked(block, read.get(block.index as usize).cloned())?);
            }
        }
        Ok(found.iter().flatten().map(own_copy).collect())
    }

    async fn read_slot(&self, slot: Slot) -> Result<Vec<Bytes>, LedgerError> {
        let key = keys::slot(slot);
        let error = |error| LedgerError::from(StoreError::new("read", &key, error));
        let bytes = self.store.get(&key).await.map_err(error)?.bytes().await.map_err(error)?;
        let damaged = |source| LedgerError::Slot { slot, key: key.to_string(), source: Arc::new(source) };
        Ok(SlotBytes::decode(&bytes).map_err(damaged)?.blocks)
    }

    /// A bundle, if it is there and sound.
    pub(super) async fn read_bundle(&self, first: Slot) -> Option<Bundle> {
        let key = keys::bundle(first, Bundle::last_of(first));
        let read = match self.store.get(&key).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => {
                let bundle = Bundle::decode(first, &bytes);
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
