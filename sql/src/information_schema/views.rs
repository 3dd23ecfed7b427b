//! `information_schema.views`: the views, by schema and name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::schema::View;
use frostline_catalog::{State, Version};

use super::NO;
use crate::context::CATALOG;
use crate::system::array::texts;
use crate::system::field::{self, text};

/// The columns. `view_definition` is the query as it was typed.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("table_catalog"),
        text("table_schema"),
        text("table_name"),
        text("view_definition"),
        text("check_option"),
        text("is_updatable"),
        text("is_insertable_into"),
    ])
}

/// The views of a version.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<(&str, &View)> = Vec::new();
    for (_, view) in state.views().all_at(version) {
        if let Some(schema) = state.schemas().at(&view.schema, version) {
            rows.push((schema.as_str(), view));
        }
    }
    rows.sort_by(|left, right| (left.0, &left.1.name).cmp(&(right.0, &right.1.name)));
    vec![
        texts(rows.iter().map(|_| CATALOG)),
        texts(rows.iter().map(|(schema, _)| *schema)),
        texts(rows.iter().map(|(_, view)| view.name.as_str())),
        texts(rows.iter().map(|(_, view)| view.query.as_str())),
        texts(rows.iter().map(|_| "NONE")),
        texts(rows.iter().map(|_| NO)),
        texts(rows.iter().map(|_| NO)),
    ]
}
