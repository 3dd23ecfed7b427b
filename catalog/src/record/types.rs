//! Types as records keep them: a name, and what the name leaves open.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use thiserror::Error;

use super::wire;
use crate::id::FieldId;
use crate::schema::{UTC, field_id, with_field_id};

/// A type in a record that this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("type `{name}` is not known to this release")]
pub struct TypeError {
    /// The name found.
    pub name: String,
}

/// The types without parameters or children, by their names in records.
const PLAIN: [(&str, DataType); 19] = [
    ("boolean", DataType::Boolean),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("string", DataType::Utf8View),
    ("binary", DataType::BinaryView),
    ("date", DataType::Date32),
    ("time_us", DataType::Time64(TimeUnit::Microsecond)),
    ("time_ns", DataType::Time64(TimeUnit::Nanosecond)),
    ("timestamp_ms", DataType::Timestamp(TimeUnit::Millisecond, None)),
    ("timestamp_us", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("timestamp_ns", DataType::Timestamp(TimeUnit::Nanosecond, None)),
];

/// A type for a record; the caller has checked it.
pub(super) fn encode(data_type: &DataType) -> wire::Type {
    let named = |name: &str| wire::Type { name: name.to_owned(), precision: 0, scale: 0, children: Vec::new() };
    match data_type {
        DataType::Decimal128(precision, scale) => {
            wire::Type { precision: u32::from(*precision), scale: i32::from(*scale), ..named("decimal") }
        }
        DataType::Timestamp(unit, Some(_)) => named(match unit {
            TimeUnit::Second | TimeUnit::Millisecond => "timestamptz_ms",
            TimeUnit::Microsecond => "timestamptz_us",
            TimeUnit::Nanosecond => "timestamptz_ns",
        }),
        DataType::List(element) => wire::Type { children: vec![encode_field(element)], ..named("list") },
        DataType::Struct(fields) => wire::Type { children: encode_fields(fields), ..named("struct") },
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => wire::Type { children: encode_fields(fields), ..named("map") },
            _ => named("map"),
        },
        plain => named(PLAIN.iter().find(|(_, known)| known == plain).map_or("", |(name, _)| name)),
    }
}

fn encode_fields(fields: &Fields) -> Vec<wire::Field> {
    fields.iter().map(|field| encode_field(field)).collect()
}

pub(super) fn encode_field(field: &Field) -> wire::Field {
    wire::Field {
        id: field_id(field).map_or(0, FieldId::number),
        name: field.name().clone(),
        data_type: Some(encode(field.data_type())),
        nullable: field.is_nullable(),
    }
}

/// The type that a record names.
pub(super) fn decode(found: &wire::Type) -> Result<DataType, TypeError> {
    let unknown = || TypeError { name: found.name.clone() };
    let instant = |unit| Ok(DataType::Timestamp(unit, Some(UTC.into())));
    match (found.name.as_str(), found.children.as_slice()) {
        ("decimal", []) => {
            let precision = u8::try_from(found.precision).map_err(|_| unknown())?;
            let scale = i8::try_from(found.scale).map_err(|_| unknown())?;
            Ok(DataType::Decimal128(precision, scale))
        }
        ("timestamptz_ms", []) => instant(TimeUnit::Millisecond),
        ("timestamptz_us", []) => instant(TimeUnit::Microsecond),
        ("timestamptz_ns", []) => instant(TimeUnit::Nanosecond),
        ("list", [element]) => Ok(DataType::List(Arc::new(decode_field(element)?))),
        ("struct", fields) => Ok(DataType::Struct(decode_fields(fields)?)),
        ("map", fields @ [_, _]) => {
            let entries = Field::new("entries", DataType::Struct(decode_fields(fields)?), false);
            Ok(DataType::Map(Arc::new(entries), false))
        }
        (name, []) => match PLAIN.iter().find(|(known, _)| *known == name) {
            Some((_, plain)) => Ok(plain.clone()),
            None => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

fn decode_fields(fields: &[wire::Field]) -> Result<Fields, TypeError> {
    fields.iter().map(decode_field).collect::<Result<Vec<_>, _>>().map(Fields::from)
}

pub(super) fn decode_field(field: &wire::Field) -> Result<Field, TypeError> {
    let found = field.data_type.as_ref().ok_or_else(|| TypeError { name: String::new() })?;
    let plain = Field::new(&field.name, decode(found)?, field.nullable);
    Ok(with_field_id(plain, FieldId::new(field.id)))
}
