//! The table that a statement changes, and what it assigns to its columns.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, Ident, ObjectName, Query, SelectItem, SetExpr, TableAlias, TableFactor, Value,
};
use frostline_catalog::ObjectId;
use frostline_catalog::schema::Column;

use super::super::cell::fit_cell;
use super::super::insert::places;
use super::super::name::own_schema;
use super::search::column_of;
use crate::column::computed_type;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse::{self, target_mark};

/// The table that a statement changes.
pub(super) struct Target {
    pub(super) table: ObjectId,
    pub(super) name: QualifiedName,
    pub(super) columns: Vec<Column>,
    written: parse::Target,
}

/// A value for a column: the column's place in the table, and the value as it is written.
pub(super) type Assigned = (usize, Expr);

impl Target {
    /// The table that a statement names. Views and the lake's own tables cannot be changed.
    pub(super) fn resolve(context: &Arc<Context>, written: &parse::Target) -> Result<Self, Error> {
        let name = context.qualify(&written.name)?;
        own_schema(&name.schema)?;
        let table = context.find_table(&name, context.visible)?;
        let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
        Ok(Self { table, name, columns, written: written.clone() })
    }

    /// The relation of its rows and their places.
    pub(super) fn relation(&self) -> TableFactor {
        let alias = self.written.alias.clone();
        TableFactor::Table {
            name: self.written.name.clone(),
            alias: alias.map(|name| TableAlias { explicit: true, name, columns: Vec::new(), at: None }),
            args: None,
            with_hints: Vec::new(),
            version: Some(target_mark()),
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        }
    }

    /// The value that a row has in a column.
    pub(super) fn value(&self, column: &Column) -> Expr {
        column_of(&self.called(), column.name.as_str())
    }

    /// Where a row is, or its id, by one of the names of [`crate::target`].
    pub(super) fn own(&self, name: &str) -> Expr {
        column_of(&self.called(), name)
    }

    /// The column of a name.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.as_str() == name)
    }

    /// Whether a name with dots in it is one of its columns with its own name before it. Names of fields may follow.
    pub(super) fn is_column(&self, name: &[Ident]) -> bool {
        let parts: Vec<String> = name.iter().map(fold).collect();
        let called: Vec<String> = self.called().iter().map(fold).collect();
        (1..parts.len()).any(|split| {
            let (before, behind) = parts.split_at(split);
            called.ends_with(before) && behind.first().is_some_and(|column| self.column(column).is_some())
        })
    }

    /// What the statement calls it.
    fn called(&self) -> Vec<Ident> {
        match &self.written.alias {
            Some(alias) => vec![alias.clone()],
            None => self.written.name.0.iter().filter_map(|part| part.as_ident().cloned()).collect(),
        }
    }

    /// What SET assigns, column by column.
    pub(super) fn assigned(&self, assignments: &[Assignment]) -> Result<Vec<Assigned>, Error> {
        let (mut names, mut values): (Vec<String>, Vec<Expr>) = (Vec::new(), Vec::new());
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    names.push(self.column_name(name)?);
                    values.push(assignment.value.clone());
                }
                AssignmentTarget::Tuple(columns) => {
                    for name in columns {
                        names.push(self.column_name(name)?);
                    }
                    values.extend(members(&assignment.value, columns.len())?);
                }
            }
        }
        let places = places(&self.name, &self.columns, names.iter().map(String::as_str))?;
        Ok(places.into_iter().zip(values).collect())
    }

    /// What an INSERT of a MERGE assigns, column by column.
    pub(super) fn inserted(&self, columns: &[ObjectName], values: &[Expr]) -> Result<Vec<Assigned>, Error> {
        let places: Vec<usize> = match columns.is_empty() {
            true if values.is_empty() => Vec::new(),
            true => (0..self.columns.len()).collect(),
            false => {
                let names: Vec<String> =
                    columns.iter().map(|name| self.column_name(name)).collect::<Result<_, Error>>()?;
                places(&self.name, &self.columns, names.iter().map(String::as_str))?
            }
        };
        if places.len() != values.len() {
            return Err(Error::statement(format!(
                "an INSERT of the MERGE names {} columns of `{}`, and gives {} values",
                places.len(),
                self.name,
                values.len()
            )));
        }
        Ok(places.into_iter().zip(values.iter().cloned()).collect())
    }

    /// A value that has become one of its column. A parameter that is the whole value is noted with the column's type.
    pub(super) fn fit(&self, assigned: Assigned, parameters: &mut Vec<(String, DataType)>) -> Result<Expr, Error> {
        let (place, mut value) = assigned;
        let column = &self.columns[place];
        if let Expr::Value(found) = &value
            && let Value::Placeholder(name) = &found.value
        {
            parameters.push((name.clone(), computed_type(&column.data_type)));
        }
        fit_cell(&mut value, column)?;
        Ok(value)
    }

    /// The column that a name stands for; the target's own name may stand before it.
    fn column_name(&self, name: &ObjectName) -> Result<String, Error> {
        let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
        let called: Vec<String> = self.called().iter().map(fold).collect();
        match parts.split_last() {
            Some((column, before)) if called.ends_with(before) => Ok(column.clone()),
            _ => Err(Error::statement(format!("`{name}` is no column of `{}`", self.name))
                .with_hint("assign to whole columns, and write their names without the table's")),
        }
    }
}

/// The values of `(a, b) = (…)`, one for each column.
fn members(value: &Expr, count: usize) -> Result<Vec<Expr>, Error> {
    let values: Vec<Expr> = match value {
        Expr::Tuple(values) => values.clone(),
        other if count == 1 => vec![other.clone()],
        Expr::Subquery(query) => columns_of(query)?,
        other => {
            return Err(Error::statement(format!("{count} columns are assigned from `{other}`, which is one value"))
                .with_hint("write as many values in parentheses: `(a, b) = (1, 2)`"));
        }
    };
    match values.len() == count {
        true => Ok(values),
        false => Err(Error::statement(format!("{count} columns are assigned, and {} values are given", values.len()))),
    }
}

/// A subquery of one row, as one subquery for each of its columns. A row that LIMIT or DISTINCT chooses might be
/// another for each of them.
fn columns_of(query: &Query) -> Result<Vec<Expr>, Error> {
    let refused = || {
        Error::statement(format!("several columns cannot be assigned from `({query})`"))
            .with_hint("a plain SELECT of as many values can stand there; or write `UPDATE … SET … FROM (query) AS s`")
    };
    let Query { order_by: None, limit_clause: None, fetch: None, pipe_operators, .. } = query else {
        return Err(refused());
    };
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(refused()) };
    if !pipe_operators.is_empty() || select.distinct.is_some() {
        return Err(refused());
    }
    let mut columns: Vec<Expr> = Vec::with_capacity(select.projection.len());
    for item in &select.projection {
        if !matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }) {
            return Err(refused());
        }
        let mut one = select.as_ref().clone();
        one.projection = vec![item.clone()];
        columns
            .push(Expr::Subquery(Box::new(Query { body: Box::new(SetExpr::Select(Box::new(one))), ..query.clone() })));
    }
    Ok(columns)
}
