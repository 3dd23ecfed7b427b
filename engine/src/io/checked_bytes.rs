//! Reads of one frozen segment's object that are checked.

use std::ops::Range;

use bytes::Bytes;

use super::read_error::ReadError;
use super::segment_source::SegmentSource;
use crate::read::fetched::Fetched;
use crate::read::ranges::plan_fetch;
use crate::read::verified::{VerifiedParts, verify_bytes};
use crate::write::PartDigests;

/// The bytes of an object, compared with their digests when they are first read.
///
/// * No byte is handed out whose part was not verified by this value.
/// * What was fetched ahead is compared whenever it is read, even if another reader has compared the same part.
pub(super) struct CheckedBytes {
    source: SegmentSource,
    digests: PartDigests,
    verified: VerifiedParts,
}

impl CheckedBytes {
    /// The bytes of an object whose digests are in this block. Nothing is read.
    pub(super) fn try_new(source: SegmentSource, digests: &Bytes) -> Result<Self, ReadError> {
        let digests = PartDigests::decode(digests, source.size_bytes())
            .map_err(|error| ReadError::Digests { key: source.key().to_owned(), source: error })?;
        Ok(Self { verified: VerifiedParts::new(digests.len()), source, digests })
    }

    /// Where they come from.
    pub(super) fn source(&self) -> &SegmentSource {
        &self.source
    }

    /// About how many bytes the digests take in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.digests.len() as usize * 33
    }

    /// The bytes of some ranges, in the order asked. The store is not asked for what is in `ahead`.
    pub(super) async fn read(&self, asked: &[Range<u64>], ahead: &Fetched) -> Result<Vec<Bytes>, ReadError> {
        if let Some(beyond) = asked.iter().find(|range| range.end > self.digests.object_bytes()) {
            return Err(self.source.damaged(beyond));
        }
        // What came ahead is compared by itself: another reader's bytes may have been sound where these are not.
        let of_ahead = VerifiedParts::new(self.digests.len());
        let (fetched, verified): (Fetched, &VerifiedParts) =
            match ahead.cut_all(&plan_fetch(asked, &self.digests, &of_ahead)) {
                Some(cut) => (cut, &of_ahead),
                None => {
                    let planned = plan_fetch(asked, &self.digests, &self.verified);
                    (self.source.fetch(planned).await?, &self.verified)
                }
            };
        for (range, bytes) in fetched.iter() {
            verify_bytes(range, bytes, &self.digests, verified).map_err(|part| self.source.damaged(&part))?;
        }
        // A store that answers with fewer ranges than it was asked for has lost some.
        asked.iter().map(|range| fetched.cut(range).ok_or_else(|| self.source.damaged(range))).collect()
    }
}
