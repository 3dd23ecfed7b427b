//! Small real data with history, shipped with the project, for the demo and for tests.
//!
//! ```text
//! data/flights-2013-07.parquet ──► flights()  every flight of the month, as published
//!                                     │
//!                                     ▼
//!                                  Departures  who departed, ordered by departure
//!                                     │
//!                                     ▼
//!                                  Hour, Hour, Hour, …  what became known, and when
//! ```
//!
//! The bytes are part of the library: nothing is read from disk, nothing is fetched. Where they come from, and under
//! which licence, is told in `datasets/README.md`.

mod departures;
mod flights;

pub use departures::{Departures, Hour};
pub use flights::{FlightsError, airlines, flights};
