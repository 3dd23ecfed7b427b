//! Which type a column has whose type is written in SQL.
//!
//! The spellings of several dialects are read; a name that they disagree on is what DuckDB takes it for.
//!
//! * Lengths of texts and binaries, as in VARCHAR(20), and display widths of integers, as in INT(11), limit nothing.
//! * DECIMAL without digits is DECIMAL(18,3).
//! * Digits of seconds are rounded up to what there is: 3, 6 or 9. Without digits there are 6.
//! * A type that no column can have is refused with the one to use instead.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType as SqlType, ExactNumberInfo, ObjectName, StructField, TimezoneInfo,
};
use frostline_catalog::nearest;
use frostline_catalog::schema::{DECIMAL_PRECISION_MAX, UTC};
use thiserror::Error;

use crate::context::fold;

/// The digits of DECIMAL, and those of them behind the point, where none are given.
const DECIMAL_DEFAULT: (u8, i8) = (18, 3);

/// The names to look through for the one that was meant.
const KNOWN_NAMES: [&str; 24] = [
    "BIGINT",
    "BINARY",
    "BLOB",
    "BOOLEAN",
    "BYTEA",
    "CHAR",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "MAP",
    "NUMERIC",
    "REAL",
    "SMALLINT",
    "STRING",
    "STRUCT",
    "TEXT",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TINYINT",
    "VARCHAR",
];

/// A type in SQL that no column can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("type {found} is not supported; {instead}")]
pub(crate) struct UnsupportedSqlType {
    /// The type, as it was written.
    pub(crate) found: String,
    /// What to use instead.
    pub(crate) instead: String,
}

/// The type of a column.
///
/// What is inside of a nested type may be NULL, but for the keys of a map. Nothing carries a field id yet.
pub(crate) fn arrow_type(sql_type: &SqlType) -> Result<DataType, UnsupportedSqlType> {
    if let Some(plain) = plain_type(sql_type) {
        return Ok(plain);
    }
    match sql_type {
        SqlType::Float(digits) => float_type(sql_type, *digits),
        SqlType::Numeric(digits) | SqlType::Decimal(digits) | SqlType::Dec(digits) => decimal_type(sql_type, *digits),
        SqlType::Time(digits, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            let unit = time_unit(sql_type, *digits)?;
            // Arrow counts milliseconds of a day in another type, which tables do not have.
            Ok(DataType::Time64(if unit == TimeUnit::Millisecond { TimeUnit::Microsecond } else { unit }))
        }
        SqlType::Timestamp(digits, zone) => {
            let unit = time_unit(sql_type, *digits)?;
            let is_instant = matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz);
            Ok(DataType::Timestamp(unit, is_instant.then(|| UTC.into())))
        }
        SqlType::Datetime(digits) | SqlType::TimestampNtz(digits) => {
            Ok(DataType::Timestamp(time_unit(sql_type, *digits)?, None))
        }
        SqlType::Datetime64(digits, None) => Ok(DataType::Timestamp(time_unit(sql_type, Some(*digits))?, None)),
        SqlType::Array(
            ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::SquareBracket(element, None)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => Ok(DataType::List(Arc::new(Field::new("item", arrow_type(element)?, true)))),
        SqlType::Struct(fields, _) => struct_type(sql_type, fields),
        SqlType::Map(key, value) => map_type(key, value),
        SqlType::Custom(name, modifiers) => custom_type(sql_type, name, modifiers),
        _ => Err(refused(sql_type, advice(sql_type))),
    }
}

/// The types whose name says all.
fn plain_type(sql_type: &SqlType) -> Option<DataType> {
    use SqlType as S;
    Some(match sql_type {
        S::Boolean | S::Bool => DataType::Boolean,
        S::TinyInt(_) => DataType::Int8,
        S::SmallInt(_) | S::Int2(_) | S::Int16 => DataType::Int16,
        S::Int(_) | S::Integer(_) | S::Int4(_) | S::Int32 | S::MediumInt(_) => DataType::Int32,
        S::BigInt(_) | S::Int8(_) | S::Int64 => DataType::Int64,
        S::TinyIntUnsigned(_) | S::UTinyInt | S::UInt8 => DataType::UInt8,
        S::SmallIntUnsigned(_) | S::Int2Unsigned(_) | S::USmallInt | S::UInt16 => DataType::UInt16,
        S::IntUnsigned(_) | S::IntegerUnsigned(_) | S::Int4Unsigned(_) | S::MediumIntUnsigned(_) | S::UInt32 => {
            DataType::UInt32
        }
        S::BigIntUnsigned(_) | S::Int8Unsigned(_) | S::UBigInt | S::UInt64 => DataType::UInt64,
        S::Real | S::Float4 | S::Float32 => DataType::Float32,
        S::Double(ExactNumberInfo::None) | S::DoublePrecision | S::Float8 | S::Float64 => DataType::Float64,
        S::Varchar(_)
        | S::Nvarchar(_)
        | S::Char(_)
        | S::Character(_)
        | S::CharVarying(_)
        | S::CharacterVarying(_)
        | S::CharLargeObject(_)
        | S::CharacterLargeObject(_)
        | S::Clob(_)
        | S::Text
        | S::TinyText
        | S::MediumText
        | S::LongText
        | S::String(_) => DataType::Utf8View,
        S::Binary(_)
        | S::Varbinary(_)
        | S::Blob(_)
        | S::TinyBlob
        | S::MediumBlob
        | S::LongBlob
        | S::Bytes(_)
        | S::Bytea => DataType::BinaryView,
        S::Date | S::Date32 => DataType::Date32,
        _ => return None,
    })
}

/// FLOAT counts binary digits, as the standard has it: up to 24 fit 32 bits, up to 53 fit 64.
fn float_type(sql_type: &SqlType, digits: ExactNumberInfo) -> Result<DataType, UnsupportedSqlType> {
    match digits {
        ExactNumberInfo::None | ExactNumberInfo::Precision(1..=24) => Ok(DataType::Float32),
        ExactNumberInfo::Precision(25..=53) => Ok(DataType::Float64),
        ExactNumberInfo::Precision(_) => Err(refused(sql_type, "use DOUBLE, which has 53 binary digits")),
        ExactNumberInfo::PrecisionAndScale(..) => Err(refused(sql_type, "use DECIMAL(p, s) for exact digits")),
    }
}

fn decimal_type(sql_type: &SqlType, digits: ExactNumberInfo) -> Result<DataType, UnsupportedSqlType> {
    let (precision, scale) = match digits {
        ExactNumberInfo::None => return Ok(DataType::Decimal128(DECIMAL_DEFAULT.0, DECIMAL_DEFAULT.1)),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    let precision = u8::try_from(precision).unwrap_or(u8::MAX);
    if precision > DECIMAL_PRECISION_MAX {
        return Err(refused(sql_type, "use at most 38 digits, or DOUBLE, or VARCHAR"));
    }
    match i8::try_from(scale) {
        Ok(scale) if precision > 0 && scale >= 0 && scale.unsigned_abs() <= precision => {
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => Err(refused(sql_type, "give it 1 to 38 digits, none to all of them behind the point: DECIMAL(10,2)")),
    }
}

/// The coarsest unit that has so many digits of a second.
fn time_unit(sql_type: &SqlType, digits: Option<u64>) -> Result<TimeUnit, UnsupportedSqlType> {
    match digits {
        Some(0..=3) => Ok(TimeUnit::Millisecond),
        None | Some(4..=6) => Ok(TimeUnit::Microsecond),
        Some(7..=9) => Ok(TimeUnit::Nanosecond),
        Some(_) => Err(refused(sql_type, "use at most 9 digits of a second, which are nanoseconds")),
    }
}

fn struct_type(sql_type: &SqlType, fields: &[StructField]) -> Result<DataType, UnsupportedSqlType> {
    if fields.is_empty() {
        return Err(refused(sql_type, "name its fields: STRUCT<a INTEGER, b VARCHAR>"));
    }
    let mut names: HashSet<String> = HashSet::with_capacity(fields.len());
    let mut found: Vec<Field> = Vec::with_capacity(fields.len());
    for field in fields {
        let Some(ident) = &field.field_name else {
            return Err(refused(sql_type, "give each field a name: STRUCT<a INTEGER, b VARCHAR>"));
        };
        if field.options.is_some() {
            return Err(refused(sql_type, "leave OPTIONS out"));
        }
        let name = fold(ident);
        if name.is_empty() || !names.insert(name.clone()) {
            return Err(refused(sql_type, "give each field a name of its own"));
        }
        found.push(Field::new(name, arrow_type(&field.field_type)?, true));
    }
    Ok(DataType::Struct(Fields::from(found)))
}

fn map_type(key: &SqlType, value: &SqlType) -> Result<DataType, UnsupportedSqlType> {
    let pair =
        Fields::from(vec![Field::new("key", arrow_type(key)?, false), Field::new("value", arrow_type(value)?, true)]);
    Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false))
}

/// The types whose names are no words of the parser.
fn custom_type(sql_type: &SqlType, name: &ObjectName, modifiers: &[String]) -> Result<DataType, UnsupportedSqlType> {
    let timestamp = |unit: TimeUnit| Ok(DataType::Timestamp(unit, None));
    let word = name.to_string().to_uppercase();
    match (word.as_str(), modifiers) {
        ("TEXT" | "BPCHAR", [] | [_]) => Ok(DataType::Utf8View),
        ("INT1", []) => Ok(DataType::Int8),
        ("SHORT", []) => Ok(DataType::Int16),
        ("LONG", []) => Ok(DataType::Int64),
        ("UINTEGER", []) => Ok(DataType::UInt32),
        // Values of whole seconds are kept in milliseconds, the coarsest unit there is.
        ("TIMESTAMP_S" | "TIMESTAMP_MS", []) => timestamp(TimeUnit::Millisecond),
        ("TIMESTAMP_US", []) => timestamp(TimeUnit::Microsecond),
        ("TIMESTAMP_NS", []) => timestamp(TimeUnit::Nanosecond),
        ("TIMESTAMP_LTZ", []) => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))),
        (word, _) => Err(refused(sql_type, custom_advice(word))),
    }
}

fn custom_advice(word: &str) -> String {
    let known = match word {
        "NUMBER" => "use DECIMAL(p, s), BIGINT or DOUBLE",
        "MONEY" | "SMALLMONEY" => "use DECIMAL(19,4)",
        "SERIAL" | "BIGSERIAL" | "SMALLSERIAL" => "use BIGINT; rows are not numbered by themselves",
        "BIGNUM" | "VARINT" => "use DECIMAL(38,0)",
        "HALF" | "FLOAT16" => "use REAL",
        "LIST" => "write brackets behind the type of the elements: INTEGER[]",
        "VECTOR" => "use REAL[]",
        "ROW" | "RECORD" => "use STRUCT<a INTEGER, b VARCHAR>",
        "VARIANT" | "OBJECT" | "DYNAMIC" | "XML" => {
            "use VARCHAR and keep the text, or STRUCT where its fields are known"
        }
        "VARCHAR2" | "NVARCHAR2" | "NCHAR" | "NTEXT" | "CITEXT" | "UNIQUEIDENTIFIER" | "INET" | "CIDR" | "MACADDR" => {
            "use VARCHAR"
        }
        "RAW" | "IMAGE" | "ROWVERSION" => "use BLOB",
        "GEOMETRY" | "GEOGRAPHY" => "use BLOB for WKB, or VARCHAR for WKT",
        "DATETIME2" | "SMALLDATETIME" => "use TIMESTAMP",
        "TIMESTAMP_TZ" | "DATETIMEOFFSET" => "use TIMESTAMP WITH TIME ZONE, which keeps the instant and not the zone",
        _ => {
            return match nearest(word, KNOWN_NAMES) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "use one of the types in docs/types.md".to_owned(),
            };
        }
    };
    known.to_owned()
}

/// What to use instead of a type that the parser knows and tables do not have.
fn advice(sql_type: &SqlType) -> &'static str {
    use SqlType as S;
    match sql_type {
        S::Uuid => "use VARCHAR",
        S::JSON | S::JSONB => "use VARCHAR and keep the text, or STRUCT where its fields are known",
        S::Interval { .. } => "store a number of seconds as BIGINT, or two timestamps",
        S::HugeInt | S::UHugeInt | S::Int128 | S::UInt128 | S::Int256 | S::UInt256 => "use DECIMAL(38,0)",
        S::BigNumeric(_) | S::BigDecimal(_) => "use DECIMAL(38,9)",
        S::Enum(..) => "use VARCHAR",
        S::Set(_) => "use VARCHAR[]",
        S::Bit(_) | S::BitVarying(_) | S::VarBit(_) => "use BOOLEAN for one bit, or BLOB",
        S::FixedString(_) => "use VARCHAR",
        S::Signed | S::SignedInteger => "use BIGINT",
        S::Unsigned | S::UnsignedInteger => "use BIGINT UNSIGNED",
        S::Double(_) => "use DOUBLE, or DECIMAL(p, s) for exact digits",
        S::DecimalUnsigned(_)
        | S::DecUnsigned(_)
        | S::FloatUnsigned(_)
        | S::RealUnsigned
        | S::DoubleUnsigned(_)
        | S::DoublePrecisionUnsigned => "leave UNSIGNED out: it is for integers",
        S::Time(..) => "use TIME, and a column of its own for the offset",
        S::Datetime64(..) => "use TIMESTAMP WITH TIME ZONE, which keeps the instant and not the zone",
        S::Array(ArrayElemTypeDef::None) => "say what it holds: INTEGER[]",
        S::Array(_) => "leave the length out, as in INTEGER[]: it would not be checked",
        S::Union(_) => "use one column for each kind of value",
        S::Tuple(_) => "use STRUCT<a INTEGER, b VARCHAR>",
        S::Nested(_) => "use STRUCT<a INTEGER, b VARCHAR>[]",
        S::Nullable(_) => "leave Nullable out: columns take NULL unless they are NOT NULL",
        S::LowCardinality(_) => "leave LowCardinality out: files choose their encoding by themselves",
        S::GeometricType(_) => "use a STRUCT of DOUBLE, or BLOB for WKB",
        S::TsVector | S::TsQuery | S::Regclass => "use VARCHAR",
        S::Unspecified => "write a type behind the column's name",
        _ => "use one of the types in docs/types.md",
    }
}

fn refused(sql_type: &SqlType, instead: impl Into<String>) -> UnsupportedSqlType {
    UnsupportedSqlType { found: sql_type.to_string(), instead: instead.into() }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::parser::Parser;
    use datafusion::sql::sqlparser::tokenizer::Token;
    use frostline_catalog::schema::check_type;

    use super::*;
    use crate::parse::FrostlineDialect;
    use crate::type_name::sql_type;

    fn read(text: &str) -> Result<DataType, UnsupportedSqlType> {
        let mut parser = Parser::new(&FrostlineDialect).try_with_sql(text).unwrap();
        let found = parser.parse_data_type().unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(parser.peek_token().token, Token::EOF, "{text} is read to its end");
        arrow_type(&found)
    }

    fn list(element: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", element, true)))
    }

    fn of_fields(fields: &[(&str, DataType)]) -> DataType {
        let fields: Vec<Field> =
            fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
        DataType::Struct(Fields::from(fields))
    }

    fn map(key: DataType, value: DataType) -> DataType {
        let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
        DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
    }

    fn scalar_types() -> Vec<DataType> {
        let mut types = vec![
            DataType::Boolean,
            DataType::Int8,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::UInt8,
            DataType::UInt16,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal128(1, 0),
            DataType::Decimal128(10, 2),
            DataType::Decimal128(38, 38),
            DataType::Utf8View,
            DataType::BinaryView,
            DataType::Date32,
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Time64(TimeUnit::Nanosecond),
        ];
        for unit in [TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
            types.push(DataType::Timestamp(unit, None));
            types.push(DataType::Timestamp(unit, Some(UTC.into())));
        }
        types
    }

    #[test]
    fn every_type_of_tables_is_read_back_from_its_spelling() {
        let scalars = scalar_types();
        let mut types = scalars.clone();
        for scalar in scalars {
            let within = of_fields(&[("a", scalar.clone()), ("B c", list(scalar.clone()))]);
            types.push(list(scalar.clone()));
            types.push(list(list(scalar.clone())));
            types.push(map(DataType::Utf8View, scalar.clone()));
            types.push(map(scalar.clone(), list(within.clone())));
            types.push(of_fields(&[("select", scalar), ("s", within.clone())]));
            types.push(list(of_fields(&[("s", of_fields(&[("deep", within.clone())]))])));
            types.push(of_fields(&[("m", map(DataType::Int64, within.clone())), ("l", list(within))]));
        }
        for data_type in types {
            assert_eq!(check_type(&data_type), Ok(()));
            let text = sql_type(&data_type);
            assert_eq!(read(&text), Ok(data_type), "{text}");
        }
    }

    fn check(texts: &[&str], expected: DataType) {
        for text in texts {
            assert_eq!(read(text), Ok(expected.clone()), "{text}");
            assert_eq!(read(&text.to_lowercase()), Ok(expected.clone()), "{text} in lower case");
        }
    }

    #[test]
    fn integers_have_the_names_of_several_dialects() {
        check(&["TINYINT", "TINYINT(1)", "INT1"], DataType::Int8);
        check(&["SMALLINT", "INT2", "INT16", "SHORT"], DataType::Int16);
        check(&["INTEGER", "INT", "INT(11)", "INT4", "INT32", "MEDIUMINT"], DataType::Int32);
        check(&["BIGINT", "INT8", "INT64", "LONG"], DataType::Int64);
        check(&["TINYINT UNSIGNED", "UTINYINT", "UINT8"], DataType::UInt8);
        check(&["SMALLINT UNSIGNED", "USMALLINT", "INT2 UNSIGNED", "UINT16"], DataType::UInt16);
        check(&["INTEGER UNSIGNED", "INT UNSIGNED", "INT4 UNSIGNED", "UINTEGER", "UINT32"], DataType::UInt32);
        check(&["BIGINT UNSIGNED", "UBIGINT", "INT8 UNSIGNED", "UINT64"], DataType::UInt64);
    }

    #[test]
    fn floats_and_decimals_have_the_names_of_several_dialects() {
        check(&["REAL", "FLOAT", "FLOAT4", "FLOAT32", "FLOAT(24)"], DataType::Float32);
        check(&["DOUBLE", "DOUBLE PRECISION", "FLOAT8", "FLOAT64", "FLOAT(25)", "FLOAT(53)"], DataType::Float64);
        check(&["DECIMAL", "NUMERIC", "DEC", "DECIMAL(18,3)"], DataType::Decimal128(18, 3));
        check(&["DECIMAL(7)", "NUMERIC(7,0)", "DEC(7)"], DataType::Decimal128(7, 0));
    }

    #[test]
    fn texts_and_binaries_have_the_names_of_several_dialects() {
        let texts = ["VARCHAR", "VARCHAR(20)", "VARCHAR(MAX)", "TEXT", "TEXT(20)", "STRING", "CHAR", "CHAR(3)"];
        check(&texts, DataType::Utf8View);
        check(&["CHARACTER VARYING(3)", "NVARCHAR(3)", "CLOB", "LONGTEXT", "BPCHAR"], DataType::Utf8View);
        check(&["BLOB", "BYTEA", "BINARY", "BINARY(16)", "VARBINARY(9)", "BYTES", "LONGBLOB"], DataType::BinaryView);
        check(&["BOOLEAN", "BOOL"], DataType::Boolean);
    }

    #[test]
    fn digits_of_seconds_are_rounded_up_to_a_unit() {
        let timestamp = |unit: TimeUnit| DataType::Timestamp(unit, None);
        let instant = |unit: TimeUnit| DataType::Timestamp(unit, Some(UTC.into()));
        check(&["TIMESTAMP(0)", "TIMESTAMP(3)", "TIMESTAMP_S", "TIMESTAMP_MS"], timestamp(TimeUnit::Millisecond));
        check(
            &["TIMESTAMP", "TIMESTAMP(4)", "TIMESTAMP WITHOUT TIME ZONE", "DATETIME", "TIMESTAMP_NTZ", "TIMESTAMP_US"],
            timestamp(TimeUnit::Microsecond),
        );
        check(&["TIMESTAMP(7)", "TIMESTAMP(9)", "DATETIME(9)", "TIMESTAMP_NS"], timestamp(TimeUnit::Nanosecond));
        check(&["TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ"], instant(TimeUnit::Microsecond));
        check(&["TIMESTAMPTZ(9)", "TIMESTAMP(9) WITH TIME ZONE"], instant(TimeUnit::Nanosecond));
        check(&["TIME", "TIME(0)", "TIME(6)", "TIME WITHOUT TIME ZONE"], DataType::Time64(TimeUnit::Microsecond));
        check(&["TIME(7)", "TIME(9)"], DataType::Time64(TimeUnit::Nanosecond));
    }

    #[test]
    fn nested_types_have_the_forms_of_several_dialects() {
        check(&["INT[]", "ARRAY<INT>"], list(DataType::Int32));
        check(&["INT[][]", "ARRAY<ARRAY<INT>>"], list(list(DataType::Int32)));
        let fields = of_fields(&[("a", DataType::Int32), ("b", DataType::Utf8View)]);
        check(&["STRUCT<a INT, b TEXT>", "STRUCT<a: INT, b: TEXT>", "STRUCT<A INT, B TEXT>"], fields);
        check(&["MAP(VARCHAR, DOUBLE)"], map(DataType::Utf8View, DataType::Float64));
    }

    fn check_refused(text: &str, expected: &str) {
        let error = read(text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_no_column_can_have_is_refused_with_what_to_use() {
        check_refused("UUID", "type UUID is not supported; use VARCHAR");
        check_refused(
            "JSON",
            "type JSON is not supported; use VARCHAR and keep the text, or STRUCT where its fields are known",
        );
        check_refused(
            "INTERVAL",
            "type INTERVAL is not supported; store a number of seconds as BIGINT, or two timestamps",
        );
        check_refused("HUGEINT", "type HUGEINT is not supported; use DECIMAL(38,0)");
        check_refused("ENUM('a', 'b')", "type ENUM('a', 'b') is not supported; use VARCHAR");
        check_refused(
            "LIST(INT)",
            "type LIST(INT) is not supported; write brackets behind the type of the elements: INTEGER[]",
        );
        check_refused(
            "INT[3]",
            "type INT[3] is not supported; leave the length out, as in INTEGER[]: it would not be checked",
        );
        check_refused("TIMETZ", "type TIMETZ is not supported; use TIME, and a column of its own for the offset");
        check_refused("VARCHR", "type VARCHR is not supported; did you mean VARCHAR?");
        check_refused("FROBNICATE", "type FROBNICATE is not supported; use one of the types in docs/types.md");
    }

    #[test]
    fn digits_that_cannot_be_kept_are_refused() {
        check_refused(
            "DECIMAL(39,2)",
            "type DECIMAL(39,2) is not supported; use at most 38 digits, or DOUBLE, or VARCHAR",
        );
        for text in ["DECIMAL(0)", "DECIMAL(5,6)", "DECIMAL(5,-2)"] {
            let error = read(text).unwrap_err();
            assert!(error.instead.starts_with("give it 1 to 38 digits"), "{error}");
        }
        check_refused(
            "TIMESTAMP(12)",
            "type TIMESTAMP(12) is not supported; use at most 9 digits of a second, which are nanoseconds",
        );
    }

    #[test]
    fn what_is_wrong_inside_of_a_type_is_named() {
        assert_eq!(read("STRUCT<a UUID>").unwrap_err().found, "UUID");
        assert_eq!(read("MAP(VARCHAR, HUGEINT[])").unwrap_err().found, "HUGEINT");
        for text in ["STRUCT", "STRUCT<INT>", "STRUCT<a INT, A INT>"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
