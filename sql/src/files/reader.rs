//! Readers of the machine's files for DataFusion's scan of Parquet.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::internal_err;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::Result;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use frostline_engine::import::{ImportError, ParquetFooter};
use futures::future::{BoxFuture, ready};
use futures::{FutureExt, TryFutureExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

/// Makes a reader for each file of a plan. The file carries its footer.
#[derive(Debug)]
pub(super) struct LocalFiles;

impl ParquetFileReaderFactory for LocalFiles {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let Some(footer) = file.extension::<Arc<ParquetFooter>>() else {
            return internal_err!("file {} of a scan has no footer", file.path());
        };
        Ok(Box::new(LocalFile {
            footer: Arc::clone(footer),
            opened: None,
            metrics: ParquetFileMetrics::new(partition_index, file.path().as_ref(), metrics),
        }))
    }
}

/// A file that is opened when its rows are first read.
struct LocalFile {
    footer: Arc<ParquetFooter>,
    opened: Option<Arc<File>>,
    metrics: ParquetFileMetrics,
}

impl LocalFile {
    /// Reads on a thread that may block.
    async fn read(&mut self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, ParquetError> {
        let footer = Arc::clone(&self.footer);
        let opened = self.opened.clone();
        let work = move || -> Result<(Arc<File>, Vec<Vec<u8>>), ImportError> {
            let file: Arc<File> = match opened {
                Some(file) => file,
                None => Arc::new(footer.open()?),
            };
            let parts = footer.read_ranges(&file, &ranges)?;
            Ok((file, parts))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((file, parts))) => {
                self.opened = Some(file);
                Ok(parts.into_iter().map(Bytes::from).collect())
            }
            Ok(Err(error)) => Err(ParquetError::External(Box::new(error))),
            Err(error) => Err(ParquetError::External(Box::new(error))),
        }
    }
}

impl AsyncFileReader for LocalFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        count_bytes(&self.metrics, &range);
        self.read(vec![range]).map_ok(|mut parts: Vec<Bytes>| parts.pop().unwrap_or_default()).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        ranges.iter().for_each(|range| count_bytes(&self.metrics, range));
        self.read(ranges).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let metadata: Result<Arc<ParquetMetaData>, ParquetError> = Ok(Arc::clone(self.footer.metadata()));
        ready(metadata).boxed()
    }
}

fn count_bytes(metrics: &ParquetFileMetrics, range: &Range<u64>) {
    let length = range.end.saturating_sub(range.start);
    metrics.bytes_scanned.add(usize::try_from(length).unwrap_or(usize::MAX));
}
