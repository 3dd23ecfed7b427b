//! Slots that are read while the checkpoint before them is still being loaded.
//!
//! ```text
//! round trip   1                2                           3                  4
//!              frostline.json   checkpoint's index, record  runs that the      more of a long tail
//!              hint             runs that the hint names    hint left out
//!                               ── slots behind it, as far as the hint knows, and a few more ──
//! ```
//!
//! Nothing is decided here: what was read is handed to [`follow_ahead`](super::follow::follow_ahead), which checks it
//! as if it had been read just then. A slot that was not there is asked for again before its absence proves damage.

use std::collections::{HashMap, HashSet};

use futures::FutureExt;
use futures::stream::{FuturesOrdered, StreamExt};
use object_store::ObjectStore;

use super::LedgerError;
use super::follow::read_slot;
use super::hint::Hint;
use crate::bundle::Bundle;
use crate::id::Slot;
use crate::record::SlotBytes;

/// The most requests that are under way at once. With 96, a tail as long as two checkpoints lie apart takes three round
/// trips.
const REQUESTS_MAX: u64 = 96;

/// How many slots behind the hint's head are asked for at once. The hint may be older than the head.
const BEYOND: u64 = 8;

/// How many more are asked for with each slot that is there though the hint does not know of it: a head 100 slots
/// behind the hint is found in three round trips.
const BEYOND_GROWTH: u64 = 2;

/// No more slots are asked for once those that came have so many bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the store said of some slots.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// By number, until they are taken.
    read: HashMap<u64, Option<SlotBytes>>,
    /// The numbers of those that were not there.
    absent: HashSet<u64>,
}

impl Ahead {
    /// One slot that is there.
    pub(super) fn of(slot: Slot, found: SlotBytes) -> Self {
        Self { read: HashMap::from([(slot.number(), Some(found))]), absent: HashSet::new() }
    }

    /// Reads the slots that an opening will want if the hint is right: those behind its checkpoint and the bundles, up
    /// to the head. An answer that is an error is left out, so that who wants the slot asks for it again.
    pub(super) async fn read(store: &dyn ObjectStore, hint: &Hint) -> Self {
        let known = hint.head.number();
        let mut ahead = Self::default();
        let mut newest = tail_begin(hint).number();
        let mut next = newest + 1;
        let mut beyond = BEYOND;
        let mut bytes: usize = 0;
        let mut is_enough = false;
        let mut reads = FuturesOrdered::new();
        reads.push_back(numbered(store, Slot::new(next)));
        next += 1;
        loop {
            // Answers that are there come first: one of them may say that no more slots are to be asked for.
            let ready = reads.next().now_or_never().flatten();
            let answered: Option<(Slot, Result<Option<SlotBytes>, LedgerError>)> = match ready {
                Some(answered) => Some(answered),
                None => {
                    let last = newest.max(known).saturating_add(beyond).min(newest + REQUESTS_MAX);
                    while !is_enough && next <= last {
                        reads.push_back(numbered(store, Slot::new(next)));
                        next += 1;
                    }
                    reads.next().await
                }
            };
            let Some((slot, read)) = answered else { return ahead };
            let number = slot.number();
            match read {
                Ok(Some(found)) => {
                    bytes += found.record_bytes.len() + found.blocks.iter().map(bytes::Bytes::len).sum::<usize>();
                    is_enough |= bytes > BYTES_MAX;
                    newest = newest.max(number);
                    if number > known {
                        beyond = (beyond + BEYOND_GROWTH).min(REQUESTS_MAX);
                    }
                    ahead.read.insert(number, Some(found));
                }
                Ok(None) => {
                    if !is_enough && next == number + 1 {
                        // The slot after an absent one is asked for too: it shows whether one was lost.
                        reads.push_back(numbered(store, Slot::new(next)));
                        next += 1;
                    }
                    is_enough = true;
                    ahead.read.insert(number, None);
                    ahead.absent.insert(number);
                }
                Err(_) => is_enough = true,
            }
        }
    }

    /// What was read of a slot; `None` if nothing was. It is given once.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Option<SlotBytes>> {
        self.read.remove(&slot.number())
    }

    /// Whether the store said that neither of the two slots behind a head is there.
    pub(super) fn shows_nothing_after(&self, head: Slot) -> bool {
        let next = head.number() + 1;
        self.absent.contains(&next) && self.absent.contains(&(next + 1))
    }
}

/// The slot before the first that is read by itself: what is before it is in the checkpoint or in a bundle.
fn tail_begin(hint: &Hint) -> Slot {
    let next = hint.checkpoint.next();
    if Bundle::first_of(next) != next {
        return hint.checkpoint;
    }
    let bundled = Bundle::first_of(hint.head.next()).number() - 1;
    hint.checkpoint.max(Slot::new(bundled))
}

async fn numbered(store: &dyn ObjectStore, slot: Slot) -> (Slot, Result<Option<SlotBytes>, LedgerError>) {
    (slot, read_slot(store, slot).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_begins_behind_the_checkpoint_or_the_last_bundle_that_goes_on_from_it() {
        for (checkpoint, head, begin) in [
            (0, 1, 0),
            (0, 255, 0),
            (0, 256, 256),
            (0, 300, 256),
            (256, 300, 256),
            (256, 700, 512),
            (300, 900, 300),
            (512, 400, 512),
        ] {
            let hint = Hint { head: Slot::new(head), checkpoint: Slot::new(checkpoint), runs: Vec::new() };
            assert_eq!(tail_begin(&hint), Slot::new(begin), "{hint:?}");
        }
    }
}
