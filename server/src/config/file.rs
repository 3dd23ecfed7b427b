//! The file of settings: TOML, with a table for each group.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use frostline_catalog::nearest;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::key::KEYS;

/// The file that is looked for where the process starts.
const USUAL_NAME: &str = "frostline.toml";

/// A file of settings, as it was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub(super) path: PathBuf,
    /// By the settings' names.
    values: BTreeMap<String, Entry>,
}

/// What a file says of one name.
#[derive(Clone, Debug)]
struct Entry {
    /// The value as text. Lists and times of TOML are `None`: no setting has such values.
    text: Option<String>,
    /// Where the name stands, counted from 1.
    line: usize,
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
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let line = line_at(text, error.span().map_or(0, |span| span.start));
                return Err(ConfigError::Toml { path, line, problem: error.message().to_owned() });
            }
        };
        let mut values: BTreeMap<String, Entry> = BTreeMap::new();
        flatten(text, "", document.get_ref(), &mut values);
        Ok(Self { path, values })
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.text.as_deref()
    }

    /// Refuses names that are no settings, and values that no setting has.
    pub(super) fn check_names(&self) -> Result<(), ConfigError> {
        for (name, entry) in &self.values {
            let (path, line, name) = (self.path.clone(), entry.line, name.clone());
            if !KEYS.iter().any(|key| key.name == name) {
                let nearest = nearest(&name, KEYS.iter().map(|key| key.name));
                return Err(ConfigError::Unknown { path, line, name, nearest });
            }
            if entry.text.is_none() {
                return Err(ConfigError::Shape { path, line, name });
            }
        }
        Ok(())
    }
}

/// Takes the values of a table in, under its name.
fn flatten(document: &str, prefix: &str, table: &DeTable<'_>, values: &mut BTreeMap<String, Entry>) {
    for (key, value) in table {
        let (word, line) = (key.get_ref(), line_at(document, key.span().start));
        let name = if prefix.is_empty() { word.to_string() } else { format!("{prefix}.{word}") };
        let text = match value.get_ref() {
            DeValue::Table(inner) => {
                flatten(document, &name, inner, values);
                continue;
            }
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => {
                i128::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
            }
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(value) => Some(value.to_string()),
            DeValue::Datetime(_) | DeValue::Array(_) => None,
        };
        values.insert(name, Entry { text, line });
    }
}

/// The line of a byte of a text, counted from 1.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
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
