//! A table as one version has it: columns and rows, and what statements do to them.

use super::value::{Value, ValueType};

/// One value for each column; `None` is NULL.
pub type Row = Vec<Option<Value>>;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// What rows have that name no value for it; `None` is NULL.
    pub default: Option<Value>,
}

/// A table. The order of its rows means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// The column by which frozen rows are sorted.
    pub sort_by: Option<String>,
}

impl Column {
    /// The column's declaration in SQL.
    pub fn sql(&self) -> String {
        let declared = format!("{} {}", self.name, self.value_type.sql());
        match &self.default {
            Some(value) => format!("{declared} DEFAULT {}", value.sql()),
            None => declared,
        }
    }
}

impl Table {
    /// The place of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The rows in an order that depends on nothing but their values.
    pub fn sorted_rows(&self) -> Vec<Row> {
        let mut rows = self.rows.clone();
        rows.sort();
        rows
    }

    /// Adds rows that have values for the named columns. The others have their defaults.
    pub fn insert(&mut self, names: &[String], rows: &[Row]) {
        for given in rows {
            let value = |column: &Column| match names.iter().position(|name| *name == column.name) {
                Some(place) => given[place].clone(),
                None => column.default.clone(),
            };
            self.rows.push(self.columns.iter().map(value).collect());
        }
    }

    /// Adds a column at the end. Rows that are there have its default.
    pub fn add_column(&mut self, column: Column) {
        self.rows.iter_mut().for_each(|row| row.push(column.default.clone()));
        self.columns.push(column);
    }

    /// Takes a column away.
    pub fn drop_column(&mut self, name: &str) {
        if let Some(place) = self.position(name) {
            self.columns.remove(place);
            self.rows.iter_mut().for_each(|row| drop(row.remove(place)));
        }
    }

    /// Gives a column another name.
    pub fn rename_column(&mut self, from: &str, to: &str) {
        if let Some(place) = self.position(from) {
            to.clone_into(&mut self.columns[place].name);
        }
        if self.sort_by.as_deref() == Some(from) {
            self.sort_by = Some(to.to_owned());
        }
    }

    /// What a query of some of the columns yields; `None` if it names one that is not there. Nothing is inherited
    /// from the table but names, types and values.
    pub fn select(&self, names: &[String]) -> Option<Self> {
        let places: Vec<usize> = names.iter().map(|name| self.position(name)).collect::<Option<_>>()?;
        let plain = |place: &usize| Column { default: None, ..self.columns[*place].clone() };
        let columns: Vec<Column> = places.iter().map(plain).collect();
        let chosen = |row: &Row| -> Row { places.iter().map(|place| row[*place].clone()).collect() };
        Some(Self { columns, rows: self.rows.iter().map(chosen).collect(), sort_by: None })
    }

    /// The names of the columns that another table has too, with the same type.
    pub fn shared_names(&self, other: &Self) -> Vec<String> {
        let is_shared = |column: &&Column| {
            other.columns.iter().any(|known| known.name == column.name && known.value_type == column.value_type)
        };
        self.columns.iter().filter(is_shared).map(|column| column.name.clone()).collect()
    }
}
