//! Rows that tables have lost, by epoch and segment.

use std::sync::{Arc, OnceLock};

use imbl::OrdMap;

use crate::id::{ObjectId, SegmentId, Version};
use crate::segment::BlockRef;

/// That a version took rows of a segment out of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The version.
    pub version: Version,
    /// How many rows died.
    pub rows: u64,
    /// The block with their positions; `None` if all died that lived until then.
    pub positions: Option<BlockRef>,
}

/// Which rows of a segment are dead in a table at a version.
///
/// * Some are, and some are not: `rows` is neither 0 nor all of them.
/// * Two that are equal are the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dead {
    /// How many are dead.
    pub rows: u64,
    /// The blocks with their positions, in the order in which they died. No position is in two of them.
    pub blocks: Vec<BlockRef>,
}

/// What is left of a segment's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All rows but these.
    Rows(Option<Arc<Dead>>),
    /// None.
    Nothing,
}

/// The kills of one segment in one epoch of a table, oldest first.
#[derive(Debug, Default)]
pub(super) struct SegmentKills {
    kills: Vec<Kill>,
    /// What all of them together leave of a segment that began whole.
    newest: OnceLock<Left>,
}

impl SegmentKills {
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Kill> {
        self.kills.iter()
    }

    /// What is left at a version of a segment of so many rows, of which some were dead before the epoch.
    pub(super) fn left(&self, rows: u64, before: Option<&Arc<Dead>>, until: Version) -> Left {
        let died = self.kills.partition_point(|kill| kill.version <= until);
        let kills = self.kills.get(..died).unwrap_or_default();
        match before {
            _ if kills.is_empty() => Left::Rows(before.cloned()),
            None if died == self.kills.len() => self.newest.get_or_init(|| left(rows, None, kills)).clone(),
            _ => left(rows, before, kills),
        }
    }

    fn followed_by(&self, kill: Kill) -> Self {
        let mut kills = Vec::with_capacity(self.kills.len() + 1);
        kills.extend_from_slice(&self.kills);
        kills.push(kill);
        Self { kills, newest: OnceLock::new() }
    }
}

/// Adds the next kill, in place if nobody else has those before it.
fn push(kills: &mut Arc<SegmentKills>, kill: Kill) {
    match Arc::get_mut(kills) {
        Some(own) => {
            own.kills.push(kill);
            own.newest = OnceLock::new();
        }
        None => *kills = Arc::new(kills.followed_by(kill)),
    }
}

/// What is left of a segment of so many rows, of which some were dead, after some more kills.
fn left(rows: u64, before: Option<&Arc<Dead>>, kills: &[Kill]) -> Left {
    let mut dead = before.map_or_else(|| Dead { rows: 0, blocks: Vec::new() }, |before| Dead::clone(before));
    dead.blocks.reserve_exact(kills.len());
    for kill in kills {
        let Some(block) = kill.positions else { return Left::Nothing };
        dead.rows = dead.rows.saturating_add(kill.rows);
        dead.blocks.push(block);
    }
    if dead.rows < rows { Left::Rows(Some(Arc::new(dead))) } else { Left::Nothing }
}

/// The kills of one epoch of a table, by segment. There is at least one.
#[derive(Clone, Debug)]
pub(super) struct EpochKills {
    first: Version,
    last: Version,
    segments: OrdMap<SegmentId, Arc<SegmentKills>>,
}

impl EpochKills {
    /// The version of the first kill.
    pub(super) fn first(&self) -> Version {
        self.first
    }

    /// The version of the last kill.
    pub(super) fn last(&self) -> Version {
        self.last
    }

    /// Those of a segment.
    pub(super) fn of(&self, segment: SegmentId) -> Option<&Arc<SegmentKills>> {
        self.segments.get(&segment)
    }

    /// All of them, by segment.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SegmentId, &Arc<SegmentKills>)> {
        self.segments.iter().map(|(segment, kills)| (*segment, kills))
    }
}

/// A kill, and what names it in the catalog's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NamedKill {
    pub(super) table: ObjectId,
    pub(super) segment: SegmentId,
    /// Which of the kills of that segment in that table at that version it is, from 0.
    pub(super) ordinal: u32,
    pub(super) kill: Kill,
}

/// The kills of all tables.
///
/// * They stand by epoch, so that a version does not pay for the kills of other epochs.
/// * Cloning shares everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Kills {
    /// By table and the version at which its epoch began.
    epochs: OrdMap<(ObjectId, Version), EpochKills>,
}

impl Kills {
    /// Those of one epoch.
    pub(super) fn of_epoch(&self, table: ObjectId, epoch: Version) -> Option<&EpochKills> {
        self.epochs.get(&(table, epoch))
    }

    /// Whether a table ever lost rows so.
    pub(super) fn has(&self, table: ObjectId) -> bool {
        self.of_table(table).next().is_some()
    }

    /// Those of a table, by epoch.
    pub(super) fn of_table(&self, table: ObjectId) -> impl Iterator<Item = &EpochKills> {
        let from = self.epochs.range((table, Version::FIRST)..);
        from.take_while(move |((found, _), _)| *found == table).map(|(_, kills)| kills)
    }

    /// Adds the next kill of an epoch, and gives its ordinal.
    pub(super) fn push(&mut self, table: ObjectId, epoch: Version, segment: SegmentId, kill: Kill) -> u32 {
        let fresh = EpochKills { first: kill.version, last: kill.version, segments: OrdMap::new() };
        let kills = self.epochs.entry((table, epoch)).or_insert(fresh);
        kills.last = kill.version;
        let of_segment = kills.segments.entry(segment).or_default();
        let ordinal = of_segment.iter().rev().take_while(|earlier| earlier.version == kill.version).count();
        push(of_segment, kill);
        u32::try_from(ordinal).unwrap_or(u32::MAX)
    }

    /// Takes the kills of a version out of an epoch again, and gives them.
    pub(super) fn take_back(&mut self, table: ObjectId, epoch: Version, version: Version) -> Vec<NamedKill> {
        let Some(kills) = self.epochs.get(&(table, epoch)).filter(|kills| kills.last == version) else {
            return Vec::new();
        };
        let mut taken: Vec<NamedKill> = Vec::new();
        let mut rest: Vec<(SegmentId, Kill)> = Vec::new();
        for (segment, of_segment) in kills.iter() {
            let mut ordinal = 0;
            for kill in of_segment.iter() {
                if kill.version == version {
                    taken.push(NamedKill { table, segment, ordinal, kill: *kill });
                    ordinal += 1;
                } else {
                    rest.push((segment, *kill));
                }
            }
        }
        self.epochs.remove(&(table, epoch));
        rest.sort_by_key(|(_, kill)| kill.version);
        for (segment, kill) in rest {
            self.push(table, epoch, segment, kill);
        }
        taken
    }

    /// The kills of versions after one, by table, segment, ordinal and version.
    pub(super) fn named_after(&self, after: u64) -> Vec<NamedKill> {
        let mut found: Vec<NamedKill> = Vec::new();
        for ((table, _), kills) in self.epochs.iter().filter(|(_, kills)| kills.last.number() > after) {
            for (segment, of_segment) in kills.iter() {
                let mut before: Option<(Version, u32)> = None;
                for kill in of_segment.iter().skip_while(|kill| kill.version.number() <= after) {
                    let ordinal = match before {
                        Some((version, ordinal)) if version == kill.version => ordinal + 1,
                        _ => 0,
                    };
                    before = Some((kill.version, ordinal));
                    found.push(NamedKill { table: *table, segment, ordinal, kill: *kill });
                }
            }
        }
        found.sort_by_key(|named| (named.table, named.segment, named.ordinal, named.kill.version));
        found
    }
}
