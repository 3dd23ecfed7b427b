//! The order of rows in a row group.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use frostline_catalog::schema::{SortKey, field_id};
use parquet::file::metadata::SortingColumn;

use super::bounds::has_bounds;
use super::leaves::leaf_count;

/// How the rows of each row group are sorted.
///
/// * Keys after the first whose column is missing or nested do not count: the rows are sorted by those before.
/// * Equal rows keep the order in which they were given.
/// * The order holds within a row group, as Parquet's `sorting_columns` say. Row groups may overlap.
#[derive(Clone, Debug)]
pub(crate) struct RowOrder {
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    column: usize,
    leaf: usize,
    options: SortOptions,
}

impl RowOrder {
    /// The order by these keys of rows with this schema.
    pub(crate) fn new(schema: &SchemaRef, sort_by: &[SortKey]) -> Self {
        Self { keys: sort_by.iter().map_while(|key| resolve(schema, key)).collect() }
    }

    /// The order as Parquet declares it.
    pub(crate) fn sorting_columns(&self) -> Vec<SortingColumn> {
        let declare = |key: &Key| SortingColumn {
            column_idx: i32::try_from(key.leaf).unwrap_or(i32::MAX),
            descending: key.options.descending,
            nulls_first: key.options.nulls_first,
        };
        self.keys.iter().map(declare).collect()
    }

    /// The rows of some batches, in order.
    pub(crate) fn sort(&self, schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.keys.is_empty() {
            return Ok(batches);
        }
        let rows = concat_batches(schema, &batches)?;
        drop(batches);
        let mut columns: Vec<SortColumn> = self
            .keys
            .iter()
            .map(|key| SortColumn { values: Arc::clone(rows.column(key.column)), options: Some(key.options) })
            .collect();
        // The place of a row decides between equals; the sort by itself would not keep their order.
        let places: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..rows.num_rows() as u32));
        columns.push(SortColumn { values: places, options: None });
        let sorted = lexsort_to_indices(&columns, None)?;
        let is_sorted_already = sorted.values().iter().enumerate().all(|(place, row)| place == *row as usize);
        let rows = if is_sorted_already { rows } else { take_record_batch(&rows, &sorted)? };
        Ok(vec![rows])
    }
}

fn resolve(schema: &SchemaRef, key: &SortKey) -> Option<Key> {
    let column = schema.fields().iter().position(|field| field_id(field) == Some(key.field))?;
    if !has_bounds(schema.field(column).data_type()) {
        return None;
    }
    let leaf: usize = schema.fields().iter().take(column).map(|field| leaf_count(field.data_type())).sum();
    let options = SortOptions { descending: key.descending, nulls_first: key.nulls_first };
    Some(Key { column, leaf, options })
}
