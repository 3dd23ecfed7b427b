//! MERGE, as a loop over the rows of both sides.

use super::condition::Condition;
use super::lake::Model;
use super::record::{Identity, Row};
use super::step::row_sql;
use super::table::{Column, Table};
use super::term::{Assignment, assigned, assignments_sql, looked_up};
use super::value::Value;

/// A MERGE of some rows, `s`, into a table, `t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The table.
    pub table: String,
    /// The column that both sides are compared by.
    pub key: String,
    /// The columns of the rows: some of the table's, the key among them.
    pub columns: Vec<Column>,
    /// The rows. The first has a value in each column, which says what type it is.
    pub rows: Vec<Row>,
    /// What is done, in order. No clause stands behind one of its kind that has no condition.
    pub clauses: Vec<Clause>,
}

/// A WHEN of a MERGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Which rows it speaks of.
    pub when: When,
    /// The condition behind AND: on the table's row, or where there is none on the other.
    pub condition: Condition,
    /// What is done.
    pub action: Action,
}

/// Which rows a WHEN speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Rows of both sides that have the same key.
    Matched,
    /// Rows that the table has none for.
    NotMatched,
    /// Rows of the table without any.
    NotMatchedBySource,
}

/// What a WHEN does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `UPDATE SET c = s.c` of these columns.
    Take(Vec<String>),
    /// `UPDATE SET` of the table's own values.
    Update(Vec<Assignment>),
    /// `DELETE`.
    Delete,
    /// `INSERT` of all columns that the rows have.
    Insert,
    /// `DO NOTHING`.
    Nothing,
}

/// What a MERGE comes to.
pub(super) enum Merged {
    /// The table becomes this one.
    Table(Table),
    /// No row is changed.
    Unchanged,
    /// Two rows want to change the same one, which is an error.
    MatchedTwice,
}

impl When {
    fn sql(self) -> &'static str {
        match self {
            Self::Matched => "MATCHED",
            Self::NotMatched => "NOT MATCHED",
            Self::NotMatchedBySource => "NOT MATCHED BY SOURCE",
        }
    }
}

impl Merge {
    /// The statement.
    pub(super) fn sql(&self) -> String {
        let names = self.names().join(", ");
        let rows: Vec<String> = self.rows.iter().map(row_sql).collect();
        let clauses: Vec<String> = self.clauses.iter().map(|clause| self.clause_sql(clause)).collect();
        format!(
            "MERGE INTO {} AS t USING (VALUES {}) AS s ({names}) ON t.{key} = s.{key} {}",
            self.table,
            rows.join(", "),
            clauses.join(" "),
            key = self.key
        )
    }

    fn clause_sql(&self, clause: &Clause) -> String {
        let side = if clause.when == When::NotMatched { "s." } else { "t." };
        let condition = clause.condition.sql(side).map_or_else(String::new, |condition| format!(" AND {condition}"));
        let action = match &clause.action {
            Action::Take(columns) => {
                let taken: Vec<String> = columns.iter().map(|column| format!("{column} = s.{column}")).collect();
                format!("UPDATE SET {}", taken.join(", "))
            }
            Action::Update(assignments) => format!("UPDATE SET {}", assignments_sql(assignments, "t.")),
            Action::Delete => "DELETE".to_owned(),
            Action::Insert => {
                let values: Vec<String> = self.names().iter().map(|name| format!("s.{name}")).collect();
                format!("INSERT ({}) VALUES ({})", self.names().join(", "), values.join(", "))
            }
            Action::Nothing => "DO NOTHING".to_owned(),
        };
        format!("WHEN {}{condition} THEN {action}", clause.when.sql())
    }

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The rows as a table.
    pub(super) fn source(&self) -> Table {
        Table::new(self.columns.clone(), &self.rows, None, Identity::UNKNOWN)
    }

    /// What becomes of the table. Rows that are new are numbered from `first` on.
    pub(super) fn outcome(&self, model: &Model, first: Identity) -> Merged {
        let (Some(target), source) = (model.table_now(&self.table), self.source()) else { return Merged::Unchanged };
        let (keys, source_keys) = (target.values(&self.key), source.values(&self.key));
        let matched = self.chosen(When::Matched, target, model);
        let by_source = self.chosen(When::NotMatchedBySource, target, model);
        let not_matched = self.chosen(When::NotMatched, &source, model);
        let mut merged = Table { rows: Vec::new(), ..target.clone() };
        let mut is_changed = false;
        for (place, record) in target.rows.iter().enumerate() {
            let is_match = |other: &usize| is_same(&keys[place], &source_keys[*other]);
            let matches: Vec<usize> = (0..source_keys.len()).filter(is_match).collect();
            let clause = if matches.is_empty() { by_source[place] } else { matched[place] };
            let changed: Option<Row> = match clause.map(|clause| &clause.action) {
                None | Some(Action::Nothing | Action::Insert) => {
                    merged.rows.push(record.clone());
                    continue;
                }
                Some(_) if matches.len() > 1 => return Merged::MatchedTwice,
                Some(Action::Delete) => None,
                Some(Action::Update(assignments)) => Some(assigned(target, record, &looked_up(assignments, model))),
                Some(Action::Take(columns)) => Some(self.taken(target.row(record), target, columns, matches[0])),
            };
            is_changed = true;
            merged.rows.extend(changed.map(|row| target.record(record.identity, &row)));
        }
        let is_new = |place: &usize| !keys.iter().any(|key| is_same(key, &source_keys[*place]));
        let inserts = |place: &usize| not_matched[*place].is_some_and(|clause| clause.action == Action::Insert);
        let new: Vec<Row> =
            (0..self.rows.len()).filter(is_new).filter(inserts).map(|place| self.rows[place].clone()).collect();
        merged.insert(&self.names(), &new, first);
        if is_changed || !new.is_empty() { Merged::Table(merged) } else { Merged::Unchanged }
    }

    /// For each row of a side, the first clause of this kind whose condition holds.
    fn chosen(&self, when: When, side: &Table, model: &Model) -> Vec<Option<&Clause>> {
        let mut chosen: Vec<Option<&Clause>> = vec![None; side.rows.len()];
        for clause in self.clauses.iter().filter(|clause| clause.when == when) {
            for (place, holds) in clause.condition.holds(side, model).into_iter().enumerate() {
                if holds && chosen[place].is_none() {
                    chosen[place] = Some(clause);
                }
            }
        }
        chosen
    }

    /// A row with what a row of the source has in some columns.
    fn taken(&self, mut row: Row, target: &Table, columns: &[String], source: usize) -> Row {
        for name in columns {
            let places = (target.position(name), self.columns.iter().position(|column| column.name == *name));
            if let (Some(own), Some(other)) = places {
                row[own] = self.rows[source][other].clone();
            }
        }
        row
    }
}

/// Whether two keys are equal. NULL is equal to nothing.
fn is_same(one: &Option<Value>, other: &Option<Value>) -> bool {
    one.is_some() && one == other
}
