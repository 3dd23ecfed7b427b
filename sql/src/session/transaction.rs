//! A transaction under way: how far it is, and who may do what with it then.
//!
//! ```text
//!   begun ──first that reads or writes──▶ pinned ──COMMIT──▶ committing ──▶ over: committed, rolled back, or unknown
//!     │                                     │
//!     └──────────an error in between────────┴──▶ failed ──ROLLBACK, COMMIT──▶ over: rolled back
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use frostline_catalog::schema::View as StoredView;
use frostline_catalog::transaction::Proposal;
use frostline_catalog::{Micros, ObjectId, Slot, State, Version};
use frostline_engine::HeldBlocks;
use futures::StreamExt;
use tokio::sync::OwnedMutexGuard;

use super::dropped::{Made, changes_rows, has_changed, has_made_and_dropped};
use super::pinned::{Pinned, Told, View};
use super::{Commit, Purpose};
use crate::answer::{Answer, Rows};
use crate::error::Error;
use crate::lake::Lake;
use crate::parse::Isolation;

/// What distinguishes the transactions of a process.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A transaction that was begun. Sessions that take part in it share it.
///
/// * What its statements see is pinned by the first of them that reads or writes.
/// * Statements that write take turns: each sees what those before it left.
/// * After an error it takes no statement any more, and is rolled back when it ends.
/// * It holds nothing but memory: to forget it is to roll it back.
pub(crate) struct OpenTransaction {
    number: u64,
    turn: Arc<tokio::sync::Mutex<()>>,
    progress: Mutex<Progress>,
}

/// What was asked of a transaction when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) isolation: Isolation,
    pub(crate) read_only: bool,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was committed as this version, or as none if it changed nothing.
    Committed(Option<Version>),
    /// It was rolled back, by its owner or because something stood against it.
    RolledBack,
    /// It is not known whether it was committed.
    Unknown,
}

struct Progress {
    modes: Modes,
    stage: Stage,
}

enum Stage {
    /// Nothing was read or written yet.
    Begun,
    /// Something was.
    Pinned(Box<Pinned>),
    /// A statement failed.
    Failed,
    /// Its commit is being made.
    Committing,
    /// It ended.
    Over(Ending),
}

impl fmt::Debug for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTransaction").field("number", &self.number).finish_non_exhaustive()
    }
}

impl OpenTransaction {
    pub(super) fn begin(modes: Modes) -> Arc<Self> {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let progress = Mutex::new(Progress { modes, stage: Stage::Begun });
        Arc::new(Self { number, turn: Arc::default(), progress })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other transaction of the process has.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether it takes part in nothing any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress().stage, Stage::Committing | Stage::Over(_))
    }

    /// Whether an error left it to be rolled back.
    pub(super) fn is_failed(&self) -> bool {
        matches!(self.progress().stage, Stage::Failed)
    }

    /// Whether a statement of it read or wrote something, or failed.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.progress().stage, Stage::Begun)
    }

    /// How it ended; `None` if it did not, or its commit is being made.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self.progress().stage {
            Stage::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// What it checks when it commits.
    pub(super) fn isolation(&self) -> Isolation {
        self.progress().modes.isolation
    }

    /// Waits for the turn of a statement that writes.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Changes what was asked of it, as long as nothing was read or written.
    pub(super) fn set_modes(&self, isolation: Option<Isolation>, read_only: Option<bool>) -> Result<(), Error> {
        let mut guard = self.progress();
        let progress: &mut Progress = &mut guard;
        match progress.stage {
            Stage::Begun => {
                let modes = &mut progress.modes;
                modes.isolation = isolation.unwrap_or(modes.isolation);
                modes.read_only = read_only.unwrap_or(modes.read_only);
                Ok(())
            }
            Stage::Failed => Err(aborted()),
            Stage::Pinned(_) => Err(Error::statement("SET TRANSACTION comes before the transaction's first statement")),
            Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Refuses a write in a transaction that only reads.
    pub(super) fn check_writes(&self) -> Result<(), Error> {
        match self.progress().modes.read_only {
            false => Ok(()),
            true => Err(Error::statement("the transaction only reads, so nothing can be written in it")
                .with_hint("it was begun with READ ONLY")),
        }
    }

    /// What its statements see, once that is pinned; `None` before.
    ///
    /// A statement that is only described is described where the transaction has failed, too: it may be ROLLBACK.
    pub(super) fn view(&self, purpose: Purpose) -> Result<Option<View>, Error> {
        match &self.progress().stage {
            Stage::Begun => Ok(None),
            Stage::Pinned(pinned) => Ok(Some(pinned.view())),
            Stage::Failed if purpose == Purpose::Describe => Ok(None),
            Stage::Failed => Err(aborted()),
            Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Pins what its statements see, unless another statement was faster.
    pub(super) fn pin(&self, lake: &Lake, state: Arc<State>, started: Micros) -> Result<View, Error> {
        let mut guard = self.progress();
        let progress: &mut Progress = &mut guard;
        if let Stage::Begun = progress.stage {
            let slot = Slot::pending(self.number);
            let held = Arc::new(lake.engine.hold_blocks(slot));
            progress.stage = Stage::Pinned(Box::new(Pinned::new(state, started, slot, held)));
        }
        match &progress.stage {
            Stage::Pinned(pinned) => Ok(pinned.view()),
            Stage::Failed => Err(aborted()),
            Stage::Begun | Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Notes tables that a statement read.
    pub(crate) fn note_reads(&self, tables: impl IntoIterator<Item = ObjectId>) {
        if let Stage::Pinned(pinned) = &mut self.progress().stage {
            pinned.note_reads(tables);
        }
    }

    /// Takes in what a statement decided, whose turn it is.
    pub(super) fn add(&self, commit: Commit) -> Result<Answer, Error> {
        match &mut self.progress().stage {
            Stage::Pinned(pinned) => {
                let told = pinned.take_in(commit)?;
                Ok(pinned.tell(told))
            }
            Stage::Failed => Err(aborted()),
            Stage::Begun | Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Takes in a part of what a statement decided, whose turn it is. What all parts did is told behind the last.
    pub(super) fn add_part(&self, part: Commit) -> Result<Told, Error> {
        match &mut self.progress().stage {
            Stage::Pinned(pinned) => pinned.take_in(part),
            Stage::Failed => Err(aborted()),
            Stage::Begun | Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Notes what a statement did that was taken in by parts.
    pub(super) fn tell(&self, told: Told) -> Result<Answer, Error> {
        match &mut self.progress().stage {
            Stage::Pinned(pinned) => Ok(pinned.tell(told)),
            Stage::Failed => Err(aborted()),
            Stage::Begun | Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// Whether it changed a table, otherwise than by dropping it and by bringing it back as it was at this version.
    pub(crate) fn has_changed(&self, table: ObjectId, version: Version) -> bool {
        self.has_done(|changes| has_changed(changes, table, version))
    }

    /// Whether it changed a view, otherwise than by dropping it and by bringing it back as this one.
    pub(crate) fn has_changed_view(&self, view: ObjectId, then: &StoredView) -> bool {
        self.has_proposed(|change| match change {
            Proposal::SetView { view: changed, .. } => *changed == view,
            Proposal::ReopenView { view: changed, definition } => {
                // Under another name it is the same.
                *changed == view && StoredView { name: then.name.clone(), ..definition.clone() } != *then
            }
            _ => false,
        })
    }

    /// Whether it made a table, or changed its rows.
    pub(crate) fn has_changed_rows(&self, table: ObjectId) -> bool {
        table.is_pending() || self.has_proposed(|change| changes_rows(change, table))
    }

    /// Whether it made something and dropped it when it had this name, in this schema if it stands in one.
    pub(crate) fn has_made_and_dropped(&self, kind: Made, schema: Option<ObjectId>, name: &str) -> bool {
        self.has_done(|changes| has_made_and_dropped(changes, (kind, schema, name)))
    }

    fn has_proposed(&self, is_it: impl Fn(&Proposal) -> bool) -> bool {
        self.has_done(|changes| changes.iter().any(is_it))
    }

    fn has_done(&self, is_it: impl FnOnce(&[Proposal]) -> bool) -> bool {
        match &self.progress().stage {
            Stage::Pinned(pinned) => is_it(pinned.changes()),
            Stage::Begun | Stage::Failed | Stage::Committing | Stage::Over(_) => false,
        }
    }

    /// Ends it, as what one statement decided to commit that was taken in by parts.
    pub(super) fn take_commit(&self, told: Told) -> Result<Commit, Error> {
        let pinned = self.take()?.ok_or_else(over)?;
        Ok(pinned.into_commit(told))
    }

    /// Takes no statement any more, because one failed.
    pub(crate) fn fail(&self) {
        let mut guard = self.progress();
        let progress: &mut Progress = &mut guard;
        if let Stage::Begun | Stage::Pinned(_) = progress.stage {
            progress.stage = Stage::Failed;
        }
    }

    /// A statement of it that runs. Unless it is told to have succeeded, it counts as failed.
    pub(crate) fn attempt(self: &Arc<Self>) -> Attempt {
        Attempt(Some(Arc::clone(self)))
    }

    /// The state that it changes; `None` if it changes nothing.
    pub(super) fn changed_base(&self) -> Option<Arc<State>> {
        match &self.progress().stage {
            Stage::Pinned(pinned) => pinned.changed_base(),
            _ => None,
        }
    }

    /// Takes out what is to be committed; `None` if nothing was read or written. One that has failed is rolled back.
    pub(super) fn take(&self) -> Result<Option<Box<Pinned>>, Error> {
        let mut guard = self.progress();
        let progress: &mut Progress = &mut guard;
        match std::mem::replace(&mut progress.stage, Stage::Committing) {
            Stage::Begun => Ok(None),
            Stage::Pinned(pinned) => Ok(Some(pinned)),
            Stage::Failed => {
                progress.stage = Stage::Over(Ending::RolledBack);
                Err(Error::statement("the transaction was aborted by an error in it, and is rolled back")
                    .with_hint("nothing of it was committed: run it again from BEGIN"))
            }
            ended @ (Stage::Committing | Stage::Over(_)) => {
                progress.stage = ended;
                Err(over())
            }
        }
    }

    /// Notes how it ended.
    pub(super) fn end(&self, ending: Ending) {
        self.progress().stage = Stage::Over(ending);
    }

    /// Forgets all that it did.
    pub(super) fn roll_back(&self) -> Result<(), Error> {
        let mut guard = self.progress();
        let progress: &mut Progress = &mut guard;
        match progress.stage {
            Stage::Begun | Stage::Pinned(_) | Stage::Failed => {
                progress.stage = Stage::Over(Ending::RolledBack);
                Ok(())
            }
            Stage::Committing | Stage::Over(_) => Err(over()),
        }
    }

    /// The rows of a statement of it: an error among them aborts it, and what they are read from is kept as long as
    /// they are.
    pub(crate) fn watched(self: &Arc<Self>, rows: Rows, held: Option<Arc<HeldBlocks>>) -> Rows {
        let Rows { version, schema, stream } = rows;
        let watch = Watch { transaction: Arc::clone(self), _held: held };
        let stream = stream.inspect(move |batch| watch.saw(batch));
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Rows { version, schema, stream }
    }
}

/// What goes along with rows.
struct Watch {
    transaction: Arc<OpenTransaction>,
    _held: Option<Arc<HeldBlocks>>,
}

impl Watch {
    fn saw(&self, batch: &Result<RecordBatch, DataFusionError>) {
        if batch.is_err() {
            self.transaction.fail();
        }
    }
}

/// A statement of a transaction, running. Dropping it aborts the transaction.
pub(crate) struct Attempt(Option<Arc<OpenTransaction>>);

impl Attempt {
    /// Ends it well.
    pub(crate) fn succeeded(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(transaction) = self.0.take() {
            transaction.fail();
        }
    }
}

fn aborted() -> Error {
    Error::statement("the transaction was aborted by an error in it, and takes no statement any more")
        .with_hint("ROLLBACK ends it")
}

fn over() -> Error {
    Error::statement("the transaction is over").with_hint("BEGIN begins another")
}
