//! Numbers with a point or an exponent: a DOUBLE each, and beside a DECIMAL the decimal that they spell.
//!
//! The planner makes each of them a DOUBLE, and what stands beside it too, so that `d + 0.01` would lose the digits of
//! a `d` of more than 15. Here such a number becomes a decimal where a DECIMAL stands beside it:
//!
//! * in `+` `-` `*` `%` and comparisons, BETWEEN and IN;
//! * among the parts of a UNION;
//! * among the results of CASE, and what it compares; in `coalesce`, `nullif`, `greatest`, `least`, `nvl`, `nvl2` and
//!   lists in brackets;
//! * in a cast to DECIMAL.
//!
//! So does a sum, a difference or a product that is a DOUBLE for no other reason than such a number, as `1 - 0.05` or
//! `0.05 * quantity` are. A quotient is a DOUBLE if one of its sides has such a number in it: `1.0 / 3` has no end of
//! digits, and a decimal has four more than its dividend.
//!
//! A DECIMAL beside what is a DOUBLE in truth becomes one too, where the planner would make both decimals of 15 digits
//! behind the point: in comparisons, and where results are of one type, UNION among them.
//!
//! It is done while a query is planned, before parameters have values: a DOUBLE that is given for one stays so.

mod decimal;
mod union;
mod written;

pub(crate) use written::{AsWritten, keep_digits, spelled};

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion, TreeNodeRewriter};
use datafusion::common::{DFSchema, ExprSchema, Result};
use datafusion::logical_expr::expr::{InList, InSubquery, ScalarFunction, SetComparison};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, cast,
};
use datafusion::scalar::ScalarValue;

use super::day;
use decimal::{Digits, decimal};
use union::rewrite_union;
use written::{as_double, text_of};

/// The same plan, whose numbers beside decimals are decimals.
pub(crate) fn exact_numbers(plan: LogicalPlan) -> Result<LogicalPlan> {
    let exact = plan.rewrite_with_subqueries(&mut ExactNumbers { outside: Outside::Unknown })?.data;
    if !looks_outside(&exact)? {
        return Ok(exact);
    }
    let told = exact.transform_up_with_subqueries(tell_subqueries)?.data;
    Ok(told.rewrite_with_subqueries(&mut ExactNumbers { outside: Outside::Known })?.data)
}

/// Whether it is known what the columns are of the row outside of a subquery: one that was a DOUBLE may have become a
/// decimal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Unknown,
    Known,
}

/// What an expression stands among.
struct Scope<'a> {
    schema: &'a DFSchema,
    outside: Outside,
}

impl Scope<'_> {
    /// How many digits a decimal has.
    fn digits_of(&self, expr: &Expr) -> Option<Digits> {
        Digits::of(&expr.get_type(self.schema).ok()?)
    }

    fn is_floating(&self, expr: &Expr) -> bool {
        match expr {
            Expr::OuterReferenceColumn(..) if self.outside == Outside::Unknown => false,
            expr => expr.get_type(self.schema).is_ok_and(|found| found.is_floating()),
        }
    }

    fn is_integer(&self, expr: &Expr) -> bool {
        expr.get_type(self.schema).is_ok_and(|found| found.is_integer())
    }
}

struct ExactNumbers {
    outside: Outside,
}

impl TreeNodeRewriter for ExactNumbers {
    type Node = LogicalPlan;

    fn f_down(&mut self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        // What a recursive query reads of itself has the types that it was planned with.
        let recursion = match plan {
            LogicalPlan::RecursiveQuery(_) => TreeNodeRecursion::Jump,
            _ => TreeNodeRecursion::Continue,
        };
        Ok(Transformed::new(plan, false, recursion))
    }

    fn f_up(&mut self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match plan {
            recursive @ LogicalPlan::RecursiveQuery(_) => Ok(Transformed::no(recursive)),
            LogicalPlan::Union(union) => rewrite_union(union),
            // What it reads may have other types than when it was planned.
            other => rewrite_plan(other.recompute_schema()?, self.outside),
        }
    }
}

fn rewrite_plan(plan: LogicalPlan, outside: Outside) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    let scope = Scope { schema: &schema, outside };
    let names = NamePreserver::new(&plan);
    let exact = plan.map_expressions(|expr| {
        if matches!(expr, Expr::Literal(..) | Expr::Column(_)) {
            return Ok(Transformed::no(expr));
        }
        let name = names.save(&expr);
        Ok(rewrite_in_scope(expr, &scope)?.update_data(|expr| name.restore(expr)))
    })?;
    let exact = exact.transform_data(|plan| Ok(rewrite_keys(plan, &scope)))?;
    match exact.transformed {
        true => exact.map_data(|plan| plan.recompute_schema()),
        false => Ok(exact),
    }
}

/// Each key of a join is compared with another.
fn rewrite_keys(plan: LogicalPlan, scope: &Scope) -> Transformed<LogicalPlan> {
    let LogicalPlan::Join(mut join) = plan else { return Transformed::no(plan) };
    let mut changed = false;
    for (left, right) in &mut join.on {
        changed |= alike(&mut [left, right], scope);
    }
    Transformed::new(LogicalPlan::Join(join), changed, TreeNodeRecursion::Continue)
}

fn looks_outside(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found = found || expr.exists(|node| Ok(matches!(node, Expr::OuterReferenceColumn(..))))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Tells what looks at the row outside of the types that the row has now.
fn tell_subqueries(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let outside = merge_schema(&plan.inputs());
    let told = plan.map_subqueries(|subquery| {
        subquery.transform_up_with_subqueries(|inner| {
            let inner = inner.map_expressions(|expr| expr.transform_up(|node| Ok(tell_type(node, &outside))))?;
            inner.map_data(|inner| inner.recompute_schema())
        })
    })?;
    told.map_data(|plan| plan.recompute_schema())
}

fn tell_type(node: Expr, outside: &DFSchema) -> Transformed<Expr> {
    match node {
        Expr::OuterReferenceColumn(field, column) => match outside.field_from_column(&column) {
            Ok(found) if found.data_type() != field.data_type() && found.data_type().is_decimal() => {
                let field = field.as_ref().clone().with_data_type(found.data_type().clone());
                Transformed::yes(Expr::OuterReferenceColumn(Arc::new(field), column))
            }
            _ => Transformed::no(Expr::OuterReferenceColumn(field, column)),
        },
        other => Transformed::no(other),
    }
}

/// An expression over these columns, whose types are not coerced, with exact numbers.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    rewrite_in_scope(expr, &Scope { schema, outside: Outside::Known })
}

fn rewrite_in_scope(expr: Expr, scope: &Scope) -> Result<Transformed<Expr>> {
    let exact = expr.transform_up(|node| rewrite_node(node, scope))?;
    // What became no decimal is the double that it spells.
    exact.transform_data(|expr| {
        expr.transform_up(|node| match as_double(&node) {
            Some(double) => Ok(Transformed::yes(double)),
            None => Ok(Transformed::no(node)),
        })
    })
}

fn rewrite_node(mut node: Expr, scope: &Scope) -> Result<Transformed<Expr>> {
    let changed = match &mut node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
            alike(&mut [left.as_mut(), right.as_mut()], scope)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if keeps_digits(*op) => {
            among(&mut [left.as_mut(), right.as_mut()], Room::of(*op), scope)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }) => rewrite_quotient(left, right, scope),
        Expr::Between(Between { expr, low, high, .. }) => {
            alike(&mut [expr.as_mut(), low.as_mut(), high.as_mut()], scope)
        }
        Expr::InList(InList { expr, list, .. }) => {
            let mut all: Vec<&mut Expr> = vec![expr.as_mut()];
            all.extend(list.iter_mut());
            alike(&mut all, scope)
        }
        Expr::InSubquery(InSubquery { expr, subquery, .. })
        | Expr::SetComparison(SetComparison { expr, subquery, .. }) => rewrite_in(expr, subquery, scope)?,
        Expr::Case(case) => rewrite_case(case, scope),
        Expr::ScalarFunction(function) => rewrite_function(function, scope),
        Expr::Cast(cast) if cast.field.data_type().is_decimal() => make_exact(&mut cast.expr, scope),
        Expr::TryCast(cast) if cast.field.data_type().is_decimal() => make_exact(&mut cast.expr, scope),
        _ => false,
    };
    Ok(if changed { Transformed::yes(node) } else { Transformed::no(node) })
}

fn rewrite_quotient(left: &mut Expr, right: &mut Expr, scope: &Scope) -> bool {
    if !has_decimal_number(left) && !has_decimal_number(right) {
        return false;
    }
    for side in [left, right] {
        if scope.digits_of(side).is_some() {
            *side = cast(side.clone(), DataType::Float64);
        }
    }
    true
}

/// Whether a number became a decimal in what is computed here.
fn has_decimal_number(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Decimal128(..), _) => true,
        Expr::Negative(inner) => has_decimal_number(inner),
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => has_decimal_number(left) || has_decimal_number(right),
        _ => false,
    }
}

/// What is compared with the values of a subquery.
fn rewrite_in(expr: &mut Expr, subquery: &mut Subquery, scope: &Scope) -> Result<bool> {
    let Some(field) = subquery.subquery.schema().fields().first() else { return Ok(false) };
    let (name, found) = (field.name().clone(), field.data_type().clone());
    if found.is_floating() && scope.digits_of(expr).is_some() {
        *expr = cast(expr.clone(), DataType::Float64);
        return Ok(true);
    }
    let Some(digits) = Digits::of(&found) else { return Ok(false) };
    if let Some(exact) = exact(expr, scope)
        && scope.digits_of(&exact).is_some_and(|own| own.fits(digits))
    {
        *expr = exact;
        return Ok(true);
    }
    if !scope.is_floating(expr) {
        return Ok(false);
    }
    let values = subquery.subquery.schema().columns().into_iter().take(1);
    let doubles: Vec<Expr> =
        values.map(|value| cast(Expr::Column(value), DataType::Float64).alias(name.as_str())).collect();
    let plan = LogicalPlanBuilder::from(Arc::clone(&subquery.subquery)).project(doubles)?.build()?;
    subquery.subquery = Arc::new(plan);
    Ok(true)
}

fn rewrite_case(case: &mut Case, scope: &Scope) -> bool {
    let Case { expr, when_then_expr, else_expr } = case;
    let (mut compared, mut results): (Vec<&mut Expr>, Vec<&mut Expr>) = (Vec::new(), Vec::new());
    let has_operand = expr.is_some();
    compared.extend(expr.as_deref_mut());
    for (when, then) in when_then_expr {
        if has_operand {
            compared.push(when);
        }
        results.push(then);
    }
    results.extend(else_expr.as_deref_mut());
    let is_compared_changed = alike(&mut compared, scope);
    alike(&mut results, scope) || is_compared_changed
}

/// The functions whose arguments have one type.
fn rewrite_function(function: &mut ScalarFunction, scope: &Scope) -> bool {
    let first = match function.func.name() {
        "coalesce" | "nullif" | "greatest" | "least" | "nvl" | "ifnull" | "make_array" => 0,
        "nvl2" => 1,
        _ => return false,
    };
    let mut args: Vec<&mut Expr> = function.args.iter_mut().skip(first).collect();
    alike(&mut args, scope)
}

fn compares(op: Operator) -> bool {
    op.supports_propagation() || matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}

/// Operators whose result is exact if both sides are.
fn keeps_digits(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Modulo)
}

/// What is compared, or is one of the results of something, becomes of one type.
fn alike(all: &mut [&mut Expr], scope: &Scope) -> bool {
    among(all, Room::Same, scope) || day::as_timestamps(all, scope.schema)
}

/// How many digits the type of a result has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// As many before the point as the one with the most has, and as many behind it.
    Same,
    /// As the planner decides.
    Own,
}

impl Room {
    fn of(op: Operator) -> Self {
        if op == Operator::Multiply { Self::Own } else { Self::Same }
    }
}

/// Makes numbers exact if something among these is a decimal. One that has no room beside the decimals stays a double.
fn among(all: &mut [&mut Expr], room: Room, scope: &Scope) -> bool {
    let decimals: Vec<Digits> = all.iter().filter_map(|expr| scope.digits_of(expr)).collect();
    if decimals.is_empty() {
        return false;
    }
    let mut changed = false;
    for expr in all.iter_mut() {
        let Some(exact) = exact(expr, scope) else { continue };
        let has_room = scope.digits_of(&exact).is_some_and(|own| decimals.iter().all(|other| own.fits(*other)));
        if has_room || room == Room::Own {
            **expr = exact;
            changed = true;
        }
    }
    (room == Room::Same && as_doubles(all, scope)) || changed
}

/// Makes the decimals doubles if something among these is one.
fn as_doubles(all: &mut [&mut Expr], scope: &Scope) -> bool {
    if !all.iter().any(|expr| scope.is_floating(expr)) {
        return false;
    }
    for expr in all {
        if scope.digits_of(expr).is_some() {
            **expr = cast(expr.clone(), DataType::Float64);
        }
    }
    true
}

fn make_exact(expr: &mut Expr, scope: &Scope) -> bool {
    match exact(expr, scope) {
        Some(exact) => {
            *expr = exact;
            true
        }
        None => false,
    }
}

/// A number, or what is a DOUBLE for no other reason than a number in it, as a decimal.
fn exact(expr: &Expr, scope: &Scope) -> Option<Expr> {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(number)), _) => decimal(&format!("{number:e}")).map(literal),
        Expr::ScalarFunction(_) => decimal(text_of(expr)?).map(literal),
        Expr::Negative(inner) => exact(inner, scope).map(|inner| Expr::Negative(Box::new(inner))),
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Modulo) =>
        {
            let (exact_left, exact_right) = (exact(left, scope), exact(right, scope));
            if exact_left.is_none() && exact_right.is_none() {
                return None;
            }
            let left = exact_left.or_else(|| integer(left, scope))?;
            let right = exact_right.or_else(|| integer(right, scope))?;
            Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), *op, Box::new(right))))
        }
        _ => None,
    }
}

fn literal(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}

fn integer(expr: &Expr, scope: &Scope) -> Option<Expr> {
    scope.is_integer(expr).then(|| expr.clone())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn schema() -> DFSchema {
        DFSchema::try_from(Schema::new(vec![
            Field::new("d", DataType::Decimal128(20, 2), true),
            Field::new("x", DataType::Float64, true),
            Field::new("i", DataType::Int64, true),
        ]))
        .unwrap()
    }

    fn check(expr: Expr, expected: &str) {
        assert_eq!(rewrite(expr, &schema()).unwrap().data.to_string(), expected);
    }

    #[test]
    fn beside_a_decimal_a_number_is_a_decimal() {
        check(col("d") + lit(0.01), "d + Decimal128(0.01,2,2)");
        check(lit(-1.5) * col("d"), "Decimal128(-1.5,2,1) * d");
        check(col("d").gt(lit(0.1)), "d > Decimal128(0.1,1,1)");
        check(col("d").between(lit(0.05), lit(7_i64)), "d BETWEEN Decimal128(0.05,2,2) AND Int64(7)");
        check(col("d").in_list(vec![lit(0.5), lit(1_i64)], false), "d IN ([Decimal128(0.5,1,1), Int64(1)])");
    }

    #[test]
    fn beside_anything_else_it_is_a_double() {
        check(col("x") + lit(0.01), "x + Float64(0.01)");
        check(col("i") * lit(1.5), "i * Float64(1.5)");
        check(col("d") / lit(1.5), "d / Float64(1.5)");
        check(lit(0.1) + lit(0.2), "Float64(0.1) + Float64(0.2)");
        check(lit(100.5) * col("d") / col("d"), "CAST(Decimal128(100.5,4,1) * d AS Float64) / CAST(d AS Float64)");
        check(col("d") / lit(3_i64), "d / Int64(3)");
    }

    #[test]
    fn so_is_what_is_a_double_for_a_number_in_it() {
        check(col("d") * (lit(1_i64) - lit(0.05)), "d * (Int64(1) - Decimal128(0.05,2,2))");
        check(lit(0.05) * col("i") * col("d"), "Decimal128(0.05,2,2) * i * d");
        check(col("d") * (col("x") - lit(0.05)), "d * (x - Float64(0.05))");
    }

    #[test]
    fn a_number_that_has_no_room_beside_the_decimal_stays_a_double() {
        check(col("d").lt(lit(1e40)), "CAST(d AS Float64) < Float64(10000000000000000000000000000000000000000)");
        check(col("d").lt(lit(1e37)), "CAST(d AS Float64) < Float64(10000000000000000000000000000000000000)");
        check(
            col("d").in_list(vec![lit(1e-40)], false),
            "CAST(d AS Float64) IN ([Float64(0.0000000000000000000000000000000000000001)])",
        );
    }

    #[test]
    fn beside_a_double_a_decimal_is_compared_as_one() {
        check(col("d").gt(col("x")), "CAST(d AS Float64) > x");
        check(col("d").gt(col("x") + lit(0.5)), "CAST(d AS Float64) > x + Float64(0.5)");
    }

    #[test]
    fn beside_a_double_the_decimals_of_a_subquery_are_doubles() {
        let cents = DataType::Decimal128(10, 2);
        let compared = |expr: Expr| {
            let values = LogicalPlanBuilder::values(vec![vec![cast(lit(1_i64), cents.clone())]]).unwrap();
            let subquery = Subquery {
                subquery: Arc::new(values.build().unwrap()),
                outer_ref_columns: Vec::new(),
                spans: Default::default(),
            };
            let whole = Expr::InSubquery(InSubquery::new(Box::new(expr), subquery, false));
            let Expr::InSubquery(found) = rewrite(whole, &schema()).unwrap().data else { unreachable!("it stays one") };
            (found.expr.to_string(), found.subquery.subquery.schema().field(0).data_type().clone())
        };
        assert_eq!(compared(col("x")), ("x".to_owned(), DataType::Float64));
        assert_eq!(compared(lit(0.5)), ("Decimal128(0.5,1,1)".to_owned(), cents.clone()));
    }

    #[test]
    fn what_is_cast_to_a_decimal_keeps_its_digits() {
        let cents = DataType::Decimal128(10, 2);
        check(cast(lit(1.005), cents.clone()), "CAST(Decimal128(1.005,4,3) AS Decimal128(10, 2))");
        check(
            cast(cast(lit(1.005), DataType::Float64), cents),
            "CAST(CAST(Float64(1.005) AS Float64) AS Decimal128(10, 2))",
        );
    }

    #[test]
    fn the_results_of_case_are_of_one_type() {
        let case = datafusion::logical_expr::when(col("x").gt(lit(0.5)), col("d")).otherwise(lit(0.25)).unwrap();
        check(case, "CASE WHEN x > Float64(0.5) THEN d ELSE Decimal128(0.25,2,2) END");
    }
}
