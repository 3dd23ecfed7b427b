//! Following a ledger: from a state to the newest one, slot by slot, never by listing.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use object_store::{ObjectStore, ObjectStoreExt};

use super::{Blocks, LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::Bundle;
use crate::id::Slot;
use crate::record::{SlotBytes, SlotError};
use crate::state::State;

/// The most slots asked for at once while following.
const WINDOW_MAX: u64 = 64;

/// One slot, if it is there.
pub(super) async fn read_slot(store: &dyn ObjectStore, slot: Slot) -> Result<Option<SlotBytes>, LedgerError> {
    let key = keys::slot(slot);
    let read = match store.get(&key).await {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    match read {
        Ok(bytes) => SlotBytes::decode(&bytes).map(Some).map_err(|source| damaged(slot, source)),
        Err(error) if StoreFailure::of(&error) == StoreFailure::NotFound => Ok(None),
        Err(error) => Err(StoreError::new("read", &key, error).into()),
    }
}

pub(super) fn damaged(slot: Slot, source: SlotError) -> LedgerError {
    LedgerError::Slot { slot, key: keys::slot(slot).to_string(), source: Arc::new(source) }
}

/// The state after one more slot.
pub(super) fn apply(state: &State, read: &SlotBytes) -> Result<State, LedgerError> {
    let slot = state.head().slot.next();
    let error = |source| LedgerError::Apply { slot, key: keys::slot(slot).to_string(), source };
    state.apply(&read.record, read.hash).map_err(error)
}

/// Follows the ledger to its head.
///
/// Slots are asked for in growing windows. The head is the slot before the first absent one; a slot that is there
/// after an absent one means that a slot was lost.
pub(super) async fn follow(store: &dyn ObjectStore, blocks: &Blocks, mut state: State) -> Result<State, LedgerError> {
    let mut window = 1;
    loop {
        let first = state.head().slot.number() + 1;
        let mut reads = stream::iter(first..first + window)
            .map(|number| async move { (Slot::new(number), read_slot(store, Slot::new(number)).await) })
            .buffered(usize::try_from(window).unwrap_or(1));
        let mut absent: Option<Slot> = None;
        while let Some((slot, read)) = reads.next().await {
            match (absent, read) {
                (None, Ok(Some(read))) => {
                    state = apply(&state, &read)?;
                    blocks.keep(slot, &read.blocks);
                }
                (None, Ok(None)) => absent = Some(slot),
                (None, Err(error)) => return Err(error),
                (Some(missing), Ok(Some(_))) => {
                    drop(reads);
                    return match read_slot(store, missing).await? {
                        Some(_) => Box::pin(follow(store, blocks, state)).await,
                        None => Err(missing_slot(missing, slot)),
                    };
                }
                (Some(_), _) => {}
            }
        }
        if absent.is_some() {
            return Ok(state);
        }
        window = (window * 2).min(WINDOW_MAX);
    }
}

pub(super) fn missing_slot(slot: Slot, later: Slot) -> LedgerError {
    LedgerError::MissingSlot { slot, key: keys::slot(slot).to_string(), later }
}

/// Replays whole bundles from a state that stands at the end of one. A bundle that does not fit is left alone.
pub(super) async fn replay_bundles(blocks: &Blocks, mut state: State) -> State {
    loop {
        let first = state.head().slot.next();
        if Bundle::first_of(first) != first {
            return state;
        }
        let Some(bundle) = blocks.read_bundle(first).await else { return state };
        let mut next = state.clone();
        for number in first.number()..=Bundle::last_of(first).number() {
            let applied = bundle
                .slot(Slot::new(number))
                .and_then(|slot| SlotBytes::decode_record(&slot.record).ok())
                .and_then(|(record, hash)| next.apply(&record, hash).ok());
            match applied {
                Some(applied) => next = applied,
                None => {
                    tracing::warn!(bundle = %first, "a bundle contradicts the ledger; the slots are read instead");
                    return state;
                }
            }
        }
        state = next;
    }
}
