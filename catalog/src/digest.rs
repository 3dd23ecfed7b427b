//! SHA-256 digests: of bytes, of records, and of a whole state.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands where nothing came before: the previous hash of the first record.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest in these bytes, if they are 32.
    pub fn try_from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The digest's bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    /// 64 hexadecimal digits, as `sha256sum` prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest of a set of facts that does not depend on their order: the sum of the facts' digests modulo 2²⁵⁶.
///
/// * Adding a fact and taking it away again gives the digest from before.
/// * It finds damage and mistakes. It is no proof against someone who may choose the facts; the chain of records is.
///
/// Source: the additive multiset hash AdHash (Bellare and Micciancio, 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StateDigest([u64; 4]);

impl StateDigest {
    /// Adds a fact.
    pub(crate) fn add(&mut self, fact: &[u8]) {
        self.add_limbs(limbs(Digest::of(fact).bytes()));
    }

    fn add_limbs(&mut self, other: [u64; 4]) {
        let mut carry = false;
        for (limb, more) in self.0.iter_mut().zip(other) {
            let (sum, over) = limb.overflowing_add(more);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || over_again);
        }
    }

    /// The digest of two sets together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.add_limbs(other.0);
        self
    }

    /// Takes a fact away.
    pub(crate) fn remove(&mut self, fact: &[u8]) {
        let mut borrow = false;
        for (limb, less) in self.0.iter_mut().zip(limbs(Digest::of(fact).bytes())) {
            let (rest, under) = limb.overflowing_sub(less);
            let (rest, under_again) = rest.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (rest, under || under_again);
        }
    }

    /// The digest as 32 bytes, least significant first.
    pub fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// The digest in these bytes, if they are 32.
    pub fn try_from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        Some(Self(limbs(bytes)))
    }
}

fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    }
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_digest_forgets_the_order_and_what_was_taken_away() {
        let mut forward = StateDigest::default();
        let mut backward = StateDigest::default();
        let facts: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; 3]).collect();
        facts.iter().for_each(|fact| forward.add(fact));
        facts.iter().rev().for_each(|fact| backward.add(fact));
        assert_eq!(forward, backward);
        facts.iter().for_each(|fact| forward.remove(fact));
        assert_eq!(forward, StateDigest::default());
    }

    #[test]
    fn the_digest_of_two_sets_together_is_that_of_all_their_facts() {
        let (mut one, mut other, mut both) = (StateDigest::default(), StateDigest::default(), StateDigest::default());
        for fact in (0..100_u8).map(|n| vec![n; 5]) {
            both.add(&fact);
            if fact[0] % 3 == 0 { one.add(&fact) } else { other.add(&fact) }
        }
        assert_eq!(one.plus(other), both);
    }

    #[test]
    fn a_state_digest_survives_its_bytes() {
        let mut digest = StateDigest::default();
        digest.add(b"a fact");
        assert_eq!(StateDigest::try_from_slice(&digest.bytes()), Some(digest));
        assert_eq!(digest.bytes(), *Digest::of(b"a fact").bytes());
    }
}
