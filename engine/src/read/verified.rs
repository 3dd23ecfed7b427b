//! Which parts of an object were compared with their digests, and the comparison.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ranges::parts_within;
use crate::write::PartDigests;

const WORD_BITS: u64 = 64;

/// The parts of an object that this process has read and found to be what their digests say.
///
/// * Parts are only added: an object never changes, so what was sound stays sound.
/// * Parts may be added by several threads at once. A part that two threads compare at once is compared twice.
#[derive(Debug)]
pub(crate) struct VerifiedParts {
    words: Vec<AtomicU64>,
}

impl VerifiedParts {
    /// None of this many parts.
    pub(crate) fn new(parts: u64) -> Self {
        let words = (0..parts.div_ceil(WORD_BITS)).map(|_| AtomicU64::new(0)).collect();
        Self { words }
    }

    /// Whether a part is verified.
    pub(crate) fn holds(&self, part: u64) -> bool {
        self.word(part).is_some_and(|word: &AtomicU64| word.load(Ordering::Relaxed) & bit(part) != 0)
    }

    /// Adds a part.
    pub(crate) fn add(&self, part: u64) {
        // The bit alone is shared, nothing that was written before it: no ordering is needed.
        if let Some(word) = self.word(part) {
            word.fetch_or(bit(part), Ordering::Relaxed);
        }
    }

    fn word(&self, part: u64) -> Option<&AtomicU64> {
        self.words.get(usize::try_from(part / WORD_BITS).ok()?)
    }
}

fn bit(part: u64) -> u64 {
    1 << (part % WORD_BITS)
}

/// Compares fetched bytes with the digests of the parts that lie wholly within them, and adds those parts. Parts that
/// are verified already are not compared again.
///
/// # Errors
/// The first part whose bytes differ, as a range of the object. If there are fewer or more bytes than the range says,
/// the range.
pub(crate) fn verify_bytes(
    range: &Range<u64>,
    bytes: &[u8],
    digests: &PartDigests,
    verified: &VerifiedParts,
) -> Result<(), Range<u64>> {
    if bytes.len() as u64 != range.end - range.start {
        return Err(range.clone());
    }
    for part in parts_within(range, digests) {
        if verified.holds(part) {
            continue;
        }
        let place = digests.range(part);
        let (begin, end) = ((place.start - range.start) as usize, (place.end - range.start) as usize);
        if !digests.matches(part, &bytes[begin..end]) {
            return Err(place);
        }
        verified.add(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{PART_BYTES, encode_digests};

    #[test]
    fn a_part_is_verified_once_and_damage_is_located() {
        let part = PART_BYTES as usize;
        let mut object: Vec<u8> = (0..2 * part + 100).map(|at| (at / 7) as u8).collect();
        let length = object.len() as u64;
        let digests = PartDigests::decode(&encode_digests(&object), length).unwrap();
        let verified = VerifiedParts::new(digests.len());

        assert_eq!(verify_bytes(&(0..PART_BYTES), &object[..part], &digests, &verified), Ok(()));
        assert!(verified.holds(0) && !verified.holds(1) && !verified.holds(64));

        object[0] ^= 1;
        object[2 * part + 99] ^= 1;
        let damaged = 2 * PART_BYTES..length;
        assert_eq!(verify_bytes(&(0..length), &object, &digests, &verified), Err(damaged));
        assert!(verified.holds(1) && !verified.holds(2));
    }

    #[test]
    fn bytes_of_another_length_are_damage() {
        let object = vec![1_u8; 100];
        let digests = PartDigests::decode(&encode_digests(&object), 100).unwrap();
        let verified = VerifiedParts::new(digests.len());
        assert_eq!(verify_bytes(&(0..100), &object[..99], &digests, &verified), Err(0..100));
    }

    #[test]
    fn every_part_has_its_own_bit() {
        let verified = VerifiedParts::new(130);
        verified.add(129);
        verified.add(64);
        let held: Vec<u64> = (0..200).filter(|part| verified.holds(*part)).collect();
        assert_eq!(held, [64, 129]);
    }
}
