//! Clauses of calls that the planner would drop: those of functions that it computes row by row.

use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{DuplicateTreatment, Expr, Function, FunctionArguments, Query, Visit, Visitor};

use crate::context::fold;
use crate::error::Error;

/// Functions that the planner knows apart from all registries.
pub(crate) const UNNESTS: [&str; 2] = ["unnest", "unnest_outer"];

/// Refuses FILTER, OVER, DISTINCT and the like on functions that are no aggregates and no window functions.
pub(crate) fn check_calls(state: &SessionState, query: &Query) -> Result<(), Error> {
    match Visit::visit(query, &mut Calls { state }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Calls<'a> {
    state: &'a SessionState,
}

impl Calls<'_> {
    fn is_computed_by_row(&self, name: &str) -> bool {
        self.state.scalar_functions().contains_key(name)
            || self.state.higher_order_functions().contains_key(name)
            || UNNESTS.contains(&name)
    }
}

impl Visitor for Calls<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name: Option<String> = match function.name.0.as_slice() {
            [part] => part.as_ident().map(fold),
            _ => None,
        };
        match (name, clause(function)) {
            (Some(name), Some(clause)) if self.is_computed_by_row(&name) => ControlFlow::Break(
                Error::statement(format!("`{name}` is computed row by row, and takes no {clause}"))
                    .with_hint("aggregates and window functions do"),
            ),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// A clause of a call that only aggregates and window functions have.
fn clause(function: &Function) -> Option<&'static str> {
    let (distinct, clauses) = match &function.args {
        FunctionArguments::List(list) => {
            (list.duplicate_treatment == Some(DuplicateTreatment::Distinct), !list.clauses.is_empty())
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => (false, false),
    };
    let present: [(bool, &'static str); 6] = [
        (function.filter.is_some(), "FILTER"),
        (function.over.is_some(), "OVER"),
        (!function.within_group.is_empty(), "WITHIN GROUP"),
        (function.null_treatment.is_some(), "IGNORE NULLS or RESPECT NULLS"),
        (distinct, "DISTINCT"),
        (clauses, "ORDER BY or other clause behind its arguments"),
    ];
    present.into_iter().find(|(present, _)| *present).map(|(_, clause)| clause)
}
