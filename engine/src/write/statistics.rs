//! The statistics of a segment, counted from its rows while they are written.
//!
//! ```text
//! one row, of these columns:
//!   rows          unsigned 64 bit   rows of the segment
//!   min_<id>      the column's type lower bound of the column with this field id; null if there is none
//!   max_<id>      the column's type upper bound; null if there is none
//!   nulls_<id>    unsigned 64 bit   rows without a value
//!   flags_<id>    unsigned 8 bit    1 the lower bound is a value of the column
//!                                   2 the upper bound is a value of the column
//!                                   4 the column holds NaN, at any depth; then it has no bounds
//! ```
//!
//! * Nested columns have no `min_` and `max_`.
//! * What a bound is, and when it is exact, stands in `write/bounds.rs`.
//! * The row is stored as a block like hot rows are, see `write/block.rs`.
//! * The statistics depend on the rows alone: neither on their order nor on how they were cut into batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt8Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use frostline_catalog::FieldId;
use frostline_catalog::schema::field_id;

use super::bounds::{Bound, Bounds, has_bounds};
use super::leaves::nan_leaves;

/// The name of the column that counts rows.
pub(crate) const ROWS: &str = "rows";
/// What the names of lower bounds begin with.
pub(crate) const MIN: &str = "min_";
/// What the names of upper bounds begin with.
pub(crate) const MAX: &str = "max_";
/// What the names of null counts begin with.
pub(crate) const NULLS: &str = "nulls_";
/// What the names of flags begin with.
pub(crate) const FLAGS: &str = "flags_";

/// The lower bound is a value of the column.
pub(crate) const MIN_EXACT: u8 = 1;
/// The upper bound is a value of the column.
pub(crate) const MAX_EXACT: u8 = 2;
/// The column holds NaN.
pub(crate) const HAS_NAN: u8 = 4;

/// Counts the statistics of rows, batch by batch.
///
/// Columns without a field id are left out.
#[derive(Debug)]
pub struct StatisticsBuilder {
    rows: u64,
    columns: Vec<ColumnCounts>,
}

/// Counts the statistics of one column.
#[derive(Debug)]
pub(crate) struct ColumnCounts {
    place: usize,
    id: FieldId,
    data_type: DataType,
    bounds: Bounds,
    nulls: u64,
    has_nan: bool,
}

impl StatisticsBuilder {
    /// Statistics of no rows yet.
    pub fn new(schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().enumerate().filter_map(|(place, field): (usize, &FieldRef)| {
            let id = field_id(field)?;
            let data_type = field.data_type().clone();
            Some(ColumnCounts { place, id, data_type, bounds: Bounds::None, nulls: 0, has_nan: false })
        });
        Self { rows: 0, columns: columns.collect() }
    }

    /// Counts the rows of a batch. It must have the schema's columns, in their order and types.
    pub fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            column.add(batch.column(column.place));
        }
    }

    /// Counts some rows whose columns are added one by one: what is given counts each of them, by the column's place.
    pub(crate) fn add_rows(&mut self, rows: usize) -> HashMap<usize, &mut ColumnCounts> {
        self.rows += rows as u64;
        self.columns.iter_mut().map(|column| (column.place, column)).collect()
    }

    /// How many rows were counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The statistics, as the one row that a block of statistics holds.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let mut fields: Vec<Field> = vec![Field::new(ROWS, DataType::UInt64, false)];
        let mut values: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(vec![self.rows]))];
        for column in &self.columns {
            column.store(&mut fields, &mut values);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), values)
    }
}

impl ColumnCounts {
    /// Counts the rows of an array of the column's type.
    pub(crate) fn add(&mut self, array: &ArrayRef) {
        self.nulls += array.null_count() as u64;
        self.has_nan |= nan_leaves(array).contains(&true);
        if has_bounds(&self.data_type) && !self.has_nan {
            let bounds = std::mem::replace(&mut self.bounds, Bounds::None);
            self.bounds = bounds.merge(Bounds::of(array));
        }
    }

    fn store(&self, fields: &mut Vec<Field>, values: &mut Vec<ArrayRef>) {
        let mut flags = if self.has_nan { HAS_NAN } else { 0 };
        if has_bounds(&self.data_type) {
            let (min, max) = if self.has_nan {
                (Bound::unknown(&self.data_type), Bound::unknown(&self.data_type))
            } else {
                self.bounds.store(&self.data_type)
            };
            flags |= if min.is_exact { MIN_EXACT } else { 0 };
            flags |= if max.is_exact { MAX_EXACT } else { 0 };
            for (name, bound) in [(MIN, min), (MAX, max)] {
                fields.push(Field::new(format!("{name}{}", self.id), self.data_type.clone(), true));
                values.push(bound.value);
            }
        }
        fields.push(Field::new(format!("{NULLS}{}", self.id), DataType::UInt64, false));
        values.push(Arc::new(UInt64Array::from(vec![self.nulls])));
        fields.push(Field::new(format!("{FLAGS}{}", self.id), DataType::UInt8, false));
        values.push(Arc::new(UInt8Array::from(vec![flags])));
    }
}
