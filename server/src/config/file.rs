//! The file of settings: TOML, with a table for each group.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use frostline_catalog::nearest;

use super::ConfigError;
use super::key::KEYS;

/// The file that is looked for where the process starts.
const USUAL_NAME: &str = "frostline.toml";

/// A file of settings, as it was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub(super) path: PathBuf,
    /// The values as text, by the settings' names. Lists and times of TOML are `None`: no setting has such values.
    values: BTreeMap<String, Option<String>>,
}

impl ConfigFile {
    /// The file that is asked for, which must be there; else `frostline.toml` in the current folder, if it is there.
    ///
    /// # Errors
    /// If it cannot be read, or is not TOML.
    pub fn find(asked: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        let path = match asked {
            Some(path) => path,
            None if Path::new(USUAL_NAME).is_file() => Path::new(USUAL_NAME),
            None => return Ok(None),
        };
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path.to_owned(), &text).map(Some)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is not TOML.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                let before = error.span().map_or(0, |span| span.start).min(text.len());
                let line = text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count() + 1;
                return Err(ConfigError::Toml { path, line, problem: error.message().to_owned() });
            }
        };
        let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
        flatten("", &table, &mut values);
        Ok(Self { path, values })
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_deref()
    }

    /// Refuses names that are no settings, and values that no setting has.
    pub(super) fn check_names(&self) -> Result<(), ConfigError> {
        for (name, value) in &self.values {
            let is_known = KEYS.iter().any(|key| key.name == name);
            if !is_known || value.is_none() {
                let nearest = nearest(name, KEYS.iter().map(|key| key.name));
                return Err(ConfigError::Unknown { path: self.path.clone(), name: name.clone(), nearest });
            }
        }
        Ok(())
    }
}

/// Takes the values of a table in, under its name.
fn flatten(prefix: &str, table: &toml::Table, values: &mut BTreeMap<String, Option<String>>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(&name, inner, values);
                continue;
            }
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Float(number) => Some(number.to_string()),
            toml::Value::Boolean(value) => Some(value.to_string()),
            toml::Value::Datetime(_) | toml::Value::Array(_) => None,
        };
        values.insert(name, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_asked_for_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.toml");
        assert!(matches!(ConfigFile::find(Some(&path)), Err(ConfigError::Read { .. })));
        fs::write(&path, "lake = \"x\"").unwrap();
        let found = ConfigFile::find(Some(&path)).unwrap().unwrap();
        assert_eq!(found.value("lake"), Some("x"));
    }

    #[test]
    fn text_that_is_no_toml_is_refused() {
        let error = ConfigFile::parse(PathBuf::from("a.toml"), "# first\nlake = \n").unwrap_err().to_string();
        assert!(error.starts_with("`a.toml`, line ") && error.contains(", is not TOML: "), "{error}");
    }
}
