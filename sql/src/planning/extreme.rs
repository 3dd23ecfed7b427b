//! `min()` and `max()` of floats that are the same with GROUP BY as without.
//!
//! DataFusion's begin each group with the largest or smallest finite number, so that the minimum of `Infinity` alone
//! would be another value, and let NaN count or not by the order in which values come. Here NaN is larger than every
//! other number, as in ORDER BY. Everything but floats with GROUP BY is left to DataFusion.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray,
};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::Result;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion::physical_expr::NullState;
use datafusion::scalar::ScalarValue;

use super::exact_sum::filtered;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extreme {
    inner: Arc<AggregateUDF>,
    which: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Which {
    Smallest,
    Largest,
}

impl Extreme {
    /// `min()`
    pub(crate) fn min() -> Self {
        Self { inner: min_udaf(), which: Which::Smallest }
    }

    /// `max()`
    pub(crate) fn max() -> Self {
        Self { inner: max_udaf(), which: Which::Largest }
    }

    fn inner(&self) -> &dyn AggregateUDFImpl {
        self.inner.inner().as_ref()
    }
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        self.inner().name()
    }

    fn signature(&self) -> &Signature {
        self.inner().signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner().return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner().coerce_types(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner().accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner().create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let data_type = args.return_type().clone();
        match data_type {
            DataType::Float32 => Ok(Box::new(GroupExtremes::<Float32Type>::new(self.which))),
            DataType::Float64 => Ok(Box::new(GroupExtremes::<Float64Type>::new(self.which))),
            _ => self.inner().create_groups_accumulator(args),
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner().is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner().order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner().reverse_expr()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.inner().value_from_stats(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner().documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner().set_monotonicity(data_type)
    }
}

/// The smallest or largest values of many groups.
struct GroupExtremes<T: ArrowPrimitiveType + Send> {
    which: Which,
    values: Vec<T::Native>,
    seen: NullState,
}

impl<T: ArrowPrimitiveType + Send> GroupExtremes<T> {
    fn new(which: Which) -> Self {
        Self { which, values: Vec::new(), seen: NullState::new() }
    }

    fn take(&mut self, emit_to: EmitTo) -> ArrayRef {
        let values = emit_to.take_needed(&mut self.values);
        let nulls = self.seen.build(emit_to);
        Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
    }
}

impl<T: ArrowPrimitiveType + Send> GroupsAccumulator for GroupExtremes<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let new = values[0].as_primitive::<T>();
        let Self { which, values, seen } = self;
        match which {
            Which::Smallest => {
                values.resize(total_num_groups, T::Native::MAX_TOTAL_ORDER);
                seen.accumulate(group_indices, new, filter, total_num_groups, |group, value| {
                    if value.is_lt(values[group]) {
                        values[group] = value;
                    }
                });
            }
            Which::Largest => {
                values.resize(total_num_groups, T::Native::MIN_TOTAL_ORDER);
                seen.accumulate(group_indices, new, filter, total_num_groups, |group, value| {
                    if value.is_gt(values[group]) {
                        values[group] = value;
                    }
                });
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.take(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(states, group_indices, None, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(filtered::<T>(&values[0], filter))])
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>() + self.seen.size()
    }
}
