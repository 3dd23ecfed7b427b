//! Hot rows as zones, each with statistics that are made when they are first asked for.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;

use super::super::statistics::merge;

/// How many rows a zone has at most: about a batch, so that a zone is filtered in the processor's cache.
const ZONE_ROWS_MAX: usize = 8_192;

/// The same for rows without columns, which are only counted: there may be many more of them. Whatever is computed for
/// each of them is computed a zone at a time.
const COUNTED_ROWS_MAX: usize = 65_536;

/// What a value of a string or a nested type is taken to need in memory.
const VARIABLE_WIDTH_BYTES: usize = 32;

/// The hot rows of one scan.
pub(in crate::table) struct HotRows {
    schema: SchemaRef,
    zones: Vec<Zone>,
    rows: usize,
}

/// A run of hot rows.
pub(super) struct Zone {
    rows: RecordBatch,
    columns: Vec<OnceLock<ColumnStatistics>>,
}

impl HotRows {
    /// Takes batches that all have the schema.
    pub(in crate::table) fn new(schema: SchemaRef, batches: &[RecordBatch]) -> Self {
        let zone_rows_max = if schema.fields().is_empty() { COUNTED_ROWS_MAX } else { ZONE_ROWS_MAX };
        let mut zones: Vec<Zone> = Vec::new();
        for batch in batches {
            let mut start = 0;
            while start < batch.num_rows() {
                let length = zone_rows_max.min(batch.num_rows() - start);
                zones.push(Zone::new(batch.slice(start, length)));
                start += length;
            }
        }
        let rows = zones.iter().map(|zone| zone.rows.num_rows()).sum();
        Self { schema, zones, rows }
    }

    /// The columns.
    pub(in crate::table) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows there are.
    pub(in crate::table) fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub(in crate::table) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The zones, in the order of the batches. None is empty.
    pub(super) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// What is known of some columns over some zones.
    pub(super) fn statistics(&self, zones: Range<usize>, columns: &[usize]) -> Statistics {
        let parts: Vec<Statistics> =
            self.zones.get(zones).unwrap_or_default().iter().map(|zone| zone.statistics(columns)).collect();
        merge(&parts, columns.len())
    }
}

impl fmt::Debug for HotRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotRows").field("rows", &self.rows).field("zones", &self.zones.len()).finish_non_exhaustive()
    }
}

impl Zone {
    fn new(rows: RecordBatch) -> Self {
        let columns = (0..rows.num_columns()).map(|_| OnceLock::new()).collect();
        Self { rows, columns }
    }

    /// The rows.
    pub(super) fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// What is known of a column; `None` if there is no such column.
    pub(super) fn column(&self, index: usize) -> Option<&ColumnStatistics> {
        let known = self.columns.get(index)?;
        Some(known.get_or_init(|| column_statistics(self.rows.column(index))))
    }

    fn statistics(&self, columns: &[usize]) -> Statistics {
        let column_statistics: Vec<ColumnStatistics> = columns
            .iter()
            .map(|index| self.column(*index).cloned().unwrap_or_else(ColumnStatistics::new_unknown))
            .collect();
        let width: usize = columns
            .iter()
            .filter(|index| **index < self.rows.num_columns())
            .map(|index| width_bytes(self.rows.column(*index).data_type()))
            .sum();
        Statistics {
            num_rows: Precision::Exact(self.rows.num_rows()),
            total_byte_size: Precision::Inexact(self.rows.num_rows().saturating_mul(width)),
            column_statistics,
        }
    }
}

/// What a value of a type is taken to need in memory, in bytes.
pub(in crate::table) fn width_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::Boolean => 1,
        other => other.primitive_width().unwrap_or(VARIABLE_WIDTH_BYTES),
    }
}

fn column_statistics(values: &ArrayRef) -> ColumnStatistics {
    let rows = values.len();
    let mut statistics = ColumnStatistics::new_unknown()
        .with_null_count(Precision::Exact(values.null_count()))
        .with_byte_size(Precision::Inexact(rows.saturating_mul(width_bytes(values.data_type()))));
    if let Some((min, max)) = bounds(values) {
        statistics.min_value = Precision::Exact(min);
        statistics.max_value = Precision::Exact(max);
    }
    statistics
}

/// The least and the greatest value; `None` if there is no value, no order, or a NaN among the values.
fn bounds(values: &ArrayRef) -> Option<(ScalarValue, ScalarValue)> {
    if values.null_count() == values.len() || !has_bounds(values.data_type()) || has_nan(values) {
        return None;
    }
    let mut least = MinAccumulator::try_new(values.data_type()).ok()?;
    let mut greatest = MaxAccumulator::try_new(values.data_type()).ok()?;
    let values = std::slice::from_ref(values);
    least.update_batch(values).ok()?;
    greatest.update_batch(values).ok()?;
    let (min, max) = (least.evaluate().ok()?, greatest.evaluate().ok()?);
    (!min.is_null() && !max.is_null()).then_some((min, max))
}

fn has_bounds(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Null)
}

/// Whether a float column holds a NaN. A NaN has no place between a least and a greatest value.
fn has_nan(values: &ArrayRef) -> bool {
    match values.data_type() {
        DataType::Float32 => values.as_primitive::<Float32Type>().iter().flatten().any(f32::is_nan),
        DataType::Float64 => values.as_primitive::<Float64Type>().iter().flatten().any(f64::is_nan),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringViewArray};

    use super::*;

    fn hot_rows(columns: Vec<(&str, ArrayRef)>) -> HotRows {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        HotRows::new(batch.schema(), &[batch])
    }

    #[test]
    fn statistics_are_exact_over_all_zones() {
        let rows = 20_000_i64;
        let values: ArrayRef = Arc::new(Int64Array::from_iter((0..rows).map(|n| (n % 10 != 0).then_some(n))));
        let hot = hot_rows(vec![("a", values)]);
        assert_eq!(hot.zones().len(), 3);
        let statistics = hot.statistics(0..3, &[0]);
        assert_eq!(statistics.num_rows, Precision::Exact(20_000));
        let column = &statistics.column_statistics[0];
        assert_eq!(column.null_count, Precision::Exact(2_000));
        assert_eq!(column.min_value, Precision::Exact(ScalarValue::Int64(Some(1))));
        assert_eq!(column.max_value, Precision::Exact(ScalarValue::Int64(Some(19_999))));
    }

    #[test]
    fn a_nan_leaves_no_bounds() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]));
        let hot = hot_rows(vec![("f", values)]);
        let column = &hot.statistics(0..1, &[0]).column_statistics[0];
        assert_eq!(column.null_count, Precision::Exact(1));
        assert_eq!((&column.min_value, &column.max_value), (&Precision::Absent, &Precision::Absent));
    }

    #[test]
    fn strings_have_bounds_of_their_own_type() {
        let values: ArrayRef = Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a")]));
        let hot = hot_rows(vec![("s", values)]);
        let column = &hot.statistics(0..1, &[0]).column_statistics[0];
        assert_eq!(column.min_value, Precision::Exact(ScalarValue::Utf8View(Some("a".to_owned()))));
        assert_eq!(column.max_value, Precision::Exact(ScalarValue::Utf8View(Some("b".to_owned()))));
    }
}
