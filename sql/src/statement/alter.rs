//! ALTER TABLE: columns come, go and change their names, by field id.

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::FormatOptions;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, ColumnOption};
use frostline_catalog::schema::Column;
use frostline_catalog::transaction::Proposal;
use frostline_catalog::{FieldId, ObjectId};

use super::Work;
use super::name::{own_schema, plain};
use crate::column::{assign_ids, declared};
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::expression::evaluate;
use crate::fit::Fit;
use crate::parameters::Parameters;
use crate::parse::{AlterOperation, AlterTable};
use crate::planning::zone::read_type;
use crate::session::Commit;

pub(super) fn run(context: &Context, alter: &AlterTable) -> Result<Work, Error> {
    let qualified = context.qualify(&alter.name)?;
    own_schema(&qualified.schema)?;
    if alter.if_exists && context.find(&qualified, context.visible).is_none() {
        return Ok(Work::no_change(context));
    }
    let table = context.find_table(&qualified, context.visible)?;
    let mut altered = Altered::new(context, table, qualified.clone());
    for operation in &alter.operations {
        altered.apply(operation)?;
    }
    if altered.changes.is_empty() {
        return Ok(Work::no_change(context));
    }
    Ok(Work::Commit(Commit::of("alter table", format!("alter table {qualified}"), altered.changes)))
}

/// A table's columns as they are after the operations so far.
struct Altered<'a> {
    context: &'a Context,
    table: ObjectId,
    name: QualifiedName,
    columns: Vec<Column>,
    next_field: FieldId,
    changes: Vec<Proposal>,
}

/// The text that a value is kept as, if it is read back as the same value. Binary need not be text.
fn kept_text(value: &ArrayRef) -> Option<String> {
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    let text = cast_with_options(value, &DataType::Utf8, &strict).ok()?;
    let back = cast_with_options(&text, value.data_type(), &strict).ok()?;
    let is_same = ScalarValue::try_from_array(value, 0).ok()? == ScalarValue::try_from_array(&back, 0).ok()?;
    let text = ScalarValue::try_from_array(&text, 0).ok()?;
    text.try_as_str().flatten().filter(|_| is_same).map(str::to_owned)
}

impl<'a> Altered<'a> {
    fn new(context: &'a Context, table: ObjectId, name: QualifiedName) -> Self {
        let columns = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
        let next_field =
            context.state.table_at(table, context.visible).map_or(FieldId::FIRST, |table| table.next_field);
        Self { context, table, name, columns, next_field, changes: Vec::new() }
    }

    fn apply(&mut self, operation: &AlterOperation) -> Result<(), Error> {
        match operation {
            AlterOperation::AddColumn { column, if_not_exists } => self.add(column, *if_not_exists),
            AlterOperation::DropColumn { name, if_exists } => self.drop(name, *if_exists),
            AlterOperation::RenameColumn { from, to } => self.rename(from, to),
        }
    }

    fn place(&self, name: &ast::Ident) -> Option<usize> {
        let name = crate::context::fold(name);
        self.columns.iter().position(|column| column.name.as_str() == name)
    }

    fn missing(&self, name: &ast::Ident) -> Error {
        let name = crate::context::fold(name);
        let known = self.columns.iter().map(|column| column.name.as_str());
        match frostline_catalog::nearest(&name, known) {
            Some(nearest) => {
                Error::statement(format!("table `{}` has no column `{name}`; did you mean `{nearest}`?", self.name))
            }
            None => Error::statement(format!("table `{}` has no column `{name}`", self.name)),
        }
    }

    fn add(&mut self, column: &ast::ColumnDef, if_not_exists: bool) -> Result<(), Error> {
        if self.place(&column.name).is_some() {
            return match if_not_exists {
                true => Ok(()),
                false => Err(Error::statement(format!(
                    "table `{}` has a column `{}` already",
                    self.name,
                    crate::context::fold(&column.name)
                ))),
            };
        }
        let mut new = declared(&self.context.base, column)?;
        new.initial = self.initial(column, &new.data_type)?;
        if !new.nullable && new.initial.is_none() && self.context.state.total_rows(self.table) > 0 {
            return Err(Error::statement(format!("column `{}` is NOT NULL, and the table has rows", new.name))
                .with_hint("give it a DEFAULT, which those rows get"));
        }
        let (mut columns, next_field) = assign_ids(vec![new], self.next_field);
        self.next_field = next_field;
        if let Some(column) = columns.pop() {
            self.changes.push(Proposal::AddColumn { table: self.table, column: column.clone(), next_field });
            self.columns.push(column);
        }
        Ok(())
    }

    /// The value that existing rows get, as text: the default, computed now.
    fn initial(&self, column: &ast::ColumnDef, data_type: &DataType) -> Result<Option<String>, Error> {
        let default = column.options.iter().find_map(|option| match &option.option {
            ColumnOption::Default(expr) => Some(expr),
            _ => None,
        });
        let Some(expr) = default else { return Ok(None) };
        let mut value = evaluate(&self.context.base, expr, &Parameters::none())?;
        if let Some(zone) = self.context.zone.label() {
            value = value.cast_to(&read_type(data_type, Some(&zone)))?;
        }
        if value.is_null() {
            return Ok(None);
        }
        if data_type.is_nested() {
            return Err(Error::statement(format!(
                "a default for existing rows of the nested column `{}` is not supported; add it without",
                crate::context::fold(&column.name)
            )));
        }
        let name = crate::context::fold(&column.name);
        let typed = Fit::new(&self.context.base, &name, data_type.clone()).values(&value.to_array()?)?;
        match kept_text(&typed) {
            Some(text) => Ok(Some(text)),
            None => Err(Error::statement(format!(
                "the default of column `{name}` has no text that could be kept for existing rows; add it without"
            ))),
        }
    }

    fn drop(&mut self, name: &ast::Ident, if_exists: bool) -> Result<(), Error> {
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
        let sorted = self.context.state.table_at(self.table, self.context.visible);
        if sorted.is_some_and(|table| table.sort_by.iter().any(|key| key.field == field)) {
            return Err(Error::statement(format!(
                "table `{}` is sorted by `{name}`, so it cannot be dropped",
                self.name
            )));
        }
        self.columns.remove(place);
        self.changes.push(Proposal::DropColumn { table: self.table, field });
        Ok(())
    }

    fn rename(&mut self, from: &ast::Ident, to: &ast::Ident) -> Result<(), Error> {
        let place = self.place(from).ok_or_else(|| self.missing(from))?;
        if let Some(taken) = self.place(to) {
            return match taken == place {
                true => Ok(()),
                false => Err(Error::statement(format!(
                    "table `{}` has a column `{}` already",
                    self.name,
                    crate::context::fold(to)
                ))),
            };
        }
        let name = plain(to)?;
        self.columns[place].name = name.clone();
        let field = self.columns[place].id;
        self.changes.push(Proposal::RenameColumn { table: self.table, field, name });
        Ok(())
    }
}
