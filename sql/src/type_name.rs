//! How types are spelled in SQL.

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

/// The SQL spelling of a type.
///
/// * The spelling of a type that tables have is read back as that type, except that it says nothing of NOT NULL and
///   field ids inside of nested types.
/// * A type that only expressions have is spelled like the nearest one of tables, or as Arrow names it.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    use DataType as T;
    let plain = match data_type {
        T::Boolean => "BOOLEAN",
        T::Int8 => "TINYINT",
        T::Int16 => "SMALLINT",
        T::Int32 => "INTEGER",
        T::Int64 => "BIGINT",
        T::UInt8 => "TINYINT UNSIGNED",
        T::UInt16 => "SMALLINT UNSIGNED",
        T::UInt32 => "INTEGER UNSIGNED",
        T::UInt64 => "BIGINT UNSIGNED",
        T::Float16 | T::Float32 => "REAL",
        T::Float64 => "DOUBLE",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "VARCHAR",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "BLOB",
        T::Date32 => "DATE",
        T::Date64 => "TIMESTAMP(3)",
        T::Interval(_) | T::Duration(_) => "INTERVAL",
        T::Null => "NULL",
        _ => return compound_type(data_type),
    };
    plain.to_owned()
}

/// The spelling of a type that has digits, a unit or other types in it.
fn compound_type(data_type: &DataType) -> String {
    use DataType as T;
    match data_type {
        T::Decimal32(precision, scale)
        | T::Decimal64(precision, scale)
        | T::Decimal128(precision, scale)
        | T::Decimal256(precision, scale) => format!("DECIMAL({precision},{scale})"),
        T::Time32(unit) | T::Time64(unit) => format!("TIME({})", fraction_digits(*unit)),
        T::Timestamp(unit, zone) => {
            // Microseconds are what TIMESTAMP alone means.
            let digits = match unit {
                TimeUnit::Microsecond => String::new(),
                other => format!("({})", fraction_digits(*other)),
            };
            let zone = if zone.is_some() { " WITH TIME ZONE" } else { "" };
            format!("TIMESTAMP{digits}{zone}")
        }
        T::List(element)
        | T::LargeList(element)
        | T::FixedSizeList(element, _)
        | T::ListView(element)
        | T::LargeListView(element) => format!("{}[]", sql_type(element.data_type())),
        T::Struct(fields) => struct_type(fields),
        T::Map(entries, _) => map_type(entries),
        T::Dictionary(_, values) => sql_type(values),
        T::RunEndEncoded(_, values) => sql_type(values.data_type()),
        other => other.to_string(),
    }
}

/// Angle brackets, because the parser reads no others by itself. Two that close stand apart: behind `>>`, it would take
/// brackets to belong to the inner type.
fn struct_type(fields: &[FieldRef]) -> String {
    let members: Vec<String> =
        fields.iter().map(|field| format!("{} {}", quoted(field.name()), sql_type(field.data_type()))).collect();
    let members = members.join(", ");
    let gap = if members.ends_with('>') { " " } else { "" };
    format!("STRUCT<{members}{gap}>")
}

fn map_type(entries: &Field) -> String {
    match entries.data_type() {
        DataType::Struct(pair) if pair.len() == 2 => {
            format!("MAP({}, {})", sql_type(pair[0].data_type()), sql_type(pair[1].data_type()))
        }
        other => format!("MAP of {other}"),
    }
}

/// A name as SQL reads it back: in quotes, unless folding to lower case leaves it as it is.
fn quoted(name: &str) -> String {
    let begins_word = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let is_word = |other: char| other.is_ascii_lowercase() || other.is_ascii_digit() || other == '_';
    if begins_word && name.chars().all(is_word) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn fraction_digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Fields;
    use frostline_catalog::schema::UTC;

    use super::*;

    fn check(data_type: DataType, expected: &str) {
        assert_eq!(sql_type(&data_type), expected);
    }

    fn list(element: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", element, true)))
    }

    fn of_fields(fields: &[(&str, DataType)]) -> DataType {
        let fields: Vec<Field> =
            fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
        DataType::Struct(Fields::from(fields))
    }

    #[test]
    fn plain_types_have_their_standard_names() {
        check(DataType::Int64, "BIGINT");
        check(DataType::UInt16, "SMALLINT UNSIGNED");
        check(DataType::Utf8View, "VARCHAR");
        check(DataType::Decimal128(10, 2), "DECIMAL(10,2)");
    }

    #[test]
    fn times_say_their_digits_but_for_the_default_of_timestamps() {
        check(DataType::Time64(TimeUnit::Microsecond), "TIME(6)");
        check(DataType::Time64(TimeUnit::Nanosecond), "TIME(9)");
        check(DataType::Timestamp(TimeUnit::Millisecond, None), "TIMESTAMP(3)");
        check(DataType::Timestamp(TimeUnit::Microsecond, None), "TIMESTAMP");
        check(DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())), "TIMESTAMP(9) WITH TIME ZONE");
    }

    #[test]
    fn nested_types_are_spelled_from_the_inside() {
        check(list(list(DataType::Int64)), "BIGINT[][]");
        let inner = of_fields(&[("b", DataType::Utf8View)]);
        check(of_fields(&[("a", DataType::Int64), ("s", inner.clone())]), "STRUCT<a BIGINT, s STRUCT<b VARCHAR> >");
        check(list(of_fields(&[("s", inner)])), "STRUCT<s STRUCT<b VARCHAR> >[]");
        let pair = of_fields(&[("key", DataType::Utf8View), ("value", DataType::Float64)]);
        check(DataType::Map(Arc::new(Field::new("entries", pair, false)), false), "MAP(VARCHAR, DOUBLE)");
    }

    #[test]
    fn names_that_folding_would_change_are_quoted() {
        let fields = [("a_1", DataType::Int8), ("B", DataType::Int8), ("2", DataType::Int8), ("q\"", DataType::Int8)];
        check(of_fields(&fields), r#"STRUCT<a_1 TINYINT, "B" TINYINT, "2" TINYINT, "q""" TINYINT>"#);
    }

    #[test]
    fn types_of_expressions_are_spelled_like_the_nearest_ones() {
        check(DataType::Utf8, "VARCHAR");
        check(DataType::Null, "NULL");
        check(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), "VARCHAR");
        check(DataType::Timestamp(TimeUnit::Second, None), "TIMESTAMP(0)");
    }
}
