//! Hot rows in memory: a few growing batches, of which each hot segment is a range.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use frostline_catalog::SegmentId;

use crate::positions::Positions;

/// The longest batch that rows are appended to.
const RUN_ROWS_MAX: usize = 65_536;

/// The rows of some hot segments of one table, those that were asked for so far.
///
/// * Rows of segments with one schema share batches, so that ten thousand commits of a row scan as fast as one of ten
///   thousand rows, whichever of them live.
/// * Living rows come as at most one batch of each shared one: cut from it without copying if they stand together and
///   none of them is dead, otherwise filtered by one mask. The last such result is kept, as the next scan mostly asks
///   for the same.
/// * A batch is merged with the one before it only if that one is less than twice as long: each row is copied a
///   logarithmic number of times.
#[derive(Clone, Debug, Default)]
pub(crate) struct HotTable {
    runs: Vec<Arc<Run>>,
}

/// Some rows of hot segments that share a batch.
#[derive(Clone, Debug)]
pub struct HotPart {
    /// The rows, as they were written. The fields carry field ids.
    pub rows: RecordBatch,
    /// Where each of them is from.
    pub origins: Vec<HotOrigin>,
}

/// Where a hot row is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotOrigin {
    /// The segment, by its place among those that were asked for.
    pub segment: usize,
    /// The row's position in the segment.
    pub position: u64,
}

/// A segment of which some rows are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Its place among those that are asked for.
    pub(crate) segment: usize,
    pub(crate) place: Place,
    /// A bit for each of its rows, set if the row is asked for; `None` if all are.
    pub(crate) kept: Option<&'a BooleanBuffer>,
}

/// Where the rows of a segment are. It holds for the value that gave it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    run: usize,
    begin: usize,
    end: usize,
}

/// A batch that segments share.
#[derive(Debug)]
struct Run {
    rows: RecordBatch,
    /// By segment.
    members: Vec<Member>,
    filtered: Mutex<Option<Filtered>>,
}

/// Which of a run's rows a segment's are.
#[derive(Clone, Copy, Debug)]
struct Member {
    segment: SegmentId,
    begin: usize,
    end: usize,
}

/// The rows of a run that a mask leaves.
#[derive(Debug)]
struct Filtered {
    mask: BooleanBuffer,
    rows: RecordBatch,
}

/// What is asked of one run.
struct Part<'a> {
    run: usize,
    ranges: Vec<Range<usize>>,
    dead: Vec<(Place, &'a Positions)>,
}

impl HotTable {
    /// Where the rows of some segments are, in the order given; or the places among them of those that are not here.
    pub(crate) fn places(&self, segments: impl Iterator<Item = SegmentId>) -> Result<Vec<Place>, Vec<usize>> {
        let mut places: Vec<Place> = Vec::with_capacity(segments.size_hint().0);
        let mut missing: Vec<usize> = Vec::new();
        let mut finder = Finder { runs: &self.runs, last: 0, next: vec![0; self.runs.len()] };
        for (place, segment) in segments.enumerate() {
            match finder.find(segment) {
                Some(found) => places.push(found),
                None => missing.push(place),
            }
        }
        if missing.is_empty() { Ok(places) } else { Err(missing) }
    }

    /// Some rows of some segments, in few parts: one for each shared batch, unless a segment is asked for twice.
    pub(crate) fn parts<'a>(&self, asked: impl Iterator<Item = Asked<'a>>) -> Result<Vec<HotPart>, ArrowError> {
        let mut times: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut by_run: BTreeMap<(usize, usize), Vec<Asked<'a>>> = BTreeMap::new();
        for one in asked {
            let time = times.entry((one.place.run, one.place.begin)).or_default();
            by_run.entry((*time, one.place.run)).or_default().push(one);
            *time += 1;
        }
        by_run.into_iter().map(|((_, run), asked)| self.runs[run].part(asked)).collect()
    }

    /// The living rows of some segments, each given with the positions of its dead rows, in few batches.
    pub(crate) fn living<'a>(
        &self,
        segments: impl Iterator<Item = (Place, Option<&'a Positions>)>,
    ) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut parts: Vec<Part<'a>> = Vec::new();
        let mut part_of_run: Vec<Option<usize>> = vec![None; self.runs.len()];
        for (place, dead) in segments {
            let part = match part_of_run[place.run] {
                Some(part) => part,
                None => {
                    parts.push(Part { run: place.run, ranges: Vec::new(), dead: Vec::new() });
                    part_of_run[place.run] = Some(parts.len() - 1);
                    parts.len() - 1
                }
            };
            parts[part].add(place, dead);
        }
        parts.into_iter().map(|part| self.runs[part.run].living(part)).collect()
    }

    /// The same table with more segments.
    pub(crate) fn appended(&self, segments: Vec<(SegmentId, RecordBatch)>) -> Result<Self, ArrowError> {
        let mut next = self.clone();
        for (schema, segments) in by_schema(segments) {
            let mut rest = segments.into_iter();
            while let Some((segment, first)) = rest.next() {
                let mut rows = first.num_rows();
                let mut members = vec![Member { segment, begin: 0, end: rows }];
                let mut batches = vec![first];
                while rows < RUN_ROWS_MAX
                    && let Some((segment, batch)) = rest.next()
                {
                    let end = rows + batch.num_rows();
                    members.push(Member { segment, begin: rows, end });
                    batches.push(batch);
                    rows = end;
                }
                let rows = if batches.len() == 1 { batches.remove(0) } else { concat_batches(&schema, &batches)? };
                next.push(Run::new(rows, members))?;
            }
        }
        Ok(next)
    }

    fn push(&mut self, mut run: Run) -> Result<(), ArrowError> {
        while let Some(place) = self.runs.iter().rposition(|before| before.rows.schema() == run.rows.schema()) {
            let last = &self.runs[place];
            let (before, after) = (last.rows.num_rows(), run.rows.num_rows());
            if before >= 2 * after || before + after > RUN_ROWS_MAX {
                break;
            }
            let rows = concat_batches(&run.rows.schema(), [&last.rows, &run.rows])?;
            let moved = |member: &Member| Member { begin: member.begin + before, end: member.end + before, ..*member };
            let members = last.members.iter().copied().chain(run.members.iter().map(moved)).collect();
            run = Run::new(rows, members);
            self.runs.remove(place);
        }
        self.runs.push(Arc::new(run));
        Ok(())
    }
}

/// Segments by their schema, otherwise in the order given.
fn by_schema(segments: Vec<(SegmentId, RecordBatch)>) -> Vec<(SchemaRef, Vec<(SegmentId, RecordBatch)>)> {
    let mut groups: Vec<(SchemaRef, Vec<(SegmentId, RecordBatch)>)> = Vec::new();
    for (segment, rows) in segments {
        let schema = rows.schema();
        match groups.iter_mut().find(|(known, _)| *known == schema) {
            Some((_, group)) => group.push((segment, rows)),
            None => groups.push((schema, vec![(segment, rows)])),
        }
    }
    groups
}

/// Finds segments that are mostly asked for in the order in which they were appended.
struct Finder<'a> {
    runs: &'a [Arc<Run>],
    /// The run in which one was found last.
    last: usize,
    /// For each run, which of its members comes after the one found last.
    next: Vec<usize>,
}

impl Finder<'_> {
    fn find(&mut self, segment: SegmentId) -> Option<Place> {
        let (run, member) = self.expected(segment).or_else(|| self.search(segment))?;
        (self.last, self.next[run]) = (run, member + 1);
        let Member { begin, end, .. } = self.runs[run].members[member];
        Some(Place { run, begin, end })
    }

    fn expected(&self, segment: SegmentId) -> Option<(usize, usize)> {
        let is_next = |run: &usize| {
            let members: &[Member] = self.runs.get(*run).map(|run| run.members.as_slice()).unwrap_or_default();
            let next: Option<&Member> = self.next.get(*run).and_then(|member| members.get(*member));
            next.is_some_and(|member| member.segment == segment)
        };
        let run = std::iter::once(self.last).chain(0..self.runs.len()).find(is_next)?;
        Some((run, self.next[run]))
    }

    fn search(&self, segment: SegmentId) -> Option<(usize, usize)> {
        self.runs.iter().enumerate().find_map(|(place, run)| {
            let member = run.members.binary_search_by_key(&segment, |member| member.segment).ok()?;
            Some((place, member))
        })
    }
}

impl Run {
    fn new(rows: RecordBatch, mut members: Vec<Member>) -> Self {
        members.sort_by_key(|member| member.segment);
        Self { rows, members, filtered: Mutex::default() }
    }

    /// The rows of the asked segments that are not dead.
    fn living(&self, mut part: Part<'_>) -> Result<RecordBatch, ArrowError> {
        if let ([only], true) = (part.ranges.as_slice(), part.dead.is_empty()) {
            return Ok(self.rows.slice(only.start, only.len()));
        }
        part.ranges.sort_unstable_by_key(|range| range.start);
        let all = self.rows.num_rows();
        let mut bits = BooleanBufferBuilder::new(all);
        for range in &part.ranges {
            let gap = range.start.saturating_sub(bits.len());
            bits.append_n(gap, false);
            bits.append_n(range.len(), true);
        }
        let rest = all.saturating_sub(bits.len());
        bits.append_n(rest, false);
        for (place, dead) in &part.dead {
            let rows = (place.end - place.begin) as u64;
            for position in dead.iter().take_while(|position| *position < rows) {
                bits.set_bit(place.begin + position as usize, false);
            }
        }
        self.filter(bits.finish())
    }

    /// The asked rows of segments, none of which is there twice.
    fn part(&self, mut asked: Vec<Asked<'_>>) -> Result<HotPart, ArrowError> {
        asked.sort_unstable_by_key(|one| one.place.begin);
        let all = self.rows.num_rows();
        let mut bits = BooleanBufferBuilder::new(all);
        let mut origins: Vec<HotOrigin> = Vec::new();
        for Asked { segment, place, kept } in asked {
            let rows = place.end - place.begin;
            let gap = place.begin.saturating_sub(bits.len());
            bits.append_n(gap, false);
            let origin = |position: usize| HotOrigin { segment, position: position as u64 };
            match kept {
                None => {
                    bits.append_n(rows, true);
                    origins.extend((0..rows).map(origin));
                }
                Some(kept) if kept.len() == rows => {
                    bits.append_buffer(kept);
                    origins.extend(kept.set_indices().map(origin));
                }
                Some(kept) => {
                    let message = format!("{} rows of a hot segment are told apart, and it has {rows}", kept.len());
                    return Err(ArrowError::InvalidArgumentError(message));
                }
            }
        }
        let rest = all.saturating_sub(bits.len());
        bits.append_n(rest, false);
        let rows = match origins.len() == all {
            true => self.rows.clone(),
            false => filter_record_batch(&self.rows, &BooleanArray::new(bits.finish(), None))?,
        };
        Ok(HotPart { rows, origins })
    }

    fn filter(&self, mask: BooleanBuffer) -> Result<RecordBatch, ArrowError> {
        let known = self.filtered().as_ref().filter(|known| known.mask == mask).map(|known| known.rows.clone());
        if let Some(rows) = known {
            return Ok(rows);
        }
        let rows = filter_record_batch(&self.rows, &BooleanArray::new(mask.clone(), None))?;
        *self.filtered() = Some(Filtered { mask, rows: rows.clone() });
        Ok(rows)
    }

    fn filtered(&self) -> MutexGuard<'_, Option<Filtered>> {
        self.filtered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Part<'a> {
    fn add(&mut self, place: Place, dead: Option<&'a Positions>) {
        match self.ranges.last_mut() {
            Some(last) if last.end == place.begin => last.end = place.end,
            _ => self.ranges.push(place.begin..place.end),
        }
        if let Some(dead) = dead {
            self.dead.push((place, dead));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> SegmentId {
        SegmentId::new(number)
    }

    fn batch_of(name: &str, values: &[i64]) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        RecordBatch::try_from_iter([(name, column)]).unwrap()
    }

    fn batch(values: &[i64]) -> RecordBatch {
        batch_of("a", values)
    }

    /// The living rows of segments, each with the positions of its dead rows.
    fn living(table: &HotTable, segments: &[(u64, Positions)]) -> Vec<RecordBatch> {
        let places = table.places(segments.iter().map(|(segment, _)| id(*segment))).unwrap();
        let dead = segments.iter().map(|(_, dead)| Some(dead).filter(|dead| !dead.is_empty()));
        table.living(places.into_iter().zip(dead)).unwrap()
    }

    fn all_of(segments: impl IntoIterator<Item = u64>) -> Vec<(u64, Positions)> {
        segments.into_iter().map(|segment| (segment, Positions::new())).collect()
    }

    fn values(batches: &[RecordBatch]) -> Vec<i64> {
        batches.iter().flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    fn one_by_one(segments: impl IntoIterator<Item = u64>) -> HotTable {
        segments.into_iter().fold(HotTable::default(), |table, number| {
            table.appended(vec![(id(number), batch(&[number as i64]))]).unwrap()
        })
    }

    #[test]
    fn the_living_rows_are_those_of_the_asked_segments_that_are_not_dead() {
        let table = HotTable::default().appended(vec![(id(2), batch(&[1, 2])), (id(4), batch(&[3]))]).unwrap();
        let table = table.appended(vec![(id(7), batch(&[4, 5, 6]))]).unwrap();
        assert_eq!(values(&living(&table, &all_of([2, 4, 7]))), [1, 2, 3, 4, 5, 6]);
        assert_eq!(values(&living(&table, &all_of([4]))), [3]);
        assert_eq!(values(&living(&table, &all_of([2, 7]))), [1, 2, 4, 5, 6]);
        let some = [(2, Positions::from_iter([0])), (4, Positions::new()), (7, Positions::from_iter([1, 2]))];
        assert_eq!(values(&living(&table, &some)), [2, 3, 4]);
        assert!(living(&table, &[]).is_empty());
    }

    /// The values of a part, and where each row is from.
    type Part = (Vec<i64>, Vec<(usize, u64)>);

    /// The parts of segments, each given with its kept positions, as text: values and where they are from.
    fn parts(table: &HotTable, asked: &[(u64, Option<&BooleanBuffer>)]) -> Vec<Part> {
        let places = table.places(asked.iter().map(|(segment, _)| id(*segment))).unwrap();
        let asked = asked.iter().zip(places).enumerate();
        let parts = table.parts(asked.map(|(segment, ((_, kept), place))| Asked { segment, place, kept: *kept }));
        let shown = |part: HotPart| {
            let places = part.origins.iter().map(|origin| (origin.segment, origin.position));
            (values(&[part.rows]), places.collect::<Vec<(usize, u64)>>())
        };
        parts.unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn asked_rows_are_told_with_their_places() {
        let table = HotTable::default().appended(vec![(id(2), batch(&[1, 2])), (id(4), batch(&[3]))]).unwrap();
        let table = table.appended(vec![(id(7), batch(&[4, 5, 6]))]).unwrap();
        let (ends, second) = (BooleanBuffer::from(vec![true, false, true]), BooleanBuffer::from(vec![false, true]));
        let of_all = (vec![1, 2, 3, 4, 5, 6], vec![(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (2, 2)]);
        assert_eq!(parts(&table, &[(2, None), (4, None), (7, None)]), [of_all]);
        let of_some = (vec![2, 4, 6], vec![(1, 1), (0, 0), (0, 2)]);
        assert_eq!(parts(&table, &[(7, Some(&ends)), (2, Some(&second))]), [of_some]);
        let twice = parts(&table, &[(2, Some(&second)), (2, None)]);
        assert_eq!(twice, [(vec![2], vec![(0, 1)]), (vec![1, 2], vec![(1, 0), (1, 1)])]);
        assert!(parts(&table, &[]).is_empty());
    }

    #[test]
    fn rows_of_ten_thousand_segments_are_few_parts() {
        let table = one_by_one(1..=10_000);
        let odd: Vec<(u64, Option<&BooleanBuffer>)> =
            (1..=10_000).filter(|number| number % 2 == 1).map(|number| (number, None)).collect();
        let found = parts(&table, &odd);
        assert!(found.len() < 20, "{} parts", found.len());
        assert_eq!(found.iter().map(|(values, _)| values.len()).sum::<usize>(), 5_000);
    }

    #[test]
    fn segments_that_are_not_there_are_told() {
        let table = one_by_one([2, 3]);
        assert_eq!(table.places([1, 2, 3, 9].map(id).into_iter()).unwrap_err(), [0, 3]);
        assert_eq!(HotTable::default().places([id(1)].into_iter()).unwrap_err(), [0]);
    }

    #[test]
    fn ten_thousand_segments_of_a_row_are_few_batches_whichever_live() {
        let table = one_by_one(1..=10_000);
        assert!(table.runs.len() < 20, "{} batches", table.runs.len());
        assert_eq!(values(&living(&table, &all_of(1..=10_000))), (1..=10_000).collect::<Vec<i64>>());
        assert_eq!(values(&living(&table, &all_of(1..=77))).len(), 77);
        let odd = living(&table, &all_of((1..=10_000).filter(|number| number % 2 == 1)));
        assert!(odd.len() < 20, "{} batches", odd.len());
        assert_eq!(values(&odd), (1..=10_000).filter(|number| number % 2 == 1).collect::<Vec<i64>>());
    }

    #[test]
    fn segments_that_are_asked_for_late_join_the_others() {
        let table = one_by_one((1..=1000).filter(|number| number % 2 == 1));
        let table = table.appended((1..=500).map(|half| (id(2 * half), batch(&[2 * half as i64]))).collect()).unwrap();
        let batches = living(&table, &all_of(1..=1000));
        assert!(batches.len() < 20, "{} batches", batches.len());
        let mut found = values(&batches);
        found.sort_unstable();
        assert_eq!(found, (1..=1000).collect::<Vec<i64>>());
    }

    #[test]
    fn segments_of_two_schemas_by_turns_are_few_batches() {
        let segments = (1..=1000).map(|number| {
            let name = if number % 2 == 0 { "a" } else { "b" };
            (id(number), batch_of(name, &[number as i64]))
        });
        let at_once = HotTable::default().appended(segments.clone().collect()).unwrap();
        assert_eq!(at_once.runs.len(), 2);
        let mut table = HotTable::default();
        for segment in segments {
            table = table.appended(vec![segment]).unwrap();
        }
        assert!(table.runs.len() < 30, "{} batches", table.runs.len());
        for table in [at_once, table] {
            let batches = living(&table, &all_of(1..=1000));
            assert!(batches.iter().all(|rows| rows.num_columns() == 1) && values(&batches).len() == 1000);
        }
    }

    #[test]
    fn living_rows_that_stand_together_are_not_copied() {
        let table = HotTable::default().appended((0..9).map(|n| (id(n), batch(&[0, 1, 2]))).collect()).unwrap();
        let begin = |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().as_ptr();
        let whole = begin(&table.runs[0].rows);
        let found = living(&table, &all_of(2..5));
        assert_eq!((found.len(), found[0].num_rows()), (1, 9));
        assert_eq!(begin(&found[0]), whole.wrapping_add(6));
    }

    #[test]
    fn rows_are_filtered_once_for_scans_that_ask_for_the_same() {
        let table = HotTable::default().appended(vec![(id(1), batch(&[1, 2, 3]))]).unwrap();
        let begin = |rows: &[RecordBatch]| rows[0].column(0).as_primitive::<Int64Type>().values().as_ptr();
        let (first, second) = ([(1, Positions::from_iter([1]))], [(1, Positions::from_iter([0]))]);
        let found = living(&table, &first);
        assert_eq!(begin(&living(&table, &first)), begin(&found));
        assert_eq!((values(&living(&table, &second)), values(&living(&table, &first))), (vec![2, 3], vec![1, 3]));
    }

    proptest! {
        /// Segments in any order of arrival and of any sizes; any of them asked for, with any rows dead.
        #[test]
        fn a_scan_gives_what_a_naive_one_does(
            sizes in vec(1_u64..40, 1..60),
            arrival in vec(any::<u32>(), 60),
            steps in vec(1_usize..9, 60),
            asked in vec(any::<bool>(), 60),
            dead in vec(any::<u64>(), 60),
        ) {
            let rows: BTreeMap<u64, Vec<i64>> = (0..).zip(&sizes).map(|(segment, size)| {
                (segment, (0..*size as i64).map(|row| segment as i64 * 1000 + row).collect())
            }).collect();
            let mut order: Vec<u64> = rows.keys().copied().collect();
            order.sort_by_key(|segment| arrival[*segment as usize]);
            let mut table = HotTable::default();
            let mut rest = order.as_slice();
            for step in steps {
                let (now, later) = rest.split_at(step.min(rest.len()));
                table = table.appended(now.iter().map(|one| (id(*one), batch(&rows[one]))).collect()).unwrap();
                rest = later;
            }
            let there: Vec<(u64, Positions)> = rows.iter()
                .filter(|(segment, _)| asked[**segment as usize] && !rest.contains(*segment))
                .map(|(segment, values)| {
                    // The first row always lives: a segment without living rows is not asked for.
                    let bits = dead[*segment as usize];
                    (*segment, (1..values.len() as u64).filter(|row| (bits >> row) & 1 == 1).collect())
                })
                .collect();
            let mut expected: Vec<i64> = Vec::new();
            for (segment, dead) in &there {
                let living = rows[segment].iter().zip(0_u64..).filter(|(_, row)| !dead.contains(*row));
                expected.extend(living.map(|(value, _)| *value));
            }
            let mut found = values(&living(&table, &there));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
