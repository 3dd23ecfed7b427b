//! What has to be read: rows of segments, and what is to be told of each row. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use frostline_catalog::segment::RowIds;
use frostline_catalog::{Placed, SegmentId, Version};
use frostline_engine::Positions;

use super::row_set::RowSet;
use super::window::Found;

/// Rows of one segment that are to be read.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// The segment.
    pub(super) placed: Placed,
    /// The rows; `None` for all.
    pub(super) positions: Option<Arc<Positions>>,
}

/// Rows that one scan reads.
///
/// * No row of a segment occurs twice, so that its place says what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Round<T> {
    found: Vec<Found<T>>,
}

/// Divides what was found into as few rounds as can be: one, unless a row comes or goes several times.
pub(super) fn rounds<T>(found: Vec<Found<T>>) -> Vec<Round<T>> {
    let mut rounds: Vec<(Round<T>, HashMap<SegmentId, RowSet>)> = Vec::new();
    for one in found {
        let (id, rows) = (one.placed.segment.id, one.placed.segment.rows);
        let is_free = |taken: &HashMap<SegmentId, RowSet>| {
            taken.get(&id).is_none_or(|taken| one.rows.intersection(taken).is_empty(rows))
        };
        let place = rounds.iter().position(|(_, taken)| is_free(taken));
        if place.is_none() {
            rounds.push((Round { found: Vec::new() }, HashMap::new()));
        }
        let last = rounds.len().saturating_sub(1);
        if let Some((round, taken)) = rounds.get_mut(place.unwrap_or(last)) {
            taken.entry(id).or_insert_with(RowSet::none).add(&one.rows);
            round.found.push(one);
        }
    }
    rounds.into_iter().map(|(round, _)| round).collect()
}

impl<T> Round<T> {
    /// What is to be read, segments in the order in which they were found.
    pub(super) fn chosen(&self) -> Vec<Chosen> {
        let mut places: HashMap<SegmentId, usize> = HashMap::new();
        let mut sets: Vec<(&Placed, RowSet)> = Vec::new();
        for found in &self.found {
            match places.get(&found.placed.segment.id).and_then(|place| sets.get_mut(*place)) {
                Some((_, set)) => set.add(&found.rows),
                None => {
                    places.insert(found.placed.segment.id, sets.len());
                    sets.push((&found.placed, found.rows.clone()));
                }
            }
        }
        let chosen = |(placed, set): (&Placed, RowSet)| Chosen {
            placed: placed.clone(),
            positions: set.positions(placed.segment.rows).map(Arc::new),
        };
        sets.into_iter().map(chosen).collect()
    }

    /// A number of each row, by its place.
    pub(super) fn numbers(&self, number: impl Fn(&Found<T>) -> Option<i64>) -> Numbers {
        let mut segments: HashMap<u64, OfSegment> = HashMap::new();
        for found in &self.found {
            let value = number(found);
            let of = segments.entry(found.placed.segment.id.number()).or_default();
            match &found.rows {
                RowSet::AllBut(_) if of.others.is_none() => of.others = Some(value),
                RowSet::Only(positions) => of.listed.extend(positions.iter().map(|position| (position, value))),
                RowSet::AllBut(missing) => {
                    let rows = (0..found.placed.segment.rows).filter(|position| !missing.contains(*position));
                    of.listed.extend(rows.map(|position| (position, value)));
                }
            }
        }
        segments.values_mut().for_each(|of| of.listed.sort_unstable_by_key(|(position, _)| *position));
        Numbers { segments }
    }
}

/// A number of each row of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    segments: HashMap<u64, OfSegment>,
}

/// The numbers of the rows of one segment.
#[derive(Clone, Debug, Default)]
struct OfSegment {
    /// That of the rows that are not listed, if there are any.
    others: Option<Option<i64>>,
    /// Positions in their order, each with the row's number.
    listed: Vec<(u64, Option<i64>)>,
}

impl Numbers {
    /// The number of the row at a place.
    pub(super) fn at(&self, segment: u64, position: u64) -> Option<i64> {
        let of = self.segments.get(&segment)?;
        match of.listed.binary_search_by_key(&position, |(listed, _)| *listed) {
            Ok(place) => of.listed.get(place).and_then(|(_, number)| *number),
            Err(_) => of.others.flatten(),
        }
    }
}

/// What all rows of some rounds have in common, if they do.
pub(super) fn only<T, V: PartialEq>(rounds: &[Round<T>], value: impl Fn(&Found<T>) -> V) -> Option<V> {
    let mut values = rounds.iter().flat_map(|round| &round.found).map(value);
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// Whether rows that came after a version got their ids after it, too: then no row that went has one of them.
pub(super) fn is_fresh(placed: &Placed, since: Version) -> bool {
    matches!(placed.segment.row_ids, RowIds::From(_)) && placed.placement.interval.begin() > since
}

#[cfg(test)]
mod tests {
    use frostline_catalog::RowId;

    use super::super::row_set::tests::{all_but, only as only_rows};
    use super::super::window::tests::{placed, version};
    use super::*;

    fn found(id: u64, rows: RowSet, fact: u64) -> Found<Version> {
        Found { placed: placed(id, 2, RowIds::From(RowId::new(0))), rows, fact: version(fact) }
    }

    fn number(found: &Found<Version>) -> Option<i64> {
        i64::try_from(found.fact.number()).ok()
    }

    #[test]
    fn one_round_reads_what_moved_once() {
        let rounds =
            rounds(vec![found(1, only_rows(&[0, 4]), 5), found(2, RowSet::all(), 6), found(1, all_but(&[0, 1, 4]), 7)]);
        assert_eq!(rounds.len(), 1);
        let chosen: Vec<(u64, Option<Vec<u64>>)> = rounds[0]
            .chosen()
            .iter()
            .map(|one| (one.placed.segment.id.number(), one.positions.as_ref().map(|rows| rows.iter().collect())))
            .collect();
        assert_eq!(chosen, [(1, Some(vec![0, 2, 3, 4, 5])), (2, None)]);
        let numbers = rounds[0].numbers(number);
        let at: Vec<Option<i64>> = (0..6).map(|position| numbers.at(1, position)).collect();
        assert_eq!(at, [Some(5), Some(7), Some(7), Some(7), Some(5), Some(7)]);
        assert_eq!((numbers.at(2, 3), numbers.at(3, 0)), (Some(6), None));
    }

    #[test]
    fn a_row_that_moved_twice_is_read_in_two_rounds() {
        let rounds =
            rounds(vec![found(1, only_rows(&[0, 1]), 5), found(1, only_rows(&[2]), 6), found(1, only_rows(&[1]), 7)]);
        assert_eq!(rounds.len(), 2);
        assert_eq!(rounds[0].numbers(number).at(1, 1), Some(5));
        assert_eq!(rounds[1].numbers(number).at(1, 1), Some(7));
    }

    #[test]
    fn halves_that_are_told_by_what_they_lack_keep_their_numbers() {
        let rounds = rounds(vec![found(1, all_but(&[0, 1, 2]), 5), found(1, all_but(&[3, 4, 5]), 6)]);
        assert_eq!(rounds.len(), 1);
        let numbers = rounds[0].numbers(number);
        let at: Vec<Option<i64>> = (0..6).map(|position| numbers.at(1, position)).collect();
        assert_eq!(at, [Some(6), Some(6), Some(6), Some(5), Some(5), Some(5)]);
    }

    #[test]
    fn what_all_rows_have_in_common_is_known_without_looking() {
        let same = rounds(vec![found(1, RowSet::all(), 5), found(2, RowSet::all(), 5)]);
        assert_eq!(only(&same, number), Some(Some(5)));
        let others = rounds(vec![found(1, RowSet::all(), 5), found(2, RowSet::all(), 6)]);
        assert_eq!(only(&others, number), None);
        assert_eq!(only(&rounds(Vec::new()), number), None);
    }

    #[test]
    fn only_rows_with_new_ids_of_a_later_version_are_fresh() {
        let new = placed(1, 5, RowIds::From(RowId::new(9)));
        assert!(is_fresh(&new, version(4)));
        assert!(!is_fresh(&new, version(5)));
        assert!(!is_fresh(&placed(1, 5, RowIds::Stored), version(4)));
    }
}
