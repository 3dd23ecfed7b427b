//! From the facts of a checkpoint to the state they were taken from.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use super::commits::CommitLog;
use super::kills::{Kill, NamedKill};
use super::names::Names;
use super::{Fact, FactKind, PlacedColumn, RelationDigests, State, StoredFact, TableSegments};
use crate::checkpoint::{Index, RelationKind, SealedCommits, SealedRun, SealedSegments, decode_facts};
use crate::id::{FieldId, ObjectId, SegmentId, Version};
use crate::interval::Interval;
use crate::record::{Around, block, column, name, table, view, wire};
use crate::segment::TableVersion;

/// The runs of a checkpoint: the small relation decoded, later facts in the place of earlier ones; the others sealed.
#[derive(Debug, Default)]
pub(crate) struct Restore {
    facts: BTreeMap<(FactKind, Vec<u8>, u64), StoredFact>,
    commits: Vec<SealedRun>,
    segments: Vec<SealedRun>,
}

impl Restore {
    /// Takes the next run in, in the order of the index; `None` if it is no such run.
    pub(crate) fn add(&mut self, sealed: SealedRun) -> Option<()> {
        match sealed.run.relation {
            RelationKind::Commits => self.commits.push(sealed),
            RelationKind::Facts => decode_facts(&sealed.bytes, &mut self.facts)?,
            RelationKind::Segments => self.segments.push(sealed),
        }
        Some(())
    }

    /// The state that these runs make; `None` if they contradict one another, the index or its digests, or leave
    /// something out, as far as that can be told without decoding what is sealed.
    pub(crate) fn finish(self, index: &Index) -> Option<State> {
        let commits = SealedCommits::try_new(self.commits, index)?;
        let segments = Arc::new(SealedSegments::try_new(self.segments, index)?);
        let mut state = State {
            head: index.head,
            counters: index.counters,
            digests: index.digests,
            commit_times: index.commit_times.iter().copied().collect(),
            totals: index.totals.iter().copied().collect(),
            commits: CommitLog::from_sealed(commits),
            ..State::genesis(index.lake)
        };
        let mut restored = RelationDigests::default();
        let mut kills: Vec<NamedKill> = Vec::new();
        for fact in self.facts.into_values() {
            restored.add(&fact);
            match fact.kind {
                FactKind::Kill => kills.push(killed(&fact)?),
                _ => state.restore_fact(&fact)?,
            }
        }
        state.restore_kills(kills)?;
        if restored.facts != index.digests.facts || index.digests.total() != index.state {
            return None;
        }
        state.names = Names::of(&state.schemas, &state.tables, &state.views)?;
        for (table, summary) in &index.tables {
            let restored = TableSegments::from_sealed(*table, *summary, Arc::clone(&segments));
            state.segments.insert(*table, restored);
        }
        Some(state)
    }
}

impl State {
    fn restore_fact(&mut self, fact: &StoredFact) -> Option<()> {
        let interval = Interval::try_new(Version::new(fact.begin)?, Version::new(fact.end))?;
        let object = || Some(ObjectId::new(u64::from_be_bytes(fact.key.get(..8)?.try_into().ok()?)));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let pushed = match fact.kind {
            FactKind::Schema => {
                let value = name(&text(&fact.body)?).ok()?;
                self.schemas.push(object()?, Fact { interval, value })
            }
            FactKind::Table => {
                let value = table(wire::Table::decode(fact.body.as_slice()).ok()?).ok()?;
                self.tables.push(object()?, Fact { interval, value })
            }
            FactKind::Column => {
                let found = wire::Column::decode(fact.body.as_slice()).ok()?;
                let ordinal = found.ordinal;
                let value = PlacedColumn { column: column(found).ok()?, ordinal };
                let field = FieldId::new(i32::from_be_bytes(fact.key.get(8..)?.try_into().ok()?));
                self.columns.push((object()?, field), Fact { interval, value })
            }
            FactKind::View => {
                let value = view(wire::View::decode(fact.body.as_slice()).ok()?).ok()?;
                self.views.push(object()?, Fact { interval, value })
            }
            FactKind::Tag => {
                let tag = name(&text(&fact.key)?).ok()?;
                let value = Version::new(u64::from_be_bytes(fact.body.as_slice().try_into().ok()?))?;
                self.tags.push(tag, Fact { interval, value })
            }
            FactKind::Setting => {
                let value = text(&fact.body)?;
                self.settings.push(text(&fact.key)?, Fact { interval, value })
            }
            FactKind::Epoch => {
                let value = epoch_base(&fact.body)?;
                let is_older = value.is_none_or(|base| base.version < interval.begin());
                is_older && self.epochs.push(object()?, Fact { interval, value })
            }
            FactKind::Commit | FactKind::Segment | FactKind::Placement | FactKind::Kill => false,
        };
        pushed.then_some(())
    }

    /// Takes all kills in, once all epochs are known.
    fn restore_kills(&mut self, mut kills: Vec<NamedKill>) -> Option<()> {
        kills.sort_by_key(|named| (named.kill.version, named.table, named.segment, named.ordinal));
        for named in kills {
            let epoch = self.epoch_at(named.table, named.kill.version).0;
            let ordinal = self.kills.push(named.table, epoch, named.segment, named.kill);
            (ordinal == named.ordinal).then_some(())?;
        }
        Some(())
    }
}

/// What an epoch began from, as its fact's body says.
fn epoch_base(body: &[u8]) -> Option<Option<TableVersion>> {
    if body.is_empty() {
        return Some(None);
    }
    let (table, version) = body.split_at_checked(8)?;
    let table = ObjectId::new(u64::from_be_bytes(table.try_into().ok()?));
    let version = Version::new(u64::from_be_bytes(version.try_into().ok()?))?;
    Some(Some(TableVersion { table, version }))
}

/// The kill that a fact tells of.
fn killed(fact: &StoredFact) -> Option<NamedKill> {
    let number = |from: usize| Some(u64::from_be_bytes(fact.key.get(from..from + 8)?.try_into().ok()?));
    let (table, segment) = (ObjectId::new(number(0)?), SegmentId::new(number(8)?));
    let ordinal = u32::from_be_bytes(fact.key.get(16..)?.try_into().ok()?);
    let found = wire::KillFact::decode(fact.body.as_slice()).ok()?;
    let positions = match &found.positions {
        Some(positions) => Some(block(positions, &Around::Nothing).ok()?),
        None => None,
    };
    let kill = Kill { version: Version::new(fact.begin)?, rows: found.rows, positions };
    (fact.end == 0).then_some(NamedKill { table, segment, ordinal, kill })
}
