//! `system.settings`: settings, their values and where these come from.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::array::{optional_texts, texts};
use super::field::{self, optional, text};

/// A setting as a session sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingRow {
    /// Its name.
    pub(crate) name: String,
    /// Its value as SET takes it; `None` where there is none.
    pub(crate) value: Option<String>,
    /// Where the value comes from: `default`, `lake` or `session`.
    pub(crate) source: String,
    /// What it does.
    pub(crate) description: String,
}

/// The columns.
pub(super) fn schema() -> SchemaRef {
    field::schema([text("name"), optional(text("value")), text("source"), text("description")])
}

/// The settings, in columns and in the order given.
pub(super) fn arrays(settings: &[SettingRow]) -> Vec<ArrayRef> {
    vec![
        texts(settings.iter().map(|setting| setting.name.as_str())),
        optional_texts(settings.iter().map(|setting| setting.value.as_deref())),
        texts(settings.iter().map(|setting| setting.source.as_str())),
        texts(settings.iter().map(|setting| setting.description.as_str())),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::SystemTable;
    use super::super::sample_tests::{print_rows, sample_lake};
    use super::*;

    #[test]
    fn settings_are_shown_as_given() {
        let setting = |name: &str, value: Option<&str>, source: &str| SettingRow {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            source: source.to_owned(),
            description: format!("what {name} does"),
        };
        let settings = [
            setting("frostline.as_of", None, "default"),
            setting("frostline.schema", Some("public"), "session"),
            setting("frostline.retention", Some("7 days"), "lake"),
        ];
        let lake = sample_lake();
        let rows = SystemTable::Settings.rows(lake.state(), lake.newest(), &settings).unwrap();
        assert_eq!(
            print_rows(&rows, &["name", "value", "source", "description"]),
            [
                "frostline.as_of | - | default | what frostline.as_of does",
                "frostline.schema | public | session | what frostline.schema does",
                "frostline.retention | 7 days | lake | what frostline.retention does",
            ]
        );
    }
}
