//! A transaction under way, as its own statements see it.
//!
//! ```text
//!   base ──proposals of statement 1──► state ──proposals of statement 2──► state ──► …
//!     ▲                                                                       │
//!     └── what others commit meanwhile is not seen            committed or forgotten
//! ```

use std::sync::Arc;

use crate::change::BlockHeader;
use crate::conflict::{BlockPlaces, ResolveError, preview_proposals};
use crate::id::{BranchId, Slot, Version};
use crate::state::State;
use crate::transaction::Proposal;

/// A state of the lake, and above it what a transaction has proposed so far.
///
/// * What the transaction makes has pending ids: the same that its later proposals name it by.
/// * A proposal that cannot be made leaves everything as it was before its statement.
/// * Nothing of it is ever written or seen by others. The commit is judged anew, on what is there by then.
#[derive(Clone, Debug)]
pub struct Overlay {
    branch: BranchId,
    slot: Slot,
    base: Version,
    version: Version,
    /// What the next proposals are put upon: its head is still that of the base.
    working: State,
    state: Arc<State>,
    blocks: usize,
    is_empty: bool,
}

impl Overlay {
    /// A transaction that has proposed nothing yet. `slot` is a number that no slot of the ledger has, under which the
    /// transaction's blocks are held meanwhile.
    pub fn new(base: Arc<State>, branch: BranchId, slot: Slot) -> Self {
        let newest = base.head().version;
        let version = newest.map_or(Version::FIRST, Version::next);
        let working = State::clone(&base).with_pending_ids();
        let state = Arc::new(working.as_if_committed(version));
        let base = newest.unwrap_or(Version::FIRST);
        Self { branch, slot, base, version, working, state, blocks: 0, is_empty: true }
    }

    /// Takes in what one more statement proposes, and the headers of its blocks. Its proposals count blocks, and the
    /// tables of [`TableTarget::Created`](crate::transaction::TableTarget::Created), from its own first; pending ids
    /// count from the transaction's first.
    ///
    /// # Errors
    /// If the proposals cannot be made on what the transaction sees. They are not taken in then.
    pub fn add(&mut self, changes: &[Proposal], blocks: &[BlockHeader]) -> Result<(), ResolveError> {
        let places = BlockPlaces { slot: self.slot, first: self.blocks, headers: blocks };
        self.working = preview_proposals(self.working.clone(), self.branch, self.base, changes, places)?;
        self.state = Arc::new(self.working.as_if_committed(self.version));
        self.blocks += blocks.len();
        self.is_empty = self.is_empty && changes.is_empty();
        Ok(())
    }

    /// The lake as if the transaction were committed. It knows no commit of that version.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The version that shows what the transaction did: the one after the base. Committed, it may become a later one.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The version that the transaction is decided on.
    pub fn base(&self) -> Version {
        self.base
    }

    /// Whether nothing was proposed.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

#[cfg(test)]
mod tests;
