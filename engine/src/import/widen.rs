//! The narrowest type that holds the values of two.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// The narrowest type of Frostline that holds all values of both types, or `None` if none does.
///
/// * Integers widen to integers, then to a decimal; with floats to double, as SQL does.
/// * Dates widen to timestamps; timestamps with and without time zone have nothing in common.
/// * Text and everything else have nothing in common: turning values into text is a decision of the user.
/// * Nested types must be the same but for what may be NULL in them.
pub(crate) fn widen(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    if is_number(left) && is_number(right) {
        return widen_numbers(left, right);
    }
    match (left, right) {
        (DataType::Date32, DataType::Timestamp(unit, None)) | (DataType::Timestamp(unit, None), DataType::Date32) => {
            Some(DataType::Timestamp(*unit, None))
        }
        (DataType::Timestamp(left, left_zone), DataType::Timestamp(right, right_zone)) if left_zone == right_zone => {
            Some(DataType::Timestamp(finer_unit(*left, *right), left_zone.clone()))
        }
        (DataType::Time64(left), DataType::Time64(right)) => Some(DataType::Time64(finer_unit(*left, *right))),
        _ if is_same_shape(left, right) => Some(loosen(left)),
        _ => None,
    }
}

/// Whether two types differ only in what may be NULL inside them, and in what readers leave out of account.
pub(crate) fn is_same_shape(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::List(left), DataType::List(right)) => is_same_shape(left.data_type(), right.data_type()),
        (DataType::Struct(left), DataType::Struct(right)) => have_same_shape(left, right),
        (DataType::Map(left, left_sorted), DataType::Map(right, right_sorted)) => {
            left_sorted == right_sorted
                && match (left.data_type(), right.data_type()) {
                    // Keys and values have no names that count.
                    (DataType::Struct(left), DataType::Struct(right)) if left.len() == 2 && right.len() == 2 => {
                        left.iter().zip(right).all(|(left, right)| is_same_shape(left.data_type(), right.data_type()))
                    }
                    _ => false,
                }
        }
        (left, right) => left == right,
    }
}

fn have_same_shape(left: &Fields, right: &Fields) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.name() == right.name() && is_same_shape(left.data_type(), right.data_type()))
}

/// The same type with everything inside it nullable, but for the keys and entries of maps, which never are.
fn loosen(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(field) => DataType::List(Arc::new(loosen_field(field))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| loosen_field(field)).collect()),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let key = Field::new(pair[0].name(), loosen(pair[0].data_type()), false);
                let pair = Fields::from(vec![key, loosen_field(&pair[1])]);
                DataType::Map(Arc::new(Field::new(entries.name(), DataType::Struct(pair), false)), *sorted)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

fn loosen_field(field: &Field) -> Field {
    Field::new(field.name(), loosen(field.data_type()), true)
}

fn is_number(data_type: &DataType) -> bool {
    integer_digits(data_type).is_some()
        || matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _))
}

fn widen_numbers(left: &DataType, right: &DataType) -> Option<DataType> {
    if matches!(left, DataType::Float32 | DataType::Float64) || matches!(right, DataType::Float32 | DataType::Float64) {
        return Some(DataType::Float64);
    }
    if let (Some(left_bits), Some(right_bits)) = (signed_bits(left), signed_bits(right)) {
        return Some(match left_bits.max(right_bits) {
            8 => DataType::Int8,
            16 => DataType::Int16,
            32 => DataType::Int32,
            _ => DataType::Int64,
        });
    }
    if let (Some(left_bits), Some(right_bits)) = (unsigned_bits(left), unsigned_bits(right)) {
        return Some(match left_bits.max(right_bits) {
            8 => DataType::UInt8,
            16 => DataType::UInt16,
            32 => DataType::UInt32,
            _ => DataType::UInt64,
        });
    }
    if let (Some(left_bits), Some(right_bits)) = (any_bits(left), any_bits(right)) {
        // An unsigned integer needs the next larger signed one.
        let bits = left_bits.max(right_bits);
        if bits <= 64 {
            return Some(match bits {
                16 => DataType::Int16,
                32 => DataType::Int32,
                _ => DataType::Int64,
            });
        }
        return Some(DataType::Decimal128(20, 0));
    }
    let (left_whole, left_scale) = decimal_places(left)?;
    let (right_whole, right_scale) = decimal_places(right)?;
    let scale = left_scale.max(right_scale);
    let precision = left_whole.max(right_whole) + scale;
    if precision > 38 {
        return None;
    }
    Some(DataType::Decimal128(u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}

fn signed_bits(data_type: &DataType) -> Option<u32> {
    match data_type {
        DataType::Int8 => Some(8),
        DataType::Int16 => Some(16),
        DataType::Int32 => Some(32),
        DataType::Int64 => Some(64),
        _ => None,
    }
}

fn unsigned_bits(data_type: &DataType) -> Option<u32> {
    match data_type {
        DataType::UInt8 => Some(8),
        DataType::UInt16 => Some(16),
        DataType::UInt32 => Some(32),
        DataType::UInt64 => Some(64),
        _ => None,
    }
}

/// The bits of the signed integer that holds an integer type.
fn any_bits(data_type: &DataType) -> Option<u32> {
    signed_bits(data_type).or_else(|| unsigned_bits(data_type).map(|bits| bits * 2))
}

/// How many decimal digits an integer type can have.
fn integer_digits(data_type: &DataType) -> Option<i32> {
    match data_type {
        DataType::Int8 | DataType::UInt8 => Some(3),
        DataType::Int16 | DataType::UInt16 => Some(5),
        DataType::Int32 | DataType::UInt32 => Some(10),
        DataType::Int64 => Some(19),
        DataType::UInt64 => Some(20),
        _ => None,
    }
}

/// Digits before and after the point.
fn decimal_places(data_type: &DataType) -> Option<(i32, i32)> {
    match data_type {
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (i32::from(*precision), i32::from(*scale));
            Some((precision - scale, scale))
        }
        other => integer_digits(other).map(|digits| (digits, 0)),
    }
}

fn finer_unit(left: TimeUnit, right: TimeUnit) -> TimeUnit {
    // The units are declared from the coarsest to the finest.
    left.max(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &DataType, right: &DataType, expected: Option<DataType>) {
        assert_eq!(widen(left, right), expected, "{left} and {right}");
        assert_eq!(widen(right, left), expected, "{right} and {left}");
    }

    #[test]
    fn numbers_widen_to_numbers() {
        check(&DataType::Int8, &DataType::Int32, Some(DataType::Int32));
        check(&DataType::UInt8, &DataType::UInt32, Some(DataType::UInt32));
        check(&DataType::UInt8, &DataType::Int8, Some(DataType::Int16));
        check(&DataType::UInt32, &DataType::Int8, Some(DataType::Int64));
        check(&DataType::UInt64, &DataType::Int8, Some(DataType::Decimal128(20, 0)));
        check(&DataType::Int64, &DataType::Float32, Some(DataType::Float64));
        check(&DataType::Int32, &DataType::Decimal128(10, 2), Some(DataType::Decimal128(12, 2)));
        check(&DataType::Decimal128(38, 0), &DataType::Decimal128(10, 2), None);
    }

    #[test]
    fn dates_widen_to_timestamps() {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        check(&DataType::Date32, &micros, Some(micros.clone()));
        check(&micros, &nanos, Some(nanos.clone()));
        check(&micros, &zoned, None);
        check(&DataType::Date32, &zoned, None);
    }

    #[test]
    fn text_has_nothing_in_common_with_numbers() {
        check(&DataType::Utf8View, &DataType::Int64, None);
        check(&DataType::Boolean, &DataType::Int64, None);
    }

    #[test]
    fn nested_types_differ_only_in_what_may_be_null() {
        let list = |nullable: bool| DataType::List(Arc::new(Field::new("item", DataType::Int64, nullable)));
        check(&list(false), &list(true), Some(list(true)));
        let other = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
        check(&list(true), &other, None);
    }
}
