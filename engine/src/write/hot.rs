//! Hot rows: small writes, which travel in the slot that commits them.

use arrow::array::RecordBatch;
use bytes::Bytes;

use super::block::{BlockError, decode_block, encode_block};

/// What can go wrong with a block of hot rows.
pub type HotError = BlockError;

/// Encodes rows as a payload block, in the form that `write/block.rs` draws.
pub fn encode_hot(batch: &RecordBatch) -> Result<Bytes, HotError> {
    encode_block(batch)
}

/// The rows in a payload block.
///
/// * The fields carry the field ids that they were written with; strings and binaries are views.
/// * Damaged bytes are an error, or rows that are not the ones written; never a panic. Compare the block's digest
///   first.
/// * Values of fixed width are not copied, only referred to: a batch keeps its block in memory.
pub fn decode_hot(block: &Bytes) -> Result<RecordBatch, HotError> {
    decode_block(block)
}
