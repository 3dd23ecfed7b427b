//! Columns begin and end, and definitions take the place of others: of tables, columns, views and schemas.

use super::{ApplyError, Fact, PlacedColumn, RelationId, State, StoredFact};
use crate::id::{FieldId, ObjectId, Version};
use crate::interval::Interval;
use crate::name::Name;
use crate::schema::{Table, View};

impl State {
    pub(super) fn begin_column(
        &mut self,
        version: Version,
        table: ObjectId,
        column: PlacedColumn,
    ) -> Result<(), ApplyError> {
        let key = (table, column.column.id);
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::column(key, interval, &column));
        let what = format!("column {} of table {table}", column.column.id);
        let begun = self.columns.push(key, Fact { interval, value: column });
        begun.then_some(()).ok_or(ApplyError::Exists { version, what })
    }

    pub(super) fn end_column(
        &mut self,
        version: Version,
        table: ObjectId,
        field: FieldId,
    ) -> Result<PlacedColumn, ApplyError> {
        let key = (table, field);
        let what = || ApplyError::Missing { version, what: format!("column {field} of table {table}") };
        let done = self.columns.close(&key, version).ok_or_else(what)?;
        self.redigest(&done, |fact| StoredFact::column(key, fact.interval, &fact.value));
        Ok(done.open.value)
    }

    /// Lets a table go on with another number for its next column.
    pub(super) fn supersede_table(
        &mut self,
        version: Version,
        table: ObjectId,
        next: FieldId,
    ) -> Result<(), ApplyError> {
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
    pub(super) fn open_fields(&self, table: ObjectId) -> impl Iterator<Item = (FieldId, u32)> {
        let open = self.columns_of(table).filter(|(_, fact)| fact.interval.end().is_none());
        open.map(|(field, fact)| (field, fact.value.ordinal))
    }

    /// Gives a table another definition. Field ids are not given back.
    pub(super) fn set_table(
        &mut self,
        version: Version,
        table: ObjectId,
        definition: &Table,
    ) -> Result<(), ApplyError> {
        let missing = || ApplyError::Missing { version, what: format!("table {table}") };
        let done = self.tables.close(&table, version).ok_or_else(missing)?;
        self.redigest(&done, |fact| StoredFact::table(table, fact.interval, &fact.value));
        let before = done.open.value;
        if definition.next_field < before.next_field {
            let what = format!("field {} of table {table}", definition.next_field);
            return Err(ApplyError::Exists { version, what });
        }
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::table(table, interval, definition));
        self.tables.push(table, Fact { interval, value: definition.clone() });
        let (from, to) = ((before.schema, &before.name), (definition.schema, &definition.name));
        self.move_name(version, RelationId::Table(table), from, to)
    }

    /// Gives a column another definition, or begins one that is not there.
    pub(super) fn set_column(
        &mut self,
        version: Version,
        table: ObjectId,
        column: PlacedColumn,
    ) -> Result<(), ApplyError> {
        if self.tables.open(&table).is_none() {
            return Err(ApplyError::Missing { version, what: format!("table {table}") });
        }
        let field = column.column.id;
        if self.columns.open(&(table, field)).is_some() {
            self.end_column(version, table, field)?;
        }
        self.begin_column(version, table, column)
    }

    /// Gives a view another definition.
    pub(super) fn set_view(&mut self, version: Version, view: ObjectId, definition: &View) -> Result<(), ApplyError> {
        let missing = || ApplyError::Missing { version, what: format!("view {view}") };
        let done = self.views.close(&view, version).ok_or_else(missing)?;
        self.redigest(&done, |fact| StoredFact::view(view, fact.interval, &fact.value));
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::view(view, interval, definition));
        self.views.push(view, Fact { interval, value: definition.clone() });
        let before = done.open.value;
        let (from, to) = ((before.schema, &before.name), (definition.schema, &definition.name));
        self.move_name(version, RelationId::View(view), from, to)
    }

    /// Gives a schema another name.
    pub(super) fn set_schema(&mut self, version: Version, schema: ObjectId, name: &Name) -> Result<(), ApplyError> {
        let missing = || ApplyError::Missing { version, what: format!("schema {schema}") };
        let done = self.schemas.close(&schema, version).ok_or_else(missing)?;
        self.redigest(&done, |fact| StoredFact::schema(schema, fact.interval, &fact.value));
        let interval = Interval::from(version);
        self.digests.add(&StoredFact::schema(schema, interval, name));
        self.schemas.push(schema, Fact { interval, value: name.clone() });
        if done.open.value == *name {
            return Ok(());
        }
        self.names.end_schema(&done.open.value, version);
        let named = self.names.begin_schema(name, schema, version);
        named.then_some(()).ok_or_else(|| ApplyError::Exists { version, what: format!("schema `{name}`") })
    }

    /// Lets a table or view have another name, or the same in another schema.
    fn move_name(
        &mut self,
        version: Version,
        relation: RelationId,
        from: (ObjectId, &Name),
        to: (ObjectId, &Name),
    ) -> Result<(), ApplyError> {
        if from == to {
            return Ok(());
        }
        self.names.end_relation(from.0, from.1, version);
        let named = self.names.begin_relation(to.0, to.1, relation, version);
        named.then_some(()).ok_or_else(|| ApplyError::Exists { version, what: format!("`{}`", to.1) })
    }
}
