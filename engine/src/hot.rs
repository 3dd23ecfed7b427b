//! Hot rows in memory: each table's are a few growing batches, and a hot segment is a range of one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use frostline_catalog::Version;

/// The longest batch that rows are appended to.
const RUN_ROWS_MAX: usize = 65_536;

/// The hot rows of one table, in the order of their segments' placements.
///
/// * Rows of consecutive segments with one schema share a batch, so that ten thousand commits of a row scan as fast as
///   one of ten thousand rows.
/// * The rows of a version are a prefix, cut from the batches without copying.
/// * A batch is merged with the one before it only if that one is less than twice as long: each row is copied a
///   logarithmic number of times.
#[derive(Clone, Debug, Default)]
pub(crate) struct HotTable {
    runs: Vec<Arc<Run>>,
    segments: usize,
}

#[derive(Debug)]
struct Run {
    rows: RecordBatch,
    segments: Vec<SegmentEnd>,
}

/// Up to which row of its run a segment goes, and from which version on it is there.
#[derive(Clone, Copy, Debug)]
struct SegmentEnd {
    begin: Version,
    end_row: usize,
}

impl HotTable {
    /// How many segments it holds.
    pub(crate) fn segments(&self) -> usize {
        self.segments
    }

    /// The rows that are there at a version.
    pub(crate) fn at(&self, version: Version) -> Vec<RecordBatch> {
        let mut slices = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let there = run.segments.partition_point(|segment| segment.begin <= version);
            let Some(last) = there.checked_sub(1).and_then(|last| run.segments.get(last)) else { break };
            slices.push(run.rows.slice(0, last.end_row));
        }
        slices
    }

    /// The same table with more segments after the others.
    pub(crate) fn appended(&self, segments: Vec<(Version, RecordBatch)>) -> Result<Self, ArrowError> {
        let mut next = self.clone();
        next.segments += segments.len();
        let mut rest = segments.into_iter().peekable();
        while let Some((begin, first)) = rest.next() {
            let mut ends = vec![SegmentEnd { begin, end_row: first.num_rows() }];
            let mut rows = first.num_rows();
            let schema = first.schema();
            let mut batches = vec![first];
            while rows < RUN_ROWS_MAX
                && let Some((begin, batch)) = rest.next_if(|(_, batch)| batch.schema() == schema)
            {
                rows += batch.num_rows();
                ends.push(SegmentEnd { begin, end_row: rows });
                batches.push(batch);
            }
            let rows = if batches.len() == 1 { batches.remove(0) } else { concat_batches(&schema, &batches)? };
            next.push(Run { rows, segments: ends })?;
        }
        Ok(next)
    }

    fn push(&mut self, mut run: Run) -> Result<(), ArrowError> {
        while let Some(last) = self.runs.last() {
            let (before, after) = (last.rows.num_rows(), run.rows.num_rows());
            let fits = before < 2 * after && before + after <= RUN_ROWS_MAX;
            if !fits || last.rows.schema() != run.rows.schema() {
                break;
            }
            let rows = concat_batches(&run.rows.schema(), [&last.rows, &run.rows])?;
            let moved = run.segments.iter().map(|end| SegmentEnd { end_row: end.end_row + before, ..*end });
            let segments = last.segments.iter().copied().chain(moved).collect();
            run = Run { rows, segments };
            self.runs.pop();
        }
        self.runs.push(Arc::new(run));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn batch(values: &[i64]) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        RecordBatch::try_from_iter([("a", column)]).unwrap()
    }

    fn values(table: &HotTable, at: u64) -> Vec<i64> {
        let slices = table.at(version(at));
        slices.iter().flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn a_version_has_the_rows_of_the_segments_placed_by_then() {
        let table =
            HotTable::default().appended(vec![(version(2), batch(&[1, 2])), (version(4), batch(&[3]))]).unwrap();
        let table = table.appended(vec![(version(7), batch(&[4]))]).unwrap();
        let seen: Vec<_> = [1, 2, 3, 4, 6, 7].map(|at| values(&table, at).len()).into();
        assert_eq!(seen, [0, 2, 2, 3, 3, 4]);
        assert_eq!(values(&table, 9), [1, 2, 3, 4]);
        assert_eq!(table.segments(), 3);
    }

    #[test]
    fn ten_thousand_segments_of_a_row_are_few_batches() {
        let mut table = HotTable::default();
        for number in 1..=10_000 {
            table = table.appended(vec![(version(number), batch(&[number as i64]))]).unwrap();
        }
        assert!(table.runs.len() < 20, "{} batches", table.runs.len());
        assert_eq!(values(&table, 10_000), (1..=10_000).collect::<Vec<i64>>());
        assert_eq!(values(&table, 77).len(), 77);
    }

    #[test]
    fn rows_of_another_schema_begin_another_batch() {
        let other = RecordBatch::try_from_iter([("b", Arc::new(Int64Array::from(vec![9])) as ArrayRef)]).unwrap();
        let table = HotTable::default().appended(vec![
            (version(1), batch(&[1])),
            (version(2), other),
            (version(3), batch(&[3])),
        ]);
        assert_eq!(table.unwrap().at(version(3)).len(), 3);
    }
}
