//! Whether a transaction may still be made after what came between, and what it becomes.

mod numbering;

use thiserror::Error;

use crate::change::{BlockHeader, Entry};
use crate::checkpoint::SealedError;
use crate::id::{BranchId, ObjectId, SegmentId, Slot, Version};
use crate::record::SlotError;
use crate::segment::BlockRef;
use crate::state::{ApplyError, State};
use crate::time::Micros;
use crate::transaction::{BlockIndex, Proposal, Transaction};
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
    /// It changed rows that the transaction changes too.
    #[error("changed the rows of table `{table}`, which the statement changes too")]
    Rows {
        /// The table.
        table: String,
    },
    /// It changed a definition that the transaction read or changes too, or that the rows it adds were tested by.
    #[error("changed the definition of {what}")]
    Definition {
        /// What is defined otherwise now.
        what: String,
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
    /// It names something of its own before it makes it.
    #[error("it names the pending id {place} of {what}, counted from 0, and has made {made} so far")]
    NotMade {
        /// What it names.
        what: &'static str,
        /// Its place among those that it makes.
        place: u64,
        /// How many it has made by then.
        made: usize,
    },
    /// It begins something again that has not been before.
    #[error("it begins {what} again, which never was")]
    NeverWas {
        /// What never was.
        what: String,
    },
    /// It takes rows out of a segment that are not there.
    #[error("it takes {rows} rows out of segment {segment}, of which table `{table}` has {living}")]
    NoRows {
        /// The table.
        table: String,
        /// The segment.
        segment: SegmentId,
        /// How many rows it takes.
        rows: u64,
        /// How many live.
        living: u64,
    },
    /// It begins a table from rows that it changes itself.
    #[error("table `{table}` is changed by the same transaction, so that nothing can begin from it yet; commit first")]
    OwnRows {
        /// The table whose rows it changes.
        table: String,
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
    let mut numbering = Numbering::new(state.clone(), transaction.branch, transaction.base);
    for proposal in &transaction.changes {
        numbering.resolve(proposal, places)?;
    }
    let version = numbering.version();
    let (changes, tables) = numbering.finish();
    Ok(Entry {
        version,
        branch: transaction.branch,
        commit_id: transaction.commit_id,
        request: transaction.request,
        base: Some(transaction.base),
        author: transaction.author.clone(),
        message: transaction.message.clone(),
        operation: transaction.operation.clone(),
        wall_time: times.0,
        commit_time: times.1,
        changes,
        tables,
        properties: transaction.properties.clone(),
    })
}

/// A state that shows more proposals of a transaction which is put together on `base`, with pending ids for what they
/// make. `state` shows those before them.
///
/// # Errors
/// As of [`resolve_transaction`]. No version since the base can stand against them: the state knows none.
pub(crate) fn preview_proposals(
    state: State,
    branch: BranchId,
    base: Version,
    proposals: &[Proposal],
    places: BlockPlaces<'_>,
) -> Result<State, ResolveError> {
    let mut numbering = Numbering::new(state, branch, base);
    for proposal in proposals {
        numbering.resolve(proposal, places)?;
    }
    Ok(numbering.into_state())
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
    // Nobody else knows what the transaction makes itself.
    for table in transaction.reads.iter().filter(|table| !table.is_pending()) {
        if let Some(conflict) = view_conflict(state, *table, base) {
            return Err(conflict.into());
        }
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

/// What stands against having read a view: the first version since that gave it another definition, or dropped it.
fn view_conflict(state: &State, view: ObjectId, base: Version) -> Option<Conflict> {
    let facts = state.views().of(&view);
    let ends = facts.iter().flat_map(|fact| [Some(fact.interval.begin()), fact.interval.end()]);
    let with = ends.flatten().filter(|at| *at > base).min()?;
    let name = state.view_at(view, base).map_or_else(|| view.to_string(), |view| view.name.to_string());
    let what = format!("view `{name}`");
    let reason = match state.view_at(view, with) {
        Some(_) => ConflictReason::Definition { what },
        None => ConflictReason::Gone { what },
    };
    Some(Conflict { base, with, reason })
}

fn ended_since(state: &State, table: ObjectId, base: Version) -> Option<Version> {
    state.tables().of(&table).last()?.interval.end().filter(|end| *end > base)
}

fn table_name(state: &State, table: ObjectId, version: Version) -> String {
    state.table_at(table, version).map_or_else(|| table.to_string(), |table| table.name.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
