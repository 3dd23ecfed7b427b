//! Some of a segment's rows, by their positions.

use frostline_engine::Positions;

/// Some rows of a segment.
///
/// * All rows, and all but a few, cost no more than a few: nothing here counts the rows of a segment.
/// * Positions beyond the segment's rows mean nothing.
#[derive(Clone, Debug)]
pub(super) enum RowSet {
    /// These rows.
    Only(Positions),
    /// Every row but these.
    AllBut(Positions),
}

impl RowSet {
    /// No row.
    pub(super) fn none() -> Self {
        Self::Only(Positions::new())
    }

    /// Every row.
    #[cfg(test)]
    pub(super) fn all() -> Self {
        Self::AllBut(Positions::new())
    }

    /// Whether a segment of so many rows has none of them.
    pub(super) fn is_empty(&self, rows: u64) -> bool {
        match self {
            Self::Only(positions) => positions.is_empty(),
            Self::AllBut(positions) => positions.len() >= rows,
        }
    }

    /// The other rows of the segment.
    pub(super) fn complement(&self) -> Self {
        match self {
            Self::Only(positions) => Self::AllBut(positions.clone()),
            Self::AllBut(positions) => Self::Only(positions.clone()),
        }
    }

    /// The rows that are not in the other set.
    pub(super) fn minus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(own), Self::Only(taken)) => Self::Only(own.minus(taken)),
            (Self::Only(own), Self::AllBut(kept)) => Self::Only(own.minus(&own.minus(kept))),
            (Self::AllBut(missing), Self::Only(taken)) => {
                let mut missing = missing.clone();
                missing.union_with(taken);
                Self::AllBut(missing)
            }
            (Self::AllBut(missing), Self::AllBut(kept)) => Self::Only(kept.minus(missing)),
        }
    }

    /// The rows that are in both sets.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(own), Self::Only(kept)) => Self::Only(own.minus(&own.minus(kept))),
            (Self::Only(own), Self::AllBut(missing)) | (Self::AllBut(missing), Self::Only(own)) => {
                Self::Only(own.minus(missing))
            }
            (Self::AllBut(missing), Self::AllBut(more)) => {
                let mut missing = missing.clone();
                missing.union_with(more);
                Self::AllBut(missing)
            }
        }
    }

    /// The rows that are in one of the sets at least.
    pub(super) fn union(&self, other: &Self) -> Self {
        other.complement().minus(self).complement()
    }

    /// Takes others in. A few rows cost no more than a few, however many are there.
    pub(super) fn add(&mut self, others: &Self) {
        let Self::Only(more) = others else {
            *self = self.union(others);
            return;
        };
        match self {
            Self::Only(own) => own.union_with(more),
            Self::AllBut(missing) => missing.take_out(more),
        }
    }

    /// Takes others out. A few rows cost no more than a few, however many are there.
    pub(super) fn remove(&mut self, others: &Self) {
        let Self::Only(taken) = others else {
            *self = self.minus(others);
            return;
        };
        match self {
            Self::Only(own) => own.take_out(taken),
            Self::AllBut(missing) => missing.union_with(taken),
        }
    }

    /// The positions, in a segment of so many rows; `None` for all of them.
    pub(super) fn positions(&self, rows: u64) -> Option<Positions> {
        match self {
            Self::Only(positions) => Some(positions.clone()),
            Self::AllBut(missing) if missing.is_empty() => None,
            Self::AllBut(missing) => Some((0..rows).filter(|position| !missing.contains(*position)).collect()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::change) fn only(positions: &[u64]) -> RowSet {
        RowSet::Only(positions.iter().copied().collect())
    }

    pub(in crate::change) fn all_but(positions: &[u64]) -> RowSet {
        RowSet::AllBut(positions.iter().copied().collect())
    }

    /// The positions in a segment of six rows.
    pub(in crate::change) fn shown(set: &RowSet) -> Vec<u64> {
        set.positions(6).map_or_else(|| (0..6).collect(), |positions| positions.iter().collect())
    }

    #[test]
    fn sets_are_combined_whichever_way_they_are_told() {
        let sets = [only(&[]), only(&[1, 2]), only(&[2, 3]), all_but(&[]), all_but(&[1]), all_but(&[2, 3])];
        for one in &sets {
            assert_eq!(shown(&one.complement()), (0..6).filter(|p| !shown(one).contains(p)).collect::<Vec<u64>>());
            for other in &sets {
                let has = |set: &RowSet, position: u64| shown(set).contains(&position);
                let expected = |keep: &dyn Fn(bool, bool) -> bool| -> Vec<u64> {
                    (0..6).filter(|position| keep(has(one, *position), has(other, *position))).collect()
                };
                assert_eq!(shown(&one.minus(other)), expected(&|one, other| one && !other), "{one:?} {other:?}");
                assert_eq!(shown(&one.union(other)), expected(&|one, other| one || other), "{one:?} {other:?}");
                assert_eq!(shown(&one.intersection(other)), expected(&|one, other| one && other), "{one:?} {other:?}");
                let (mut more, mut fewer) = (one.clone(), one.clone());
                more.add(other);
                fewer.remove(other);
                assert_eq!((shown(&more), shown(&fewer)), (shown(&one.union(other)), shown(&one.minus(other))));
            }
        }
    }

    #[test]
    fn a_set_is_empty_where_the_segment_has_none_of_its_rows() {
        assert!(only(&[]).is_empty(6));
        assert!(all_but(&[0, 1]).is_empty(2));
        assert!(!all_but(&[0, 1]).is_empty(3));
        assert!(!RowSet::all().is_empty(1));
        assert!(RowSet::none().is_empty(1));
    }
}
