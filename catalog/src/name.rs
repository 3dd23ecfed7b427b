//! Names that users give to schemas, tables, columns, views and tags.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The longest name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 255;

/// A name a user gave.
///
/// * 1 to [`NAME_BYTES_MAX`] bytes of UTF-8, any character but control characters.
/// * Compared byte by byte: folding to lower case is SQL's concern.
/// * Never part of a key in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It has no character.
    #[error("a name must have at least one character")]
    Empty,
    /// It is too long.
    #[error("a name has at most {NAME_BYTES_MAX} bytes; this one has {bytes}: `{start}…`")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How it begins.
        start: String,
    },
    /// It holds a character that cannot be shown.
    #[error("a name must not hold control characters; found {character:?} in {name:?}")]
    Control {
        /// The character.
        character: char,
        /// The whole text.
        name: String,
    },
}

impl Name {
    /// The name, if the text is one.
    pub fn try_new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong { bytes: text.len(), start: text.chars().take(20).collect() });
        }
        match text.chars().find(|character| character.is_control()) {
            Some(character) => Err(NameError::Control { character, name: text.to_owned() }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_quotes_slashes_and_emoji_are_names() {
        for text in ["a.b", "it's", "\"q\"", "../../x", "❄️", "a b", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(Name::try_new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn empty_long_and_control_names_are_refused() {
        assert_eq!(Name::try_new("").unwrap_err(), NameError::Empty);
        let error = Name::try_new(&"x".repeat(65_536)).unwrap_err();
        assert_eq!(error.to_string(), "a name has at most 255 bytes; this one has 65536: `xxxxxxxxxxxxxxxxxxxx…`");
        let error = Name::try_new("a\0b").unwrap_err();
        assert_eq!(error.to_string(), "a name must not hold control characters; found '\\0' in \"a\\0b\"");
    }
}
