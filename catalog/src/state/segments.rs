//! The segments of one table, over all versions.

use std::sync::Arc;

use imbl::Vector;

use crate::id::Version;
use crate::segment::{Placement, Segment};

/// A segment in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Where it is, and when.
    pub placement: Placement,
    /// What it is.
    pub segment: Arc<Segment>,
}

/// The placements of one table: hot and frozen apart, each in the order of their begin.
#[derive(Clone, Debug, Default)]
pub struct TableSegments {
    hot: Vector<Placed>,
    frozen: Vector<Placed>,
}

impl TableSegments {
    /// The hot segments that are there at a version.
    pub fn hot_at(&self, version: Version) -> impl Iterator<Item = &Placed> {
        at(&self.hot, version)
    }

    /// The frozen segments that are there at a version.
    pub fn frozen_at(&self, version: Version) -> impl Iterator<Item = &Placed> {
        at(&self.frozen, version)
    }

    /// Every hot segment that ever was there.
    pub fn hot(&self) -> &Vector<Placed> {
        &self.hot
    }

    /// Every frozen segment that ever was there.
    pub fn frozen(&self) -> &Vector<Placed> {
        &self.frozen
    }

    /// How many hot rows are there at a version.
    pub fn hot_rows_at(&self, version: Version) -> u64 {
        self.hot_at(version).map(|placed| placed.segment.rows).sum()
    }

    /// How many rows are there at a version.
    pub fn rows_at(&self, version: Version) -> u64 {
        self.hot_at(version).chain(self.frozen_at(version)).map(|placed| placed.segment.rows).sum()
    }

    pub(super) fn push(&mut self, placed: Placed) {
        if placed.segment.is_hot() { self.hot.push_back(placed) } else { self.frozen.push_back(placed) }
    }
}

/// The placements that hold at a version. They are in the order of their begin, so only a prefix can.
fn at(placed: &Vector<Placed>, version: Version) -> impl Iterator<Item = &Placed> {
    placed
        .iter()
        .take_while(move |placed| placed.placement.interval.begin() <= version)
        .filter(move |placed| placed.placement.interval.contains(version))
}
