//! A transaction under way: the state that it is decided on, and what its statements made of it so far.
//!
//! ```text
//!   begun ──first that reads or writes──▶ pinned ──COMMIT──▶ committing ──▶ over: committed, rolled back, or unknown
//!     │                                     │
//!     └──────────an error in between────────┴──▶ failed ──ROLLBACK, COMMIT──▶ over: rolled back
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use frostline_catalog::change::BlockHeader;
use frostline_catalog::overlay::Overlay;
use frostline_catalog::schema::View as StoredView;
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows as NewRows, TableTarget, Transaction};
use frostline_catalog::{BranchId, CommitId, Digest, Micros, ObjectId, Slot, State, Version};
use frostline_engine::HeldBlocks;
use futures::StreamExt;
use tokio::sync::OwnedMutexGuard;

use super::attribution::Attribution;
use super::dropped::{Made, changes_rows, has_changed, has_made_and_dropped};
use super::{Commit, Purpose};
use crate::answer::{Answer, Rows};
use crate::error::Error;
use crate::lake::Lake;
use crate::parse::Isolation;

/// How many bytes a transaction may carry in its slot: rows that its statements left hot, and what is known of frozen
/// ones. They are kept in memory until it ends.
const BLOCK_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How many of its statements a transaction tells of when it is committed.
const TOLD_MAX: usize = 3;

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

/// What a statement of a transaction sees.
pub(crate) struct View {
    /// The state, with what the transaction changed.
    pub(crate) state: Arc<State>,
    /// The version that its names are those of: the newest committed one, or the one that the transaction would make.
    pub(crate) visible: Version,
    /// The state without what the transaction changed, which AS OF is resolved in.
    pub(crate) committed: Arc<State>,
    /// When the snapshot was taken.
    pub(crate) started: Micros,
    /// Keeps the rows readable that the transaction wrote.
    pub(crate) held: Option<Arc<HeldBlocks>>,
}

impl View {
    /// A committed state as it is.
    pub(crate) fn committed(state: Arc<State>, started: Micros) -> Self {
        let visible = newest(&state);
        Self { committed: Arc::clone(&state), state, visible, started, held: None }
    }
}

/// The snapshot, and what was done on it.
pub(super) struct Pinned {
    base: Arc<State>,
    started: Micros,
    overlay: Overlay,
    held: Arc<HeldBlocks>,
    reads: BTreeSet<ObjectId>,
    changes: Vec<Proposal>,
    blocks: Vec<Bytes>,
    block_bytes: usize,
    /// How many schemas, tables and views it creates so far.
    created: u64,
    /// The operation of all its statements, as long as they have the same.
    operation: Option<&'static str>,
    /// What the first statements did, for people.
    told: Vec<String>,
    statements: usize,
    rows: u64,
}

/// What is said of what a statement did.
pub(super) struct Told {
    pub(super) operation: &'static str,
    /// For people: `insert orders, 3 rows`.
    pub(super) summary: String,
    pub(super) rows: u64,
}

/// A transaction ready to be committed, and what is said of it then.
pub(super) struct Decided {
    pub(super) transaction: Transaction,
    pub(super) summary: String,
    pub(super) rows: u64,
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
            progress.stage = Stage::Pinned(Box::new(Pinned {
                overlay: Overlay::new(Arc::clone(&state), BranchId::MAIN, slot),
                held: Arc::new(lake.engine.hold_blocks(slot)),
                base: state,
                started,
                reads: BTreeSet::new(),
                changes: Vec::new(),
                blocks: Vec::new(),
                block_bytes: 0,
                created: 0,
                operation: None,
                told: Vec::new(),
                statements: 0,
                rows: 0,
            }));
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
            pinned.reads.extend(tables);
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
            Stage::Pinned(pinned) => is_it(&pinned.changes),
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
            Stage::Pinned(pinned) if !pinned.changes.is_empty() => Some(Arc::clone(&pinned.base)),
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

impl Pinned {
    /// The version that it began from.
    pub(super) fn base(&self) -> Version {
        self.overlay.base()
    }

    fn view(&self) -> View {
        let changed = !self.changes.is_empty();
        View {
            state: if changed { Arc::clone(self.overlay.state()) } else { Arc::clone(&self.base) },
            visible: if changed { self.overlay.version() } else { self.base() },
            committed: Arc::clone(&self.base),
            started: self.started,
            held: Some(Arc::clone(&self.held)),
        }
    }

    fn take_in(&mut self, commit: Commit) -> Result<Told, Error> {
        let Commit { operation, summary, rows, reads, mut changes, blocks } = commit;
        self.block_bytes = blocks.iter().fold(self.block_bytes, |bytes, block| bytes.saturating_add(block.len()));
        if self.block_bytes > BLOCK_BYTES_MAX {
            return Err(Error::statement(format!(
                "the transaction holds more than {} MiB of rows in memory",
                BLOCK_BYTES_MAX / (1024 * 1024)
            ))
            .with_hint("write many rows by one statement, or commit more often"));
        }
        name_created(&mut changes, &mut self.created);
        let headers: Vec<BlockHeader> = blocks.iter().map(header).collect();
        self.overlay.add(&changes, &headers)?;
        self.held.push(blocks.clone());
        shift_blocks(&mut changes, self.blocks.len());
        self.changes.extend(changes);
        self.blocks.extend(blocks);
        self.reads.extend(reads);
        Ok(Told { operation, summary, rows })
    }

    fn tell(&mut self, told: Told) -> Answer {
        let Told { operation, summary, rows } = told;
        self.operation = match self.statements {
            0 => Some(operation),
            _ => self.operation.filter(|known| *known == operation),
        };
        if self.told.len() < TOLD_MAX {
            self.told.push(summary.clone());
        }
        self.statements += 1;
        self.rows = self.rows.saturating_add(rows);
        Answer::Pending { base: self.base(), summary, rows }
    }

    /// All of it as what one statement decided.
    fn into_commit(self, told: Told) -> Commit {
        let Told { operation, summary, rows } = told;
        let reads = self.reads_of_others();
        Commit { operation, summary, rows, reads, changes: self.changes, blocks: self.blocks }
    }

    /// What it read of others: what it made itself nobody else has changed.
    fn reads_of_others(&self) -> Vec<ObjectId> {
        self.reads.iter().copied().filter(|table| !table.is_pending()).collect()
    }

    /// What is to be committed of it.
    pub(super) fn decided(self, isolation: Isolation, attribution: Attribution) -> Decided {
        let summary = self.summary();
        let reads = match isolation {
            Isolation::Serializable => self.reads_of_others(),
            Isolation::Snapshot => Vec::new(),
        };
        let transaction = Transaction {
            branch: BranchId::MAIN,
            base: self.overlay.base(),
            commit_id: CommitId::random(),
            request: None,
            author: attribution.author,
            message: attribution.message,
            operation: self.operation.unwrap_or("transaction").to_owned(),
            commit_time: attribution.commit_time,
            properties: attribution.properties,
            reads,
            changes: self.changes,
            blocks: self.blocks,
        };
        Decided { transaction, summary, rows: self.rows }
    }

    fn summary(&self) -> String {
        if self.statements == 1 {
            return self.told.join("; ");
        }
        let left = self.statements - self.told.len();
        let more = if left > 0 { format!("; and {left} more") } else { String::new() };
        format!("transaction: {}{more}", self.told.join("; "))
    }
}

/// Tables that a statement creates are known to later ones by the ids that the transaction counts, and no more by
/// their places among what the statement creates.
fn name_created(changes: &mut [Proposal], created: &mut u64) {
    let mut tables: Vec<ObjectId> = Vec::new();
    for change in changes {
        match change {
            Proposal::CreateSchema { .. } | Proposal::CreateView { .. } => *created += 1,
            Proposal::CreateTable { .. } => {
                tables.push(ObjectId::pending(*created));
                *created += 1;
            }
            Proposal::AddRows { table, .. } | Proposal::KillRows { table, .. } | Proposal::BeginEpoch { table, .. } => {
                if let TableTarget::Created(place) = table
                    && let Some(id) = tables.get(*place)
                {
                    *table = TableTarget::Existing(*id);
                }
            }
            _ => {}
        }
    }
}

/// The blocks of a statement stand behind those of the statements before it.
fn shift_blocks(changes: &mut [Proposal], before: usize) {
    let shift = |BlockIndex(index): &mut BlockIndex| *index += before;
    for change in changes {
        match change {
            Proposal::AddRows { rows: NewRows::Hot { rows }, .. } => shift(rows),
            Proposal::AddRows { rows: NewRows::Frozen { digests, statistics, .. }, .. } => {
                shift(digests);
                shift(statistics);
            }
            Proposal::KillRows { positions: Some(positions), .. } => shift(positions),
            _ => {}
        }
    }
}

fn header(block: &Bytes) -> BlockHeader {
    BlockHeader { length_bytes: block.len() as u64, sha256: Digest::of(block) }
}

/// The newest committed version of a state.
pub(super) fn newest(state: &State) -> Version {
    state.newest(BranchId::MAIN).unwrap_or(Version::FIRST)
}

fn aborted() -> Error {
    Error::statement("the transaction was aborted by an error in it, and takes no statement any more")
        .with_hint("ROLLBACK ends it")
}

fn over() -> Error {
    Error::statement("the transaction is over").with_hint("BEGIN begins another")
}

#[cfg(test)]
mod tests {
    use frostline_catalog::{FieldId, Name};

    use super::*;

    fn name(text: &str) -> Name {
        Name::try_new(text).unwrap()
    }

    fn rows_into(place: usize, block: usize) -> Proposal {
        let rows = NewRows::Hot { rows: BlockIndex(block) };
        Proposal::AddRows { table: TableTarget::Created(place), count: 1, rows, stored_ids: false }
    }

    fn table(text: &str) -> Proposal {
        Proposal::CreateTable {
            schema: ObjectId::new(1),
            name: name(text),
            columns: Vec::new(),
            next_field: FieldId::FIRST,
            sort_by: Vec::new(),
            options: Vec::new(),
            comment: None,
            constraints: Vec::new(),
        }
    }

    #[test]
    fn what_statements_create_is_counted_over_the_whole_transaction() {
        let mut created = 0;
        let mut first = vec![Proposal::CreateSchema { name: name("s") }, table("a"), rows_into(0, 0)];
        name_created(&mut first, &mut created);
        let mut second = vec![table("b"), table("c"), rows_into(1, 0), rows_into(0, 1)];
        name_created(&mut second, &mut created);
        assert_eq!(created, 4);
        let targets: Vec<TableTarget> = first
            .iter()
            .chain(&second)
            .filter_map(|change| match change {
                Proposal::AddRows { table, .. } => Some(*table),
                _ => None,
            })
            .collect();
        let expected = [1, 3, 2].map(|number| TableTarget::Existing(ObjectId::pending(number)));
        assert_eq!(targets, expected);
    }

    #[test]
    fn blocks_of_a_statement_stand_behind_those_before_it() {
        let mut changes = vec![rows_into(0, 0), rows_into(0, 1)];
        shift_blocks(&mut changes, 5);
        assert_eq!(changes, [rows_into(0, 5), rows_into(0, 6)]);
    }
}
