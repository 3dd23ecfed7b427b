//! From a state and a record to the next state.

use std::sync::Arc;

use thiserror::Error;

use super::{Commit, Fact, Head, Placed, PlacedColumn, State, StoredFact};
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
        if next.digest != record.state {
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
            let after = (before + count.added).checked_sub(count.removed);
            if after != Some(count.total) {
                return Err(ApplyError::RowCount { version: entry.version, table: count.table });
            }
            self.totals.insert(count.table, count.total);
        }
        self.digest.add(&StoredFact::commit(entry).digest_bytes());
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
                self.count_object(*schema);
                self.digest.add(&StoredFact::schema(*schema, open, name).digest_bytes());
                let fact = Fact { interval: open, value: name.clone() };
                self.schemas.push(*schema, fact).then_some(()).ok_or_else(|| exists(format!("schema {schema}")))
            }
            Change::DropSchema { schema } => {
                let done = self.schemas.close(schema, version).ok_or_else(|| missing(format!("schema {schema}")))?;
                self.redigest(&done, |fact| StoredFact::schema(*schema, fact.interval, &fact.value));
                Ok(())
            }
            Change::CreateTable { table, definition, columns } => {
                self.count_object(*table);
                self.digest.add(&StoredFact::table(*table, open, definition).digest_bytes());
                let fact = Fact { interval: open, value: definition.clone() };
                if !self.tables.push(*table, fact) {
                    return Err(exists(format!("table {table}")));
                }
                for (column, ordinal) in columns.iter().zip(0..) {
                    self.begin_column(version, *table, PlacedColumn { column: column.clone(), ordinal })?;
                }
                Ok(())
            }
            Change::DropTable { table } => {
                let done = self.tables.close(table, version).ok_or_else(|| missing(format!("table {table}")))?;
                self.redigest(&done, |fact| StoredFact::table(*table, fact.interval, &fact.value));
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
                self.count_object(*view);
                self.digest.add(&StoredFact::view(*view, open, definition).digest_bytes());
                let fact = Fact { interval: open, value: definition.clone() };
                self.views.push(*view, fact).then_some(()).ok_or_else(|| exists(format!("view {view}")))
            }
            Change::DropView { view } => {
                let done = self.views.close(view, version).ok_or_else(|| missing(format!("view {view}")))?;
                self.redigest(&done, |fact| StoredFact::view(*view, fact.interval, &fact.value));
                Ok(())
            }
            Change::CreateTag { name, version: tagged } => {
                self.digest.add(&StoredFact::tag(name, open, *tagged).digest_bytes());
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
                    self.digest.add(&StoredFact::setting(key, open, value).digest_bytes());
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
        self.counters.segment = segment.id.next();
        self.counters.row = RowId::new(segment.first_row.number() + segment.rows);
        self.digest.add(&StoredFact::segment(segment).digest_bytes());
        Ok(())
    }

    fn place(&mut self, version: Version, placement: Placement, entry: &Entry) -> Result<(), ApplyError> {
        let missing = |what: String| ApplyError::Missing { version, what };
        if placement.id < self.counters.placement {
            return Err(ApplyError::Exists { version, what: format!("placement {}", placement.id) });
        }
        if self.tables.open(&placement.table).is_none() {
            return Err(missing(format!("table {}", placement.table)));
        }
        let segment =
            added_segment(entry, placement.segment).ok_or_else(|| missing(format!("segment {}", placement.segment)))?;
        self.counters.placement = PlacementId::new(placement.id.number() + 1);
        self.digest.add(&StoredFact::placement(&placement).digest_bytes());
        let placed = Placed { placement, segment: Arc::new(segment.clone()) };
        self.segments.entry(placement.table).or_default().push(placed);
        Ok(())
    }

    fn begin_column(&mut self, version: Version, table: ObjectId, column: PlacedColumn) -> Result<(), ApplyError> {
        let key = (table, column.column.id);
        let interval = Interval::from(version);
        self.digest.add(&StoredFact::column(key, interval, &column).digest_bytes());
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
        self.digest.add(&StoredFact::table(table, interval, &value).digest_bytes());
        self.tables.push(table, Fact { interval, value });
        Ok(())
    }

    /// The columns of a table that hold at the head: field id and place.
    fn open_fields(&self, table: ObjectId) -> impl Iterator<Item = (FieldId, u32)> {
        let keys = (table, FieldId::new(i32::MIN))..=(table, FieldId::new(i32::MAX));
        let open = move |key: &(ObjectId, FieldId)| Some((key.1, self.columns.open(key)?.value.ordinal));
        self.columns.keys_in(keys).filter_map(open)
    }

    fn count_object(&mut self, object: ObjectId) {
        self.counters.object = self.counters.object.max(object.next());
    }

    /// Takes the digest of a fact that was open away, and adds the one of the fact as it is now.
    fn redigest<T>(&mut self, done: &super::history::Closed<T>, stored: impl Fn(&Fact<T>) -> StoredFact) {
        self.digest.remove(&stored(&done.open).digest_bytes());
        if let Some(closed) = &done.closed {
            self.digest.add(&stored(closed).digest_bytes());
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
    pub(crate) fn preview(&mut self, entry: &Entry) {
        for change in &entry.changes {
            let applied = self.apply_change(entry, change);
            debug_assert_eq!(applied, Ok(()), "a checked proposal applies");
        }
    }

    /// Counts a placement in a preview.
    pub(crate) fn preview_placement(&mut self, placement: PlacementId) {
        self.counters.placement = PlacementId::new(placement.number() + 1);
    }
}

impl State {
    /// Gives the newest `entries` commits the hash of the record that carries them, and makes it the head.
    pub(crate) fn finish_slot(&mut self, slot: Slot, hash: Digest, entries: usize) {
        self.commits.set_hash(entries, hash);
        self.head = Head { slot, hash, ..self.head };
    }
}
