//! Epochs: what a table's versions rest on.
//!
//! ```text
//!   versions of t    2 ─────────── 40 ──────── 43 ──────────────►
//!   epochs           from nothing   truncated   restored to (t, 30)
//!   layers at 50     [2, 30]                    [43, 50]
//! ```
//!
//! A table's rows at a version are those of its layers: what was placed in each, without what was killed in it and in
//! those above it.

use std::collections::BTreeSet;

use super::{ApplyError, Fact, State, StoredFact};
use crate::id::{ObjectId, Version};
use crate::interval::Interval;
use crate::segment::TableVersion;

/// One epoch of a table, up to a version in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) table: ObjectId,
    /// The version at which the epoch began.
    pub(super) begin: Version,
    /// The last version that counts.
    pub(super) until: Version,
}

impl State {
    /// The epochs of a table that were begun, oldest first, each with what it began from. Before the first of them the
    /// table rests on nothing but what it was given.
    pub fn epochs_of(&self, table: ObjectId) -> &[Fact<Option<TableVersion>>] {
        self.epochs.of(&table)
    }

    /// The tables, other than itself, from which a table has segments at some version, by id.
    pub fn base_tables(&self, table: ObjectId) -> Vec<ObjectId> {
        let mut found: BTreeSet<ObjectId> = BTreeSet::new();
        let mut seen: BTreeSet<(ObjectId, Version)> = BTreeSet::new();
        let mut waiting: Vec<TableVersion> = self.epochs_of(table).iter().filter_map(|epoch| epoch.value).collect();
        while let Some(base) = waiting.pop() {
            let (begin, next) = self.epoch_at(base.table, base.version);
            if seen.insert((base.table, begin)) {
                found.insert(base.table);
                waiting.extend(next);
            }
        }
        found.remove(&table);
        found.into_iter().collect()
    }

    /// When the epoch of a version began, and from what.
    pub(super) fn epoch_at(&self, table: ObjectId, version: Version) -> (Version, Option<TableVersion>) {
        match self.epochs.fact_at(&table, version) {
            Some(epoch) => (epoch.interval.begin(), epoch.value),
            None => (Version::FIRST, None),
        }
    }

    /// What a table rests on at a version, the lowest layer first. There is at least one.
    pub(super) fn layers(&self, table: ObjectId, version: Version) -> Vec<Layer> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut next = Some(TableVersion { table, version });
        // A base is older than the epoch that rests on it, so this comes to an end.
        while let Some(TableVersion { table, version }) = next {
            let (begin, base) = self.epoch_at(table, version);
            layers.push(Layer { table, begin, until: version });
            next = base;
        }
        layers.reverse();
        layers
    }

    /// Whether a table never began anew and never lost single rows: what it was given is what it has.
    pub(super) fn is_plain(&self, table: ObjectId) -> bool {
        self.epochs_of(table).is_empty() && !self.kills.has(table)
    }

    /// Whether a version, which is the newest, changed a table's rows.
    pub(crate) fn is_changed_by(&self, table: ObjectId, version: Version) -> bool {
        let epoch = self.epoch_at(table, version).0;
        let is_placed = self.segments.get(&table).is_some_and(|segments| segments.is_placed_by(version));
        let is_killed = self.kills.of_epoch(table, epoch).is_some_and(|kills| kills.last() == version);
        epoch == version || is_placed || is_killed
    }

    /// Begins an epoch. It costs the same however many segments there are.
    pub(super) fn begin_epoch(
        &mut self,
        version: Version,
        table: ObjectId,
        base: Option<TableVersion>,
    ) -> Result<(), ApplyError> {
        let missing = |what: String| ApplyError::Missing { version, what };
        if self.tables.open(&table).is_none() {
            return Err(missing(format!("table {table}")));
        }
        if let Some(base) = base {
            let is_known = base.version < version && self.tables.at(&base.table, base.version).is_some();
            if !is_known {
                return Err(missing(format!("table {} of version {}", base.table, base.version)));
            }
        }
        self.take_back_rows(version, table);
        if let Some(done) = self.epochs.close(&table, version) {
            self.redigest(&done, |fact| StoredFact::epoch(table, fact.interval, fact.value));
        }
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::epoch(table, interval, base));
        self.epochs.push(table, Fact { interval, value: base });
        Ok(())
    }

    /// Takes out again what a version that is not finished placed and killed in a table.
    fn take_back_rows(&mut self, version: Version, table: ObjectId) {
        let epoch = self.epoch_at(table, version).0;
        // What only looks is not copied.
        let is_placed = self.segments.get(&table).is_some_and(|segments| segments.is_placed_by(version));
        if is_placed && let Some(segments) = self.segments.get_mut(&table) {
            for placed in segments.take_back(version) {
                self.digests.remove(&StoredFact::segment(&placed.segment));
                self.digests.remove(&StoredFact::placement(&placed.placement));
            }
        }
        for killed in self.kills.take_back(table, epoch, version) {
            self.digests.remove(&StoredFact::kill(&killed));
        }
    }
}
