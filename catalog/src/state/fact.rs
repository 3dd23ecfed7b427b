//! Facts as bytes: what the state digest sums over, and what a checkpoint keeps.

use prost::Message;

use super::kills::NamedKill;
use super::{Commit, Fact, History, Placed, PlacedColumn, State, TableSegments};
use crate::change::Entry;
use crate::checkpoint::SealedError;
use crate::digest::StateDigest;
use crate::id::{FieldId, ObjectId, Version};
use crate::interval::Interval;
use crate::name::Name;
use crate::record::{wire, wire_column, wire_commit, wire_segment, wire_table, wire_view, wire_whole_block};
use crate::schema::{Table, View};
use crate::segment::{Placement, Segment, TableVersion};

/// The kinds of facts. The numbers are written into checkpoints and digests and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FactKind {
    Commit = 1,
    Schema = 2,
    Table = 3,
    Column = 4,
    View = 5,
    Tag = 6,
    Setting = 7,
    Segment = 8,
    Placement = 9,
    Epoch = 10,
    Kill = 11,
}

impl FactKind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Commit,
        Self::Schema,
        Self::Table,
        Self::Column,
        Self::View,
        Self::Tag,
        Self::Setting,
        Self::Segment,
        Self::Placement,
        Self::Epoch,
        Self::Kill,
    ];

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A fact as a checkpoint keeps it.
///
/// * `kind` and `key` name the fact together with `begin`; a later row with the same name takes an earlier one's place.
/// * `key` is big endian, so that rows sort by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFact {
    pub(crate) kind: FactKind,
    pub(crate) key: Vec<u8>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) body: Vec<u8>,
}

impl StoredFact {
    fn new(kind: FactKind, key: Vec<u8>, interval: Option<Interval>, body: Vec<u8>) -> Self {
        let begin = interval.map_or(0, |interval| interval.begin().number());
        let end = interval.and_then(|interval| interval.end()).map_or(0, Version::number);
        Self { kind, key, begin, end, body }
    }

    /// The bytes that the state digest takes: unambiguous, because the key's length is among them.
    pub(crate) fn digest_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(25 + self.key.len() + self.body.len());
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&(self.key.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.begin.to_be_bytes());
        bytes.extend_from_slice(&self.end.to_be_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(super) fn commit(entry: &Entry) -> Self {
        let key = number_key(entry.version.number());
        Self::new(FactKind::Commit, key, None, wire_commit(entry).encode_to_vec())
    }

    pub(super) fn schema(schema: ObjectId, interval: Interval, name: &Name) -> Self {
        Self::new(FactKind::Schema, number_key(schema.number()), Some(interval), name.as_str().into())
    }

    pub(super) fn table(table: ObjectId, interval: Interval, value: &Table) -> Self {
        let body = wire_table(value).encode_to_vec();
        Self::new(FactKind::Table, number_key(table.number()), Some(interval), body)
    }

    pub(super) fn column(key: (ObjectId, FieldId), interval: Interval, value: &PlacedColumn) -> Self {
        let body = wire_column(&value.column, value.ordinal).encode_to_vec();
        let mut bytes = number_key(key.0.number());
        bytes.extend_from_slice(&key.1.number().to_be_bytes());
        Self::new(FactKind::Column, bytes, Some(interval), body)
    }

    pub(super) fn view(view: ObjectId, interval: Interval, value: &View) -> Self {
        let body = wire_view(value).encode_to_vec();
        Self::new(FactKind::View, number_key(view.number()), Some(interval), body)
    }

    pub(super) fn tag(name: &Name, interval: Interval, version: Version) -> Self {
        let body = version.number().to_be_bytes().to_vec();
        Self::new(FactKind::Tag, name.as_str().into(), Some(interval), body)
    }

    pub(super) fn setting(key: &str, interval: Interval, value: &str) -> Self {
        Self::new(FactKind::Setting, key.into(), Some(interval), value.into())
    }

    pub(super) fn segment(segment: &Segment) -> Self {
        let body = wire_segment(segment, true).encode_to_vec();
        Self::new(FactKind::Segment, number_key(segment.id.number()), None, body)
    }

    pub(super) fn placement(placement: &Placement) -> Self {
        let body = wire::PlacementFact {
            branch: placement.branch.number(),
            table: placement.table.number(),
            segment: placement.segment.number(),
        };
        let key = number_key(placement.id.number());
        Self::new(FactKind::Placement, key, Some(placement.interval), body.encode_to_vec())
    }

    pub(super) fn epoch(table: ObjectId, interval: Interval, base: Option<TableVersion>) -> Self {
        let mut body: Vec<u8> = Vec::new();
        if let Some(base) = base {
            body.extend_from_slice(&base.table.number().to_be_bytes());
            body.extend_from_slice(&base.version.number().to_be_bytes());
        }
        Self::new(FactKind::Epoch, number_key(table.number()), Some(interval), body)
    }

    pub(super) fn kill(named: &NamedKill) -> Self {
        let positions = named.kill.positions.as_ref().map(wire_whole_block);
        let body = wire::KillFact { rows: named.kill.rows, positions };
        let mut key = number_key(named.table.number());
        key.extend_from_slice(&named.segment.number().to_be_bytes());
        key.extend_from_slice(&named.ordinal.to_be_bytes());
        Self::new(FactKind::Kill, key, Some(Interval::from(named.kill.version)), body.encode_to_vec())
    }
}

fn number_key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The facts of one kind that began or ended after a version.
fn changed<K: Ord + Clone, T: Clone>(history: &History<K, T>, after: u64) -> impl Iterator<Item = (&K, &Fact<T>)> {
    history.iter().filter(move |(_, fact)| fact.interval.changed_after(after))
}

impl State {
    /// The facts of schemas, tables, columns, views, tags, settings, epochs and kills that began or ended after a
    /// version, in the order of kind, key and begin, so that they can be written out. Only these are encoded.
    pub(crate) fn stored_facts(&self, after: u64) -> Vec<StoredFact> {
        let mut facts: Vec<StoredFact> = Vec::new();
        for (key, fact) in changed(&self.schemas, after) {
            facts.push(StoredFact::schema(*key, fact.interval, &fact.value));
        }
        for (key, fact) in changed(&self.tables, after) {
            facts.push(StoredFact::table(*key, fact.interval, &fact.value));
        }
        for (key, fact) in changed(&self.columns, after) {
            facts.push(StoredFact::column(*key, fact.interval, &fact.value));
        }
        for (key, fact) in changed(&self.views, after) {
            facts.push(StoredFact::view(*key, fact.interval, &fact.value));
        }
        for (key, fact) in changed(&self.tags, after) {
            facts.push(StoredFact::tag(key, fact.interval, fact.value));
        }
        for (key, fact) in changed(&self.settings, after) {
            facts.push(StoredFact::setting(key, fact.interval, &fact.value));
        }
        for (key, fact) in changed(&self.epochs, after) {
            facts.push(StoredFact::epoch(*key, fact.interval, fact.value));
        }
        facts.extend(self.kills.named_after(after).iter().map(StoredFact::kill));
        facts
    }

    /// The sealed commits after a version, oldest first, decoded for this once.
    pub(crate) fn read_sealed_commits(&self, after: u64) -> Result<Vec<Commit>, SealedError> {
        self.commits.read_sealed(after)
    }

    /// The commits that are not sealed, oldest first. They come after the sealed ones.
    pub(crate) fn tail_commits(&self) -> impl Iterator<Item = &Commit> {
        self.commits.tail()
    }

    /// The sealed placements that began or ended after a version, decoded for this once.
    pub(crate) fn read_sealed_segments(&self, after: u64) -> Result<Vec<Placed>, SealedError> {
        // All tables share one part.
        let part = self.segments.values().find_map(TableSegments::sealed_part);
        part.map_or_else(|| Ok(Vec::new()), |part| part.read_after(after))
    }

    /// The placements that are not sealed, by table.
    pub(crate) fn tail_segments(&self) -> impl Iterator<Item = &Placed> {
        self.segments.values().flat_map(TableSegments::tail)
    }

    /// The digest over all facts, summed anew. It equals [`State::digest`], or the state was derived wrongly.
    pub fn recompute_digest(&self) -> Result<StateDigest, SealedError> {
        let mut digest = StateDigest::default();
        for commit in self.commits()?.iter() {
            digest.add(&StoredFact::commit(&commit.to_entry()).digest_bytes());
        }
        self.stored_facts(0).iter().for_each(|fact| digest.add(&fact.digest_bytes()));
        for segments in self.segments.values() {
            for placed in segments.hot()?.chain(segments.frozen()?) {
                digest.add(&StoredFact::segment(&placed.segment).digest_bytes());
                digest.add(&StoredFact::placement(&placed.placement).digest_bytes());
            }
        }
        Ok(digest)
    }
}

impl Commit {
    /// The entry it came from, without its changes.
    pub(crate) fn to_entry(&self) -> Entry {
        Entry {
            version: self.version,
            branch: self.branch,
            commit_id: self.commit_id,
            request: self.request,
            base: self.base,
            author: self.author.clone(),
            message: self.message.clone(),
            operation: self.operation.clone(),
            wall_time: self.wall_time,
            commit_time: self.commit_time,
            changes: Vec::new(),
            tables: self.tables.clone(),
            properties: self.properties.clone(),
        }
    }
}
