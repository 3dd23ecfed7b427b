//! The columns of a version for rows of other versions, too.
//!
//! A version's own rows fit into its columns. Those of another may not: what is NOT NULL now may have been NULL, and
//! RESTORE takes a column back to the narrower type that it had before. Whoever reads rows of several versions as the
//! columns of one of them needs columns that hold them all, or a difference would be an error, or not be seen.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use frostline_catalog::schema::{Column, field_id};
use frostline_catalog::{ObjectId, State, Version};

/// The columns that a table has at a version, in their order, for rows of any version up to another.
///
/// * Each may be NULL.
/// * Each has a type that holds the values of every type that it had by then.
pub(super) fn wide_columns(state: &State, table: ObjectId, version: Version, until: Version) -> Vec<Column> {
    let mut columns: Vec<Column> = state.columns_at(table, version).into_iter().cloned().collect();
    for column in &mut columns {
        column.nullable = true;
        for fact in state.columns().of(&(table, column.id)) {
            if fact.interval.begin() <= until {
                column.data_type = wider(&column.data_type, &fact.value.column.data_type);
            }
        }
    }
    columns
}

/// A type that holds the values of two types of one column. What a struct consists of, the first says.
fn wider(one: &DataType, other: &DataType) -> DataType {
    if one == other {
        return one.clone();
    }
    match (one, other) {
        (DataType::Struct(fields), DataType::Struct(others)) => {
            let wide = |field: &FieldRef| -> FieldRef {
                let id = field_id(field);
                let is_it = |other: &&FieldRef| match id {
                    Some(_) => field_id(other) == id,
                    None => other.name() == field.name(),
                };
                others.iter().find(is_it).map_or_else(|| Arc::clone(field), |other| wider_field(field, other))
            };
            DataType::Struct(fields.iter().map(wide).collect::<Fields>())
        }
        (DataType::List(element), DataType::List(other)) => DataType::List(wider_field(element, other)),
        (DataType::Map(entries, sorted), DataType::Map(other, _)) => {
            DataType::Map(wider_field(entries, other), *sorted)
        }
        (DataType::Timestamp(unit, zone), DataType::Timestamp(other, _)) => {
            DataType::Timestamp(*unit.max(other), zone.clone())
        }
        (DataType::Time64(unit), DataType::Time64(other)) => DataType::Time64(*unit.max(other)),
        (DataType::Date32, time @ DataType::Timestamp(..)) | (time @ DataType::Timestamp(..), DataType::Date32) => {
            time.clone()
        }
        (DataType::Float32 | DataType::Float64, number) | (number, DataType::Float32 | DataType::Float64)
            if is_rounded(number) =>
        {
            DataType::Float64
        }
        _ => comparison_coercion(one, other).unwrap_or_else(|| one.clone()),
    }
}

fn wider_field(field: &FieldRef, other: &FieldRef) -> FieldRef {
    let data_type = wider(field.data_type(), other.data_type());
    let nullable = field.is_nullable() || other.is_nullable();
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(nullable))
}

/// Whether a type has numbers that single precision rounds.
fn is_rounded(data_type: &DataType) -> bool {
    let is_wide_integer = matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::UInt32 | DataType::UInt64);
    is_wide_integer || matches!(data_type, DataType::Decimal128(..))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, TimeUnit};
    use frostline_catalog::FieldId;
    use frostline_catalog::schema::with_field_id;

    use super::*;

    fn check(one: DataType, other: DataType, expected: &DataType) {
        assert_eq!(wider(&one, &other), *expected);
        assert_eq!(wider(&other, &one), *expected);
    }

    #[test]
    fn the_wider_of_two_types_holds_both() {
        let timestamp = |unit: TimeUnit| DataType::Timestamp(unit, None);
        let micros = timestamp(TimeUnit::Microsecond);
        check(DataType::Int32, DataType::Int64, &DataType::Int64);
        check(DataType::Int64, DataType::Decimal128(21, 2), &DataType::Decimal128(22, 2));
        check(DataType::Decimal128(5, 2), DataType::Decimal128(12, 4), &DataType::Decimal128(12, 4));
        check(DataType::Float32, DataType::Float64, &DataType::Float64);
        check(DataType::Float32, DataType::Int32, &DataType::Float64);
        check(DataType::Float32, DataType::Int16, &DataType::Float32);
        check(DataType::Float64, DataType::Decimal128(5, 2), &DataType::Float64);
        check(DataType::Date32, micros.clone(), &micros);
        check(timestamp(TimeUnit::Millisecond), micros.clone(), &micros);
        check(DataType::Utf8View, DataType::Utf8View, &DataType::Utf8View);
    }

    fn field(id: i32, name: &str, data_type: DataType) -> FieldRef {
        Arc::new(with_field_id(Field::new(name, data_type, true), FieldId::new(id)))
    }

    #[test]
    fn fields_of_structs_are_matched_by_field_id() {
        let asked = DataType::Struct(vec![field(2, "a", DataType::Int32), field(4, "b", DataType::Int32)].into());
        let before = DataType::Struct(vec![field(3, "b", DataType::Int64), field(2, "c", DataType::Int64)].into());
        let wide = DataType::Struct(vec![field(2, "a", DataType::Int64), field(4, "b", DataType::Int32)].into());
        assert_eq!(wider(&asked, &before), wide);
        let list = |element: &DataType| DataType::List(field(1, "item", element.clone()));
        assert_eq!(wider(&list(&asked), &list(&before)), list(&wide));
    }
}
