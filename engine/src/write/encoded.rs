//! A frozen segment, encoded and not yet stored.

use std::thread;

use bytes::Bytes;
use frostline_catalog::Digest;
use frostline_catalog::segment::FrozenObject;

use super::digests::encode_digests;

/// A frozen segment in memory: the object to store, and the blocks that go into the slot that names it.
///
/// * `sha256` and `digests` are of `bytes`, `statistics` are of its rows.
/// * `rows` is at least 1.
#[derive(Clone, Debug)]
pub struct EncodedSegment {
    /// The Parquet object.
    pub bytes: Bytes,
    /// The SHA-256 of the object.
    pub sha256: Digest,
    /// How many rows it holds.
    pub rows: u64,
    /// How many bytes at the object's end hold the page index and the footer.
    pub tail_bytes: u64,
    /// The block of the digests of the object's parts.
    pub digests: Bytes,
    /// The block of the columns' statistics.
    pub statistics: Bytes,
}

impl EncodedSegment {
    pub(crate) fn new(object: Vec<u8>, rows: u64, tail_bytes: u64, statistics: Bytes) -> Self {
        let bytes = Bytes::from(object);
        // Both hash the whole object, which takes as long as encoding some of its columns.
        let (sha256, digests) = thread::scope(|scope| {
            let whole = scope.spawn(|| Digest::of(&bytes));
            let digests = encode_digests(&bytes);
            match whole.join() {
                Ok(sha256) => (sha256, digests),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        Self { bytes, sha256, rows, tail_bytes, digests, statistics }
    }

    /// The object as the catalog describes it, under a key that this nonce makes its own.
    ///
    /// The nonce must be fresh for every upload: lower-case letters and digits, at least 64 random bits.
    pub fn object(&self, nonce: &str) -> FrozenObject {
        let sha256 = self.sha256.to_string();
        FrozenObject {
            key: format!("segments/{}/{sha256}-{nonce}.parquet", &sha256[..2]),
            size_bytes: self.bytes.len() as u64,
            sha256: self.sha256,
            tail_bytes: self.tail_bytes,
        }
    }
}
