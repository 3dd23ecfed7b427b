//! Checks on a query: its WITH, its body, and the clauses behind it.

use datafusion::sql::sqlparser::ast::{
    Cte, CteAsMaterialized, ExprWithAliasAndOrderBy, Ident, OrderBy, OrderByKind, OrderByOptions, PipeOperator, Query,
    SetExpr, SetOperator, SetQuantifier, With,
};

use super::call::{names_window, unnamed_windows_only};
use super::relation::{check_alias, check_join};
use super::select::check_items;
use crate::parse::error::ParseError;

/// Refuses what the planner would drop of a query. Its SELECTs and tables are visited by themselves.
pub(super) fn check_query(query: &Query) -> Result<(), ParseError> {
    // The planner takes LIMIT, and refuses what it does not take of it, and FETCH.
    let Query {
        with,
        body,
        order_by,
        limit_clause: _,
        fetch: _,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    if settings.is_some() || format_clause.is_some() || for_clause.is_some() {
        return Err(ParseError::unsupported("SETTINGS, FORMAT or FOR behind a query", "use SET, or COPY … TO a file"));
    }
    if !locks.is_empty() {
        return Err(ParseError::unsupported("FOR UPDATE", "a query reads one version and needs no lock: leave it out"));
    }
    if let Some(with) = with {
        check_with(with)?;
    }
    check_body(body)?;
    if let Some(order_by) = order_by {
        check_order_by(order_by, body)?;
    }
    pipe_operators.iter().try_for_each(check_pipe_operator)
}

fn check_with(with: &With) -> Result<(), ParseError> {
    let With { with_token: _, recursive, cte_tables } = with;
    for cte in cte_tables {
        let Cte { alias, query, from, materialized, closing_paren_token: _ } = cte;
        check_alias(alias)?;
        if from.is_some() {
            return Err(ParseError::unsupported("FROM behind a query of WITH", "put it into the query"));
        }
        if *materialized == Some(CteAsMaterialized::Materialized) {
            return Err(ParseError::unsupported(
                "WITH … AS MATERIALIZED",
                "leave the word out: the query is computed wherever it is named; `CREATE TABLE … AS` keeps its rows",
            ));
        }
        if *recursive {
            check_recursive(&alias.name, query)?;
        }
    }
    Ok(())
}

/// Of a recursive UNION, the planner takes the two sides and whether all rows are kept.
fn check_recursive(name: &Ident, query: &Query) -> Result<(), ParseError> {
    let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, .. } = query.body.as_ref() else {
        return Ok(());
    };
    let has_clauses = query.with.is_some()
        || query.order_by.is_some()
        || query.limit_clause.is_some()
        || query.fetch.is_some()
        || !query.pipe_operators.is_empty();
    if has_clauses {
        return Err(ParseError::unsupported(
            format!("WITH, ORDER BY or LIMIT around the UNION of `{name}` in WITH RECURSIVE"),
            "put it into the query behind, or the UNION into parentheses if it is not recursive",
        ));
    }
    match set_quantifier {
        SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => Ok(()),
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
            Err(ParseError::unsupported(
                format!("UNION BY NAME of `{name}` in WITH RECURSIVE"),
                "name the columns of both sides in one order",
            ))
        }
    }
}

fn check_body(body: &SetExpr) -> Result<(), ParseError> {
    match body {
        SetExpr::SetOperation { left, right, op: _, set_quantifier: _ } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(ParseError::unsupported(
                "a statement that writes inside a query",
                "write the statement by itself, with the WITH clause in its query",
            ))
        }
        // The parser drops whatever stands behind `TABLE t`, a version clause included.
        SetExpr::Table(table) => {
            let name = table.table_name.clone().unwrap_or_else(|| "t".to_owned());
            Err(ParseError::unsupported("TABLE as a query", format!("write `SELECT * FROM {name}`")))
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
    }
}

fn check_order_by(order_by: &OrderBy, body: &SetExpr) -> Result<(), ParseError> {
    // The planner refuses INTERPOLATE and WITH FILL.
    let OrderBy { kind, interpolate: _ } = order_by;
    if matches!(kind, OrderByKind::All(_)) && !matches!(body, SetExpr::Select(_)) {
        return Err(ParseError::unsupported(
            "ORDER BY ALL behind anything but one SELECT",
            "name the columns: `ORDER BY 1, 2`",
        ));
    }
    unnamed_windows_only(names_window(order_by))
}

/// What is not named here is planned as it stands, or refused by the planner.
fn check_pipe_operator(operator: &PipeOperator) -> Result<(), ParseError> {
    match operator {
        PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } => check_items(exprs)?,
        PipeOperator::Join(join) => check_join(join)?,
        PipeOperator::Aggregate { full_table_exprs, group_by_expr }
            if full_table_exprs.iter().chain(group_by_expr).any(has_order) =>
        {
            return Err(ParseError::unsupported("|> AGGREGATE with ASC or DESC", "write `|> ORDER BY …` behind it"));
        }
        _ => {}
    }
    unnamed_windows_only(names_window(operator))
}

fn has_order(expr: &ExprWithAliasAndOrderBy) -> bool {
    let ExprWithAliasAndOrderBy { expr: _, order_by: OrderByOptions { asc, nulls_first } } = expr;
    asc.is_some() || nulls_first.is_some()
}
