//! What the rows of a table must be: NOT NULL and CHECK, tested on every row that is written.
//!
//! * A CHECK holds for a row unless it is false: NULL passes.
//! * It is computed from the row alone, in UTC, whatever the session's zone: it says the same of a row for ever.
//! * Keys are declared and not enforced; whoever looks at them trusts them.

mod condition;
mod declared;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast_with_options;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use frostline_catalog::schema::{Column, Constraint};
use frostline_catalog::{FieldId, Name, ObjectId};

use crate::context::Context;
use crate::error::Error;
use crate::rows::{RowOrder, check_nulls};

pub(crate) use condition::{Condition, renamed_column};
pub(crate) use declared::{Declarations, column_constraints, refused_constraint};

/// How long the values of a row may be to be shown in an error, in characters.
pub(crate) const SHOWN_MAX: usize = 120;

/// What every row that is written to a table is tested for.
pub(crate) struct Checks {
    columns: Vec<Column>,
    checks: Vec<Check>,
}

/// A CHECK, ready to be computed.
struct Check {
    name: Name,
    condition: Condition,
}

impl Checks {
    /// Those of a table that the statement sees.
    ///
    /// # Errors
    /// If a CHECK cannot be computed from the table's columns.
    pub(crate) fn of(context: &Context, table: ObjectId) -> Result<Self, Error> {
        let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
        let definition = context.state.table_at(table, context.visible);
        let constraints = definition.map_or(&[][..], |table| table.constraints.as_slice());
        Self::new(context, columns, constraints)
    }

    /// Those of a table with these columns and constraints.
    ///
    /// # Errors
    /// If a CHECK cannot be computed from the columns.
    pub(crate) fn new(context: &Context, columns: Vec<Column>, constraints: &[Constraint]) -> Result<Self, Error> {
        let mut checks: Vec<Check> = Vec::new();
        for constraint in constraints {
            if let Constraint::Check { name, expression } = constraint {
                let condition = Condition::new(context, &columns, expression)
                    .map_err(|error| Error::statement(format!("constraint `{name}`: {error}")))?;
                checks.push(Check { name: name.clone(), condition });
            }
        }
        Ok(Self { columns, checks })
    }

    /// Refuses rows of which one is not as it must be. They have the table's columns, in order.
    ///
    /// # Errors
    /// The first row that lacks a value or fails a CHECK.
    pub(crate) fn test(&self, rows: &RecordBatch, order: RowOrder) -> Result<(), Error> {
        check_nulls(rows, &self.columns, order)?;
        for check in &self.checks {
            let values = check.condition.values_of(rows.columns())?;
            let failing = check.first_false(&values, rows.num_rows())?;
            if let Some(row) = failing {
                let shown = shown_values(&check.condition, &self.columns, &values, row);
                return Err(Error::statement(format!(
                    "{} fails constraint `{}`, CHECK ({}){shown}",
                    order.shown(row),
                    check.name,
                    check.condition.text()
                )));
            }
        }
        Ok(())
    }
}

impl Check {
    fn first_false(&self, values: &[ArrayRef], rows: usize) -> Result<Option<usize>, Error> {
        let found = self.condition.first_false(values, rows);
        found.map_err(|error| Error::statement(format!("constraint `{}` cannot be computed: {error}", self.name)))
    }
}

/// The values of a row that a condition looks at, as the end of a message; nothing if they are long.
pub(crate) fn shown_values(condition: &Condition, columns: &[Column], values: &[ArrayRef], row: usize) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(values.len());
    for (place, array) in condition.places().iter().zip(values) {
        let Some(column) = columns.get(*place) else { continue };
        let value = match array.is_null(row) {
            true => "NULL".to_owned(),
            false => array_value_to_string(array, row).unwrap_or_default(),
        };
        parts.push(format!("{} = {value}", column.name));
    }
    let text = parts.join(", ");
    if text.is_empty() || text.chars().count() > SHOWN_MAX { String::new() } else { format!(": {text}") }
}

/// A constraint as CREATE TABLE takes it, without its name. Columns that are not there any more are left out.
pub(crate) fn constraint_sql(constraint: &Constraint, columns: &[&Column]) -> String {
    match constraint {
        Constraint::Check { expression, .. } => format!("CHECK ({expression})"),
        Constraint::Key { columns: key, primary, .. } => {
            let names: Vec<String> = key
                .iter()
                .filter_map(|field| columns.iter().find(|column| column.id == *field))
                .map(|column| crate::statement::quoted(column.name.as_str()))
                .collect();
            let kind = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
            format!("{kind} ({}) NOT ENFORCED", names.join(", "))
        }
    }
}

/// Whether a constraint names a column, as far as its text tells.
pub(crate) fn names_column(constraint: &Constraint, column: &Column) -> bool {
    match constraint {
        Constraint::Check { expression, .. } => {
            condition::names_in(expression).is_ok_and(|names| names.iter().any(|name| name == column.name.as_str()))
        }
        Constraint::Key { columns, .. } => columns.contains(&column.id),
    }
}

/// The places of the columns that a constraint names.
///
/// # Errors
/// If a CHECK cannot be computed from the columns.
pub(crate) fn named_places(
    context: &Context,
    columns: &[Column],
    constraint: &Constraint,
) -> Result<Vec<usize>, Error> {
    match constraint {
        Constraint::Check { expression, .. } => Ok(Condition::new(context, columns, expression)?.places().to_vec()),
        Constraint::Key { columns: key, .. } => {
            let place = |field: &FieldId| columns.iter().position(|column| column.id == *field);
            Ok(key.iter().filter_map(place).collect())
        }
    }
}

/// The values of columns as computed ones, without field ids.
fn computed(values: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, Error> {
    if values.data_type() == data_type {
        return Ok(Arc::clone(values));
    }
    Ok(cast_with_options(values, data_type, &DEFAULT_CAST_OPTIONS)?)
}
