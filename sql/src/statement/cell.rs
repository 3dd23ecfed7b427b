//! One value in the VALUES of an INSERT, and the column it is for.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value};
use frostline_catalog::schema::Column;

use crate::column_default::default_ast;
use crate::error::Error;
use crate::fit::Fit;
use crate::own_call::own_call;

/// Makes a cell a value of its column.
///
/// * `DEFAULT` becomes the column's default, or NULL.
/// * A number for a DECIMAL keeps every digit that is written; the planner would make it a double first.
/// * Any other cell becomes a call of the function that makes values fit the column, unless it is plainly of its type:
///   most cells are, and each call costs time.
pub(super) fn fit_cell(cell: &mut Expr, column: &Column) -> Result<(), Error> {
    if is_default(cell) {
        *cell = default_ast(column)?;
    }
    if let DataType::Decimal128(..) = &column.data_type
        && let Some(digits) = fraction(cell)
    {
        *cell = literal(Value::SingleQuotedString(digits));
    }
    if !is_of_type(cell, &column.data_type) {
        let value = std::mem::replace(cell, literal(Value::Null));
        *cell = own_call(&Fit::function_name(column.name.as_str()), vec![value]);
    }
    Ok(())
}

/// Whether a cell is the word `DEFAULT`.
pub(super) fn is_default(cell: &Expr) -> bool {
    matches!(cell, Expr::Identifier(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default"))
}

fn literal(value: Value) -> Expr {
    Expr::Value(value.with_empty_span())
}

/// The number that a cell spells, with its sign.
fn number(cell: &Expr) -> Option<String> {
    let (sign, value) = match cell {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => ("-", expr.as_ref()),
        other => ("", other),
    };
    match value {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(format!("{sign}{digits}")),
            _ => None,
        },
        _ => None,
    }
}

/// The digits of a number that is no integer of 64 bits, where it is written without an exponent.
fn fraction(cell: &Expr) -> Option<String> {
    let digits = number(cell)?;
    let unsigned = digits.trim_start_matches('-');
    let is_plain = unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && unsigned.starts_with(|c: char| c.is_ascii_digit())
        && unsigned.ends_with(|c: char| c.is_ascii_digit());
    (is_plain && digits.parse::<i64>().is_err()).then_some(digits)
}

/// Whether the planner gives a cell the column's type by itself.
fn is_of_type(cell: &Expr, data_type: &DataType) -> bool {
    if let Some(digits) = number(cell) {
        return match data_type {
            DataType::Int64 => digits.parse::<i64>().is_ok(),
            DataType::Float64 => digits.contains('.') && digits.parse::<f64>().is_ok_and(f64::is_finite),
            _ => false,
        };
    }
    match cell {
        Expr::Value(value) => matches!(
            (&value.value, data_type),
            (Value::Null, _)
                | (Value::SingleQuotedString(_), DataType::Utf8View)
                | (Value::Boolean(_), DataType::Boolean)
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;
    use frostline_catalog::{FieldId, Name};

    use super::*;

    fn check(cell: &str, data_type: DataType, default: Option<&str>, expected: &str) {
        let column = Column {
            id: FieldId::FIRST,
            name: Name::try_new("c").unwrap(),
            data_type,
            nullable: true,
            default: default.map(str::to_owned),
            initial: None,
            comment: None,
        };
        let mut cell = Parser::new(&GenericDialect {}).try_with_sql(cell).unwrap().parse_expr().unwrap();
        fit_cell(&mut cell, &column).unwrap();
        assert_eq!(cell.to_string(), expected);
    }

    #[test]
    fn literals_of_the_columns_type_stay_as_they_are() {
        check("1", DataType::Int64, None, "1");
        check("-9223372036854775808", DataType::Int64, None, "-9223372036854775808");
        check("'a'", DataType::Utf8View, None, "'a'");
        check("1.5", DataType::Float64, None, "1.5");
        check("true", DataType::Boolean, None, "true");
        check("NULL", DataType::Date32, None, "NULL");
    }

    #[test]
    fn anything_else_is_made_to_fit() {
        check("1.5", DataType::Int64, None, "\"value of column c\"(1.5)");
        check("1", DataType::Float64, None, "\"value of column c\"(1)");
        check("9223372036854775808", DataType::Int64, None, "\"value of column c\"(9223372036854775808)");
        check("$1", DataType::Int64, None, "\"value of column c\"($1)");
    }

    #[test]
    fn decimals_keep_the_digits_that_are_written() {
        let decimal = DataType::Decimal128(38, 0);
        let digits = "-99999999999999999999999999999999999999";
        check(digits, decimal.clone(), None, &format!("\"value of column c\"('{digits}')"));
        check("1e3", decimal, None, "\"value of column c\"(1e3)");
    }

    #[test]
    fn default_is_the_columns_default_or_null() {
        check("DEFAULT", DataType::Int64, Some("21 * 2"), "\"value of column c\"(21 * 2)");
        check("default", DataType::Utf8View, Some("'new'"), "'new'");
        check("DEFAULT", DataType::Int64, None, "NULL");
        check("\"default\"", DataType::Int64, None, "\"value of column c\"(\"default\")");
    }
}
