//! The one or the other of two values, as a third says.
//!
//! It is what CASE would give. But CASE takes its columns apart by what the third says, and puts them together again
//! run by run, which is slow where the rows take turns: here a value is copied once.

use std::sync::Arc;

use arrow::compute::interleave;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `one` where `choice` is true, elsewhere `other`, which must be of the same type.
pub(super) fn either(choice: Expr, one: Expr, other: Expr) -> Expr {
    ScalarUDF::from(Either::new(false)).call(vec![choice, one, other])
}

/// `one` where it is there, elsewhere `other`, which must be of the same type and be there then.
pub(super) fn either_known(one: Expr, other: Expr) -> Expr {
    ScalarUDF::from(Either::new(true)).call(vec![one.clone().is_not_null(), one, other])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Either {
    /// Whether what is chosen is never NULL, though what it is chosen from may be.
    is_known: bool,
    signature: Signature,
}

impl Either {
    fn new(is_known: bool) -> Self {
        Self { is_known, signature: Signature::any(3, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Either {
    fn name(&self) -> &str {
        if self.is_known { "either_known" } else { "either" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [_, one, _] = take_function_args(self.name(), types)?;
        Ok(one.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [_, one, other] = take_function_args(self.name(), args.arg_fields)?;
        let nullable = !self.is_known && (one.is_nullable() || other.is_nullable());
        Ok(Arc::new(Field::new(self.name(), one.data_type().clone(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [choice, one, other] = take_function_args(self.name(), args.args)?;
        let choice: ArrayRef = choice.into_array(rows)?;
        let (one, other): (ArrayRef, ArrayRef) = (one.into_array(rows)?, other.into_array(rows)?);
        let choice: &BooleanArray = choice.as_boolean();
        let chosen: usize = choice.true_count();
        if chosen == rows {
            return Ok(ColumnarValue::Array(one));
        }
        if chosen == 0 {
            return Ok(ColumnarValue::Array(other));
        }
        let is_one = |row: usize| choice.is_valid(row) && choice.value(row);
        let places: Vec<(usize, usize)> = (0..rows).map(|row| (usize::from(!is_one(row)), row)).collect();
        let values: [&dyn Array; 2] = [one.as_ref(), other.as_ref()];
        Ok(ColumnarValue::Array(interleave(&values, &places)?))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::StringViewArray;
    use datafusion::common::config::ConfigOptions;

    use super::*;

    const LONG: &str = "a text that is too long to stand within its view";

    fn check(choice: [Option<bool>; 3], expected: [Option<&str>; 3]) {
        let choice: ArrayRef = Arc::new(BooleanArray::from(choice.to_vec()));
        let one: ArrayRef = Arc::new(StringViewArray::from(vec![Some(LONG), None, None]));
        let other: ArrayRef = Arc::new(StringViewArray::from(vec![Some("x"), Some("y"), None]));
        let field = |array: &ArrayRef| Arc::new(Field::new("v", array.data_type().clone(), true));
        let given = Either::new(false)
            .invoke_with_args(ScalarFunctionArgs {
                arg_fields: vec![field(&choice), field(&one), field(&other)],
                args: vec![ColumnarValue::Array(choice), ColumnarValue::Array(one), ColumnarValue::Array(other)],
                number_rows: 3,
                return_field: Arc::new(Field::new("either", DataType::Utf8View, true)),
                config_options: Arc::new(ConfigOptions::default()),
            })
            .unwrap();
        let given = given.into_array(3).unwrap();
        let given: Vec<Option<&str>> = given.as_string_view().iter().collect();
        assert_eq!(given, expected);
    }

    #[test]
    fn each_row_has_the_value_that_is_chosen_for_it() {
        check([Some(true), Some(false), Some(true)], [Some(LONG), Some("y"), None]);
        check([Some(false), Some(true), None], [Some("x"), None, None]);
    }

    #[test]
    fn where_all_rows_have_one_choice_its_values_are_given_as_they_are() {
        check([Some(true); 3], [Some(LONG), None, None]);
        check([Some(false), None, None], [Some("x"), Some("y"), None]);
    }
}
