//! Pieces of the syntax tree that queries of a target are put together from.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{CaseWhen, Expr, Ident, SelectItem, TableFactor, TableWithJoins, Value};

use super::target::Target;
use crate::target::{POSITION, ROW_ID, SEGMENT};

/// A name that stands as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// A column that no other relation has.
pub(super) fn own_column(name: &str) -> Expr {
    Expr::Identifier(quoted(name))
}

/// A column of a relation.
pub(super) fn column_of(relation: &[Ident], name: &str) -> Expr {
    let mut parts: Vec<Ident> = relation.to_vec();
    parts.push(quoted(name));
    Expr::CompoundIdentifier(parts)
}

/// An item of SELECT.
pub(super) fn item(expr: Expr, alias: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: quoted(alias) }
}

/// Where a row of the target is: its segment and its position.
pub(super) fn place(target: &Target) -> Vec<SelectItem> {
    vec![item(target.own(SEGMENT), SEGMENT), item(target.own(POSITION), POSITION)]
}

/// Where a row of the target is, and its id.
pub(super) fn place_and_id(target: &Target) -> Vec<SelectItem> {
    let mut items = place(target);
    items.push(item(target.own(ROW_ID), ROW_ID));
    items
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.with_empty_span())
}

pub(super) fn number(number: usize) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).with_empty_span())
}

/// `CASE [operand] WHEN … THEN … END`, or NULL without any WHEN.
pub(super) fn case(operand: Option<Expr>, whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    if whens.is_empty() {
        return otherwise.unwrap_or_else(null);
    }
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: operand.map(Box::new),
        conditions: whens.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: otherwise.map(Box::new),
    }
}

/// A relation of FROM without joins.
pub(super) fn alone(relation: TableFactor) -> TableWithJoins {
    TableWithJoins { relation, joins: Vec::new() }
}
