//! The statistics of lists of segments, as far as they are known.

use std::collections::HashMap;
use std::sync::Arc;

use frostline_catalog::{ObjectId, SegmentId};

use super::SegmentStatistics;

/// How many lists are kept of one table.
const LISTS_MAX: usize = 4;

/// How many tables' lists are kept.
const TABLES_MAX: usize = 1024;

/// The statistics of lists of segments, a few lists of each table.
///
/// * A list that grows at its end takes the place of what it was: each segment's statistics are decoded once, however
///   many lists it becomes part of.
/// * What a shorter list begins with, as an older version has it, is cut from a longer one.
#[derive(Debug, Default)]
pub(crate) struct StatisticsLists {
    tables: HashMap<ObjectId, Vec<List>>,
}

#[derive(Debug)]
struct List {
    segments: Vec<SegmentId>,
    statistics: Arc<SegmentStatistics>,
}

impl StatisticsLists {
    /// The statistics of the segments with which a list begins: of as many as are known, at worst of none.
    pub(crate) fn find(&self, table: ObjectId, segments: &[SegmentId]) -> Arc<SegmentStatistics> {
        let lists = self.tables.get(&table).map(Vec::as_slice).unwrap_or_default();
        let known = lists.iter().map(|list| (common(&list.segments, segments), list));
        match known.max_by_key(|(common, _)| *common) {
            Some((common, list)) if common == list.segments.len() => Arc::clone(&list.statistics),
            Some((common, list)) if common > 0 => Arc::new(list.statistics.first(common)),
            _ => Arc::default(),
        }
    }

    /// Keeps the statistics of a list, a row for each of its segments.
    pub(crate) fn keep(&mut self, table: ObjectId, segments: Vec<SegmentId>, statistics: Arc<SegmentStatistics>) {
        if self.tables.len() >= TABLES_MAX && !self.tables.contains_key(&table) {
            self.tables.clear();
        }
        let lists = self.tables.entry(table).or_default();
        if lists.iter().any(|list| list.segments.starts_with(&segments)) {
            return;
        }
        lists.retain(|list| !segments.starts_with(&list.segments));
        if lists.len() >= LISTS_MAX {
            lists.remove(0);
        }
        lists.push(List { segments, statistics });
    }
}

/// With how many segments both lists begin.
fn common(left: &[SegmentId], right: &[SegmentId]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: ObjectId = ObjectId::new(1);

    fn ids(numbers: &[u64]) -> Vec<SegmentId> {
        numbers.iter().map(|number| SegmentId::new(*number)).collect()
    }

    /// Statistics that say of each segment that it has as many rows as its number.
    fn statistics(numbers: &[u64]) -> Arc<SegmentStatistics> {
        let rows = numbers.iter().map(|number| SegmentStatistics::unknown_row(*number).unwrap()).collect();
        Arc::new(SegmentStatistics::concat(rows).unwrap())
    }

    fn keep(lists: &mut StatisticsLists, numbers: &[u64]) {
        lists.keep(TABLE, ids(numbers), statistics(numbers));
    }

    fn found(lists: &StatisticsLists, numbers: &[u64]) -> Vec<u64> {
        lists.find(TABLE, &ids(numbers)).rows().values().to_vec()
    }

    #[test]
    fn of_a_list_that_grew_only_what_was_added_is_unknown() {
        let mut lists = StatisticsLists::default();
        assert_eq!(found(&lists, &[1, 2]), Vec::<u64>::new());
        keep(&mut lists, &[1, 2]);
        assert_eq!(found(&lists, &[1, 2, 3]), [1, 2]);
        assert_eq!(found(&lists, &[1]), [1]);
        assert_eq!(found(&lists, &[1, 7, 8]), [1]);
        assert_eq!(lists.find(ObjectId::new(2), &ids(&[1])).len(), 0);
    }

    #[test]
    fn a_longer_list_takes_the_place_of_its_beginnings() {
        let mut lists = StatisticsLists::default();
        for length in 1..=100 {
            let numbers: Vec<u64> = (0..length).collect();
            keep(&mut lists, &numbers);
        }
        keep(&mut lists, &[0, 1]);
        assert_eq!(lists.tables[&TABLE].len(), 1);
        assert_eq!(found(&lists, &[0, 1, 2]), [0, 1, 2]);
    }

    #[test]
    fn few_lists_of_a_table_are_kept() {
        let mut lists = StatisticsLists::default();
        for number in 1..=100 {
            keep(&mut lists, &[number, number + 1]);
        }
        assert_eq!(lists.tables[&TABLE].len(), LISTS_MAX);
        assert_eq!(found(&lists, &[100, 101]), [100, 101]);
    }
}
