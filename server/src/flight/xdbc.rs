//! The types of columns, for clients that ask as ODBC and JDBC do.

use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

use crate::gateway::GatewayError;

/// What the types of columns are like.
pub(crate) fn type_info() -> Result<XdbcTypeInfoData, GatewayError> {
    use XdbcDataType as X;
    let mut types = XdbcTypeInfoDataBuilder::new();
    types.append(XdbcTypeInfo { unsigned_attribute: None, ..exact("BOOLEAN", X::XdbcBit, 1) });
    types.append(exact("TINYINT", X::XdbcTinyint, 3));
    types.append(exact("SMALLINT", X::XdbcSmallint, 5));
    types.append(exact("INTEGER", X::XdbcInteger, 10));
    types.append(exact("BIGINT", X::XdbcBigint, 19));
    for (name, kind, digits) in [
        ("TINYINT UNSIGNED", X::XdbcTinyint, 3),
        ("SMALLINT UNSIGNED", X::XdbcSmallint, 5),
        ("INTEGER UNSIGNED", X::XdbcInteger, 10),
        ("BIGINT UNSIGNED", X::XdbcBigint, 20),
    ] {
        types.append(XdbcTypeInfo { unsigned_attribute: Some(true), ..exact(name, kind, digits) });
    }
    types.append(XdbcTypeInfo { num_prec_radix: Some(2), ..exact("REAL", X::XdbcReal, 24) });
    types.append(XdbcTypeInfo { num_prec_radix: Some(2), ..exact("DOUBLE", X::XdbcDouble, 53) });
    types.append(XdbcTypeInfo {
        create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
        minimum_scale: Some(0),
        maximum_scale: Some(38),
        ..exact("DECIMAL", X::XdbcDecimal, 38)
    });
    types.append(XdbcTypeInfo { case_sensitive: true, ..quoted("VARCHAR", X::XdbcVarchar, i32::MAX, "'") });
    types.append(quoted("BYTEA", X::XdbcVarbinary, i32::MAX, "X'"));
    types.append(quoted("DATE", X::XdbcDate, 10, "DATE '"));
    types.append(XdbcTypeInfo {
        datetime_subcode: Some(XdbcDatetimeSubcode::XdbcSubcodeTime),
        maximum_scale: Some(9),
        ..quoted("TIME", X::XdbcTime, 18, "TIME '")
    });
    for (name, subcode) in [
        ("TIMESTAMP", XdbcDatetimeSubcode::XdbcSubcodeTimestamp),
        ("TIMESTAMPTZ", XdbcDatetimeSubcode::XdbcSubcodeTimestampWithTimezone),
    ] {
        types.append(XdbcTypeInfo {
            datetime_subcode: Some(subcode),
            maximum_scale: Some(9),
            ..quoted(name, X::XdbcTimestamp, 35, "TIMESTAMP '")
        });
    }
    types.build().map_err(|error| GatewayError::Internal(Box::new(error)))
}

/// A number.
fn exact(name: &str, kind: XdbcDataType, digits: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        local_type_name: Some(name.to_owned()),
        data_type: kind,
        sql_data_type: kind,
        column_size: Some(digits),
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        num_prec_radix: Some(10),
        ..XdbcTypeInfo::default()
    }
}

/// What is written in quotes.
fn quoted(name: &str, kind: XdbcDataType, size: i32, prefix: &str) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(prefix.to_owned()),
        literal_suffix: Some("'".to_owned()),
        unsigned_attribute: None,
        auto_increment: None,
        num_prec_radix: None,
        ..exact(name, kind, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_their_number() {
        let types = type_info().unwrap();
        assert_eq!(types.record_batch(None).unwrap().num_rows(), 18);
        assert_eq!(types.record_batch(XdbcDataType::XdbcTimestamp as i32).unwrap().num_rows(), 2);
        assert_eq!(types.record_batch(77).unwrap().num_rows(), 0);
    }
}
