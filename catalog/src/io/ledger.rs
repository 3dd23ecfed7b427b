//! A lake's ledger, open: the newest state, and the way to commit.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt};
use thiserror::Error;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::ahead::Ahead;
use super::committer::{self, Request};
use super::derived;
use super::follow::{follow, follow_ahead, missing_slot, read_slot, replay_bundles};
use super::hint::{Hint, read_hint, write_hint};
use super::identity::lacks_bucket;
use super::{
    Blocks, Clock, ClockError, CommitError, Committed, Conformance, Identity, LakeStore, LedgerError, ProbeError,
    StoreClock, StoreError, StoreFailure, keys, new_probe_key, probe,
};
use crate::change::{Change, Entry, Record};
use crate::checkpoint::Index;
use crate::digest::Digest;
use crate::id::{BranchId, CommitId, LakeId, Slot, Version};
use crate::name::Name;
use crate::record::{EncodedSlot, SlotBytes};
use crate::state::State;
use crate::transaction::Transaction;

/// The schema that every lake begins with.
pub const DEFAULT_SCHEMA: &str = "public";

/// How many slots the hint falls behind the head, at most, while a process commits. Opening looks for as many as these
/// without more round trips.
const HINT_INTERVAL_SLOTS: u64 = 32;

/// How many slots come between two checkpoints at most, on a store at a distance. Opening reads those behind the last
/// one singly, and 64 requests are under way at once; on a local store a slot takes microseconds.
const DISTANT_CHECKPOINT_INTERVAL_SLOTS: u64 = 64;

/// How a process treats a ledger.
#[derive(Clone, Copy, Debug)]
pub struct LedgerSettings {
    /// How many slots come between two checkpoints, at least 1. On a store at a distance, there are at most 64.
    pub checkpoint_interval_slots: u64,
    /// How long a commit goes on without a clear answer from the store.
    pub commit_timeout: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { checkpoint_interval_slots: 256, commit_timeout: Duration::from_secs(30) }
    }
}

/// What the first version of a lake says.
#[derive(Clone, Debug, Default)]
pub struct Genesis {
    /// Who creates the lake.
    pub author: String,
    /// Why.
    pub message: String,
    /// Settings of the lake.
    pub settings: Vec<(String, String)>,
}

/// Why a lake cannot be created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// There is one.
    #[error("there is a lake at `{location}` already, with id {lake}")]
    Exists {
        /// Where.
        location: String,
        /// The lake.
        lake: LakeId,
    },
    /// The store does not keep the rules that a ledger rests on.
    #[error("the store at `{location}` cannot hold a lake")]
    Store {
        /// Where.
        location: String,
        /// The rule it broke.
        #[source]
        source: ProbeError,
    },
    /// The machine's clock is ahead of the store's.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The store failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// An open ledger. Clones are handles of the same one.
///
/// * [`Ledger::state`] costs nothing; [`Ledger::refresh`] asks the store for what other processes wrote.
/// * States only ever move forward.
/// * Commits of one process are grouped: those that arrive while a slot is being put share the next one.
/// * Before its first commit it probes the store, unless that is one of our own ([`Conformance`]). Reading needs no
///   rights to write.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    requests: mpsc::UnboundedSender<Request>,
}

/// What the committer and the readers of one process share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: LakeStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: LedgerSettings,
    pub(super) blocks: Blocks,
    /// Held while the state moves forward.
    pub(super) forward: tokio::sync::Mutex<()>,
    /// Learnt by the first probe that the store passes.
    pub(super) store_clock: OnceCell<StoreClock>,
    state: RwLock<Arc<State>>,
    derived: Mutex<Derived>,
}

/// What is known of the derived objects.
#[derive(Debug, Default)]
struct Derived {
    checkpoint: Option<Index>,
    hinted: Option<Slot>,
    writing: Option<Writing>,
}

/// What came of beginning to write something derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// It is being written.
    Begun,
    /// Something else is being written.
    Busy,
    /// It need not be written yet.
    NotDue,
}

/// Something derived on its way into the store. Any number may wait for its end.
#[derive(Debug)]
struct Writing {
    task: AbortHandle,
    ended: future::Shared<BoxFuture<'static, ()>>,
}

impl Shared {
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn publish(&self, state: Arc<State>) {
        let mut current = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.head().slot > current.head().slot {
            *current = state;
        }
    }

    /// Follows the ledger to its head, past a slot that was seen there. The caller holds `forward`.
    pub(super) async fn follow(&self, seen: Slot) -> Result<Arc<State>, LedgerError> {
        let state = State::clone(&self.state());
        let followed = follow(self.store.objects().as_ref(), &self.blocks, state, Some(seen)).await?;
        self.publish(Arc::new(followed));
        Ok(self.state())
    }

    /// Follows the ledger to its head, past a slot that was just read. The caller holds `forward`.
    async fn follow_past(&self, slot: Slot, found: SlotBytes) -> Result<Arc<State>, LedgerError> {
        let state = State::clone(&self.state());
        let mut ahead = Ahead::of(slot, found);
        let store = self.store.objects().as_ref();
        let followed = follow_ahead(store, &self.blocks, state, Some(slot), &mut ahead).await?;
        self.publish(Arc::new(followed));
        Ok(self.state())
    }

    fn derived(&self) -> std::sync::MutexGuard<'_, Derived> {
        self.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn checkpoint_interval_slots(&self) -> u64 {
        let most = if self.store.is_distant() { DISTANT_CHECKPOINT_INTERVAL_SLOTS } else { u64::MAX };
        self.settings.checkpoint_interval_slots.clamp(1, most)
    }

    /// Begins a checkpoint if one is due, or else the hint if that is.
    pub(super) fn write_if_due(self: &Arc<Self>) {
        if self.begin_checkpoint_if_due() == Begin::NotDue {
            self.begin_hint_if_due(HINT_INTERVAL_SLOTS);
        }
    }

    fn begin_checkpoint_if_due(self: &Arc<Self>) -> Begin {
        let state = self.state();
        let mut derived = self.derived();
        if state.head().slot.number() < derived.checkpoint_slot().number() + self.checkpoint_interval_slots() {
            return Begin::NotDue;
        }
        let (shared, previous) = (Arc::clone(self), derived.checkpoint.clone());
        derived.begin(async move {
            match derived::write_derived(&shared.store, &state, previous.as_ref()).await {
                Ok(index) => {
                    let mut derived = shared.derived();
                    derived.hinted = Some(index.head.slot);
                    derived.checkpoint = Some(index);
                }
                Err(error) => tracing::warn!(%error, "a checkpoint cannot be written; it is tried again later"),
            }
        })
    }

    /// Begins to write the hint if it is so many slots behind the head. Whatever becomes of it, the next is due after
    /// as many slots again.
    fn begin_hint_if_due(self: &Arc<Self>, interval_slots: u64) -> Begin {
        let head = self.state().head().slot;
        let mut derived = self.derived();
        if head.number() < derived.hinted.map_or(0, Slot::number) + interval_slots {
            return Begin::NotDue;
        }
        let (shared, hint) = (Arc::clone(self), Hint::of(head, derived.checkpoint.as_ref()));
        let begun = derived.begin(async move {
            if let Err(error) = write_hint(shared.store.objects().as_ref(), &hint).await {
                tracing::debug!(%error, "the hint cannot be written");
            }
        });
        if begun == Begin::Begun {
            derived.hinted = Some(head);
        }
        begun
    }

    /// Writes what may be due, behind what is being written, and waits for it.
    async fn finish(&self, begin: impl Fn() -> Begin) {
        loop {
            self.written().await;
            match begin() {
                Begin::NotDue => return,
                Begin::Begun => return self.written().await,
                Begin::Busy => {}
            }
        }
    }

    /// Waits for what is being written, if anything is.
    async fn written(&self) {
        let ended = self.derived().writing.as_ref().map(|writing| writing.ended.clone());
        if let Some(ended) = ended {
            ended.await;
        }
    }
}

impl Derived {
    /// Begins to write something, unless something is being written: so nothing older is put in the place of it.
    fn begin(&mut self, work: impl Future<Output = ()> + Send + 'static) -> Begin {
        if self.writing.as_ref().is_some_and(|writing| !writing.task.is_finished()) {
            return Begin::Busy;
        }
        let work = tokio::spawn(work);
        let task = work.abort_handle();
        let ended = async move {
            if let Err(error) = work.await {
                tracing::warn!(%error, "what is derived was broken off while it was written");
            }
        };
        self.writing = Some(Writing { task, ended: ended.boxed().shared() });
        Begin::Begun
    }

    /// The newest checkpoint; 0 for none.
    fn checkpoint_slot(&self) -> Slot {
        self.checkpoint.as_ref().map_or(Slot::new(0), |index| index.head.slot)
    }
}

impl Ledger {
    /// Creates a lake: its identity, and its first version with the schema [`DEFAULT_SCHEMA`].
    ///
    /// A creation that was broken off is completed.
    ///
    /// # Errors
    /// If there is a lake, the store fails the conformance probe or a write, or the clock is ahead of the store's.
    pub async fn create(
        store: &LakeStore,
        clock: &dyn Clock,
        location: &str,
        genesis: Genesis,
    ) -> Result<LakeId, CreateError> {
        let objects = store.objects().as_ref();
        let probed = probe(objects, &new_probe_key(), clock).await;
        let store_clock = match probed {
            Ok(store_clock) => store_clock,
            Err(ProbeError::Unanswered { source, .. }) if lacks_bucket(&source) => {
                return Err(LedgerError::NoBucket { location: location.to_owned() }.into());
            }
            Err(source) => return Err(CreateError::Store { location: location.to_owned(), source }),
        };
        if store.conformance() == Conformance::Unproven {
            store_clock.check()?;
        }
        let (identity, _) = Identity::create(objects, LakeId::from_bytes(*new_id().as_bytes()), location).await?;
        let exists = || CreateError::Exists { location: location.to_owned(), lake: identity.lake };
        let first = Slot::new(1);
        if read_slot(objects, first).await?.is_some() {
            return Err(exists());
        }
        let encoded = first_slot(identity.lake, clock, genesis);
        let key = keys::slot(first);
        let put = store.slots().put_opts(&key, encoded.bytes.clone().into(), object_store::PutMode::Create.into());
        if let Err(error) = put.await {
            match read_slot(objects, first).await? {
                Some(found) if found.hash == encoded.hash => {}
                Some(_) => return Err(exists()),
                None => return Err(LedgerError::from(StoreError::new("write", &key, error)).into()),
            }
        }
        // Whoever opens it then need not list what is there.
        if let Err(error) = write_hint(objects, &Hint::of(first, None)).await {
            tracing::debug!(%error, "the hint cannot be written");
        }
        Ok(identity.lake)
    }

    /// Opens a lake's ledger at its head: hint, newest sound checkpoint, bundles, then the slots after it.
    ///
    /// * While the hint is at most 50 slots behind the head and the checkpoint that it names is sound, that takes at
    ///   most four round trips, for up to 256 slots behind the checkpoint, and nothing is listed. It takes two if the
    ///   hint is at most 6 slots behind the head and the checkpoint at most 88 slots behind the hint.
    /// * The slot behind the head was asked for, and was not there, after the opening began.
    /// * A hint or a checkpoint that is lost costs round trips, never an answer.
    ///
    /// # Errors
    /// If there is no lake, it is newer than this release, or a slot is missing or damaged.
    pub async fn open(
        store: LakeStore,
        clock: Arc<dyn Clock>,
        location: &str,
        settings: LedgerSettings,
    ) -> Result<Self, LedgerError> {
        let objects = Arc::clone(store.objects());
        let (identity, hint) = futures::join!(Identity::read(objects.as_ref(), location), read_hint(objects.as_ref()));
        let (lake, hint) = (identity?.lake, hint.as_ref());
        let blocks = Blocks::new(Arc::clone(&objects));
        let (restored, mut ahead) =
            futures::join!(derived::load_checkpoint(objects.as_ref(), lake, hint), read_ahead(objects.as_ref(), hint));
        let (checkpoint, mut start) = match restored {
            Some((index, state)) => (Some(index), state),
            None => (None, State::genesis(lake)),
        };
        if hint.is_none_or(|hint| hint.knows_bundle_after(start.head().slot)) {
            start = replay_bundles(objects.as_ref(), &blocks, start).await;
        }
        let hinted = hint.map(|hint| hint.head);
        let mut state = follow_ahead(objects.as_ref(), &blocks, start, hinted, &mut ahead).await?;
        let head = state.head();
        if head.version.is_none() {
            return Err(LedgerError::Incomplete { location: location.to_owned() });
        }
        let is_behind_hint = hinted.is_some_and(|hinted| hinted > head.slot);
        if (is_behind_hint || !ahead.shows_nothing_after(head.slot))
            && check_nothing_later(objects.as_ref(), &state, hinted).await? == Later::Slots
        {
            // The store said of a slot that it is not there, and now that it is.
            state = follow(objects.as_ref(), &blocks, state, hinted).await?;
            let next = state.head().slot.next();
            if hinted.is_some_and(|hinted| hinted >= next) {
                return Err(LedgerError::LostHead { slot: next, key: keys::slot(next).to_string() });
            }
        }
        let derived = Derived { checkpoint, hinted, writing: None };
        let shared = Arc::new(Shared {
            store,
            clock,
            settings,
            blocks,
            forward: tokio::sync::Mutex::new(()),
            store_clock: OnceCell::new(),
            state: RwLock::new(Arc::new(state)),
            derived: Mutex::new(derived),
        });
        let (requests, waiting) = mpsc::unbounded_channel();
        tokio::spawn(committer::run(Arc::clone(&shared), waiting));
        Ok(Self { shared, requests })
    }

    /// The newest state that this process knows.
    pub fn state(&self) -> Arc<State> {
        self.shared.state()
    }

    /// The payload blocks.
    pub fn blocks(&self) -> &Blocks {
        &self.shared.blocks
    }

    /// The store.
    pub fn store(&self) -> &LakeStore {
        &self.shared.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Asks the store for what other processes wrote, and gives the newest state.
    ///
    /// Costs one request for each slot that was written, and one that finds nothing.
    pub async fn refresh(&self) -> Result<Arc<State>, LedgerError> {
        let next = self.state().head().slot.next();
        match read_slot(self.shared.store.objects().as_ref(), next).await? {
            None => Ok(self.state()),
            Some(found) => {
                let _forward = self.shared.forward.lock().await;
                self.shared.follow_past(next, found).await
            }
        }
    }

    /// Commits a transaction and gives its version once it is durable.
    ///
    /// # Errors
    /// See [`CommitError`]: in every case but `Unknown` nothing was written. Dropping the future does not take the
    /// transaction back.
    pub async fn commit(&self, transaction: Transaction) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        let commit_id = transaction.commit_id;
        let request = Request { transaction, answer };
        self.requests.send(request).map_err(|_| CommitError::Closed)?;
        // A committer that ends without an answer may have ended while it wrote.
        let unknown = |_| CommitError::Unknown { commit_id, slot: self.state().head().slot.next() };
        answered.await.map_err(unknown)?
    }

    /// Waits for what is derived from the commits so far: a checkpoint if one is due, and the hint.
    pub async fn settle(&self) {
        self.shared.finish(|| self.shared.begin_checkpoint_if_due()).await;
        self.shared.finish(|| self.shared.begin_hint_if_due(1)).await;
    }
}

async fn read_ahead(store: &dyn ObjectStore, hint: Option<&Hint>) -> Ahead {
    match hint {
        Some(hint) => Ahead::read(store, hint).await,
        None => Ahead::default(),
    }
}

/// What is behind a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// Nothing, as far as the store says.
    Nothing,
    /// Slots, the next one among them, unless the store does not answer for that.
    Slots,
}

/// A slot after the head that is there means that the slot between was lost: the next one, and the one of the hint.
/// A slot is lost only if the store says that it is not there; a store that does not answer says nothing.
pub(super) async fn check_nothing_later(
    store: &dyn ObjectStore,
    state: &State,
    hinted: Option<Slot>,
) -> Result<Later, LedgerError> {
    let head = state.head().slot;
    let hinted = hinted.filter(|hinted| *hinted > head);
    if let Some(slot) = hinted
        && is_absent(store, slot).await
    {
        return Err(LedgerError::LostHead { slot, key: keys::slot(slot).to_string() });
    }
    let mut seen = Later::Nothing;
    for later in [Some(head.next().next()), hinted].into_iter().flatten() {
        if store.head(&keys::slot(later)).await.is_err() {
            continue;
        }
        if later > head.next() && is_absent(store, head.next()).await {
            return Err(missing_slot(head.next(), later));
        }
        seen = Later::Slots;
    }
    Ok(seen)
}

async fn is_absent(store: &dyn ObjectStore, slot: Slot) -> bool {
    let found = store.head(&keys::slot(slot)).await;
    found.is_err_and(|error| StoreFailure::of(&error) == StoreFailure::NotFound)
}

fn first_slot(lake: LakeId, clock: &dyn Clock, genesis: Genesis) -> EncodedSlot {
    let (slot, name) = (Slot::new(1), Name::try_new(DEFAULT_SCHEMA).expect("the default schema's name is valid"));
    let mut state = State::genesis(lake);
    let mut changes = vec![Change::CreateSchema { schema: state.counters().object, name }];
    let settings = genesis.settings.into_iter();
    changes.extend(settings.map(|(key, value)| Change::SetSetting { key, value: Some(value) }));
    let entry = Entry {
        version: Version::FIRST,
        branch: BranchId::MAIN,
        commit_id: CommitId::from_bytes(*new_id().as_bytes()),
        request: None,
        base: None,
        author: genesis.author,
        message: genesis.message,
        operation: "init".to_owned(),
        wall_time: clock.now(),
        commit_time: None,
        changes,
        tables: Vec::new(),
        properties: Vec::new(),
    };
    let applied = state.apply_entry(&entry, slot, Digest::ZERO);
    debug_assert_eq!(applied, Ok(()), "the first entry applies to nothing");
    let record = Record {
        features: Vec::new(),
        lake,
        slot,
        previous: Digest::ZERO,
        entries: vec![entry],
        blocks: Vec::new(),
        state: state.digest(),
    };
    EncodedSlot::new(&record, &[])
}

/// A random id. Ids of commits begin with the time they are made.
#[expect(clippy::disallowed_methods, reason = "ids are made here and nowhere else")]
fn new_id() -> Uuid {
    Uuid::new_v4()
}

impl CommitId {
    /// A new id, a UUID of version 7.
    #[expect(clippy::disallowed_methods, reason = "ids are made here and nowhere else")]
    pub fn random() -> Self {
        Self::from_bytes(*Uuid::now_v7().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{LakeLocation, SystemClock};

    async fn ledger() -> Ledger {
        let location = LakeLocation::parse("memory://waiting").unwrap();
        let (store, clock) = (location.open().unwrap(), Arc::new(SystemClock));
        Ledger::create(&store, clock.as_ref(), "memory://", Genesis::default()).await.unwrap();
        Ledger::open(store, clock, "memory://", LedgerSettings::default()).await.unwrap()
    }

    #[tokio::test]
    async fn while_something_derived_is_waited_for_nothing_else_is_begun() {
        let shared = ledger().await.shared;
        let begin = || {
            shared.derived().hinted = None;
            shared.begin_hint_if_due(1)
        };
        assert_eq!(begin(), Begin::Begun);
        let mut waiting = Box::pin(shared.written());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(begin(), Begin::Busy);
        waiting.await;
        assert_eq!(begin(), Begin::Begun);
    }
}
