//! A segment over a range of versions: which rows come, which go, and when. Pure functions of sets of positions.

use frostline_catalog::{Placed, Version};

use super::row_set::RowSet;

/// The living rows of a segment in a table, over a range of versions.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The segment.
    pub(super) placed: Placed,
    /// Those that live before the first step.
    pub(super) before: RowSet,
    /// Those that live from a version on, in the order of the versions.
    pub(super) steps: Vec<(Version, RowSet)>,
}

/// Rows of a segment, and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    /// The segment.
    pub(super) placed: Placed,
    /// The rows; never none.
    pub(super) rows: RowSet,
    /// What is known of each of them.
    pub(super) fact: T,
}

/// Rows that came and rows that went, each with the version that did it.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    /// Rows that came.
    pub(super) gained: Vec<Found<Version>>,
    /// Rows that went.
    pub(super) lost: Vec<Found<Version>>,
}

/// The versions in which a row is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// The first.
    pub(super) born: Version,
    /// The first without it; `None` if it is there at the end of the window.
    pub(super) died: Option<Version>,
}

impl Moves {
    /// No moves.
    pub(super) fn none() -> Self {
        Self { gained: Vec::new(), lost: Vec::new() }
    }

    /// Takes those of another segment in.
    pub(super) fn append(&mut self, mut other: Self) {
        self.gained.append(&mut other.gained);
        self.lost.append(&mut other.lost);
    }
}

impl Window {
    /// What leads from the begin of the window to its end: rows that came and went within it do not occur, nor do rows
    /// that went and came back. Each row is of the last version that moved it.
    pub(super) fn net(&self) -> Moves {
        let mut moves = Moves::none();
        let Some((_, end)) = self.steps.last() else { return moves };
        let (gained, lost) = (end.minus(&self.before), self.before.minus(end));
        let mut seen = RowSet::none();
        for (place, (version, rows)) in self.steps.iter().enumerate().rev() {
            let earlier = self.before_step(place);
            let moved = rows.minus(earlier).union(&earlier.minus(rows)).minus(&seen);
            self.find(moved.intersection(&gained), *version, &mut moves.gained);
            self.find(moved.intersection(&lost), *version, &mut moves.lost);
            seen = seen.union(&moved);
        }
        moves.gained.reverse();
        moves.lost.reverse();
        moves
    }

    /// What each version did.
    pub(super) fn each(&self) -> Moves {
        let mut moves = Moves::none();
        for (place, (version, rows)) in self.steps.iter().enumerate() {
            let earlier = self.before_step(place);
            self.find(rows.minus(earlier), *version, &mut moves.gained);
            self.find(earlier.minus(rows), *version, &mut moves.lost);
        }
        moves
    }

    /// The lives of the rows that come within the window, in the order in which they begin.
    pub(super) fn lives(&self) -> Vec<Found<Life>> {
        let mut ended: Vec<Found<Life>> = Vec::new();
        let mut open: Vec<(Version, RowSet)> = Vec::new();
        for (place, (version, rows)) in self.steps.iter().enumerate() {
            let earlier = self.before_step(place);
            let (came, went) = (rows.minus(earlier), earlier.minus(rows));
            for (born, living) in &mut open {
                let dying = living.intersection(&went);
                self.find(dying, Life { born: *born, died: Some(*version) }, &mut ended);
                *living = living.minus(&went);
            }
            open.retain(|(_, living)| !living.is_empty(self.placed.segment.rows));
            if !came.is_empty(self.placed.segment.rows) {
                open.push((*version, came));
            }
        }
        for (born, living) in open {
            self.find(living, Life { born, died: None }, &mut ended);
        }
        ended.sort_by_key(|found| found.fact.born);
        ended
    }

    /// What lives before a step.
    fn before_step(&self, place: usize) -> &RowSet {
        let earlier = place.checked_sub(1).and_then(|place| self.steps.get(place));
        earlier.map_or(&self.before, |(_, rows)| rows)
    }

    fn find<T>(&self, rows: RowSet, fact: T, found: &mut Vec<Found<T>>) {
        if !rows.is_empty(self.placed.segment.rows) {
            found.push(Found { placed: self.placed.clone(), rows, fact });
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use frostline_catalog::segment::{BlockRef, Placement, RowIds, Segment, Storage};
    use frostline_catalog::{BranchId, Digest, Interval, ObjectId, PlacementId, RowId, SegmentId, Slot};

    use super::super::row_set::tests::{all_but, only, shown};
    use super::*;

    pub(in crate::change) fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    /// A segment of six rows, placed at a version.
    pub(in crate::change) fn placed(id: u64, begin: u64, row_ids: RowIds) -> Placed {
        let block = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let (table, segment) = (ObjectId::new(1), SegmentId::new(id));
        let interval = Interval::from(version(begin));
        Placed {
            placement: Placement { id: PlacementId::new(id), branch: BranchId::MAIN, table, segment, interval },
            segment: Arc::new(Segment { id: segment, table, rows: 6, row_ids, storage: Storage::Hot { rows: block } }),
        }
    }

    fn window(before: RowSet, steps: &[(u64, RowSet)]) -> Window {
        let steps = steps.iter().map(|(number, rows)| (version(*number), rows.clone())).collect();
        Window { placed: placed(1, 2, RowIds::From(RowId::new(0))), before, steps }
    }

    /// What was found, as text: the version and the positions.
    fn told(found: &[Found<Version>]) -> Vec<String> {
        found.iter().map(|found| format!("{} {:?}", found.fact, shown(&found.rows))).collect()
    }

    #[test]
    fn rows_that_came_and_went_within_are_no_net_change() {
        let window = window(RowSet::none(), &[(3, RowSet::all()), (4, all_but(&[1])), (5, all_but(&[1, 2]))]);
        let net = window.net();
        assert_eq!(told(&net.gained), ["3 [0, 3, 4, 5]"]);
        assert!(net.lost.is_empty());
        let each = window.each();
        assert_eq!(told(&each.gained), ["3 [0, 1, 2, 3, 4, 5]"]);
        assert_eq!(told(&each.lost), ["4 [1]", "5 [2]"]);
    }

    #[test]
    fn rows_that_went_and_came_back_are_no_net_change_either() {
        let window = window(RowSet::all(), &[(4, all_but(&[1, 2])), (6, RowSet::none()), (7, all_but(&[2]))]);
        let net = window.net();
        assert_eq!((told(&net.gained), told(&net.lost)), (Vec::new(), vec!["4 [2]".to_owned()]));
        let each = window.each();
        assert_eq!(told(&each.lost), ["4 [1, 2]", "6 [0, 3, 4, 5]"]);
        assert_eq!(told(&each.gained), ["7 [0, 1, 3, 4, 5]"]);
    }

    #[test]
    fn a_row_is_of_the_last_version_that_moved_it() {
        let window = window(all_but(&[1]), &[(4, RowSet::none()), (5, RowSet::all()), (6, all_but(&[0]))]);
        let net = window.net();
        assert_eq!(told(&net.gained), ["5 [1]"]);
        assert_eq!(told(&net.lost), ["6 [0]"]);
    }

    #[test]
    fn where_nothing_moves_there_is_nothing() {
        let net = window(only(&[1]), &[]).net();
        assert!(net.gained.is_empty() && net.lost.is_empty());
    }

    #[test]
    fn each_return_of_a_row_begins_another_life() {
        let window = window(
            RowSet::none(),
            &[(3, RowSet::all()), (4, all_but(&[1])), (5, all_but(&[1, 2])), (7, all_but(&[2])), (9, RowSet::none())],
        );
        let lives: Vec<String> = window
            .lives()
            .iter()
            .map(|found| {
                let Life { born, died } = found.fact;
                let died = died.map_or_else(|| "-".to_owned(), |died| died.to_string());
                format!("{born} {died} {:?}", shown(&found.rows))
            })
            .collect();
        assert_eq!(lives, ["3 4 [1]", "3 5 [2]", "3 9 [0, 3, 4, 5]", "7 9 [1]"]);
    }

    #[test]
    fn spans_that_touch_are_one_life() {
        let window = window(RowSet::none(), &[(3, RowSet::all()), (4, RowSet::all()), (5, RowSet::all())]);
        let lives = window.lives();
        assert_eq!(lives.len(), 1);
        assert_eq!(lives[0].fact, Life { born: version(3), died: None });
    }
}
