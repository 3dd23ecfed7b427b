//! A segment over a range of versions: which rows come, which go, and when. Pure functions of sets of positions.

use frostline_catalog::{Placed, Version};

use super::row_set::RowSet;

/// The living rows of a segment in a table, over a range of versions.
///
/// * What is told of it costs as much as came and went, not as many rows as live: a thousand versions that each killed
///   a row are a thousand steps of a row.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The segment.
    pub(super) placed: Placed,
    /// Those that live before the first step. Rows that are dead throughout may be among them.
    pub(super) before: RowSet,
    /// What happened to them, in the order of the versions.
    pub(super) steps: Vec<Step>,
}

/// What a version did to the rows of a segment.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The version.
    pub(super) version: Version,
    /// Rows that did not live before it.
    pub(super) came: RowSet,
    /// Rows that do not live from it on.
    pub(super) went: RowSet,
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
        let mut end = self.before.clone();
        for step in &self.steps {
            end.remove(&step.went);
            end.add(&step.came);
        }
        let (mut gained, mut lost) = (end.minus(&self.before), self.before.minus(&end));
        let mut moves = Moves::none();
        for Step { version, came, went } in self.steps.iter().rev() {
            let (came, went) = (came.intersection(&gained), went.intersection(&lost));
            gained.remove(&came);
            lost.remove(&went);
            self.find(came, *version, &mut moves.gained);
            self.find(went, *version, &mut moves.lost);
        }
        moves.gained.reverse();
        moves.lost.reverse();
        moves
    }

    /// What each version did.
    pub(super) fn each(&self) -> Moves {
        let mut moves = Moves::none();
        for Step { version, came, went } in &self.steps {
            self.find(came.clone(), *version, &mut moves.gained);
            self.find(went.clone(), *version, &mut moves.lost);
        }
        moves
    }

    /// The lives of the rows that come within the window, in the order in which they begin.
    pub(super) fn lives(&self) -> Vec<Found<Life>> {
        let rows = self.placed.segment.rows;
        let mut ended: Vec<Found<Life>> = Vec::new();
        let mut open: Vec<(Version, RowSet)> = Vec::new();
        for Step { version, came, went } in &self.steps {
            if !went.is_empty(rows) {
                for (born, living) in &mut open {
                    let dying = living.intersection(went);
                    living.remove(&dying);
                    self.find(dying, Life { born: *born, died: Some(*version) }, &mut ended);
                }
                open.retain(|(_, living)| !living.is_empty(rows));
            }
            if !came.is_empty(rows) {
                open.push((*version, came.clone()));
            }
        }
        for (born, living) in open {
            self.find(living, Life { born, died: None }, &mut ended);
        }
        ended.sort_by_key(|found| found.fact.born);
        ended
    }

    /// The rows that come and go within the window, each time with the version that takes them.
    pub(super) fn passed(&self) -> Vec<Found<Version>> {
        let taken = |life: Found<Life>| {
            let Found { placed, rows, fact } = life;
            Some(Found { placed, rows, fact: fact.died? })
        };
        self.lives().into_iter().filter_map(taken).collect()
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

    /// A window of what lives before it and from each of some versions on.
    fn window(before: RowSet, living: &[(u64, RowSet)]) -> Window {
        let mut steps: Vec<Step> = Vec::new();
        let mut earlier = &before;
        for (number, rows) in living {
            steps.push(Step { version: version(*number), came: rows.minus(earlier), went: earlier.minus(rows) });
            earlier = rows;
        }
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
    fn rows_pass_that_come_and_go() {
        let window = window(
            only(&[0, 1, 2]),
            &[(3, only(&[0, 1])), (4, only(&[0, 1, 2, 3, 4])), (5, only(&[0, 3])), (6, only(&[0, 4]))],
        );
        assert_eq!(told(&window.passed()), ["5 [2, 4]", "6 [3]"]);
    }

    #[test]
    fn ten_thousand_kills_are_as_many_steps() {
        let killed = |row: u64| Step { version: version(row + 3), came: RowSet::none(), went: only(&[row]) };
        let steps: Vec<Step> = (0..10_000).map(killed).collect();
        let window = Window { placed: placed(1, 2, RowIds::From(RowId::new(0))), before: RowSet::all(), steps };
        let net = window.net();
        assert_eq!((net.gained.len(), net.lost.len(), window.each().lost.len()), (0, 10_000, 10_000));
        assert!(net.lost.iter().map(|found| found.fact.number()).eq(3..10_003));
    }

    #[test]
    fn spans_that_touch_are_one_life() {
        let window = window(RowSet::none(), &[(3, RowSet::all()), (4, RowSet::all()), (5, RowSet::all())]);
        let lives = window.lives();
        assert_eq!(lives.len(), 1);
        assert_eq!(lives[0].fact, Life { born: version(3), died: None });
    }
}
