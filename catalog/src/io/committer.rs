//! The one task of a process that commits: it fills slots with the waiting transactions and fights for them.

use std::sync::Arc;
use std::time::Duration;

use object_store::{PutMode, PutPayload};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::follow::read_slot;
use super::ledger::Shared;
use super::{
    CommitError, Committed, Conformance, LedgerError, StoreClock, StoreError, StoreFailure, keys, new_probe_key, probe,
};
use crate::change::Record;
use crate::id::{CommitId, Slot};
use crate::ledger::{Attempt, FilledSlot, Outcome, PutAnswer, Resolution, SlotContent, Step, fill_slot};
use crate::record::EncodedSlot;
use crate::state::State;
use crate::time::Micros;
use crate::transaction::Transaction;

/// The most transactions in one slot.
const TRANSACTIONS_MAX: usize = 1024;

/// The most payload bytes in one slot, unless one transaction has more.
const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long an uncertain commit tries to have its slot killed, once its deadline has passed.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A transaction that waits, and who waits for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
}

impl Request {
    fn answer(self, result: Result<Committed, CommitError>) {
        if self.answer.send(result).is_err() {
            tracing::debug!("nobody waits for a commit's outcome any more");
        }
    }

    fn payload_bytes(&self) -> usize {
        self.transaction.blocks.iter().map(|block| block.len()).sum()
    }
}

/// Commits until every handle of the ledger is gone.
pub(super) async fn run(shared: Arc<Shared>, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut held: Option<Request> = None;
    loop {
        let first = match held.take() {
            Some(request) => Some(request),
            None => requests.recv().await,
        };
        let Some(first) = first else { return };
        let mut bytes = first.payload_bytes();
        let mut group = vec![first];
        while group.len() < TRANSACTIONS_MAX
            && let Ok(request) = requests.try_recv()
        {
            bytes += request.payload_bytes();
            if bytes > PAYLOAD_BYTES_MAX {
                held = Some(request);
                break;
            }
            group.push(request);
        }
        commit_group(&shared, group).await;
        shared.write_if_due();
    }
}

/// Commits a group: each transaction gets an answer.
async fn commit_group(shared: &Arc<Shared>, group: Vec<Request>) {
    let _forward = shared.forward.lock().await;
    let mut deadline: Option<Instant> = None;
    loop {
        let state = shared.state();
        let transactions: Vec<&Transaction> = group.iter().map(|request| &request.transaction).collect();
        let now = shared.clock.now();
        let filled = fill_slot(&state, &transactions, now);
        let FilledSlot { slot, state: next, blocks, outcomes } = filled;
        let Some(encoded) = slot else {
            let current = Arc::new(next);
            for (request, outcome) in group.into_iter().zip(outcomes) {
                answer(request, outcome, &current);
            }
            return;
        };
        if let Err(error) = may_commit(shared, &state, now).await {
            give_up(group, outcomes, &state, |_| error.clone());
            return;
        }
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + shared.settings.commit_timeout);
        let number = state.head().slot.next();
        match put_slot(shared, number, &encoded, deadline).await {
            Ok(Resolution::Won) => {
                let current = Arc::new(next);
                shared.blocks.keep(number, &blocks);
                shared.publish(Arc::clone(&current));
                for (request, outcome) in group.into_iter().zip(outcomes) {
                    answer(request, outcome, &current);
                }
                return;
            }
            Ok(Resolution::Lost) => {
                if let Err(error) = shared.follow(number).await {
                    give_up(group, outcomes, &state, |_| CommitError::Ledger(error.clone()));
                    return;
                }
            }
            Ok(Resolution::Failed | Resolution::Unknown) => {
                let unknown = |commit_id| CommitError::Unknown { commit_id, slot: number };
                give_up(group, outcomes, &state, unknown);
                return;
            }
            Err(error) => {
                give_up(group, outcomes, &state, |_| error.clone());
                return;
            }
        }
    }
}

/// Whether the store and the clocks allow a commit at `now` after this state. The store is probed until it has passed.
async fn may_commit(shared: &Shared, state: &State, now: Micros) -> Result<(), CommitError> {
    let store_clock: StoreClock = match shared.store.conformance() {
        Conformance::Guaranteed => StoreClock::OWN,
        Conformance::Unproven => *shared.store_clock.get_or_try_init(|| probe_store(shared)).await?,
    };
    store_clock.check_head(state, now).map_err(CommitError::from)
}

async fn probe_store(shared: &Shared) -> Result<StoreClock, CommitError> {
    let probed = probe(shared.store.objects().as_ref(), &new_probe_key(), shared.clock.as_ref()).await;
    let store_clock: StoreClock = probed.map_err(Arc::new)?;
    store_clock.check()?;
    Ok(store_clock)
}

fn answer(request: Request, outcome: Outcome, state: &Arc<State>) {
    let result = match outcome {
        Outcome::Planned(version) | Outcome::Repeated(version) => Ok(Committed { version, state: Arc::clone(state) }),
        Outcome::Conflict(conflict) => Err(CommitError::Conflict(conflict)),
        Outcome::Refused(refusal) => Err(CommitError::Refused(refusal)),
        Outcome::Sealed(error) => Err(CommitError::Ledger(error.into())),
    };
    request.answer(result);
}

/// Answers a group whose slot was not won. What holds without that slot is told as it is: a commit that was made
/// before, a conflict with a version that is there. The others get the error.
fn give_up(group: Vec<Request>, outcomes: Vec<Outcome>, state: &Arc<State>, error: impl Fn(CommitId) -> CommitError) {
    for (request, outcome) in group.into_iter().zip(outcomes) {
        if outcome.holds_without_the_slot(state) {
            answer(request, outcome, state);
        } else {
            let commit_id = request.transaction.commit_id;
            request.answer(Err(error(commit_id)));
        }
    }
}

/// Puts a slot and resolves every doubt. A store that surely did nothing is an error.
async fn put_slot(
    shared: &Shared,
    slot: Slot,
    encoded: &EncodedSlot,
    deadline: Instant,
) -> Result<Resolution, CommitError> {
    let (resolution, error) = attempt(shared, slot, encoded, deadline).await?;
    match (resolution, error) {
        (Resolution::Failed, Some(error)) => Err(CommitError::Store(error)),
        (Resolution::Unknown, error) => {
            let killed = kill(shared, slot, encoded).await;
            match (killed, error) {
                (Resolution::Failed, Some(error)) => Err(CommitError::Store(error)),
                (decided, _) => Ok(decided),
            }
        }
        (resolution, _) => Ok(resolution),
    }
}

/// Decides an uncertain slot by putting an empty record into it, and says what that means for the uncertain one:
/// `Failed` if the empty record lies there now, for good.
async fn kill(shared: &Shared, slot: Slot, uncertain: &EncodedSlot) -> Resolution {
    let state = shared.state();
    let record = Record {
        features: Vec::new(),
        lake: state.lake(),
        slot,
        previous: state.head().hash,
        entries: Vec::new(),
        blocks: Vec::new(),
        state: state.digest(),
    };
    let empty = EncodedSlot::new(&record, &[]);
    match attempt(shared, slot, &empty, Instant::now() + KILL_TIMEOUT).await {
        Ok((Resolution::Won, _)) => Resolution::Failed,
        Ok((Resolution::Lost, _)) => match read_slot(shared.store.slots().as_ref(), slot).await {
            Ok(Some(found)) if found.hash == uncertain.hash => Resolution::Won,
            Ok(Some(_)) => Resolution::Lost,
            Ok(None) | Err(_) => Resolution::Unknown,
        },
        Ok((Resolution::Failed | Resolution::Unknown, _)) | Err(_) => Resolution::Unknown,
    }
}

/// Runs an [`Attempt`] against the store. Every request is one attempt, so that the deadline is kept.
async fn attempt(
    shared: &Shared,
    slot: Slot,
    encoded: &EncodedSlot,
    deadline: Instant,
) -> Result<(Resolution, Option<StoreError>), LedgerError> {
    let key = keys::slot(slot);
    let mut attempt = Attempt::new(encoded.hash);
    let mut last_error = None;
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt.step() {
            Step::Done(resolution) => return Ok((resolution, last_error)),
            Step::Put => {
                let payload = PutPayload::from_bytes(encoded.bytes.clone());
                let put = shared.store.slots().put_opts(&key, payload, PutMode::Create.into());
                match put.await {
                    Ok(_) => attempt.answered(PutAnswer::Created),
                    Err(error) => {
                        let error = StoreError::new("write", &key, error);
                        attempt.answered(put_answer(error.failure));
                        last_error = Some(error);
                    }
                }
            }
            Step::Read => {
                let content = match read_slot(shared.store.slots().as_ref(), slot).await {
                    Ok(Some(found)) => SlotContent::Record(found.hash),
                    Ok(None) => SlotContent::Absent,
                    Err(LedgerError::Store(error)) => {
                        last_error = Some(error);
                        SlotContent::Unreadable
                    }
                    // Whatever lies there may be this attempt's own record, read wrongly.
                    Err(damaged) if attempt.is_doubtful() => {
                        tracing::warn!(%damaged, "a slot that may be this process's own cannot be read");
                        SlotContent::Unreadable
                    }
                    Err(damaged) => return Err(damaged),
                };
                attempt.found(content, Instant::now() >= deadline);
                if !matches!(attempt.step(), Step::Done(_)) {
                    pause_for(&mut pause).await;
                }
            }
        }
    }
}

/// Waits a random part of `pause`, and doubles it up to a second.
#[expect(clippy::disallowed_methods, reason = "the pause between two requests for the same slot")]
async fn pause_for(pause: &mut Duration) {
    let part = fastrand::f64().mul_add(0.5, 0.5);
    tokio::time::sleep(pause.mul_f64(part)).await;
    *pause = (*pause * 2).min(Duration::from_secs(1));
}

fn put_answer(failure: StoreFailure) -> PutAnswer {
    match failure {
        StoreFailure::AlreadyExists => PutAnswer::Taken,
        StoreFailure::Permission | StoreFailure::Full | StoreFailure::ReadOnly => PutAnswer::Refused,
        StoreFailure::NotFound | StoreFailure::Network | StoreFailure::Other => PutAnswer::Unclear,
    }
}
