//! Proposals get their ids, each checked against what came before it.

use super::{BlockPlaces, Conflict, ConflictReason, Malformed, ResolveError, touched_since};
use crate::change::{Change, Entry, TableCount};
use crate::id::{ObjectId, PlacementId, RowId, SegmentId, Version};
use crate::schema::{Column, Table, View};
use crate::segment::{Segment, Storage};
use crate::state::{Relation, RelationId, State};
use crate::time::Micros;
use crate::transaction::{Proposal, Rows, TableTarget, Transaction};

/// Gives a transaction's proposals their ids, in order, against a state that its own earlier proposals have changed.
pub(super) struct Numbering<'a> {
    base: Version,
    pub(super) version: Version,
    state: State,
    transaction: &'a Transaction,
    created: Vec<ObjectId>,
    counts: Vec<TableCount>,
}

impl<'a> Numbering<'a> {
    pub(super) fn new(state: &State, transaction: &'a Transaction) -> Self {
        Self {
            base: transaction.base,
            version: state.head().version.map_or(Version::FIRST, Version::next),
            state: state.clone(),
            transaction,
            created: Vec::new(),
            counts: Vec::new(),
        }
    }

    pub(super) fn counts(self) -> Vec<TableCount> {
        self.counts
    }

    fn conflict(&self, with: Version, reason: ConflictReason) -> Conflict {
        Conflict { base: self.base, with, reason }
    }

    fn gone(&self, what: &str, with: Option<Version>) -> Conflict {
        self.conflict(with.unwrap_or(self.version), ConflictReason::Gone { what: what.to_owned() })
    }

    /// The catalog counts names as taken from what is open now, this transaction's own changes included.
    fn free_name(&self, schema: ObjectId, name: &str) -> Result<(), Conflict> {
        let Some(taken) = self.state.relation_named(schema, name, self.version) else { return Ok(()) };
        let begin = match taken.id() {
            RelationId::Table(id) => self.state.tables().fact_at(&id, self.version).map(|fact| fact.interval.begin()),
            RelationId::View(id) => self.state.views().fact_at(&id, self.version).map(|fact| fact.interval.begin()),
        };
        Err(self.conflict(begin.unwrap_or(self.version), ConflictReason::NameTaken { name: name.to_owned() }))
    }

    fn live_schema(&self, schema: ObjectId) -> Result<(), Conflict> {
        match self.state.schemas().at(&schema, self.version) {
            Some(_) => Ok(()),
            None => {
                let fact = self.state.schemas().of(&schema).last();
                let name = fact.map_or_else(|| schema.to_string(), |fact| fact.value.to_string());
                Err(self.gone(&format!("schema `{name}`"), fact.and_then(|fact| fact.interval.end())))
            }
        }
    }

    fn live_table(&self, table: ObjectId) -> Result<&Table, Conflict> {
        let gone = || {
            let fact = self.state.tables().of(&table).last();
            let name = fact.map_or_else(|| table.to_string(), |fact| fact.value.name.to_string());
            self.gone(&format!("table `{name}`"), fact.and_then(|fact| fact.interval.end()))
        };
        self.state.table_at(table, self.version).ok_or_else(gone)
    }

    /// Makes a change part of the state that later proposals see.
    fn take(&mut self, change: Change, changes: &mut Vec<Change>) -> Result<(), Malformed> {
        let entry = Entry {
            version: self.version,
            branch: self.transaction.branch,
            commit_id: self.transaction.commit_id,
            request: None,
            base: Some(self.base),
            author: String::new(),
            message: String::new(),
            operation: String::new(),
            wall_time: Micros::new(0),
            commit_time: None,
            changes: vec![change],
            tables: Vec::new(),
        };
        self.state.preview(&entry).map_err(Malformed::Contradiction)?;
        changes.extend(entry.changes);
        Ok(())
    }

    pub(super) fn resolve(
        &mut self,
        proposal: &Proposal,
        places: BlockPlaces<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<(), ResolveError> {
        let change = match proposal {
            Proposal::CreateSchema { name } => {
                if let Some(taken) = self.state.schema_named(name.as_str(), self.version) {
                    let begin = self.state.schemas().fact_at(&taken, self.version).map(|fact| fact.interval.begin());
                    let reason = ConflictReason::NameTaken { name: name.to_string() };
                    return Err(self.conflict(begin.unwrap_or(self.version), reason).into());
                }
                Change::CreateSchema { schema: self.state.counters().object, name: name.clone() }
            }
            Proposal::DropSchema { schema } => {
                self.live_schema(*schema)?;
                self.empty_schema(*schema)?;
                Change::DropSchema { schema: *schema }
            }
            Proposal::CreateTable { schema, name, columns, next_field, sort_by, options, comment } => {
                self.live_schema(*schema)?;
                self.free_name(*schema, name.as_str())?;
                let table = self.state.counters().object;
                self.created.push(table);
                let definition = Table {
                    schema: *schema,
                    name: name.clone(),
                    comment: comment.clone(),
                    sort_by: sort_by.clone(),
                    options: options.clone(),
                    next_field: *next_field,
                };
                Change::CreateTable { table, definition, columns: columns.clone() }
            }
            Proposal::DropTable { table } => {
                self.live_table(*table)?;
                self.forget_rows(*table);
                Change::DropTable { table: *table }
            }
            Proposal::AddColumn { table, column, next_field } => {
                self.same_columns(*table)?;
                self.no_rows_without(*table, column)?;
                Change::AddColumn { table: *table, column: column.clone(), next_field: *next_field }
            }
            Proposal::DropColumn { table, field } => {
                self.same_columns(*table)?;
                Change::DropColumn { table: *table, field: *field }
            }
            Proposal::RenameColumn { table, field, name } => {
                self.same_columns(*table)?;
                Change::RenameColumn { table: *table, field: *field, name: name.clone() }
            }
            Proposal::CreateView { schema, name, columns, query, comment } => {
                self.live_schema(*schema)?;
                self.free_name(*schema, name.as_str())?;
                let definition = View {
                    schema: *schema,
                    name: name.clone(),
                    columns: columns.clone(),
                    query: query.clone(),
                    comment: comment.clone(),
                };
                Change::CreateView { view: self.state.counters().object, definition }
            }
            Proposal::DropView { view } => {
                if self.state.view_at(*view, self.version).is_none() {
                    let fact = self.state.views().of(view).last();
                    let name = fact.map_or_else(|| view.to_string(), |fact| fact.value.name.to_string());
                    return Err(self.gone(&format!("view `{name}`"), fact.and_then(|fact| fact.interval.end())).into());
                }
                Change::DropView { view: *view }
            }
            Proposal::CreateTag { name, version } => {
                if let Some(taken) = self.state.tags().fact_at(name, self.version) {
                    let reason = ConflictReason::NameTaken { name: format!("tag {name}") };
                    return Err(self.conflict(taken.interval.begin(), reason).into());
                }
                Change::CreateTag { name: name.clone(), version: *version }
            }
            Proposal::DropTag { name } => {
                if self.state.tags().at(name, self.version).is_none() {
                    let end = self.state.tags().of(name).last().and_then(|fact| fact.interval.end());
                    return Err(self.gone(&format!("tag `{name}`"), end).into());
                }
                Change::DropTag { name: name.clone() }
            }
            Proposal::SetSetting { key, value } => Change::SetSetting { key: key.clone(), value: value.clone() },
            Proposal::AddRows { table, count, rows } => return self.add_rows(*table, *count, rows, places, changes),
        };
        self.take(change, changes)?;
        Ok(())
    }

    fn empty_schema(&self, schema: ObjectId) -> Result<(), Conflict> {
        match self.state.relations_at(self.version).find(|(found, _)| *found == schema) {
            None => Ok(()),
            Some((_, held)) => {
                let begin = match held {
                    Relation::Table(id, _) => self.state.tables().of(&id).first().map(|fact| fact.interval.begin()),
                    Relation::View(id, _) => self.state.views().of(&id).first().map(|fact| fact.interval.begin()),
                };
                let name = self.state.schemas().at(&schema, self.version);
                let schema = name.map_or_else(|| schema.to_string(), ToString::to_string);
                Err(self.conflict(begin.unwrap_or(self.version), ConflictReason::NotEmpty { schema }))
            }
        }
    }

    /// Changes of columns conflict with other changes of the same table's columns: field ids count per table.
    fn same_columns(&self, table: ObjectId) -> Result<(), Conflict> {
        let name = self.live_table(table)?.name.to_string();
        let changed = self
            .state
            .columns_of(table)
            .flat_map(|(_, fact)| [Some(fact.interval.begin()), fact.interval.end()])
            .flatten()
            .filter(|at| *at > self.base && *at < self.version)
            .min();
        changed.map_or(Ok(()), |with| Err(self.conflict(with, ConflictReason::Columns { table: name })))
    }

    /// Rows that were written without a column have NULL in it, unless it came with a value for them.
    fn no_rows_without(&self, table: ObjectId, column: &Column) -> Result<(), ResolveError> {
        if column.nullable || column.initial.is_some() || self.rows_now(table) == 0 {
            return Ok(());
        }
        match touched_since(&self.state, self.base, self.transaction.branch, table)? {
            Some(with) => {
                let table = self.live_table(table)?.name.to_string();
                Err(self.conflict(with, ConflictReason::Read { table }).into())
            }
            None => Err(Malformed::NoValue { column: column.name.to_string() }.into()),
        }
    }

    /// New rows have no value of a column that came after the base. Most columns have one for such rows, or take NULL.
    fn no_new_column_needs_a_value(&self, table: ObjectId) -> Result<(), Conflict> {
        let name = &self.live_table(table)?.name;
        let since = |at: Version| at > self.base && at < self.version;
        let needing = self.state.columns_of(table).find(|(field, fact)| {
            let column = &fact.value.column;
            let needs = fact.interval.end().is_none() && !column.nullable && column.initial.is_none();
            // A column that was only renamed began before.
            let first = || self.state.columns().of(&(table, *field)).first();
            needs && since(fact.interval.begin()) && first().is_some_and(|first| since(first.interval.begin()))
        });
        match needing {
            None => Ok(()),
            Some((_, fact)) => {
                let reason = ConflictReason::Columns { table: name.to_string() };
                Err(self.conflict(fact.interval.begin(), reason))
            }
        }
    }

    fn add_rows(
        &mut self,
        target: TableTarget,
        count: u64,
        rows: &Rows,
        places: BlockPlaces<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<(), ResolveError> {
        let table = match target {
            TableTarget::Existing(table) => {
                self.no_new_column_needs_a_value(table)?;
                table
            }
            TableTarget::Created(place) => {
                let created = self.created.len();
                self.created.get(place).copied().ok_or(Malformed::NoTable { place, created })?
            }
        };
        self.live_table(table)?;
        let counters = self.state.counters();
        let storage = match rows {
            Rows::Hot { rows } => Storage::Hot { rows: places.place(*rows)? },
            Rows::Frozen { object, digests, statistics } => Storage::Frozen {
                object: object.clone(),
                digests: places.place(*digests)?,
                statistics: places.place(*statistics)?,
            },
        };
        let id: SegmentId = counters.segment;
        let first_row: RowId = counters.row;
        let placement: PlacementId = counters.placement;
        self.take(Change::AddSegment { segment: Segment { id, table, rows: count, first_row, storage } }, changes)?;
        self.state.preview_placement(placement);
        changes.push(Change::Place { placement, table, segment: id, at: None });
        let before = self.state.total_rows(table);
        let counted = self.count(table, before);
        counted.added = counted.added.saturating_add(count);
        counted.total = counted.total.saturating_add(count);
        Ok(())
    }

    /// A table that ends has no rows any more; what it had counts as taken away.
    fn forget_rows(&mut self, table: ObjectId) {
        let rows = self.rows_now(table);
        if rows > 0 {
            let counted = self.count(table, rows);
            counted.removed = counted.removed.saturating_add(rows);
            counted.total = 0;
        }
    }

    /// How many rows a table has after the proposals so far.
    fn rows_now(&self, table: ObjectId) -> u64 {
        let counted = self.counts.iter().find(|count| count.table == table);
        counted.map_or_else(|| self.state.total_rows(table), |count| count.total)
    }

    fn count(&mut self, table: ObjectId, before: u64) -> &mut TableCount {
        let place = match self.counts.iter().position(|count| count.table == table) {
            Some(place) => place,
            None => {
                self.counts.push(TableCount { table, added: 0, removed: 0, total: before });
                self.counts.len() - 1
            }
        };
        &mut self.counts[place]
    }
}
