//! A naive model of a lake: a full copy of every version.
//!
//! ```text
//! seed ──History──> Step ──┬── sql ───> the lake under test ──> rows
//!                          │                                      ║ must be equal, at every version and in every
//!                          └── apply ─> Model: a copy for each ─> rows    spelling of its name (Past)
//! ```
//!
//! * Nothing here is clever: no intervals, no segments, no field ids. What a version holds is what was copied into it.
//! * Everything is a function of the seed. The same seed gives the same history.
//! * What a history asks for can be done, or is meant to be refused; the model knows which.

mod history;
mod lake;
mod past;
mod step;
mod table;
mod value;

#[cfg(test)]
mod tests;

pub use history::History;
pub use lake::{Model, Relation, View};
pub use past::Past;
pub use step::{Effect, Step};
pub use table::{Column, Row, Table};
pub use value::{Value, ValueType};
