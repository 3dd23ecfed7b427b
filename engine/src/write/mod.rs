//! Writing: rows become segments.
//!
//! ```text
//!                       few rows ──encode_hot──► block of a slot
//! batches of rows ──►
//!                       many rows ──FrozenWriter──► EncodedSegment: a Parquet object
//!                                                     + block of digests     (what its bytes must be)
//!                                                     + block of statistics  (which rows it may hold)
//! ```
//!
//! Nothing here reads or writes a store: what comes out are bytes.
//!
//! One idea a file: `frozen` (the writer), `pending`, `order` and `row_group` (its steps), `encoded` (what it makes),
//! `digests`, `statistics`, `bounds` and `leaves` (what is known of a segment), `hot` and `block` (hot rows), `layout`
//! (strings as views, or not), `settings`, `error`.

pub(crate) mod block;
mod bounds;
mod digests;
mod encoded;
mod error;
mod frozen;
mod hot;
pub(crate) mod layout;
mod leaves;
mod order;
mod pending;
pub(crate) mod row_group;
mod settings;
pub(crate) mod statistics;

#[cfg(test)]
mod frozen_tests;
#[cfg(test)]
mod hot_tests;
#[cfg(test)]
pub(crate) mod sample_tests;
#[cfg(test)]
mod statistics_tests;

pub use block::BlockError;
pub use digests::{DigestsError, PART_BYTES, PartDigests, encode_digests};
pub use encoded::EncodedSegment;
pub use error::WriteError;
pub use frozen::FrozenWriter;
pub use hot::{HotError, decode_hot, encode_hot};
pub use settings::{PageCompression, WriteSettings};
pub use statistics::StatisticsBuilder;
