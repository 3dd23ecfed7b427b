//! How a commit ends.

use std::sync::Arc;

use thiserror::Error;

use super::{ClockError, LedgerError, ProbeError, StoreError};
use crate::conflict::Conflict;
use crate::id::{CommitId, Slot, Version};
use crate::ledger::Refusal;
use crate::state::State;

/// A transaction that was made, and survives anything but the loss of the store.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The version it made.
    pub version: Version,
    /// The state right after its slot.
    pub state: Arc<State>,
}

/// How a commit ends otherwise. In every case but [`CommitError::Unknown`] nothing was written.
#[derive(Clone, Debug, Error)]
pub enum CommitError {
    /// Another transaction stands against it; it may be decided anew on the newer base.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// It cannot be made as it is asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not known whether it was made: the store does not say, or whoever was writing it is no more.
    #[error(
        "it is not known whether commit {commit_id} was made: the store did not answer for slot {slot}; \
         look for the commit id in system.commits before trying again"
    )]
    Unknown {
        /// The commit's identity.
        commit_id: CommitId,
        /// The slot it would be in.
        slot: Slot,
    },
    /// The store does not keep the rules that a ledger stands on, or could not be tried out; nothing was committed.
    #[error(transparent)]
    Probe(#[from] Arc<ProbeError>),
    /// The commit's wall time would lie in the future; nothing was committed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The store refused; nothing was committed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger could not be followed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The lake was closed before the commit was begun.
    #[error("the lake was closed before the commit was made")]
    Closed,
}
