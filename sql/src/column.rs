//! New columns: from SQL's declarations, from a query's fields, or like another table's.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{self, ColumnOption};
use frostline_catalog::schema::{Column, ROW_ID_NAME, check_type, number_nested_fields};
use frostline_catalog::{FieldId, Name};
use frostline_engine::import::normalise::normalise_type;

use crate::column_default::check_default;
use crate::constraint::refused_constraint;
use crate::context::fold;
use crate::error::Error;
use crate::expression::constant;
use crate::fit::Fit;
use crate::parameters::Parameters;
use crate::sql_types::arrow_type;

/// A column that has no field id yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewColumn {
    pub(crate) name: Name,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) default: Option<String>,
    pub(crate) initial: Option<String>,
    pub(crate) comment: Option<String>,
}

impl NewColumn {
    /// A column like another.
    pub(crate) fn like(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            nullable: column.nullable,
            default: column.default.clone(),
            initial: None,
            comment: column.comment.clone(),
        }
    }
}

/// Gives columns their field ids from `next` on, each before its nested fields, and the id after the last.
pub(crate) fn assign_ids(columns: Vec<NewColumn>, mut next: FieldId) -> (Vec<Column>, FieldId) {
    let mut with_ids = Vec::with_capacity(columns.len());
    for column in columns {
        let id = next;
        next = next.next();
        let data_type = number_nested_fields(&column.data_type, &mut next);
        with_ids.push(Column {
            id,
            name: column.name,
            data_type,
            nullable: column.nullable,
            default: column.default,
            initial: column.initial,
            comment: column.comment,
        });
    }
    (with_ids, next)
}

/// Refuses a name that no column of a table gets: what segments call the ids that rows carry, however it is written.
pub(crate) fn check_column_name(name: &Name) -> Result<(), Error> {
    match name.as_str().eq_ignore_ascii_case(ROW_ID_NAME) {
        true => Err(Error::statement(format!("a column cannot be called `{name}`: so the ids of rows are called"))
            .with_hint("choose another name; a query gives one with AS: `SELECT _row_id AS id_of_row`")),
        false => Ok(()),
    }
}

/// The column that holds a query's field. It takes NULL, whatever the query's field says.
pub(crate) fn from_field(field: &Field) -> Result<NewColumn, Error> {
    let name = Name::try_new(field.name())?;
    check_column_name(&name)?;
    let data_type =
        normalise_type(field.data_type()).map_err(|error| Error::statement(format!("column `{name}`: {error}")))?;
    check_type(&data_type).map_err(|error| Error::statement(format!("column `{name}`: {error}")))?;
    Ok(NewColumn { name, data_type, nullable: true, default: None, initial: None, comment: None })
}

/// The column that a declaration describes, without its constraints.
pub(crate) fn declared(state: &SessionState, column: &ast::ColumnDef) -> Result<NewColumn, Error> {
    let name = Name::try_new(&fold(&column.name))?;
    check_column_name(&name)?;
    let data_type =
        arrow_type(&column.data_type).map_err(|error| Error::statement(format!("column `{name}`: {error}")))?;
    check_type(&data_type).map_err(|error| Error::statement(format!("column `{name}`: {error}")))?;
    let mut new = NewColumn { name, data_type, nullable: true, default: None, initial: None, comment: None };
    refuse_contradictions(&new.name, column)?;
    for option in &column.options {
        match &option.option {
            ColumnOption::Null => new.nullable = true,
            ColumnOption::NotNull => new.nullable = false,
            ColumnOption::Comment(text) => new.comment = Some(text.clone()),
            ColumnOption::Default(expr) => {
                constant(state, expr, &Parameters::none())
                    .map_err(|error| Error::statement(format!("the default of column `{}`: {error}", new.name)))?;
                check_default(state, expr, Fit::new(state, new.name.as_str(), new.data_type.clone()))?;
                new.default = Some(expr.to_string());
            }
            // The table's constraints, which its other columns may matter to.
            ColumnOption::Check(_)
            | ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::ForeignKey(_) => {}
            other => return Err(refused_constraint(&other.to_string())),
        }
    }
    Ok(new)
}

/// Refuses NULL beside NOT NULL, and what is said twice.
fn refuse_contradictions(name: &Name, column: &ast::ColumnDef) -> Result<(), Error> {
    let count = |is: fn(&ColumnOption) -> bool| column.options.iter().filter(|option| is(&option.option)).count();
    let nulls = count(|option| matches!(option, ColumnOption::Null | ColumnOption::NotNull));
    let defaults = count(|option| matches!(option, ColumnOption::Default(_)));
    let comments = count(|option| matches!(option, ColumnOption::Comment(_)));
    let said = [(nulls, "NULL or NOT NULL"), (defaults, "DEFAULT"), (comments, "COMMENT")];
    match said.into_iter().find(|(times, _)| *times > 1) {
        Some((_, what)) => Err(Error::statement(format!("column `{name}` says {what} more than once; keep one"))),
        None => Ok(()),
    }
}

/// A type without the field ids of its nested fields: the type that the same values have when they are computed.
pub(crate) fn computed_type(data_type: &DataType) -> DataType {
    let plain = |field: &FieldRef| -> FieldRef {
        Arc::new(Field::new(field.name(), computed_type(field.data_type()), field.is_nullable()))
    };
    match data_type {
        DataType::List(element) => DataType::List(plain(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain(entries), *sorted),
        other => other.clone(),
    }
}
