//! The segments of one table, over all versions, of which the older ones may still be sealed in a checkpoint.

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::Vector;

use crate::checkpoint::{SealedError, SealedSegments};
use crate::id::{ObjectId, SegmentId, Version};
use crate::segment::{Placement, Segment};

/// A segment in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Where it is, and when.
    pub placement: Placement,
    /// What it is.
    pub segment: Arc<Segment>,
}

/// Where a segment's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Hot,
    Frozen,
}

/// What a table's placements amount to, up to some version of the lake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentSummary {
    /// Hot placements, those that have ended among them.
    pub(crate) hot: u64,
    /// Frozen placements, those that have ended among them.
    pub(crate) frozen: u64,
    /// Rows of the hot placements that have not ended.
    pub(crate) hot_rows: u64,
    /// Rows of the frozen placements that have not ended.
    pub(crate) frozen_rows: u64,
    /// The last version at which one of them began or ended.
    pub(crate) changed: Option<Version>,
}

impl SegmentSummary {
    /// Takes one more placement in.
    pub(crate) fn count(&mut self, placed: &Placed) {
        let interval = placed.placement.interval;
        let open_rows = if interval.end().is_none() { placed.segment.rows } else { 0 };
        let (placements, rows) = if placed.segment.is_hot() {
            (&mut self.hot, &mut self.hot_rows)
        } else {
            (&mut self.frozen, &mut self.frozen_rows)
        };
        *placements += 1;
        *rows = rows.saturating_add(open_rows);
        self.changed = self.changed.max(Some(interval.begin())).max(interval.end());
    }

    /// Whether a version, and each one after it, sees the rows of all placements that have not ended and no others.
    pub(crate) fn holds_at(&self, version: Version) -> bool {
        self.changed <= Some(version)
    }
}

/// The placements of one table: hot and frozen apart, each in the order of their begin and of their segments' ids.
///
/// * They say what the table was ever given. What its rows are at a version, epochs and kills say too:
///   [`State::live_segments`](crate::State::live_segments).
/// * Those of the checkpoint that a state was restored from are sealed: shared by all later states, and decoded when
///   they are first looked at. Those after it are the tail.
/// * How many rows there are is known without decoding at every version since the last change before the checkpoint.
/// * No change ends a placement that is there, so the sealed part stays as it is.
#[derive(Clone, Debug, Default)]
pub struct TableSegments {
    sealed: Option<Sealed>,
    hot: Vector<Placed>,
    frozen: Vector<Placed>,
}

/// A table's share of the sealed segments.
#[derive(Clone, Debug)]
struct Sealed {
    table: ObjectId,
    summary: SegmentSummary,
    part: Arc<SealedSegments>,
}

impl Sealed {
    fn hot(&self) -> Result<&[Placed], SealedError> {
        if self.summary.hot == 0 { Ok(&[]) } else { Ok(self.part.table(self.table)?.hot.as_slice()) }
    }

    fn frozen(&self) -> Result<&[Placed], SealedError> {
        if self.summary.frozen == 0 { Ok(&[]) } else { Ok(self.part.table(self.table)?.frozen.as_slice()) }
    }
}

impl TableSegments {
    /// The placements of a table in a checkpoint.
    pub(super) fn from_sealed(table: ObjectId, summary: SegmentSummary, part: Arc<SealedSegments>) -> Self {
        Self { sealed: Some(Sealed { table, summary, part }), hot: Vector::new(), frozen: Vector::new() }
    }

    /// Every hot segment that ever was there.
    pub fn hot(&self) -> Result<impl Iterator<Item = &Placed>, SealedError> {
        self.hot_from(0)
    }

    /// Every hot segment that ever was there, but the first `skipped`. Nothing is decoded if those are all sealed ones.
    pub fn hot_from(&self, skipped: usize) -> Result<impl Iterator<Item = &Placed>, SealedError> {
        let sealed_count = self.sealed_summary().map_or(0, |summary| count(summary.hot));
        let sealed: &[Placed] = if skipped < sealed_count { self.sealed_hot()? } else { &[] };
        Ok(sealed.iter().skip(skipped).chain(self.hot.iter().skip(skipped.saturating_sub(sealed_count))))
    }

    /// Every frozen segment that ever was there.
    pub fn frozen(&self) -> Result<impl Iterator<Item = &Placed>, SealedError> {
        Ok(self.sealed_frozen()?.iter().chain(self.frozen.iter()))
    }

    /// How many hot segments ever were there.
    pub fn hot_count(&self) -> usize {
        self.sealed_summary().map_or(0, |summary| count(summary.hot)) + self.hot.len()
    }

    /// How many frozen segments ever were there.
    pub fn frozen_count(&self) -> usize {
        self.sealed_summary().map_or(0, |summary| count(summary.frozen)) + self.frozen.len()
    }

    /// The segments of a kind that were placed at `begin` or later, up to `until`. The sealed ones are looked at only
    /// if some of them may be among these.
    pub(super) fn placed_in(
        &self,
        kind: Kind,
        begin: Version,
        until: Version,
    ) -> Result<impl Iterator<Item = &Placed>, SealedError> {
        let sealed = self.sealed_since(kind, begin)?;
        let first = sealed.partition_point(|placed| placed.placement.interval.begin() < begin);
        let sealed = sealed.get(first..).unwrap_or_default();
        let tail = self.tail_of(kind);
        let first = partition_point(tail, |placed| placed.placement.interval.begin() < begin);
        let placed = sealed.iter().chain(tail.focus().narrow(first..));
        Ok(placed.take_while(move |placed| placed.placement.interval.begin() <= until))
    }

    /// A segment that was placed at `begin` or later. The sealed ones are looked at last.
    pub(super) fn find(&self, segment: SegmentId, begin: Version) -> Result<Option<&Placed>, SealedError> {
        let is_it = |placed: &&Placed| {
            let placement = placed.placement;
            placement.segment == segment && placement.interval.begin() >= begin
        };
        for kind in [Kind::Hot, Kind::Frozen] {
            let tail = self.tail_of(kind);
            let place = partition_point(tail, |placed| placed.placement.segment < segment);
            if let Some(found) = tail.get(place).filter(is_it) {
                return Ok(Some(found));
            }
        }
        for kind in [Kind::Hot, Kind::Frozen] {
            let sealed = self.sealed_since(kind, begin)?;
            let place = sealed.partition_point(|placed| placed.placement.segment < segment);
            if let Some(found) = sealed.get(place).filter(is_it) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// How many rows the placements of a kind have that hold at a version.
    pub(super) fn rows_placed_at(&self, kind: Kind, version: Version) -> Result<u64, SealedError> {
        let sealed = match (self.sealed_summary(), kind) {
            (Some(summary), Kind::Hot) if summary.holds_at(version) => summary.hot_rows,
            (Some(summary), Kind::Frozen) if summary.holds_at(version) => summary.frozen_rows,
            _ => rows(at(self.sealed_since(kind, Version::FIRST)?.iter(), version)),
        };
        Ok(sealed.saturating_add(rows(at(self.tail_of(kind).iter(), version))))
    }

    /// Adds the next segment; `false` if one of its kind with the same or a greater id is there.
    pub(super) fn push(&mut self, placed: Placed) -> bool {
        let tail = if placed.segment.is_hot() { &mut self.hot } else { &mut self.frozen };
        let follows = tail.back().is_none_or(|last| last.placement.segment < placed.placement.segment);
        if follows {
            tail.push_back(placed);
        }
        follows
    }

    /// Takes the segments out again that a version placed, which is the newest, and gives them.
    pub(super) fn take_back(&mut self, version: Version) -> Vec<Placed> {
        let mut taken: Vec<Placed> = Vec::new();
        for tail in [&mut self.hot, &mut self.frozen] {
            while tail.back().is_some_and(|last| last.placement.interval.begin() == version) {
                taken.extend(tail.pop_back());
            }
        }
        taken
    }

    /// Whether a version, which is the newest, placed one.
    pub(super) fn is_placed_by(&self, version: Version) -> bool {
        let by = |tail: &Vector<Placed>| tail.back().is_some_and(|last| last.placement.interval.begin() == version);
        by(&self.hot) || by(&self.frozen)
    }

    /// What the placements amount to by now.
    pub(super) fn summary(&self) -> SegmentSummary {
        let mut summary = self.sealed_summary().copied().unwrap_or_default();
        self.tail().for_each(|placed| summary.count(placed));
        summary
    }

    /// The placements that are not sealed.
    pub(super) fn tail(&self) -> impl Iterator<Item = &Placed> {
        self.hot.iter().chain(self.frozen.iter())
    }

    /// The sealed segments of all tables, if some of this table are among them.
    pub(super) fn sealed_part(&self) -> Option<&SealedSegments> {
        self.sealed.as_ref().map(|sealed| sealed.part.as_ref())
    }

    fn sealed_summary(&self) -> Option<&SegmentSummary> {
        self.sealed.as_ref().map(|sealed| &sealed.summary)
    }

    fn tail_of(&self, kind: Kind) -> &Vector<Placed> {
        match kind {
            Kind::Hot => &self.hot,
            Kind::Frozen => &self.frozen,
        }
    }

    /// The sealed segments of a kind, if one of them may have been placed at a version or later.
    fn sealed_since(&self, kind: Kind, begin: Version) -> Result<&[Placed], SealedError> {
        match kind {
            _ if self.sealed_summary().is_none_or(|summary| summary.changed < Some(begin)) => Ok(&[]),
            Kind::Hot => self.sealed_hot(),
            Kind::Frozen => self.sealed_frozen(),
        }
    }

    fn sealed_hot(&self) -> Result<&[Placed], SealedError> {
        match &self.sealed {
            Some(sealed) => sealed.hot(),
            None => Ok(&[]),
        }
    }

    fn sealed_frozen(&self) -> Result<&[Placed], SealedError> {
        match &self.sealed {
            Some(sealed) => sealed.frozen(),
            None => Ok(&[]),
        }
    }
}

/// The placements that hold at a version. They are in the order of their begin, so only a prefix can.
fn at<'a>(placed: impl Iterator<Item = &'a Placed>, version: Version) -> impl Iterator<Item = &'a Placed> {
    placed
        .take_while(move |placed| placed.placement.interval.begin() <= version)
        .filter(move |placed| placed.placement.interval.contains(version))
}

fn rows<'a>(placed: impl Iterator<Item = &'a Placed>) -> u64 {
    placed.fold(0_u64, |rows, placed| rows.saturating_add(placed.segment.rows))
}

/// How many placements come first, for which something holds that holds for no later one.
fn partition_point(placed: &Vector<Placed>, holds: impl Fn(&Placed) -> bool) -> usize {
    let side = |placed: &Placed| if holds(placed) { Ordering::Less } else { Ordering::Greater };
    match placed.binary_search_by(side) {
        Ok(place) | Err(place) => place,
    }
}

fn count(placements: u64) -> usize {
    usize::try_from(placements).unwrap_or(usize::MAX)
}

#[cfg(test)]
impl TableSegments {
    /// Ends the tail's first hot placement, as no change does yet.
    pub(super) fn end_first_hot(&mut self, version: Version) {
        if let Some(placed) = self.hot.get_mut(0) {
            let interval = placed.placement.interval;
            placed.placement.interval = interval.closed(version).unwrap_or(interval);
        }
    }
}
