//! From a state and a record to the next state.

use std::sync::Arc;

use thiserror::Error;

use super::{Commit, Fact, Head, Placed, PlacedColumn, RelationId, State, StoredFact};
use crate::change::{Change, Entry, Record};
use crate::digest::Digest;
use crate::id::{FieldId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
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
        for change in &entry.changes {
            self.apply_change(entry, change)?;
        }
        for count in &entry.tables {
            let before = self.totals.get(&count.table).copied().unwrap_or(0);
            let after = before.checked_add(count.added).and_then(|rows| rows.checked_sub(count.removed));
            if after != Some(count.total) {
                return Err(ApplyError::RowCount { version: entry.version, table: count.table });
            }
            self.totals.insert(count.table, count.total);
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

    fn apply_change(&mut self, entry: &Entry, change: &Change) -> Result<(), ApplyError> {
        let version = entry.version;
        let open = Interval::from(version);
        let exists = |what: String| ApplyError::Exists { version, what };
        let missing = |what: String| ApplyError::Missing { version, what };
        match change {
            Change::CreateSchema { schema, name } => {
                self.count_object(version, *schema)?;
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
                self.count_object(version, *table)?;
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
                Ok(())
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
                self.count_object(version, *view)?;
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
            Change::Place { placement, table, segment, at } => {
                let placement = Placement {
                    id: *placement,
                    branch: entry.branch,
                    table: *table,
                    segment: *segment,
                    interval: open,
                    at: *at,
                };
                self.place(version, placement, entry)
            }
        }
    }

    /// Counts a segment. It is kept when it is placed, which must be in the same entry.
    fn add_segment(&mut self, version: Version, segment: &Segment) -> Result<(), ApplyError> {
        if segment.id < self.counters.segment || segment.first_row < self.counters.row {
            return Err(ApplyError::Exists { version, what: format!("segment {}", segment.id) });
        }
        let exhausted = |what: &'static str| ApplyError::Exhausted { version, what };
        let row = segment.first_row.number().checked_add(segment.rows).ok_or_else(|| exhausted("rows"))?;
        if segment.id.number() == u64::MAX {
            return Err(exhausted("segments"));
        }
        self.counters.segment = segment.id.next();
        self.counters.row = RowId::new(row);
        self.digests.add(&StoredFact::segment(segment));
        Ok(())
    }

    fn place(&mut self, version: Version, placement: Placement, entry: &Entry) -> Result<(), ApplyError> {
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
        let segment =
            added_segment(entry, placement.segment).ok_or_else(|| missing(format!("segment {}", placement.segment)))?;
        self.counters.placement = placement.id.next();
        self.digests.add(&StoredFact::placement(&placement));
        let placed = Placed { placement, segment: Arc::new(segment.clone()) };
        self.segments.entry(placement.table).or_default().push(placed);
        Ok(())
    }

    fn begin_column(&mut self, version: Version, table: ObjectId, column: PlacedColumn) -> Result<(), ApplyError> {
        let key = (table, column.column.id);
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::column(key, interval, &column));
        let what = format!("column {} of table {table}", column.column.id);
        let begun = self.columns.push(key, Fact { interval, value: column });
        begun.then_some(()).ok_or(ApplyError::Exists { version, what })
    }

    fn end_column(&mut self, version: Version, table: ObjectId, field: FieldId) -> Result<PlacedColumn, ApplyError> {
        let key = (table, field);
        let what = || ApplyError::Missing { version, what: format!("column {field} of table {table}") };
        let done = self.columns.close(&key, version).ok_or_else(what)?;
        self.redigest(&done, |fact| StoredFact::column(key, fact.interval, &fact.value));
        Ok(done.open.value)
    }

    fn supersede_table(&mut self, version: Version, table: ObjectId, next: FieldId) -> Result<(), ApplyError> {
        let what = || ApplyError::Missing { version, what: format!("table {table}") };
        let done = self.tables.close(&table, version).ok_or_else(what)?;
        self.redigest(&done, |fact| StoredFact::table(table, fact.interval, &fact.value));
        let mut value = done.open.value;
        value.next_field = next;
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::table(table, interval, &value));
        self.tables.push(table, Fact { interval, value });
        Ok(())
    }

    /// The columns of a table that hold at the head: field id and place.
    fn open_fields(&self, table: ObjectId) -> impl Iterator<Item = (FieldId, u32)> {
        let open = self.columns_of(table).filter(|(_, fact)| fact.interval.end().is_none());
        open.map(|(field, fact)| (field, fact.value.ordinal))
    }

    fn count_object(&mut self, version: Version, object: ObjectId) -> Result<(), ApplyError> {
        if object.number() == u64::MAX {
            return Err(ApplyError::Exhausted { version, what: "schemas, tables and views" });
        }
        self.counters.object = self.counters.object.max(object.next());
        Ok(())
    }

    /// Takes the digest of a fact that was open away, and adds the one of the fact as it is now.
    fn redigest<T>(&mut self, done: &super::history::Closed<T>, stored: impl Fn(&Fact<T>) -> StoredFact) {
        self.digests.remove(&stored(&done.open));
        if let Some(closed) = &done.closed {
            self.digests.add(&stored(closed));
        }
    }
}

fn added_segment(entry: &Entry, id: SegmentId) -> Option<&Segment> {
    entry.changes.iter().find_map(|change| match change {
        Change::AddSegment { segment } if segment.id == id => Some(segment),
        _ => None,
    })
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
    }
}

impl State {
    /// Shows the changes of an entry that is being put together to what is put together after them.
    ///
    /// The result is for questions about names, columns and counters only; it is never published.
    pub(crate) fn preview(&mut self, entry: &Entry) -> Result<(), ApplyError> {
        entry.changes.iter().try_for_each(|change| self.apply_change(entry, change))
    }

    /// Counts a placement in a preview.
    pub(crate) fn preview_placement(&mut self, placement: PlacementId) {
        self.counters.placement = placement.next();
    }
}

impl State {
    /// Gives the newest `entries` commits the hash of the record that carries them, and makes it the head.
    pub(crate) fn finish_slot(&mut self, slot: Slot, hash: Digest, entries: usize) {
        self.commits.set_hash(entries, hash);
        self.head = Head { slot, hash, ..self.head };
    }
}
