//! What a table's rows are at a version: its segments, and which of their rows are dead.

use std::sync::Arc;

use super::dead::{Dead, Left};
use super::epochs::Layer;
use super::kills::{EpochKills, Kill};
use super::segments::Kind;
use super::{Placed, State, TableSegments};
use crate::checkpoint::SealedError;
use crate::id::{ObjectId, SegmentId, Version};

/// A segment that has living rows in a table at a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Live<'a> {
    /// The segment, and where it was placed: in the table itself, or in one that the table began from.
    pub placed: &'a Placed,
    /// Its dead rows; `None` if all live.
    pub dead: Option<Arc<Dead>>,
}

impl Live<'_> {
    /// How many rows live.
    pub fn rows(&self) -> u64 {
        self.placed.segment.rows.saturating_sub(self.dead.as_ref().map_or(0, |dead| dead.rows))
    }

    /// The version in which its rows came to be.
    pub fn born(&self) -> Version {
        self.placed.placement.interval.begin()
    }

    fn id(&self) -> SegmentId {
        self.placed.placement.segment
    }
}

/// The segments that have living rows in a table at a version.
///
/// * Each list is in the order of placements, which is that of the segments' ids: what a table began from comes first.
/// * No segment occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveSegments<'a> {
    /// Those whose rows are in the ledger.
    pub hot: Vec<Live<'a>>,
    /// Those that are Parquet objects.
    pub frozen: Vec<Live<'a>>,
}

impl<'a> LiveSegments<'a> {
    /// How many rows live.
    pub fn rows(&self) -> u64 {
        rows(&self.hot).saturating_add(rows(&self.frozen))
    }

    /// All of them, hot ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Live<'a>> {
        self.hot.iter().chain(&self.frozen)
    }
}

impl State {
    /// What a table's rows are at a version; nothing if it is not there.
    ///
    /// A table that never began anew and never lost rows costs one pass over its placements.
    pub fn live_segments(&self, table: ObjectId, version: Version) -> Result<LiveSegments<'_>, SealedError> {
        Ok(LiveSegments { hot: self.live_hot(table, version)?, frozen: self.live_frozen(table, version)? })
    }

    /// The hot part of [`live_segments`](Self::live_segments). Nothing is decoded for a table without hot segments.
    pub fn live_hot(&self, table: ObjectId, version: Version) -> Result<Vec<Live<'_>>, SealedError> {
        self.live_of(Kind::Hot, &self.layers_there(table, version))
    }

    /// The frozen part of [`live_segments`](Self::live_segments). Nothing is decoded for a table without frozen
    /// segments.
    pub fn live_frozen(&self, table: ObjectId, version: Version) -> Result<Vec<Live<'_>>, SealedError> {
        self.live_of(Kind::Frozen, &self.layers_there(table, version))
    }

    /// How many rows a table has at a version. The newest, and any since the rows last changed, costs nothing.
    pub fn rows_at(&self, table: ObjectId, version: Version) -> Result<u64, SealedError> {
        if self.table_at(table, version).is_none() {
            return Ok(0);
        }
        if let Some(total) = self.totals.get(&table).filter(|total| total.since <= version) {
            return Ok(total.rows);
        }
        if self.is_plain(table) {
            let Some(segments) = self.segments.get(&table) else { return Ok(0) };
            let hot = segments.rows_placed_at(Kind::Hot, version)?;
            return Ok(hot.saturating_add(segments.rows_placed_at(Kind::Frozen, version)?));
        }
        Ok(self.live_segments(table, version)?.rows())
    }

    /// Whether a table has the rows that it had at a version, because nothing touched them since. A table that was
    /// touched may still have the same.
    pub fn has_rows_of(&self, table: ObjectId, version: Version) -> bool {
        let total = self.totals.get(&table).filter(|total| total.since <= version);
        total.is_some() && self.table_at(table, version).is_some()
    }

    /// How many of a table's rows are hot at a version. Segments are looked at only if the table has both kinds and
    /// began anew or lost rows, or if the version is an old one.
    pub fn hot_rows_at(&self, table: ObjectId, version: Version) -> Result<u64, SealedError> {
        if self.table_at(table, version).is_none() {
            return Ok(0);
        }
        if self.is_plain(table) {
            let segments = self.segments.get(&table);
            return segments.map_or(Ok(0), |segments| segments.rows_placed_at(Kind::Hot, version));
        }
        let layers = self.layers(table, version);
        let has = |count: fn(&TableSegments) -> usize| {
            layers.iter().filter_map(|layer| self.segments.get(&layer.table)).any(|segments| count(segments) > 0)
        };
        if !has(TableSegments::hot_count) {
            return Ok(0);
        }
        if !has(TableSegments::frozen_count) {
            return self.rows_at(table, version);
        }
        Ok(rows(&self.live_of(Kind::Hot, &layers)?))
    }

    /// The kills of a segment's rows in a table, oldest first.
    pub fn kills(&self, table: ObjectId, segment: SegmentId) -> impl Iterator<Item = &Kill> {
        self.kills.of_table(table).filter_map(move |kills| kills.of(segment)).flat_map(|kills| kills.iter())
    }

    /// The kills of a table by epoch and segment, each segment's oldest first.
    pub fn kills_of(&self, table: ObjectId) -> impl Iterator<Item = (SegmentId, &Kill)> {
        let segments = self.kills.of_table(table).flat_map(|kills| kills.iter());
        segments.flat_map(|(segment, kills)| kills.iter().map(move |kill| (segment, kill)))
    }

    /// The last version before another that took rows of a segment out of a table, in the epoch of that other.
    pub(crate) fn killed_before(&self, table: ObjectId, segment: SegmentId, version: Version) -> Option<Version> {
        let epoch = self.epoch_at(table, version).0;
        let kills = self.kills.of_epoch(table, epoch)?.of(segment)?;
        kills.iter().rev().map(|kill| kill.version).find(|at| *at < version)
    }

    /// A segment as a table has it at a version; `None` if none of its rows live there.
    pub(crate) fn live_segment(
        &self,
        table: ObjectId,
        segment: SegmentId,
        version: Version,
    ) -> Result<Option<Live<'_>>, SealedError> {
        let mut found: Option<Live<'_>> = None;
        for layer in self.layers_there(table, version) {
            if found.is_none() {
                found = self.placed_in_layer(layer, segment)?.map(|placed| Live { placed, dead: None });
            }
            let Some(live) = &mut found else { continue };
            let kills = self.kills.of_epoch(layer.table, layer.begin).and_then(|kills| kills.of(segment));
            if let Some(kills) = kills {
                match kills.left(live.placed.segment.rows, live.dead.as_ref(), layer.until) {
                    Left::Rows(dead) => live.dead = dead,
                    Left::Nothing => return Ok(None),
                }
            }
        }
        Ok(found)
    }

    fn placed_in_layer(&self, layer: Layer, segment: SegmentId) -> Result<Option<&Placed>, SealedError> {
        let Some(segments) = self.segments.get(&layer.table) else { return Ok(None) };
        let found = segments.find(segment, layer.begin)?;
        Ok(found.filter(|placed| placed.placement.interval.contains(layer.until)))
    }

    /// The layers of a table; none if it is not there at that version.
    fn layers_there(&self, table: ObjectId, version: Version) -> Vec<Layer> {
        if self.table_at(table, version).is_some() { self.layers(table, version) } else { Vec::new() }
    }

    /// The segments of a kind that live in some layers, the lowest first.
    pub(super) fn live_of(&self, kind: Kind, layers: &[Layer]) -> Result<Vec<Live<'_>>, SealedError> {
        let mut live: Vec<Live<'_>> = Vec::new();
        for layer in layers {
            if let Some(segments) = self.segments.get(&layer.table) {
                let placed = segments.placed_in(kind, layer.begin, layer.until)?;
                let there = placed.filter(|placed| placed.placement.interval.contains(layer.until));
                live.extend(there.map(|placed| Live { placed, dead: None }));
            }
            let kills = self.kills.of_epoch(layer.table, layer.begin).filter(|kills| kills.first() <= layer.until);
            if let Some(kills) = kills {
                kill(&mut live, kills, layer.until);
            }
        }
        Ok(live)
    }
}

/// Takes from segments, which stand in the order of their ids, what an epoch killed up to a version.
fn kill(live: &mut Vec<Live<'_>>, kills: &EpochKills, until: Version) {
    let mut gone: Vec<usize> = Vec::new();
    let mut place = 0;
    for (segment, kills) in kills.iter() {
        place = seek(live, place, segment);
        // Kills of a segment of the other kind find nothing.
        let Some(found) = live.get_mut(place).filter(|found| found.id() == segment) else { continue };
        match kills.left(found.placed.segment.rows, found.dead.as_ref(), until) {
            Left::Rows(dead) => found.dead = dead,
            Left::Nothing => gone.push(place),
        }
    }
    if !gone.is_empty() {
        let mut gone = gone.into_iter().peekable();
        let mut place = 0;
        live.retain(|_| {
            let goes = gone.next_if_eq(&place).is_some();
            place += 1;
            !goes
        });
    }
}

/// Where a segment is or would be, which is not before a place. Steps grow, so that many kills cost one pass, and few
/// of them a search each.
fn seek(live: &[Live<'_>], from: usize, segment: SegmentId) -> usize {
    let (mut begin, mut step) = (from, 1);
    while live.get(begin + step - 1).is_some_and(|passed| passed.id() < segment) {
        begin += step;
        step *= 2;
    }
    let rest = live.get(begin..live.len().min(begin + step)).unwrap_or_default();
    begin + rest.partition_point(|passed| passed.id() < segment)
}

fn rows(live: &[Live<'_>]) -> u64 {
    live.iter().fold(0_u64, |rows, live| rows.saturating_add(live.rows()))
}
