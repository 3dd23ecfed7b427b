//! What the clauses of a MERGE may name: where one side has no row, the other side only.
//!
//! * A column of the side without a row would be NULL without a word: it is refused.
//! * A name that both sides have, written without a relation, means the side that has a row.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SelectItem, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::super::cell::is_default;
use super::merge::called;
use super::search::{alone, column_of, quoted};
use super::target::Target;
use crate::context::{Context, fold};
use crate::error::Error;
use crate::parse::{Merge, MergeAction, MergeClause, MergeWhen, query_of};

/// A column of the source.
struct SourceColumn {
    /// What its relation is called; empty if that has no name.
    relation: Vec<Ident>,
    name: String,
}

/// The same MERGE, where names in its clauses stand for columns of a side that has a row.
pub(super) async fn scoped(context: &Arc<Context>, target: &Target, merge: &Merge) -> Result<Merge, Error> {
    let mut scoped = merge.clone();
    // Most say what relation they mean: the source need not be looked at.
    if !resolve(target, None, &mut scoped)? {
        let columns = source_columns(context, merge).await?;
        resolve(target, Some(columns.as_slice()), &mut scoped)?;
    }
    Ok(scoped)
}

async fn source_columns(context: &Arc<Context>, merge: &Merge) -> Result<Vec<SourceColumn>, Error> {
    let everything = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    let from = vec![alone(merge.source.as_ref().clone())];
    let query = query_of(merge.with.clone(), vec![everything], from, None);
    let plan = context.plan_named(query, context.visible, 0).await?;
    let mut columns: Vec<SourceColumn> = Vec::new();
    for (relation, field) in plan.schema().iter() {
        let parts: Vec<String> = relation.map(TableReference::to_vec).unwrap_or_default();
        let relation: Vec<Ident> = parts.iter().map(|part| quoted(part)).collect();
        columns.push(SourceColumn { relation, name: field.name().clone() });
    }
    Ok(columns)
}

/// Resolves the names as far as that can be done with what is known of the source, and says whether that was all.
fn resolve(target: &Target, source: Option<&[SourceColumn]>, merge: &mut Merge) -> Result<bool, Error> {
    let source_name: Option<Vec<String>> = called(&merge.source).map(|name| name.iter().map(fold).collect());
    let mut is_done = true;
    for clause in merge.clauses.iter_mut().filter(|clause| clause.when != MergeWhen::Matched) {
        let when = clause.when;
        let mut names = Names { when, target, source_name: source_name.as_deref(), source, is_done: true, within: 0 };
        for expr in written(clause) {
            if let ControlFlow::Break(error) = VisitMut::visit(expr, &mut names) {
                return Err(error);
            }
        }
        is_done &= names.is_done;
    }
    Ok(is_done)
}

/// The condition and the values of a clause.
fn written(clause: &mut MergeClause) -> Vec<&mut Expr> {
    let values: Vec<&mut Expr> = match &mut clause.action {
        MergeAction::Update(assignments) => assignments.iter_mut().map(|assignment| &mut assignment.value).collect(),
        MergeAction::Insert { values, .. } => values.iter_mut().collect(),
        MergeAction::UpdateAll | MergeAction::Delete | MergeAction::InsertAll | MergeAction::Nothing => Vec::new(),
    };
    clause.condition.iter_mut().chain(values).collect()
}

/// Resolves the names in the expressions of a clause.
struct Names<'a> {
    when: MergeWhen,
    target: &'a Target,
    /// What the statement calls the source, if that is one name.
    source_name: Option<&'a [String]>,
    /// The columns of the source, once they are known.
    source: Option<&'a [SourceColumn]>,
    /// Whether nothing was left for when they are.
    is_done: bool,
    /// How many queries and lambdas stand around: names within may be their own.
    within: usize,
}

impl Names<'_> {
    /// What a name without a relation stands for, if that has to be said.
    fn column(&mut self, ident: &Ident) -> Result<Option<Expr>, Error> {
        let name = fold(ident);
        let in_target = self.target.column(&name);
        match (self.when, in_target) {
            (MergeWhen::NotMatchedBySource, Some(column)) => return Ok(Some(self.target.value(column))),
            (MergeWhen::NotMatched, None) | (MergeWhen::Matched, _) => return Ok(None),
            (MergeWhen::NotMatched, Some(_)) | (MergeWhen::NotMatchedBySource, None) => {}
        }
        let Some(source) = self.source else {
            self.is_done = false;
            return Ok(None);
        };
        let found: Vec<&SourceColumn> = source.iter().filter(|column| column.name == name).collect();
        match (self.when, found.as_slice()) {
            (MergeWhen::NotMatched, []) => Err(self.no_row(&ident.to_string())),
            (MergeWhen::NotMatched, [only]) if !only.relation.is_empty() => {
                Ok(Some(column_of(&only.relation, &only.name)))
            }
            (MergeWhen::NotMatchedBySource, [_, ..]) => Err(self.no_row(&ident.to_string())),
            _ => Ok(None),
        }
    }

    /// Refuses a column of the side that has no row.
    fn check_relation(&self, name: &[Ident]) -> Result<(), Error> {
        let parts: Vec<String> = name.iter().map(fold).collect();
        let names_source = (1..parts.len()).any(|split| {
            let (before, _) = parts.split_at(split);
            self.source_name.is_some_and(|source| source.ends_with(before))
        });
        let names_target = self.target.is_column(name);
        let is_wrong = match self.when {
            MergeWhen::Matched => false,
            MergeWhen::NotMatched => names_target && !names_source,
            MergeWhen::NotMatchedBySource => names_source && !names_target,
        };
        match is_wrong {
            true => {
                let shown: Vec<String> = name.iter().map(ToString::to_string).collect();
                Err(self.no_row(&shown.join(".")))
            }
            false => Ok(()),
        }
    }

    fn no_row(&self, name: &str) -> Error {
        let target = &self.target.name;
        match self.when {
            MergeWhen::NotMatchedBySource => Error::statement(format!(
                "`{name}` cannot stand behind WHEN NOT MATCHED BY SOURCE: there is no row of the source"
            ))
            .with_hint(format!("name columns of `{target}`")),
            MergeWhen::NotMatched | MergeWhen::Matched => Error::statement(format!(
                "`{name}` cannot stand behind WHEN NOT MATCHED: there is no row of `{target}`"
            ))
            .with_hint("name columns of the source"),
        }
    }

    fn resolved(&mut self, expr: &Expr) -> Result<Option<Expr>, Error> {
        match expr {
            Expr::Identifier(ident) if !is_default(expr) => self.column(ident),
            Expr::CompoundIdentifier(name) => self.check_relation(name).map(|()| None),
            _ => Ok(None),
        }
    }
}

impl VisitorMut for Names<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if matches!(expr, Expr::Lambda(_)) {
            self.within += 1;
        }
        if self.within > 0 {
            return ControlFlow::Continue(());
        }
        match self.resolved(expr) {
            Ok(Some(resolved)) => *expr = resolved,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if matches!(expr, Expr::Lambda(_)) {
            self.within -= 1;
        }
        ControlFlow::Continue(())
    }
}
