//! Definitions change, and what has ended begins again.

use super::super::{Conflict, ConflictReason, Malformed, ResolveError};
use super::Numbering;
use crate::change::Change;
use crate::id::{FieldId, ObjectId};
use crate::name::Name;
use crate::schema::{Column, Constraint, Table, View};
use crate::state::Fact;

impl Numbering {
    pub(super) fn set_table(&mut self, table: ObjectId, definition: &Table) -> Result<(), ResolveError> {
        let table = self.object(table)?;
        let now = self.live_table(table)?;
        let definition = self.definition(definition, now.next_field)?;
        self.same_definition(self.state.tables().of(&table), || format!("table `{}`", now.name))?;
        if definition.constraints != now.constraints || definition.sort_by != now.sort_by {
            self.same_columns(table)?;
        }
        let is_new = |rule: &Constraint| matches!(rule, Constraint::Check { .. }) && !now.constraints.contains(rule);
        if definition.constraints.iter().any(is_new) {
            self.same_rows(table)?;
        }
        if (definition.schema, &definition.name) != (now.schema, &now.name) {
            self.live_schema(definition.schema)?;
            self.free_name(definition.schema, definition.name.as_str())?;
        }
        self.take(vec![Change::SetTable { table, definition }])?;
        Ok(())
    }

    pub(super) fn set_column(
        &mut self,
        table: ObjectId,
        (column, ordinal): (&Column, u32),
        next_field: FieldId,
    ) -> Result<(), ResolveError> {
        let table = self.object(table)?;
        self.same_columns(table)?;
        self.same_constraints(table)?;
        let key = (table, column.id);
        match self.state.columns().at(&key, self.version) {
            Some(before) if before.column.nullable && !column.nullable => self.same_rows(table)?,
            Some(_) if self.goes_back(table, column, self.version) => self.same_rows(table)?,
            None if self.state.columns().of(&key).is_empty() => self.no_rows_without(table, column)?,
            _ => {}
        }
        let mut changes: Vec<Change> = Vec::new();
        let now = self.live_table(table)?;
        if now.next_field < next_field {
            changes.push(Change::SetTable { table, definition: Table { next_field, ..now.clone() } });
        }
        changes.push(Change::SetColumn { table, column: column.clone(), ordinal });
        self.take(changes)?;
        Ok(())
    }

    pub(super) fn set_view(&mut self, view: ObjectId, definition: &View) -> Result<(), ResolveError> {
        let view = self.object(view)?;
        let definition = View { schema: self.object(definition.schema)?, ..definition.clone() };
        let now = self.live_view(view)?;
        self.same_definition(self.state.views().of(&view), || format!("view `{}`", now.name))?;
        if (definition.schema, &definition.name) != (now.schema, &now.name) {
            self.live_schema(definition.schema)?;
            self.free_name(definition.schema, definition.name.as_str())?;
        }
        self.take(vec![Change::SetView { view, definition }])?;
        Ok(())
    }

    pub(super) fn set_schema(&mut self, schema: ObjectId, name: &Name) -> Result<(), ResolveError> {
        let schema = self.object(schema)?;
        self.live_schema(schema)?;
        let now = self.state.schemas().at(&schema, self.version).unwrap_or(name);
        self.same_definition(self.state.schemas().of(&schema), || format!("schema `{now}`"))?;
        if now != name {
            self.free_schema_name(name.as_str())?;
        }
        self.take(vec![Change::SetSchema { schema, name: name.clone() }])?;
        Ok(())
    }

    pub(super) fn reopen_schema(&mut self, schema: ObjectId, name: &Name) -> Result<(), ResolveError> {
        let schema = self.object(schema)?;
        self.has_ended(self.state.schemas().of(&schema), format!("schema `{name}`"))?;
        self.free_schema_name(name.as_str())?;
        self.take(vec![Change::CreateSchema { schema, name: name.clone() }])?;
        Ok(())
    }

    pub(super) fn reopen_table(
        &mut self,
        table: ObjectId,
        definition: &Table,
        columns: &[(Column, u32)],
    ) -> Result<(), ResolveError> {
        let table = self.object(table)?;
        let last = self.state.tables().of(&table).last().map_or(FieldId::FIRST, |fact| fact.value.next_field);
        let definition = self.definition(definition, last)?;
        self.has_ended(self.state.tables().of(&table), format!("table `{}`", definition.name))?;
        self.live_schema(definition.schema)?;
        self.free_name(definition.schema, definition.name.as_str())?;
        // Each column gets its old place, of which some may stay empty.
        let mut changes = vec![Change::CreateTable { table, definition, columns: Vec::new() }];
        changes.extend(columns.iter().map(|(column, ordinal)| Change::SetColumn {
            table,
            column: column.clone(),
            ordinal: *ordinal,
        }));
        self.take(changes)?;
        Ok(())
    }

    pub(super) fn reopen_view(&mut self, view: ObjectId, definition: &View) -> Result<(), ResolveError> {
        let view = self.object(view)?;
        let definition = View { schema: self.object(definition.schema)?, ..definition.clone() };
        self.has_ended(self.state.views().of(&view), format!("view `{}`", definition.name))?;
        self.live_schema(definition.schema)?;
        self.free_name(definition.schema, definition.name.as_str())?;
        self.take(vec![Change::CreateView { view, definition }])?;
        Ok(())
    }

    /// A definition with its schema's real id. It may be an old one; field ids are not given back.
    fn definition(&self, asked: &Table, next_field: FieldId) -> Result<Table, Malformed> {
        let schema = self.object(asked.schema)?;
        Ok(Table { schema, next_field: next_field.max(asked.next_field), ..asked.clone() })
    }

    /// Only what has been before begins again, and only as it was left at the base.
    fn has_ended<T>(&self, facts: &[Fact<T>], what: String) -> Result<(), ResolveError> {
        if facts.is_empty() {
            return Err(Malformed::NeverWas { what }.into());
        }
        self.same_definition(facts, || what)?;
        Ok(())
    }

    /// Whoever gives a whole definition would undo what another changed in it.
    fn same_definition<T>(&self, facts: &[Fact<T>], what: impl FnOnce() -> String) -> Result<(), Conflict> {
        let changed = self.changed(facts);
        changed.map_or(Ok(()), |with| Err(self.conflict(with, ConflictReason::Definition { what: what() })))
    }

    /// A constraint that came after the base may speak of any column.
    pub(super) fn same_constraints(&self, table: ObjectId) -> Result<(), Conflict> {
        let now = self.live_table(table)?;
        let before = self.state.table_at(table, self.base);
        match self.changed(self.state.tables().of(&table)) {
            Some(with) if before.is_some_and(|before| before.constraints != now.constraints) => {
                let what = format!("table `{}`", now.name);
                Err(self.conflict(with, ConflictReason::Definition { what }))
            }
            _ => Ok(()),
        }
    }
}
