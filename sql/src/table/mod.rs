//! A table at one version, as DataFusion reads it.
//!
//! ```text
//!   TableAt::scan ── blend ──┬── bounds, prune     which frozen segments may hold rows, by the catalog's statistics
//!                            ├── frozen ─ evolve   those segments: a DataSourceExec over Parquet
//!                            └── hot ──── evolve   hot rows in memory: a DataSourceExec over batches
//! ```
//!
//! * A scan reads one version: segments, hot rows and columns all come from the same state.
//! * Hot and frozen rows are one table; a union stands in the plan only where both are there.
//! * Columns are found by field id; names are only what a version calls them.
//! * Statistics are exact only where they are: what they say is what reading the rows would say.

mod blend;
mod bounds;
mod columns;
mod evolve;
mod frozen;
mod hot;
mod literal;
mod provider;
mod prune;
mod statistics;
mod summary;

pub(crate) use provider::TableAt;
pub(crate) use summary::{ScanLog, ScanSummary};
