//! What cannot stand among the values of an UPDATE and in the clauses of a MERGE: what is no value of one row.

use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{Expr, Function, Query, Visit, Visitor};

use crate::calls::UNNESTS;
use crate::context::{Context, fold};
use crate::error::Error;

/// Where values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// Behind SET of an UPDATE.
    Update,
    /// In a clause of a MERGE: behind AND, SET or VALUES.
    Merge,
}

impl Within {
    fn shown(self) -> &'static str {
        match self {
            Self::Update => "among the values of an UPDATE",
            Self::Merge => "in the clauses of a MERGE",
        }
    }

    /// Behind what other relations stand.
    fn others(self) -> &'static str {
        match self {
            Self::Update => "FROM",
            Self::Merge => "USING",
        }
    }
}

/// Refuses aggregates, what gives several rows, and subqueries that ask whether there is a row; in a MERGE, windows
/// too. What stands in a subquery is that one's own.
pub(super) fn check_values<'a>(
    context: &Context,
    within: Within,
    values: impl IntoIterator<Item = &'a Expr>,
) -> Result<(), Error> {
    let mut checker = Checker { state: &context.base, within, queries: 0 };
    for value in values {
        if let ControlFlow::Break(error) = Visit::visit(value, &mut checker) {
            return Err(error);
        }
    }
    Ok(())
}

struct Checker<'a> {
    state: &'a SessionState,
    within: Within,
    /// How many queries stand around.
    queries: usize,
}

impl Checker<'_> {
    /// Why a call cannot stand here, if it cannot.
    fn refused(&self, function: &Function) -> Option<Error> {
        let [part] = function.name.0.as_slice() else { return None };
        let name = fold(part.as_ident()?);
        let (place, others) = (self.within.shown(), self.within.others());
        if UNNESTS.contains(&name.as_str()) {
            let error = Error::statement(format!("`{name}` gives several rows, and cannot stand {place}"));
            return Some(error.with_hint(format!("put it behind {others}: `{others} (SELECT {name}(…) AS a) AS u`")));
        }
        if function.over.is_some() {
            let error = Error::statement(format!("a window function cannot stand {place}"));
            let hint = "compute it in the query behind USING";
            return (self.within == Within::Merge).then(|| error.with_hint(hint));
        }
        if self.state.aggregate_functions().contains_key(&name) {
            let error = Error::statement(format!("`{name}` is computed from many rows, and cannot stand {place}"));
            return Some(error.with_hint(format!("put it into a subquery: `(SELECT {name}(…) FROM …)`")));
        }
        None
    }

    fn no_subquery(&self) -> Error {
        let place = self.within.shown();
        Error::statement(format!("IN (SELECT …) and EXISTS (SELECT …) cannot stand {place}")).with_hint(format!(
            "compare `(SELECT count(*) …)` with 0, or put them into a query behind {}",
            self.within.others()
        ))
    }
}

impl Visitor for Checker<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        let refused: Option<Error> = match expr {
            Expr::Function(function) => self.refused(function),
            Expr::Exists { .. } | Expr::InSubquery { .. } => Some(self.no_subquery()),
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } if matches!(right.as_ref(), Expr::Subquery(_)) => {
                Some(self.no_subquery())
            }
            _ => None,
        };
        match refused {
            Some(error) => ControlFlow::Break(error),
            None => ControlFlow::Continue(()),
        }
    }
}
