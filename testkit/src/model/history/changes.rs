//! Steps that change rows.

use std::ops::Range;

use super::super::condition::{Comparison, Condition, Lookup};
use super::super::lake::Model;
use super::super::merge::{Action, Clause, Merge, When};
use super::super::record::Row;
use super::super::step::Step;
use super::super::table::{Column, Table};
use super::super::term::{Assignment, Term};
use super::super::value::{Value, ValueType, pick};
use super::{History, ROWS_MAX};

/// How many rows a large insert has.
const LARGE_ROWS: Range<usize> = 80..160;

/// How many rows a MERGE brings.
const MERGED_ROWS: Range<usize> = 1..7;

impl History {
    pub(super) fn insert(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let mut columns = known.columns.clone();
        self.random.shuffle(&mut columns);
        if self.random.bool() {
            columns.truncate(self.random.usize(1..=columns.len()));
        }
        let count = self.random.usize(1..=4);
        let rows = self.rows(&columns, count);
        let columns = columns.into_iter().map(|column| column.name).collect();
        Some(Step::Insert { table, columns, rows, overwrite: self.once_in(12) })
    }

    pub(super) fn append(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let is_small = known.rows.len() > ROWS_MAX || self.once_in(4);
        let count = if is_small { self.random.usize(1..=3) } else { self.random.usize(LARGE_ROWS) };
        Some(Step::Append { rows: self.rows(&known.columns, count), table })
    }

    pub(super) fn insert_past(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let (from, at) = self.some_past(model)?;
        let read = model.table(&from, at)?;
        let columns = known.shared_names(read);
        let fits = !columns.is_empty() && !read.rows.is_empty() && known.rows.len() <= ROWS_MAX;
        fits.then(|| Step::InsertPast { table, columns, from, at, overwrite: self.once_in(4) })
    }

    pub(super) fn update(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let assignments = self.assignments(model, known, true);
        Some(Step::Update { table, assignments, condition: self.condition(model, known) })
    }

    pub(super) fn delete(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        Some(Step::Delete { table, condition: self.condition(model, known) })
    }

    pub(super) fn merge(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let is_key = |column: &&Column| !column.value_type.is_float() && column.value_type != ValueType::Flag;
        let key = self.some(known.columns.iter().filter(is_key).map(|column| column.name.clone()).collect())?;
        let mut columns: Vec<Column> = known.columns.clone();
        self.random.shuffle(&mut columns);
        columns.truncate(self.random.usize(0..=columns.len()));
        if !columns.iter().any(|column| column.name == key) {
            columns.insert(0, known.column(&key)?.clone());
        }
        let rows = self.merged_rows(known, &key, &columns);
        let mut merge = Merge { table, key, columns, rows, clauses: Vec::new() };
        merge.clauses = self.clauses(model, known, &merge);
        Some(Step::Merge(merge))
    }

    /// Rows whose keys the table has, or has not. Few have the key of another.
    fn merged_rows(&mut self, known: &Table, key: &str, columns: &[Column]) -> Vec<Row> {
        let keys: Vec<Value> = known.values(key).into_iter().flatten().collect();
        let place = columns.iter().position(|column| column.name == key).unwrap_or(0);
        let count = self.random.usize(MERGED_ROWS);
        let mut rows: Vec<Row> = self.rows(columns, count);
        // VALUES take their types from a row without NULL.
        rows[0] = columns.iter().map(|column| Some(column.value_type.draw(&mut self.random))).collect();
        for row in &mut rows {
            if row[place].is_some() && !keys.is_empty() && self.random.bool() {
                row[place] = Some(pick(&mut self.random, &keys).clone());
            }
        }
        let mut distinct: Vec<Row> = Vec::with_capacity(rows.len());
        for row in rows {
            let is_known = row[place].is_some() && distinct.iter().any(|other| other[place] == row[place]);
            if !is_known || self.random.usize(..8) == 0 {
                distinct.push(row);
            }
        }
        distinct
    }

    fn clauses(&mut self, model: &Model, known: &Table, merge: &Merge) -> Vec<Clause> {
        let mut clauses: Vec<Clause> = Vec::new();
        let way = self.random.usize(..6);
        if way < 3 {
            let action = if way == 0 { Action::Nothing } else { Action::Delete };
            clauses.push(Clause { when: When::Matched, condition: self.plain_condition(known), action });
        }
        if way != 1 {
            let taken: Vec<String> =
                merge.columns.iter().map(|column| column.name.clone()).filter(|name| *name != merge.key).collect();
            let action = match way {
                5 => Action::Delete,
                _ if taken.is_empty() || way == 4 => Action::Update(self.assignments(model, known, false)),
                _ => Action::Take(taken),
            };
            clauses.push(Clause { when: When::Matched, condition: Condition::Always, action });
        }
        if self.random.usize(..3) > 0 {
            let condition = match self.random.usize(..4) {
                0 => self.plain_condition(&merge.source()),
                _ => Condition::Always,
            };
            clauses.push(Clause { when: When::NotMatched, condition, action: Action::Insert });
        }
        if self.once_in(3) {
            let action = match self.random.bool() {
                true => Action::Delete,
                false => Action::Update(self.assignments(model, known, false)),
            };
            let condition = match self.random.usize(..4) {
                0 => Condition::Always,
                _ => self.plain_condition(known),
            };
            clauses.push(Clause { when: When::NotMatchedBySource, condition, action });
        }
        clauses
    }

    /// What SET says: of one to three columns. Queries stand among the values of UPDATE, not of MERGE.
    fn assignments(&mut self, model: &Model, table: &Table, with_queries: bool) -> Vec<Assignment> {
        let mut columns: Vec<&Column> = table.columns.iter().collect();
        self.random.shuffle(&mut columns);
        columns.truncate(self.random.usize(1..=3));
        let mut assignments: Vec<Assignment> = Vec::with_capacity(columns.len());
        for column in columns {
            let term = self.term(model, table, column, with_queries);
            assignments.push((column.name.clone(), term));
        }
        assignments
    }

    fn term(&mut self, model: &Model, table: &Table, column: &Column, with_queries: bool) -> Term {
        let value_type = column.value_type;
        let is_like = |other: &&Column| other.value_type == value_type;
        let like: Vec<String> = table.columns.iter().filter(is_like).map(|other| other.name.clone()).collect();
        let has_greatest = with_queries && !value_type.is_float() && value_type != ValueType::Flag;
        let drawn = match self.random.usize(..8) {
            0 => Some(Term::Value(None)),
            1 => Some(Term::Default),
            2 => self.some(like).map(Term::Column),
            3 if has_greatest => self.lookup(model, value_type).map(Term::Greatest),
            4 | 5 => self.some(like).map(|column| Term::Changed { column, value_type }),
            _ => None,
        };
        drawn.unwrap_or_else(|| Term::Value(Some(value_type.draw(&mut self.random))))
    }

    fn condition(&mut self, model: &Model, table: &Table) -> Condition {
        match self.random.usize(..20) {
            0 => Condition::Always,
            1 => Condition::False,
            2 => Condition::Unknown,
            3..14 => self.plain_condition(table),
            _ => self.in_condition(model, table).unwrap_or_else(|| self.plain_condition(table)),
        }
    }

    /// A condition without a query.
    fn plain_condition(&mut self, table: &Table) -> Condition {
        let column = pick(&mut self.random, &table.columns);
        let name = column.name.clone();
        let is_whole = column.value_type.is_whole();
        match self.random.usize(..8) {
            0 | 1 => Condition::IsNull { column: name, is_not: self.random.bool() },
            2 | 3 if is_whole => Condition::Remainder { column: name, remainder: self.random.i64(-2..=2) },
            _ => {
                let known: Vec<Value> = table.values(&name).into_iter().flatten().collect();
                let value = match known.is_empty() || self.once_in(3) {
                    true => column.value_type.draw(&mut self.random),
                    false => pick(&mut self.random, &known).clone(),
                };
                if value.is_float_zero() {
                    return Condition::IsNull { column: name, is_not: true };
                }
                let comparison = *pick(&mut self.random, &Comparison::ALL);
                Condition::Compare { column: name, comparison, value }
            }
        }
    }

    fn in_condition(&mut self, model: &Model, table: &Table) -> Option<Condition> {
        let column = pick(&mut self.random, &table.columns);
        if column.value_type.is_float() {
            return None;
        }
        let query = self.lookup(model, column.value_type)?;
        Some(Condition::In { column: column.name.clone(), is_not: self.once_in(3), query })
    }

    /// A column of a type, of a table that is there now or was at some version.
    fn lookup(&mut self, model: &Model, value_type: ValueType) -> Option<Lookup> {
        let (table, at, read) = if self.random.bool() {
            let (table, read) = self.some_table(model)?;
            (table, None, read)
        } else {
            let (table, at) = self.some_past(model)?;
            let read = model.table(&table, at)?;
            (table, Some(at), read)
        };
        let has_type = |column: &&Column| column.value_type == value_type;
        let column = self.some(read.columns.iter().filter(has_type).map(|column| column.name.clone()).collect())?;
        Some(Lookup { column, table, at })
    }
}
