//! `information_schema.tables`: tables and views, by schema and name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::{Relation, State, Version};

use super::{InformationTable, NO, YES};
use crate::context::{CATALOG, INFORMATION_SCHEMA, SYSTEM};
use crate::system::SystemTable;
use crate::system::array::{optional_texts, texts};
use crate::system::field::{self, optional, text};

/// The columns. `table_comment` is no column of the standard.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("table_catalog"),
        text("table_schema"),
        text("table_name"),
        text("table_type"),
        text("is_insertable_into"),
        optional(text("table_comment")),
    ])
}

struct TableRow<'a> {
    schema: &'a str,
    name: &'a str,
    is_view: bool,
    is_own: bool,
    comment: Option<&'a str>,
}

/// The tables and views of a version, and the lake's own.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<TableRow<'_>> = Vec::new();
    for (schema, relation) in state.relations_at(version) {
        let Some(schema) = state.schemas().at(&schema, version) else { continue };
        let (is_view, comment) = match relation {
            Relation::Table(_, table) => (false, table.comment.as_deref()),
            Relation::View(_, view) => (true, view.comment.as_deref()),
        };
        let name = relation.name().as_str();
        rows.push(TableRow { schema: schema.as_str(), name, is_view, is_own: false, comment });
    }
    let own = |schema: &'static str, name: &'static str, is_view: bool| TableRow {
        schema,
        name,
        is_view,
        is_own: true,
        comment: None,
    };
    rows.extend(SystemTable::ALL.iter().map(|table| own(SYSTEM, table.name(), false)));
    rows.extend(InformationTable::names().into_iter().map(|name| own(INFORMATION_SCHEMA, name, true)));
    rows.sort_by_key(|row| (row.schema, row.name));
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|row| row.schema)),
        texts(rows.iter().map(|row| row.name)),
        texts(rows.iter().map(|row| if row.is_view { "VIEW" } else { "BASE TABLE" })),
        texts(rows.iter().map(|row| if row.is_view || row.is_own { NO } else { YES })),
        optional_texts(rows.iter().map(|row| row.comment)),
    ]
}
