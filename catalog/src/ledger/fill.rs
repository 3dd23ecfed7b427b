//! Which of the waiting transactions the next slot carries, and as what.

use std::collections::HashMap;

use bytes::Bytes;
use thiserror::Error;

use crate::change::{BlockHeader, Record};
use crate::checkpoint::SealedError;
use crate::conflict::{BlockPlaces, Conflict, ResolveError, resolve_transaction};
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, Version};
use crate::record::EncodedSlot;
use crate::state::State;
use crate::time::Micros;
use crate::transaction::Transaction;

/// How old a commit id that a caller gives may be, and how long the ledger answers for it: one hour.
pub const COMMIT_ID_WINDOW_MICROS: i64 = 3_600_000_000;

/// Why a transaction cannot be made as it is asked for, whatever others do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The commit id stands for another request.
    #[error("commit id {commit_id} was used by version {version} for another request; use a new id")]
    CommitIdReused {
        /// The id.
        commit_id: CommitId,
        /// The version that used it.
        version: Version,
    },
    /// The commit id is too old to know whether it was used.
    #[error("commit id {commit_id} is more than an hour old, so a repeat could not be told; use a new UUID version 7")]
    CommitIdTooOld {
        /// The id.
        commit_id: CommitId,
    },
    /// A commit time that is not after the newest one.
    #[error("commit time {asked} is not after {newest}, the newest one on the branch")]
    CommitTimeNotAfter {
        /// The time asked for.
        asked: Micros,
        /// The newest time.
        newest: Micros,
    },
    /// A commit time in the future.
    #[error("commit time {asked} is after the present, {now}")]
    CommitTimeInFuture {
        /// The time asked for.
        asked: Micros,
        /// The wall time.
        now: Micros,
    },
    /// A branch that is not there.
    #[error("there is no branch {}", branch.number())]
    Branch {
        /// The branch.
        branch: BranchId,
    },
}

/// What becomes of one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It makes this version, if the slot is won.
    Planned(Version),
    /// It was made before: the same commit id with the same request.
    Repeated(Version),
    /// A version since its base stands against it.
    Conflict(Conflict),
    /// It cannot be made.
    Refused(Refusal),
    /// It cannot be judged: what it has to be compared with cannot be decoded.
    Sealed(SealedError),
}

/// A slot filled with every transaction that can be made, in order.
#[derive(Clone, Debug)]
pub struct FilledSlot {
    /// The slot's bytes; `None` if it would carry nothing.
    pub slot: Option<EncodedSlot>,
    /// The state after it.
    pub state: State,
    /// The payload blocks it carries.
    pub blocks: Vec<Bytes>,
    /// What becomes of each transaction, in order.
    pub outcomes: Vec<Outcome>,
}

/// Fills the slot after `state` with transactions, each checked against those before it.
pub fn fill_slot(state: &State, transactions: &[&Transaction], now: Micros) -> FilledSlot {
    let slot = state.head().slot.next();
    let wall_time = now.max(state.head().wall_time);
    let mut next = state.clone();
    let (mut entries, mut blocks, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(transactions.len());
    let mut seen: HashMap<CommitId, (Version, Option<Digest>)> = HashMap::new();
    for transaction in transactions {
        let own: Vec<BlockHeader> = transaction
            .blocks
            .iter()
            .map(|block| BlockHeader { length_bytes: block.len() as u64, sha256: Digest::of(block) })
            .collect();
        let outcome = match check(&next, transaction, wall_time, &seen) {
            Err(outcome) => outcome,
            Ok(commit_time) => {
                let places = BlockPlaces { slot, first: blocks.len(), headers: &own };
                match resolve_transaction(&next, transaction, places, (wall_time, Some(commit_time))) {
                    Err(ResolveError::Conflict(conflict)) => Outcome::Conflict(conflict),
                    Err(ResolveError::Sealed(error)) => Outcome::Sealed(error),
                    Ok(entry) => {
                        let applied = next.apply_entry(&entry, slot, Digest::ZERO);
                        debug_assert_eq!(applied, Ok(()), "a resolved transaction applies");
                        seen.insert(entry.commit_id, (entry.version, entry.request));
                        blocks.extend(transaction.blocks.iter().cloned());
                        headers.extend(own);
                        let version = entry.version;
                        entries.push(entry);
                        Outcome::Planned(version)
                    }
                }
            }
        };
        outcomes.push(outcome);
    }
    if entries.is_empty() {
        return FilledSlot { slot: None, state: state.clone(), blocks, outcomes };
    }
    let record = Record {
        features: Vec::new(),
        lake: state.lake(),
        slot,
        previous: state.head().hash,
        entries,
        blocks: headers,
        state: next.digest(),
    };
    let encoded = EncodedSlot::new(&record, &blocks);
    next.finish_slot(slot, encoded.hash, record.entries.len());
    FilledSlot { slot: Some(encoded), state: next, blocks, outcomes }
}

/// The commit time that a transaction gets, or what becomes of it instead.
fn check(
    state: &State,
    transaction: &Transaction,
    wall_time: Micros,
    seen: &HashMap<CommitId, (Version, Option<Digest>)>,
) -> Result<Micros, Outcome> {
    let refused = |refusal| Err(Outcome::Refused(refusal));
    if transaction.branch != BranchId::MAIN {
        return refused(Refusal::Branch { branch: transaction.branch });
    }
    if let Some(request) = transaction.request {
        let commit_id = transaction.commit_id;
        let oldest = wall_time.plus(-COMMIT_ID_WINDOW_MICROS);
        if commit_id.made_at_micros().is_none_or(|made| made < oldest.get()) {
            return refused(Refusal::CommitIdTooOld { commit_id });
        }
        let before = match seen.get(&commit_id) {
            Some(before) => Some(*before),
            None => committed_before(state, commit_id, oldest).map_err(Outcome::Sealed)?,
        };
        match before {
            Some((version, Some(before))) if before == request => return Err(Outcome::Repeated(version)),
            Some((version, _)) => return refused(Refusal::CommitIdReused { commit_id, version }),
            None => {}
        }
    }
    let newest = state.newest_commit_time(transaction.branch);
    match (transaction.commit_time, newest) {
        (Some(asked), _) if asked > wall_time => refused(Refusal::CommitTimeInFuture { asked, now: wall_time }),
        (Some(asked), Some(newest)) if asked <= newest => refused(Refusal::CommitTimeNotAfter { asked, newest }),
        (Some(asked), _) => Ok(asked),
        (None, Some(newest)) => Ok(wall_time.max(newest.plus(1))),
        (None, None) => Ok(wall_time),
    }
}

/// The version that a commit id made since an instant.
fn committed_before(
    state: &State,
    commit_id: CommitId,
    oldest: Micros,
) -> Result<Option<(Version, Option<Digest>)>, SealedError> {
    let found = state.commits_written_since(oldest)?.find(|commit| commit.commit_id == commit_id);
    Ok(found.map(|commit| (commit.version, commit.request)))
}
