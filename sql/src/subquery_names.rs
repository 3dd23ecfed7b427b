//! Names for subqueries that a SELECT yields without one.
//!
//! The planner calls every one of them `(<subquery>)` and refuses two columns of one name, so that
//! `SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t AS OF VERSION 3)` would need two aliases.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr, VisitMut, VisitorMut};

/// Names the subqueries of each SELECT that has several: `subquery_1`, `subquery_2`, in order.
pub(crate) fn name_subqueries(query: &mut Query) {
    let ControlFlow::<()>::Continue(()) = query.visit(&mut Namer) else { return };
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        name_in(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn name_in(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            name_in(left);
            name_in(right);
        }
        SetExpr::Select(select) => {
            let is_subquery = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(Expr::Subquery(_)));
            if select.projection.iter().filter(|item| is_subquery(item)).count() < 2 {
                return;
            }
            let unnamed = select.projection.iter_mut().filter(|item| is_subquery(item));
            for (number, item) in (1..).zip(unnamed) {
                if let SelectItem::UnnamedExpr(expr) = item {
                    let alias = Ident::new(format!("subquery_{number}"));
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
            }
        }
        _ => {}
    }
}
