//! What Frostline's tests share: stores that fail on command, a naive model, damaged Parquet files, a checker of
//! histories of transactions, and a runner of scripts of SQL.
//!
//! ```text
//! test ──> code under test ──> FaultStore ──> memory, or a directory
//!                                  │
//!                                  └── plan: (operation, key, number of the call) -> fault
//! ```
//!
//! A plan is a function, so that a failure is replayed exactly: write it by hand for one case, or draw it from a seed.

mod fault_store;
pub mod model;
pub mod parquet_damage;
pub mod serial;
pub mod slt;

pub use fault_store::{Counts, Fault, FaultStore, Faults, Operation};
