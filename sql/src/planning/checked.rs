//! Arithmetic that fails where DataFusion's wraps around.
//!
//! `+`, `-` and `*` of integers, the negation of an integer, and what may yield a decimal of more than 38 digits, are
//! made functions that look at their results. They are functions rather than operators with a flag, since constants are
//! folded by whatever stands in the plan, and since an operator's flag is lost when a plan is sent elsewhere.
//!
//! Floats overflow to infinity, which is a value. Arrow itself checks dates, timestamps and durations, and the division
//! of integers.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, Decimal128Array};
use datafusion::arrow::compute::kernels::numeric::{add, div, mul, neg, sub};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use datafusion::scalar::ScalarValue;

use crate::type_name::sql_type;

/// The first number that has more digits than a decimal holds.
const DECIMAL_END: u128 = 10_u128.pow(DECIMAL128_MAX_PRECISION as u32);

/// From here on, the upper half of a decimal says that it may have more digits than a decimal holds.
const LONG_UPPER_HALF: i64 = 1 << 62;

/// The same expression, or the function that computes it and fails on overflow.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            match Operation::of(op).filter(|operation| operation.may_overflow(&left, &right, schema)) {
                Some(operation) => Transformed::yes(operation.call(vec![*left, *right])),
                None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::Negative(value) => match value.get_type(schema) {
            Ok(data_type) if data_type.is_signed_integer() => Transformed::yes(Operation::Negate.call(vec![*value])),
            _ => Transformed::no(Expr::Negative(value)),
        },
        other => Transformed::no(other),
    })
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
}

impl Operation {
    fn of(op: Operator) -> Option<Self> {
        match op {
            Operator::Plus => Some(Self::Add),
            Operator::Minus => Some(Self::Subtract),
            Operator::Multiply => Some(Self::Multiply),
            Operator::Divide => Some(Self::Divide),
            _ => None,
        }
    }

    fn operator(self) -> Operator {
        match self {
            Self::Add => Operator::Plus,
            Self::Subtract | Self::Negate => Operator::Minus,
            Self::Multiply => Operator::Multiply,
            Self::Divide => Operator::Divide,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Add => "checked_add",
            Self::Subtract => "checked_subtract",
            Self::Multiply => "checked_multiply",
            Self::Divide => "checked_divide",
            Self::Negate => "checked_negate",
        }
    }

    fn call(self, args: Vec<Expr>) -> Expr {
        let signature = Signature::any(args.len(), Volatility::Immutable);
        ScalarUDF::from(CheckedArithmetic { operation: self, signature }).call(args)
    }

    /// Whether there are operands whose result Arrow would wrap, or keep with too many digits.
    fn may_overflow(self, left: &Expr, right: &Expr, schema: &DFSchema) -> bool {
        let (Ok(left), Ok(right)) = (left.get_type(schema), right.get_type(schema)) else { return false };
        match (&left, &right) {
            (DataType::Decimal128(left_digits, left_scale), DataType::Decimal128(right_digits, right_scale)) => {
                let left = (i32::from(*left_digits), i32::from(*left_scale));
                let right = (i32::from(*right_digits), i32::from(*right_scale));
                self.digits(left, right) > i32::from(DECIMAL128_MAX_PRECISION)
            }
            (left, right) => left.is_integer() && right.is_integer() && self != Self::Divide,
        }
    }

    /// How many digits the result of two decimals may have, each given by its digits and those behind the point.
    fn digits(self, (left, left_scale): (i32, i32), (right, right_scale): (i32, i32)) -> i32 {
        match self {
            Self::Add | Self::Subtract => {
                left_scale.max(right_scale) + (left - left_scale).max(right - right_scale) + 1
            }
            Self::Multiply => left + right + 1,
            // Arrow gives the quotient four more digits behind the point than the dividend has.
            Self::Divide => {
                let scale = (left_scale + 4).min(i32::from(DECIMAL128_MAX_PRECISION));
                left - left_scale + right_scale + scale
            }
            Self::Negate => left,
        }
    }
}

/// An operation as a function of one or two values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedArithmetic {
    operation: Operation,
    signature: Signature,
}

impl CheckedArithmetic {
    fn compute(&self, args: &[ColumnarValue]) -> Result<ColumnarValue> {
        match (self.operation, args) {
            (Operation::Add, [left, right]) => apply(left, right, add),
            (Operation::Subtract, [left, right]) => apply(left, right, sub),
            (Operation::Multiply, [left, right]) => apply(left, right, mul),
            (Operation::Divide, [left, right]) => apply(left, right, div),
            (Operation::Negate, [ColumnarValue::Array(values)]) => Ok(ColumnarValue::Array(neg(values.as_ref())?)),
            (Operation::Negate, [ColumnarValue::Scalar(value)]) => {
                let negated = neg(value.to_array()?.as_ref())?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&negated, 0)?))
            }
            _ => Err(wrong_arity(self.operation)),
        }
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        self.operation.name()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => {
                Ok(format!("{} {} {}", left.schema_name(), self.operation.operator(), right.schema_name()))
            }
            [value] => Ok(format!("(- {})", value.schema_name())),
            _ => Err(wrong_arity(self.operation)),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let operator = self.operation.operator();
        match types {
            [left, right] => {
                let coercer = BinaryTypeCoercer::new(left, &operator, right);
                let result = coercer.get_result_type()?;
                Ok(result)
            }
            [value] => Ok(value.clone()),
            _ => Err(wrong_arity(self.operation)),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let computed = self.compute(&args.args).map_err(|error| explained(error, args.return_type()))?;
        let fits = match &computed {
            ColumnarValue::Array(values) => values.as_primitive_opt::<Decimal128Type>().is_none_or(fits_a_decimal),
            ColumnarValue::Scalar(ScalarValue::Decimal128(Some(value), _, _)) => value.unsigned_abs() < DECIMAL_END,
            ColumnarValue::Scalar(_) => true,
        };
        if fits { Ok(computed) } else { Err(out_of_range("", args.return_type())) }
    }
}

fn wrong_arity(operation: Operation) -> DataFusionError {
    DataFusionError::Internal(format!("{} has another number of arguments", operation.name()))
}

/// Whether no value has more than 38 digits.
pub(crate) fn fits_a_decimal(values: &Decimal128Array) -> bool {
    // The upper halves without their signs, all in one.
    let seen = values.values().iter().fold(0_i64, |seen, value| {
        let high = (*value >> 64) as i64;
        seen | (high ^ (high >> 63))
    });
    seen < LONG_UPPER_HALF || values.iter().flatten().all(|value| value.unsigned_abs() < DECIMAL_END)
}

/// An overflow as a user reads it; any other error as it is.
fn explained(error: DataFusionError, result: &DataType) -> DataFusionError {
    let text = match &error {
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ArithmeticOverflow(text) => text.clone(),
            _ => return error,
        },
        _ => return error,
    };
    out_of_range(text.strip_prefix("Overflow happened on: ").unwrap_or(&text), result)
}

fn out_of_range(computed: &str, result: &DataType) -> DataFusionError {
    DataFusionError::Execution(match result {
        // Arrow computes with decimals as whole numbers, which nobody would recognise.
        DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "the result has more than 38 digits; CAST a side to fewer digits first, or to DOUBLE".to_owned()
        }
        other => {
            let wider = match other {
                DataType::Int64 | DataType::UInt64 => "DECIMAL(38,0)",
                _ => "BIGINT",
            };
            format!("{computed} is out of range of {}; CAST a side to a wider type first: {wider}", sql_type(other))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimals(values: &[i128]) -> Decimal128Array {
        Decimal128Array::from(values.to_vec())
    }

    #[test]
    fn a_decimal_ends_at_38_digits() {
        let largest = DECIMAL_END as i128 - 1;
        assert!(fits_a_decimal(&decimals(&[0, -1, largest, -largest])));
        assert!(!fits_a_decimal(&decimals(&[0, largest + 1])));
        assert!(!fits_a_decimal(&decimals(&[-largest - 1, 0])));
        assert!(!fits_a_decimal(&decimals(&[i128::MIN])));
    }

    #[test]
    fn what_stands_where_a_decimal_is_null_does_not_count() {
        let values = Decimal128Array::new(vec![i128::MAX, 1].into(), Some(vec![false, true].into()));
        assert!(fits_a_decimal(&values));
    }

    #[test]
    fn only_results_that_may_be_too_long_are_looked_at() {
        let digits = |operation: Operation| operation.digits((15, 2), (15, 2));
        assert_eq!(digits(Operation::Add), 16);
        assert_eq!(digits(Operation::Multiply), 31);
        assert_eq!(digits(Operation::Divide), 21);
        assert_eq!(Operation::Add.digits((38, 0), (1, 0)), 39);
        assert_eq!(Operation::Subtract.digits((38, 10), (10, 2)), 39);
    }
}
