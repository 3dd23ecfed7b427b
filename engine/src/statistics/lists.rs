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
/// * Of a list that has lost segments in its middle, or shares some with another table's, only what that other list
///   does not have is unknown.
/// * The lists given up first are those that were used least recently.
#[derive(Debug, Default)]
pub(crate) struct StatisticsLists {
    tables: HashMap<ObjectId, Vec<List>>,
}

#[derive(Debug)]
struct List {
    segments: Vec<SegmentId>,
    statistics: Arc<SegmentStatistics>,
}

/// What is known of the segments of a list.
#[derive(Debug)]
pub(crate) enum Known {
    /// The statistics of all, in their order.
    Whole(Arc<SegmentStatistics>),
    /// The statistics of a list that has some of them.
    Part {
        /// The statistics of that list.
        statistics: Arc<SegmentStatistics>,
        /// For each segment that was asked for, its place in that list.
        rows: Vec<Option<usize>>,
    },
}

impl StatisticsLists {
    /// What is known of a list's segments, from the lists of the tables that placed them.
    pub(crate) fn find(&mut self, owners: [ObjectId; 2], segments: &[SegmentId]) -> Known {
        for owner in owners {
            if let Some(statistics) = self.whole(owner, segments) {
                return Known::Whole(statistics);
            }
        }
        self.part(owners, segments)
    }

    fn whole(&mut self, owner: ObjectId, segments: &[SegmentId]) -> Option<Arc<SegmentStatistics>> {
        let lists = self.tables.get_mut(&owner)?;
        let place = lists.iter().position(|list| list.segments.starts_with(segments))?;
        let list = lists.remove(place);
        let statistics = if list.segments.len() == segments.len() {
            Arc::clone(&list.statistics)
        } else {
            Arc::new(list.statistics.first(segments.len()))
        };
        lists.push(list);
        Some(statistics)
    }

    /// The list that has most of the segments.
    fn part(&self, owners: [ObjectId; 2], segments: &[SegmentId]) -> Known {
        let asked: HashMap<SegmentId, usize> = segments.iter().copied().zip(0..).collect();
        let shared = |list: &&List| list.segments.iter().filter(|segment| asked.contains_key(*segment)).count();
        let lists = owners.iter().filter_map(|owner| self.tables.get(owner)).flatten();
        let mut rows: Vec<Option<usize>> = vec![None; segments.len()];
        let Some(best) = lists.max_by_key(shared) else { return Known::Part { statistics: Arc::default(), rows } };
        for (row, segment) in best.segments.iter().enumerate() {
            if let Some(place) = asked.get(segment) {
                rows[*place] = Some(row);
            }
        }
        Known::Part { statistics: Arc::clone(&best.statistics), rows }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: ObjectId = ObjectId::new(1);
    const OTHER: ObjectId = ObjectId::new(2);

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

    /// Which of some segments something is known of. What is known of each must be right.
    fn found_in(lists: &mut StatisticsLists, owners: [ObjectId; 2], numbers: &[u64]) -> Vec<u64> {
        match lists.find(owners, &ids(numbers)) {
            Known::Whole(statistics) => {
                assert_eq!(statistics.rows().values().to_vec(), numbers);
                numbers.to_vec()
            }
            Known::Part { statistics, rows } => {
                assert_eq!(rows.len(), numbers.len());
                let known = rows.into_iter().zip(numbers).filter_map(|(row, number)| Some((row?, *number)));
                known
                    .map(|(row, number)| {
                        assert_eq!(statistics.rows().value(row), number);
                        number
                    })
                    .collect()
            }
        }
    }

    fn found(lists: &mut StatisticsLists, numbers: &[u64]) -> Vec<u64> {
        found_in(lists, [TABLE, TABLE], numbers)
    }

    #[test]
    fn of_a_list_that_grew_only_what_was_added_is_unknown() {
        let mut lists = StatisticsLists::default();
        assert_eq!(found(&mut lists, &[1, 2]), Vec::<u64>::new());
        keep(&mut lists, &[1, 2]);
        assert_eq!(found(&mut lists, &[1, 2, 3]), [1, 2]);
        assert_eq!(found(&mut lists, &[1]), [1]);
        assert_eq!(found(&mut lists, &[1, 7, 8]), [1]);
        assert_eq!(found_in(&mut lists, [OTHER, OTHER], &[1]), Vec::<u64>::new());
    }

    #[test]
    fn of_a_list_that_lost_segments_in_its_middle_only_what_was_added_is_unknown() {
        let mut lists = StatisticsLists::default();
        keep(&mut lists, &[1, 2, 3, 4, 5]);
        assert_eq!(found(&mut lists, &[1, 3, 5, 6]), [1, 3, 5]);
        assert_eq!(found(&mut lists, &[5, 4]), [5, 4]);
    }

    #[test]
    fn a_cloned_table_knows_what_is_known_of_its_source() {
        let mut lists = StatisticsLists::default();
        keep(&mut lists, &[1, 2, 3]);
        assert_eq!(found_in(&mut lists, [OTHER, TABLE], &[1, 2, 9]), [1, 2]);
        lists.keep(OTHER, ids(&[1, 2, 9]), statistics(&[1, 2, 9]));
        assert!(matches!(lists.find([OTHER, TABLE], &ids(&[1, 2, 9])), Known::Whole(_)));
        assert!(matches!(lists.find([TABLE, TABLE], &ids(&[1, 2, 3])), Known::Whole(_)));
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
        assert_eq!(found(&mut lists, &[0, 1, 2]), [0, 1, 2]);
    }

    #[test]
    fn few_lists_of_a_table_are_kept_and_those_in_use_longest() {
        let mut lists = StatisticsLists::default();
        for number in 1..=100 {
            keep(&mut lists, &[number, number + 1]);
            assert_eq!(found(&mut lists, &[1, 2]), [1, 2]);
        }
        assert_eq!(lists.tables[&TABLE].len(), LISTS_MAX);
        assert_eq!(found(&mut lists, &[100, 101]), [100, 101]);
        assert!(matches!(lists.find([TABLE, TABLE], &ids(&[50, 51])), Known::Part { .. }));
    }
}
