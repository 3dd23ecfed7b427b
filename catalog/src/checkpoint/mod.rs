//! Checkpoints: the catalog written out, so that opening a lake reads little.
//!
//! A checkpoint is an index and the runs it names. Each run holds, as Parquet, the facts of one relation that changed
//! between two versions; a fact in a later run takes the place of the same fact in an earlier one.
//!
//! ```text
//! checkpoints/<n>/index             what the catalog was after slot n: numbers, digest, runs
//! checkpoints/<n>/<relation>.parquet    the runs that were written for this checkpoint
//! ```
//!
//! * Runs are merged four at a time, level by level, so that a fact is written a logarithmic number of times.
//! * A checkpoint is derived: one that lacks a run, or fails a digest, is not used, and an older one or the slots are.

mod index;
mod plan;
mod runs;

pub(crate) use index::{Index, Run};
pub(crate) use plan::{PlannedRun, RelationKind, plan_runs};
pub(crate) use runs::{decode_run, encode_run};

#[cfg(test)]
mod tests;
