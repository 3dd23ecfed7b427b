//! `system.views`: the views that are there, by schema and name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::schema::View;
use frostline_catalog::{ObjectId, State, Version};

use super::array::{numbers, optional_texts, texts};
use super::created_version;
use super::field::{self, number, optional, text};

/// The columns. `definition` is the query as it was typed.
pub(super) fn schema() -> SchemaRef {
    field::schema([
        text("schema_name"),
        text("view_name"),
        number("view_id"),
        text("definition"),
        number("created_version"),
        optional(text("comment")),
    ])
}

struct ViewRow<'a> {
    schema: &'a str,
    id: ObjectId,
    view: &'a View,
}

/// The views of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Vec<ArrayRef> {
    let mut rows: Vec<ViewRow<'_>> = Vec::new();
    for (id, view) in state.views().all_at(version) {
        if let Some(schema) = state.schemas().at(&view.schema, version) {
            rows.push(ViewRow { schema: schema.as_str(), id: *id, view });
        }
    }
    rows.sort_by(|left, right| (left.schema, &left.view.name).cmp(&(right.schema, &right.view.name)));
    vec![
        texts(rows.iter().map(|row| row.schema)),
        texts(rows.iter().map(|row| row.view.name.as_str())),
        numbers(rows.iter().map(|row| row.id.number())),
        texts(rows.iter().map(|row| row.view.query.as_str())),
        numbers(rows.iter().map(|row| created_version(state.views(), &row.id))),
        optional_texts(rows.iter().map(|row| row.view.comment.as_deref())),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};

    #[test]
    fn a_view_is_listed_from_the_version_that_created_it() {
        let lake = sample_lake();
        assert!(lines(&lake, SystemTable::Views, 5, &["view_name"]).is_empty());
        let columns = ["schema_name", "view_name", "view_id", "definition", "created_version", "comment"];
        let expected = ["public | late | 3 | SELECT * FROM flights WHERE delay_minutes > 60 | 6 | an hour or more"];
        assert_eq!(lines(&lake, SystemTable::Views, 6, &columns), expected);
    }
}
