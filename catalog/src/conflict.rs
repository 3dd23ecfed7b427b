//! Whether a transaction may still be made after what came between, and what it becomes.

mod numbering;

use thiserror::Error;

use crate::change::{BlockHeader, Entry};
use crate::checkpoint::SealedError;
use crate::id::{BranchId, ObjectId, Slot, Version};
use crate::record::SlotError;
use crate::segment::BlockRef;
use crate::state::{ApplyError, State};
use crate::time::Micros;
use crate::transaction::{BlockIndex, Transaction};
use numbering::Numbering;

/// Two transactions that cannot both be made. The later one may be tried again on the newer base.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("conflict: this statement was decided on version {base}, and version {with} {reason}; run it again")]
pub struct Conflict {
    /// The version the transaction was decided on.
    pub base: Version,
    /// The version that stands against it.
    pub with: Version,
    /// What that version did.
    pub reason: ConflictReason,
}

/// What a version did that stands against a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConflictReason {
    /// It changed rows that the transaction read.
    #[error("changed the rows of table `{table}`, which the statement read")]
    Read {
        /// The table.
        table: String,
    },
    /// It took a name.
    #[error("created `{name}`")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// It ended something.
    #[error("dropped {what}")]
    Gone {
        /// What is gone.
        what: String,
    },
    /// It changed the columns of a table whose columns the transaction changes too.
    #[error("changed the columns of table `{table}`")]
    Columns {
        /// The table.
        table: String,
    },
    /// It put something into a schema that the transaction drops.
    #[error("put something into schema `{schema}`")]
    NotEmpty {
        /// The schema.
        schema: String,
    },
}

/// What makes a transaction one that no lake could take: whoever put it together was mistaken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It names a block that it does not have.
    #[error("it names its block {index} and has {blocks}")]
    NoBlock {
        /// The block's place.
        index: usize,
        /// How many blocks it has.
        blocks: usize,
    },
    /// It names a table of its own before it creates it.
    #[error("it names the table that it creates as number {place}, counted from 0, and has created {created} so far")]
    NoTable {
        /// The table's place among those that it creates.
        place: usize,
        /// How many it has created by then.
        created: usize,
    },
    /// It adds a column that rows must have a value for to a table whose rows have none.
    #[error("column `{column}` takes no NULL, and the rows of the table have no value for it")]
    NoValue {
        /// The column.
        column: String,
    },
    /// Its changes contradict the catalog or one another.
    #[error("its changes contradict the catalog")]
    Contradiction(#[source] ApplyError),
    /// What it writes could not be read again.
    #[error("what it writes could not be read again")]
    Unreadable(#[source] SlotError),
}

/// Why a transaction becomes no entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A version since its base stands against it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// What came since its base cannot be looked at.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// It was put together wrongly.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Where a transaction's blocks will be: their headers, and the place of its first block in the slot.
#[derive(Clone, Copy, Debug)]
pub struct BlockPlaces<'a> {
    /// The slot.
    pub slot: Slot,
    /// The place of the transaction's first block in it.
    pub first: usize,
    /// The transaction's blocks.
    pub headers: &'a [BlockHeader],
}

impl BlockPlaces<'_> {
    fn place(&self, BlockIndex(index): BlockIndex) -> Result<BlockRef, Malformed> {
        let header = self.headers.get(index).ok_or(Malformed::NoBlock { index, blocks: self.headers.len() })?;
        let index = u32::try_from(self.first + index).unwrap_or(u32::MAX);
        Ok(BlockRef { slot: self.slot, index, length_bytes: header.length_bytes, sha256: header.sha256 })
    }
}

/// Checks a transaction against everything since its base and gives the entry it becomes, numbered after `state`.
///
/// # Errors
/// If a version since its base stands against it, or cannot be looked at, or the transaction was put together wrongly.
pub fn resolve_transaction(
    state: &State,
    transaction: &Transaction,
    places: BlockPlaces<'_>,
    times: (Micros, Option<Micros>),
) -> Result<Entry, ResolveError> {
    check_reads(state, transaction)?;
    let mut numbering = Numbering::new(state, transaction);
    let mut changes = Vec::with_capacity(transaction.changes.len() + 1);
    for proposal in &transaction.changes {
        numbering.resolve(proposal, places, &mut changes)?;
    }
    Ok(Entry {
        version: numbering.version,
        branch: transaction.branch,
        commit_id: transaction.commit_id,
        request: transaction.request,
        base: Some(transaction.base),
        author: transaction.author.clone(),
        message: transaction.message.clone(),
        operation: transaction.operation.clone(),
        wall_time: times.0,
        commit_time: times.1,
        tables: numbering.counts(),
        changes,
    })
}

/// The first commit after a version that touched the rows of a table.
fn touched_since(
    state: &State,
    base: Version,
    branch: BranchId,
    table: ObjectId,
) -> Result<Option<Version>, SealedError> {
    let touched = state
        .commits_after(base)?
        .filter(|commit| commit.branch == branch && commit.tables.iter().any(|count| count.table == table));
    Ok(touched.last().map(|commit| commit.version))
}

fn check_reads(state: &State, transaction: &Transaction) -> Result<(), ResolveError> {
    let base = transaction.base;
    for table in &transaction.reads {
        let name = || table_name(state, *table, base);
        if let Some(with) = ended_since(state, *table, base) {
            let reason = ConflictReason::Gone { what: format!("table `{}`", name()) };
            return Err(Conflict { base, with, reason }.into());
        }
        if let Some(with) = touched_since(state, base, transaction.branch, *table)? {
            return Err(Conflict { base, with, reason: ConflictReason::Read { table: name() } }.into());
        }
    }
    Ok(())
}

fn ended_since(state: &State, table: ObjectId, base: Version) -> Option<Version> {
    state.tables().of(&table).last()?.interval.end().filter(|end| *end > base)
}

fn table_name(state: &State, table: ObjectId, version: Version) -> String {
    state.table_at(table, version).map_or_else(|| table.to_string(), |table| table.name.to_string())
}
