//! Bundles: 256 slots in one object, so that opening a lake or reading its hot rows takes few requests; and quarters of
//! them, for slots whose bundle is not complete.
//!
//! A bundle is derived: it can be made anew from the slots, and nothing in it is believed that the chain of records or
//! the digest of a block does not bear out.
//!
//! ```text
//! bundles/<first>-<last>:   magic "FROSTBDL", then one zstd frame of a protobuf message
//! ```
//!
//! * Blocks of more than [`BLOCK_BYTES_MAX`] stay in their slots alone, and so do those for which [`BLOCKS_BYTES_MAX`]
//!   leaves no room.
//! * A bundle whose message would be longer than [`MESSAGE_BYTES_MAX`] is not written. One that claims to be longer is
//!   not read on: nothing vouches for it before it is decoded.

use std::io::Read;

use bytes::Bytes;
use prost::Message;

use crate::id::Slot;
use crate::record::SlotBytes;

/// How many slots a bundle holds.
pub(crate) const BUNDLE_SLOTS: u64 = 256;

/// How many slots a quarter of a bundle holds.
pub(crate) const QUARTER_SLOTS: u64 = BUNDLE_SLOTS / 4;

/// The longest payload block that a bundle repeats.
pub(crate) const BLOCK_BYTES_MAX: usize = 64 * 1024;

/// How many bytes of payload blocks a bundle repeats.
const BLOCKS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest message in a bundle.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

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
    /// How many bytes its blocks have.
    blocks_bytes: usize,
}

/// One slot in a bundle.
#[derive(Clone, Debug)]
pub(crate) struct BundledSlot {
    /// The record's bytes, as stored.
    pub(crate) record: Bytes,
    /// The blocks that the bundle repeats, by their place.
    pub(crate) blocks: Vec<(u32, Bytes)>,
}

/// Which slots a bundle holds, or a quarter of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    /// The first.
    pub(crate) first: Slot,
    /// The last.
    pub(crate) last: Slot,
}

impl Extent {
    /// The bundle that begins with a slot.
    pub(crate) fn bundle_from(first: Slot) -> Self {
        Self { first, last: Bundle::last_of(first) }
    }

    /// What a slot is bundled in once a checkpoint was written after `head`: its bundle if that is complete, else the
    /// quarter if that is.
    pub(crate) fn of(slot: Slot, head: Slot) -> Option<Self> {
        let bundle = Self::bundle_from(Bundle::first_of(slot));
        let quarter = Slot::new((slot.number().max(1) - 1) / QUARTER_SLOTS * QUARTER_SLOTS + 1);
        let quarter = Self { first: quarter, last: Slot::new(quarter.number() + QUARTER_SLOTS - 1) };
        [bundle, quarter].into_iter().find(|extent| extent.last <= head)
    }

    /// The complete quarters behind the last complete bundle up to a head.
    pub(crate) fn quarters(head: Slot) -> impl Iterator<Item = Self> {
        let first = Bundle::first_of(head.next()).number();
        let begins = (first..).step_by(QUARTER_SLOTS as usize);
        let quarters = begins.map(|first| Self { first: Slot::new(first), last: Slot::new(first + QUARTER_SLOTS - 1) });
        quarters.take_while(move |quarter| quarter.last <= head)
    }
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

    /// A bundle without slots so far, which begins with `first`.
    pub(crate) fn begin(first: Slot) -> Self {
        Self { first, slots: Vec::new(), blocks_bytes: 0 }
    }

    /// Adds the next slot: copies of its record and of the blocks for which there is room.
    pub(crate) fn push(&mut self, read: &SlotBytes) {
        let mut blocks: Vec<(u32, Bytes)> = Vec::new();
        for (index, bytes) in (0..).zip(&read.blocks) {
            let with_this = self.blocks_bytes.saturating_add(bytes.len());
            if bytes.len() <= BLOCK_BYTES_MAX && with_this <= BLOCKS_BYTES_MAX {
                self.blocks_bytes = with_this;
                blocks.push((index, Bytes::copy_from_slice(bytes)));
            }
        }
        self.slots.push(BundledSlot { record: Bytes::copy_from_slice(&read.record_bytes), blocks });
    }

    /// The bundle's bytes; `None` if it is too long to be one.
    pub(crate) fn encode(&self) -> std::io::Result<Option<Bytes>> {
        let blocks = |slot: &BundledSlot| -> Vec<WireBlock> {
            slot.blocks.iter().map(|(index, bytes)| WireBlock { index: *index, bytes: bytes.clone() }).collect()
        };
        let slots = self.slots.iter().map(|slot| WireSlot { record: slot.record.clone(), blocks: blocks(slot) });
        let message = WireBundle { slots: slots.collect() };
        if message.encoded_len() > MESSAGE_BYTES_MAX {
            return Ok(None);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(zstd::encode_all(message.encode_to_vec().as_slice(), ZSTD_LEVEL)?);
        Ok(Some(bytes.into()))
    }

    /// The bundle in these bytes, which begins with `first`; `None` if they are none.
    pub(crate) fn decode(first: Slot, bytes: &[u8]) -> Option<Self> {
        let compressed = zstd::Decoder::new(bytes.strip_prefix(MAGIC)?).ok()?;
        let mut message: Vec<u8> = Vec::new();
        compressed.take(MESSAGE_BYTES_MAX as u64 + 1).read_to_end(&mut message).ok()?;
        if message.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let found = WireBundle::decode(Bytes::from(message)).ok()?;
        let slots: Vec<BundledSlot> = found
            .slots
            .into_iter()
            .map(|slot| BundledSlot {
                record: slot.record,
                blocks: slot.blocks.into_iter().map(|block| (block.index, block.bytes)).collect(),
            })
            .collect();
        let blocks_bytes = slots.iter().flat_map(|slot| &slot.blocks).map(|(_, bytes)| bytes.len()).sum();
        Some(Self { first, slots, blocks_bytes })
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
    use crate::change::Record;
    use crate::digest::{Digest, StateDigest};
    use crate::id::LakeId;

    #[test]
    fn slots_are_bundled_by_256_from_the_first() {
        let first = |slot| Bundle::first_of(Slot::new(slot)).number();
        assert_eq!([first(1), first(256), first(257), first(512)], [1, 1, 257, 257]);
        assert_eq!(Bundle::last_of(Slot::new(257)), Slot::new(512));
    }

    #[test]
    fn slots_behind_the_last_bundle_are_in_quarters() {
        let extent =
            |slot, head| Extent::of(Slot::new(slot), Slot::new(head)).map(|of| (of.first.number(), of.last.number()));
        assert_eq!(extent(1, 63), None);
        assert_eq!(extent(1, 64), Some((1, 64)));
        assert_eq!(extent(64, 255), Some((1, 64)));
        assert_eq!(extent(64, 256), Some((1, 256)));
        assert_eq!(extent(257, 321), Some((257, 320)));
        assert_eq!(extent(321, 321), None);
        let quarters = |head| Extent::quarters(Slot::new(head)).map(|of| of.first.number()).collect::<Vec<u64>>();
        assert_eq!(quarters(255), [1, 65, 129]);
        assert!(quarters(256).is_empty());
        assert_eq!(quarters(400), [257, 321]);
    }

    #[test]
    fn bytes_that_are_no_bundle_are_none() {
        let bundle = Bundle::begin(Slot::new(1)).encode().unwrap().unwrap();
        assert!(Bundle::decode(Slot::new(1), &bundle).is_some());
        assert!(Bundle::decode(Slot::new(1), b"FROSTBDLnot zstd").is_none());
        assert!(Bundle::decode(Slot::new(1), b"").is_none());
    }

    /// A slot with these blocks. What its record says does not matter to a bundle.
    fn slot_with(blocks: Vec<Bytes>) -> SlotBytes {
        let record = Record {
            features: Vec::new(),
            lake: LakeId::from_bytes([1; 16]),
            slot: Slot::new(1),
            previous: Digest::ZERO,
            entries: Vec::new(),
            blocks: Vec::new(),
            state: StateDigest::default(),
        };
        SlotBytes { record, record_bytes: Bytes::from_static(b"record"), hash: Digest::ZERO, blocks }
    }

    #[test]
    fn a_bundle_repeats_small_blocks_up_to_16_mib() {
        let small = Bytes::from(vec![7; BLOCK_BYTES_MAX]);
        let large = Bytes::from(vec![7; BLOCK_BYTES_MAX + 1]);
        let mut bundle = Bundle::begin(Slot::new(1));
        bundle.push(&slot_with(vec![large, small.clone()]));
        for _ in 0..BUNDLE_SLOTS {
            bundle.push(&slot_with(vec![small.clone(), small.clone()]));
        }
        let decoded = Bundle::decode(Slot::new(1), &bundle.encode().unwrap().unwrap()).unwrap();
        let indexes = |slot: u64| -> Vec<u32> {
            decoded.slot(Slot::new(slot)).unwrap().blocks.iter().map(|(index, _)| *index).collect()
        };
        assert_eq!(indexes(1), [1], "the large block is left out");
        assert_eq!(indexes(2), [0, 1]);
        assert!(indexes(200).is_empty(), "there is no room any more");
        let all: usize = (1..=BUNDLE_SLOTS).map(|slot| indexes(slot).len() * BLOCK_BYTES_MAX).sum();
        assert_eq!(all, BLOCKS_BYTES_MAX);
    }

    #[test]
    fn a_small_object_that_swells_to_a_long_message_is_no_bundle() {
        let zeros = vec![0; MESSAGE_BYTES_MAX];
        let mut wire = WireBundle { slots: vec![WireSlot { record: Bytes::from(zeros), blocks: Vec::new() }] };
        let forged = |wire: &WireBundle| {
            [MAGIC.to_vec(), zstd::encode_all(wire.encode_to_vec().as_slice(), ZSTD_LEVEL).unwrap()].concat()
        };
        let bytes = forged(&wire);
        assert!(bytes.len() < 1024 * 1024);
        assert!(Bundle::decode(Slot::new(1), &bytes).is_none());
        wire.slots[0].record.truncate(MESSAGE_BYTES_MAX / 2);
        assert!(Bundle::decode(Slot::new(1), &forged(&wire)).is_some());
    }

    #[test]
    fn a_bundle_too_long_to_be_read_is_not_written() {
        let mut bundle = Bundle::begin(Slot::new(1));
        let long = SlotBytes { record_bytes: Bytes::from(vec![0; MESSAGE_BYTES_MAX]), ..slot_with(Vec::new()) };
        bundle.push(&long);
        assert_eq!(bundle.encode().unwrap(), None);
    }
}
