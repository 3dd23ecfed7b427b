//! Intervals compare by their length, as in PostgreSQL and DuckDB: a day has 24 hours, a month 30 days.
//!
//! DataFusion compares months, then days, then nanoseconds, so that 48 hours would be less than a day, and the
//! difference of two timestamps, which counts no days at all, less than any interval that does.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::common::tree_node::Transformed;
use datafusion::common::utils::take_function_args;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

const NANOS_OF_DAY: i128 = 86_400_000_000_000;

const DAYS_OF_MONTH: i128 = 30;

/// The same expression, or one that compares lengths where it compares intervals.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let length = |expr: Expr| length(expr, schema);
    let boxed = |expr: Box<Expr>| Box::new(length(*expr));
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && is_interval(&left, schema) && is_interval(&right, schema) =>
        {
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: boxed(left), op, right: boxed(right) }))
        }
        Expr::Between(Between { expr, negated, low, high }) if is_interval(&expr, schema) => {
            let (low, high) = (boxed(low), boxed(high));
            Transformed::yes(Expr::Between(Between { expr: boxed(expr), negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) if is_interval(&expr, schema) => {
            let list = list.into_iter().map(length).collect();
            Transformed::yes(Expr::InList(InList { expr: boxed(expr), list, negated }))
        }
        Expr::Case(Case { expr: Some(base), when_then_expr, else_expr }) if is_interval(&base, schema) => {
            let when_then_expr = when_then_expr.into_iter().map(|(when, then)| (boxed(when), then)).collect();
            Transformed::yes(Expr::Case(Case { expr: Some(boxed(base)), when_then_expr, else_expr }))
        }
        Expr::AggregateFunction(call) => {
            refuse(call.func.name(), &call.params.args, schema)?;
            Transformed::no(Expr::AggregateFunction(call))
        }
        Expr::WindowFunction(call) => {
            refuse(call.fun.name(), &call.params.args, schema)?;
            Transformed::no(Expr::WindowFunction(call))
        }
        Expr::ScalarFunction(call) => {
            refuse(call.func.name(), &call.args, schema)?;
            Transformed::no(Expr::ScalarFunction(call))
        }
        other => Transformed::no(other),
    })
}

/// The same expression of an ORDER BY, or the length of its interval.
pub(crate) fn sort_key(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match is_interval(&expr, schema) {
        true => Transformed::yes(length(expr, schema)),
        false => Transformed::no(expr),
    })
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

fn is_interval(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(expr.get_type(schema), Ok(DataType::Interval(_)))
}

fn is_duration(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(expr.get_type(schema), Ok(DataType::Duration(_)))
}

/// The length of an interval. That of a difference of timestamps is taken before it is made an interval, whose
/// nanoseconds end at 292 years.
fn length(expr: Expr, schema: &DFSchema) -> Expr {
    let measured = match expr {
        Expr::Cast(Cast { expr: inner, .. }) if is_duration(&inner, schema) => *inner,
        other => other,
    };
    ScalarUDF::from(IntervalLength { signature: Signature::any(1, Volatility::Immutable) }).call(vec![measured])
}

/// Functions that compare intervals on their own, and would do so field by field.
fn refuse(function: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    let compares = matches!(function, "min" | "max" | "greatest" | "least");
    if compares && args.iter().any(|arg| is_interval(arg, schema)) {
        return Err(DataFusionError::Plan(format!(
            "{function}() does not compare intervals; take the {function}() of timestamps or of numbers of seconds"
        )));
    }
    Ok(())
}

/// The length of an interval or duration, in nanoseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength {
    signature: Signature,
}

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &str {
        "interval_length"
    }

    /// What is compared is named as if it were the interval itself.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [interval] = take_function_args(self.name(), args)?;
        Ok(interval.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&[])?, nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [interval] = take_function_args(self.name(), args.args)?;
        Ok(match interval {
            ColumnarValue::Array(intervals) => ColumnarValue::Array(nanoseconds(&intervals)?),
            ColumnarValue::Scalar(interval) => {
                let lengths = nanoseconds(&interval.to_array()?)?;
                ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?)
            }
        })
    }
}

fn nanoseconds(intervals: &ArrayRef) -> Result<ArrayRef> {
    let lengths: Decimal128Array = match intervals.data_type() {
        DataType::Duration(unit) => {
            let nanos: i128 = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            let counts = cast(intervals, &DataType::Int64)?;
            counts.as_primitive::<Int64Type>().unary::<_, Decimal128Type>(|count| i128::from(count) * nanos)
        }
        _ => {
            let whole = cast(intervals, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            whole.as_primitive::<IntervalMonthDayNanoType>().unary::<_, Decimal128Type>(nanos_of)
        }
    };
    Ok(Arc::new(lengths.with_precision_and_scale(DECIMAL128_MAX_PRECISION, 0)?))
}

fn nanos_of(interval: IntervalMonthDayNano) -> i128 {
    let days = i128::from(interval.months) * DAYS_OF_MONTH + i128::from(interval.days);
    days * NANOS_OF_DAY + i128::from(interval.nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_24_hours_and_a_month_30_days() {
        let hour = 3_600_000_000_000_i64;
        assert_eq!(nanos_of(IntervalMonthDayNano::new(0, 1, 0)), nanos_of(IntervalMonthDayNano::new(0, 0, 24 * hour)));
        assert_eq!(nanos_of(IntervalMonthDayNano::new(1, 0, 0)), nanos_of(IntervalMonthDayNano::new(0, 30, 0)));
        assert!(nanos_of(IntervalMonthDayNano::new(0, 0, -1)) < 0);
        assert!(nanos_of(IntervalMonthDayNano::new(i32::MAX, i32::MAX, i64::MAX)) < 10_i128.pow(38));
    }
}
