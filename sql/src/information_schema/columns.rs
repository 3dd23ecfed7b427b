//! `information_schema.columns`: the columns of tables and views, by schema, relation and position.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use frostline_catalog::{Relation, Version};

use super::{NO, YES};
use crate::context::{CATALOG, Context, QualifiedName, SYSTEM};
use crate::system::SystemTable;
use crate::system::array::{numbers, optional_numbers, optional_texts, texts};
use crate::system::field::{self, number, optional, text};
use crate::type_name::sql_type;

/// The columns. `data_type` is spelled as CREATE TABLE takes it. `column_comment` is no column of the standard.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("table_catalog"),
        text("table_schema"),
        text("table_name"),
        text("column_name"),
        number("ordinal_position"),
        optional(text("column_default")),
        text("is_nullable"),
        text("data_type"),
        optional(number("character_maximum_length")),
        optional(number("character_octet_length")),
        optional(number("numeric_precision")),
        optional(number("numeric_precision_radix")),
        optional(number("numeric_scale")),
        optional(number("datetime_precision")),
        optional(text("interval_type")),
        optional(text("column_comment")),
    ])
}

struct ColumnRow {
    schema: String,
    table: String,
    name: String,
    ordinal: u64,
    default: Option<String>,
    nullable: bool,
    data_type: DataType,
    comment: Option<String>,
}

/// The columns of the tables and views of a version, and of those of schema `system`.
pub(super) async fn arrays(context: &Arc<Context>, version: Version) -> Vec<ArrayRef> {
    let mut rows = rows(context, version).await;
    rows.sort_by(|left, right| {
        (&left.schema, &left.table, left.ordinal).cmp(&(&right.schema, &right.table, right.ordinal))
    });
    let nothing = || optional_numbers(rows.iter().map(|_| None));
    let numeric = |part: fn(Numeric) -> Option<u64>| -> ArrayRef {
        optional_numbers(rows.iter().map(|row| Numeric::of(&row.data_type).and_then(part)))
    };
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|row| row.schema.as_str())),
        texts(rows.iter().map(|row| row.table.as_str())),
        texts(rows.iter().map(|row| row.name.as_str())),
        numbers(rows.iter().map(|row| row.ordinal)),
        optional_texts(rows.iter().map(|row| row.default.as_deref())),
        texts(rows.iter().map(|row| if row.nullable { YES } else { NO })),
        texts(rows.iter().map(|row| sql_type(&row.data_type))),
        nothing(),
        nothing(),
        numeric(|numeric| Some(numeric.precision)),
        numeric(|numeric| Some(numeric.radix)),
        numeric(|numeric| numeric.scale),
        optional_numbers(rows.iter().map(|row| fraction_digits(&row.data_type))),
        optional_texts(rows.iter().map(|_| None::<&str>)),
        optional_texts(rows.iter().map(|row| row.comment.as_deref())),
    ]
}

async fn rows(context: &Arc<Context>, version: Version) -> Vec<ColumnRow> {
    let state = &context.state;
    let mut rows: Vec<ColumnRow> = Vec::new();
    let mut views: Vec<QualifiedName> = Vec::new();
    for (schema, relation) in state.relations_at(version) {
        let Some(schema) = state.schemas().at(&schema, version) else { continue };
        let qualified = QualifiedName { schema: schema.to_string(), name: relation.name().to_string() };
        match relation {
            Relation::Table(table, _) => {
                for (column, ordinal) in state.columns_at(table, version).into_iter().zip(1_u64..) {
                    rows.push(ColumnRow {
                        schema: qualified.schema.clone(),
                        table: qualified.name.clone(),
                        name: column.name.to_string(),
                        ordinal,
                        default: column.default.clone(),
                        nullable: column.nullable,
                        data_type: column.data_type.clone(),
                        comment: column.comment.clone(),
                    });
                }
            }
            Relation::View(..) => views.push(qualified),
        }
    }
    for view in views {
        if let Ok(Some(provider)) = context.relation(&view, version, 0).await {
            add_fields(&mut rows, &view, &provider.schema());
        }
    }
    for table in SystemTable::ALL {
        let qualified = QualifiedName { schema: SYSTEM.to_owned(), name: table.name().to_owned() };
        add_fields(&mut rows, &qualified, &table.schema());
    }
    rows
}

fn add_fields(rows: &mut Vec<ColumnRow>, relation: &QualifiedName, schema: &SchemaRef) {
    let row = |(field, ordinal): (&Arc<Field>, u64)| ColumnRow {
        schema: relation.schema.clone(),
        table: relation.name.clone(),
        name: field.name().clone(),
        ordinal,
        default: None,
        nullable: field.is_nullable(),
        data_type: field.data_type().clone(),
        comment: None,
    };
    rows.extend(schema.fields().iter().zip(1_u64..).map(row));
}

/// What the standard says of a type of numbers: digits, of which base, and how many behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numeric {
    precision: u64,
    radix: u64,
    scale: Option<u64>,
}

impl Numeric {
    fn of(data_type: &DataType) -> Option<Self> {
        use DataType as T;
        let bits = |precision: u64, scale: Option<u64>| Some(Self { precision, radix: 2, scale });
        match data_type {
            T::Int8 | T::UInt8 => bits(8, Some(0)),
            T::Int16 | T::UInt16 => bits(16, Some(0)),
            T::Int32 | T::UInt32 => bits(32, Some(0)),
            T::Int64 | T::UInt64 => bits(64, Some(0)),
            T::Float16 | T::Float32 => bits(24, None),
            T::Float64 => bits(53, None),
            T::Decimal32(precision, scale)
            | T::Decimal64(precision, scale)
            | T::Decimal128(precision, scale)
            | T::Decimal256(precision, scale) => {
                Some(Self { precision: u64::from(*precision), radix: 10, scale: u64::try_from(*scale).ok() })
            }
            _ => None,
        }
    }
}

/// The digits behind the seconds of a type of dates and times.
fn fraction_digits(data_type: &DataType) -> Option<u64> {
    use DataType as T;
    match data_type {
        T::Date32 => Some(0),
        T::Time32(unit) | T::Time64(unit) | T::Timestamp(unit, _) => Some(match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_measured_in_bits_and_decimals_in_digits() {
        let check = |data_type: DataType, precision: u64, radix: u64, scale: Option<u64>| {
            assert_eq!(Numeric::of(&data_type), Some(Numeric { precision, radix, scale }), "{data_type}");
        };
        check(DataType::Int64, 64, 2, Some(0));
        check(DataType::Float64, 53, 2, None);
        check(DataType::Decimal128(10, 2), 10, 10, Some(2));
        assert_eq!(Numeric::of(&DataType::Utf8View), None);
    }

    #[test]
    fn times_say_how_many_digits_their_seconds_have() {
        assert_eq!(fraction_digits(&DataType::Timestamp(TimeUnit::Nanosecond, None)), Some(9));
        assert_eq!(fraction_digits(&DataType::Date32), Some(0));
        assert_eq!(fraction_digits(&DataType::Int64), None);
    }
}
