//! Which version of which lake rows are.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

/// The metadata keys of ours begin with this.
pub(crate) const OWN_KEYS: &str = "frostline.";

/// The key of the schema's metadata that holds the version that a result was read from.
pub const VERSION_KEY: &str = "frostline.version";

/// The key of the schema's metadata that holds the id of the lake that a result was read from.
pub const LAKE_ID_KEY: &str = "frostline.lake_id";

/// What state of which lake a result shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The version that the statement read.
    pub version: u64,
    /// The lake's id.
    pub lake_id: String,
}

impl Provenance {
    /// The schema with the provenance in its metadata, where Parquet and Arrow carry it.
    pub fn note_in(&self, schema: &SchemaRef) -> SchemaRef {
        let mut metadata = schema.metadata.clone();
        metadata.insert(VERSION_KEY.to_owned(), self.version.to_string());
        metadata.insert(LAKE_ID_KEY.to_owned(), self.lake_id.clone());
        Arc::new(Schema::new_with_metadata(schema.fields.clone(), metadata))
    }
}
