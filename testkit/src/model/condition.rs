//! Conditions on rows: what WHERE says, and which rows it is true of.

use std::collections::BTreeSet;

use super::lake::Model;
use super::table::Table;
use super::value::Value;

/// A condition on the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// None is written: it is true of every row.
    Always,
    /// FALSE.
    False,
    /// NULL, which is not true either.
    Unknown,
    /// `c IS [NOT] NULL`.
    IsNull {
        /// The column.
        column: String,
        /// Whether there is a NOT.
        is_not: bool,
    },
    /// `c < value`, or another comparison.
    Compare {
        /// The column.
        column: String,
        /// How it is compared.
        comparison: Comparison,
        /// The value, of the column's type.
        value: Value,
    },
    /// `c % 3 = remainder`.
    Remainder {
        /// The column, of whole numbers.
        column: String,
        /// What is left.
        remainder: i64,
    },
    /// `c [NOT] IN (SELECT …)`.
    In {
        /// The column.
        column: String,
        /// Whether there is a NOT.
        is_not: bool,
        /// The query.
        query: Lookup,
    },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`.
    Less,
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `>`.
    Greater,
}

/// The values of a column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The column.
    pub column: String,
    /// The table.
    pub table: String,
    /// Its version, if one is named.
    pub at: Option<u64>,
}

impl Comparison {
    pub(super) const ALL: [Self; 4] = [Self::Less, Self::Equal, Self::NotEqual, Self::Greater];

    fn sql(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Greater => ">",
        }
    }

    fn holds(self, own: &Value, other: &Value) -> bool {
        let order = own.compare(other);
        match self {
            Self::Less => order.is_lt(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl Lookup {
    /// The relation behind FROM.
    pub(super) fn relation_sql(&self) -> String {
        match self.at {
            Some(version) => format!("{} AS OF VERSION {version}", self.table),
            None => self.table.clone(),
        }
    }

    /// What it finds.
    pub(super) fn values(&self, model: &Model) -> Vec<Option<Value>> {
        let table = match self.at {
            Some(version) => model.table(&self.table, version),
            None => model.table_now(&self.table),
        };
        table.map(|table| table.values(&self.column)).unwrap_or_default()
    }
}

impl Condition {
    /// The condition as SQL writes it, with something before the names of columns; `None` where nothing is written.
    pub(super) fn sql(&self, before: &str) -> Option<String> {
        let not = |is_not: &bool| if *is_not { "NOT " } else { "" };
        Some(match self {
            Self::Always => return None,
            Self::False => "FALSE".to_owned(),
            Self::Unknown => "NULL".to_owned(),
            Self::IsNull { column, is_not } => format!("{before}{column} IS {}NULL", not(is_not)),
            Self::Compare { column, comparison, value } => {
                format!("{before}{column} {} {}", comparison.sql(), value.sql())
            }
            Self::Remainder { column, remainder } => format!("{before}{column} % 3 = {remainder}"),
            Self::In { column, is_not, query } => {
                let (found, relation) = (&query.column, query.relation_sql());
                format!("{before}{column} {}IN (SELECT {found} FROM {relation})", not(is_not))
            }
        })
    }

    /// ` WHERE …`, or nothing.
    pub(super) fn where_sql(&self) -> String {
        self.sql("").map_or_else(String::new, |condition| format!(" WHERE {condition}"))
    }

    /// For each row of a table, whether the condition is true.
    pub(super) fn holds(&self, table: &Table, model: &Model) -> Vec<bool> {
        match self {
            Self::Always => vec![true; table.rows.len()],
            Self::False | Self::Unknown => vec![false; table.rows.len()],
            Self::IsNull { column, is_not } => {
                let values = table.values(column);
                values.iter().map(|value| value.is_none() != *is_not).collect()
            }
            Self::Compare { column, comparison, value } => {
                let holds = |own: &Option<Value>| own.as_ref().is_some_and(|own| comparison.holds(own, value));
                table.values(column).iter().map(holds).collect()
            }
            Self::Remainder { column, remainder } => {
                let left = |own: &Option<Value>| own.as_ref().and_then(Value::whole).map(|own| own % 3);
                table.values(column).iter().map(|own| left(own) == Some(*remainder)).collect()
            }
            Self::In { column, is_not, query } => {
                let found = query.values(model);
                let is_unknown = found.contains(&None);
                let known: BTreeSet<Value> = found.into_iter().flatten().collect();
                let is_empty = known.is_empty() && !is_unknown;
                let holds = |own: &Option<Value>| match (own, is_not) {
                    (None, false) => false,
                    (None, true) => is_empty,
                    (Some(own), false) => known.contains(own),
                    (Some(own), true) => !is_unknown && !known.contains(own),
                };
                table.values(column).iter().map(holds).collect()
            }
        }
    }
}
