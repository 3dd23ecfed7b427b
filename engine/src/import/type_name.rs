//! What types are called in messages.

use arrow::datatypes::{DataType, TimeUnit};

/// The SQL name of a type, in lower case; Arrow's own name where SQL has none.
pub fn sql_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::UInt8 => "tinyint unsigned".to_owned(),
        DataType::UInt16 => "smallint unsigned".to_owned(),
        DataType::UInt32 => "integer unsigned".to_owned(),
        DataType::UInt64 => "bigint unsigned".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytea".to_owned()
        }
        DataType::Date32 => "date".to_owned(),
        DataType::Time32(unit) | DataType::Time64(unit) => format!("time{}", fraction_digits(*unit)),
        DataType::Timestamp(unit, None) => format!("timestamp{}", fraction_digits(*unit)),
        DataType::Timestamp(unit, Some(_)) => format!("timestamp{} with time zone", fraction_digits(*unit)),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            format!("{}[]", sql_type_name(field.data_type()))
        }
        DataType::Struct(fields) => {
            let members: Vec<String> =
                fields.iter().map(|field| format!("{} {}", field.name(), sql_type_name(field.data_type()))).collect();
            format!("struct({})", members.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map({}, {})", sql_type_name(pair[0].data_type()), sql_type_name(pair[1].data_type()))
            }
            other => format!("map of {other}"),
        },
        other => other.to_string(),
    }
}

/// The digits after the second, in SQL's parentheses; microseconds are the default and say nothing.
fn fraction_digits(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "(0)",
        TimeUnit::Millisecond => "(3)",
        TimeUnit::Microsecond => "",
        TimeUnit::Nanosecond => "(9)",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn types_have_their_sql_names() {
        assert_eq!(sql_type_name(&DataType::Utf8View), "text");
        assert_eq!(sql_type_name(&DataType::Timestamp(TimeUnit::Microsecond, None)), "timestamp");
        assert_eq!(
            sql_type_name(&DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
            "timestamp(3) with time zone"
        );
        let list = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
        assert_eq!(sql_type_name(&list), "bigint[]");
    }
}
