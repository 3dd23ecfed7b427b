//! Following a ledger: from a state to the newest one, slot by slot, never by listing.

use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{FuturesOrdered, StreamExt};
use object_store::{ObjectStore, ObjectStoreExt};

use super::ahead::Ahead;
use super::{Blocks, LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::{Bundle, Extent};
use crate::id::Slot;
use crate::record::{SlotBytes, SlotError};
use crate::state::State;

/// The most requests for slots that are under way at once while following.
const REQUESTS_MAX: u64 = 64;

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

/// Follows the ledger to its head. `known` is a slot that is said to be there; it is not trusted.
///
/// * The head is the slot before the first absent one; a slot that is there after an absent one means that a slot was
///   lost.
/// * Up to `known`, slots are asked for as fast as [`REQUESTS_MAX`] allows. Past it, one is asked for, and each that is
///   there allows one more: twice as many in each round trip. If nothing is new, that is one request.
/// * Answers are taken in the order of the slots. As soon as some have been, new slots are asked for; those that are
///   still under way are not waited for.
pub(super) async fn follow(
    store: &dyn ObjectStore,
    blocks: &Blocks,
    state: State,
    known: Option<Slot>,
) -> Result<State, LedgerError> {
    follow_ahead(store, blocks, state, known, &mut Ahead::default()).await
}

/// Follows the ledger as [`follow`] does. What was read ahead is not asked for again, unless it contradicts itself.
pub(super) async fn follow_ahead(
    store: &dyn ObjectStore,
    blocks: &Blocks,
    mut state: State,
    known: Option<Slot>,
    ahead: &mut Ahead,
) -> Result<State, LedgerError> {
    let known = known.map_or(0, Slot::number);
    let mut beyond: u64 = 1;
    let mut absent: Option<Slot> = None;
    let mut reads = FuturesOrdered::new();
    let mut next = state.head().slot.number() + 1;
    reads.push_back(read_numbered(store, Slot::new(next), ahead.take(Slot::new(next))));
    next += 1;
    loop {
        // Answers that are there come first: one of them may say that no more slots are to be asked for.
        let ready = reads.next().now_or_never().flatten();
        let answered = match ready {
            Some(answered) => Some(answered),
            None => {
                let head = state.head().slot.number();
                let last = head.max(known).saturating_add(beyond).min(head + REQUESTS_MAX);
                while absent.is_none() && next <= last {
                    reads.push_back(read_numbered(store, Slot::new(next), ahead.take(Slot::new(next))));
                    next += 1;
                }
                reads.next().await
            }
        };
        let Some((slot, read)) = answered else { return Ok(state) };
        match (absent, read) {
            (None, Ok(Some(read))) => {
                state = apply(&state, &read)?;
                blocks.keep(slot, &read.blocks);
                if slot.number() > known {
                    beyond = (beyond + 1).min(REQUESTS_MAX);
                }
            }
            (None, Ok(None)) => absent = Some(slot),
            (None, Err(error)) => return Err(error),
            (Some(missing), Ok(Some(_))) => {
                if read_slot(store, missing).await?.is_none() {
                    return Err(missing_slot(missing, slot));
                }
                // It was written after it had been asked for: go on from there.
                reads = FuturesOrdered::new();
                next = missing.number();
                absent = None;
            }
            (Some(_), _) => {}
        }
    }
}

async fn read_numbered(
    store: &dyn ObjectStore,
    slot: Slot,
    known: Option<Option<SlotBytes>>,
) -> (Slot, Result<Option<SlotBytes>, LedgerError>) {
    match known {
        Some(found) => (slot, Ok(found)),
        None => (slot, read_slot(store, slot).await),
    }
}

pub(super) fn missing_slot(slot: Slot, later: Slot) -> LedgerError {
    LedgerError::MissingSlot { slot, key: keys::slot(slot).to_string(), later }
}

/// Replays whole bundles from a state that stands at the end of one. A bundle that does not fit is left alone.
///
/// A bundle may be left over from slots that are there no more, so its last record must be the one in its slot. That
/// record vouches for those before it: each is named by the hash in the next.
pub(super) async fn replay_bundles(store: &dyn ObjectStore, blocks: &Blocks, mut state: State) -> State {
    loop {
        let first = state.head().slot.next();
        if Bundle::first_of(first) != first {
            return state;
        }
        let extent = Extent::bundle_from(first);
        let (bundle, last) = futures::join!(blocks.read_bundle(extent), read_slot(store, extent.last));
        let Some(bundle) = bundle else { return state };
        let mut next = state.clone();
        for number in first.number()..=extent.last.number() {
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
        if !matches!(&last, Ok(Some(last)) if last.hash == next.head().hash) {
            tracing::warn!(bundle = %first, "a bundle does not end as its last slot says; the slots are read instead");
            return state;
        }
        state = next;
    }
}
