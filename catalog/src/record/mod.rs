//! Records as bytes: how a slot of the ledger is written and read.
//!
//! A slot is one object:
//!
//! ```text
//! offset  size
//! 0       8     magic "FROSTLOG"
//! 8       4     format, little endian: 1
//! 12      4     length R of the record, little endian
//! 16      32    SHA-256 of the record
//! 48      R     the record, protobuf
//! 48 + R  …     the payload blocks, one after the other, with the lengths and digests that the record names
//! ```
//!
//! * Nothing may follow the last block; a slot that is longer or shorter is damaged.
//! * A feature or a kind of change that this release does not know is an error, never skipped.

mod decode;
mod encode;
mod slot;
mod types;
pub(crate) mod wire;

pub(crate) use decode::{Around, block, column, count, name, properties, segment, table, view};
pub(crate) use encode::{wire_column, wire_commit, wire_segment, wire_table, wire_view, wire_whole_block};
pub(crate) use slot::reread_entry;
pub use slot::{EncodedSlot, SLOT_FORMAT, SlotBytes, SlotError};
pub use types::TypeError;

#[cfg(test)]
mod tests;
