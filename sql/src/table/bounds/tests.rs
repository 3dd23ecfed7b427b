use arrow::array::{Float64Array, Int64Array, StringArray};
use arrow::datatypes::DataType;

use super::super::columns::tests::{column, columns};
use super::*;

/// One column's statistics, a tuple for each segment: least, greatest, nulls, whether there is a NaN. A segment without
/// a null count lacks the column.
#[derive(Clone, Debug)]
pub(in crate::table) struct FieldRows {
    min: ArrayRef,
    max: ArrayRef,
    exact: BooleanArray,
    null_count: UInt64Array,
    has_nan: BooleanArray,
}

impl FieldRows {
    pub(in crate::table) fn new(min: ArrayRef, max: ArrayRef, null_count: Vec<Option<u64>>) -> Self {
        let segments = null_count.len();
        Self {
            min,
            max,
            exact: BooleanArray::from(vec![true; segments]),
            null_count: UInt64Array::from(null_count),
            has_nan: BooleanArray::from(vec![false; segments]),
        }
    }

    fn known(&self) -> Known<'_> {
        Known {
            min: &self.min,
            max: &self.max,
            min_is_exact: &self.exact,
            max_is_exact: &self.exact,
            null_count: &self.null_count,
            has_nan: &self.has_nan,
        }
    }
}

/// The bounds of columns over segments of `rows` rows each.
pub(in crate::table) fn bounds(columns: &ScanColumns, rows: &[u64], fields: &[Option<FieldRows>]) -> SegmentBounds {
    let rows = UInt64Array::from(rows.to_vec());
    let is_described = vec![true; rows.len()];
    let found = columns
        .iter()
        .zip(fields)
        .enumerate()
        .map(|(place, (column, field))| {
            let known = field.as_ref().map(FieldRows::known);
            (place, column_bounds(column, known, &rows, &is_described).unwrap())
        })
        .collect();
    SegmentBounds { schema: Arc::clone(columns.schema()), rows, columns: found }
}

/// Bounds of a column of 64 bit integers.
pub(in crate::table) fn integers(segments: &[Option<(i64, i64)>], nulls: &[Option<u64>]) -> FieldRows {
    let min: ArrayRef = Arc::new(segments.iter().map(|range| range.map(|(min, _)| min)).collect::<Int64Array>());
    let max: ArrayRef = Arc::new(segments.iter().map(|range| range.map(|(_, max)| max)).collect::<Int64Array>());
    FieldRows::new(min, max, nulls.to_vec())
}

fn exact(value: i64) -> Precision<ScalarValue> {
    Precision::Exact(ScalarValue::Int64(Some(value)))
}

#[test]
fn a_segment_without_the_column_has_its_initial_value_in_all_rows() {
    let columns = columns(&[column(1, "a", DataType::Int64, Some("5")), column(2, "b", DataType::Int64, None)]);
    let a = integers(&[Some((1, 9)), None], &[Some(2), None]);
    let bounds = bounds(&columns, &[10, 20], &[Some(a), None]);

    let first = bounds.segment(0, &[0, 1]).unwrap().column_statistics;
    assert_eq!((&first[0].min_value, &first[0].max_value), (&exact(1), &exact(9)));
    assert_eq!(first[0].null_count, Precision::Exact(2));

    let second = bounds.segment(1, &[0, 1]).unwrap().column_statistics;
    assert_eq!((&second[0].min_value, &second[0].max_value), (&exact(5), &exact(5)));
    assert_eq!(second[0].null_count, Precision::Exact(0));
    assert_eq!((&second[1].min_value, &second[1].max_value), (&Precision::Absent, &Precision::Absent));
    assert_eq!(second[1].null_count, Precision::Exact(20));
}

#[test]
fn a_float_column_with_a_nan_has_no_bounds() {
    let columns = columns(&[column(1, "f", DataType::Float64, Some("NaN"))]);
    let min: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(1.0), Some(1.0), None]));
    let mut field = FieldRows::new(Arc::clone(&min), min, vec![Some(0), Some(0), Some(0), None]);
    field.has_nan = BooleanArray::from(vec![Some(false), Some(true), None, None]);
    let bounds = bounds(&columns, &[1, 1, 1, 1], &[Some(field)]);
    let known: Vec<bool> = (0..4)
        .map(|segment| bounds.segment(segment, &[0]).unwrap().column_statistics[0].min_value != Precision::Absent)
        .collect();
    assert_eq!(known, [true, false, false, false]);
}

#[test]
fn a_bound_that_was_cut_is_not_exact() {
    let columns = columns(&[column(1, "s", DataType::Utf8View, None)]);
    let min: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let mut field = FieldRows::new(Arc::clone(&min), min, vec![Some(0)]);
    field.exact = BooleanArray::from(vec![false]);
    let known = &bounds(&columns, &[3], &[Some(field)]).segment(0, &[0]).unwrap().column_statistics[0];
    assert_eq!(known.min_value, Precision::Inexact(ScalarValue::Utf8View(Some("a".to_owned()))));
}

#[test]
fn of_a_segment_that_says_nothing_nothing_is_known() {
    let columns = columns(&[column(1, "a", DataType::Int64, Some("5"))]);
    let rows = vec![SegmentStatistics::unknown_row(10).unwrap(), SegmentStatistics::unknown_row(20).unwrap()];
    let statistics = SegmentStatistics::concat(rows).unwrap();
    let bounds = SegmentBounds::try_new(&columns, [0], &statistics).unwrap();
    let known = bounds.segment(1, &[0]).unwrap();
    assert_eq!(known.num_rows, Precision::Exact(20));
    assert_eq!(known.column_statistics[0].min_value, Precision::Absent);
    assert_eq!(known.column_statistics[0].null_count, Precision::Absent);
}

#[test]
fn the_size_is_that_of_the_projected_columns() {
    let columns = columns(&[column(1, "a", DataType::Int64, None), column(2, "b", DataType::Int32, None)]);
    let bounds = bounds(&columns, &[10], &[None, None]);
    assert_eq!(bounds.segment(0, &[1]).unwrap().total_byte_size, Precision::Inexact(40));
}
