//! `system.schemas`: the schemas that are there, by name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::{ObjectId, State, Version};

use super::array::{numbers, texts};
use super::created_version;
use super::field::{self, number, text};

/// The columns.
pub(super) fn schema() -> SchemaRef {
    field::schema([number("schema_id"), text("schema_name"), number("created_version")])
}

/// The schemas of a version.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut schemas: Vec<(&str, ObjectId)> =
        state.schemas_at(version).map(|(schema, name)| (name.as_str(), schema)).collect();
    schemas.sort_unstable();
    vec![
        numbers(schemas.iter().map(|(_, schema)| schema.number())),
        texts(schemas.iter().map(|(name, _)| *name)),
        numbers(schemas.iter().map(|(_, schema)| created_version(state.schemas(), schema))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};

    #[test]
    fn a_schema_is_listed_with_the_version_that_created_it() {
        let lake = sample_lake();
        let columns = ["schema_id", "schema_name", "created_version"];
        assert_eq!(lines(&lake, SystemTable::Schemas, 11, &columns), ["1 | public | 1"]);
    }
}
