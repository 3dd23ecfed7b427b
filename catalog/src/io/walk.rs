//! Walking a whole ledger: every slot from the first, and every derived object against them.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::derived::{read_checkpoint, write_bundle};
use super::follow::{apply, missing_slot, read_slot};
use super::hint::read_hint;
use super::{Identity, LakeStore, LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::{Bundle, Extent};
use crate::id::Slot;
use crate::record::SlotBytes;
use crate::state::State;

/// An object of the ledger that is not what it must be.
#[derive(Clone, Debug)]
pub struct Damage {
    /// The object's key.
    pub object: String,
    /// What is wrong with it.
    pub error: Arc<LedgerError>,
}

/// A derived object that was not what the slots say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedDamage {
    /// The object's key.
    pub object: String,
    /// What was wrong with it.
    pub reason: String,
    /// Whether it was made anew.
    pub rebuilt: bool,
}

/// A walk over a ledger.
///
/// * Each step reads one slot and checks its digests, its link to the one before, its times and its state digest.
/// * The state after the last step is the one that the slots alone make.
#[derive(Debug)]
pub struct Walk {
    store: LakeStore,
    state: State,
    last_known: Slot,
}

impl Walk {
    /// Begins before the first slot. `known` is the newest slot that is known to exist.
    pub async fn begin(store: LakeStore, location: &str, known: Slot) -> Result<Self, LedgerError> {
        let identity = Identity::read(store.objects().as_ref(), location).await?;
        let hinted = read_hint(store.objects().as_ref()).await.map_or(Slot::new(0), |hint| hint.head);
        let key = keys::slot(hinted);
        let hinted = match store.objects().head(&key).await {
            Ok(_) => hinted,
            Err(error) if StoreFailure::of(&error) == StoreFailure::NotFound => Slot::new(0),
            Err(error) => return Err(StoreError::new("read", &key, error).into()),
        };
        Ok(Self { store, state: State::genesis(identity.lake), last_known: known.max(hinted) })
    }

    /// The state that the slots so far make.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Reads the next slot; `None` after the last.
    ///
    /// # Errors
    /// The first damage found. The walk cannot go on after it.
    pub async fn step(&mut self) -> Result<Option<SlotBytes>, Damage> {
        let slot = self.state.head().slot.next();
        let damage = |error| Damage { object: keys::slot(slot).to_string(), error: Arc::new(error) };
        match read_slot(self.store.objects().as_ref(), slot).await.map_err(damage)? {
            Some(read) => {
                self.state = apply(&self.state, &read).map_err(damage)?;
                Ok(Some(read))
            }
            None if slot <= self.last_known => Err(damage(missing_slot(slot, self.last_known))),
            None => Ok(None),
        }
    }

    /// Checks bundles and checkpoints against the slots. Bundles that are damaged are made anew.
    ///
    /// Call it at the end of a walk that found no damage.
    pub async fn check_derived(&self) -> Vec<DerivedDamage> {
        let mut found = Vec::new();
        let head = self.state.head().slot;
        let mut first = Slot::new(1);
        let mut extents: Vec<Extent> = Extent::quarters(head).collect();
        while Bundle::last_of(first) <= head {
            extents.push(Extent::bundle_from(first));
            first = Bundle::last_of(first).next();
        }
        for extent in extents {
            if let Some(reason) = self.bundle_damage(extent).await {
                let rebuilt = write_bundle(self.store.objects().as_ref(), extent).await.is_ok();
                let object = keys::bundle(extent).to_string();
                found.push(DerivedDamage { object, reason, rebuilt });
            }
        }
        for slot in self.checkpoints().await {
            let objects = self.store.objects().as_ref();
            let checkpoint = read_checkpoint(objects, self.state.lake(), slot, Vec::new()).await;
            let sound = checkpoint.is_some_and(|(index, state)| state.recompute_digest() == Ok(index.state));
            if !sound {
                let object = keys::checkpoint_index(slot).to_string();
                let reason = "it is incomplete, or does not match the slots".to_owned();
                found.push(DerivedDamage { object, reason, rebuilt: false });
            }
        }
        found
    }

    async fn bundle_damage(&self, extent: Extent) -> Option<String> {
        let key = keys::bundle(extent);
        let store = self.store.objects().as_ref();
        let Ok(found) = store.get(&key).await else { return None };
        let Ok(bytes) = found.bytes().await else { return Some("it cannot be read".to_owned()) };
        let Some(bundle) = Bundle::decode(extent.first, &bytes) else { return Some("it is not a bundle".to_owned()) };
        for number in extent.first.number()..=extent.last.number() {
            let slot = Slot::new(number);
            let Ok(Some(read)) = read_slot(store, slot).await else { continue };
            let same = bundle.slot(slot).is_some_and(|bundled| {
                bundled.record == read.record_bytes
                    && bundled.blocks.iter().all(|(index, bytes)| read.blocks.get(*index as usize) == Some(bytes))
            });
            if !same {
                return Some(format!("it does not match slot {slot}"));
            }
        }
        None
    }

    async fn checkpoints(&self) -> BTreeSet<Slot> {
        let folder = Path::from(keys::CHECKPOINTS);
        let Ok(listed) = self.store.objects().list_with_delimiter(Some(&folder)).await else {
            return BTreeSet::new();
        };
        let slot = |prefix: &Path| keys::checkpoint_slot(prefix.parts().next_back()?.as_ref());
        listed.common_prefixes.iter().filter_map(slot).collect()
    }
}
