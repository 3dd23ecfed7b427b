//! Casts in queries that group, told apart by name.
//!
//! The planner calls `CAST(a AS DATE)` what it calls `a`, and refuses two expressions of one name beside one another:
//! `GROUP BY a, CAST(a AS DATE)`, or `sum(a)` and `sum(CAST(a AS DOUBLE))`. Where a query has such expressions, every
//! cast of it is put into a call that has the type in its name, `"typed cast"(CAST(a AS DATE), 'Cast DATE')`; the
//! analyzer takes the calls away again. It runs after columns are named, so that a result's names are what they were.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::context::fold;
use crate::own_call::own_call;

/// The name of the function around a cast.
pub(crate) const TYPED: &str = "typed cast";

/// Tells the casts of a query and of every query in it apart, where it needs that.
pub(crate) fn tell_casts_apart(query: &mut Query) {
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Queries);
}

struct Queries;

impl VisitorMut for Queries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let SetExpr::Select(select) = query.body.as_mut() else { return ControlFlow::Continue(()) };
        if !is_ambiguous(select) {
            return ControlFlow::Continue(());
        }
        let mut casts = Casts { depth: 0 };
        let _: ControlFlow<()> = VisitMut::visit(&mut select.projection, &mut casts);
        let _: ControlFlow<()> = VisitMut::visit(&mut select.group_by, &mut casts);
        let _: ControlFlow<()> = VisitMut::visit(&mut select.having, &mut casts);
        let _: ControlFlow<()> = VisitMut::visit(&mut select.qualify, &mut casts);
        let _: ControlFlow<()> = VisitMut::visit(&mut select.distinct, &mut casts);
        let _: ControlFlow<()> = VisitMut::visit(&mut query.order_by, &mut casts);
        ControlFlow::Continue(())
    }
}

/// Whether two expressions that are grouped by or called differ in nothing but casts.
fn is_ambiguous(select: &Select) -> bool {
    let mut found = Keys { depth: 0, keys: Vec::new() };
    if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
        for expr in exprs {
            found.group(expr, select);
        }
    }
    let _: ControlFlow<()> = Visit::visit(&select.projection, &mut found);
    let _: ControlFlow<()> = Visit::visit(&select.having, &mut found);
    let mut by_name: HashMap<String, String> = HashMap::new();
    for key in found.keys {
        let text = key.to_string();
        let mut bare = key;
        let _: ControlFlow<()> = VisitMut::visit(&mut bare, &mut Bare);
        let first = by_name.entry(bare.to_string()).or_insert_with(|| text.clone());
        if *first != text {
            return true;
        }
    }
    false
}

/// Collects what a SELECT is grouped by, and the functions that it calls.
struct Keys {
    depth: usize,
    keys: Vec<Expr>,
}

impl Keys {
    fn group(&mut self, expr: &Expr, select: &Select) {
        match expr {
            Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
                for expr in sets.iter().flatten() {
                    self.group(expr, select);
                }
            }
            Expr::Tuple(exprs) => {
                for expr in exprs {
                    self.group(expr, select);
                }
            }
            other => self.keys.push(item_of(other, select).unwrap_or(other).clone()),
        }
    }
}

impl Visitor for Keys {
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
        if self.depth == 0 && matches!(expr, Expr::Function(_)) {
            self.keys.push(expr.clone());
        }
        ControlFlow::Continue(())
    }
}

/// The item that GROUP BY names by its position or alias.
fn item_of<'a>(expr: &Expr, select: &'a Select) -> Option<&'a Expr> {
    let expr_of = |item: &'a SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    };
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => {
                let position: usize = digits.parse().ok()?;
                select.projection.get(position.checked_sub(1)?).and_then(expr_of)
            }
            _ => None,
        },
        Expr::Identifier(name) => select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if fold(alias) == fold(name) => Some(expr),
            _ => None,
        }),
        _ => None,
    }
}

/// Leaves casts, parentheses and the relations of columns out.
struct Bare;

impl VisitorMut for Bare {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let inner = match expr {
            Expr::Cast { expr: inner, .. } | Expr::Nested(inner) => std::mem::replace(inner.as_mut(), none()),
            Expr::CompoundIdentifier(parts) => match parts.pop() {
                Some(last) => Expr::Identifier(last),
                None => none(),
            },
            _ => return ControlFlow::Continue(()),
        };
        *expr = inner;
        ControlFlow::Continue(())
    }
}

fn none() -> Expr {
    Expr::Identifier(Ident::new(""))
}

/// Puts casts into calls. Queries within are told apart by themselves.
struct Casts {
    depth: usize,
}

impl VisitorMut for Casts {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Cast { expr: inner, data_type, kind, .. } = &*expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || matches!(inner.as_ref(), Expr::Value(_)) {
            return ControlFlow::Continue(());
        }
        let label = format!("{kind:?} {data_type}");
        let cast = std::mem::replace(expr, none());
        *expr = typed(cast, label);
        ControlFlow::Continue(())
    }
}

fn typed(cast: Expr, label: String) -> Expr {
    own_call(TYPED, vec![cast, Expr::Value(Value::SingleQuotedString(label).into())])
}

/// The function around a cast, which yields what it is given. The analyzer leaves none in a plan.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Typed {
    signature: Signature,
}

impl Typed {
    pub(crate) fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Typed {
    fn name(&self) -> &str {
        TYPED
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [value, _] = take_function_args(self.name(), types)?;
        Ok(value.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [value, _] = take_function_args(self.name(), args.arg_fields)?;
        Ok(value.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, _] = take_function_args(self.name(), args.args)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::{Statement, parse_one};

    use super::*;

    fn told_apart(sql: &str) -> String {
        let Statement::Query(mut query) = parse_one(sql).unwrap().statement else { return String::new() };
        tell_casts_apart(&mut query);
        query.to_string()
    }

    fn check_same(sql: &str) {
        assert_eq!(told_apart(sql), sql);
    }

    #[test]
    fn casts_beside_what_they_cast_bear_their_type() {
        assert_eq!(
            told_apart("SELECT a, CAST(a AS DATE) FROM t GROUP BY a, CAST(t.a AS DATE) ORDER BY CAST(a AS DATE)"),
            "SELECT a, \"typed cast\"(CAST(a AS DATE), 'Cast DATE') FROM t GROUP BY a, \
             \"typed cast\"(CAST(t.a AS DATE), 'Cast DATE') ORDER BY \"typed cast\"(CAST(a AS DATE), 'Cast DATE')"
        );
        assert_eq!(
            told_apart("SELECT a, CAST(a AS DATE) AS d FROM t GROUP BY 1, 2"),
            "SELECT a, \"typed cast\"(CAST(a AS DATE), 'Cast DATE') AS d FROM t GROUP BY 1, 2"
        );
        assert_eq!(
            told_apart("SELECT sum(a), sum(CAST(a AS DOUBLE)) FROM t"),
            "SELECT sum(a), sum(\"typed cast\"(CAST(a AS DOUBLE), 'Cast DOUBLE')) FROM t"
        );
    }

    #[test]
    fn other_queries_stay_as_they_are() {
        check_same("SELECT CAST(a AS DATE), count(*) FROM t GROUP BY CAST(a AS DATE)");
        check_same("SELECT a, CAST(a AS DATE) FROM t");
        check_same("SELECT a, CAST(b AS DATE), count(*) FROM t GROUP BY a, CAST(b AS DATE)");
    }
}
