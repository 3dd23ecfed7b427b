//! Sets of positions of a segment's rows, and the block that keeps one: which rows a kill takes away.
//!
//! ```text
//! bytes 0…3     length of magic and bitmap in bytes, unsigned, big endian
//! bytes 4…7     magic: D1 D3 39 64
//! bytes 8…      the bitmap: a 64-bit Roaring bitmap in its portable form, little endian
//! last 4 bytes  CRC-32 of magic and bitmap, big endian
//! ```
//!
//! * This is the blob `deletion-vector-v1` of Iceberg's Puffin files: a block can be copied into such a file.
//! * What takes fewer bytes as runs is written as runs.
//!
//! Sources: Iceberg's Puffin specification; the Roaring format specification, 64-bit extension.

use std::io;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use bytes::Bytes;
use roaring::{RoaringBitmap, RoaringTreemap};
use thiserror::Error;

const MAGIC: &[u8; 4] = b"\xD1\xD3\x39\x64";
const LENGTH_BYTES: usize = 4;

/// Why a block's positions cannot be used.
#[derive(Debug, Error)]
pub enum PositionsError {
    /// The block has another form.
    #[error("the block of positions has a form that this version does not know; use a newer version of frostline")]
    UnknownForm,
    /// The block's bytes are not those that were written.
    #[error("the block of positions does not match its checksum; verify the lake")]
    Checksum,
    /// The block holds no bitmap.
    #[error("the block of positions holds no readable bitmap; verify the lake")]
    Decode {
        /// What is wrong with it.
        source: io::Error,
    },
    /// There is no such row.
    #[error("row {position} is said to be dead, and the segment has {rows} rows; verify the lake")]
    Beyond {
        /// The greatest position.
        position: u64,
        /// The segment's rows.
        rows: u64,
    },
    /// There are fewer or more positions than the catalog says.
    #[error("{found} rows are said to be dead, and the catalog counts {expected}; verify the lake")]
    Count {
        /// How many the catalog counts.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

/// A set of positions of a segment's rows. The first row is at position 0.
///
/// * Positions come in ascending order, each once.
/// * Equal sets are equal, however they came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(RoaringTreemap);

impl Positions {
    /// No positions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a block.
    ///
    /// Whether the positions are those of a segment is for [`check_within`](Self::check_within) to say: the block does
    /// not know how many rows there are.
    ///
    /// # Errors
    /// If it is no block of positions, or a damaged one. Memory is bounded by the length of the block.
    pub fn decode(block: &[u8]) -> Result<Self, PositionsError> {
        let (length, rest) = block.split_first_chunk::<LENGTH_BYTES>().ok_or(PositionsError::UnknownForm)?;
        let (body, checksum) = rest.split_last_chunk::<4>().ok_or(PositionsError::UnknownForm)?;
        let mut bitmap: &[u8] = body.strip_prefix(MAGIC).ok_or(PositionsError::UnknownForm)?;
        if u32::from_be_bytes(*length) as usize != body.len() {
            return Err(PositionsError::UnknownForm);
        }
        if u32::from_be_bytes(*checksum) != crc32fast::hash(body) {
            return Err(PositionsError::Checksum);
        }
        let failed = |source: io::Error| PositionsError::Decode { source };
        let count = bitmap.first_chunk::<8>().ok_or(PositionsError::UnknownForm)?;
        let declared = u64::from_le_bytes(*count);
        let positions = RoaringTreemap::deserialize_from(&mut bitmap).map_err(failed)?;
        // One that comes twice would take the place of the first.
        let found = positions.bitmaps().filter(|(_, part)| !part.is_empty()).count() as u64;
        if found != declared || !bitmap.is_empty() {
            return Err(failed(io::Error::from(io::ErrorKind::InvalidData)));
        }
        Ok(Self(positions))
    }

    /// The positions as a block.
    pub fn encode(&self) -> Bytes {
        let parts = self.0.bitmaps().filter(|(_, part)| !part.is_empty()).map(|(upper, part)| {
            let mut part: RoaringBitmap = part.clone();
            part.optimize();
            (upper, part)
        });
        let packed = RoaringTreemap::from_bitmaps(parts);
        let mut block: Vec<u8> = Vec::with_capacity(packed.serialized_size() + 12);
        block.extend_from_slice(&[0; LENGTH_BYTES]);
        block.extend_from_slice(MAGIC);
        packed.serialize_into(&mut block).expect("memory takes every byte");
        let checksum = crc32fast::hash(&block[LENGTH_BYTES..]);
        let length = u32::try_from(block.len() - LENGTH_BYTES).expect("a segment's positions take less than 4 GiB");
        block[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        block.extend_from_slice(&checksum.to_be_bytes());
        Bytes::from(block)
    }

    /// Whether a position is among them.
    pub fn contains(&self, position: u64) -> bool {
        self.0.contains(position)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The positions in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter()
    }

    /// Whether all are positions of a segment with so many rows.
    ///
    /// # Errors
    /// If one is not.
    pub fn check_within(&self, rows: u64) -> Result<(), PositionsError> {
        match self.0.max() {
            Some(position) if position >= rows => Err(PositionsError::Beyond { position, rows }),
            _ => Ok(()),
        }
    }

    /// A bit for each of so many rows: true if it lives, its position not being among these.
    pub fn live_bits(&self, rows: usize) -> BooleanBuffer {
        let mut bits = BooleanBufferBuilder::new(rows);
        bits.append_n(rows, true);
        for position in self.0.iter().take_while(|position| *position < rows as u64) {
            bits.set_bit(position as usize, false);
        }
        bits.finish()
    }

    /// The positions that are not among others.
    pub fn minus(&self, others: &Self) -> Self {
        Self(&self.0 - &others.0)
    }

    /// Adds a position.
    pub fn insert(&mut self, position: u64) {
        self.0.insert(position);
    }

    /// Adds others.
    pub fn union_with(&mut self, others: &Self) {
        self.0 |= &others.0;
    }

    /// Takes others out.
    pub fn take_out(&mut self, others: &Self) {
        self.0 -= &others.0;
    }

    /// About how many bytes they take in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.serialized_size() + size_of::<Self>()
    }
}

impl FromIterator<u64> for Positions {
    fn from_iter<I: IntoIterator<Item = u64>>(positions: I) -> Self {
        Self(positions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    /// A block with this bitmap, right in everything else.
    fn framed(bitmap: &[u8]) -> Vec<u8> {
        let body = [MAGIC.as_slice(), bitmap].concat();
        let length = (body.len() as u32).to_be_bytes();
        let checksum = crc32fast::hash(&body).to_be_bytes();
        [length.as_slice(), body.as_slice(), checksum.as_slice()].concat()
    }

    fn positions(values: impl IntoIterator<Item = u64>) -> Positions {
        values.into_iter().collect()
    }

    #[test]
    fn the_form_is_the_one_drawn() {
        let bitmap = [
            1, 0, 0, 0, 0, 0, 0, 0, // one bitmap of 32 bits
            0, 0, 0, 0, // its upper bits
            0x3a, 0x30, 0, 0, 1, 0, 0, 0, // without runs, one container
            0, 0, 1, 0, // its key, and its positions less one
            16, 0, 0, 0, // where it begins
            1, 0, 3, 0, // the positions
        ];
        let mut expected = vec![0, 0, 0, 36, 0xD1, 0xD3, 0x39, 0x64];
        expected.extend_from_slice(&bitmap);
        expected.extend_from_slice(&CHECKSUM_OF_ONE_AND_THREE.to_be_bytes());
        assert_eq!(positions([3, 1]).encode(), expected);
        assert_eq!(framed(&bitmap), expected);
    }

    /// As another implementation of CRC-32 computes it.
    const CHECKSUM_OF_ONE_AND_THREE: u32 = 0x6834_97a9;

    #[test]
    fn long_runs_take_few_bytes() {
        let all = positions(0..1_000_000);
        let block = all.encode();
        assert!(block.len() < 400, "{} bytes", block.len());
        assert_eq!(Positions::decode(&block).unwrap(), all);
    }

    #[test]
    fn no_positions_are_a_block_too() {
        let none = Positions::new();
        assert!(none.is_empty() && Positions::decode(&none.encode()).unwrap().is_empty());
        assert!(none.check_within(0).is_ok());
    }

    #[test]
    fn a_block_that_is_cut_or_altered_is_refused() {
        let block = positions([0, 7, 70_000, 1 << 40]).encode();
        for length in 0..block.len() {
            assert!(Positions::decode(&block[..length]).is_err(), "{length}");
        }
        for place in 0..block.len() {
            let mut altered = block.to_vec();
            altered[place] ^= 0x10;
            assert!(Positions::decode(&altered).is_err(), "{place}");
        }
        assert!(matches!(Positions::decode(b"FSD1 and so on"), Err(PositionsError::UnknownForm)));
    }

    #[test]
    fn a_bitmap_that_is_not_written_so_is_refused() {
        let whole = positions([1, 3]).encode();
        let bitmap = &whole[8..whole.len() - 4];
        assert!(Positions::decode(&framed(bitmap)).is_ok());
        let trailing = [bitmap, [0].as_slice()].concat();
        let mut twice = bitmap.to_vec();
        twice[0] = 2;
        twice.extend_from_slice(&bitmap[8..]);
        let mut many = bitmap.to_vec();
        many[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        for wrong in [trailing, twice, many] {
            let decoded = Positions::decode(&framed(&wrong));
            assert!(matches!(decoded, Err(PositionsError::Decode { .. })), "{decoded:?}");
        }
        assert!(matches!(Positions::decode(&framed(&[])), Err(PositionsError::UnknownForm)));
    }

    #[test]
    fn a_position_beyond_the_segment_is_an_error() {
        let dead = positions([2, 9]);
        assert!(dead.check_within(10).is_ok());
        let error = dead.check_within(9).unwrap_err();
        assert_eq!(error.to_string(), "row 9 is said to be dead, and the segment has 9 rows; verify the lake");
    }

    #[test]
    fn rows_live_unless_their_position_is_among_them() {
        let bits = positions([0, 3, 64, 1000]).live_bits(66);
        let dead: Vec<usize> = (0..66).filter(|row| !bits.value(*row)).collect();
        assert_eq!((bits.len(), dead), (66, vec![0, 3, 64]));
    }

    fn some() -> impl Strategy<Value = BTreeSet<u64>> {
        btree_set(prop_oneof![0_u64..200, 0_u64..200_000, any::<u64>()], 0..300)
    }

    proptest! {
        #[test]
        fn a_set_survives_its_block(values in some()) {
            let set = positions(values.iter().copied());
            let read = Positions::decode(&set.encode()).unwrap();
            prop_assert_eq!(read.len(), values.len() as u64);
            prop_assert_eq!(read.iter().collect::<Vec<u64>>(), values.into_iter().collect::<Vec<u64>>());
            prop_assert_eq!(read, set);
        }

        #[test]
        fn sets_are_joined_and_taken_away_like_any_others(left in some(), right in some()) {
            let (one, other) = (positions(left.iter().copied()), positions(right.iter().copied()));
            let mut both = Positions::decode(&one.encode()).unwrap();
            both.union_with(&Positions::decode(&other.encode()).unwrap());
            prop_assert_eq!(both, positions(left.union(&right).copied()));
            prop_assert_eq!(one.minus(&other), positions(left.difference(&right).copied()));
            prop_assert!(left.iter().all(|position| one.contains(*position)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200), tail in vec(any::<u8>(), 0..100)) {
            let _ = Positions::decode(&bytes);
            let _ = Positions::decode(&framed(&bytes));
            let head = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3b, 0x30, 0, 0, 1];
            let _ = Positions::decode(&framed(&[head.as_slice(), tail.as_slice()].concat()));
        }
    }
}
