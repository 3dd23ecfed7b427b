//! What SET gives to a column.

use super::condition::Lookup;
use super::lake::Model;
use super::record::{Record, Row};
use super::table::{Column, Table};
use super::value::{Value, ValueType};

/// What a term that is computed from a day gives where there is none.
const SOME_DAY: Value = Value::Day(1);

/// A value for a column, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A constant; `None` is NULL.
    Value(Option<Value>),
    /// DEFAULT.
    Default,
    /// What another column of the same type has.
    Column(String),
    /// Something else than what a column of the same type has: a larger number, a longer text.
    Changed {
        /// The column.
        column: String,
        /// Its type.
        value_type: ValueType,
    },
    /// `(SELECT max(c) FROM …)`, of a column of the same type.
    Greatest(Lookup),
}

/// `c = term` behind SET.
pub type Assignment = (String, Term);

impl Term {
    /// The term as SQL writes it, with something before the names of columns.
    fn sql(&self, before: &str) -> String {
        match self {
            Self::Value(Some(value)) => value.sql(),
            Self::Value(None) => "NULL".to_owned(),
            Self::Default => "DEFAULT".to_owned(),
            Self::Column(column) => format!("{before}{column}"),
            Self::Changed { column, value_type } => match value_type {
                ValueType::Integer | ValueType::Small => format!("{before}{column} % 1000 + 7"),
                ValueType::Float => format!("{before}{column} + {}", Value::float(0.5).sql()),
                ValueType::Single => format!("{before}{column} + {}", Value::single(0.5).sql()),
                ValueType::Text => format!("{before}{column} || '+'"),
                ValueType::Flag => format!("NOT {before}{column}"),
                ValueType::Day => format!("CASE WHEN {before}{column} IS NULL THEN {} END", SOME_DAY.sql()),
            },
            Self::Greatest(lookup) => format!("(SELECT max({}) FROM {})", lookup.column, lookup.relation_sql()),
        }
    }

    /// The same term, in which what other tables say is a constant.
    pub(super) fn looked_up(&self, model: &Model) -> Self {
        match self {
            Self::Greatest(lookup) => Self::Value(lookup.values(model).into_iter().flatten().max()),
            other => other.clone(),
        }
    }

    /// What a row gets in a column.
    fn value(&self, table: &Table, record: &Record, column: &Column) -> Option<Value> {
        let own = |name: &str| table.column(name).and_then(|column| column.read(record));
        match self {
            Self::Value(value) => value.clone(),
            Self::Default => column.default.clone(),
            Self::Column(name) => own(name),
            Self::Changed { column: name, value_type } => match (own(name), value_type) {
                (None, ValueType::Day) => Some(SOME_DAY),
                (value, _) => value.and_then(changed),
            },
            // It is looked up before.
            Self::Greatest(_) => None,
        }
    }
}

fn changed(value: Value) -> Option<Value> {
    match value {
        Value::Integer(value) => Some(Value::Integer(value % 1000 + 7)),
        Value::Small(value) => Some(Value::Small(value % 1000 + 7)),
        Value::Float(bits) => Some(Value::float(f64::from_bits(bits) + 0.5)),
        Value::Single(bits) => Some(Value::single(f32::from_bits(bits) + 0.5)),
        Value::Text(text) => Some(Value::Text(text + "+")),
        Value::Flag(flag) => Some(Value::Flag(!flag)),
        Value::Day(_) => None,
    }
}

/// `a = …, b = …`, with something before the names of columns in the terms.
pub(super) fn assignments_sql(assignments: &[Assignment], before: &str) -> String {
    let all: Vec<String> =
        assignments.iter().map(|(column, term)| format!("{column} = {}", term.sql(before))).collect();
    all.join(", ")
}

/// The assignments, in which what other tables say is a constant.
pub(super) fn looked_up(assignments: &[Assignment], model: &Model) -> Vec<Assignment> {
    assignments.iter().map(|(column, term)| (column.clone(), term.looked_up(model))).collect()
}

/// A row after the assignments. Each value is computed from the row before.
pub(super) fn assigned(table: &Table, record: &Record, assignments: &[Assignment]) -> Row {
    let value = |column: &Column| match assignments.iter().find(|(name, _)| *name == column.name) {
        Some((_, term)) => term.value(table, record, column),
        None => column.read(record),
    };
    table.columns.iter().map(value).collect()
}
