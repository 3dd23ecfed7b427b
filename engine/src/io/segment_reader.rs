//! What Parquet's reader reads a frozen segment through.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use frostline_catalog::segment::Segment;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;

use super::read_error::ReadError;
use super::segment_files::SegmentFiles;

/// Reads a frozen segment, each part of it compared with its digest when this process first touches it.
///
/// * It is cheap to make, and many may read one segment.
/// * The footer is the one that [`SegmentFiles::metadata`] gives, whatever options a caller asks it with.
/// * Errors are [`ReadError`]s inside [`ParquetError::External`].
#[derive(Clone)]
pub struct SegmentReader {
    files: SegmentFiles,
    segment: Arc<Segment>,
    digests: Bytes,
}

impl SegmentReader {
    pub(crate) fn new(files: SegmentFiles, segment: Arc<Segment>, digests: Bytes) -> Self {
        Self { files, segment, digests }
    }

    /// The segment.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ReadError> {
        self.files.open(&self.segment, &self.digests)?.read(ranges).await
    }

    async fn footer(&self) -> Result<Arc<ParquetMetaData>, ReadError> {
        self.files.metadata(&self.segment, &self.digests).await
    }
}

impl AsyncFileReader for SegmentReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let mut bytes = self.read(std::slice::from_ref(&range)).await.map_err(ParquetError::from)?;
            Ok(bytes.pop().unwrap_or_default())
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.read(&ranges).await.map_err(ParquetError::from) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move { self.footer().await.map_err(ParquetError::from) }.boxed()
    }
}

impl fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentReader").field("segment", &self.segment).finish_non_exhaustive()
    }
}
