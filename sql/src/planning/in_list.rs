//! Two lists for one value: where both stand beside each other, NULL stays NULL.
//!
//! The planner makes one list of `a IN (1, 2) AND a IN (3, 4)`, or nothing: it takes the whole for false, also where
//! `a` is NULL, and `a NOT IN (1, 2) OR a NOT IN (3, 4)` for true. Where that makes a difference, the value beside one
//! of the lists is hidden from the planner.
//!
//! * In the conditions of a filter or join that stand beside each other, NULL is as good as false: there nothing is
//!   hidden.
//! * Lists that only add to each other are left: `a IN (1) OR a IN (2)`, `a NOT IN (1) AND a NOT IN (2)`.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::cast::hidden;

/// The condition of a filter or join.
pub(super) fn rewrite_filter(condition: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if condition.exists(|node| Ok(may_exclude_null(node, schema)))? {
        return rewrite(condition, schema);
    }
    let mut changed = false;
    let mut parts: Vec<Expr> = Vec::new();
    for part in split_conjunction_owned(condition.clone()) {
        let part = rewrite(part, schema)?;
        changed |= part.transformed;
        parts.push(part.data);
    }
    match conjunction(parts) {
        Some(parts) if changed => Ok(Transformed::yes(parts)),
        _ => Ok(Transformed::no(condition)),
    }
}

/// Any other expression.
pub(super) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_down(|node| {
        if !is_logic(&node) {
            return Ok(Transformed::no(node));
        }
        let mut clashes = Found::of(&node, Sense::Plain).clashes;
        clashes.retain(|value| value.nullable(schema).unwrap_or(true));
        let mut hiding = Hiding { values: clashes, seen: Vec::new(), schema };
        // It goes through everything in it.
        Ok(Transformed { tnr: TreeNodeRecursion::Jump, ..hiding.rewrite(node)? })
    })
}

fn is_logic(expr: &Expr) -> bool {
    matches!(expr, Expr::Not(_) | Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }))
}

/// Whether it is a list that may have a NULL in it: NOT IN of such a list is true of nothing.
fn may_exclude_null(node: &Expr, schema: &DFSchema) -> bool {
    let may_be_null = |value: &Expr| value.nullable(schema).unwrap_or(true);
    matches!(node, Expr::InList(InList { list, .. }) if list.iter().any(may_be_null))
}

/// Whether a condition is under NOT.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Plain,
    Negated,
}

impl Sense {
    fn turned(self) -> Self {
        match self {
            Self::Plain => Self::Negated,
            Self::Negated => Self::Plain,
        }
    }
}

/// The values that are looked for in a list, or compared with a constant.
#[derive(Default)]
struct Found {
    /// Those that are to be there.
    positive: Vec<Expr>,
    /// Those that are not.
    negative: Vec<Expr>,
    /// Those whose lists the planner would merge wrongly.
    clashes: Vec<Expr>,
}

impl Found {
    fn of(expr: &Expr, sense: Sense) -> Self {
        let mut found = Self::default();
        match expr {
            Expr::Not(inner) => return Self::of(inner, sense.turned()),
            Expr::InList(InList { expr: value, negated, .. }) => {
                found.add(value, if *negated { sense.turned() } else { sense });
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
                (value @ Expr::Column(_), Expr::Literal(..)) | (Expr::Literal(..), value @ Expr::Column(_)) => {
                    found.add(value, sense);
                }
                _ => {}
            },
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                let is_and = (*op == Operator::And) == (sense == Sense::Plain);
                for operand in operands(expr, *op) {
                    found.join(Self::of(operand, sense), is_and);
                }
            }
            _ => {}
        }
        found
    }

    fn add(&mut self, value: &Expr, sense: Sense) {
        match sense {
            Sense::Plain => insert(&mut self.positive, value.clone()),
            Sense::Negated => insert(&mut self.negative, value.clone()),
        }
    }

    /// Takes what was found in another operand of the same AND or OR.
    fn join(&mut self, other: Self, is_and: bool) {
        let both = |one: &[Expr], other: &[Expr]| -> Vec<Expr> {
            one.iter().filter(|value| other.contains(value)).cloned().collect()
        };
        let mut clashes = other.clashes;
        if is_and {
            clashes.extend(both(&self.positive, &other.positive));
            clashes.extend(both(&self.positive, &other.negative));
            clashes.extend(both(&self.negative, &other.positive));
        } else {
            clashes.extend(both(&self.negative, &other.negative));
        }
        clashes.into_iter().for_each(|value| insert(&mut self.clashes, value));
        other.positive.into_iter().for_each(|value| insert(&mut self.positive, value));
        other.negative.into_iter().for_each(|value| insert(&mut self.negative, value));
    }
}

fn insert(values: &mut Vec<Expr>, value: Expr) {
    if !values.contains(&value) {
        values.push(value);
    }
}

/// What a chain of one operator stands between, in order. Chains may be long, and are read without recursion.
fn operands(expr: &Expr, op: Operator) -> Vec<&Expr> {
    let (mut found, mut waiting): (Vec<&Expr>, Vec<&Expr>) = (Vec::new(), vec![expr]);
    while let Some(next) = waiting.pop() {
        match next {
            Expr::BinaryExpr(BinaryExpr { left, op: own, right }) if *own == op => {
                waiting.push(right);
                waiting.push(left);
            }
            other => found.push(other),
        }
    }
    found
}

/// Hides values beside every list but the first.
struct Hiding<'a> {
    values: Vec<Expr>,
    seen: Vec<Expr>,
    schema: &'a DFSchema,
}

impl Hiding<'_> {
    fn rewrite(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Not(inner) => Ok(self.rewrite(*inner)?.update_data(|inner| Expr::Not(Box::new(inner)))),
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                let mut changed = false;
                let mut whole: Option<Expr> = None;
                let parts: Vec<Expr> = operands(&expr, op).into_iter().cloned().collect();
                for part in parts {
                    let part = self.rewrite(part)?;
                    changed |= part.transformed;
                    whole = Some(match whole {
                        None => part.data,
                        Some(before) => Expr::BinaryExpr(BinaryExpr::new(Box::new(before), op, Box::new(part.data))),
                    });
                }
                match whole {
                    Some(whole) if changed => Ok(Transformed::yes(whole)),
                    _ => Ok(Transformed::no(expr)),
                }
            }
            Expr::InList(InList { expr: value, list, negated }) if self.values.contains(&value) => {
                let value = self.value(*value)?;
                Ok(value.update_data(|value| Expr::InList(InList { expr: Box::new(value), list, negated })))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                if self.values.contains(&left) || self.values.contains(&right) =>
            {
                let left = if self.values.contains(&left) { self.value(*left)? } else { Transformed::no(*left) };
                let right = if self.values.contains(&right) { self.value(*right)? } else { Transformed::no(*right) };
                let changed = left.transformed || right.transformed;
                let compared = BinaryExpr::new(Box::new(left.data), Operator::Eq, Box::new(right.data));
                let compared = Expr::BinaryExpr(compared);
                Ok(if changed { Transformed::yes(compared) } else { Transformed::no(compared) })
            }
            other => other.map_children(|child| rewrite(child, self.schema)),
        }
    }

    fn value(&mut self, value: Expr) -> Result<Transformed<Expr>> {
        if !self.seen.contains(&value) {
            self.seen.push(value.clone());
            return Ok(Transformed::no(value));
        }
        let data_type = value.get_type(self.schema)?;
        Ok(Transformed::yes(hidden(value, data_type)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{col, lit, not};

    use super::*;

    fn check(condition: Expr, is_hidden: bool) {
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("k", DataType::Int64, false)];
        let schema = DFSchema::try_from(Schema::new(fields)).unwrap();
        let told = condition.to_string();
        assert_eq!(rewrite(condition, &schema).unwrap().transformed, is_hidden, "{told}");
    }

    fn among(name: &str, list: &[i64]) -> Expr {
        col(name).in_list(list.iter().map(|value| lit(*value)).collect(), false)
    }

    #[test]
    fn lists_that_take_from_each_other_are_kept_apart() {
        check(among("a", &[1, 2]).and(among("a", &[3, 4])), true);
        check(among("a", &[1, 2]).and(not(among("a", &[1, 2]))), true);
        check(not(among("a", &[1])).or(not(among("a", &[2]))), true);
        check(not(among("a", &[1]).and(among("a", &[2]))), true);
        check(col("a").eq(lit(1_i64)).or(col("a").eq(lit(2_i64))).and(among("a", &[3])), true);
    }

    #[test]
    fn lists_that_add_to_each_other_are_left() {
        check(among("a", &[1]).or(among("a", &[2])), false);
        check(not(among("a", &[1])).and(not(among("a", &[2]))), false);
        check(not(among("a", &[1]).or(among("a", &[2]))), false);
        check(col("a").eq(lit(1_i64)).or(col("a").eq(lit(2_i64))), false);
    }

    #[test]
    fn a_value_that_is_never_null_loses_nothing() {
        check(among("k", &[1]).and(among("k", &[2])), false);
        check(among("a", &[1]).and(among("k", &[2])), false);
    }
}
