//! `system.tags`: the names of versions, by name.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use frostline_catalog::{Micros, Name, SealedError, State, Version};

use super::array::{numbers, texts, times};
use super::field::{self, number, optional, text, time};

/// The columns. `version` is the tagged one and `time` its commit time; `created_version` is the one that made the tag.
pub(super) fn schema() -> SchemaRef {
    field::schema([text("tag_name"), number("version"), number("created_version"), optional(time("time"))])
}

struct TagRow<'a> {
    name: &'a Name,
    tagged: Version,
    time: Option<Micros>,
    created: Version,
}

/// The tags of a version, in columns.
pub(super) fn arrays(state: &State, version: Version) -> Result<Vec<ArrayRef>, SealedError> {
    let mut rows: Vec<TagRow<'_>> = Vec::new();
    for (name, fact) in state.tags().iter().filter(|(_, fact)| fact.interval.contains(version)) {
        let time = state.commit(fact.value)?.and_then(|commit| commit.commit_time);
        rows.push(TagRow { name, tagged: fact.value, time, created: fact.interval.begin() });
    }
    Ok(vec![
        texts(rows.iter().map(|row| row.name.as_str())),
        numbers(rows.iter().map(|row| row.tagged.number())),
        numbers(rows.iter().map(|row| row.created.number())),
        times(rows.iter().map(|row| row.time)),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{lines, sample_lake};

    #[test]
    fn a_tag_is_there_from_its_creation_until_it_is_dropped() {
        let lake = sample_lake();
        let columns = ["tag_name", "version", "created_version", "time"];
        let at = |version: u64| lines(&lake, SystemTable::Tags, version, &columns);
        assert!(at(6).is_empty());
        assert_eq!(at(7), ["q3-close | 4 | 7 | 1970-01-01T00:00:04Z"]);
        assert_eq!(at(10), at(7));
        assert!(at(11).is_empty());
    }
}
