//! How rows become segments, and segments become rows again.
//!
//! ```text
//!   files ──import──► batches ──RowWriter──► hot block (Arrow IPC)     ─┐
//!                                      └───► frozen segment (Parquet)  ─┴─► proposals of a transaction
//!
//!   State at a version ──► Lake::hot_rows        few batches, cut without copying where no row of them is dead
//!                     └──► Lake::open_segment    a footer and byte ranges, each checked against its digest
//!                     └──► Lake::statistics      columns of min, max and null counts, to prune by
//!                     └──► Lake::dead_positions  which rows of a segment are dead
//!
//!   batches ──export──► CSV, JSON, Parquet or Arrow IPC
//! ```
//!
//! Stores are named only in [`io`]; everything else is about bytes and batches. No SQL is here.

pub mod export;
pub mod import;
pub mod io;
pub mod positions;
pub mod read;
pub mod settings;
pub mod statistics;
pub mod write;

mod hot;
mod lake;
mod nan;
mod rows;
mod size;
mod verify;

pub use hot::{HotOrigin, HotPart};
pub use lake::{HeldBlocks, Lake, LakeError};
pub use nan::{batch_with_one_nan, holds_floats, with_one_nan};
pub use positions::{Positions, PositionsError};
pub use rows::{RowWriter, TakeError, TakenRows};
pub use settings::Settings;
pub use size::batch_bytes;
pub use verify::{VerifyError, VerifyNote, VerifySummary, verify};
