//! Which of the waiting transactions the next slot carries, and as what.

use std::collections::HashMap;

use bytes::Bytes;
use thiserror::Error;

use crate::change::{BlockHeader, Entry, Record};
use crate::checkpoint::SealedError;
use crate::conflict::{BlockPlaces, Conflict, Malformed, ResolveError, resolve_transaction};
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, Version};
use crate::record::{EncodedSlot, reread_entry};
use crate::state::State;
use crate::time::Micros;
use crate::transaction::Transaction;

/// How old a commit id that a caller gives may be, and how long the ledger answers for it: one hour.
pub const COMMIT_ID_WINDOW_MICROS: i64 = 3_600_000_000;

/// How far ahead of the ledger's clock a commit id that a caller gives may be: one minute. The ledger looks back by so
/// much more, because an id may have been used while it was ahead.
pub const COMMIT_ID_AHEAD_MICROS: i64 = 60_000_000;

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
    /// The commit id is from the future, so that it would be answered for when it is too old.
    #[error(
        "commit id {commit_id} is dated more than a minute after the present, {now}; \
         correct the clock of the machine that made it, and use a new UUID version 7"
    )]
    CommitIdInFuture {
        /// The id.
        commit_id: CommitId,
        /// The wall time.
        now: Micros,
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
    /// A transaction that was put together wrongly.
    #[error("the transaction cannot be made")]
    Malformed(#[source] Malformed),
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

impl Outcome {
    /// Whether it holds whatever becomes of the slot that was to follow `state`: nothing in that slot is its reason.
    pub fn holds_without_the_slot(&self, state: &State) -> bool {
        let known = |version: Version| state.head().version.is_some_and(|newest| version <= newest);
        match self {
            Self::Planned(_) => false,
            Self::Repeated(version) => known(*version),
            Self::Conflict(conflict) => known(conflict.with),
            Self::Sealed(_) => true,
            Self::Refused(refusal) => match refusal {
                Refusal::CommitIdReused { version, .. } => known(*version),
                Refusal::CommitTimeNotAfter { newest, .. } => {
                    state.newest_commit_time(BranchId::MAIN).is_some_and(|known| known >= *newest)
                }
                Refusal::Malformed(Malformed::Contradiction(_)) => false,
                Refusal::CommitIdTooOld { .. }
                | Refusal::CommitIdInFuture { .. }
                | Refusal::CommitTimeInFuture { .. }
                | Refusal::Branch { .. }
                | Refusal::Malformed(_) => true,
            },
        }
    }
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
///
/// Each entry is applied as its readers will decode it. A transaction whose entry cannot be decoded or applied is
/// refused: the lake would end before its slot.
pub fn fill_slot(state: &State, transactions: &[&Transaction], now: Micros) -> FilledSlot {
    let slot = state.head().slot.next();
    let wall_time = now.max(state.head().wall_time);
    let mut next = state.clone();
    let (mut entries, mut blocks, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(transactions.len());
    let mut seen: HashMap<CommitId, (Version, Option<Digest>)> = HashMap::new();
    for transaction in transactions {
        let first = headers.len();
        headers.extend(transaction.blocks.iter().map(header));
        let planned = check(&next, transaction, wall_time, &seen)
            .and_then(|commit_time| plan_entry(&next, transaction, &headers, first, (wall_time, Some(commit_time))));
        match planned {
            Ok((entry, after)) => {
                next = after;
                seen.insert(entry.commit_id, (entry.version, entry.request));
                blocks.extend(transaction.blocks.iter().cloned());
                outcomes.push(Outcome::Planned(entry.version));
                entries.push(entry);
            }
            Err(outcome) => {
                headers.truncate(first);
                outcomes.push(outcome);
            }
        }
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

fn header(block: &Bytes) -> BlockHeader {
    BlockHeader { length_bytes: block.len() as u64, sha256: Digest::of(block) }
}

/// The entry that a transaction becomes in the slot after `state`, and the state after it; or what becomes of it
/// instead. Its blocks are those of the slot from `first` on.
fn plan_entry(
    state: &State,
    transaction: &Transaction,
    headers: &[BlockHeader],
    first: usize,
    times: (Micros, Option<Micros>),
) -> Result<(Entry, State), Outcome> {
    let malformed = |malformed: Malformed| Outcome::Refused(Refusal::Malformed(malformed));
    let slot = state.head().slot.next();
    let places = BlockPlaces { slot, first, headers: headers.get(first..).unwrap_or_default() };
    let entry = resolve_transaction(state, transaction, places, times).map_err(|error| match error {
        ResolveError::Conflict(conflict) => Outcome::Conflict(conflict),
        ResolveError::Sealed(error) => Outcome::Sealed(error),
        ResolveError::Malformed(error) => malformed(error),
    })?;
    let reread = reread_entry(&entry, slot, headers).map_err(|error| malformed(Malformed::Unreadable(error)))?;
    let mut after = state.clone();
    let applied = after.apply_entry(&reread, slot, Digest::ZERO);
    applied.map_err(|error| malformed(Malformed::Contradiction(error)))?;
    Ok((entry, after))
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
        let Some(made) = commit_id.made_at_micros().map(Micros::new).filter(|made| *made >= oldest) else {
            return refused(Refusal::CommitIdTooOld { commit_id });
        };
        if made > wall_time.plus(COMMIT_ID_AHEAD_MICROS) {
            return refused(Refusal::CommitIdInFuture { commit_id, now: wall_time });
        }
        let before = match seen.get(&commit_id) {
            Some(before) => Some(*before),
            None => {
                let since = oldest.plus(-COMMIT_ID_AHEAD_MICROS);
                let found = state.commit_with_id(commit_id, since).map_err(Outcome::Sealed)?;
                found.map(|commit| (commit.version, commit.request))
            }
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
