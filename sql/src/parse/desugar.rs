//! Spellings that the planner drops or cannot run, as others that mean the same.
//!
//! * `FROM t` alone is `SELECT * FROM t`.
//! * VALUES with a subquery is a SELECT for each such row, put together by UNION ALL.
//! * The names in `* REPLACE (1 AS a)` are folded like every other name.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Parens, PipeOperator, Query, Select, SelectFlavor, SelectItem, SetExpr, SetOperator,
    SetQuantifier, Values, Visit, VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
};

/// A row of VALUES.
type Row = Parens<Vec<Expr>>;

/// Rewrites a piece of the syntax tree, such as a query, and all queries within it.
pub(crate) fn desugar<N: VisitMut>(node: &mut N) {
    let ControlFlow::<()>::Continue(()) = VisitMut::visit(node, &mut Desugar) else { return };
}

struct Desugar;

impl VisitorMut for Desugar {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        spread_values(&mut query.body);
        for operator in &mut query.pipe_operators {
            if let PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } = operator {
                exprs.iter_mut().for_each(fold_replaced);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
            select.flavor = SelectFlavor::Standard;
        }
        select.projection.iter_mut().for_each(fold_replaced);
        ControlFlow::Continue(())
    }
}

/// The planner compares these names as they are written.
fn fold_replaced(item: &mut SelectItem) {
    let (SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)) = item else { return };
    for replaced in options.opt_replace.iter_mut().flat_map(|replace| replace.items.iter_mut()) {
        let name: &mut Ident = &mut replaced.column_name;
        if name.quote_style.is_none() {
            name.value.make_ascii_lowercase();
        }
    }
}

fn spread_values(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            spread_values(left);
            spread_values(right);
        }
        SetExpr::Values(values) if !values.value_keyword && values.rows.iter().any(has_subquery) => {
            let rows: Vec<Row> = std::mem::take(&mut values.rows);
            *body = united(rows);
        }
        _ => {}
    }
}

/// Rows as a tree of UNION ALL that is as deep as the logarithm of their number.
fn united(mut rows: Vec<Row>) -> SetExpr {
    if !rows.iter().any(has_subquery) {
        return SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows });
    }
    if rows.len() > 1 {
        let rest: Vec<Row> = rows.split_off(rows.len() / 2);
        return SetExpr::SetOperation {
            left: Box::new(united(rows)),
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            right: Box::new(united(rest)),
        };
    }
    // The names that VALUES gives its columns.
    let named = |(number, expr): (usize, Expr)| SelectItem::ExprWithAlias {
        expr,
        alias: Ident::new(format!("column{number}")),
    };
    let values = rows.into_iter().flat_map(|row| row.content);
    SetExpr::Select(Box::new(select_of((1..).zip(values).map(named).collect())))
}

/// A SELECT of these items, without any other clause.
pub(crate) fn select_of(projection: Vec<SelectItem>) -> Select {
    Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection,
        exclude: None,
        into: None,
        from: Vec::new(),
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}

fn has_subquery(row: &Row) -> bool {
    Visit::visit(&row.content, &mut QueryFinder).is_break()
}

/// Stops at the first query.
struct QueryFinder;

impl Visitor for QueryFinder {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        ControlFlow::Break(())
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse_one;

    /// Asserts what a query is read as.
    fn check(sql: &str, expected: &str) {
        let parsed = parse_one(sql).unwrap();
        assert_eq!(parsed.statement.query().unwrap().to_string(), expected, "{sql}");
    }

    #[test]
    fn from_alone_selects_every_column() {
        check("FROM t", "SELECT * FROM t");
        check("FROM t ORDER BY a LIMIT 3", "SELECT * FROM t ORDER BY a LIMIT 3");
        check("SELECT a FROM (FROM u) AS x", "SELECT a FROM (SELECT * FROM u) AS x");
        check("FROM t SELECT a", "FROM t SELECT a");
    }

    #[test]
    fn rows_with_a_subquery_are_selects_and_the_others_stay_values() {
        check("VALUES (1, 2), (3, 4)", "VALUES (1, 2), (3, 4)");
        check("VALUES ((SELECT 1), 2)", "SELECT (SELECT 1) AS column1, 2 AS column2");
        check(
            "VALUES (1), (2), ((SELECT 3)), (4)",
            "VALUES (1), (2) UNION ALL SELECT (SELECT 3) AS column1 UNION ALL VALUES (4)",
        );
    }

    #[test]
    fn the_names_of_replaced_columns_are_folded() {
        check("SELECT * REPLACE (1 AS A) FROM t", "SELECT * REPLACE (1 AS a) FROM t");
        check("SELECT * REPLACE (1 AS \"A\") FROM t", "SELECT * REPLACE (1 AS \"A\") FROM t");
    }
}
