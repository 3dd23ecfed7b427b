//! A table at one version, as DataFusion reads it.
//!
//! ```text
//!   TableAt::scan ─┐       ┌── bounds, prune       which frozen segments may hold rows, by the catalog's statistics
//!   scan_chosen ───┴ blend ┼── chosen              which rows of each segment: the living ones, or a choice
//!                          ├── frozen ── evolve    whole segments: a DataSourceExec over Parquet
//!                          ├── marked ── live_rows the others: row numbers, and a filter by them directly above
//!                          ├── hot ───── evolve    hot rows in memory: a DataSourceExec over batches
//!                          ├── places              where rows are, for statements that change them
//!                          └── wide                columns that hold the rows of several versions
//! ```
//!
//! * A scan reads one version: segments, dead rows, hot rows and columns all come from the same state.
//! * Hot and frozen rows are one table; a union stands in the plan only where both are there.
//! * Columns are found by field id; names are only what a version calls them.
//! * Statistics are exact only where they are: what they say is what reading the rows would say.

mod blend;
mod bounds;
mod chosen;
mod columns;
mod evolve;
mod frozen;
mod hot;
mod literal;
mod live_rows;
mod marked;
mod places;
mod provider;
mod prune;
mod statistics;
mod summary;
mod wide;

pub(crate) use chosen::{ChosenRows, scan_chosen};
pub(crate) use provider::TableAt;
pub(crate) use summary::{ScanLog, ScanSummary};
