//! The detour by text: the decoder is asked for text in place of every scalar, and the text becomes values here.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::import::column::{ColumnError, TypeOrigin, build_column};

/// The columns as a file spells them, with text for every scalar.
pub(super) fn text_schema(schema: &Schema, spellings: &[String]) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .zip(spellings)
        .map(|(field, spelling)| Field::new(spelling, text_type(field.data_type()), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The type with text for every scalar, in which everything may be NULL.
fn text_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(field) => DataType::List(Arc::new(text_field(field))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| text_field(field)).collect()),
        DataType::Map(entries, _) => {
            let value = match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => text_type(pair[1].data_type()),
                _ => DataType::Utf8View,
            };
            let key = Field::new("key", DataType::Utf8View, false);
            let pair = Fields::from(vec![key, Field::new("value", value, true)]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        _ => DataType::Utf8View,
    }
}

fn text_field(field: &Field) -> Field {
    Field::new(field.name(), text_type(field.data_type()), true)
}

/// Columns of text into columns of a type.
pub(super) fn convert(texts: &ArrayRef, data_type: &DataType, origin: TypeOrigin) -> Result<ArrayRef, ColumnError> {
    match data_type {
        DataType::List(field) => {
            let Some(list) = texts.as_list_opt::<i32>() else {
                return Err(ColumnError::Type);
            };
            let offsets = list.offsets();
            let values =
                convert(list.values(), field.data_type(), origin).map_err(|error| outer_row(error, offsets))?;
            let list = ListArray::try_new(Arc::clone(field), offsets.clone(), values, list.nulls().cloned());
            Ok(Arc::new(list.map_err(ColumnError::Arrow)?))
        }
        DataType::Struct(fields) => {
            let Some(members) = texts.as_struct_opt() else {
                return Err(ColumnError::Type);
            };
            let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
            for (field, member) in fields.iter().zip(members.columns()) {
                columns.push(convert(member, field.data_type(), origin)?);
            }
            let structs = StructArray::try_new(fields.clone(), columns, members.nulls().cloned());
            Ok(Arc::new(structs.map_err(ColumnError::Arrow)?))
        }
        DataType::Map(entries, sorted) => {
            let Some(map) = texts.as_map_opt() else {
                return Err(ColumnError::Type);
            };
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(ColumnError::Type);
            };
            let offsets = map.offsets();
            let convert_part = |texts: &ArrayRef, field: &Field| {
                convert(texts, field.data_type(), origin).map_err(|error| outer_row(error, offsets))
            };
            let keys = convert_part(map.keys(), pair[0].as_ref())?;
            let values = convert_part(map.values(), pair[1].as_ref())?;
            let pairs = StructArray::try_new(pair.clone(), vec![keys, values], None).map_err(ColumnError::Arrow)?;
            let nulls = map.nulls().cloned();
            let map = MapArray::try_new(Arc::clone(entries), offsets.clone(), pairs, nulls, *sorted);
            Ok(Arc::new(map.map_err(ColumnError::Arrow)?))
        }
        scalar => {
            let Some(texts) = texts.as_string_view_opt() else {
                return Err(ColumnError::Type);
            };
            let cell = |row: usize| if texts.is_null(row) { None } else { Some(texts.value(row)) };
            build_column(scalar, origin, texts.len(), cell)
        }
    }
}

/// The error with the row whose list holds the element that it names.
fn outer_row(error: ColumnError, offsets: &[i32]) -> ColumnError {
    match error {
        ColumnError::Value { row: element, text } => {
            let ends = offsets.get(1..).unwrap_or(&[]);
            let row = ends.partition_point(|end| usize::try_from(*end).is_ok_and(|end| end <= element));
            ColumnError::Value { row, text }
        }
        other => other,
    }
}
