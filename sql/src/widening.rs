//! Which types a column may widen to: those that hold every value of its own type, as the same value.
//!
//! | from | to |
//! |---|---|
//! | an integer type | a wider one; without a sign, also a wider one with a sign |
//! | an integer of up to 16 bits | `REAL` |
//! | an integer of up to 32 bits | `DOUBLE` |
//! | an integer type | `DECIMAL(p,s)` with room for all its digits before the point |
//! | `REAL` | `DOUBLE` |
//! | `DECIMAL(p,s)` | `DECIMAL` with as many digits before the point, and as many behind it, or more |
//! | `DATE` | `TIMESTAMP(3)`, `TIMESTAMP` |
//! | `TIME(6)` | `TIME(9)` |
//! | a list, struct or map | the same, whose elements, fields and values widen |
//!
//! Rows stay as they were written, and are widened when they are read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use crate::type_name::sql_type;

/// The type that a column of one type gets when it is declared as another: its nested fields keep their ids and names.
/// `None` if a value could be lost.
pub(crate) fn widened(from: &DataType, to: &DataType) -> Option<DataType> {
    match (from, to) {
        (DataType::List(found), DataType::List(wanted)) => {
            Some(DataType::List(with_type(found, widened(found.data_type(), wanted.data_type())?)))
        }
        (DataType::Struct(found), DataType::Struct(wanted)) => {
            if found.len() != wanted.len() {
                return None;
            }
            let mut fields: Vec<FieldRef> = Vec::with_capacity(found.len());
            for (field, wanted) in found.iter().zip(wanted.iter()) {
                if field.name() != wanted.name() {
                    return None;
                }
                fields.push(with_type(field, widened(field.data_type(), wanted.data_type())?));
            }
            Some(DataType::Struct(fields.into_iter().collect()))
        }
        (DataType::Map(found, sorted), DataType::Map(wanted, _)) => {
            let (DataType::Struct(found_pair), DataType::Struct(wanted_pair)) = (found.data_type(), wanted.data_type())
            else {
                return None;
            };
            if found_pair.len() != wanted_pair.len() {
                return None;
            }
            let mut fields: Vec<FieldRef> = Vec::with_capacity(found_pair.len());
            for (field, wanted) in found_pair.iter().zip(wanted_pair.iter()) {
                fields.push(with_type(field, widened(field.data_type(), wanted.data_type())?));
            }
            let entries = with_type(found, DataType::Struct(fields.into_iter().collect()));
            Some(DataType::Map(entries, *sorted))
        }
        _ if from == to || widens(from, to) => Some(to.clone()),
        _ => None,
    }
}

/// What a type widens to, for people; `None` if there is nothing wider.
pub(crate) fn wider_types(from: &DataType) -> Option<String> {
    use DataType as T;
    let mut names: Vec<String> = PLAIN.iter().filter(|to| *to != from && widens(from, to)).map(sql_type).collect();
    match from {
        T::Decimal128(precision, scale) if *precision < 38 => {
            let before = i16::from(*precision) - i16::from(*scale);
            names.push(format!("DECIMAL with at least {before} digits before the point and {scale} behind it"));
        }
        _ => {
            if let Some(digits) = integer_digits(from) {
                names.push(format!("DECIMAL with at least {digits} digits before the point"));
            }
        }
    }
    let last = names.pop()?;
    if names.is_empty() { Some(last) } else { Some(format!("{} and {last}", names.join(", "))) }
}

/// The types without parameters that something widens to.
const PLAIN: [DataType; 12] = [
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::UInt16,
    DataType::UInt32,
    DataType::UInt64,
    DataType::Float32,
    DataType::Float64,
    DataType::Timestamp(TimeUnit::Millisecond, None),
    DataType::Timestamp(TimeUnit::Microsecond, None),
    DataType::Time64(TimeUnit::Nanosecond),
    DataType::Int8,
];

/// Whether every value of a type that is not nested is also one of another.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Float32, T::Float64)
        | (T::Date32, T::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond, None))
        | (T::Time64(TimeUnit::Microsecond), T::Time64(TimeUnit::Nanosecond)) => true,
        (T::Decimal128(from_digits, from_scale), T::Decimal128(digits, scale)) => {
            let before = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
            *scale >= *from_scale && before(*digits, *scale) >= before(*from_digits, *from_scale)
        }
        (_, T::Decimal128(precision, scale)) => {
            let room = i16::from(*precision) - i16::from(*scale);
            integer_digits(from).is_some_and(|digits| room >= digits)
        }
        (_, T::Float32) => integer_bits(from).is_some_and(|(bits, _)| bits <= 16),
        (_, T::Float64) => integer_bits(from).is_some_and(|(bits, _)| bits <= 32),
        _ => match (integer_bits(from), integer_bits(to)) {
            (Some((from_bits, from_signed)), Some((bits, signed))) if from_signed == signed => bits > from_bits,
            (Some((from_bits, false)), Some((bits, true))) => bits > from_bits,
            _ => false,
        },
    }
}

/// How many bits an integer type has, and whether one is a sign.
fn integer_bits(data_type: &DataType) -> Option<(u8, bool)> {
    match data_type {
        DataType::Int8 => Some((8, true)),
        DataType::Int16 => Some((16, true)),
        DataType::Int32 => Some((32, true)),
        DataType::Int64 => Some((64, true)),
        DataType::UInt8 => Some((8, false)),
        DataType::UInt16 => Some((16, false)),
        DataType::UInt32 => Some((32, false)),
        DataType::UInt64 => Some((64, false)),
        _ => None,
    }
}

/// How many decimal digits the values of an integer type have at most.
fn integer_digits(data_type: &DataType) -> Option<i16> {
    match integer_bits(data_type)? {
        (8, _) => Some(3),
        (16, _) => Some(5),
        (32, _) => Some(10),
        (64, true) => Some(19),
        _ => Some(20),
    }
}

/// A field of another type, with the same name, nullability and id.
fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    let other: Field = field.as_ref().clone().with_data_type(data_type);
    Arc::new(other)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int8Array, Int64Array, UInt32Array};
    use arrow::compute::{CastOptions, cast_with_options};
    use frostline_catalog::FieldId;
    use frostline_catalog::schema::{field_id, with_field_id};

    use super::*;

    fn check(from: &DataType, wider: &[DataType], others: &[DataType]) {
        for to in wider {
            assert_eq!(widened(from, to).as_ref(), Some(to), "{from} to {to}");
        }
        for to in others {
            assert_eq!(widened(from, to), None, "{from} to {to}");
        }
    }

    #[test]
    fn integers_widen_to_what_holds_all_of_them() {
        use DataType as T;
        check(
            &T::Int32,
            &[T::Int64, T::Float64, T::Decimal128(10, 0), T::Decimal128(12, 2)],
            &[T::Int16, T::UInt64, T::Float32, T::Decimal128(9, 0), T::Decimal128(11, 2), T::Utf8View],
        );
        check(&T::UInt16, &[T::UInt32, T::Int32, T::Float32], &[T::Int16, T::UInt8]);
        check(&T::Int64, &[T::Decimal128(19, 0)], &[T::Float64, T::UInt64, T::Decimal128(18, 0)]);
        check(&T::UInt64, &[T::Decimal128(20, 0)], &[T::Int64, T::Decimal128(19, 0)]);
    }

    #[test]
    fn decimals_keep_their_digits_on_both_sides_of_the_point() {
        use DataType as T;
        check(
            &T::Decimal128(10, 2),
            &[T::Decimal128(11, 2), T::Decimal128(12, 4), T::Decimal128(38, 20)],
            &[T::Decimal128(10, 4), T::Decimal128(9, 1), T::Decimal128(9, 2), T::Float64],
        );
    }

    #[test]
    fn dates_and_times_widen_where_no_value_is_out_of_range() {
        use DataType as T;
        let stamp = |unit: TimeUnit| T::Timestamp(unit, None);
        let instant = T::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        check(
            &T::Date32,
            &[stamp(TimeUnit::Millisecond), stamp(TimeUnit::Microsecond)],
            &[stamp(TimeUnit::Nanosecond), instant],
        );
        check(&stamp(TimeUnit::Millisecond), &[], &[stamp(TimeUnit::Microsecond), T::Date32]);
        check(&T::Time64(TimeUnit::Microsecond), &[T::Time64(TimeUnit::Nanosecond)], &[]);
        check(&T::Float32, &[T::Float64], &[T::Decimal128(38, 10)]);
    }

    #[test]
    fn nested_types_widen_field_by_field_and_keep_their_ids() {
        let with_id = |id: i32, name: &str, data_type: DataType| -> FieldRef {
            Arc::new(with_field_id(Field::new(name, data_type, true), FieldId::new(id)))
        };
        let plain = |name: &str, data_type: DataType| -> FieldRef { Arc::new(Field::new(name, data_type, true)) };
        let from = DataType::List(with_id(2, "item", DataType::Struct([with_id(3, "a", DataType::Int32)].into())));
        let to = DataType::List(plain("item", DataType::Struct([plain("a", DataType::Int64)].into())));
        let Some(DataType::List(element)) = widened(&from, &to) else { panic!("it widens") };
        assert_eq!(field_id(&element), Some(FieldId::new(2)));
        let DataType::Struct(fields) = element.data_type() else { panic!("a struct stays one") };
        assert_eq!((field_id(&fields[0]), fields[0].data_type()), (Some(FieldId::new(3)), &DataType::Int64));
        let renamed = DataType::List(plain("item", DataType::Struct([plain("b", DataType::Int64)].into())));
        assert_eq!(widened(&from, &renamed), None);
    }

    #[test]
    fn what_is_possible_is_named() {
        assert_eq!(wider_types(&DataType::Float32).as_deref(), Some("DOUBLE"));
        assert_eq!(
            wider_types(&DataType::Int32).as_deref(),
            Some("BIGINT, DOUBLE and DECIMAL with at least 10 digits before the point")
        );
        assert_eq!(
            wider_types(&DataType::Decimal128(10, 2)).as_deref(),
            Some("DECIMAL with at least 8 digits before the point and 2 behind it")
        );
        assert_eq!(wider_types(&DataType::Date32).as_deref(), Some("TIMESTAMP(3) and TIMESTAMP"));
        assert_eq!(wider_types(&DataType::Utf8View), None);
    }

    #[test]
    fn the_extreme_values_of_a_type_are_there_and_back_again() {
        let extremes: Vec<ArrayRef> = vec![
            Arc::new(Int8Array::from(vec![i8::MIN, i8::MAX])),
            Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])),
            Arc::new(UInt32Array::from(vec![u32::MIN, u32::MAX])),
        ];
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let decimals = [DataType::Decimal128(3, 0), DataType::Decimal128(19, 0), DataType::Decimal128(10, 0)];
        for values in extremes {
            for to in PLAIN.iter().chain(&decimals).filter(|to| widens(values.data_type(), to)) {
                let wide = cast_with_options(&values, to, &strict).unwrap();
                let back = cast_with_options(&wide, values.data_type(), &strict).unwrap();
                assert_eq!(&back, &values, "{} to {to}", values.data_type());
            }
        }
    }
}
