//! Names of columns for formats whose readers find columns by name, and would lose all but one of those that share one.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

/// The columns' names; a name that occurred before gets a number: `id`, `id_1`.
pub(crate) fn distinct_names(schema: &Schema) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut names: Vec<String> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let mut name = field.name().clone();
        let mut number = 0;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}_{number}", field.name());
        }
        names.push(name);
    }
    names
}

/// The schema with [`distinct_names`].
pub(crate) fn with_distinct_names(schema: &SchemaRef) -> SchemaRef {
    let names = distinct_names(schema);
    let fields: Vec<Field> =
        schema.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata.clone()))
}
