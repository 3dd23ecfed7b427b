//! A naive model of a lake: a full copy of every version.
//!
//! ```text
//! seed ──History──> Step ──┬── sql ───> the lake under test ──> rows
//!                          │                                      ║ must be equal, at every version and in every
//!                          └── apply ─> Model: a copy for each ─> rows    spelling of its name (Past)
//!                                   └──> lives of each row (Life), and so what changed
//! ```
//!
//! * Nothing here is clever: no intervals, no segments, no deletes. What a version holds is what was copied into it.
//! * Tables, columns and rows have identities of their own, given once. A row keeps its own through UPDATE, MERGE and
//!   RESTORE; nobody but the model knows it.
//! * Everything is a function of the seed. The same seed gives the same history.
//! * What a history asks for can be done, or is meant to be refused; the model knows which.

mod apply;
mod condition;
mod history;
mod lake;
mod life;
mod merge;
mod past;
mod record;
mod step;
mod table;
mod term;
mod value;

#[cfg(test)]
mod tests;

pub use condition::{Comparison, Condition, Lookup};
pub use history::History;
pub use lake::{Model, Relation, View};
pub use life::Life;
pub use merge::{Action, Clause, Merge, When};
pub use past::Past;
pub use record::{Identity, Record, Row};
pub use step::{Effect, Step};
pub use table::{Column, Table};
pub use term::{Assignment, Term};
pub use value::{Value, ValueType};
