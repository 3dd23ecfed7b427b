//! One frozen segment's object, opened: its footer, and reads of it that are checked.
//!
//! ```text
//! round trip   1                              2
//!              digests                        ranges of columns, unless they came with the footer
//!              footer, or the whole object
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future;
use parquet::file::metadata::ParquetMetaData;

use super::checked_bytes::CheckedBytes;
use super::read_error::ReadError;
use super::segment_source::SegmentSource;
use crate::read::fetched::Fetched;
use crate::read::footer::decode_tail;
use crate::read::ranges::plan_ahead;

/// An object in the store whose footer was read.
///
/// * No byte is handed out, and none of the footer decoded, whose part was not verified.
/// * The footer has the page index. Float columns that hold NaN have no bounds in it.
pub(super) struct SegmentObject {
    bytes: CheckedBytes,
    footer: Arc<ParquetMetaData>,
}

impl SegmentObject {
    /// Opens an object, and gives what was fetched for that. `digests` is awaited while the object is asked for; it
    /// gives the block of its digests. An object of at most `whole_bytes_max` bytes is fetched whole.
    pub(super) async fn open<E: From<ReadError>>(
        source: SegmentSource,
        digests: impl Future<Output = Result<Bytes, E>>,
        whole_bytes_max: u64,
    ) -> Result<(Self, Fetched), E> {
        let planned = vec![plan_ahead(&source.tail(), whole_bytes_max)];
        let fetch = async { source.fetch(planned).await.map_err(E::from) };
        let (digests, ahead): (Bytes, Fetched) = future::try_join(digests, fetch).await?;
        let bytes = CheckedBytes::try_new(source, &digests)?;
        let footer = read_footer(&bytes, &ahead).await?;
        Ok((Self { bytes, footer: Arc::new(footer) }, ahead))
    }

    /// The object's key.
    pub(super) fn key(&self) -> &str {
        self.bytes.source().key()
    }

    /// The footer.
    pub(super) fn footer(&self) -> &Arc<ParquetMetaData> {
        &self.footer
    }

    /// The bytes of some ranges, in the order asked. The store is not asked for what is in `ahead`.
    pub(super) async fn read(&self, asked: &[Range<u64>], ahead: &Fetched) -> Result<Vec<Bytes>, ReadError> {
        self.bytes.read(asked, ahead).await
    }

    /// About how many bytes this takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.footer.memory_size() + self.bytes.memory_bytes() + size_of::<Self>()
    }
}

async fn read_footer(bytes: &CheckedBytes, ahead: &Fetched) -> Result<ParquetMetaData, ReadError> {
    let source = bytes.source();
    let mut tail = bytes.read(&[source.tail()], ahead).await?;
    let tail = tail.pop().unwrap_or_default();
    decode_tail(source.size_bytes(), tail).map_err(|error| ReadError::of_parquet(source.key(), error))
}

impl fmt::Debug for SegmentObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentObject").field("key", &self.key()).finish_non_exhaustive()
    }
}
