//! SQL through the crate's door: statements in, rows, commits and errors out.
//!
//! * `slt/` holds scripts of statements and what they must give; [`slt`] runs them.
//! * [`docs`] runs the examples of the documents.

mod all_or_nothing;
mod as_opened;
mod change_scans;
mod concurrency;
mod conflicts;
mod damage;
mod docs;
mod door;
mod each_row;
mod files;
mod frost_line;
mod history;
mod lake;
mod memory;
mod parameters;
mod real_data;
mod round_trip;
mod serializable;
mod slt;
mod tpch;
mod transactions;
