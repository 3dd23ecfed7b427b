//! Names for the columns of a query, given on the syntax tree before planning.
//!
//! The planner names an expression after its own plan (`t.a + Int64(1)`), calls every subquery `(<subquery>)`, and
//! refuses two columns of one name. Here each of them gets an alias:
//!
//! * An expression is called by its text (`a + 1`), shortened if it is long; a field of a struct by the field's name.
//! * A subquery that stands alone is called `subquery`; several are `subquery_1`, `subquery_2`.
//! * Of two columns of one name the later one becomes `a_1`, or whatever number is free. For rows that go to the user
//!   the change is listed, so that the result can take it back.
//!
//! What goes by names elsewhere in the query goes on to mean what it meant:
//!
//! * ORDER BY that repeats the text of an aliased expression becomes the alias.
//! * GROUP BY ALL becomes positions: the planner would group by the expressions with their aliases, which are others
//!   than those that HAVING repeats.
//! * Where a clause names a column `"2020"` or `x`, no constant is called `2020` and no field of a struct `x`. No
//!   numbered name is one that a clause names.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, ObjectName, OrderBy, OrderByKind, PipeOperator, Query, Select, SelectItem,
    SetExpr, TableFactor, Value, Visit, VisitMut, Visitor, VisitorMut, visit_expressions,
};

use crate::context::fold;
use crate::parse::version_clause;

/// The longest name that is made from a text, in bytes, without the sign that something is missing.
const NAME_BYTES_MAX: usize = 120;

/// Who takes the columns of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// The user, for whom two columns may have one name.
    User,
    /// A table, a view, a file or another query, where names are distinct.
    Statement,
}

/// A column of a result that the plan calls otherwise than the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// What the plan calls it.
    pub(crate) given: String,
    /// What the query calls it.
    pub(crate) asked: String,
}

/// Names the columns of a query and of every query in it. Gives what was renamed among the columns of the query itself,
/// if the user takes them.
pub(crate) fn name_columns(query: &mut Query, taker: Taker, is_aggregate: &dyn Fn(&str) -> bool) -> Vec<Renamed> {
    let mut renamed: Vec<Renamed> = Vec::new();
    if taker == Taker::User && query.pipe_operators.is_empty() {
        renamed = Namer { taker, is_aggregate }.name_query(query, true);
    }
    // What has been named above has distinct names now, so that it is left as it is.
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Namer { taker: Taker::Statement, is_aggregate });
    renamed
}

struct Namer<'a> {
    taker: Taker,
    is_aggregate: &'a dyn Fn(&str) -> bool,
}

impl VisitorMut for Namer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.name_query(query, true);
        ControlFlow::Continue(())
    }
}

/// The names that a SELECT has got.
#[derive(Default)]
struct Named {
    renamed: Vec<Renamed>,
    /// The text of each item without an alias, and the alias that it has now.
    aliases: Vec<(String, Option<String>)>,
    given: HashSet<String>,
}

impl Namer<'_> {
    fn name_query(&self, query: &mut Query, is_alone: bool) -> Vec<Renamed> {
        let mut mentioned: HashSet<String> = HashSet::new();
        if let Some(order_by) = &query.order_by {
            mention(order_by, &mut mentioned);
        }
        let named = self.name_body(&mut query.body, is_alone, &mentioned).unwrap_or_default();
        if let Some(order_by) = &mut query.order_by {
            order_by_names(order_by, &named);
        }
        for operator in &mut query.pipe_operators {
            if let PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } = operator {
                self.name_items(exprs, false, &HashSet::new());
            }
        }
        named.renamed
    }

    /// Names what a query selects. The names of a set operation are those of its first SELECT.
    fn name_body(&self, body: &mut SetExpr, is_alone: bool, mentioned: &HashSet<String>) -> Option<Named> {
        match body {
            SetExpr::Select(select) => Some(self.name_select(select, is_alone, mentioned)),
            SetExpr::SetOperation { left, right, .. } => {
                let named = self.name_body(left, false, mentioned);
                self.name_body(right, false, mentioned);
                named
            }
            // A query within is visited by itself, unless it is the user's.
            SetExpr::Query(query) if self.taker == Taker::User => {
                Some(Named { renamed: self.name_query(query, is_alone), ..Named::default() })
            }
            _ => None,
        }
    }

    fn name_select(&self, select: &mut Select, is_alone: bool, mentioned: &HashSet<String>) -> Named {
        let mut mentioned: HashSet<String> = mentioned.clone();
        mention(&select.group_by, &mut mentioned);
        mention(&select.having, &mut mentioned);
        mention(&select.qualify, &mut mentioned);
        if let Some(Distinct::On(exprs)) = &select.distinct {
            mention(exprs, &mut mentioned);
        }
        if matches!(&select.group_by, GroupByExpr::All(modifiers) if modifiers.is_empty())
            && !has_wildcard(&select.projection)
        {
            select.group_by = GroupByExpr::Expressions(self.grouping_positions(&select.projection), Vec::new());
        }
        self.name_items(&mut select.projection, is_alone, &mentioned)
    }

    /// Where the items stand that GROUP BY ALL groups by: all without an aggregate.
    fn grouping_positions(&self, items: &[SelectItem]) -> Vec<Expr> {
        let groups = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr)
            | SelectItem::ExprWithAlias { expr, .. }
            | SelectItem::ExprWithAliases { expr, .. } => !self.holds_aggregate(expr),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
        };
        (1..).zip(items).filter(|(_, item)| groups(item)).map(|(position, _)| number(position)).collect()
    }

    fn holds_aggregate(&self, expr: &Expr) -> bool {
        let mut search = AggregateSearch { is_aggregate: self.is_aggregate, depth: 0 };
        Visit::visit(expr, &mut search).is_break()
    }

    /// Gives every item a name of its own. Where a wildcard stands among the items of a user's query, names could be
    /// those of its columns, so that each item gets a name for the time being.
    fn name_items(&self, items: &mut [SelectItem], is_alone: bool, mentioned: &HashSet<String>) -> Named {
        let has_wildcard = has_wildcard(items);
        let hides = has_wildcard && is_alone && self.taker == Taker::User;
        let wishes = wishes(items);
        let asked: HashSet<String> = wishes.iter().flatten().map(|wish| wish.name.clone()).collect();
        let mut named = Named::default();
        for (item, wish) in items.iter_mut().zip(wishes) {
            let Some(wish) = wish else { continue };
            let is_column = matches!(wish.source, NameSource::Column | NameSource::Path);
            if is_column && has_wildcard && !hides {
                continue;
            }
            let is_taken = named.given.contains(&wish.name)
                || (hides && wish.source != NameSource::Alias)
                || (wish.source == NameSource::Constant && mentioned.contains(&wish.name));
            let given = match is_taken {
                false => wish.name.clone(),
                true => numbered(&wish.name, if hides { ':' } else { '_' }, |name: &str| {
                    !asked.contains(name) && !named.given.contains(name) && !mentioned.contains(name)
                }),
            };
            named.given.insert(given.clone());
            // A field of a struct must not take the name of a column that a clause means.
            let is_named = match wish.source {
                NameSource::Column | NameSource::Alias => true,
                NameSource::Path => mentioned.contains(&wish.name),
                NameSource::Constant | NameSource::Text => false,
            };
            let keeps = is_named && !is_taken;
            if wish.source != NameSource::Alias {
                named.aliases.push((wish.text, (is_taken || !is_column).then(|| given.clone())));
            }
            if is_taken && self.taker == Taker::User {
                named.renamed.push(Renamed { given: given.clone(), asked: wish.name });
            }
            if !keeps {
                set_alias(item, &given);
            }
        }
        named
    }
}

/// Looks for an aggregate that is not one of a subquery.
struct AggregateSearch<'a> {
    is_aggregate: &'a dyn Fn(&str) -> bool,
    depth: usize,
}

impl Visitor for AggregateSearch<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if self.depth == 0
            && let Expr::Function(function) = expr
            && function.over.is_none()
            && let [part] = function.name.0.as_slice()
            && let Some(name) = part.as_ident()
            && (self.is_aggregate)(&fold(name))
        {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// What an item is called if nothing stands against it.
struct Wish {
    name: String,
    source: NameSource,
    /// The item's text; empty where it has an alias.
    text: String,
}

/// Where a name comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameSource {
    /// The name of a column, which the planner takes by itself.
    Column,
    /// The last part of a longer name: a column of a table, a field of a struct.
    Path,
    /// The text of a constant.
    Constant,
    /// The text of anything else.
    Text,
    /// An alias that is there.
    Alias,
}

/// What each item is called; `None` for wildcards.
fn wishes(items: &[SelectItem]) -> Vec<Option<Wish>> {
    let is_subquery =
        |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(expr) if matches!(bare(expr), Expr::Subquery(_)));
    let subqueries = items.iter().filter(|item| is_subquery(item)).count();
    let mut count = 0;
    let mut found: Vec<Option<Wish>> = Vec::with_capacity(items.len());
    for item in items {
        let subquery = match is_subquery(item) {
            false => None,
            true if subqueries == 1 => Some("subquery".to_owned()),
            true => {
                count += 1;
                Some(format!("subquery_{count}"))
            }
        };
        found.push(match item {
            SelectItem::UnnamedExpr(expr) => Some(wish(expr, subquery)),
            SelectItem::ExprWithAlias { alias, .. } => {
                Some(Wish { name: fold(alias), source: NameSource::Alias, text: String::new() })
            }
            SelectItem::ExprWithAliases { .. } | SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => None,
        });
    }
    found
}

fn wish(expr: &Expr, subquery: Option<String>) -> Wish {
    let text = text_of(expr);
    let (name, source) = match (bare(expr), subquery) {
        (_, Some(name)) => (name, NameSource::Text),
        (Expr::Identifier(name), None) => (fold(name), NameSource::Column),
        (Expr::CompoundIdentifier(parts), None) => (parts.last().map_or_else(|| text.clone(), fold), NameSource::Path),
        (Expr::Value(_), None) => (shortened(&text), NameSource::Constant),
        _ => (shortened(&text), NameSource::Text),
    };
    Wish { name, source, text }
}

/// The expression without parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// The expression as a user would write it: with version clauses in our own spelling.
fn text_of(expr: &Expr) -> String {
    let mut shown = expr.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut shown, &mut ClauseSpeller);
    shown.to_string()
}

/// Writes version clauses into the names of their tables, before the alias. The tree is only good for showing then.
struct ClauseSpeller;

impl VisitorMut for ClauseSpeller {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, version, .. } = table
            && let Some(found) = version.take()
        {
            let spelled = match version_clause(&found) {
                Ok(clause) => clause.to_string(),
                Err(_) => found.to_string(),
            };
            *name = ObjectName::from(vec![Ident::new(format!("{name} {spelled}"))]);
        }
        ControlFlow::Continue(())
    }
}

/// A text as a name: on one line, and not too long.
fn shortened(text: &str) -> String {
    let mut name: String = text.chars().map(|found| if found.is_control() { ' ' } else { found }).collect();
    if name.len() > NAME_BYTES_MAX {
        let end = (0..=NAME_BYTES_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
        name.push('…');
    }
    name
}

/// The name with the first number that makes it free.
fn numbered(name: &str, separator: char, is_free: impl Fn(&str) -> bool) -> String {
    let mut number: u64 = 1;
    loop {
        let candidate = format!("{name}{separator}{number}");
        if is_free(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

fn set_alias(item: &mut SelectItem, name: &str) {
    let quoted = Ident::with_quote('"', name);
    match item {
        SelectItem::ExprWithAlias { alias, .. } => *alias = quoted,
        SelectItem::UnnamedExpr(expr) => *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: quoted },
        _ => {}
    }
}

fn has_wildcard(items: &[SelectItem]) -> bool {
    items.iter().any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)))
}

/// Notes the names that a clause uses without a table before them.
fn mention<N: Visit>(clause: &N, mentioned: &mut HashSet<String>) {
    let _: ControlFlow<()> = visit_expressions(clause, |expr: &Expr| {
        if let Expr::Identifier(name) = expr {
            mentioned.insert(fold(name));
        }
        ControlFlow::Continue(())
    });
}

/// Lets ORDER BY name the columns that have got an alias, where it repeats their text.
fn order_by_names(order_by: &mut OrderBy, named: &Named) {
    let OrderByKind::Expressions(keys) = &mut order_by.kind else { return };
    for key in keys {
        let is_given = match &key.expr {
            // A number is a position, and any other constant orders nothing.
            Expr::Value(_) => true,
            Expr::Identifier(name) => named.given.contains(&fold(name)),
            _ => false,
        };
        if is_given {
            continue;
        }
        let text = text_of(&key.expr);
        let repeated = named.aliases.iter().find(|(known, _)| *known == text);
        if let Some((_, Some(alias))) = repeated {
            key.expr = Expr::Identifier(Ident::with_quote('"', alias.as_str()));
        }
    }
}

/// A position in the list of items.
fn number(position: usize) -> Expr {
    Expr::value(Value::Number(position.to_string(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Statement, parse_one};

    fn named(sql: &str, taker: Taker) -> (String, Vec<Renamed>) {
        let Statement::Query(mut query) = parse_one(sql).unwrap().statement else {
            panic!("{sql} is no query");
        };
        let is_aggregate = |name: &str| ["count", "sum"].contains(&name);
        let renamed = name_columns(&mut query, taker, &is_aggregate);
        (query.to_string(), renamed)
    }

    /// The query with its names, as a statement takes it.
    fn check(sql: &str, expected: &str) {
        assert_eq!(named(sql, Taker::Statement).0, expected);
    }

    /// The query with its names, as the user takes it, and what is renamed in the result: `given asked`.
    fn check_result(sql: &str, expected: &str, renamed: &[&str]) {
        let (text, found) = named(sql, Taker::User);
        let found: Vec<String> = found.into_iter().map(|name| format!("{} {}", name.given, name.asked)).collect();
        assert_eq!(text, expected);
        assert_eq!(found, renamed, "{sql}");
    }

    #[test]
    fn an_expression_is_called_by_its_text() {
        check(
            "SELECT 1, count(*), sum(x), a+1, 'it''s', $1, b::int FROM t",
            "SELECT 1 AS \"1\", count(*) AS \"count(*)\", sum(x) AS \"sum(x)\", a + 1 AS \"a + 1\", \
             'it''s' AS \"'it''s'\", $1 AS \"$1\", b::INT AS \"b::INT\" FROM t",
        );
    }

    #[test]
    fn a_column_keeps_its_name() {
        check("SELECT a, (b), \"C\", * FROM t", "SELECT a, (b), \"C\", * FROM t");
        check("SELECT t.a, s.\"X\" FROM t", "SELECT t.a AS \"a\", s.\"X\" AS \"X\" FROM t");
        check("SELECT s.x FROM t ORDER BY x", "SELECT s.x FROM t ORDER BY x");
        check("SELECT a AS b FROM t", "SELECT a AS b FROM t");
    }

    #[test]
    fn a_later_column_of_one_name_gets_a_number() {
        check("SELECT a, a, A, 1 AS a FROM t", "SELECT a, a AS \"a_1\", A AS \"a_2\", 1 AS \"a_3\" FROM t");
        check("SELECT a, a_1, a FROM t", "SELECT a, a_1, a AS \"a_2\" FROM t");
        check("SELECT a, a FROM t ORDER BY a_1", "SELECT a, a AS \"a_2\" FROM t ORDER BY a_1");
        check("SELECT x.id, y.id FROM x, y", "SELECT x.id AS \"id\", y.id AS \"id_1\" FROM x, y");
    }

    #[test]
    fn the_result_takes_the_number_back() {
        check_result("SELECT a, a FROM t", "SELECT a, a AS \"a_1\" FROM t", &["a_1 a"]);
        check_result("(SELECT 1, 1)", "(SELECT 1 AS \"1\", 1 AS \"1_1\")", &["1_1 1"]);
        check_result(
            "SELECT 1, 1 UNION ALL SELECT b, b FROM t",
            "SELECT 1 AS \"1\", 1 AS \"1_1\" UNION ALL SELECT b, b AS \"b_1\" FROM t",
            &["1_1 1"],
        );
        check_result("SELECT * FROM (SELECT a, a FROM t)", "SELECT * FROM (SELECT a, a AS \"a_1\" FROM t)", &[]);
    }

    #[test]
    fn beside_a_wildcard_a_result_is_named_at_the_end() {
        check_result("SELECT b, * FROM t", "SELECT b AS \"b:1\", * FROM t", &["b:1 b"]);
        check_result("SELECT *, a + 1 FROM t", "SELECT *, a + 1 AS \"a + 1:1\" FROM t", &["a + 1:1 a + 1"]);
        check("SELECT b, * EXCLUDE (b), a + 1 FROM t", "SELECT b, * EXCLUDE (b), a + 1 AS \"a + 1\" FROM t");
        check_result("SELECT b, * FROM t UNION SELECT b, * FROM t", "SELECT b, * FROM t UNION SELECT b, * FROM t", &[]);
    }

    #[test]
    fn subqueries_are_numbered() {
        check("SELECT (SELECT 1 AS a)", "SELECT (SELECT 1 AS a) AS \"subquery\"");
        check(
            "SELECT (SELECT 1 AS a), 2 AS b, (SELECT 3 AS c)",
            "SELECT (SELECT 1 AS a) AS \"subquery_1\", 2 AS b, (SELECT 3 AS c) AS \"subquery_2\"",
        );
    }

    #[test]
    fn a_version_clause_in_a_name_is_spelled_as_ours() {
        let name = |sql: &str| {
            let (_, mut renamed) = named(sql, Taker::User);
            renamed.remove(0).asked
        };
        for (clause, spelled) in [
            ("AS OF VERSION 3", "AS OF VERSION 3"),
            ("AT (VERSION => 3)", "AS OF VERSION 3"),
            ("FOR SYSTEM_TIME AS OF now()", "AS OF TIMESTAMP now()"),
            ("AS OF TIMESTAMP '2024-01-01' - INTERVAL '1 day'", "AS OF TIMESTAMP '2024-01-01' - INTERVAL '1 day'"),
            ("AS OF 3", "AS OF 3"),
            ("AS OF BRANCH main", "AS OF BRANCH main"),
        ] {
            // Two of one name, so that the name that was asked for is listed.
            let expr = format!("EXISTS (SELECT a FROM t {clause} x)");
            let expected = format!("EXISTS (SELECT a FROM t {spelled} x)");
            assert_eq!(name(&format!("SELECT {expr}, {expr}")), expected);
        }
    }

    #[test]
    fn a_long_text_is_shortened_and_stands_on_one_line() {
        let (_, renamed) = named(&format!("SELECT 'é\n{0}', 'é\n{0}'", "é".repeat(32_768)), Taker::User);
        let name = &renamed[0].asked;
        assert!(name.starts_with("'é éé") && name.ends_with("éé…"), "{name}");
        assert!(name.len() <= NAME_BYTES_MAX + '…'.len_utf8());
    }

    #[test]
    fn order_by_that_repeats_an_expression_names_it() {
        check(
            "SELECT DISTINCT a + 1 FROM t ORDER BY a+1 DESC, a",
            "SELECT DISTINCT a + 1 AS \"a + 1\" FROM t ORDER BY \"a + 1\" DESC, a",
        );
        check(
            "SELECT a + 1 FROM t UNION SELECT b FROM u ORDER BY a + 1",
            "SELECT a + 1 AS \"a + 1\" FROM t UNION SELECT b FROM u ORDER BY \"a + 1\"",
        );
        check("SELECT 2, a FROM t ORDER BY 2", "SELECT 2 AS \"2\", a FROM t ORDER BY 2");
        check(
            "SELECT x.id, y.id FROM x, y ORDER BY y.id",
            "SELECT x.id AS \"id\", y.id AS \"id_1\" FROM x, y ORDER BY \"id_1\"",
        );
        check("SELECT x AS a, a FROM t ORDER BY a", "SELECT x AS a, a AS \"a_1\" FROM t ORDER BY a");
    }

    #[test]
    fn group_by_all_becomes_positions() {
        check(
            "SELECT a + 1, count(*), (SELECT count(*) AS n FROM u) FROM t GROUP BY ALL HAVING a + 1 > 2",
            "SELECT a + 1 AS \"a + 1\", count(*) AS \"count(*)\", (SELECT count(*) AS n FROM u) AS \"subquery\" \
             FROM t GROUP BY 1, 3 HAVING a + 1 > 2",
        );
        check(
            "SELECT sum(a) OVER () FROM t GROUP BY ALL",
            "SELECT sum(a) OVER () AS \"sum(a) OVER ()\" FROM t GROUP BY 1",
        );
        check("SELECT * FROM t GROUP BY ALL", "SELECT * FROM t GROUP BY ALL");
    }

    #[test]
    fn a_constant_is_not_taken_for_a_column_of_its_text() {
        check("SELECT 2020, a FROM t ORDER BY \"2020\"", "SELECT 2020 AS \"2020_1\", a FROM t ORDER BY \"2020\"");
        check_result(
            "SELECT 2020, a FROM t ORDER BY \"2020\"",
            "SELECT 2020 AS \"2020_1\", a FROM t ORDER BY \"2020\"",
            &["2020_1 2020"],
        );
    }
}
