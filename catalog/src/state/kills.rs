//! Rows that tables have lost, by epoch and segment.

use std::sync::{Arc, OnceLock};

use imbl::OrdMap;

use super::dead::{Dead, Left};
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

/// The kills of one segment in one epoch of a table, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct SegmentKills {
    kills: Vec<Kill>,
    /// Made when it is first asked for, and carried on from there.
    lefts: OnceLock<Lefts>,
}

/// What each kill left of a segment of so many rows.
#[derive(Clone, Debug)]
struct Lefts {
    rows: u64,
    /// What was left before the first.
    before: Left,
    after: Vec<Left>,
}

impl Lefts {
    fn push(&mut self, kill: &Kill) {
        let left = self.after.last().unwrap_or(&self.before).without(kill, self.rows);
        self.after.push(left);
    }
}

impl SegmentKills {
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Kill> {
        self.kills.iter()
    }

    /// What is left at a version of a segment of so many rows, of which some were dead before the epoch. They are
    /// always the same, because what an epoch began from does not change.
    pub(super) fn left(&self, rows: u64, before: Option<&Arc<Dead>>, until: Version) -> Left {
        let died = self.kills.partition_point(|kill| kill.version <= until);
        match died.checked_sub(1).and_then(|last| self.lefts(rows, before).get(last)) {
            Some(left) => left.clone(),
            None => Left::Rows(before.cloned()),
        }
    }

    /// The kills, each with what it left.
    pub(super) fn steps(&self, rows: u64, before: Option<&Arc<Dead>>) -> impl Iterator<Item = (&Kill, &Left)> {
        self.kills.iter().zip(self.lefts(rows, before))
    }

    fn lefts(&self, rows: u64, before: Option<&Arc<Dead>>) -> &[Left] {
        let lefts = self.lefts.get_or_init(|| {
            let after = Vec::with_capacity(self.kills.len());
            let mut lefts = Lefts { rows, before: Left::Rows(before.cloned()), after };
            self.kills.iter().for_each(|kill| lefts.push(kill));
            lefts
        });
        &lefts.after
    }

    fn push(&mut self, kill: Kill) {
        if let Some(lefts) = self.lefts.get_mut() {
            lefts.push(&kill);
        }
        self.kills.push(kill);
    }
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
        // Copied only if somebody else has those before it.
        Arc::make_mut(of_segment).push(kill);
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
