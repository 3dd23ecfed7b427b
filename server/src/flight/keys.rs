//! Keys of tables: the declared primary keys. There are no foreign ones, and clients are told so in the columns that
//! they expect.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::sql::CommandGetPrimaryKeys;
use frostline_sql::{PrimaryKey, Snapshot};

/// The columns of primary keys.
pub(crate) fn primary_keys() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        text("key_name", true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The columns of the primary keys of tables of a name, in the keys' order, counted from 1. Without a schema, tables in
/// any count; the one in the session's comes first.
pub(crate) fn primary_key_rows(
    snapshot: &Snapshot,
    own_schema: &str,
    asked: &CommandGetPrimaryKeys,
) -> Result<RecordBatch, ArrowError> {
    let is_catalog = asked.catalog.as_deref().is_none_or(|catalog| catalog == snapshot.catalog());
    let mut keys: Vec<PrimaryKey> = snapshot.primary_keys();
    keys.retain(|key| {
        is_catalog && key.table == asked.table && asked.db_schema.as_deref().is_none_or(|schema| schema == key.schema)
    });
    keys.sort_by_key(|key| key.schema != own_schema);
    let mut rows: Vec<(&PrimaryKey, &str, i32)> = Vec::new();
    for key in &keys {
        rows.extend(key.columns.iter().zip(1..).map(|(column, number)| (key, column.as_str(), number)));
    }
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|_| snapshot.catalog())),
        texts(rows.iter().map(|(key, ..)| key.schema.as_str())),
        texts(rows.iter().map(|(key, ..)| key.table.as_str())),
        texts(rows.iter().map(|(_, column, _)| *column)),
        texts(rows.iter().map(|(key, ..)| key.name.as_str())),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|(.., number)| *number))),
    ];
    RecordBatch::try_new(primary_keys(), columns)
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// The columns of foreign keys, from either side.
pub(crate) fn foreign_keys() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}
