//! What Parquet's reader reads a frozen segment through.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;

use super::read_error::ReadError;
use super::segment_object::SegmentObject;
use crate::read::fetched::Fetched;

/// Reads a frozen segment, each part of it compared with its digest when this process first touches it.
///
/// * Many may read one segment. The first one holds the bytes that came with the footer, and does not ask the store
///   for them again; they go with that reader.
/// * The footer is the same whatever options a caller asks it with. A float column that holds NaN has no least and
///   greatest value in it, neither for the row groups nor for pages.
/// * Errors are [`ReadError`]s inside [`ParquetError::External`].
#[derive(Clone)]
pub struct SegmentReader {
    object: Arc<SegmentObject>,
    ahead: Fetched,
}

impl SegmentReader {
    pub(super) fn new(object: Arc<SegmentObject>, ahead: Fetched) -> Self {
        Self { object, ahead }
    }

    /// The key of the segment's object.
    pub fn key(&self) -> &str {
        self.object.key()
    }

    /// The footer, with the page index.
    pub fn footer(&self) -> &Arc<ParquetMetaData> {
        self.object.footer()
    }

    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ReadError> {
        self.object.read(ranges, &self.ahead).await
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
        async move { Ok(Arc::clone(self.footer())) }.boxed()
    }
}

impl fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentReader").field("object", &self.object).finish_non_exhaustive()
    }
}
