//! `sum()` that fails where DataFusion's wraps around.
//!
//! It has the name, the types and the shortcuts of DataFusion's, and takes its place. Integers and decimals are summed
//! here; everything else, floats among them, is left to DataFusion.
//!
//! * Without GROUP BY and over windows, what counts is the sum: values on the way may be larger.
//! * With GROUP BY, and where partitions are put together, each partial sum must fit the type, too.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, FieldRef, Int64Type, UInt64Type,
};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, Expr, GroupsAccumulator, Operator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion::physical_expr::NullState;
use datafusion::scalar::ScalarValue;

use super::checked::fits_a_decimal;
use crate::type_name::sql_type;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExactSum {
    inner: Sum,
}

impl ExactSum {
    pub(crate) fn new() -> Self {
        Self { inner: Sum::new() }
    }
}

fn is_exact(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..))
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let data_type = args.return_type().clone();
        match (is_exact(&data_type), args.is_distinct) {
            (false, _) => self.inner.accumulator(args),
            (true, false) => Ok(Box::new(Total::new(data_type))),
            (true, true) => Ok(Box::new(DistinctTotal { inner: self.inner.accumulator(args)?, data_type })),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let data_type = args.return_type().clone();
        match is_exact(&data_type) && !args.is_distinct {
            true => Ok(Box::new(Total::new(data_type))),
            false => self.inner.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let data_type = args.return_type().clone();
        match &data_type {
            DataType::Int64 => Ok(Box::new(GroupTotals::<Int64Type>::new(data_type))),
            DataType::UInt64 => Ok(Box::new(GroupTotals::<UInt64Type>::new(data_type))),
            DataType::Decimal128(..) => Ok(Box::new(GroupTotals::<Decimal128Type>::new(data_type))),
            _ => self.inner.create_groups_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.set_monotonicity(data_type)
    }

    fn simplify_expr_op_literal(
        &self,
        function: &AggregateFunction,
        arg: &Expr,
        op: Operator,
        literal: &Expr,
        arg_is_left: bool,
    ) -> Result<Option<Expr>> {
        self.inner.simplify_expr_op_literal(function, arg, op, literal, arg_is_left)
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.inner.value_from_stats(args)
    }
}

fn out_of_range(data_type: &DataType) -> DataFusionError {
    let wider = match data_type {
        DataType::Decimal128(..) => "DOUBLE",
        _ => "DECIMAL(38,0)",
    };
    DataFusionError::Execution(format!(
        "a sum is out of range of {}; sum values of a wider type: sum(CAST(… AS {wider}))",
        sql_type(data_type)
    ))
}

/// One sum, of values that come and, over windows, go again.
#[derive(Debug)]
struct Total {
    sum: i128,
    /// How many values there are that are not NULL: the sum of none is NULL.
    count: usize,
    data_type: DataType,
}

impl Total {
    fn new(data_type: DataType) -> Self {
        Self { sum: 0, count: 0, data_type }
    }

    fn sum_of(&self, values: &[ArrayRef]) -> Result<(i128, usize)> {
        let Some(values) = values.first() else { return Ok((0, 0)) };
        let sum = sum_of(values.as_ref()).ok_or_else(|| out_of_range(&self.data_type))?;
        Ok((sum, values.len() - values.null_count()))
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = self.sum_of(values)?;
        self.sum = self.sum.checked_add(sum).ok_or_else(|| out_of_range(&self.data_type))?;
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = self.sum_of(values)?;
        self.sum = self.sum.checked_sub(sum).ok_or_else(|| out_of_range(&self.data_type))?;
        self.count = self.count.saturating_sub(count);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.count {
            0 => ScalarValue::try_from(&self.data_type),
            _ => scalar(self.sum, &self.data_type).ok_or_else(|| out_of_range(&self.data_type)),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The sum of distinct values: DataFusion's accumulator collects them.
#[derive(Debug)]
struct DistinctTotal {
    inner: Box<dyn Accumulator>,
    data_type: DataType,
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.inner.state()?;
        let Some(ScalarValue::List(distinct)) = state.first() else {
            return Err(DataFusionError::Internal("distinct values are kept in another form".to_owned()));
        };
        let mut total = Total::new(self.data_type.clone());
        if !distinct.is_empty() {
            total.update_batch(&[distinct.value(0)])?;
        }
        total.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

/// The sum as a value, if it fits the type.
fn scalar(sum: i128, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Int64 => i64::try_from(sum).ok().map(|sum| ScalarValue::Int64(Some(sum))),
        DataType::UInt64 => u64::try_from(sum).ok().map(|sum| ScalarValue::UInt64(Some(sum))),
        DataType::Decimal128(digits, scale) => {
            let fits = sum.unsigned_abs() < 10_u128.pow(u32::from(*digits));
            fits.then_some(ScalarValue::Decimal128(Some(sum), *digits, *scale))
        }
        _ => None,
    }
}

/// The sum of an array's values; `None` if it does not fit 128 bits.
fn sum_of(values: &dyn Array) -> Option<i128> {
    if let Some(values) = values.as_primitive_opt::<Int64Type>() {
        let all = values.values();
        return Some(match values.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => all.chunks(HALVES_MAX).map(sum_of_halves).sum(),
            Some(nulls) => {
                let known = nulls.valid_slices().map(|(begin, end)| &all[begin..end]);
                known.flat_map(|run| run.chunks(HALVES_MAX)).map(sum_of_halves).sum()
            }
        });
    }
    if let Some(values) = values.as_primitive_opt::<UInt64Type>() {
        return Some(values.iter().flatten().map(i128::from).sum());
    }
    let values: &Decimal128Array = values.as_primitive_opt::<Decimal128Type>()?;
    match values.null_count() {
        0 => values.values().iter().try_fold(0_i128, |sum, value| sum.checked_add(*value)),
        _ => values.iter().flatten().try_fold(0_i128, i128::checked_add),
    }
}

/// So many halves of 32 bits fit a sum of 64.
const HALVES_MAX: usize = 1 << 30;

/// The sum of at most [`HALVES_MAX`] numbers. Upper and lower halves are summed apart: neither sum can overflow, so the
/// loop has no branch, and several numbers are added at a time.
fn sum_of_halves(values: &[i64]) -> i128 {
    let (mut upper, mut lower) = (0_i64, 0_i64);
    for value in values {
        upper += *value >> 32;
        lower += *value & 0xffff_ffff;
    }
    (i128::from(upper) << 32) + i128::from(lower)
}

/// The sums of many groups.
struct GroupTotals<T: ArrowPrimitiveType + Send> {
    sums: Vec<T::Native>,
    seen: NullState,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType + Send> GroupTotals<T> {
    fn new(data_type: DataType) -> Self {
        Self { sums: Vec::new(), seen: NullState::new(), data_type }
    }

    fn take(&mut self, emit_to: EmitTo) -> ArrayRef {
        let sums = emit_to.take_needed(&mut self.sums);
        let nulls = self.seen.build(emit_to);
        Arc::new(PrimitiveArray::<T>::new(sums.into(), nulls).with_data_type(self.data_type.clone()))
    }
}

impl<T: ArrowPrimitiveType + Send> GroupsAccumulator for GroupTotals<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        let Self { sums, seen, data_type } = self;
        sums.resize(total_num_groups, T::Native::ZERO);
        let mut overflowed = false;
        seen.accumulate(group_indices, values, filter, total_num_groups, |group, value| {
            match sums[group].add_checked(value) {
                Ok(sum) => sums[group] = sum,
                Err(_) => overflowed = true,
            }
        });
        if overflowed { Err(out_of_range(data_type)) } else { Ok(()) }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to);
        // Sums of fewer digits than the most there are have ten more than their values.
        let may_be_too_long = matches!(self.data_type, DataType::Decimal128(DECIMAL128_MAX_PRECISION, _));
        if may_be_too_long && !sums.as_primitive_opt::<Decimal128Type>().is_none_or(fits_a_decimal) {
            return Err(out_of_range(&self.data_type));
        }
        Ok(sums)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(states, group_indices, None, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(filtered::<T>(&values[0], filter).with_data_type(self.data_type.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.size()
    }
}

/// The values, NULL where a filter leaves them out, too.
pub(super) fn filtered<T: ArrowPrimitiveType>(values: &dyn Array, filter: Option<&BooleanArray>) -> PrimitiveArray<T> {
    let values = values.as_primitive::<T>();
    PrimitiveArray::new(values.values().clone(), filtered_nulls(values, filter))
}

/// Which values are NULL, where those that a filter leaves out are, too.
fn filtered_nulls(values: &dyn Array, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
    let Some(filter) = filter else { return values.nulls().cloned() };
    let kept = match filter.nulls() {
        Some(known) => filter.values() & known.inner(),
        None => filter.values().clone(),
    };
    NullBuffer::union(values.nulls(), Some(&NullBuffer::new(kept)))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, UInt64Array};

    use super::*;

    fn total(values: Vec<ArrayRef>, data_type: DataType) -> Result<ScalarValue> {
        let mut total = Total::new(data_type);
        for batch in values {
            total.update_batch(&[batch])?;
        }
        total.evaluate()
    }

    #[test]
    fn halves_add_up_to_the_sum() {
        let mixed = vec![-1, 1, i64::MIN, i64::MAX, 1 << 31, -(1 << 32)];
        for values in [Vec::new(), vec![i64::MAX; 5], vec![i64::MIN; 5], mixed] {
            let expected: i128 = values.iter().copied().map(i128::from).sum();
            assert_eq!(sum_of_halves(&values), expected, "{values:?}");
        }
    }

    #[test]
    fn only_the_sum_itself_must_fit() {
        let there: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(1)]));
        let back: ArrayRef = Arc::new(Int64Array::from(vec![-1]));
        let found = total(vec![Arc::clone(&there), back], DataType::Int64).unwrap();
        assert_eq!(found, ScalarValue::Int64(Some(i64::MAX)));
        let error = total(vec![there], DataType::Int64).unwrap_err();
        assert!(error.to_string().contains("a sum is out of range of BIGINT"), "{error}");
    }

    #[test]
    fn a_sum_of_decimals_ends_at_its_digits() {
        let nines = 10_i128.pow(38) - 1;
        let values = |list: Vec<i128>| {
            let array = Decimal128Array::from(list).with_precision_and_scale(38, 0).unwrap();
            vec![Arc::new(array) as ArrayRef]
        };
        let data_type = DataType::Decimal128(38, 0);
        assert!(total(values(vec![nines]), data_type.clone()).is_ok());
        assert!(total(values(vec![nines, 1]), data_type.clone()).is_err());
        assert!(total(values(vec![nines, nines]), data_type).is_err());
    }

    #[test]
    fn values_that_leave_a_window_are_taken_off() {
        let mut total = Total::new(DataType::UInt64);
        let values: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 5]));
        total.update_batch(&[Arc::clone(&values)]).unwrap();
        assert!(total.evaluate().is_err());
        total.retract_batch(&[values.slice(0, 1)]).unwrap();
        assert_eq!(total.evaluate().unwrap(), ScalarValue::UInt64(Some(5)));
        total.retract_batch(&[values.slice(1, 1)]).unwrap();
        assert_eq!(total.evaluate().unwrap(), ScalarValue::UInt64(None));
    }

    #[test]
    fn each_group_must_fit() {
        let mut groups = GroupTotals::<Int64Type>::new(DataType::Int64);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(1), None]));
        groups.update_batch(&[Arc::clone(&values)], &[0, 1, 2], None, 3).unwrap();
        let sums = groups.evaluate(EmitTo::First(2)).unwrap();
        assert_eq!(sums.as_primitive::<Int64Type>(), &Int64Array::from(vec![i64::MAX, 1]));
        assert!(groups.update_batch(&[values], &[0, 0, 0], None, 1).is_err());
    }

    #[test]
    fn filtered_rows_are_null_in_a_state() {
        let groups = GroupTotals::<Int64Type>::new(DataType::Int64);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(4)]));
        let filter = BooleanArray::from(vec![Some(true), Some(false), Some(true), None]);
        let state = groups.convert_to_state(&[values], Some(&filter)).unwrap();
        assert_eq!(state[0].as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1), None, None, None]));
    }
}
