//! The footer of a frozen segment, as scans may trust it.

use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::write::layout::view_schema;
use crate::write::row_group::without_float_bounds;

/// Decodes the last bytes of an object of this length: the footer, and the page index if it is there.
///
/// A float column without bounds in one row group has none in the others and in the page index either. The writer
/// leaves bounds out where it met NaN, and what is known of the other row groups must not pass for the whole: `max`
/// would be a number from a footer and NaN from the rows.
pub(crate) fn decode_tail(object_bytes: u64, tail: Bytes) -> Result<ParquetMetaData, ParquetError> {
    let begin = object_bytes
        .checked_sub(tail.len() as u64)
        .ok_or_else(|| ParquetError::General("the tail is longer than the object".to_owned()))?;
    let decoder = ParquetMetaDataPushDecoder::try_new(object_bytes)?;
    let mut decoder = decoder.with_page_index_policy(PageIndexPolicy::Optional);
    decoder.push_range(begin..object_bytes, tail)?;
    match decoder.try_decode()? {
        DecodeResult::Data(metadata) => even_out_floats(metadata),
        DecodeResult::NeedsData(_) | DecodeResult::Finished => {
            Err(ParquetError::General("the tail does not hold the whole footer".to_owned()))
        }
    }
}

/// The Arrow schema of a segment in the lake's types: strings and binaries as views, field ids on every field.
///
/// Give it to Parquet's reader as the schema to read with.
pub fn segment_schema(metadata: &ParquetMetaData) -> Result<SchemaRef, ParquetError> {
    let plain: Schema = parquet_to_arrow_schema(metadata.file_metadata().schema_descr(), None)?;
    Ok(view_schema(&plain))
}

fn even_out_floats(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let unbounded: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE))
        .map(|(leaf, _)| leaf)
        .filter(|leaf| metadata.row_groups().iter().any(|row_group| lacks_bounds(row_group, *leaf)))
        .collect();
    if unbounded.is_empty() {
        return Ok(metadata);
    }
    let mut builder = metadata.into_builder();
    let mut row_groups = builder.take_row_groups();
    for row_group in &mut row_groups {
        for leaf in &unbounded {
            if let Some(chunk) = row_group.columns_mut().get_mut(*leaf) {
                *chunk = without_float_bounds(chunk.clone())?;
            }
        }
    }
    let mut pages: Option<Vec<Vec<ColumnIndexMetaData>>> = builder.take_column_index();
    for row_group in pages.iter_mut().flatten() {
        for leaf in &unbounded {
            if let Some(index) = row_group.get_mut(*leaf) {
                *index = ColumnIndexMetaData::NONE;
            }
        }
    }
    Ok(builder.set_row_groups(row_groups).set_column_index(pages).build())
}

/// Whether a column has values in a row group and no bounds.
fn lacks_bounds(row_group: &RowGroupMetaData, leaf: usize) -> bool {
    let Some(chunk) = row_group.columns().get(leaf) else { return false };
    let Some(statistics) = chunk.statistics() else { return true };
    let is_bounded = statistics.min_bytes_opt().is_some() && statistics.max_bytes_opt().is_some();
    let is_all_null = statistics.null_count_opt() == u64::try_from(chunk.num_values()).ok();
    !is_bounded && !is_all_null
}
