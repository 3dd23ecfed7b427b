//! A table as one version has it: columns and rows, and what statements do to them.

use super::record::{Identity, Record, Row};
use super::value::{Value, ValueType};

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// What rows have that name no value for it; `None` is NULL.
    pub default: Option<Value>,
    /// What rows have that were written without it; `None` is NULL.
    pub initial: Option<Value>,
    /// Which column it is.
    pub identity: Identity,
}

/// A table. The order of its rows means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Which table it is.
    pub identity: Identity,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Record>,
    /// The column by which frozen rows are sorted.
    pub sort_by: Option<String>,
}

impl Column {
    /// A column that is in no table yet.
    pub fn new(name: String, value_type: ValueType, default: Option<Value>) -> Self {
        Self { name, value_type, default, initial: None, identity: Identity::UNKNOWN }
    }

    /// The column's declaration in SQL.
    pub fn sql(&self) -> String {
        let declared = format!("{} {}", self.name, self.value_type.sql());
        match &self.default {
            Some(value) => format!("{declared} DEFAULT {}", value.sql()),
            None => declared,
        }
    }

    /// What a row has in the column.
    pub(super) fn read(&self, record: &Record) -> Option<Value> {
        let value = record.written(self.identity).unwrap_or(&self.initial);
        value.clone().map(|value| value.widened(self.value_type))
    }

    /// The column with the wider type, if there is one.
    fn widen(&mut self) {
        if let Some(wider) = self.value_type.wider() {
            self.value_type = wider;
            self.default = self.default.take().map(|value| value.widened(wider));
            self.initial = self.initial.take().map(|value| value.widened(wider));
        }
    }
}

impl Table {
    /// A table of these rows. What it and its columns and rows are is numbered from `first` on.
    pub(super) fn new(mut columns: Vec<Column>, rows: &[Row], sort_by: Option<String>, first: Identity) -> Self {
        for (place, column) in columns.iter_mut().enumerate() {
            column.identity = first.plus(1 + place);
        }
        let first_row = first.plus(1 + columns.len());
        let mut table = Self { identity: first, columns, rows: Vec::new(), sort_by };
        for (place, row) in rows.iter().enumerate() {
            table.rows.push(table.record(first_row.plus(place), row));
        }
        table
    }

    /// How many identities a table of its own takes that has these columns and rows.
    pub(super) fn identities(columns: usize, rows: usize) -> usize {
        1 + columns + rows
    }

    /// The place of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|known| known.name == name)
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// What a row has in each column.
    pub fn row(&self, record: &Record) -> Row {
        self.columns.iter().map(|column| column.read(record)).collect()
    }

    /// The rows, in their order.
    pub(super) fn plain_rows(&self) -> Vec<Row> {
        self.rows.iter().map(|record| self.row(record)).collect()
    }

    /// The rows in an order that depends on nothing but their values.
    pub fn sorted_rows(&self) -> Vec<Row> {
        let mut rows = self.plain_rows();
        rows.sort();
        rows
    }

    /// What the rows have in a column; nothing if there is no such column.
    pub(super) fn values(&self, column: &str) -> Vec<Option<Value>> {
        let Some(column) = self.column(column) else { return Vec::new() };
        self.rows.iter().map(|record| column.read(record)).collect()
    }

    /// A row with a value for each column.
    pub(super) fn record(&self, identity: Identity, row: &Row) -> Record {
        let mut record = Record::new(identity);
        for (column, value) in self.columns.iter().zip(row) {
            record.set(column.identity, value.clone());
        }
        record
    }

    /// Adds rows that have values for the named columns. The others have their defaults.
    pub(super) fn insert(&mut self, names: &[String], rows: &[Row], first: Identity) {
        for (place, given) in rows.iter().enumerate() {
            let value = |column: &Column| match names.iter().position(|name| *name == column.name) {
                Some(place) => given[place].clone(),
                None => column.default.clone(),
            };
            let row: Row = self.columns.iter().map(value).collect();
            self.rows.push(self.record(first.plus(place), &row));
        }
    }

    /// Adds a column at the end. Rows that are there have its default.
    pub(super) fn add_column(&mut self, column: Column) {
        self.rows.iter_mut().for_each(|record| record.set(column.identity, column.default.clone()));
        self.columns.push(Column { initial: column.default.clone(), ..column });
    }

    /// Takes a column away.
    pub(super) fn drop_column(&mut self, name: &str) {
        self.columns.retain(|column| column.name != name);
    }

    /// Gives a column another name.
    pub(super) fn rename_column(&mut self, from: &str, to: &str) {
        if let Some(place) = self.position(from) {
            to.clone_into(&mut self.columns[place].name);
        }
        if self.sort_by.as_deref() == Some(from) {
            self.sort_by = Some(to.to_owned());
        }
    }

    /// Gives a column the wider type.
    pub(super) fn widen_column(&mut self, name: &str) {
        self.columns.iter_mut().filter(|column| column.name == name).for_each(Column::widen);
    }

    /// What a query of some of the columns yields; `None` if it names one that is not there. Nothing is inherited
    /// from the table but names, types and values.
    pub fn select(&self, names: &[String]) -> Option<Self> {
        let places: Vec<usize> = names.iter().map(|name| self.position(name)).collect::<Option<_>>()?;
        let plain = |place: &usize| Column { default: None, ..self.columns[*place].clone() };
        let columns: Vec<Column> = places.iter().map(plain).collect();
        Some(Self { identity: Identity::UNKNOWN, columns, rows: self.rows.clone(), sort_by: None })
    }

    /// The names of the columns that another table has too, with the same type.
    pub fn shared_names(&self, other: &Self) -> Vec<String> {
        let is_shared = |column: &&Column| {
            other.columns.iter().any(|known| known.name == column.name && known.value_type == column.value_type)
        };
        self.columns.iter().filter(is_shared).map(|column| column.name.clone()).collect()
    }

    /// Whether another state of the table can be shown with these columns: of none that both have is the type there the
    /// wider one.
    pub(super) fn can_show(&self, other: &Self) -> bool {
        self.columns.iter().all(|column| {
            let there = other.columns.iter().find(|known| known.identity == column.identity);
            there.is_none_or(|there| {
                there.value_type == column.value_type || there.value_type.wider() == Some(column.value_type)
            })
        })
    }
}
