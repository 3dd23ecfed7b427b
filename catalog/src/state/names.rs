//! What names stand for: an index over schemas, tables and views.

use super::{Fact, History, RelationId};
use crate::id::{ObjectId, Version};
use crate::interval::Interval;
use crate::name::Name;
use crate::schema::{Table, View};

/// What each name stood for at each version.
///
/// * It says what a walk over all schemas, tables and views would find, at the cost of one look-up.
/// * At one version a name stands for at most one schema, and within a schema for at most one table or view.
/// * It follows from the facts of the state and is neither part of its digest nor written down.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    schemas: History<Name, ObjectId>,
    relations: History<(ObjectId, Name), RelationId>,
}

impl Names {
    /// The index over these facts; `None` if two of them have one name at one version.
    pub(super) fn of(
        schemas: &History<ObjectId, Name>,
        tables: &History<ObjectId, Table>,
        views: &History<ObjectId, View>,
    ) -> Option<Self> {
        let mut named: Vec<(Interval, Name, ObjectId)> = Vec::new();
        named.extend(schemas.iter().map(|(id, fact)| (fact.interval, fact.value.clone(), *id)));
        named.sort_by_key(|(interval, _, _)| interval.begin());
        let mut names = Self::default();
        for (interval, name, value) in named {
            names.schemas.push(name, Fact { interval, value }).then_some(())?;
        }
        let mut placed: Vec<(Interval, (ObjectId, Name), RelationId)> = Vec::new();
        for (id, fact) in tables.iter() {
            placed.push((fact.interval, (fact.value.schema, fact.value.name.clone()), RelationId::Table(*id)));
        }
        for (id, fact) in views.iter() {
            placed.push((fact.interval, (fact.value.schema, fact.value.name.clone()), RelationId::View(*id)));
        }
        placed.sort_by_key(|(interval, _, _)| interval.begin());
        for (interval, name, value) in placed {
            names.relations.push(name, Fact { interval, value }).then_some(())?;
        }
        Some(names)
    }

    /// The schema of this name at a version.
    pub(super) fn schema(&self, name: &str, version: Version) -> Option<ObjectId> {
        self.schemas.at(&Name::try_new(name).ok()?, version).copied()
    }

    /// What a name stands for in a schema at a version.
    pub(super) fn relation(&self, schema: ObjectId, name: &str, version: Version) -> Option<RelationId> {
        self.relations.at(&(schema, Name::try_new(name).ok()?), version).copied()
    }

    /// Gives a schema its name; `false` if another has it.
    pub(super) fn begin_schema(&mut self, name: &Name, schema: ObjectId, version: Version) -> bool {
        self.schemas.push(name.clone(), Fact { interval: Interval::from(version), value: schema })
    }

    /// Takes the name of a schema that ends.
    pub(super) fn end_schema(&mut self, name: &Name, version: Version) {
        self.schemas.close(name, version);
    }

    /// Gives a table or view its name; `false` if another has it.
    pub(super) fn begin_relation(
        &mut self,
        schema: ObjectId,
        name: &Name,
        relation: RelationId,
        version: Version,
    ) -> bool {
        let fact = Fact { interval: Interval::from(version), value: relation };
        self.relations.push((schema, name.clone()), fact)
    }

    /// Takes the name of a table or view that ends.
    pub(super) fn end_relation(&mut self, schema: ObjectId, name: &Name, version: Version) {
        self.relations.close(&(schema, name.clone()), version);
    }
}
