//! The columns of system relations: a name and one of a few types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use frostline_catalog::schema::UTC;

/// The name of the field of a list's elements.
const ELEMENT: &str = "item";

/// A schema of these columns.
pub(crate) fn schema<const N: usize>(fields: [Field; N]) -> SchemaRef {
    Arc::new(Schema::new(Vec::from(fields)))
}

/// A column of texts.
pub(crate) fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, false)
}

/// A column of numbers.
pub(crate) fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

/// A column of yes and no.
pub(crate) fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, false)
}

/// A column of instants.
pub(crate) fn time(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())), false)
}

/// A column of lists of texts.
pub(crate) fn text_list(name: &str) -> Field {
    Field::new(name, DataType::List(Arc::new(text_element())), false)
}

/// The field of the elements of a list of texts.
pub(crate) fn text_element() -> Field {
    Field::new(ELEMENT, DataType::Utf8View, true)
}

/// A column of texts by keys.
pub(crate) fn text_map(name: &str) -> Field {
    Field::new(name, DataType::Map(Arc::new(text_entries()), false), false)
}

/// The field of the entries of a map of texts.
pub(crate) fn text_entries() -> Field {
    let pair = vec![Field::new("key", DataType::Utf8View, false), Field::new("value", DataType::Utf8View, true)];
    Field::new("entries", DataType::Struct(Fields::from(pair)), false)
}

/// The column, where a row may lack a value.
pub(crate) fn optional(field: Field) -> Field {
    field.with_nullable(true)
}
