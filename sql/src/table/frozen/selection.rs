//! Which rows of a file need not be decoded at all.
//!
//! A filter on row numbers is cheaper than leaving scattered rows out while they are decoded. It pays to leave rows out
//! where few come out, as for the row that a key names among millions, and where a long run of rows is dead.

use std::ops::Range;

use arrow::buffer::BooleanBuffer;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use parquet::arrow::arrow_reader::RowSelection;

/// Where fewer than one row of so many comes out, only those are decoded.
const ROWS_FOR_ONE: usize = 100;

/// From how many rows on, none of which comes out, a run of rows is not decoded. This is a few pages of each column.
const RUN_ROWS_MIN: usize = 65_536;

/// How many rows a word of bits has.
const WORD_ROWS: usize = 64;

/// The rows to decode, given a bit for each row of the file; `None` if all are.
///
/// * Every row whose bit is set is decoded. Others may be, so the rows still go through a filter.
pub(super) fn selection(kept: &BooleanBuffer) -> Option<ParquetRowSelection> {
    let rows = kept.len();
    let ranges: Vec<Range<usize>> = if kept.count_set_bits().saturating_mul(ROWS_FOR_ONE) < rows {
        kept.set_slices().map(|(begin, end)| begin..end).collect()
    } else {
        let runs = long_runs(kept);
        if runs.is_empty() {
            return None;
        }
        between(&runs, rows)
    };
    Some(ParquetRowSelection::new(RowSelection::from_consecutive_ranges(ranges.into_iter(), rows)))
}

/// Runs of rows that do not come out, as long as makes it worthwhile, in whole words.
fn long_runs(kept: &BooleanBuffer) -> Vec<Range<usize>> {
    let rows = kept.len();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut add = |run: Range<usize>| {
        if run.len() >= RUN_ROWS_MIN {
            runs.push(run);
        }
    };
    let mut begin: Option<usize> = None;
    let mut row: usize = 0;
    for word in kept.bit_chunks().iter_padded() {
        if word == 0 {
            begin = begin.or(Some(row));
        } else if let Some(begin) = begin.take() {
            add(begin..row);
        }
        row = (row + WORD_ROWS).min(rows);
    }
    if let Some(begin) = begin {
        add(begin..rows);
    }
    runs
}

/// What lies between runs of rows, and before and behind them.
fn between(runs: &[Range<usize>], rows: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(runs.len() + 1);
    let mut end: usize = 0;
    for run in runs {
        ranges.push(end..run.start);
        end = run.end;
    }
    ranges.push(end..rows);
    ranges.retain(|range| !range.is_empty());
    ranges
}

#[cfg(test)]
mod tests {
    use parquet::arrow::arrow_reader::RowSelector;

    use super::*;

    fn bits(rows: usize, kept: impl Fn(usize) -> bool) -> BooleanBuffer {
        BooleanBuffer::collect_bool(rows, kept)
    }

    fn check(kept: &BooleanBuffer, expected: &[(usize, bool)]) {
        let found: Vec<RowSelector> = selection(kept).map(|found| found.into_inner().into()).unwrap_or_default();
        let found: Vec<(usize, bool)> = found.iter().map(|part| (part.row_count, !part.skip)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn scattered_dead_rows_are_decoded() {
        assert_eq!(selection(&bits(1_000_000, |row| row % 10 != 0)), None);
        assert_eq!(selection(&bits(1_000, |_| true)), None);
    }

    #[test]
    fn of_a_million_rows_of_which_two_come_out_two_are_decoded() {
        let kept = bits(1_000_000, |row| row == 7 || row == 999_999);
        check(&kept, &[(7, false), (1, true), (999_991, false), (1, true)]);
    }

    #[test]
    fn a_long_run_of_dead_rows_is_not_decoded() {
        let kept = bits(200_000, |row| !(6_400..106_400).contains(&row));
        check(&kept, &[(6_400, true), (100_000 - 32, false), (93_600 + 32, true)]);
        check(&bits(200_001, |row| row < 64_000), &[(64_000, true), (136_001, false)]);
    }

    #[test]
    fn the_selection_covers_every_row_of_the_file() {
        for rows in [1, 63, 64, 65, 131_072, 131_100] {
            let kept = bits(rows, |row| row == 0);
            let parts: Vec<RowSelector> = selection(&kept).map(|found| found.into_inner().into()).unwrap_or_default();
            let total: usize = parts.iter().map(|part| part.row_count).sum();
            assert!(parts.is_empty() || total == rows, "{rows}");
        }
    }
}
