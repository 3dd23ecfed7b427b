//! Floats of which equal ones have the same bits.
//!
//! Much of Arrow and DataFusion compares floats by their bits: IN lists, sorts, DISTINCT within aggregates, filters
//! that joins hand to scans. There, a NaN with a sign is less than every number, and -0.0 is not 0.0.
//!
//! * NaN is made one value where it arises: [`super::nan`].
//! * The zeros, which are stored and shown as they are, are made one where they are compared: [`super::zero`].

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::{normalize_float_zero, take_function_args};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;
use frostline_engine::with_one_nan;

/// Of which values there is one form left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OneForm {
    /// Every NaN is positive and has no payload.
    Nan,
    /// Every zero is positive.
    Zero,
}

impl OneForm {
    /// The same values in the form. What is in it already stays as it is; so do literals other than floats.
    pub(super) fn of(self, value: Expr) -> Expr {
        match value {
            Expr::Literal(literal, metadata) => Expr::Literal(self.of_literal(literal), metadata),
            made if self.is_made(&made) => made,
            other => {
                let signature = Signature::any(1, Volatility::Immutable);
                ScalarUDF::from(Former { form: self, signature }).call(vec![other])
            }
        }
    }

    /// The expression without the function of this form around it.
    pub(super) fn without(self, value: Expr) -> Expr {
        match value {
            Expr::ScalarFunction(mut call) if call.func.name() == self.name() && call.args.len() == 1 => {
                call.args.pop().unwrap_or_default()
            }
            other => other,
        }
    }

    /// Whether an expression is a call of the function of this form.
    pub(super) fn is_made(self, value: &Expr) -> bool {
        matches!(value, Expr::ScalarFunction(call) if call.func.name() == self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nan => "one_nan",
            Self::Zero => "one_zero",
        }
    }

    fn of_literal(self, literal: ScalarValue) -> ScalarValue {
        match (self, literal) {
            (Self::Nan, ScalarValue::Float32(Some(value))) if value.is_nan() => ScalarValue::Float32(Some(f32::NAN)),
            (Self::Nan, ScalarValue::Float64(Some(value))) if value.is_nan() => ScalarValue::Float64(Some(f64::NAN)),
            (Self::Zero, ScalarValue::Float32(Some(0.0))) => ScalarValue::Float32(Some(0.0)),
            (Self::Zero, ScalarValue::Float64(Some(0.0))) => ScalarValue::Float64(Some(0.0)),
            (_, other) => other,
        }
    }

    fn of_array(self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Nan => Ok(with_one_nan(array)?),
            Self::Zero => Ok(normalize_float_zero(array)),
        }
    }
}

/// Whether an expression yields floats.
pub(super) fn is_float(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| data_type.is_floating())
}

/// The function that gives floats a form.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Former {
    form: OneForm,
    signature: Signature,
}

impl ScalarUDFImpl for Former {
    fn name(&self) -> &str {
        self.form.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [value] = take_function_args(self.name(), types)?;
        Ok(value.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [value] = take_function_args(self.name(), args.arg_fields)?;
        Ok(Arc::new(Field::new(self.name(), value.data_type().clone(), value.is_nullable())))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        Ok(match value {
            ColumnarValue::Array(values) => ColumnarValue::Array(self.form.of_array(&values)?),
            ColumnarValue::Scalar(value) if value.data_type().is_floating() => {
                ColumnarValue::Scalar(self.form.of_literal(value))
            }
            ColumnarValue::Scalar(value) => {
                let formed = self.form.of_array(&value.to_array()?)?;
                ColumnarValue::Scalar(ScalarValue::try_from_array(&formed, 0)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    #[test]
    fn a_form_is_given_once() {
        for form in [OneForm::Nan, OneForm::Zero] {
            let once = form.of(col("x"));
            assert!(form.is_made(&once));
            assert_eq!(form.of(once.clone()), once);
            assert_eq!(form.without(once), col("x"));
        }
    }

    #[test]
    fn literals_take_the_form_themselves() {
        let bits = |expr: Expr| match expr {
            Expr::Literal(ScalarValue::Float64(Some(value)), _) => value.to_bits(),
            _ => u64::MAX,
        };
        assert_eq!(bits(OneForm::Zero.of(lit(-0.0))), 0);
        assert_eq!(bits(OneForm::Zero.of(lit(1.5))), 1.5_f64.to_bits());
        assert_eq!(bits(OneForm::Nan.of(lit(-f64::NAN))), f64::NAN.to_bits());
        assert_eq!(bits(OneForm::Nan.of(lit(-0.0))), (-0.0_f64).to_bits());
        assert_eq!(OneForm::Zero.of(lit(1_i64)), lit(1_i64));
    }
}
