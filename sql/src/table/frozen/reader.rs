//! Readers of segments for DataFusion's scan of Parquet.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::internal_err;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::Result;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use frostline_catalog::segment::Segment;
use frostline_engine::Lake;
use frostline_engine::io::SegmentReader;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

/// Makes a reader for each file of a plan. The file carries its segment.
pub(super) struct SegmentReaders {
    lake: Arc<Lake>,
}

impl SegmentReaders {
    /// Readers of a lake's segments.
    pub(super) fn new(lake: Arc<Lake>) -> Self {
        Self { lake }
    }
}

impl fmt::Debug for SegmentReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentReaders").finish_non_exhaustive()
    }
}

impl ParquetFileReaderFactory for SegmentReaders {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let Some(segment) = file.extension::<Arc<Segment>>() else {
            return internal_err!("file {} of a scan is no segment", file.path());
        };
        Ok(Box::new(SegmentFile {
            lake: Arc::clone(&self.lake),
            segment: Arc::clone(segment),
            opened: None,
            metrics: ParquetFileMetrics::new(partition_index, file.path().as_ref(), metrics),
        }))
    }
}

/// A segment that is opened when it is first read: a filter may rule it out before.
struct SegmentFile {
    lake: Arc<Lake>,
    segment: Arc<Segment>,
    opened: Option<SegmentReader>,
    metrics: ParquetFileMetrics,
}

impl SegmentFile {
    async fn open(&mut self) -> Result<&mut SegmentReader, ParquetError> {
        if self.opened.is_none() {
            let opened = self.lake.open_segment(&self.segment).await;
            self.opened = Some(opened.map_err(|error| ParquetError::External(Box::new(error)))?);
        }
        self.opened.as_mut().ok_or_else(|| ParquetError::General("a segment that was opened is not open".to_owned()))
    }
}

impl AsyncFileReader for SegmentFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        count_bytes(&self.metrics, &range);
        async move { self.open().await?.get_bytes(range).await }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        ranges.iter().for_each(|range| count_bytes(&self.metrics, range));
        async move { self.open().await?.get_byte_ranges(ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move { self.open().await?.get_metadata(options).await }.boxed()
    }
}

fn count_bytes(metrics: &ParquetFileMetrics, range: &Range<u64>) {
    let length = range.end.saturating_sub(range.start);
    metrics.bytes_scanned.add(usize::try_from(length).unwrap_or(usize::MAX));
}
