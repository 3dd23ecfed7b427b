//! Numbers of more digits than a DOUBLE holds, as they are written.
//!
//! The planner reads every number with a point as a DOUBLE. A long one that stands beside something becomes a call
//! before, with its text: so it can still become a decimal. One that stands alone, as in VALUES, is left as it is; a
//! default that is one is the decimal that it spells.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::decimal::decimal;
use crate::own_call::own_call;

/// What the function is called. No text of a statement spells it.
const NAME: &str = "number as written";

/// The digits that every DOUBLE keeps.
const DIGITS: usize = 15;

/// Keeps the text of long numbers that stand beside something.
pub(crate) fn keep_digits<N: VisitMut>(node: &mut N) {
    let ControlFlow::<()>::Continue(()) = VisitMut::visit(node, &mut KeepDigits) else { return };
}

struct KeepDigits;

impl VisitorMut for KeepDigits {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<Self::Break> {
        match expr {
            ast::Expr::BinaryOp { left, right, .. }
            | ast::Expr::IsDistinctFrom(left, right)
            | ast::Expr::IsNotDistinctFrom(left, right) => {
                keep(left);
                keep(right);
            }
            ast::Expr::Between { expr, low, high, .. } => {
                keep(expr);
                keep(low);
                keep(high);
            }
            ast::Expr::InList { expr, list, .. } => {
                keep(expr);
                list.iter_mut().for_each(keep);
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                operand.iter_mut().for_each(|operand| keep(operand));
                for when in conditions {
                    keep(&mut when.condition);
                    keep(&mut when.result);
                }
                else_result.iter_mut().for_each(|result| keep(result));
            }
            ast::Expr::Cast { expr, .. } => keep(expr),
            ast::Expr::Function(ast::Function { args: FunctionArguments::List(list), .. }) => {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                        keep(argument);
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn keep(expr: &mut ast::Expr) {
    match expr {
        ast::Expr::Nested(inner)
        | ast::Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: inner } => keep(inner),
        ast::Expr::Value(value) => {
            if let Value::Number(text, _) = &value.value
                && is_long(text)
            {
                *expr = call(text.clone());
            }
        }
        _ => {}
    }
}

/// Whether a number is a DOUBLE, and has more digits than one keeps.
fn is_long(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
    digits > DIGITS && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

fn call(text: String) -> ast::Expr {
    own_call(NAME, vec![ast::Expr::Value(Value::SingleQuotedString(text).with_empty_span())])
}

/// The decimal that a number spells which stands alone where decimals are kept.
pub(crate) fn spelled(expr: &ast::Expr, data_type: &DataType) -> Option<ScalarValue> {
    match data_type.is_decimal() {
        true => decimal(&number_text(expr)?),
        false => None,
    }
}

fn number_text(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Nested(inner) | ast::Expr::UnaryOp { op: UnaryOperator::Plus, expr: inner } => number_text(inner),
        ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            let text = number_text(inner)?;
            Some(text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned))
        }
        ast::Expr::Value(value) => match &value.value {
            Value::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a number that kept it.
pub(super) fn text_of(node: &Expr) -> Option<&str> {
    match node {
        Expr::ScalarFunction(function) if function.func.name() == NAME => match function.args.first() {
            Some(Expr::Literal(text, _)) => text.try_as_str().flatten(),
            _ => None,
        },
        _ => None,
    }
}

/// A number that kept its text, as the double that it spells.
pub(super) fn as_double(node: &Expr) -> Option<Expr> {
    let number: f64 = text_of(node)?.parse().ok()?;
    Some(Expr::Literal(ScalarValue::Float64(Some(number)), None))
}

/// What stands for such a number while a statement is planned. There it becomes a constant, but in recursive queries.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AsWritten {
    signature: Signature,
}

impl AsWritten {
    pub(crate) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AsWritten {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = match args.args.first() {
            Some(ColumnarValue::Scalar(text)) => text.try_as_str().flatten(),
            _ => None,
        };
        match text.and_then(|text| text.parse::<f64>().ok()) {
            Some(number) => Ok(ColumnarValue::Scalar(ScalarValue::Float64(Some(number)))),
            None => exec_err!("`{NAME}` takes the text of a number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn check(text: &str, expected: &str) {
        let mut found = Parser::new(&GenericDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap();
        keep_digits(&mut found);
        assert_eq!(found.to_string(), expected);
    }

    #[test]
    fn long_numbers_beside_something_keep_their_text() {
        check("d + 12345678901234.567", "d + \"number as written\"('12345678901234.567')");
        check("d > -(0.1234567890123456)", "d > -(\"number as written\"('0.1234567890123456'))");
        check(
            "CAST(12345678901234567890123 AS DECIMAL(38, 0))",
            "CAST(\"number as written\"('12345678901234567890123') AS DECIMAL(38,0))",
        );
    }

    #[test]
    fn a_number_alone_spells_a_decimal_where_one_is_kept() {
        let parsed = |text: &str| Parser::new(&GenericDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap();
        let found = |text: &str, data_type: DataType| spelled(&parsed(text), &data_type);
        let wide = DataType::Decimal128(38, 10);
        let expected = ScalarValue::Decimal128(Some(-12_345_678_901_234_567_891), 20, 2);
        assert_eq!(found("-(123456789012345678.91)", wide.clone()), Some(expected));
        assert_eq!(found("-(-0.5)", wide.clone()), Some(ScalarValue::Decimal128(Some(5), 1, 1)));
        assert_eq!(found("0.5 + 1", wide), None);
        assert_eq!(found("0.5", DataType::Float64), None);
    }

    #[test]
    fn others_stay_as_they_are() {
        for text in ["d + 1234567890123.45", "0.1234567890123456", "-0.1234567890123456", "i + 9223372036854775807"] {
            check(text, text);
        }
        check("d + 0.000000000000000001", "d + 0.000000000000000001");
    }
}
