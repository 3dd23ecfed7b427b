//! From a state and a record to the next state.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::kills::{Kill, NamedKill};
use super::{Commit, Fact, Head, Placed, PlacedColumn, RelationId, State, StoredFact, Total};
use crate::change::{Change, Entry, Record, TableCount};
use crate::digest::Digest;
use crate::id::{FieldId, ObjectId, RowId, SegmentId, Slot, Version};
use crate::interval::Interval;
use crate::ledger::{LinkError, check_link};
use crate::segment::{Placement, Segment};

/// Why a record does not follow from a state. The lake stops here: applying it would give wrong rows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// The record is not the next one of this chain.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// An entry speaks of something that is not there.
    #[error("version {version} changes {what}, which does not exist at that point")]
    Missing {
        /// The version.
        version: Version,
        /// What is not there.
        what: String,
    },
    /// An entry creates something that is there.
    #[error("version {version} creates {what}, which exists already")]
    Exists {
        /// The version.
        version: Version,
        /// What is there.
        what: String,
    },
    /// An entry's row counts do not follow from its changes.
    #[error("version {version} counts the rows of table {table} wrongly")]
    RowCount {
        /// The version.
        version: Version,
        /// The table.
        table: ObjectId,
    },
    /// An entry uses a number up of which there is no next.
    #[error("version {version} numbers {what} past the greatest number that can be counted")]
    Exhausted {
        /// The version.
        version: Version,
        /// What it numbers.
        what: &'static str,
    },
    /// The record says another digest of the state after it.
    #[error("the catalog after slot {slot} does not match the digest that its record carries")]
    Digest {
        /// The slot.
        slot: Slot,
    },
}

impl State {
    /// The state after a record with this hash.
    ///
    /// # Errors
    /// If the record is not the next of the chain, contradicts the state, or carries another digest of the result.
    pub fn apply(&self, record: &Record, hash: Digest) -> Result<Self, ApplyError> {
        check_link(self, record)?;
        let mut next = self.clone();
        for entry in &record.entries {
            next.apply_entry(entry, record.slot, hash)?;
        }
        next.head = Head { slot: record.slot, hash, ..next.head };
        if next.digest() != record.state {
            return Err(ApplyError::Digest { slot: record.slot });
        }
        Ok(next)
    }

    /// Applies one entry. The chain and the record's digest are the caller's concern.
    pub(crate) fn apply_entry(&mut self, entry: &Entry, slot: Slot, hash: Digest) -> Result<(), ApplyError> {
        self.preview(entry)?;
        let counted: BTreeSet<ObjectId> = entry.tables.iter().map(|count| count.table).collect();
        if let Some(table) = entry.changes.iter().filter_map(changed_rows).find(|table| !counted.contains(table)) {
            return Err(ApplyError::RowCount { version: entry.version, table });
        }
        for count in &entry.tables {
            let before = self.total_rows(count.table);
            let after = before.checked_add(count.added).and_then(|rows| rows.checked_sub(count.removed));
            if after != Some(count.total) {
                return Err(ApplyError::RowCount { version: entry.version, table: count.table });
            }
            self.totals.insert(count.table, Total { rows: count.total, since: entry.version });
        }
        self.digests.add(&StoredFact::commit(entry));
        self.commits.push(commit(entry, slot, hash));
        if let Some(time) = entry.commit_time {
            self.commit_times.insert(entry.branch, time);
        }
        self.head.version = Some(entry.version);
        self.head.wall_time = self.head.wall_time.max(entry.wall_time);
        Ok(())
    }

    fn apply_change(&mut self, entry: &Entry, place: usize, change: &Change) -> Result<(), ApplyError> {
        let version = entry.version;
        let open = Interval::from(version);
        let exists = |what: String| ApplyError::Exists { version, what };
        let missing = |what: String| ApplyError::Missing { version, what };
        match change {
            Change::CreateSchema { schema, name } => {
                self.count_object(version, *schema, !self.schemas.of(schema).is_empty())?;
                self.digests.add(&StoredFact::schema(*schema, open, name));
                let fact = Fact { interval: open, value: name.clone() };
                if !self.schemas.push(*schema, fact) {
                    return Err(exists(format!("schema {schema}")));
                }
                let named = self.names.begin_schema(name, *schema, version);
                named.then_some(()).ok_or_else(|| exists(format!("schema `{name}`")))
            }
            Change::DropSchema { schema } => {
                let done = self.schemas.close(schema, version).ok_or_else(|| missing(format!("schema {schema}")))?;
                self.redigest(&done, |fact| StoredFact::schema(*schema, fact.interval, &fact.value));
                self.names.end_schema(&done.open.value, version);
                Ok(())
            }
            Change::CreateTable { table, definition, columns } => {
                let before = self.tables.of(table).last().map(|fact| fact.value.next_field);
                self.count_object(version, *table, before.is_some())?;
                if before.is_some_and(|before| definition.next_field < before) {
                    return Err(exists(format!("field {} of table {table}", definition.next_field)));
                }
                self.digests.add(&StoredFact::table(*table, open, definition));
                let fact = Fact { interval: open, value: definition.clone() };
                if !self.tables.push(*table, fact) {
                    return Err(exists(format!("table {table}")));
                }
                let relation = RelationId::Table(*table);
                if !self.names.begin_relation(definition.schema, &definition.name, relation, version) {
                    return Err(exists(format!("`{}`", definition.name)));
                }
                for (column, ordinal) in columns.iter().zip(0..) {
                    self.begin_column(version, *table, PlacedColumn { column: column.clone(), ordinal })?;
                }
                // What the table had before it ended does not come back by itself.
                before.map_or(Ok(()), |_| self.begin_epoch(version, *table, None))
            }
            Change::DropTable { table } => {
                let done = self.tables.close(table, version).ok_or_else(|| missing(format!("table {table}")))?;
                self.redigest(&done, |fact| StoredFact::table(*table, fact.interval, &fact.value));
                self.names.end_relation(done.open.value.schema, &done.open.value.name, version);
                let fields: Vec<FieldId> = self.open_fields(*table).map(|(field, _)| field).collect();
                fields.into_iter().try_for_each(|field| self.end_column(version, *table, field).map(drop))
            }
            Change::AddColumn { table, column, next_field } => {
                let ordinal = self.open_fields(*table).map(|(_, ordinal)| ordinal + 1).max().unwrap_or(0);
                self.supersede_table(version, *table, *next_field)?;
                self.begin_column(version, *table, PlacedColumn { column: column.clone(), ordinal })
            }
            Change::DropColumn { table, field } => self.end_column(version, *table, *field).map(drop),
            Change::RenameColumn { table, field, name } => {
                let mut renamed = self.end_column(version, *table, *field)?;
                renamed.column.name = name.clone();
                self.begin_column(version, *table, renamed)
            }
            Change::CreateView { view, definition } => {
                self.count_object(version, *view, !self.views.of(view).is_empty())?;
                self.digests.add(&StoredFact::view(*view, open, definition));
                let fact = Fact { interval: open, value: definition.clone() };
                if !self.views.push(*view, fact) {
                    return Err(exists(format!("view {view}")));
                }
                let relation = RelationId::View(*view);
                let named = self.names.begin_relation(definition.schema, &definition.name, relation, version);
                named.then_some(()).ok_or_else(|| exists(format!("`{}`", definition.name)))
            }
            Change::DropView { view } => {
                let done = self.views.close(view, version).ok_or_else(|| missing(format!("view {view}")))?;
                self.redigest(&done, |fact| StoredFact::view(*view, fact.interval, &fact.value));
                self.names.end_relation(done.open.value.schema, &done.open.value.name, version);
                Ok(())
            }
            Change::CreateTag { name, version: tagged } => {
                self.digests.add(&StoredFact::tag(name, open, *tagged));
                let fact = Fact { interval: open, value: *tagged };
                self.tags.push(name.clone(), fact).then_some(()).ok_or_else(|| exists(format!("tag `{name}`")))
            }
            Change::DropTag { name } => {
                let done = self.tags.close(name, version).ok_or_else(|| missing(format!("tag `{name}`")))?;
                self.redigest(&done, |fact| StoredFact::tag(name, fact.interval, fact.value));
                Ok(())
            }
            Change::SetSetting { key, value } => {
                if let Some(done) = self.settings.close(key, version) {
                    self.redigest(&done, |fact| StoredFact::setting(key, fact.interval, &fact.value));
                }
                if let Some(value) = value {
                    self.digests.add(&StoredFact::setting(key, open, value));
                    self.settings.push(key.clone(), Fact { interval: open, value: value.clone() });
                }
                Ok(())
            }
            Change::AddSegment { segment } => self.add_segment(version, segment),
            Change::Place { placement, table, segment: id } => {
                let (id, branch) = (*id, entry.branch);
                let placement = Placement { id: *placement, branch, table: *table, segment: id, interval: open };
                let segment = added_segment(entry, place, id).ok_or_else(|| missing(format!("segment {id}")))?;
                self.place(version, placement, segment)
            }
            Change::KillRows { table, segment, rows, positions } => {
                self.kill_rows(*table, *segment, Kill { version, rows: *rows, positions: *positions })
            }
            Change::BeginEpoch { table, base } => self.begin_epoch(version, *table, *base),
            Change::SetTable { table, definition } => self.set_table(version, *table, definition),
            Change::SetColumn { table, column, ordinal } => {
                self.set_column(version, *table, PlacedColumn { column: column.clone(), ordinal: *ordinal })
            }
            Change::SetView { view, definition } => self.set_view(version, *view, definition),
            Change::SetSchema { schema, name } => self.set_schema(version, *schema, name),
        }
    }

    /// Counts a segment. It is kept when it is placed, which must be in the same entry.
    fn add_segment(&mut self, version: Version, segment: &Segment) -> Result<(), ApplyError> {
        let first = segment.row_ids.first();
        if segment.id < self.counters.segment || first.is_some_and(|first| first < self.counters.row) {
            return Err(ApplyError::Exists { version, what: format!("segment {}", segment.id) });
        }
        let exhausted = |what: &'static str| ApplyError::Exhausted { version, what };
        if let Some(first) = first {
            let next = first.number().checked_add(segment.rows).ok_or_else(|| exhausted("rows"))?;
            self.counters.row = RowId::new(next);
        }
        if segment.id.number() == u64::MAX {
            return Err(exhausted("segments"));
        }
        self.counters.segment = segment.id.next();
        self.digests.add(&StoredFact::segment(segment));
        Ok(())
    }

    fn place(&mut self, version: Version, placement: Placement, segment: &Segment) -> Result<(), ApplyError> {
        let missing = |what: String| ApplyError::Missing { version, what };
        if placement.id < self.counters.placement {
            return Err(ApplyError::Exists { version, what: format!("placement {}", placement.id) });
        }
        if placement.id.number() == u64::MAX {
            return Err(ApplyError::Exhausted { version, what: "placements" });
        }
        if self.tables.open(&placement.table).is_none() {
            return Err(missing(format!("table {}", placement.table)));
        }
        self.counters.placement = placement.id.next();
        self.digests.add(&StoredFact::placement(&placement));
        let placed = Placed { placement, segment: Arc::new(segment.clone()) };
        let follows = self.segments.entry(placement.table).or_default().push(placed);
        let what = || format!("segment {} of table {}", placement.segment, placement.table);
        follows.then_some(()).ok_or_else(|| ApplyError::Exists { version, what: what() })
    }

    /// Takes rows of a segment out of a table. Whether they are there is the concern of whoever adds the entry: to know
    /// it, segments must be looked at.
    fn kill_rows(&mut self, table: ObjectId, segment: SegmentId, kill: Kill) -> Result<(), ApplyError> {
        let version = kill.version;
        let missing = |what: String| ApplyError::Missing { version, what };
        if self.tables.open(&table).is_none() {
            return Err(missing(format!("table {table}")));
        }
        if segment >= self.counters.segment || kill.rows == 0 {
            return Err(missing(format!("rows of segment {segment} in table {table}")));
        }
        let epoch = self.epoch_at(table, version).0;
        let ordinal = self.kills.push(table, epoch, segment, kill);
        self.digests.add(&StoredFact::kill(&NamedKill { table, segment, ordinal, kill }));
        Ok(())
    }

    /// Counts a schema, table or view that begins. Only one of its kind that has been before may have an old id.
    fn count_object(&mut self, version: Version, object: ObjectId, has_been: bool) -> Result<(), ApplyError> {
        if object.number() == u64::MAX {
            return Err(ApplyError::Exhausted { version, what: "schemas, tables and views" });
        }
        if object < self.counters.object && !has_been {
            return Err(ApplyError::Exists { version, what: format!("something with the id {object}") });
        }
        self.counters.object = self.counters.object.max(object.next());
        Ok(())
    }

    /// Takes the digest of a fact that was open away, and adds the one of the fact as it is now.
    pub(super) fn redigest<T>(&mut self, done: &super::history::Closed<T>, stored: impl Fn(&Fact<T>) -> StoredFact) {
        self.digests.remove(&stored(&done.open));
        if let Some(closed) = &done.closed {
            self.digests.add(&stored(closed));
        }
    }
}

/// The segment that is placed by the change at `place`: most are added just before.
fn added_segment(entry: &Entry, place: usize, id: SegmentId) -> Option<&Segment> {
    let (before, after) = entry.changes.split_at_checked(place)?;
    before.iter().rev().chain(after).find_map(|change| match change {
        Change::AddSegment { segment } if segment.id == id => Some(segment),
        _ => None,
    })
}

/// The table whose rows a change changes, if it does; what ends a table is told by its count.
fn changed_rows(change: &Change) -> Option<ObjectId> {
    match change {
        Change::Place { table, .. } | Change::KillRows { table, .. } | Change::BeginEpoch { table, .. } => Some(*table),
        _ => None,
    }
}

pub(super) fn commit(entry: &Entry, slot: Slot, hash: Digest) -> Commit {
    Commit {
        version: entry.version,
        branch: entry.branch,
        slot,
        hash,
        commit_id: entry.commit_id,
        request: entry.request,
        base: entry.base,
        author: entry.author.clone(),
        message: entry.message.clone(),
        operation: entry.operation.clone(),
        wall_time: entry.wall_time,
        commit_time: entry.commit_time,
        tables: entry.tables.clone(),
        properties: entry.properties.clone(),
    }
}

impl State {
    /// Shows the changes of an entry that is being put together to what is put together after them. It shows no commit
    /// and, before [`preview_counts`](Self::preview_counts), no other total of rows; it is never published.
    pub(crate) fn preview(&mut self, entry: &Entry) -> Result<(), ApplyError> {
        let mut changes = entry.changes.iter().enumerate();
        changes.try_for_each(|(place, change)| self.apply_change(entry, place, change))
    }

    /// Shows how many rows tables have after what is being put together.
    pub(crate) fn preview_counts(&mut self, version: Version, counts: &[TableCount]) {
        for count in counts {
            self.totals.insert(count.table, Total { rows: count.total, since: version });
        }
    }

    /// A preview that numbers what it makes by pending ids from here on.
    pub(crate) fn with_pending_ids(mut self) -> Self {
        self.counters.object = ObjectId::pending(0);
        self.counters.segment = SegmentId::pending(0);
        self.counters.row = RowId::pending(0);
        self
    }

    /// A preview as if it were committed as a version.
    pub(crate) fn as_if_committed(&self, version: Version) -> Self {
        Self { head: Head { version: Some(version), ..self.head }, ..self.clone() }
    }
}

impl State {
    /// Gives the newest `entries` commits the hash of the record that carries them, and makes it the head.
    pub(crate) fn finish_slot(&mut self, slot: Slot, hash: Digest, entries: usize) {
        self.commits.set_hash(entries, hash);
        self.head = Head { slot, hash, ..self.head };
    }
}
