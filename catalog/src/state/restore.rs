//! From the facts of a checkpoint to the state they were taken from.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use super::commits::CommitLog;
use super::names::Names;
use super::{Fact, FactKind, PlacedColumn, RelationDigests, State, StoredFact, TableSegments};
use crate::checkpoint::{Index, RelationKind, SealedCommits, SealedRun, SealedSegments, decode_facts};
use crate::id::{FieldId, ObjectId, Version};
use crate::interval::Interval;
use crate::record::{column, name, table, view, wire};

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
        let version = index.head.version?;
        let commits = SealedCommits::try_new(self.commits, index)?;
        let segments = Arc::new(SealedSegments::try_new(self.segments, index)?);
        let mut state = State {
            head: index.head,
            counters: index.counters,
            digests: index.digests,
            commit_times: index.commit_times.iter().copied().collect(),
            commits: CommitLog::from_sealed(commits),
            ..State::genesis(index.lake)
        };
        let mut restored = RelationDigests::default();
        for fact in self.facts.into_values() {
            restored.add(&fact);
            state.restore_fact(&fact)?;
        }
        if restored.facts != index.digests.facts || index.digests.total() != index.state {
            return None;
        }
        state.names = Names::of(&state.schemas, &state.tables, &state.views)?;
        for (table, summary) in &index.tables {
            let restored = TableSegments::from_sealed(*table, *summary, Arc::clone(&segments));
            state.segments.insert(*table, restored);
        }
        let tables: Vec<ObjectId> = state.tables.all_at(version).map(|(table, _)| *table).collect();
        for table in tables {
            let rows = state.rows_at(table, version).ok()?;
            state.totals.insert(table, rows);
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
            FactKind::Commit | FactKind::Segment | FactKind::Placement => false,
        };
        pushed.then_some(())
    }
}
