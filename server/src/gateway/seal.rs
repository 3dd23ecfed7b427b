//! What is handed out and must come back unaltered: tickets and handles.

use std::fmt;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long a seal is, in bytes.
const SEAL_BYTES: usize = 32;

/// What was sealed. What was sealed as one thing does not open as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A ticket of a result.
    Ticket,
    /// A handle of a prepared statement.
    Handle,
    /// The id of a transaction.
    Transaction,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"ticket\0",
            Self::Handle => b"handle\0",
            Self::Transaction => b"transaction\0",
        }
    }
}

/// The key of this process's seals: HMAC-SHA256 under a key that is drawn at the start and never leaves the process.
pub(crate) struct SealKey([u8; 32]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// A new key.
    pub(crate) fn draw() -> Self {
        Self(random())
    }

    /// The body behind its seal.
    pub(crate) fn seal(&self, purpose: Purpose, body: &[u8]) -> Bytes {
        let seal = self.mac(purpose, body).finalize().into_bytes();
        let mut sealed = Vec::with_capacity(SEAL_BYTES + body.len());
        sealed.extend_from_slice(AsRef::<[u8]>::as_ref(&seal));
        sealed.extend_from_slice(body);
        Bytes::from(sealed)
    }

    /// The body of what was sealed; `None` if this key did not seal it for this.
    pub(crate) fn open<'a>(&self, purpose: Purpose, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (seal, body) = sealed.split_at_checked(SEAL_BYTES)?;
        self.mac(purpose, body).verify_slice(seal).ok()?;
        Some(body)
    }

    fn mac(&self, purpose: Purpose, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        Mac::update(&mut mac, purpose.name());
        Mac::update(&mut mac, body);
        mac
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_unaltered() {
        let key = SealKey::draw();
        let sealed = key.seal(Purpose::Ticket, b"body");
        assert_eq!(key.open(Purpose::Ticket, &sealed), Some(b"body".as_slice()));
    }

    #[test]
    fn what_was_altered_forged_or_sealed_for_something_else_stays_shut() {
        let key = SealKey::draw();
        let sealed = key.seal(Purpose::Ticket, b"body");
        for place in 0..sealed.len() {
            let mut altered = sealed.to_vec();
            altered[place] ^= 1;
            assert_eq!(key.open(Purpose::Ticket, &altered), None, "byte {place}");
        }
        assert_eq!(key.open(Purpose::Handle, &sealed), None);
        assert_eq!(SealKey::draw().open(Purpose::Ticket, &sealed), None);
        assert_eq!(key.open(Purpose::Ticket, &sealed[..SEAL_BYTES - 1]), None);
        assert_eq!(key.open(Purpose::Ticket, b""), None);
    }
}
