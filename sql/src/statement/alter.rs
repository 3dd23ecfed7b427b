//! ALTER TABLE: columns come, go and change, by field id; and so does the table itself.
//!
//! The operations are worked out one after the other on what the table is; what is committed is the difference. No row
//! is written: old ones are read as the new columns, by field id.

mod constraints;
mod nested;
mod row_tests;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::FormatOptions;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, ColumnOption, Ident};
use frostline_catalog::ObjectId;
use frostline_catalog::schema::{Column, Constraint, Table, check_type};

use super::Work;
use super::create::sort_keys;
use super::definition::Definition;
use super::name::{own_schema, plain};
use super::rename::{NewPlace, in_schema, renamed};
use crate::column::{assign_ids, check_column_name, computed_type, declared};
use crate::column_default::check_default;
use crate::constraint::{Checks, column_constraints, named_places, renamed_column};
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::expression::evaluate;
use crate::fit::Fit;
use crate::parameters::Parameters;
use crate::parse::{AlterOperation, AlterTable, ColumnChange, ColumnPosition};
use crate::planning::number;
use crate::planning::zone::read_type;
use crate::session::{Commit, Session};
use crate::sql_types::arrow_type;
use crate::type_name::sql_type;
use crate::widening::{widened, wider_types};

use row_tests::{RowTest, RowTests};

pub(super) async fn run(session: &Session, context: &Arc<Context>, alter: &AlterTable) -> Result<Work, Error> {
    let qualified = context.qualify(&alter.name)?;
    own_schema(&qualified.schema)?;
    if alter.if_exists && context.find(&qualified, context.visible).is_none() {
        return Ok(Work::no_change(context));
    }
    let table = context.find_table(&qualified, context.visible)?;
    let before = Definition::at(&context.state, table, context.visible);
    let before = before.ok_or_else(|| context.missing(&qualified, context.visible))?;
    let mut altered = Altered::new(context, table, qualified.clone(), &before)?;
    for operation in &alter.operations {
        altered.apply(operation)?;
    }
    let (after, name, tests) = altered.finish(&before)?;
    let changes = before.changes_to(table, &after);
    if changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    RowTests { session, context, table, name: &qualified, before: &before, after: &after }.run(&tests).await?;
    let renamed = if name == qualified { String::new() } else { format!(", now {name}") };
    let summary = format!("alter table {qualified}{renamed}");
    let mut reads = context.tables_read();
    // A table without rows is not read, and rows that come meanwhile are to be tested, too.
    if !tests.is_empty() && !reads.contains(&table) {
        reads.push(table);
    }
    Ok(Work::Commit(Commit { reads, ..Commit::of("alter table", summary, changes) }))
}

/// A table as it is after the operations so far.
struct Altered<'a> {
    context: &'a Context,
    name: QualifiedName,
    rows: u64,
    table: Table,
    columns: Vec<Column>,
    tests: Vec<RowTest>,
}

/// The text that a value is kept as, if it is read back as the same value. Binary need not be text.
fn kept_text(value: &ArrayRef) -> Option<String> {
    let strict = strict();
    let text = cast_with_options(value, &DataType::Utf8, &strict).ok()?;
    let back = cast_with_options(&text, value.data_type(), &strict).ok()?;
    let is_same = ScalarValue::try_from_array(value, 0).ok()? == ScalarValue::try_from_array(&back, 0).ok()?;
    let text = ScalarValue::try_from_array(&text, 0).ok()?;
    text.try_as_str().flatten().filter(|_| is_same).map(str::to_owned)
}

/// The value that a text was kept for, alone in an array.
fn kept_value(text: &str, data_type: &DataType) -> Result<ArrayRef, Error> {
    let written: ArrayRef = Arc::new(StringArray::from(vec![text]));
    Ok(cast_with_options(&written, data_type, &strict())?)
}

fn strict() -> CastOptions<'static> {
    CastOptions { safe: false, format_options: FormatOptions::default() }
}

impl<'a> Altered<'a> {
    fn new(context: &'a Context, id: ObjectId, name: QualifiedName, before: &Definition) -> Result<Self, Error> {
        let columns = before.columns.iter().map(|placed| placed.column.clone()).collect();
        let rows = context.state.rows_at(id, context.visible)?;
        Ok(Self { context, name, rows, table: before.table.clone(), columns, tests: Vec::new() })
    }

    /// What the table is now, its name, and what its rows are to be tested for.
    fn finish(self, before: &Definition) -> Result<(Definition, QualifiedName, Vec<RowTest>), Error> {
        Checks::new(self.context, self.columns.clone(), &self.table.constraints).map_err(|error| {
            Error::statement(error.to_string())
                .with_hint("ALTER TABLE … DROP CONSTRAINT takes a constraint away that does not fit any more")
        })?;
        Ok((before.with_columns(self.table, self.columns), self.name, self.tests))
    }

    fn apply(&mut self, operation: &AlterOperation) -> Result<(), Error> {
        match operation {
            AlterOperation::AddColumn { within, column, if_not_exists, position } => match within.as_slice() {
                [] => self.add(column, *if_not_exists, position.as_ref()),
                within => self.add_field(within, column, *if_not_exists, position.as_ref()),
            },
            AlterOperation::DropColumn { path, if_exists } => match path.as_slice() {
                [name] => self.drop(name, *if_exists),
                path => self.drop_field(path, *if_exists),
            },
            AlterOperation::RenameColumn { from, to } => match from.as_slice() {
                [from] => self.rename(from, to),
                from => self.rename_field(from, to),
            },
            AlterOperation::AlterColumn { path, change } => match path.as_slice() {
                [name] => self.alter(name, change),
                path => self.alter_field(path, change),
            },
            AlterOperation::RenameTable(name) => self.move_to(renamed(self.context, &self.name, name)?),
            AlterOperation::SetSchema(schema) => self.move_to(in_schema(self.context, &self.name, schema)?),
            AlterOperation::AddConstraint(constraint) => self.add_constraint(constraint),
            AlterOperation::DropConstraint { name, if_exists } => self.drop_constraint(name, *if_exists),
            AlterOperation::RenameConstraint { from, to } => self.rename_constraint(from, to),
            AlterOperation::SetOptions(options) => self.set_options(options),
            AlterOperation::ResetOptions(keys) => self.reset_options(keys),
            AlterOperation::SortBy(columns) => {
                self.table.sort_by = sort_keys(&self.columns, columns)?;
                Ok(())
            }
        }
    }

    fn place(&self, name: &Ident) -> Option<usize> {
        let name = fold(name);
        self.columns.iter().position(|column| column.name.as_str() == name)
    }

    fn known_place(&self, name: &Ident) -> Result<usize, Error> {
        self.place(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &Ident) -> Error {
        let name = fold(name);
        let known = self.columns.iter().map(|column| column.name.as_str());
        match frostline_catalog::nearest(&name, known) {
            Some(nearest) => {
                Error::statement(format!("table `{}` has no column `{name}`; did you mean `{nearest}`?", self.name))
            }
            None => Error::statement(format!("table `{}` has no column `{name}`", self.name)),
        }
    }

    fn has_already(&self, name: &str) -> Error {
        Error::statement(format!("table `{}` has a column `{name}` already", self.name))
    }

    fn add(
        &mut self,
        column: &ast::ColumnDef,
        if_not_exists: bool,
        position: Option<&ColumnPosition>,
    ) -> Result<(), Error> {
        if self.place(&column.name).is_some() {
            return if if_not_exists { Ok(()) } else { Err(self.has_already(&fold(&column.name))) };
        }
        let mut new = declared(&self.context.base, column)?;
        new.initial = self.initial(column, &new.data_type)?;
        if !new.nullable && new.initial.is_none() && self.rows > 0 {
            return Err(Error::statement(format!("column `{}` is NOT NULL, and the table has rows", new.name))
                .with_hint("give it a DEFAULT, which those rows get"));
        }
        let (columns, next_field) = assign_ids(vec![new], self.table.next_field);
        self.table.next_field = next_field;
        self.columns.extend(columns);
        if let Some(position) = position {
            self.reorder(self.columns.len() - 1, position)?;
        }
        column_constraints(column).iter().try_for_each(|constraint| self.add_constraint(constraint))
    }

    /// The value that existing rows get, as text: the default, computed now.
    fn initial(&self, column: &ast::ColumnDef, data_type: &DataType) -> Result<Option<String>, Error> {
        let default = column.options.iter().find_map(|option| match &option.option {
            ColumnOption::Default(expr) => Some(expr),
            _ => None,
        });
        let Some(expr) = default else { return Ok(None) };
        let mut value = match number::spelled(expr, data_type) {
            Some(exact) => exact,
            None => evaluate(&self.context.base, expr, &Parameters::none())?,
        };
        if let Some(zone) = self.context.zone.label() {
            value = value.cast_to(&read_type(data_type, Some(&zone)))?;
        }
        if value.is_null() {
            return Ok(None);
        }
        let name = fold(&column.name);
        if data_type.is_nested() {
            return Err(Error::statement(format!(
                "a default for existing rows of the nested column `{name}` is not supported; add it without"
            )));
        }
        let typed = Fit::new(&self.context.base, &name, data_type.clone()).values(&value.to_array()?)?;
        match kept_text(&typed) {
            Some(text) => Ok(Some(text)),
            None => Err(Error::statement(format!(
                "the default of column `{name}` has no text that could be kept for existing rows; add it without"
            ))),
        }
    }

    fn drop(&mut self, name: &Ident, if_exists: bool) -> Result<(), Error> {
        let Some(place) = self.place(name) else {
            return if if_exists { Ok(()) } else { Err(self.missing(name)) };
        };
        if self.columns.len() == 1 {
            return Err(Error::statement(format!(
                "`{name}` is the last column of `{}`; DROP TABLE drops it",
                self.name
            )));
        }
        let field = self.columns[place].id;
        if self.table.sort_by.iter().any(|key| key.field == field) {
            return Err(Error::statement(format!(
                "table `{}` is sorted by `{name}`, so it cannot be dropped",
                self.name
            )));
        }
        self.refuse_if_constrained(place, "dropped")?;
        self.columns.remove(place);
        Ok(())
    }

    /// Refuses to change a column in a way that would leave a constraint without it.
    fn refuse_if_constrained(&self, place: usize, change: &str) -> Result<(), Error> {
        for constraint in &self.table.constraints {
            if named_places(self.context, &self.columns, constraint)?.contains(&place) {
                let (column, name) = (&self.columns[place].name, constraint.name());
                return Err(Error::statement(format!(
                    "constraint `{name}` of table `{}` names column `{column}`, so it cannot be {change}",
                    self.name
                ))
                .with_hint(format!("`ALTER TABLE {} DROP CONSTRAINT {name}` first", self.name)));
            }
        }
        Ok(())
    }

    fn rename(&mut self, from: &Ident, to: &Ident) -> Result<(), Error> {
        let place = self.known_place(from)?;
        if let Some(taken) = self.place(to) {
            return if taken == place { Ok(()) } else { Err(self.has_already(&fold(to))) };
        }
        let (old, new) = (fold(from), plain(to)?);
        check_column_name(&new)?;
        for constraint in &mut self.table.constraints {
            if let Constraint::Check { expression, .. } = constraint {
                *expression = renamed_column(expression, &old, new.as_str())?;
            }
        }
        self.columns[place].name = new;
        Ok(())
    }

    fn alter(&mut self, name: &Ident, change: &ColumnChange) -> Result<(), Error> {
        let place = self.known_place(name)?;
        match change {
            ColumnChange::Type(data_type) => self.widen(place, data_type),
            ColumnChange::Nullable(false) => {
                let column = &mut self.columns[place];
                if column.nullable {
                    column.nullable = false;
                    self.tests.push(RowTest::NotNull(column.id));
                }
                Ok(())
            }
            ColumnChange::Nullable(true) => {
                let field = self.columns[place].id;
                let is_key = |found: &&Constraint| match found {
                    Constraint::Key { columns, primary, .. } => *primary && columns.contains(&field),
                    Constraint::Check { .. } => false,
                };
                if let Some(key) = self.table.constraints.iter().find(is_key) {
                    let key = key.name();
                    return Err(Error::statement(format!("`{name}` belongs to the primary key, which takes no NULL"))
                        .with_hint(format!("`ALTER TABLE {} DROP CONSTRAINT {key}` first", self.name)));
                }
                self.columns[place].nullable = true;
                Ok(())
            }
            ColumnChange::Default(None) => {
                self.columns[place].default = None;
                Ok(())
            }
            ColumnChange::Default(Some(expr)) => {
                let column = &mut self.columns[place];
                let fit = Fit::new(&self.context.base, column.name.as_str(), computed_type(&column.data_type));
                check_default(&self.context.base, expr, fit)?;
                column.default = Some(expr.to_string());
                Ok(())
            }
            ColumnChange::Position(position) => self.reorder(place, position),
            ColumnChange::Comment(text) => {
                self.columns[place].comment.clone_from(text);
                Ok(())
            }
        }
    }

    fn widen(&mut self, place: usize, declared: &ast::DataType) -> Result<(), Error> {
        let column = &self.columns[place];
        let named = |error: String| Error::statement(format!("column `{}`: {error}", column.name));
        let wanted = arrow_type(declared).map_err(|error| named(error.to_string()))?;
        check_type(&wanted).map_err(|error| named(error.to_string()))?;
        let data_type = widened(&column.data_type, &wanted)
            .ok_or_else(|| narrower(column.name.as_str(), &column.data_type, &wanted))?;
        if data_type == column.data_type {
            return Ok(());
        }
        let initial = match &column.initial {
            None => None,
            Some(text) => {
                let value = kept_value(text, &column.data_type)?;
                let wide = cast_with_options(&value, &data_type, &strict())?;
                Some(kept_text(&wide).ok_or_else(|| named("its value for old rows cannot be kept".to_owned()))?)
            }
        };
        let column = &mut self.columns[place];
        column.initial = initial;
        column.data_type = data_type;
        Ok(())
    }

    fn reorder(&mut self, place: usize, position: &ColumnPosition) -> Result<(), Error> {
        let behind = match position {
            ColumnPosition::First => None,
            ColumnPosition::After(other) => Some(self.known_place(other)?),
        };
        if behind == Some(place) {
            let name = &self.columns[place].name;
            return Err(Error::statement(format!("column `{name}` cannot stand behind itself")));
        }
        let column = self.columns.remove(place);
        // Taking it out has moved what stood behind it.
        let at = behind.map_or(0, |behind| if behind > place { behind } else { behind + 1 });
        self.columns.insert(at, column);
        Ok(())
    }

    fn move_to(&mut self, place: NewPlace) -> Result<(), Error> {
        if let Some((schema, name, qualified)) = place {
            (self.table.schema, self.table.name, self.name) = (schema, name, qualified);
        }
        Ok(())
    }
}

/// The error of a type that a column does not widen to.
fn narrower(name: &str, from: &DataType, to: &DataType) -> Error {
    let (found, wanted) = (sql_type(from), sql_type(to));
    let message = format!("column `{name}`: {found} does not widen to {wanted}, which could lose values");
    let error = Error::statement(message);
    match wider_types(from) {
        Some(wider) => error.with_hint(format!("{found} widens to {wider}; for others, add a column and fill it")),
        None if from.is_nested() => {
            error.with_hint("change what is inside by itself: `ALTER COLUMN s.x TYPE BIGINT`, `ADD COLUMN s.y …`")
        }
        None => error.with_hint(format!("{found} does not widen; add a column of the other type and fill it")),
    }
}
