//! Bundles: 256 slots in one object, so that opening a lake or reading its hot rows takes few requests.
//!
//! A bundle is derived: it can be made anew from the slots, and nothing in it is believed that the chain of records or
//! the digest of a block does not bear out.
//!
//! ```text
//! bundles/<first>-<last>:   magic "FROSTBDL", then one zstd frame of a protobuf message
//! ```
//!
//! Blocks of more than [`BLOCK_BYTES_MAX`] stay in their slots alone, so that a bundle has at most 16 MiB of them.

use bytes::Bytes;
use prost::Message;

use crate::id::Slot;
use crate::record::SlotBytes;

/// How many slots a bundle holds.
pub(crate) const BUNDLE_SLOTS: u64 = 256;

/// The longest payload block that a bundle repeats.
pub(crate) const BLOCK_BYTES_MAX: usize = 64 * 1024;

const MAGIC: &[u8; 8] = b"FROSTBDL";
const ZSTD_LEVEL: i32 = 3;

#[derive(Clone, PartialEq, Message)]
struct WireBundle {
    #[prost(message, repeated, tag = "1")]
    slots: Vec<WireSlot>,
}

#[derive(Clone, PartialEq, Message)]
struct WireSlot {
    #[prost(bytes = "bytes", tag = "1")]
    record: Bytes,
    #[prost(message, repeated, tag = "2")]
    blocks: Vec<WireBlock>,
}

#[derive(Clone, PartialEq, Message)]
struct WireBlock {
    #[prost(uint32, tag = "1")]
    index: u32,
    #[prost(bytes = "bytes", tag = "2")]
    bytes: Bytes,
}

/// The records of some consecutive slots, and their small payload blocks.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    first: Slot,
    slots: Vec<BundledSlot>,
}

/// One slot in a bundle.
#[derive(Clone, Debug)]
pub(crate) struct BundledSlot {
    /// The record's bytes, as stored.
    pub(crate) record: Bytes,
    /// The blocks that the bundle repeats, by their place.
    pub(crate) blocks: Vec<(u32, Bytes)>,
}

impl Bundle {
    /// The first slot of the bundle that a slot belongs to.
    pub(crate) fn first_of(slot: Slot) -> Slot {
        Slot::new((slot.number().max(1) - 1) / BUNDLE_SLOTS * BUNDLE_SLOTS + 1)
    }

    /// The last slot of the bundle that begins with a slot.
    pub(crate) fn last_of(first: Slot) -> Slot {
        Slot::new(first.number() + BUNDLE_SLOTS - 1)
    }

    /// The bytes of a bundle of these slots.
    pub(crate) fn encode(slots: &[SlotBytes]) -> std::io::Result<Bytes> {
        let slots = slots
            .iter()
            .map(|slot| WireSlot {
                record: slot.record_bytes.clone(),
                blocks: (0..)
                    .zip(&slot.blocks)
                    .filter(|(_, bytes)| bytes.len() <= BLOCK_BYTES_MAX)
                    .map(|(index, bytes)| WireBlock { index, bytes: bytes.clone() })
                    .collect(),
            })
            .collect();
        let body = WireBundle { slots }.encode_to_vec();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(zstd::encode_all(body.as_slice(), ZSTD_LEVEL)?);
        Ok(bytes.into())
    }

    /// The bundle in these bytes, which begins with `first`; `None` if they are none.
    pub(crate) fn decode(first: Slot, bytes: &[u8]) -> Option<Self> {
        let body = zstd::decode_all(bytes.strip_prefix(MAGIC)?).ok()?;
        let found = WireBundle::decode(Bytes::from(body)).ok()?;
        let slots = found
            .slots
            .into_iter()
            .map(|slot| BundledSlot {
                record: slot.record,
                blocks: slot.blocks.into_iter().map(|block| (block.index, block.bytes)).collect(),
            })
            .collect();
        Some(Self { first, slots })
    }

    /// One slot of the bundle.
    pub(crate) fn slot(&self, slot: Slot) -> Option<&BundledSlot> {
        let place = slot.number().checked_sub(self.first.number())?;
        self.slots.get(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_bundled_by_256_from_the_first() {
        let first = |slot| Bundle::first_of(Slot::new(slot)).number();
        assert_eq!([first(1), first(256), first(257), first(512)], [1, 1, 257, 257]);
        assert_eq!(Bundle::last_of(Slot::new(257)), Slot::new(512));
    }

    #[test]
    fn bytes_that_are_no_bundle_are_none() {
        let bundle = Bundle::encode(&[]).unwrap();
        assert!(Bundle::decode(Slot::new(1), &bundle).is_some());
        assert!(Bundle::decode(Slot::new(1), b"FROSTBDLnot zstd").is_none());
        assert!(Bundle::decode(Slot::new(1), b"").is_none());
    }
}
