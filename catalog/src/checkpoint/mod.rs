//! Checkpoints: the catalog written out, so that opening a lake reads little.
//!
//! A checkpoint is an index and the runs it names. Each run holds, as Parquet, the facts of one relation that changed
//! between two versions; a fact in a later run takes the place of the same fact in an earlier one. The index also holds
//! what most statements need of the large relations, so that their runs stay sealed until somebody looks into them.
//!
//! ```text
//! checkpoints/<n>/index             what the catalog was after slot n: numbers, digest, runs, summaries
//! checkpoints/<n>/<relation>.parquet    the runs that were written for this checkpoint
//! ```
//!
//! * Runs are merged four at a time, level by level, so that a fact is written a logarithmic number of times.
//! * A checkpoint is derived: one that lacks a run, or fails a digest, is not used, and an older one or the slots are.

mod index;
mod plan;
mod runs;
mod sealed;

pub use sealed::SealedError;

pub(crate) use index::{Index, Run};
pub(crate) use plan::{PlannedRun, RelationKind, plan_runs};
pub(crate) use runs::{RunError, decode_facts, encode_run};
pub(crate) use sealed::{SealedCommits, SealedRun, SealedSegments};

#[cfg(test)]
mod tests;
