//! What there is: catalogs, schemas, tables, types, and what the server can do.
//!
//! * Everything is answered from the catalog in memory; no table is read.
//! * A client that gives no catalog sees all of them; one that gives an empty one, those that are in none: nothing.
//! * Patterns are those of LIKE, with `\` before a character that stands for itself. A name that is the pattern to the
//!   letter comes first, and of several tables of that name the one in the session's schema: some clients look at no
//!   other.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetTables};
use frostline_catalog::Version;
use frostline_sql::{RelationInfo, RelationKind, Snapshot};

use crate::gateway::GatewayError;

use super::FlightDoor;
use super::caller::Caller;
use super::info::schema_message;
use super::keys::{foreign_keys, primary_key_rows, primary_keys};
use super::plain::plain_schema;

/// What a relation is called.
fn type_name(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "TABLE",
        RelationKind::View => "VIEW",
        RelationKind::System => "SYSTEM TABLE",
    }
}

impl FlightDoor {
    /// The columns of a command's result; `None` if it is no command about what there is.
    pub(crate) fn metadata_columns(&self, command: &Command) -> Option<SchemaRef> {
        match command {
            Command::CommandGetCatalogs(_) => Some(catalog_columns()),
            Command::CommandGetDbSchemas(_) => Some(schema_columns()),
            Command::CommandGetTables(tables) => Some(table_columns(tables.include_schema)),
            Command::CommandGetTableTypes(_) => Some(table_type_columns()),
            Command::CommandGetSqlInfo(_) => Some(self.sql_info.schema()),
            Command::CommandGetXdbcTypeInfo(_) => Some(self.type_info.schema()),
            Command::CommandGetPrimaryKeys(_) => Some(primary_keys()),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Some(foreign_keys()),
            _ => None,
        }
    }

    /// The rows of a command's result, and the version that they are of.
    pub(crate) async fn metadata_rows(
        &self,
        caller: &Caller,
        command: &Command,
    ) -> Result<(RecordBatch, Version), GatewayError> {
        let session = caller.session(&self.gateway).await?;
        let snapshot = self.gateway.within_timeout(session.snapshot()).await?;
        let failed = |error: arrow_flight::error::FlightError| GatewayError::Internal(Box::new(error));
        let batch = match command {
            Command::CommandGetCatalogs(_) => {
                RecordBatch::try_new(catalog_columns(), vec![texts([snapshot.catalog()])])?
            }
            Command::CommandGetDbSchemas(filter) => schemas(&snapshot, filter)?,
            Command::CommandGetTables(filter) => tables(&snapshot, &session.schema(), filter).await?,
            Command::CommandGetTableTypes(_) => {
                let kinds = [RelationKind::System, RelationKind::Table, RelationKind::View].map(type_name);
                RecordBatch::try_new(table_type_columns(), vec![texts(kinds)])?
            }
            Command::CommandGetSqlInfo(filter) => {
                self.sql_info.record_batch(filter.info.iter().copied()).map_err(failed)?
            }
            Command::CommandGetXdbcTypeInfo(filter) => self.type_info.record_batch(filter.data_type).map_err(failed)?,
            Command::CommandGetPrimaryKeys(asked) => primary_key_rows(&snapshot, &session.schema(), asked)?,
            other => match self.metadata_columns(other) {
                Some(columns) => RecordBatch::new_empty(columns),
                None => return Err(super::command::unknown(other.type_url())),
            },
        };
        Ok((batch, snapshot.version()))
    }
}

fn text_field(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn catalog_columns() -> SchemaRef {
    Arc::new(Schema::new(vec![text_field("catalog_name", false)]))
}

fn schema_columns() -> SchemaRef {
    Arc::new(Schema::new(vec![text_field("catalog_name", true), text_field("db_schema_name", false)]))
}

fn table_type_columns() -> SchemaRef {
    Arc::new(Schema::new(vec![text_field("table_type", false)]))
}

fn table_columns(with_schema: bool) -> SchemaRef {
    let mut fields = vec![
        text_field("catalog_name", true),
        text_field("db_schema_name", true),
        text_field("table_name", false),
        text_field("table_type", false),
    ];
    if with_schema {
        fields.push(Field::new("table_schema", DataType::Binary, false));
    }
    Arc::new(Schema::new(fields))
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Whether a filter of catalogs takes the one that there is.
fn takes_catalog(filter: Option<&str>, snapshot: &Snapshot) -> bool {
    filter.is_none_or(|catalog| catalog == snapshot.catalog())
}

fn schemas(snapshot: &Snapshot, filter: &CommandGetDbSchemas) -> Result<RecordBatch, GatewayError> {
    let mut names = snapshot.schemas();
    let pattern = filter.db_schema_filter_pattern.as_deref();
    let takes = takes_catalog(filter.catalog.as_deref(), snapshot);
    names.retain(|name| takes && pattern.is_none_or(|pattern| like(pattern, name)));
    names.sort_by_key(|name| pattern != Some(name.as_str()));
    let catalogs = texts(names.iter().map(|_| snapshot.catalog()));
    Ok(RecordBatch::try_new(schema_columns(), vec![catalogs, texts(names.iter().map(String::as_str))])?)
}

async fn tables(snapshot: &Snapshot, own_schema: &str, filter: &CommandGetTables) -> Result<RecordBatch, GatewayError> {
    let pattern = filter.table_name_filter_pattern.as_deref();
    let takes = takes_catalog(filter.catalog.as_deref(), snapshot);
    let mut relations: Vec<RelationInfo> = snapshot.relations();
    relations.retain(|relation| {
        takes
            && filter.db_schema_filter_pattern.as_deref().is_none_or(|pattern| like(pattern, &relation.schema))
            && pattern.is_none_or(|pattern| like(pattern, &relation.name))
            && (filter.table_types.is_empty() || filter.table_types.iter().any(|name| is_type(relation.kind, name)))
    });
    relations.sort_by_key(|relation| match pattern == Some(relation.name.as_str()) {
        true if relation.schema == own_schema => 0,
        true => 1,
        false => 2,
    });
    let mut columns = vec![
        texts(relations.iter().map(|_| snapshot.catalog())),
        texts(relations.iter().map(|relation| relation.schema.as_str())),
        texts(relations.iter().map(|relation| relation.name.as_str())),
        texts(relations.iter().map(|relation| type_name(relation.kind))),
    ];
    if filter.include_schema {
        let mut messages = Vec::with_capacity(relations.len());
        for relation in &relations {
            // A view whose query does not fit its tables any more is there, and has no columns.
            let schema = snapshot.columns(relation).await.unwrap_or_else(|_| Arc::new(Schema::empty()));
            messages.push(schema_message(&plain_schema(&schema))?);
        }
        let array: ArrayRef = Arc::new(BinaryArray::from_iter_values(messages.iter().map(AsRef::<[u8]>::as_ref)));
        columns.push(array);
    }
    Ok(RecordBatch::try_new(table_columns(filter.include_schema), columns)?)
}

/// Whether a kind of relation goes by a name. Some clients call tables as the standard does.
fn is_type(kind: RelationKind, name: &str) -> bool {
    name.eq_ignore_ascii_case(type_name(kind))
        || (kind == RelationKind::Table && name.eq_ignore_ascii_case("BASE TABLE"))
}

/// Whether a text is like a pattern: `%` stands for any characters, `_` for one, and `\` makes the next stand for
/// itself.
fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<(char, bool)> = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut place, mut at) = (0, 0);
    // Where to go on if what follows the last `%` does not fit: the place behind it, and one character more.
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some(('%', true)) => {
                place += 1;
                back = Some((place, at));
            }
            Some((expected, is_wild)) if *is_wild || *expected == text[at] => {
                place += 1;
                at += 1;
            }
            _ => match back {
                Some((behind, from)) => {
                    back = Some((behind, from + 1));
                    (place, at) = (behind, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|token| *token == ('%', true))
}

/// The characters of a pattern, and whether each stands for others.
fn tokens(pattern: &str) -> Vec<(char, bool)> {
    let mut tokens = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '\\' => (characters.next().unwrap_or('\\'), false),
            '%' | '_' => (character, true),
            plain => (plain, false),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_like() {
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("%", "anything"),
            ("orders", "orders"),
            ("ord%", "orders"),
            ("%er%", "orders"),
            ("o_ders", "orders"),
            ("%a%b", "xaybab"),
            ("a\\_b", "a_b"),
            ("a\\%", "a%"),
            ("a\\\\", "a\\"),
            ("%é_", "caféx"),
        ] {
            assert!(like(pattern, text), "{text} LIKE {pattern}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("_", ""),
            ("orders", "Orders"),
            ("ord", "orders"),
            ("a\\_b", "axb"),
            ("a\\%", "ab"),
            ("%a%b", "xayc"),
        ] {
            assert!(!like(pattern, text), "{text} NOT LIKE {pattern}");
        }
    }

    #[test]
    fn types_go_by_the_names_that_clients_use() {
        assert!(is_type(RelationKind::Table, "table") && is_type(RelationKind::Table, "BASE TABLE"));
        assert!(!is_type(RelationKind::View, "BASE TABLE"));
        assert!(is_type(RelationKind::System, "SYSTEM TABLE"));
    }
}
