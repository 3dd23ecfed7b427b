//! The rows of one frozen segment, for those who do not go through a query.

use std::future;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use frostline_catalog::FieldId;
use frostline_catalog::schema::field_id;
use frostline_catalog::segment::Segment;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;

use super::read_error::ReadError;
use super::segment_files::SegmentFiles;
use crate::read::segment_schema;

/// The rows of a frozen segment, in their order and in the lake's types, with field ids.
///
/// `columns` names the columns to read by field id; `None` reads all. They come in the order of the object; those that
/// the object does not have are left out.
pub async fn read_segment(
    files: &SegmentFiles,
    segment: &Segment,
    digests: Bytes,
    columns: Option<&[FieldId]>,
) -> Result<BoxStream<'static, Result<RecordBatch, ReadError>>, ReadError> {
    let reader = files.open(segment, future::ready(Ok::<Bytes, ReadError>(digests))).await?;
    let key = reader.key().to_owned();
    let failed = |error: ParquetError| ReadError::of_parquet(&key, error);
    let schema = segment_schema(reader.footer()).map_err(failed)?;
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(&schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(reader.footer()), options).map_err(failed)?;
    let mask = match columns {
        None => ProjectionMask::all(),
        Some(columns) => {
            let is_asked = |id: Option<FieldId>| id.is_some_and(|id: FieldId| columns.contains(&id));
            let places: Vec<usize> =
                (0..schema.fields().len()).filter(|place| is_asked(field_id(schema.field(*place)))).collect();
            ProjectionMask::roots(metadata.parquet_schema(), places)
        }
    };
    let rows = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata)
        .with_projection(mask)
        .build()
        .map_err(failed)?;
    Ok(rows.map_err(move |error: ParquetError| ReadError::of_parquet(&key, error)).boxed())
}
