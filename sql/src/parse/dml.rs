//! The statements that change rows in place: DELETE, UPDATE and MERGE.

use datafusion::sql::sqlparser::ast::{
    Assignment, Expr, Ident, ObjectName, Query, SelectItem, SetExpr, TableFactor, TableWithJoins, With,
};

use super::desugar::select_of;

/// The table that a statement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: ObjectName,
    /// What it is called in the statement, if that is something else.
    pub alias: Option<Ident>,
}

/// A DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The queries in front.
    pub with: Option<With>,
    /// The table whose rows are deleted.
    pub target: Target,
    /// The relations behind USING.
    pub using: Vec<TableWithJoins>,
    /// The condition behind WHERE; `None` for all rows.
    pub filter: Option<Expr>,
}

/// An UPDATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The queries in front.
    pub with: Option<With>,
    /// The table whose rows change.
    pub target: Target,
    /// What SET says, in order. Never empty.
    pub assignments: Vec<Assignment>,
    /// The relations behind FROM.
    pub from: Vec<TableWithJoins>,
    /// The condition behind WHERE; `None` for all rows.
    pub filter: Option<Expr>,
}

/// A MERGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The queries in front.
    pub with: Option<With>,
    /// The table that changes.
    pub target: Target,
    /// The relation behind USING.
    pub source: Box<TableFactor>,
    /// The condition behind ON.
    pub on: Box<Expr>,
    /// The WHEN clauses, in order. Never empty; each can be reached.
    pub clauses: Vec<MergeClause>,
}

/// One WHEN of a MERGE. Of those that speak of a row, the first whose condition holds is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeClause {
    /// Which rows it speaks of.
    pub when: MergeWhen,
    /// The condition behind AND.
    pub condition: Option<Expr>,
    /// What is done.
    pub action: MergeAction,
}

/// Which rows a WHEN of a MERGE speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MergeWhen {
    /// Rows of the target together with a row of the source.
    Matched,
    /// Rows of the source without one of the target.
    NotMatched,
    /// Rows of the target without one of the source.
    NotMatchedBySource,
}

/// What a WHEN of a MERGE does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeAction {
    /// `UPDATE SET a = …`.
    Update(Vec<Assignment>),
    /// `UPDATE SET *`: each column gets the source's value of its name.
    UpdateAll,
    /// `DELETE`.
    Delete,
    /// `INSERT [(a, b)] VALUES (…)`; without values for `INSERT DEFAULT VALUES`.
    Insert {
        /// The columns that are named, in order; empty for all.
        columns: Vec<ObjectName>,
        /// Their values.
        values: Vec<Expr>,
    },
    /// `INSERT *`: each column gets the source's value of its name.
    InsertAll,
    /// `DO NOTHING`.
    Nothing,
}

impl Delete {
    pub(crate) fn parts(&self) -> Query {
        query_of(self.with.clone(), Vec::new(), self.using.clone(), self.filter.clone())
    }
}

impl Update {
    pub(crate) fn parts(&self) -> Query {
        let values = self.assignments.iter().map(value).collect();
        query_of(self.with.clone(), values, self.from.clone(), self.filter.clone())
    }
}

impl Merge {
    pub(crate) fn parts(&self) -> Query {
        let mut values: Vec<SelectItem> = Vec::new();
        for clause in &self.clauses {
            values.extend(clause.condition.clone().map(SelectItem::UnnamedExpr));
            match &clause.action {
                MergeAction::Update(assignments) => values.extend(assignments.iter().map(value)),
                MergeAction::Insert { values: inserted, .. } => {
                    values.extend(inserted.iter().cloned().map(SelectItem::UnnamedExpr));
                }
                MergeAction::UpdateAll | MergeAction::Delete | MergeAction::InsertAll | MergeAction::Nothing => {}
            }
        }
        let source = TableWithJoins { relation: self.source.as_ref().clone(), joins: Vec::new() };
        query_of(self.with.clone(), values, vec![source], Some(self.on.as_ref().clone()))
    }
}

fn value(assignment: &Assignment) -> SelectItem {
    SelectItem::UnnamedExpr(assignment.value.clone())
}

/// The query `WITH … SELECT projection FROM from WHERE selection`.
pub(crate) fn query_of(
    with: Option<With>,
    projection: Vec<SelectItem>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
) -> Query {
    let mut select = select_of(projection);
    select.from = from;
    select.selection = selection;
    Query {
        with,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}
