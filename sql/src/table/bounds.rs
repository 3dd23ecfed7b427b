//! What the catalog knows of frozen segments' columns, in the types and for the columns of the asked version.
//!
//! * Bounds hold for every row: a lower bound is not above any value, an upper one not below any. Where they are
//!   marked exact they are values of the segment.
//! * A segment that lacks a column has the column's initial value in all its rows, and statistics that say so.
//! * A segment counts the nulls of each column that it has. So one that counts those of other columns only lacks the
//!   column; of one that counts none at all, nothing is known.
//! * A float column with a NaN has no bounds: a NaN is beyond all numbers for a filter and must not be hidden by them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, nullif};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue, Statistics};
use datafusion::error::Result;
use frostline_engine::statistics::{FieldStatistics, SegmentStatistics};

use super::columns::{ScanColumn, ScanColumns};
use super::hot::width_bytes;

/// Statistics of some columns over frozen segments: a row of each array for each segment.
#[derive(Debug)]
pub(super) struct SegmentBounds {
    schema: SchemaRef,
    rows: UInt64Array,
    columns: HashMap<usize, ColumnBounds>,
}

/// Statistics of one column.
#[derive(Debug)]
pub(super) struct ColumnBounds {
    /// Lower and upper bounds, of the column's type; `None` for types without order.
    range: Option<(ArrayRef, ArrayRef)>,
    min_is_exact: Vec<bool>,
    max_is_exact: Vec<bool>,
    null_count: UInt64Array,
}

impl SegmentBounds {
    /// The statistics of the columns at some places, from what the catalog keeps.
    pub(super) fn try_new(
        columns: &ScanColumns,
        places: impl IntoIterator<Item = usize>,
        statistics: &SegmentStatistics,
    ) -> Result<Self> {
        let rows: UInt64Array = statistics.rows().clone();
        let ever: Vec<&FieldStatistics> = columns.ever().iter().filter_map(|id| statistics.field(*id)).collect();
        let is_described: Vec<bool> =
            (0..rows.len()).map(|n| ever.iter().any(|field| is_valid(&field.null_count, n))).collect();
        let mut found: HashMap<usize, ColumnBounds> = HashMap::new();
        for place in places {
            if let Some(column) = columns.get(place) {
                let known = statistics.field(column.id).map(Known::from);
                found.insert(place, column_bounds(column, known, &rows, &is_described)?);
            }
        }
        Ok(Self { schema: Arc::clone(columns.schema()), rows, columns: found })
    }

    /// How many segments there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The statistics of one segment as a source of rows has them: one entry for each of the version's columns.
    ///
    /// The size is that of the columns at `projection`, because that is what a scan of them makes.
    pub(super) fn segment(&self, segment: usize, projection: &[usize]) -> Result<Statistics> {
        let rows = if segment < self.rows.len() { usize::try_from(self.rows.value(segment)).ok() } else { None };
        let num_rows = rows.map_or(Precision::Absent, Precision::Exact);
        let mut column_statistics: Vec<ColumnStatistics> = Vec::with_capacity(self.schema.fields().len());
        for (place, field) in self.schema.fields().iter().enumerate() {
            let known = match self.columns.get(&place) {
                Some(column) => column.segment(segment)?,
                None => ColumnStatistics::new_unknown(),
            };
            let size = num_rows.multiply(&Precision::Inexact(width_bytes(field.data_type())));
            column_statistics.push(known.with_byte_size(size));
        }
        let width: usize = projection
            .iter()
            .filter_map(|place| self.schema.fields().get(*place))
            .map(|field| width_bytes(field.data_type()))
            .sum();
        let total_byte_size = num_rows.multiply(&Precision::Inexact(width));
        Ok(Statistics { num_rows, total_byte_size, column_statistics })
    }

    fn column(&self, column: &Column) -> Option<&ColumnBounds> {
        self.columns.get(&self.schema.index_of(column.name()).ok()?)
    }
}

impl ColumnBounds {
    fn segment(&self, segment: usize) -> Result<ColumnStatistics> {
        let mut known = ColumnStatistics::new_unknown();
        if segment < self.null_count.len() && self.null_count.is_valid(segment) {
            let nulls = usize::try_from(self.null_count.value(segment));
            known.null_count = nulls.map_or(Precision::Absent, Precision::Exact);
        }
        if let Some((min, max)) = &self.range {
            known.min_value = bound(min, segment, &self.min_is_exact)?;
            known.max_value = bound(max, segment, &self.max_is_exact)?;
        }
        Ok(known)
    }
}

fn bound(values: &ArrayRef, segment: usize, is_exact: &[bool]) -> Result<Precision<ScalarValue>> {
    if segment >= values.len() || values.is_null(segment) {
        return Ok(Precision::Absent);
    }
    let value = ScalarValue::try_from_array(values, segment)?;
    let is_exact = is_exact.get(segment).copied().unwrap_or(false);
    Ok(if is_exact { Precision::Exact(value) } else { Precision::Inexact(value) })
}

/// What the catalog keeps of one field.
struct Known<'a> {
    min: &'a ArrayRef,
    max: &'a ArrayRef,
    min_is_exact: &'a BooleanArray,
    max_is_exact: &'a BooleanArray,
    null_count: &'a UInt64Array,
    has_nan: &'a BooleanArray,
}

impl<'a> From<&'a FieldStatistics> for Known<'a> {
    fn from(field: &'a FieldStatistics) -> Self {
        Self {
            min: &field.min,
            max: &field.max,
            min_is_exact: &field.min_exact,
            max_is_exact: &field.max_exact,
            null_count: &field.null_count,
            has_nan: &field.has_nan,
        }
    }
}

fn column_bounds(
    column: &ScanColumn,
    known: Option<Known<'_>>,
    rows: &UInt64Array,
    is_described: &[bool],
) -> Result<ColumnBounds> {
    let has = |n: usize| known.as_ref().is_some_and(|known| is_valid(known.null_count, n));
    let lacks: Vec<bool> = is_described.iter().enumerate().map(|(n, described)| *described && !has(n)).collect();
    let exact = |flags: Option<&BooleanArray>| -> Vec<bool> {
        let flag = |n: usize| flags.is_some_and(|flags| is_valid(flags, n) && flags.value(n));
        lacks.iter().enumerate().map(|(n, lacks)| *lacks || flag(n)).collect()
    };
    let initial_is_null = column.initial.is_null();
    let null_count: UInt64Array = lacks
        .iter()
        .enumerate()
        .map(|(n, lacks)| match &known {
            Some(known) if is_valid(known.null_count, n) => Some(known.null_count.value(n)),
            _ if !*lacks => None,
            _ if initial_is_null => Some(rows.value(n)),
            _ => Some(0),
        })
        .collect();
    let range = if column.data_type().is_nested() {
        None
    } else {
        let min = known.as_ref().map(|known| (known.min, known.has_nan));
        let max = known.as_ref().map(|known| (known.max, known.has_nan));
        Some((bounds_of(column, min, &lacks)?, bounds_of(column, max, &lacks)?))
    };
    Ok(ColumnBounds {
        range,
        min_is_exact: exact(known.as_ref().map(|known| known.min_is_exact)),
        max_is_exact: exact(known.as_ref().map(|known| known.max_is_exact)),
        null_count,
    })
}

/// Lower or upper bounds in the column's type, null where there is none.
fn bounds_of(column: &ScanColumn, known: Option<(&ArrayRef, &BooleanArray)>, lacks: &[bool]) -> Result<ArrayRef> {
    let data_type = column.data_type();
    let bounds: ArrayRef = match known {
        None => new_null_array(data_type, lacks.len()),
        Some((bounds, has_nan)) => {
            let bounds: ArrayRef = cast(bounds, data_type)?;
            if data_type.is_floating() {
                let doubtful: BooleanArray =
                    (0..lacks.len()).map(|n| Some(!is_valid(has_nan, n) || has_nan.value(n))).collect();
                nullif(&bounds, &doubtful)?
            } else {
                bounds
            }
        }
    };
    if column.initial.is_null() || is_nan(&column.initial) || !lacks.contains(&true) {
        return Ok(bounds);
    }
    let lacks = BooleanArray::from(lacks.to_vec());
    Ok(zip(&lacks, &column.initial.to_scalar()?, &bounds)?)
}

fn is_valid(array: &dyn Array, place: usize) -> bool {
    place < array.len() && array.is_valid(place)
}

fn is_nan(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float32(Some(value)) => value.is_nan(),
        ScalarValue::Float64(Some(value)) => value.is_nan(),
        _ => false,
    }
}

impl PruningStatistics for SegmentBounds {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.column(column)?.range.as_ref().map(|(min, _)| Arc::clone(min))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.column(column)?.range.as_ref().map(|(_, max)| Arc::clone(max))
    }

    fn num_containers(&self) -> usize {
        self.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.column(column)?.null_count.clone()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.rows.clone()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
pub(super) mod tests;
