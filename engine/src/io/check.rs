//! The deep check of a frozen segment: every byte, every row, every statistic.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use frostline_catalog::Digest;
use frostline_catalog::io::StoreFailure;
use frostline_catalog::segment::{FrozenObject, Segment, Storage};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use thiserror::Error;

use crate::read::footer::decode_tail;
use crate::read::segment_schema;
use crate::statistics::{SegmentStatistics, StatisticsError};
use crate::write::{DigestsError, PartDigests, StatisticsBuilder};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// What is wrong with a frozen segment.
#[derive(Debug, Error)]
pub enum SegmentDamage {
    /// The object is not there.
    #[error("`{key}` is missing from the store")]
    Missing {
        /// The object's key.
        key: String,
    },
    /// The object could not be read, so nothing is known of it.
    #[error("`{key}` cannot be read from the store, so it is not known whether it is damaged; try again")]
    Unread {
        /// The object's key.
        key: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The object is shorter or longer than it was.
    #[error("`{key}` has {found} bytes and was written with {expected}")]
    Length {
        /// The object's key.
        key: String,
        /// The length in the catalog.
        expected: u64,
        /// The length in the store.
        found: u64,
    },
    /// Bytes of the object are not those that were written.
    #[error("`{key}` is damaged; the first bytes that differ are between {begin} and {end}")]
    Bytes {
        /// The object's key.
        key: String,
        /// Where the first damaged part begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// The whole object is not the one that the catalog names, though its parts are those of the digests.
    #[error("`{key}` has the SHA-256 {found} and the catalog names {expected}")]
    Object {
        /// The object's key.
        key: String,
        /// The digest in the catalog.
        expected: Digest,
        /// The digest of the object's bytes.
        found: Digest,
    },
    /// The block of digests is not the object's.
    #[error("the digests of `{key}` cannot be used")]
    Digests {
        /// The object's key.
        key: String,
        /// Why.
        source: DigestsError,
    },
    /// The object's rows cannot be decoded.
    #[error("the rows of `{key}` cannot be decoded")]
    Decode {
        /// The object's key.
        key: String,
        /// What Parquet found.
        source: ParquetError,
    },
    /// There are fewer or more rows than the catalog says.
    #[error("`{key}` holds {found} rows and the catalog names {expected}")]
    Rows {
        /// The object's key.
        key: String,
        /// The rows in the catalog.
        expected: u64,
        /// The rows in the object.
        found: u64,
    },
    /// The block of statistics cannot be decoded.
    #[error("the statistics of `{key}` cannot be decoded")]
    Statistics {
        /// The object's key.
        key: String,
        /// Why.
        source: StatisticsError,
    },
    /// The block of statistics is not about the object's rows.
    #[error("the statistics of `{key}` are not those of its rows: `{statistic}` differs")]
    OtherStatistics {
        /// The object's key.
        key: String,
        /// The first statistic that differs, or `columns` if others are kept than the object has.
        statistic: String,
    },
    /// The segment is hot and has no object.
    #[error("the segment is hot; its rows are checked with the slot that holds them")]
    Hot,
}

/// Checks a frozen segment against what the catalog says of it: the length and the digest of the object, each part's
/// digest, the number of rows, and the statistics, which are counted again from the rows.
///
/// The object is held in memory as a whole. The first thing that is wrong is returned.
pub async fn check_segment(
    store: &dyn ObjectStore,
    segment: &Segment,
    digests: &Bytes,
    statistics: &Bytes,
) -> Result<(), SegmentDamage> {
    let Storage::Frozen { object, .. } = &segment.storage else { return Err(SegmentDamage::Hot) };
    let bytes = fetch(store, object).await?;
    check_bytes(object, &bytes, digests)?;
    let counted = count_rows(object, &bytes).await?;
    if counted.rows() != segment.rows {
        return Err(SegmentDamage::Rows { key: object.key.clone(), expected: segment.rows, found: counted.rows() });
    }
    check_statistics(object, counted, statistics)
}

async fn fetch(store: &dyn ObjectStore, object: &FrozenObject) -> Result<Bytes, SegmentDamage> {
    let key = || object.key.clone();
    let failed = |source: object_store::Error| match StoreFailure::of(&source) {
        StoreFailure::NotFound => SegmentDamage::Missing { key: key() },
        _ => SegmentDamage::Unread { key: key(), source },
    };
    let answer = store.get(&Path::from(object.key.as_str())).await.map_err(failed)?;
    let bytes = answer.bytes().await.map_err(failed)?;
    let found = bytes.len() as u64;
    if found != object.size_bytes {
        return Err(SegmentDamage::Length { key: key(), expected: object.size_bytes, found });
    }
    Ok(bytes)
}

fn check_bytes(object: &FrozenObject, bytes: &Bytes, digests: &Bytes) -> Result<(), SegmentDamage> {
    let key = || object.key.clone();
    let digests = PartDigests::decode(digests, object.size_bytes)
        .map_err(|source| SegmentDamage::Digests { key: key(), source })?;
    for part in 0..digests.len() {
        let range = digests.range(part);
        if !digests.matches(part, &bytes[range.start as usize..range.end as usize]) {
            return Err(SegmentDamage::Bytes { key: key(), begin: range.start, end: range.end });
        }
    }
    let found = Digest::of(bytes);
    if found != object.sha256 {
        return Err(SegmentDamage::Object { key: key(), expected: object.sha256, found });
    }
    Ok(())
}

/// Decodes all rows and counts their statistics again.
async fn count_rows(object: &FrozenObject, bytes: &Bytes) -> Result<StatisticsBuilder, SegmentDamage> {
    let failed = |source: ParquetError| SegmentDamage::Decode { key: object.key.clone(), source };
    let tail_begin = bytes.len().saturating_sub(usize::try_from(object.tail_bytes).unwrap_or(usize::MAX));
    let footer: ParquetMetaData = decode_tail(object.size_bytes, bytes.slice(tail_begin..)).map_err(failed)?;
    let schema = segment_schema(&footer).map_err(failed)?;
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(&schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::new(footer), options).map_err(failed)?;
    let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(failed)?;
    let mut counted = StatisticsBuilder::new(&schema);
    for batch in batches {
        let batch: RecordBatch = batch.map_err(|error: ArrowError| failed(ParquetError::from(error)))?;
        counted.add(&batch);
        // Decoding takes long and never waits; others on this thread get their turn.
        tokio::task::yield_now().await;
    }
    Ok(counted)
}

fn check_statistics(object: &FrozenObject, counted: StatisticsBuilder, block: &Bytes) -> Result<(), SegmentDamage> {
    let key = || object.key.clone();
    let stored =
        SegmentStatistics::decode_block(block).map_err(|source| SegmentDamage::Statistics { key: key(), source })?;
    let counted =
        counted.finish().map_err(|source| SegmentDamage::Decode { key: key(), source: ParquetError::from(source) })?;
    if stored.schema().fields() != counted.schema().fields() {
        return Err(SegmentDamage::OtherStatistics { key: key(), statistic: "columns".to_owned() });
    }
    for (place, field) in counted.schema().fields().iter().enumerate() {
        if stored.column(place).to_data() != counted.column(place).to_data() {
            return Err(SegmentDamage::OtherStatistics { key: key(), statistic: field.name().clone() });
        }
    }
    Ok(())
}
