//! Putting statistics of parts together into statistics of the whole.

use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};

/// The statistics of parts that together are the whole; each part has statistics of `columns` columns.
///
/// * A part whose values of a column are all null says nothing of its least and greatest value, and needs not.
/// * What is unknown of one part is unknown of the whole.
pub(super) fn merge<'a>(parts: impl IntoIterator<Item = &'a Statistics>, columns: usize) -> Statistics {
    let nothing =
        ColumnStatistics::new_unknown().with_null_count(Precision::Exact(0)).with_byte_size(Precision::Exact(0));
    let mut whole = Statistics {
        num_rows: Precision::Exact(0),
        total_byte_size: Precision::Exact(0),
        column_statistics: vec![nothing; columns],
    };
    let mut has_values: Vec<bool> = vec![false; columns];
    for part in parts {
        whole.num_rows = whole.num_rows.add(&part.num_rows);
        whole.total_byte_size = whole.total_byte_size.add(&part.total_byte_size);
        let merged = whole.column_statistics.iter_mut().zip(&part.column_statistics).zip(&mut has_values);
        for ((column, added), has_values) in merged {
            let all_null = is_all_null(part, added);
            if !all_null && !*has_values {
                column.min_value = added.min_value.clone();
                column.max_value = added.max_value.clone();
                *has_values = true;
            } else if !all_null {
                column.min_value = column.min_value.min(&added.min_value);
                column.max_value = column.max_value.max(&added.max_value);
            }
            column.null_count = column.null_count.add(&added.null_count);
            column.byte_size = column.byte_size.add(&added.byte_size);
        }
    }
    whole
}

/// The statistics of so many of some rows, given those of all. None is exact: a bound may be the value of a dead row.
pub(super) fn of_some_rows(all: Statistics, rows: usize) -> Statistics {
    let share = match all.num_rows.get_value() {
        Some(count) if *count > 0 => rows as f64 / *count as f64,
        _ => 1.0,
    };
    let mut some = all.to_inexact();
    some.num_rows = Precision::Inexact(rows);
    some.total_byte_size = some.total_byte_size.with_estimated_selectivity(share);
    for column in &mut some.column_statistics {
        column.byte_size = column.byte_size.with_estimated_selectivity(share);
        column.null_count = column.null_count.with_estimated_selectivity(share);
    }
    some
}

/// Whether a column of a part is known to hold nulls only.
fn is_all_null(part: &Statistics, column: &ColumnStatistics) -> bool {
    match (part.num_rows, column.null_count) {
        (Precision::Exact(rows), Precision::Exact(nulls)) => rows == nulls,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;

    use super::*;

    fn part(rows: usize, nulls: usize, bounds: Option<(i64, i64)>) -> Statistics {
        let mut column = ColumnStatistics::new_unknown().with_null_count(Precision::Exact(nulls));
        if let Some((min, max)) = bounds {
            column.min_value = Precision::Exact(ScalarValue::Int64(Some(min)));
            column.max_value = Precision::Exact(ScalarValue::Int64(Some(max)));
        }
        Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Exact(8 * rows),
            column_statistics: vec![column],
        }
    }

    fn check(parts: &[Statistics], rows: usize, bounds: Option<(i64, i64)>) {
        let whole = merge(parts, 1);
        assert_eq!(whole.num_rows, Precision::Exact(rows));
        let expected = |value: i64| Precision::Exact(ScalarValue::Int64(Some(value)));
        let unknown = (Precision::Absent, Precision::Absent);
        let (min, max) = bounds.map_or(unknown, |(min, max)| (expected(min), expected(max)));
        assert_eq!(whole.column_statistics[0].min_value, min);
        assert_eq!(whole.column_statistics[0].max_value, max);
    }

    #[test]
    fn nothing_has_no_rows() {
        check(&[], 0, None);
    }

    #[test]
    fn the_whole_ranges_from_the_least_to_the_greatest_of_the_parts() {
        check(&[part(2, 0, Some((3, 5))), part(4, 1, Some((1, 4)))], 6, Some((1, 5)));
    }

    #[test]
    fn a_part_of_nulls_only_does_not_hide_the_range() {
        check(&[part(2, 2, None), part(4, 0, Some((1, 4))), part(1, 1, None)], 7, Some((1, 4)));
    }

    #[test]
    fn nothing_is_exact_of_some_rows() {
        let some = of_some_rows(part(10, 4, Some((1, 9))), 5);
        assert_eq!(some.num_rows, Precision::Inexact(5));
        assert_eq!(some.total_byte_size, Precision::Inexact(40));
        let column = &some.column_statistics[0];
        assert_eq!(column.null_count, Precision::Inexact(2));
        assert_eq!(column.min_value, Precision::Inexact(ScalarValue::Int64(Some(1))));
        assert_eq!(column.max_value, Precision::Inexact(ScalarValue::Int64(Some(9))));
    }

    #[test]
    fn a_part_whose_range_is_unknown_hides_the_range() {
        check(&[part(2, 0, Some((1, 2))), part(4, 0, None)], 6, None);
        check(&[part(4, 0, None), part(2, 0, Some((1, 2)))], 6, None);
    }
}
