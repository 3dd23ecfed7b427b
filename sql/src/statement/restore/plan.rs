//! What has to change so that a table, a schema or the lake is again what it was at a version.
//!
//! ```text
//!   what came later        goes                     DropTable, DropView, DropSchema
//!   what was dropped       begins again             Reopen…, BeginEpoch with the old rows as its base
//!   what changed           is set back              SetColumn, DropColumn, SetTable, SetView, SetSchema, BeginEpoch
//!   what is as it was      is left alone
//! ```
//!
//! * It costs a few changes for each thing that differs, however many rows and segments there are: no row is copied.
//! * A column begins again under its old id, so that old segments give their values back.
//! * Settings, tags and tokens belong to the lake and stay.

use std::collections::{BTreeMap, BTreeSet};

use frostline_catalog::schema::{Table, View};
use frostline_catalog::segment::TableVersion;
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{FieldId, Name, ObjectId, RelationId, SealedError, SegmentId, State, Version};
use thiserror::Error;

use super::steps::{Naming, Step, Taken, order};
use crate::statement::definition::Definition;

/// What is restored. Everything that is named is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A table that was there at the version, too. It keeps its name and schema.
    Table(ObjectId),
    /// A table, by another of the same name that has ended.
    Replaced {
        /// The table that has the name now.
        now: ObjectId,
        /// The one that had it.
        then: ObjectId,
    },
    /// What a schema holds. The schema keeps its name.
    Schema(ObjectId),
    /// Everything.
    Lake,
}

/// Why nothing can be restored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RestoreError {
    /// Something belongs where another thing of its name stands, which is not restored.
    #[error("`{name}` belongs into another schema, where something else has its name; rename that first")]
    Taken {
        /// The name.
        name: Name,
    },
    /// The rows of a version cannot be looked at.
    #[error(transparent)]
    Sealed(#[from] SealedError),
}

/// Plans the changes that make what holds now what held at another version. Nothing, if nothing differs.
pub(crate) fn plan_restore(
    state: &State,
    scope: Scope,
    now: Version,
    to: Version,
) -> Result<Vec<Proposal>, RestoreError> {
    let mut restoring = Restoring { state, now, to, changes: Vec::new() };
    match scope {
        Scope::Table(table) => restoring.contents(RelationId::Table(table))?,
        Scope::Replaced { now, then } => {
            restoring.changes.push(Proposal::DropTable { table: now });
            restoring.reopen(RelationId::Table(then));
        }
        Scope::Schema(schema) => {
            let places = restoring.placed_in(Some(schema));
            restoring.relations(&places, &|schema| state.schemas().at(&schema, now).is_some())?;
        }
        Scope::Lake => restoring.lake()?,
    }
    Ok(restoring.changes)
}

/// The tables whose rows a restoration is about: those of the scope that are there now.
pub(crate) fn tables_in(state: &State, scope: Scope, now: Version) -> Vec<ObjectId> {
    match scope {
        Scope::Table(table) | Scope::Replaced { now: table, .. } => vec![table],
        Scope::Schema(schema) => {
            let held = state.tables().all_at(now).filter(|(_, table)| table.schema == schema);
            held.map(|(id, _)| *id).collect()
        }
        Scope::Lake => state.tables().all_at(now).map(|(id, _)| *id).collect(),
    }
}

/// Whether a table has the same rows at two versions. Segments are compared only if something touched the rows since.
fn has_same_rows(state: &State, table: ObjectId, one: Version, other: Version) -> Result<bool, SealedError> {
    if state.has_rows_of(table, one.min(other)) {
        return Ok(true);
    }
    if state.rows_at(table, one)? != state.rows_at(table, other)? {
        return Ok(false);
    }
    let (first, second) = (state.live_segments(table, one)?, state.live_segments(table, other)?);
    let mut of_one: Vec<(SegmentId, _)> = Vec::with_capacity(first.hot.len() + first.frozen.len());
    let mut of_other: Vec<(SegmentId, _)> = Vec::with_capacity(second.hot.len() + second.frozen.len());
    of_one.extend(first.hot.iter().chain(&first.frozen).map(|live| (live.placed.segment.id, live.dead.as_ref())));
    of_other.extend(second.hot.iter().chain(&second.frozen).map(|live| (live.placed.segment.id, live.dead.as_ref())));
    of_one.sort_unstable_by_key(|(segment, _)| *segment);
    of_other.sort_unstable_by_key(|(segment, _)| *segment);
    Ok(of_one == of_other)
}

/// A schema and a name in it.
type Place = (ObjectId, Name);

struct Restoring<'a> {
    state: &'a State,
    now: Version,
    to: Version,
    changes: Vec<Proposal>,
}

impl Restoring<'_> {
    fn place_at(&self, relation: RelationId, version: Version) -> Option<Place> {
        match relation {
            RelationId::Table(id) => {
                let table: &Table = self.state.table_at(id, version)?;
                Some((table.schema, table.name.clone()))
            }
            RelationId::View(id) => {
                let view: &View = self.state.view_at(id, version)?;
                Some((view.schema, view.name.clone()))
            }
        }
    }

    /// The tables and views that stand in a schema, or in any, now or at the version; tables first, by id.
    fn placed_in(&self, schema: Option<ObjectId>) -> Vec<RelationId> {
        let (mut tables, mut views): (BTreeSet<ObjectId>, BTreeSet<ObjectId>) = (BTreeSet::new(), BTreeSet::new());
        for version in [self.now, self.to] {
            for (stands_in, relation) in self.state.relations_at(version) {
                if schema.is_none_or(|schema| schema == stands_in) {
                    match relation.id() {
                        RelationId::Table(id) => tables.insert(id),
                        RelationId::View(id) => views.insert(id),
                    };
                }
            }
        }
        tables.into_iter().map(RelationId::Table).chain(views.into_iter().map(RelationId::View)).collect()
    }

    /// Sets tables and views back, places included where the schema will be there.
    fn relations(
        &mut self,
        relations: &[RelationId],
        will_be_there: &dyn Fn(ObjectId) -> bool,
    ) -> Result<(), RestoreError> {
        self.drop_later(relations);
        self.set_back(relations, will_be_there)
    }

    fn drop_later(&mut self, relations: &[RelationId]) {
        for relation in relations {
            if self.place_at(*relation, self.to).is_none() {
                self.changes.push(match relation {
                    RelationId::Table(table) => Proposal::DropTable { table: *table },
                    RelationId::View(view) => Proposal::DropView { view: *view },
                });
            }
        }
    }

    fn set_back(
        &mut self,
        relations: &[RelationId],
        will_be_there: &dyn Fn(ObjectId) -> bool,
    ) -> Result<(), RestoreError> {
        let mut moved: Vec<RelationId> = Vec::new();
        let mut namings: Vec<Naming<Place>> = Vec::new();
        for relation in relations {
            let (from, to) = (self.place_at(*relation, self.now), self.place_at(*relation, self.to));
            let Some(to) = to else { continue };
            if from.is_some() {
                self.contents(*relation)?;
            }
            if from.as_ref() != Some(&to) && will_be_there(to.0) {
                moved.push(*relation);
                namings.push(Naming { from, to });
            }
        }
        let mut taken: BTreeSet<Place> = BTreeSet::new();
        for (schema, relation) in self.state.relations_at(self.now) {
            let is_dropped = relations.contains(&relation.id()) && self.place_at(relation.id(), self.to).is_none();
            if !is_dropped {
                taken.insert((schema, relation.name().clone()));
            }
        }
        let steps = order(taken, &namings).map_err(|Taken((_, name))| RestoreError::Taken { name })?;
        for step in steps {
            match step {
                Step::Go(place) if namings[place].from.is_none() => self.reopen(moved[place]),
                Step::Go(place) => self.set_place(moved[place], &namings[place].to),
                Step::Aside(place) => {
                    let (schema, name) = namings[place].from.clone().unwrap_or_else(|| namings[place].to.clone());
                    self.set_place(moved[place], &(schema, aside(&name)));
                }
            }
        }
        Ok(())
    }

    /// Gives what is there another place, and leaves the rest of it as it is set back.
    fn set_place(&mut self, relation: RelationId, (schema, name): &Place) {
        match relation {
            RelationId::Table(table) => {
                if let Some(then) = self.state.table_at(table, self.to) {
                    let next_field = self.next_field(table);
                    let definition = Table { schema: *schema, name: name.clone(), next_field, ..then.clone() };
                    self.changes.push(Proposal::SetTable { table, definition });
                }
            }
            RelationId::View(view) => {
                if let Some(then) = self.state.view_at(view, self.to) {
                    let definition = View { schema: *schema, name: name.clone(), ..then.clone() };
                    self.changes.push(Proposal::SetView { view, definition });
                }
            }
        }
    }

    /// Sets back what a relation is that is there at both versions, and its rows; it stays where it is.
    fn contents(&mut self, relation: RelationId) -> Result<(), RestoreError> {
        match relation {
            RelationId::Table(table) => {
                let now = Definition::at(self.state, table, self.now);
                let then = Definition::at(self.state, table, self.to);
                let (Some(now), Some(mut then)) = (now, then) else { return Ok(()) };
                then.table.schema = now.table.schema;
                then.table.name.clone_from(&now.table.name);
                self.changes.extend(now.changes_to(table, &then));
                if !has_same_rows(self.state, table, self.now, self.to)? {
                    self.begin_epoch(table);
                }
            }
            RelationId::View(view) => {
                let (now, then) = (self.state.view_at(view, self.now), self.state.view_at(view, self.to));
                let (Some(now), Some(then)) = (now, then) else { return Ok(()) };
                let definition = View { schema: now.schema, name: now.name.clone(), ..then.clone() };
                if definition != *now {
                    self.changes.push(Proposal::SetView { view, definition });
                }
            }
        }
        Ok(())
    }

    /// Begins what has ended again, as it was at the version.
    fn reopen(&mut self, relation: RelationId) {
        match relation {
            RelationId::Table(table) => {
                if let Some(then) = Definition::at(self.state, table, self.to) {
                    self.changes.push(reopened(self.state, table, then));
                    self.begin_epoch(table);
                }
            }
            RelationId::View(view) => {
                if let Some(then) = self.state.view_at(view, self.to) {
                    self.changes.push(Proposal::ReopenView { view, definition: then.clone() });
                }
            }
        }
    }

    fn begin_epoch(&mut self, table: ObjectId) {
        let base = Some(TableVersion { table, version: self.to });
        self.changes.push(Proposal::BeginEpoch { table: TableTarget::Existing(table), base });
    }

    fn next_field(&self, table: ObjectId) -> FieldId {
        next_field(self.state, table)
    }

    fn lake(&mut self) -> Result<(), RestoreError> {
        let now: BTreeMap<ObjectId, Name> = self.schemas_at(self.now);
        let then: BTreeMap<ObjectId, Name> = self.schemas_at(self.to);
        let relations = self.placed_in(None);
        self.drop_later(&relations);
        self.schema_names(&now, &then);
        let is_restored = |schema: ObjectId| then.contains_key(&schema);
        self.set_back(&relations, &is_restored)?;
        for schema in now.keys().filter(|schema| !then.contains_key(*schema)) {
            self.changes.push(Proposal::DropSchema { schema: *schema });
        }
        Ok(())
    }

    fn schemas_at(&self, version: Version) -> BTreeMap<ObjectId, Name> {
        self.state.schemas_at(version).map(|(id, name)| (id, name.clone())).collect()
    }

    /// Gives schemas their names back. One that came later gives its own up before it goes: until then it may hold
    /// something that moves out of it.
    fn schema_names(&mut self, now: &BTreeMap<ObjectId, Name>, then: &BTreeMap<ObjectId, Name>) {
        let wanted: BTreeSet<&Name> = then.values().collect();
        for (schema, name) in now {
            if !then.contains_key(schema) && wanted.contains(name) {
                self.changes.push(Proposal::SetSchema { schema: *schema, name: aside(name) });
            }
        }
        let mut moved: Vec<ObjectId> = Vec::new();
        let mut namings: Vec<Naming<Name>> = Vec::new();
        for (schema, to) in then {
            let from = now.get(schema).cloned();
            if from.as_ref() != Some(to) {
                moved.push(*schema);
                namings.push(Naming { from, to: to.clone() });
            }
        }
        let taken: BTreeSet<Name> =
            now.iter().filter(|(schema, _)| then.contains_key(*schema)).map(|(_, name)| name.clone()).collect();
        // Every schema that has a wanted name is among those that get one, or has given it up.
        for step in order(taken, &namings).unwrap_or_default() {
            match step {
                Step::Go(place) => {
                    let (schema, name) = (moved[place], namings[place].to.clone());
                    self.changes.push(match namings[place].from {
                        Some(_) => Proposal::SetSchema { schema, name },
                        None => Proposal::ReopenSchema { schema, name },
                    });
                }
                Step::Aside(place) => {
                    let name = aside(namings[place].from.as_ref().unwrap_or(&namings[place].to));
                    self.changes.push(Proposal::SetSchema { schema: moved[place], name });
                }
            }
        }
    }
}

/// What begins a table again that has ended.
pub(crate) fn reopened(state: &State, table: ObjectId, then: Definition) -> Proposal {
    let definition = Table { next_field: next_field(state, table), ..then.table };
    let columns = then.columns.into_iter().map(|placed| (placed.column, placed.ordinal)).collect();
    Proposal::ReopenTable { table, definition, columns }
}

/// The field id that a table's next column gets, also if the table has ended: the greatest that it ever had for it.
pub(crate) fn next_field(state: &State, table: ObjectId) -> FieldId {
    let known = state.tables().of(&table).iter().map(|fact| fact.value.next_field);
    known.max().unwrap_or(FieldId::FIRST)
}

/// A name that nobody gives to anything, for what has to make room for a moment within one commit.
fn aside(name: &Name) -> Name {
    let long = Name::try_new(&format!("{name}#aside"));
    long.unwrap_or_else(|_| name.clone())
}
