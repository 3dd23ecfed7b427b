//! The rules of the ledger, without any I/O: how records are chained, and how one slot is filled and fought for.

mod attempt;
mod chain;
mod fill;

pub use attempt::{Attempt, PutAnswer, Resolution, SlotContent, Step};
pub use chain::{LinkError, check_link};
pub use fill::{COMMIT_ID_AHEAD_MICROS, COMMIT_ID_WINDOW_MICROS, FilledSlot, Outcome, Refusal, fill_slot};

#[cfg(test)]
mod fill_tests;
#[cfg(test)]
mod tests;
