//! A slot's bytes: header, record and payload blocks.

use bytes::{Bytes, BytesMut};
use prost::Message;
use thiserror::Error;

use super::decode::Around;
use super::{TypeError, decode, encode, wire};
use crate::change::{BlockHeader, Entry, Record};
use crate::digest::Digest;
use crate::id::Slot;

/// The format of slots that this release writes, and the newest it reads.
pub const SLOT_FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"FROSTLOG";
const HEADER_BYTES: usize = 48;

/// Why bytes are no slot that this release can use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SlotError {
    /// The bytes do not begin as a slot does.
    #[error("it is not a slot of a ledger: its first bytes are not `FROSTLOG`")]
    Magic,
    /// It ends too early, or goes on after its end.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// How many bytes there are.
        found: usize,
        /// How many the header and the record say.
        expected: usize,
    },
    /// A newer release wrote it.
    #[error("it has format {found}; this release reads format {SLOT_FORMAT}: use a newer release")]
    NewerFormat {
        /// The format found.
        found: u32,
    },
    /// Its record was altered.
    #[error("its record does not match its digest")]
    RecordDigest,
    /// A payload block was altered.
    #[error("its payload block {index} does not match its digest")]
    BlockDigest {
        /// The block's place, from 0.
        index: usize,
    },
    /// Its record is no protobuf message.
    #[error("its record cannot be decoded")]
    Protobuf(#[source] prost::DecodeError),
    /// Its record needs a feature.
    #[error("it needs feature `{feature}`, which this release does not know: use a newer release")]
    UnknownFeature {
        /// The feature.
        feature: String,
    },
    /// Its record holds a change of a kind that is not known.
    #[error("it holds a change of a kind that this release does not know: use a newer release")]
    UnknownChange,
    /// Its record names a type that is not known.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// Its record lacks something.
    #[error("its record lacks {what}")]
    Lacks {
        /// What is not there.
        what: &'static str,
    },
}

impl SlotError {
    /// Whether a newer release could read the slot.
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::NewerFormat { .. } | Self::UnknownFeature { .. } | Self::UnknownChange | Self::Type(_))
    }
}

/// A slot ready to be written.
#[derive(Clone, Debug)]
pub struct EncodedSlot {
    /// The whole object.
    pub bytes: Bytes,
    /// The hash of its record.
    pub hash: Digest,
}

impl EncodedSlot {
    /// A record and the blocks it names, in order, as a slot.
    pub fn new(record: &Record, blocks: &[Bytes]) -> Self {
        debug_assert_eq!(record.blocks.len(), blocks.len());
        let body = encode::wire_record(record).encode_to_vec();
        let hash = Digest::of(&body);
        let payload: usize = blocks.iter().map(Bytes::len).sum();
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + body.len() + payload);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&SLOT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(hash.bytes());
        bytes.extend_from_slice(&body);
        blocks.iter().for_each(|block| bytes.extend_from_slice(block));
        Self { bytes: bytes.freeze(), hash }
    }
}

/// An entry as every reader of its record will see it: encoded and decoded again.
///
/// # Errors
/// If no reader could decode the record. It must not be written then: the lake would end before it.
pub(crate) fn reread_entry(entry: &Entry, slot: Slot, blocks: &[BlockHeader]) -> Result<Entry, SlotError> {
    // In a record, because messages are read only to a certain depth.
    let record = wire::Record { entries: vec![encode::wire_entry(entry)], ..wire::Record::default() };
    let found = wire::Record::decode(record.encode_to_vec().as_slice()).map_err(SlotError::Protobuf)?;
    let found = found.entries.into_iter().next().ok_or(SlotError::Lacks { what: "an entry" })?;
    decode::entry(found, &Around::Record { slot, blocks })
}

/// A slot that was read: its record checked and decoded, its blocks as they came.
#[derive(Clone, Debug)]
pub struct SlotBytes {
    /// The record.
    pub record: Record,
    /// The record's bytes, as stored.
    pub record_bytes: Bytes,
    /// The hash of the record.
    pub hash: Digest,
    /// The payload blocks, each checked against its digest.
    pub blocks: Vec<Bytes>,
}

impl SlotBytes {
    /// Reads a whole slot and checks every digest in it.
    pub fn decode(bytes: &Bytes) -> Result<Self, SlotError> {
        let header = bytes.get(..HEADER_BYTES);
        let magic = bytes.get(..MAGIC.len().min(bytes.len())).unwrap_or_default();
        if !MAGIC.starts_with(magic) {
            return Err(SlotError::Magic);
        }
        let Some(header) = header else {
            return Err(SlotError::Length { found: bytes.len(), expected: HEADER_BYTES });
        };
        let word =
            |at: usize| header.get(at..at + 4).map_or(0, |b| b.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)));
        if word(8) != SLOT_FORMAT {
            return Err(SlotError::NewerFormat { found: word(8) });
        }
        let record_end = HEADER_BYTES + word(12) as usize;
        if bytes.len() < record_end {
            return Err(SlotError::Length { found: bytes.len(), expected: record_end });
        }
        let record_bytes = bytes.slice(HEADER_BYTES..record_end);
        if Digest::of(&record_bytes).bytes() != header.get(16..48).unwrap_or_default() {
            return Err(SlotError::RecordDigest);
        }
        let (record, hash) = Self::decode_record(&record_bytes)?;
        let mut blocks = Vec::with_capacity(record.blocks.len());
        let mut at = record_end;
        for (index, block) in record.blocks.iter().enumerate() {
            let length = usize::try_from(block.length_bytes).unwrap_or(usize::MAX);
            let end = at.saturating_add(length);
            if bytes.len() < end {
                return Err(SlotError::Length { found: bytes.len(), expected: end });
            }
            let stored = bytes.slice(at..end);
            if Digest::of(&stored) != block.sha256 {
                return Err(SlotError::BlockDigest { index });
            }
            blocks.push(stored);
            at = end;
        }
        if at != bytes.len() {
            return Err(SlotError::Length { found: bytes.len(), expected: at });
        }
        Ok(Self { record, record_bytes, hash, blocks })
    }

    /// Reads a record alone, as bundles keep it, and gives its hash.
    pub fn decode_record(bytes: &Bytes) -> Result<(Record, Digest), SlotError> {
        let found = wire::Record::decode(bytes.clone()).map_err(SlotError::Protobuf)?;
        Ok((decode::record(found)?, Digest::of(bytes)))
    }
}
