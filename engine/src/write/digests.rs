//! Digests of an object's parts, so that what a scan fetches can be checked without reading the whole.
//!
//! ```text
//! bytes 0…3     "FSD1"
//! bytes 4…7     length of a part in bytes, unsigned, little endian
//! bytes 8…15    length of the object in bytes, unsigned, little endian
//! bytes 16…     the SHA-256 of each part, 32 bytes each, in the order of the parts; the last part may be shorter
//! ```
//!
//! The block is covered by the ledger: the record that names the segment names this block by its own SHA-256.

use std::ops::Range;

use bytes::Bytes;
use frostline_catalog::Digest;
use thiserror::Error;

/// The length of a part in the digests that this version writes: 256 KiB.
pub const PART_BYTES: u64 = 256 << 10;

const MAGIC: &[u8; 4] = b"FSD1";
const HEADER_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;

/// Why a block holds no digests of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestsError {
    /// The block has another form.
    #[error("the block of digests has a form that this version does not know; use a newer version of frostline")]
    UnknownForm,
    /// The block is about an object of another length.
    #[error("the digests are of an object of {found} bytes and the catalog names one of {expected}; verify the lake")]
    OtherObject {
        /// The object's length in the catalog.
        expected: u64,
        /// The length in the block.
        found: u64,
    },
}

/// The digests of an object's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDigests {
    part_bytes: u64,
    object_bytes: u64,
    digests: Bytes,
}

/// Writes the digests of an object as a block.
pub fn encode_digests(object: &[u8]) -> Bytes {
    let parts = object.chunks(PART_BYTES as usize);
    let mut block: Vec<u8> = Vec::with_capacity(HEADER_BYTES + DIGEST_BYTES * parts.len());
    block.extend_from_slice(MAGIC);
    block.extend_from_slice(&(PART_BYTES as u32).to_le_bytes());
    block.extend_from_slice(&(object.len() as u64).to_le_bytes());
    for part in parts {
        block.extend_from_slice(Digest::of(part).bytes());
    }
    Bytes::from(block)
}

impl PartDigests {
    /// Reads a block of digests of an object that has this many bytes.
    pub fn decode(block: &Bytes, object_bytes: u64) -> Result<Self, DigestsError> {
        let (Some(magic), Some(part_bytes), Some(found)) = (block.get(..4), number(block, 4..8), number(block, 8..16))
        else {
            return Err(DigestsError::UnknownForm);
        };
        if magic != MAGIC || part_bytes == 0 {
            return Err(DigestsError::UnknownForm);
        }
        if found != object_bytes {
            return Err(DigestsError::OtherObject { expected: object_bytes, found });
        }
        let digests = block.slice(HEADER_BYTES..);
        if digests.len() as u64 != found.div_ceil(part_bytes).saturating_mul(DIGEST_BYTES as u64) {
            return Err(DigestsError::UnknownForm);
        }
        Ok(Self { part_bytes, object_bytes, digests })
    }

    /// The length of a part in bytes; the last part may be shorter.
    pub fn part_bytes(&self) -> u64 {
        self.part_bytes
    }

    /// The object's length in bytes.
    pub fn object_bytes(&self) -> u64 {
        self.object_bytes
    }

    /// How many parts the object has.
    pub fn len(&self) -> u64 {
        (self.digests.len() / DIGEST_BYTES) as u64
    }

    /// Whether the object is empty.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Where a part lies in the object.
    pub fn range(&self, part: u64) -> Range<u64> {
        let begin = part.saturating_mul(self.part_bytes).min(self.object_bytes);
        begin..begin.saturating_add(self.part_bytes).min(self.object_bytes)
    }

    /// Whether these bytes are the part. There is no such part past the end, so no bytes are it.
    pub fn matches(&self, part: u64, bytes: &[u8]) -> bool {
        let Ok(place) = usize::try_from(part) else { return false };
        let expected =
            place.checked_mul(DIGEST_BYTES).and_then(|begin| self.digests.get(begin..begin.checked_add(DIGEST_BYTES)?));
        expected.is_some_and(|expected: &[u8]| expected == Digest::of(bytes).bytes())
    }
}

fn number(block: &Bytes, place: Range<usize>) -> Option<u64> {
    Some(block.get(place)?.iter().rev().fold(0, |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn every_part_matches_its_own_bytes_only() {
        let part = PART_BYTES as usize;
        let object = object(2 * part + 5);
        let digests = PartDigests::decode(&encode_digests(&object), object.len() as u64).unwrap();
        assert_eq!(digests.len(), 3);
        assert_eq!(digests.range(2), 2 * PART_BYTES..2 * PART_BYTES + 5);
        for number in 0..3 {
            let range = digests.range(number);
            let bytes = &object[range.start as usize..range.end as usize];
            assert!(digests.matches(number, bytes));
            assert!(!digests.matches(number + 1, bytes));
            assert!(!digests.matches(number, &bytes[1..]));
        }
    }

    #[test]
    fn the_form_is_the_one_drawn() {
        let block = encode_digests(b"abc");
        let mut expected = b"FSD1\x00\x00\x04\x00\x03\x00\x00\x00\x00\x00\x00\x00".to_vec();
        expected.extend_from_slice(Digest::of(b"abc").bytes());
        assert_eq!(block, expected);
        assert_eq!(encode_digests(b"").len(), HEADER_BYTES);
    }

    #[test]
    fn digests_of_another_object_are_refused() {
        let block = encode_digests(&object(1000));
        let expected = DigestsError::OtherObject { expected: 999, found: 1000 };
        assert_eq!(PartDigests::decode(&block, 999), Err(expected));
        for length in 0..block.len() {
            assert_eq!(PartDigests::decode(&block.slice(..length), 1000), Err(DigestsError::UnknownForm), "{length}");
        }
    }
}
