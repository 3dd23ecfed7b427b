//! What the statements of a transaction made of the state that it is decided on, put together.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use frostline_catalog::change::BlockHeader;
use frostline_catalog::overlay::Overlay;
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows as NewRows, TableTarget, Transaction};
use frostline_catalog::{BranchId, CommitId, Digest, Micros, ObjectId, Slot, State, Version};
use frostline_engine::HeldBlocks;

use super::Commit;
use super::attribution::Attribution;
use crate::answer::Answer;
use crate::error::Error;
use crate::parse::Isolation;

/// How many bytes a transaction may carry in its slot: rows that its statements left hot, and what is known of frozen
/// ones. They are kept in memory until it ends.
const BLOCK_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How many of its statements a transaction tells of when it is committed.
const TOLD_MAX: usize = 3;

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

impl Pinned {
    /// A state on which nothing was done yet. What is written in the transaction has this slot.
    pub(super) fn new(base: Arc<State>, started: Micros, slot: Slot, held: Arc<HeldBlocks>) -> Self {
        Self {
            overlay: Overlay::new(Arc::clone(&base), BranchId::MAIN, slot),
            held,
            base,
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
        }
    }

    /// The version that it began from.
    pub(super) fn base(&self) -> Version {
        self.overlay.base()
    }

    /// What was proposed so far.
    pub(super) fn changes(&self) -> &[Proposal] {
        &self.changes
    }

    /// The state that it changes; `None` if it changes nothing.
    pub(super) fn changed_base(&self) -> Option<Arc<State>> {
        (!self.changes.is_empty()).then(|| Arc::clone(&self.base))
    }

    /// Notes tables that a statement read.
    pub(super) fn note_reads(&mut self, tables: impl IntoIterator<Item = ObjectId>) {
        self.reads.extend(tables);
    }

    /// What the next statement sees.
    pub(super) fn view(&self) -> View {
        let changed = !self.changes.is_empty();
        View {
            state: if changed { Arc::clone(self.overlay.state()) } else { Arc::clone(&self.base) },
            visible: if changed { self.overlay.version() } else { self.base() },
            committed: Arc::clone(&self.base),
            started: self.started,
            held: Some(Arc::clone(&self.held)),
        }
    }

    /// Takes in what a statement decided, or a part of it.
    pub(super) fn take_in(&mut self, commit: Commit) -> Result<Told, Error> {
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

    /// Notes what a statement did, all of whose parts were taken in.
    pub(super) fn tell(&mut self, told: Told) -> Answer {
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
    pub(super) fn into_commit(self, told: Told) -> Commit {
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

#[cfg(test)]
mod tests {
    use super::super::dropped::tests::{name, table};
    use super::*;

    fn rows_into(place: usize, block: usize) -> Proposal {
        let rows = NewRows::Hot { rows: BlockIndex(block) };
        Proposal::AddRows { table: TableTarget::Created(place), count: 1, rows, stored_ids: false }
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
