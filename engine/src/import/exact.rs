//! Casts that change no value.
//!
//! Arrow's casts cut fractions off when floats become integers, round decimals and drop digits of timestamps. Here a
//! value that would change is an error: the cast is made both ways and compared.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{FormatOptions, array_value_to_string};

use super::error::shorten_value;
use super::normalise::normalise_type;
use super::type_name::sql_type_name;
use super::widen::{is_same_shape, widen};

/// Why a cast was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExactCastError {
    /// Values of one type are none of the other, like text and numbers, or timestamps with and without time zone.
    #[error("{found} cannot become {expected}; write a CAST")]
    Types {
        /// The type of the values.
        found: String,
        /// The type wanted.
        expected: String,
    },
    /// A value would change, or has no counterpart.
    #[error("row {row}: `{value}` is not a valid {expected}")]
    Value {
        /// Its row in the column, from 0.
        row: usize,
        /// The value, shortened.
        value: String,
        /// The type wanted.
        expected: String,
    },
    /// Arrow refused.
    #[error("the values cannot be encoded as {expected}")]
    Arrow {
        /// The type wanted.
        expected: String,
        /// Why.
        source: ArrowError,
    },
}

/// The same values as another type.
///
/// * To the type that normalising gives, and where types differ only in what may be NULL inside: always.
/// * Between numbers, dates and timestamps, timestamps of one kind, and times: if every value survives the way back.
/// * Anything else is refused.
///
/// # Errors
/// Values of another kind; the first value that would change.
pub fn cast_exact(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ExactCastError> {
    if array.data_type() == to {
        return Ok(ArrayRef::clone(array));
    }
    let Ok(normal) = normalise_type(array.data_type()) else {
        return Err(types_error(array.data_type(), to));
    };
    if is_same_shape(&normal, to) {
        return encode(array, to);
    }
    if !is_comparable(&normal, to) {
        return Err(types_error(&normal, to));
    }
    let original = encode(array, &normal)?;
    let cast = try_cast(&original, to)?;
    let back = try_cast(&cast, &normal)?;
    match first_change(&original, &back, to)? {
        Some(row) => Err(ExactCastError::Value {
            row,
            value: shorten_value(&array_value_to_string(&original, row).unwrap_or_default()),
            expected: sql_type_name(to),
        }),
        None => Ok(cast),
    }
}

/// Whether [`cast_exact`] keeps the values of these types whatever they are.
///
/// * To the type that normalising gives; from narrower integers, decimals and floats to wider ones.
/// * Only instants beyond what their new unit can count are still refused.
pub fn is_always_exact(from: &DataType, to: &DataType) -> bool {
    let Ok(normal) = normalise_type(from) else { return false };
    if is_same_shape(&normal, to) {
        return true;
    }
    let is_float = |data_type: &DataType| matches!(data_type, DataType::Float32 | DataType::Float64);
    let is_kept = is_number(&normal) && is_number(to) && (!is_float(to) || normal == DataType::Float32);
    is_kept && widen(&normal, to).as_ref() == Some(to)
}

/// The first row whose value is not what it was. A value that could not be cast is NULL by now.
fn first_change(original: &ArrayRef, back: &ArrayRef, to: &DataType) -> Result<Option<usize>, ExactCastError> {
    let changed: BooleanArray = distinct(original, back).map_err(|source| arrow_error(to, source))?;
    Ok((0..changed.len()).find(|row| changed.is_valid(*row) && changed.value(*row)))
}

/// The same values in another encoding. Fails as a whole: it cannot fail for single values but by overflow.
fn encode(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ExactCastError> {
    if array.data_type() == to {
        return Ok(ArrayRef::clone(array));
    }
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    cast_with_options(array, to, &options).map_err(|source| arrow_error(to, source))
}

/// A cast in which values that do not fit become NULL.
fn try_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ExactCastError> {
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    cast_with_options(array, to, &options).map_err(|source| arrow_error(to, source))
}

fn is_comparable(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Date32, DataType::Timestamp(_, None)) | (DataType::Timestamp(_, None), DataType::Date32) => true,
        (DataType::Timestamp(_, from), DataType::Timestamp(_, to)) => from.is_some() == to.is_some(),
        (DataType::Time64(_), DataType::Time64(_)) => true,
        _ => is_number(from) && is_number(to),
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _))
}

fn types_error(found: &DataType, expected: &DataType) -> ExactCastError {
    ExactCastError::Types { found: sql_type_name(found), expected: sql_type_name(expected) }
}

fn arrow_error(expected: &DataType, source: ArrowError) -> ExactCastError {
    ExactCastError::Arrow { expected: sql_type_name(expected), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::TimeUnit;

    use super::*;

    fn check(array: ArrayRef, to: &DataType, expected: &str) {
        let shown = match cast_exact(&array, to) {
            Ok(cast) => {
                assert_eq!(cast.data_type(), to);
                let values: Vec<String> =
                    (0..cast.len()).map(|row| array_value_to_string(&cast, row).unwrap()).collect();
                values.join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    fn doubles(values: Vec<f64>) -> ArrayRef {
        Arc::new(Float64Array::from(values))
    }

    #[test]
    fn numbers_are_cast_if_they_stay_the_same() {
        check(doubles(vec![1.0, 2.0]), &DataType::Int8, "1 2");
        check(doubles(vec![1.0, 1.5]), &DataType::Int64, "row 1: `1.5` is not a valid bigint");
        check(doubles(vec![f64::NAN]), &DataType::Int64, "row 0: `NaN` is not a valid bigint");
        check(doubles(vec![0.5]), &DataType::Decimal128(4, 2), "0.50");
        let large: ArrayRef = Arc::new(Int64Array::from(vec![Some(1 << 53), None, Some((1 << 53) + 1)]));
        check(large, &DataType::Float64, "row 2: `9007199254740993` is not a valid double");
        let prices: ArrayRef = Arc::new(Decimal128Array::from(vec![150, 155]).with_precision_and_scale(10, 2).unwrap());
        check(prices, &DataType::Decimal128(10, 1), "row 1: `1.55` is not a valid decimal(10, 1)");
    }

    #[test]
    fn moments_are_cast_if_they_stay_the_same() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![1]));
        check(days, &DataType::Timestamp(TimeUnit::Millisecond, None), "1970-01-02T00:00:00");
        let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_000, 1_001]));
        check(
            moments,
            &DataType::Timestamp(TimeUnit::Millisecond, None),
            "row 1: `1970-01-01T00:00:00.001001` is not a valid timestamp(3)",
        );
    }

    #[test]
    fn wider_numbers_hold_all_values_of_narrower_ones_but_floats_those_of_no_integer() {
        assert!(is_always_exact(&DataType::Utf8, &DataType::Utf8View));
        assert!(is_always_exact(&DataType::Int32, &DataType::Int64));
        assert!(is_always_exact(&DataType::UInt32, &DataType::Int64));
        assert!(is_always_exact(&DataType::Int64, &DataType::Decimal128(20, 1)));
        assert!(is_always_exact(&DataType::Float32, &DataType::Float64));
        assert!(!is_always_exact(&DataType::Int64, &DataType::Int32));
        assert!(!is_always_exact(&DataType::Int64, &DataType::Float64));
        assert!(!is_always_exact(&DataType::Date32, &DataType::Timestamp(TimeUnit::Nanosecond, None)));
        assert!(!is_always_exact(&DataType::Utf8, &DataType::Int64));
    }

    #[test]
    fn text_is_never_taken_for_a_number() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        check(texts, &DataType::Int64, "text cannot become bigint; write a CAST");
    }
}
