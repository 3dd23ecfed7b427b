//! Proposals get their ids, each checked against what came before it.

mod definitions;
mod rows;

use super::{BlockPlaces, Conflict, ConflictReason, Malformed, ResolveError, touched_since};
use crate::change::{Change, Entry, TableCount};
use crate::id::{BranchId, CommitId, ObjectId, SegmentId, Version};
use crate::schema::{Column, Table, View};
use crate::state::{Fact, Relation, RelationId, State};
use crate::time::Micros;
use crate::transaction::{Proposal, TableTarget};

/// Gives a transaction's proposals their ids, in order, against a state that its own earlier proposals have changed.
pub(super) struct Numbering {
    base: Version,
    branch: BranchId,
    version: Version,
    state: State,
    /// The tables that the proposals created, in order.
    tables: Vec<ObjectId>,
    /// The schemas, tables and views that they created, in order: what pending ids stand for.
    objects: Vec<ObjectId>,
    /// The segments that they added, in order.
    segments: Vec<SegmentId>,
    counts: Vec<TableCount>,
    changes: Vec<Change>,
}

impl Numbering {
    pub(super) fn new(state: State, branch: BranchId, base: Version) -> Self {
        Self {
            base,
            branch,
            version: state.head().version.map_or(Version::FIRST, Version::next),
            state,
            tables: Vec::new(),
            objects: Vec::new(),
            segments: Vec::new(),
            counts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The version that the proposals make.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// What the proposals became, and what they do to the rows of tables, by table.
    pub(super) fn finish(mut self) -> (Vec<Change>, Vec<TableCount>) {
        self.counts.sort_by_key(|count| count.table);
        (self.changes, self.counts)
    }

    /// The state with the proposals in it.
    pub(super) fn into_state(mut self) -> State {
        self.state.preview_counts(self.version, &self.counts);
        self.state
    }

    /// Takes the next proposal in.
    pub(super) fn resolve(&mut self, proposal: &Proposal, places: BlockPlaces<'_>) -> Result<(), ResolveError> {
        let change = match proposal {
            Proposal::CreateSchema { name } => {
                self.free_schema_name(name.as_str())?;
                Change::CreateSchema { schema: self.next_object(), name: name.clone() }
            }
            Proposal::DropSchema { schema } => {
                let schema = self.object(*schema)?;
                self.live_schema(schema)?;
                self.empty_schema(schema)?;
                Change::DropSchema { schema }
            }
            Proposal::CreateTable { schema, name, columns, next_field, sort_by, options, comment, constraints } => {
                let schema = self.object(*schema)?;
                self.live_schema(schema)?;
                self.free_name(schema, name.as_str())?;
                let table = self.next_object();
                self.tables.push(table);
                let definition = Table {
                    schema,
                    name: name.clone(),
                    comment: comment.clone(),
                    sort_by: sort_by.clone(),
                    options: options.clone(),
                    next_field: *next_field,
                    constraints: constraints.clone(),
                };
                Change::CreateTable { table, definition, columns: columns.clone() }
            }
            Proposal::DropTable { table } => {
                let table = self.object(*table)?;
                self.live_table(table)?;
                self.forget_rows(table);
                Change::DropTable { table }
            }
            Proposal::AddColumn { table, column, next_field } => {
                let table = self.object(*table)?;
                self.same_columns(table)?;
                self.no_rows_without(table, column)?;
                Change::AddColumn { table, column: column.clone(), next_field: *next_field }
            }
            Proposal::DropColumn { table, field } => {
                let table = self.object(*table)?;
                self.same_columns(table)?;
                self.same_constraints(table)?;
                Change::DropColumn { table, field: *field }
            }
            Proposal::RenameColumn { table, field, name } => {
                let table = self.object(*table)?;
                self.same_columns(table)?;
                self.same_constraints(table)?;
                Change::RenameColumn { table, field: *field, name: name.clone() }
            }
            Proposal::CreateView { schema, name, columns, query, comment } => {
                let schema = self.object(*schema)?;
                self.live_schema(schema)?;
                self.free_name(schema, name.as_str())?;
                let definition = View {
                    schema,
                    name: name.clone(),
                    columns: columns.clone(),
                    query: query.clone(),
                    comment: comment.clone(),
                };
                Change::CreateView { view: self.next_object(), definition }
            }
            Proposal::DropView { view } => {
                let view = self.object(*view)?;
                self.live_view(view)?;
                Change::DropView { view }
            }
            Proposal::CreateTag { name, version } => {
                if let Some(taken) = self.state.tags().fact_at(name, self.version) {
                    let reason = ConflictReason::NameTaken { name: format!("tag {name}") };
                    return Err(self.conflict(taken.interval.begin(), reason).into());
                }
                let version = if *version > self.base { self.version } else { *version };
                Change::CreateTag { name: name.clone(), version }
            }
            Proposal::DropTag { name } => {
                if self.state.tags().at(name, self.version).is_none() {
                    let end = self.state.tags().of(name).last().and_then(|fact| fact.interval.end());
                    return Err(self.gone(&format!("tag `{name}`"), end).into());
                }
                Change::DropTag { name: name.clone() }
            }
            Proposal::SetSetting { key, value } => Change::SetSetting { key: key.clone(), value: value.clone() },
            Proposal::AddRows { table, count, rows, stored_ids } => {
                return self.add_rows(*table, *count, rows, *stored_ids, places);
            }
            Proposal::KillRows { table, segment, rows, positions } => {
                let positions = positions.map(|positions| places.place(positions)).transpose()?;
                return self.kill_rows(*table, *segment, *rows, positions);
            }
            Proposal::BeginEpoch { table, base } => return self.begin_epoch(*table, *base),
            Proposal::SetTable { table, definition } => return self.set_table(*table, definition),
            Proposal::SetColumn { table, column, ordinal, next_field } => {
                return self.set_column(*table, (column, *ordinal), *next_field);
            }
            Proposal::SetView { view, definition } => return self.set_view(*view, definition),
            Proposal::SetSchema { schema, name } => return self.set_schema(*schema, name),
            Proposal::ReopenSchema { schema, name } => return self.reopen_schema(*schema, name),
            Proposal::ReopenTable { table, definition, columns } => {
                return self.reopen_table(*table, definition, columns);
            }
            Proposal::ReopenView { view, definition } => return self.reopen_view(*view, definition),
        };
        self.take(vec![change])?;
        Ok(())
    }

    /// Makes changes part of the state that later proposals see.
    fn take(&mut self, changes: Vec<Change>) -> Result<(), Malformed> {
        let entry = Entry {
            version: self.version,
            branch: self.branch,
            commit_id: CommitId::from_bytes([0; 16]),
            request: None,
            base: Some(self.base),
            author: String::new(),
            message: String::new(),
            operation: String::new(),
            wall_time: Micros::new(0),
            commit_time: None,
            changes,
            tables: Vec::new(),
            properties: Vec::new(),
        };
        self.state.preview(&entry).map_err(Malformed::Contradiction)?;
        self.changes.extend(entry.changes);
        Ok(())
    }

    /// The id of the schema, table or view that is created next.
    fn next_object(&mut self) -> ObjectId {
        let next = self.state.counters().object;
        self.objects.push(next);
        next
    }

    /// The schema, table or view that an id stands for. While a transaction is put together, pending ids stay.
    fn object(&self, id: ObjectId) -> Result<ObjectId, Malformed> {
        match id.pending_place() {
            Some(place) if !self.state.counters().object.is_pending() => {
                nth(&self.objects, place, "schemas, tables and views")
            }
            _ => Ok(id),
        }
    }

    /// The segment that an id stands for.
    fn segment(&self, id: SegmentId) -> Result<SegmentId, Malformed> {
        match id.pending_place() {
            Some(place) if !self.state.counters().segment.is_pending() => nth(&self.segments, place, "segments"),
            _ => Ok(id),
        }
    }

    /// The table that a proposal speaks of.
    fn table(&self, target: TableTarget) -> Result<ObjectId, Malformed> {
        match target {
            TableTarget::Existing(table) => self.object(table),
            TableTarget::Created(place) => {
                let created = self.tables.len();
                self.tables.get(place).copied().ok_or(Malformed::NoTable { place, created })
            }
        }
    }

    fn conflict(&self, with: Version, reason: ConflictReason) -> Conflict {
        Conflict { base: self.base, with, reason }
    }

    fn gone(&self, what: &str, with: Option<Version>) -> Conflict {
        self.conflict(with.unwrap_or(self.version), ConflictReason::Gone { what: what.to_owned() })
    }

    /// Whether another transaction made a version since the base.
    fn is_since_base(&self, at: Version) -> bool {
        at > self.base && at < self.version
    }

    /// The first version since the base at which one of some facts began or ended.
    fn changed<'f, T: 'f>(&self, facts: impl IntoIterator<Item = &'f Fact<T>>) -> Option<Version> {
        let ends = facts.into_iter().flat_map(|fact| [Some(fact.interval.begin()), fact.interval.end()]);
        ends.flatten().filter(|at| self.is_since_base(*at)).min()
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

    fn free_schema_name(&self, name: &str) -> Result<(), Conflict> {
        let Some(taken) = self.state.schema_named(name, self.version) else { return Ok(()) };
        let begin = self.state.schemas().fact_at(&taken, self.version).map(|fact| fact.interval.begin());
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

    fn live_view(&self, view: ObjectId) -> Result<&View, Conflict> {
        let gone = || {
            let fact = self.state.views().of(&view).last();
            let name = fact.map_or_else(|| view.to_string(), |fact| fact.value.name.to_string());
            self.gone(&format!("view `{name}`"), fact.and_then(|fact| fact.interval.end()))
        };
        self.state.view_at(view, self.version).ok_or_else(gone)
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
        let changed = self.changed(self.state.columns_of(table).map(|(_, fact)| fact));
        changed.map_or(Ok(()), |with| Err(self.conflict(with, ConflictReason::Columns { table: name })))
    }

    /// Rows that were written without a column have NULL in it, unless it came with a value for them.
    fn no_rows_without(&self, table: ObjectId, column: &Column) -> Result<(), ResolveError> {
        if column.nullable || column.initial.is_some() || self.rows_now(table) == 0 {
            return Ok(());
        }
        self.same_rows(table)?;
        Err(Malformed::NoValue { column: column.name.to_string() }.into())
    }

    /// What was decided by looking at all rows of a table holds only while no others come.
    fn same_rows(&self, table: ObjectId) -> Result<(), ResolveError> {
        match touched_since(&self.state, self.base, self.branch, table)? {
            Some(with) => {
                let table = self.live_table(table)?.name.to_string();
                Err(self.conflict(with, ConflictReason::Read { table }).into())
            }
            None => Ok(()),
        }
    }
}

/// The n-th of what a transaction made.
fn nth<T: Copy>(made: &[T], place: u64, what: &'static str) -> Result<T, Malformed> {
    let found = usize::try_from(place).ok().and_then(|place| made.get(place));
    found.copied().ok_or(Malformed::NotMade { what, place, made: made.len() })
}
