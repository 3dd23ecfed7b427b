//! Text into a column of a type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryViewBuilder, BooleanBuilder, PrimitiveBuilder, StringViewBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::candidates::is_as_inferred;
use super::instant::{parse_date, parse_time, parse_timestamp};
use super::value::{parse_boolean, parse_bytes, parse_decimal, parse_float32, parse_float64};

/// Why a column could not be built.
#[derive(Debug)]
pub(crate) enum ColumnError {
    /// The type cannot hold the text of a row.
    Value {
        /// The row, from 0.
        row: usize,
        /// Its text.
        text: String,
    },
    /// No text becomes this type.
    Type,
    /// The parts do not fit together.
    Arrow(arrow::error::ArrowError),
}

/// Whether text can become this type, so that [`build_column`] will not answer with [`ColumnError::Type`].
pub(crate) fn is_scalar(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Utf8View
        | DataType::BinaryView
        | DataType::Date32
        | DataType::Time64(TimeUnit::Microsecond | TimeUnit::Nanosecond) => true,
        DataType::Timestamp(_, zone) => zone.as_deref().is_none_or(is_utc),
        _ => false,
    }
}

/// Whether scalars, and lists, structs and maps of them, can become this type.
pub(crate) fn is_nested_or_scalar(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(field) => is_nested_or_scalar(field.data_type()),
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|field| is_nested_or_scalar(field.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                is_scalar(pair[0].data_type()) && is_nested_or_scalar(pair[1].data_type())
            }
            _ => false,
        },
        other => is_scalar(other),
    }
}

/// Where the type of a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeOrigin {
    /// A table, or the user. Every spelling of a value will do.
    Declared,
    /// The first rows of the files. Only what would have led to the same type is a value: text such as `00501` behind
    /// those rows is no number, because it would be another text when written again.
    Inferred,
}

/// Builds a column of so many rows. `cell` gives the text of a row, or `None` for NULL.
///
/// Blanks around a value mean nothing, except in text.
pub(crate) fn build_column<'a, C>(
    data_type: &DataType,
    origin: TypeOrigin,
    rows: usize,
    cell: C,
) -> Result<ArrayRef, ColumnError>
where
    C: Fn(usize) -> Option<&'a str>,
{
    if origin == TypeOrigin::Inferred && *data_type != DataType::Utf8View {
        check_spellings(data_type, rows, &cell)?;
    }
    match data_type {
        DataType::Boolean => booleans(rows, cell),
        DataType::Int8 => primitives::<Int8Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::Int16 => primitives::<Int16Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::Int32 => primitives::<Int32Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::Int64 => primitives::<Int64Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::UInt8 => primitives::<UInt8Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::UInt16 => primitives::<UInt16Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::UInt32 => primitives::<UInt32Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::UInt64 => primitives::<UInt64Type, C, _>(data_type, rows, cell, |text| text.parse().ok()),
        DataType::Float32 => primitives::<Float32Type, C, _>(data_type, rows, cell, parse_float32),
        DataType::Float64 => primitives::<Float64Type, C, _>(data_type, rows, cell, parse_float64),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            primitives::<Decimal128Type, C, _>(data_type, rows, cell, |text| parse_decimal(text, precision, scale))
        }
        DataType::Date32 => primitives::<Date32Type, C, _>(data_type, rows, cell, parse_date),
        DataType::Time64(TimeUnit::Microsecond) => {
            let parse = |text: &str| parse_time(text, TimeUnit::Microsecond);
            primitives::<Time64MicrosecondType, C, _>(data_type, rows, cell, parse)
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            let parse = |text: &str| parse_time(text, TimeUnit::Nanosecond);
            primitives::<Time64NanosecondType, C, _>(data_type, rows, cell, parse)
        }
        DataType::Timestamp(unit, zone) if zone.as_deref().is_none_or(is_utc) => {
            let zoned = zone.is_some();
            let unit = *unit;
            let parse = |text: &str| parse_timestamp(text, unit, zoned);
            match unit {
                TimeUnit::Second => primitives::<TimestampSecondType, C, _>(data_type, rows, cell, parse),
                TimeUnit::Millisecond => primitives::<TimestampMillisecondType, C, _>(data_type, rows, cell, parse),
                TimeUnit::Microsecond => primitives::<TimestampMicrosecondType, C, _>(data_type, rows, cell, parse),
                TimeUnit::Nanosecond => primitives::<TimestampNanosecondType, C, _>(data_type, rows, cell, parse),
            }
        }
        DataType::Utf8View => Ok(texts(rows, cell)),
        DataType::BinaryView => binaries(rows, cell),
        _ => Err(ColumnError::Type),
    }
}

fn check_spellings<'a, C>(data_type: &DataType, rows: usize, cell: &C) -> Result<(), ColumnError>
where
    C: Fn(usize) -> Option<&'a str>,
{
    for row in 0..rows {
        if let Some(text) = cell(row)
            && !is_as_inferred(trim_blanks(text), data_type)
        {
            return Err(bad_value(row, text));
        }
    }
    Ok(())
}

fn is_utc(zone: &str) -> bool {
    zone.eq_ignore_ascii_case("utc") || zone == "+00:00"
}

fn primitives<'a, T, C, P>(data_type: &DataType, rows: usize, cell: C, parse: P) -> Result<ArrayRef, ColumnError>
where
    T: ArrowPrimitiveType,
    C: Fn(usize) -> Option<&'a str>,
    P: Fn(&str) -> Option<T::Native>,
{
    let mut builder = PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(data_type.clone());
    for row in 0..rows {
        match cell(row) {
            None => builder.append_null(),
            Some(text) => match parse(trim_blanks(text)) {
                Some(value) => builder.append_value(value),
                None => return Err(bad_value(row, text)),
            },
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn booleans<'a, C>(rows: usize, cell: C) -> Result<ArrayRef, ColumnError>
where
    C: Fn(usize) -> Option<&'a str>,
{
    let mut builder = BooleanBuilder::with_capacity(rows);
    for row in 0..rows {
        match cell(row) {
            None => builder.append_null(),
            Some(text) => match parse_boolean(trim_blanks(text)) {
                Some(value) => builder.append_value(value),
                None => return Err(bad_value(row, text)),
            },
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn texts<'a, C>(rows: usize, cell: C) -> ArrayRef
where
    C: Fn(usize) -> Option<&'a str>,
{
    let mut builder = StringViewBuilder::with_capacity(rows);
    for row in 0..rows {
        match cell(row) {
            None => builder.append_null(),
            Some(text) => builder.append_value(text),
        }
    }
    Arc::new(builder.finish())
}

fn binaries<'a, C>(rows: usize, cell: C) -> Result<ArrayRef, ColumnError>
where
    C: Fn(usize) -> Option<&'a str>,
{
    let mut builder = BinaryViewBuilder::with_capacity(rows);
    for row in 0..rows {
        match cell(row) {
            None => builder.append_null(),
            Some(text) => match parse_bytes(trim_blanks(text)) {
                Some(value) => builder.append_value(value),
                None => return Err(bad_value(row, text)),
            },
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn trim_blanks(text: &str) -> &str {
    text.trim_matches(' ')
}

fn bad_value(row: usize, text: &str) -> ColumnError {
    ColumnError::Value { row, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn build(data_type: &DataType, texts: &[Option<&str>]) -> Result<Vec<String>, String> {
        match build_column(data_type, TypeOrigin::Declared, texts.len(), |row| texts[row]) {
            Ok(array) => {
                assert_eq!(array.data_type(), data_type);
                Ok((0..array.len()).map(|row| array_value_to_string(&array, row).unwrap()).collect())
            }
            Err(ColumnError::Value { row, text }) => Err(format!("{row}: {text}")),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    #[test]
    fn every_scalar_type_is_built() {
        let utc = || Some("UTC".into());
        for (data_type, text, shown) in [
            (DataType::Boolean, " true ", "true"),
            (DataType::Int8, "-128", "-128"),
            (DataType::Int16, "+7", "7"),
            (DataType::Int32, "007", "7"),
            (DataType::Int64, "9223372036854775807", "9223372036854775807"),
            (DataType::UInt8, "255", "255"),
            (DataType::UInt16, "1", "1"),
            (DataType::UInt32, "1", "1"),
            (DataType::UInt64, "18446744073709551615", "18446744073709551615"),
            (DataType::Float32, "1.5", "1.5"),
            (DataType::Float64, "1.5", "1.5"),
            (DataType::Decimal128(10, 2), "1.5", "1.50"),
            (DataType::Utf8View, " a ", " a "),
            (DataType::BinaryView, "\\x00ff", "00ff"),
            (DataType::Date32, "2024-02-29", "2024-02-29"),
            (DataType::Time64(TimeUnit::Microsecond), "10:00", "10:00:00"),
            (DataType::Time64(TimeUnit::Nanosecond), "10:00", "10:00:00"),
            (DataType::Timestamp(TimeUnit::Second, None), "2024-01-01 10:00", "2024-01-01T10:00:00"),
            (DataType::Timestamp(TimeUnit::Millisecond, None), "2024-01-01", "2024-01-01T00:00:00"),
            (DataType::Timestamp(TimeUnit::Microsecond, utc()), "2024-01-01T02:00+02:00", "2024-01-01T00:00:00Z"),
            (DataType::Timestamp(TimeUnit::Nanosecond, utc()), "2024-01-01", "2024-01-01T00:00:00Z"),
        ] {
            assert!(is_scalar(&data_type));
            let built = build(&data_type, &[Some(text), None]);
            assert_eq!(built, Ok(vec![shown.to_owned(), String::new()]), "{data_type}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_row() {
        assert_eq!(build(&DataType::Int8, &[Some("1"), Some("128")]), Err("1: 128".to_owned()));
        assert_eq!(build(&DataType::UInt8, &[Some("-1")]), Err("0: -1".to_owned()));
        assert_eq!(build(&DataType::Int64, &[Some("1.5")]), Err("0: 1.5".to_owned()));
        assert_eq!(build(&DataType::Decimal128(4, 2), &[Some("100")]), Err("0: 100".to_owned()));
    }

    #[test]
    fn the_empty_text_is_text_and_nothing_else() {
        let cell = |row: usize| if row == 0 { Some("") } else { None };
        let array = build_column(&DataType::Utf8View, TypeOrigin::Declared, 2, cell).unwrap();
        assert!(!array.is_null(0));
        assert_eq!(array.as_string_view().value(0), "");
        assert!(array.is_null(1));
        assert_eq!(build(&DataType::Int64, &[Some("")]), Err("0: ".to_owned()));
    }
}
