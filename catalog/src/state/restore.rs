//! From the facts of a checkpoint to the state they were taken from.

use std::collections::BTreeMap;

use imbl::Vector;
use prost::Message;

use super::{Commit, Counters, Fact, FactKind, Head, Placed, PlacedColumn, State, StoredFact};
use crate::digest::StateDigest;
use crate::id::{FieldId, LakeId, ObjectId, PlacementId, Version};
use crate::interval::Interval;
use crate::record::{column, name, table, view, wire};

/// Facts read from a checkpoint, later ones in the place of earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Restore {
    pub(crate) commits: Vector<Commit>,
    pub(crate) facts: BTreeMap<(FactKind, Vec<u8>, u64), StoredFact>,
    pub(crate) placed: BTreeMap<PlacementId, Placed>,
}

impl Restore {
    /// The state that these facts make; `None` if they contradict one another or leave something out.
    pub(crate) fn finish(self, lake: LakeId, head: Head, counters: Counters, digest: StateDigest) -> Option<State> {
        let commits = self.commits;
        let complete = (1..).zip(&commits).all(|(number, commit)| commit.version.number() == number);
        if !complete || commits.len() as u64 != head.version.map_or(0, Version::number) {
            return None;
        }
        let mut state = State { head, counters, digest, ..State::genesis(lake) };
        for commit in &commits {
            if let Some(time) = commit.commit_time {
                state.commit_times.insert(commit.branch, time);
            }
        }
        state.commits = commits;
        for fact in self.facts.into_values() {
            state.restore_fact(&fact)?;
        }
        for placed in self.placed.into_values() {
            state.segments.entry(placed.placement.table).or_default().push(placed);
        }
        let version = head.version?;
        let tables: Vec<ObjectId> = state.tables.all_at(version).map(|(table, _)| *table).collect();
        for table in tables {
            let rows = state.rows_at(table, version);
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
