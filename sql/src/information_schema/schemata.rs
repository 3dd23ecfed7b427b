//! `information_schema.schemata`: the schemas, by name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::{State, Version};

use crate::context::{CATALOG, INFORMATION_SCHEMA, SYSTEM};
use crate::system::array::{optional_texts, texts};
use crate::system::field::{self, optional, text};

/// The columns.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("catalog_name"),
        text("schema_name"),
        optional(text("schema_owner")),
        optional(text("default_character_set_catalog")),
        optional(text("default_character_set_schema")),
        optional(text("default_character_set_name")),
        optional(text("sql_path")),
    ])
}

/// The schemas of a version and the lake's own.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut names: Vec<&str> = state.schemas_at(version).map(|(_, name)| name.as_str()).collect();
    names.extend([INFORMATION_SCHEMA, SYSTEM]);
    names.sort_unstable();
    let nothing = || optional_texts(names.iter().map(|_| None::<&str>));
    vec![
        texts(names.iter().map(|_| CATALOG)),
        texts(names.iter()),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
    ]
}
