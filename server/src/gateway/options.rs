//! What a client sets for its statements: as options of its session, or as headers of one call.

use frostline_sql::Session;

use super::error::GatewayError;
use super::sessions::{OPTIONS, SessionError};

/// Options for statements. What is `None` stays as it is; an empty text takes an option away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionOptions {
    /// The catalog: there is one, `lake`.
    pub(crate) catalog: Option<String>,
    /// The schema of names that have none.
    pub(crate) schema: Option<String>,
    /// The past that is read: a version's number, a tag or an instant.
    pub(crate) as_of: Option<String>,
    /// The branch that is read and written.
    pub(crate) branch: Option<String>,
    /// Who commits, beside the token's name.
    pub(crate) author: Option<String>,
    /// Why.
    pub(crate) message: Option<String>,
}

/// The one catalog.
const CATALOG: &str = "lake";

/// The one branch.
const BRANCH: &str = "main";

impl SessionOptions {
    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets an option by its name.
    ///
    /// # Errors
    /// If there is no such option.
    pub(crate) fn set(&mut self, name: &str, value: String) -> Result<(), SessionError> {
        let place = match name {
            "catalog" => &mut self.catalog,
            "schema" => &mut self.schema,
            "as_of" => &mut self.as_of,
            "branch" => &mut self.branch,
            "author" => &mut self.author,
            "message" => &mut self.message,
            _ => return Err(SessionError::NoOption { name: name.to_owned() }),
        };
        *place = Some(value);
        Ok(())
    }

    /// Sets the options in a session, all or none.
    ///
    /// # Errors
    /// If one of them does not take its value; then the session is as it was.
    pub(crate) async fn apply(&self, session: &Session) -> Result<(), GatewayError> {
        let one_of = |name: &'static str, value: &Option<String>, only: &str| match value.as_deref() {
            None | Some("") => Ok(()),
            Some(value) if value == only => Ok(()),
            Some(value) => {
                Err(SessionError::Value { name, value: value.to_owned(), instead: format!("there is only `{only}`") })
            }
        };
        one_of("catalog", &self.catalog, CATALOG)?;
        one_of("branch", &self.branch, BRANCH)?;
        let refused = |name: &'static str, value: &str, error: &frostline_sql::Error| SessionError::Value {
            name,
            value: value.to_owned(),
            instead: error.to_string(),
        };
        // Tried on a copy first, so that nothing is set if one of them is wrong.
        let trial = session.fork();
        for target in [&trial, session] {
            if let Some(text) = &self.as_of {
                let past = Some(text.as_str()).filter(|text| !text.is_empty());
                target.set_as_of(past).await.map_err(|error| refused("as_of", text, &error))?;
            }
            if let Some(text) = &self.schema {
                let name = if text.is_empty() { DEFAULT_SCHEMA } else { text.as_str() };
                target.set_schema(name).await.map_err(|error| refused("schema", text, &error))?;
            }
        }
        let mut changed = session.clone();
        if let Some(author) = &self.author {
            changed = changed.with_author(author);
        }
        if let Some(message) = &self.message {
            changed = changed.with_message(Some(message));
        }
        // The session's handles share what it remembers.
        drop(changed);
        Ok(())
    }
}

/// The schema that a lake begins with.
const DEFAULT_SCHEMA: &str = frostline_catalog::io::DEFAULT_SCHEMA;

/// The options of a session with their values; what is not set is empty.
pub(crate) fn option_values(session: &Session) -> [(&'static str, String); OPTIONS.len()] {
    let as_of = session.as_of().map(|version| version.to_string()).unwrap_or_default();
    [
        ("catalog", CATALOG.to_owned()),
        ("schema", session.schema()),
        ("as_of", as_of),
        ("branch", BRANCH.to_owned()),
        ("author", session.author()),
        ("message", session.message()),
    ]
}

#[cfg(test)]
mod tests {
    use frostline_sql::{CreateOptions, Lake, OpenOptions};

    use super::*;

    async fn session(name: &str) -> Session {
        let location = format!("memory://options-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        Lake::open(&location, OpenOptions::default()).await.unwrap().session()
    }

    fn options(pairs: &[(&str, &str)]) -> SessionOptions {
        let mut options = SessionOptions::default();
        for (name, value) in pairs {
            options.set(name, (*value).to_owned()).unwrap();
        }
        options
    }

    #[tokio::test]
    async fn options_are_set_and_taken_away() {
        let session = session("set").await;
        let all = [("catalog", "lake"), ("as_of", "1"), ("branch", "main"), ("author", "ada"), ("message", "why")];
        options(&all).apply(&session).await.unwrap();
        let values = option_values(&session);
        assert_eq!(values.each_ref().map(|(name, _)| *name), OPTIONS);
        assert_eq!(values[2].1, "1");
        assert_eq!((session.author().as_str(), session.message().as_str()), ("ada", "why"));
        options(&[("as_of", ""), ("author", "")]).apply(&session).await.unwrap();
        assert!(session.as_of().is_none() && session.author().is_empty());
    }

    #[tokio::test]
    async fn a_wrong_value_says_what_there_is_and_sets_nothing() {
        let session = session("wrong").await;
        for (name, value, told) in [
            ("catalog", "postgres", "session option `catalog` does not take `postgres`; there is only `lake`"),
            ("branch", "dev", "session option `branch` does not take `dev`; there is only `main`"),
            ("as_of", "9", "does not take `9`; version 9 does not exist; `main` runs from 1 to 1"),
            ("schema", "nowhere", "does not take `nowhere`; schema `nowhere` not found"),
        ] {
            let wrong = options(&[("author", "ada"), (name, value)]);
            let error = wrong.apply(&session).await.unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        assert_eq!(session.author(), "");
        let error = SessionOptions::default().set("colour", String::new()).unwrap_err();
        assert!(error.to_string().starts_with("there is no session option `colour`"), "{error}");
    }
}
