//! Casts that lose something, which DataFusion would look through.
//!
//! ```text
//!   CAST(d AS DECIMAL(5,1)) = 1.2     is no    d = 1.20      what is rounded to 1.2 matches too
//!   CAST(k AS SMALLINT) > 5           is no    k > 5         what is no SMALLINT is an error
//!   CAST(ts AS TIME) < '10:00'        is not answered by the first and the last ts of a segment
//! ```
//!
//! Where a cast is compared with a constant, DataFusion moves it to the constant, and asks statistics about what is
//! left; join keys and sorts end up beside constants while they run. So such casts are functions, wherever they stand,
//! since a filter may move down to them through views and subqueries. Casts that keep all values apart and in their
//! order stay casts.

use std::sync::Arc;

use datafusion::arrow::compute::CastOptions;
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::utils::take_function_args;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::grouped_casts::TYPED;

/// What becomes of a value that cannot be cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OnFailure {
    Fail,
    Null,
}

/// The same expression, or the function that does what its cast does.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => match is_opaque(&expr, field.data_type(), OnFailure::Fail, schema) {
            true => Transformed::yes(call(*expr, field.data_type().clone(), OnFailure::Fail)),
            false => Transformed::no(Expr::Cast(Cast { expr, field })),
        },
        Expr::TryCast(TryCast { expr, field }) => match is_opaque(&expr, field.data_type(), OnFailure::Null, schema) {
            true => Transformed::yes(call(*expr, field.data_type().clone(), OnFailure::Null)),
            false => Transformed::no(Expr::TryCast(TryCast { expr, field })),
        },
        Expr::ScalarFunction(function) => rewrite_function(function, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            let hide_left = has_finer_digits(&left, &right, schema);
            let hide_right = has_finer_digits(&right, &left, schema);
            let left = if hide_left { Box::new(opaque(*left)) } else { left };
            let right = if hide_right { Box::new(opaque(*right)) } else { right };
            let compared = Expr::BinaryExpr(BinaryExpr { left, op, right });
            if hide_left || hide_right { Transformed::yes(compared) } else { Transformed::no(compared) }
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            match has_finer_digits(&expr, &low, schema) || has_finer_digits(&expr, &high, schema) {
                true => Transformed::yes(Expr::Between(Between { expr: Box::new(opaque(*expr)), negated, low, high })),
                false => Transformed::no(Expr::Between(Between { expr, negated, low, high })),
            }
        }
        Expr::InList(InList { expr, list, negated }) => {
            match list.iter().any(|constant| has_finer_digits(&expr, constant, schema)) {
                true => Transformed::yes(Expr::InList(InList { expr: Box::new(opaque(*expr)), list, negated })),
                false => Transformed::no(Expr::InList(InList { expr, list, negated })),
            }
        }
        other => Transformed::no(other),
    })
}

/// The functions that the planner makes casts of, after this.
fn rewrite_function(mut function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    if function.name() == TYPED && function.args.len() == 2 {
        return Transformed::yes(function.args.swap_remove(0));
    }
    let on_failure = match function.name() {
        "arrow_cast" | "cast_to_type" => OnFailure::Fail,
        "arrow_try_cast" | "try_cast_to_type" => OnFailure::Null,
        _ => return Transformed::no(Expr::ScalarFunction(function)),
    };
    let value = function.args.first().cloned();
    let whole = Expr::ScalarFunction(function);
    match (value, whole.get_type(schema)) {
        (Some(value), Ok(target)) if is_opaque(&value, &target, on_failure, schema) => {
            Transformed::yes(call(value, target, on_failure))
        }
        _ => Transformed::no(whole),
    }
}

/// Whether the planner must not see that something is a cast.
fn is_opaque(value: &Expr, target: &DataType, on_failure: OnFailure, schema: &DFSchema) -> bool {
    // Constants are cast while the statement is planned.
    if matches!(value, Expr::Literal(..) | Expr::Placeholder(_)) {
        return false;
    }
    let Ok(source) = value.get_type(schema) else { return false };
    match on_failure {
        OnFailure::Fail => !keeps_comparisons(&source, target) && !is_longest_decimal(&source, target),
        OnFailure::Null => !keeps_comparisons(&source, target),
    }
}

/// Whether what DataFusion concludes from a comparison of cast values is right. It moves casts between exact numbers,
/// dates and timestamps to constants, but for those from a timestamp to a coarser one or a date and back, and asks
/// statistics about any but those from texts and to texts.
///
/// * Two values that differ stay so, in their order, and every value can be cast;
/// * or nothing is moved, the order is kept, and every value that is no absurd one can be cast;
/// * or neither is done with these types.
fn keeps_comparisons(source: &DataType, target: &DataType) -> bool {
    if source == target {
        return true;
    }
    if let (Some(source), Some(target)) = (Counted::by(source), Counted::by(target))
        && !(source.is_time && target.is_time)
    {
        return target.holds(&source);
    }
    match (source, target) {
        // The time of a day begins anew each day.
        (DataType::Timestamp(..), DataType::Time32(_) | DataType::Time64(_)) => false,
        // A number in the middle is false, and both of its neighbours are true.
        (source, DataType::Boolean) => !source.is_numeric(),
        // What is no number, too large, or between two whole ones. Nothing is moved to decimals, to which the planner
        // itself casts floats that are compared with them.
        (DataType::Float16 | DataType::Float32 | DataType::Float64, target) => {
            target.is_decimal() || Counted::by(target).is_none()
        }
        _ => true,
    }
}

/// Whether a number is cast to the longest decimal there is, and none of its digits behind the point is lost. Where
/// digits are compared that no type holds, the planner itself casts so; moving the cast then compares what was meant.
fn is_longest_decimal(source: &DataType, target: &DataType) -> bool {
    match (Counted::by(source), target) {
        (Some(source), DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale)) => {
            !source.is_time && source.scale <= u32::try_from(*scale).unwrap_or(0)
        }
        _ => false,
    }
}

/// What a type counts: whole numbers of the smallest digit, from one bound to the other.
#[derive(Clone, Copy, Debug)]
struct Counted {
    least: i128,
    most: i128,
    /// How many digits stand behind the point.
    scale: u32,
    /// Whether it counts from 1970 on. A number is cast to it, and back, as the count.
    is_time: bool,
}

impl Counted {
    /// `None` for a type that is no exact number, date or timestamp.
    fn by(data_type: &DataType) -> Option<Self> {
        let whole = |least: i128, most: i128| Some(Self { least, most, scale: 0, is_time: false });
        let time = |least: i128, most: i128| Some(Self { least, most, scale: 0, is_time: true });
        match data_type {
            DataType::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => whole(i64::MIN.into(), i64::MAX.into()),
            DataType::UInt8 => whole(0, u8::MAX.into()),
            DataType::UInt16 => whole(0, u16::MAX.into()),
            DataType::UInt32 => whole(0, u32::MAX.into()),
            DataType::UInt64 => whole(0, u64::MAX.into()),
            DataType::Date32 => time(i32::MIN.into(), i32::MAX.into()),
            DataType::Date64 | DataType::Timestamp(..) => time(i64::MIN.into(), i64::MAX.into()),
            DataType::Decimal32(digits, scale)
            | DataType::Decimal64(digits, scale)
            | DataType::Decimal128(digits, scale) => {
                let most = 10_i128.checked_pow(u32::from(*digits))? - 1;
                Some(Self { least: -most, most, scale: u32::try_from(*scale).ok()?, is_time: false })
            }
            _ => None,
        }
    }

    /// Whether every value of another type is one of this.
    fn holds(&self, other: &Self) -> bool {
        let Some(digits) = self.scale.checked_sub(other.scale) else { return false };
        let Some(factor) = 10_i128.checked_pow(digits) else { return false };
        let own = self.least..=self.most;
        let is_within = |bound: i128| bound.checked_mul(factor).is_some_and(|bound| own.contains(&bound));
        is_within(other.least) && is_within(other.most)
    }
}

/// Whether a timestamp is cast to compare it with a constant that has more digits of a second than it. What moves the
/// cast would cut them off.
fn has_finer_digits(compared: &Expr, constant: &Expr, schema: &DFSchema) -> bool {
    let (Expr::Cast(Cast { expr: inner, .. }) | Expr::TryCast(TryCast { expr: inner, .. })) = compared else {
        return false;
    };
    if matches!(inner.as_ref(), Expr::Literal(..)) {
        return false;
    }
    let Ok(DataType::Timestamp(unit, _)) = inner.get_type(schema) else { return false };
    let Some((count, finer)) = timestamp(constant) else { return false };
    let (coarse, fine) = (ticks_of_second(unit), ticks_of_second(finer));
    fine > coarse && count % (fine / coarse) != 0
}

/// The count of a constant timestamp, and its unit.
fn timestamp(constant: &Expr) -> Option<(i64, TimeUnit)> {
    let value: ScalarValue = match constant {
        Expr::Literal(value, _) => value.clone(),
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => match expr.as_ref() {
            Expr::Literal(value, _) => value.cast_to(field.data_type()).ok()?,
            _ => return None,
        },
        _ => return None,
    };
    match value {
        ScalarValue::TimestampSecond(count, _) => Some((count?, TimeUnit::Second)),
        ScalarValue::TimestampMillisecond(count, _) => Some((count?, TimeUnit::Millisecond)),
        ScalarValue::TimestampMicrosecond(count, _) => Some((count?, TimeUnit::Microsecond)),
        ScalarValue::TimestampNanosecond(count, _) => Some((count?, TimeUnit::Nanosecond)),
        _ => None,
    }
}

/// How many units a second has.
pub(super) fn ticks_of_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// A cast as a function; anything else as it is.
fn opaque(expr: Expr) -> Expr {
    match expr {
        Expr::Cast(Cast { expr, field }) => call(*expr, field.data_type().clone(), OnFailure::Fail),
        Expr::TryCast(TryCast { expr, field }) => call(*expr, field.data_type().clone(), OnFailure::Null),
        other => other,
    }
}

/// A value of this type, which the planner takes for something else than what it is.
pub(super) fn hidden(value: Expr, data_type: DataType) -> Expr {
    call(value, data_type, OnFailure::Fail)
}

fn call(value: Expr, target: DataType, on_failure: OnFailure) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(OpaqueCast { target, on_failure, signature }).call(vec![value])
}

/// A cast that the planner takes for any other function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OpaqueCast {
    target: DataType,
    on_failure: OnFailure,
    signature: Signature,
}

impl ScalarUDFImpl for OpaqueCast {
    fn name(&self) -> &str {
        match self.on_failure {
            OnFailure::Fail => "opaque_cast",
            OnFailure::Null => "opaque_try_cast",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = self.on_failure == OnFailure::Null || args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.target.clone(), nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        let options = CastOptions { safe: self.on_failure == OnFailure::Null, ..CastOptions::default() };
        value.cast_to(&self.target, Some(&options))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Schema;
    use datafusion::logical_expr::{cast, col, lit, try_cast};

    use super::*;

    const SHORT: DataType = DataType::Decimal128(5, 1);
    const LONG: DataType = DataType::Decimal128(5, 2);
    const LONGEST: DataType = DataType::Decimal128(38, 2);
    const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
    const NANOS: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

    #[test]
    fn every_value_has_a_place_in_a_wider_type() {
        use DataType::{Boolean, Date32, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt32, UInt64};
        let cases = [
            (Int8, Int8),
            (Int8, Int64),
            (UInt8, Int16),
            (UInt32, Int64),
            (Int64, DataType::Decimal128(20, 0)),
            (UInt64, DataType::Decimal128(20, 0)),
            (Int16, DataType::Decimal128(7, 2)),
            (DataType::Decimal128(4, 0), Int16),
            (SHORT, DataType::Decimal128(6, 2)),
            (LONG, DataType::Decimal128(20, 4)),
            (Date32, Int32),
            (Date32, Int64),
            (Int32, Date32),
            (MICROS, Int64),
            (Int64, MICROS),
            (Int64, Float64),
            (LONG, Float32),
            (Float64, Float32),
            (Boolean, Int8),
        ];
        for (source, target) in cases {
            assert!(keeps_comparisons(&source, &target), "{source} to {target}");
        }
    }

    #[test]
    fn a_cast_that_rounds_or_may_fail_is_not_looked_through() {
        use DataType::{Boolean, Date32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt64};
        let cases = [
            (Int64, Int16),
            (Int8, UInt8),
            (UInt64, Int64),
            (Int64, UInt64),
            (Int64, DataType::Decimal128(18, 0)),
            (Int16, DataType::Decimal128(5, 1)),
            (DataType::Decimal128(5, 0), Int16),
            (LONG, SHORT),
            (SHORT, LONG),
            (LONG, Int64),
            (Float64, Int32),
            (Int64, Date32),
            (MICROS, Int32),
            (Int32, Boolean),
            (Float64, Boolean),
            (MICROS, DataType::Time64(TimeUnit::Microsecond)),
        ];
        for (source, target) in cases {
            assert!(!keeps_comparisons(&source, &target), "{source} to {target}");
        }
    }

    #[test]
    fn what_is_never_moved_and_keeps_the_order_stays_a_cast() {
        use DataType::{Date32, Int32, Utf8, Utf8View};
        let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
        let cases = [
            (MICROS, Date32),
            (Date32, MICROS),
            (NANOS, MICROS),
            (MICROS, millis),
            (MICROS, NANOS),
            (DataType::Float64, SHORT),
            (Utf8View, Int32),
            (Utf8View, Date32),
            (Int32, Utf8View),
            (Utf8View, Utf8),
            (DataType::Boolean, Utf8View),
            (Utf8View, DataType::Boolean),
        ];
        for (source, target) in cases {
            assert!(keeps_comparisons(&source, &target), "{source} to {target}");
        }
    }

    fn schema() -> DFSchema {
        let column = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        let (whole, long) = (DataType::Int64, DataType::Decimal128(38, 0));
        DFSchema::try_from(Schema::new(vec![column("k", whole), column("d", long), column("ts", MICROS)])).unwrap()
    }

    fn is_changed(expr: Expr) -> bool {
        rewrite(expr, &schema()).unwrap().transformed
    }

    #[test]
    fn constants_stay_casts_so_that_they_fail_while_the_statement_is_planned() {
        assert!(is_changed(cast(col("k"), DataType::Int16)));
        assert!(is_changed(try_cast(col("k"), DataType::Int16)));
        assert!(!is_changed(cast(lit(300_i64), DataType::Int8)));
    }

    #[test]
    fn digits_that_no_decimal_holds_are_compared_as_they_are() {
        assert!(!is_changed(cast(col("d"), LONGEST)));
        assert!(is_changed(try_cast(col("d"), LONGEST)));
        assert!(is_changed(cast(col("d"), DataType::Decimal128(37, 0))));
    }

    #[test]
    fn a_constant_with_more_digits_of_a_second_is_not_cut() {
        let at = |nanos: i64| lit(ScalarValue::TimestampNanosecond(Some(nanos), None));
        let read = || cast(col("ts"), NANOS);
        assert!(!is_changed(read().lt(at(1_000))));
        assert!(is_changed(read().lt(at(1_001))));
        assert!(is_changed(at(-1).eq(read())));
        assert!(is_changed(read().in_list(vec![at(0), at(1)], false)));
        assert!(is_changed(read().between(at(1_000), at(2_500))));
        assert!(!is_changed(col("ts").lt(lit(ScalarValue::TimestampMicrosecond(Some(1), None)))));
    }
}
