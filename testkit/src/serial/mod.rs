//! Whether transactions that ran at the same time could have run one after the other.
//!
//! ```text
//! writers ──> Transaction: what each read and wrote, and the version that it made
//!                 │
//!                 ├── writes: who wrote an object, in the order of versions ──┐
//!                 └── reads: whose value was seen, and whose was not yet ─────┴──> edges ──> a cycle is a proof
//! ```
//!
//! * The order of the writes is that of the versions. Nothing is guessed.
//! * Each value is written once, so that whoever reads it tells whom it came from.
//! * An edge leads from a transaction to one that must come behind it. On a cycle none can be the first, so that no
//!   order of the transactions gives what they saw.
//!
//! The edges are those of A. Adya, "Weak Consistency: A Generalized Theory and Optimistic Implementations for
//! Distributed Transactions", MIT 1999. Lists that show who wrote before whom are from K. Kingsbury and P. Alvaro,
//! "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020.

mod anomaly;
mod cycle;
mod edge;
mod findings;
mod reading;
mod transaction;
mod writes;

#[cfg(test)]
mod tests;

pub use anomaly::Anomaly;
pub use cycle::Cycle;
pub use edge::{Dependency, Edge};
pub use findings::Findings;
pub use transaction::{Deed, Object, Seen, Transaction};
