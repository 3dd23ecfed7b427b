//! How long the segments of a table show which of their rows.

use std::collections::HashMap;
use std::sync::Arc;

use super::dead::{Dead, Left};
use super::epochs::Layer;
use super::kills::SegmentKills;
use super::live::Live;
use super::segments::Kind;
use super::{Placed, State};
use crate::checkpoint::SealedError;
use crate::id::{ObjectId, SegmentId, Version};
use crate::segment::TableVersion;

/// When a table shows the rows of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentLife<'a> {
    /// The segment, and where it was placed: in the table itself, or in one that the table began from.
    pub placed: &'a Placed,
    /// When which of its rows are there: at least one span, in the order of versions. None overlap; of two that touch,
    /// the dead rows differ.
    pub spans: Vec<Span>,
}

/// Versions of a table that show the same rows of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first of them.
    pub begin: Version,
    /// The first version after them; `None` if they go on.
    pub end: Option<Version>,
    /// The rows that are dead meanwhile; `None` if all live.
    pub dead: Option<Arc<Dead>>,
}

/// An epoch of a table, as far as it is looked at.
struct Era {
    begin: Version,
    /// The first version after it; `None` if it goes on.
    end: Option<Version>,
    base: Option<TableVersion>,
}

impl State {
    /// Over which versions each segment that the table ever had shows which rows, up to a version. What comes after it
    /// is not told: what the version shows goes on.
    pub fn segment_lives(&self, table: ObjectId, until: Version) -> Result<Vec<SegmentLife<'_>>, SealedError> {
        let mut lives = Lives::default();
        for era in self.eras(table, until) {
            let layers = era.base.map_or_else(Vec::new, |base| self.layers(base.table, base.version));
            let own = Layer { table, begin: era.begin, until };
            for kind in [Kind::Hot, Kind::Frozen] {
                for live in self.live_of(kind, &layers)? {
                    self.live_on(&mut lives, &era, own, live, era.begin);
                }
                let Some(segments) = self.segments.get(&table) else { continue };
                for placed in segments.placed_in(kind, era.begin, until)? {
                    let begin = placed.placement.interval.begin();
                    if era.end.is_some_and(|end| begin >= end) {
                        break;
                    }
                    self.live_on(&mut lives, &era, own, Live { placed, dead: None }, begin);
                }
            }
        }
        Ok(lives.found)
    }

    /// The epochs of a table that began at a version at the latest, the one before the first among them.
    fn eras(&self, table: ObjectId, until: Version) -> Vec<Era> {
        let epochs = self.epochs_of(table).iter().take_while(|epoch| epoch.interval.begin() <= until);
        let begins = epochs.map(|epoch| (epoch.interval.begin(), epoch.value));
        let mut eras: Vec<Era> = Vec::new();
        for (begin, base) in std::iter::once((Version::FIRST, None)).chain(begins) {
            if let Some(last) = eras.last_mut() {
                last.end = earlier(last.end, Some(begin));
            }
            let ended = self.table_end(table, begin).filter(|end| *end <= until);
            eras.push(Era { begin, end: ended, base });
        }
        eras.retain(|era| era.end.is_none_or(|end| era.begin < end));
        eras
    }

    /// When a table that is there at a version, or comes after it, first ends.
    fn table_end(&self, table: ObjectId, from: Version) -> Option<Version> {
        let mut end: Option<Version> = None;
        let facts = self.tables.of(&table).iter().map(|fact| fact.interval);
        for interval in facts.skip_while(|interval| interval.end().is_some_and(|end| end <= from)) {
            // A definition that follows another at once goes on with the same table.
            if end.is_some_and(|end| end < interval.begin()) {
                break;
            }
            end = Some(interval.end()?);
        }
        end
    }

    /// Tells what becomes of a segment in an era, from a version of it on.
    fn live_on<'a>(&self, lives: &mut Lives<'a>, era: &Era, own: Layer, live: Live<'a>, begin: Version) {
        let placed = live.placed;
        let kills = self.kills.of_epoch(own.table, own.begin).and_then(|kills| kills.of(placed.placement.segment));
        let removed = placed.placement.interval.end().filter(|end| *end <= own.until);
        let whole = Span { begin, end: earlier(era.end, removed), dead: live.dead };
        let spans = match kills {
            Some(kills) => cut(whole, kills, placed.segment.rows, own.until),
            None => vec![whole],
        };
        lives.add(placed, spans);
    }
}

/// The earlier of two ends, where `None` is never.
fn earlier(one: Option<Version>, other: Option<Version>) -> Option<Version> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A span of a segment of so many rows, cut where some of them died, up to a version.
fn cut(whole: Span, kills: &SegmentKills, rows: u64, until: Version) -> Vec<Span> {
    let (before, last) = (whole.dead.clone(), whole.end);
    let counts = |at: Version| at <= until && last.is_none_or(|last| at < last);
    let mut spans: Vec<Span> = Vec::new();
    let mut open = whole;
    for (kill, left) in kills.steps(rows, before.as_ref()).take_while(|(kill, _)| counts(kill.version)) {
        if open.begin < kill.version {
            spans.push(Span { end: Some(kill.version), ..open.clone() });
        }
        match left {
            Left::Rows(dead) => open = Span { begin: kill.version, end: last, dead: dead.clone() },
            Left::Nothing => return spans,
        }
    }
    spans.push(open);
    spans
}

/// The lives of segments, as they are put together epoch by epoch.
#[derive(Default)]
struct Lives<'a> {
    found: Vec<SegmentLife<'a>>,
    places: HashMap<SegmentId, usize>,
}

impl<'a> Lives<'a> {
    fn add(&mut self, placed: &'a Placed, spans: Vec<Span>) {
        let spans = spans.into_iter().filter(|span| span.end.is_none_or(|end| span.begin < end));
        for span in spans {
            let next = self.found.len();
            let place = *self.places.entry(placed.placement.segment).or_insert(next);
            if place == next {
                self.found.push(SegmentLife { placed, spans: Vec::new() });
            }
            let Some(life) = self.found.get_mut(place) else { continue };
            match life.spans.last_mut() {
                Some(last) if last.end == Some(span.begin) && last.dead == span.dead => last.end = span.end,
                _ => life.spans.push(span),
            }
        }
    }
}
