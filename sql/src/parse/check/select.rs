//! Checks on one SELECT.

use datafusion::sql::sqlparser::ast::{
    GroupByExpr, GroupByWithModifier, NamedWindowDefinition, NamedWindowExpr, Select, SelectItem, SelectModifiers,
    WildcardAdditionalOptions,
};

use super::call::{check_window, names_window, unnamed_windows_only};
use super::relation::check_join;
use crate::parse::error::ParseError;

/// Refuses what the planner would drop of a SELECT. Its tables and expressions are visited by themselves.
pub(super) fn check_select(select: &Select) -> Result<(), ParseError> {
    // The planner refuses TOP, LATERAL VIEW, CLUSTER BY and SORT BY. DISTRIBUTE BY it takes.
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top: _,
        top_before_distinct: _,
        projection,
        exclude,
        into,
        from,
        lateral_views: _,
        prewhere,
        selection: _,
        connect_by,
        group_by,
        cluster_by: _,
        distribute_by: _,
        sort_by: _,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor: _,
    } = select;
    let is_modified = select_modifiers.as_ref().is_some_and(SelectModifiers::is_any_set);
    let refused: [(bool, &str, &str); 7] = [
        (into.is_some(), "SELECT … INTO", "write `CREATE TABLE name AS SELECT …`"),
        (prewhere.is_some(), "PREWHERE", "write WHERE"),
        (!connect_by.is_empty(), "CONNECT BY", "write `WITH RECURSIVE … AS (… UNION ALL …)`"),
        (!optimizer_hints.is_empty(), "a hint", "leave it out: plans follow statistics"),
        (is_modified, "a modifier of SELECT such as STRAIGHT_JOIN", "leave it out: plans follow statistics"),
        (value_table_mode.is_some(), "SELECT AS", "name the columns, or make a struct of them: `{'a': a, 'b': b}`"),
        (exclude.is_some(), "EXCLUDE behind other columns", "write it behind the star: `SELECT * EXCLUDE (a)`"),
    ];
    if let Some((_, what, instead)) = refused.into_iter().find(|(present, _, _)| *present) {
        return Err(ParseError::unsupported(what, instead));
    }
    check_items(projection)?;
    check_group_by(group_by)?;
    from.iter().flat_map(|table| &table.joins).try_for_each(check_join)?;
    for NamedWindowDefinition(_, window) in named_window {
        if let NamedWindowExpr::WindowSpec(window) = window {
            check_window(window)?;
        }
    }
    // The planner knows the names of windows in the list of a SELECT only.
    unnamed_windows_only(names_window(distinct) || names_window(having) || names_window(qualify))
}

/// Refuses what the planner would drop of the list of a SELECT.
pub(super) fn check_items(items: &[SelectItem]) -> Result<(), ParseError> {
    for item in items {
        match item {
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => check_wildcard(options)?,
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } | SelectItem::ExprWithAliases { .. } => {}
        }
    }
    Ok(())
}

fn check_wildcard(options: &WildcardAdditionalOptions) -> Result<(), ParseError> {
    // The planner takes EXCLUDE, EXCEPT and REPLACE, and refuses RENAME and an alias.
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude: _,
        opt_except: _,
        opt_replace: _,
        opt_rename: _,
        opt_alias: _,
    } = options;
    match opt_ilike {
        Some(_) => Err(ParseError::unsupported("`*` with ILIKE", "name the columns, or `* EXCLUDE (a)` the others")),
        None => Ok(()),
    }
}

fn check_group_by(group_by: &GroupByExpr) -> Result<(), ParseError> {
    let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = group_by;
    let instead = match modifiers.first() {
        None => return Ok(()),
        Some(GroupByWithModifier::Rollup) => "write `GROUP BY ROLLUP (a, b)`",
        Some(GroupByWithModifier::Cube) => "write `GROUP BY CUBE (a, b)`",
        Some(GroupByWithModifier::Totals) => "write `GROUP BY GROUPING SETS ((a), ())`",
        Some(GroupByWithModifier::GroupingSets(_)) => "write `GROUP BY GROUPING SETS (…)` without columns before it",
    };
    let found: Vec<String> = modifiers.iter().map(ToString::to_string).collect();
    Err(ParseError::unsupported(format!("GROUP BY … {}", found.join(" ")), instead))
}
