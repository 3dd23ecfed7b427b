//! What a session remembers, read and set by the program that holds it.

use std::sync::{Arc, Mutex};

use frostline_catalog::Version;

use crate::context::{INFORMATION_SCHEMA, QualifiedName, SYSTEM};
use crate::error::Error;
use crate::session::{Inner, Session};

impl Inner {
    /// Who commits, if that is said to be this author. A session that came with a token says whose, whatever author it
    /// names.
    pub(crate) fn commit_author_named(&self, author: &str) -> String {
        match (author, self.principal.as_str()) {
            (author, "") => author.to_owned(),
            ("", principal) => principal.to_owned(),
            (author, principal) if author == principal => principal.to_owned(),
            (author, principal) => format!("{author} (token {principal})"),
        }
    }
}

impl Session {
    /// The same session for statements of somebody who came with a token: every commit names them.
    pub fn with_principal(self, name: &str) -> Self {
        name.clone_into(&mut self.inner().principal);
        self
    }

    /// Another session that begins with what this one remembers, and in its transaction. What one sets later, the other
    /// does not see.
    pub fn fork(&self) -> Self {
        let inner = self.inner();
        let copy = Inner {
            own: inner.own.clone(),
            initial: inner.initial.clone(),
            schema: inner.schema.clone(),
            local_files: inner.local_files,
            network: inner.network,
            principal: inner.principal.clone(),
            read_only: inner.read_only,
            starts_as_opened: false,
            options: inner.options.clone(),
            prepared: inner.prepared.clone(),
            membership: inner.membership.clone(),
        };
        Self { lake: self.lake.clone(), inner: Arc::new(Mutex::new(copy)) }
    }

    /// The schema of names that have none.
    pub fn schema(&self) -> String {
        self.inner().schema.clone()
    }

    /// Sets the schema of names that have none.
    ///
    /// # Errors
    /// If there is no such schema.
    pub async fn set_schema(&self, name: &str) -> Result<(), Error> {
        let context = self.describing_context().await?;
        let own = name == SYSTEM || name == INFORMATION_SCHEMA;
        if !own && context.state.schema_named(name, context.visible).is_none() {
            let qualified = QualifiedName { schema: name.to_owned(), name: String::new() };
            return Err(context.missing(&qualified, context.visible));
        }
        name.clone_into(&mut self.inner().schema);
        Ok(())
    }

    /// The version that the session is pinned to.
    pub fn as_of(&self) -> Option<Version> {
        self.inner().own.pin
    }

    /// Pins the session to the past that a text asks for, a version's number, a tag or an instant; or to none.
    ///
    /// # Errors
    /// If there is no such past.
    pub async fn set_as_of(&self, text: Option<&str>) -> Result<Option<Version>, Error> {
        let pin = match text {
            None => None,
            Some(text) => {
                // Tags and numbers are those of the newest version, whatever the session is pinned to now.
                let newest = self.fork();
                newest.inner().own.pin = None;
                Some(newest.describing_context().await?.resolve_version_text(text)?)
            }
        };
        self.inner().own.pin = pin;
        Ok(pin)
    }

    /// The author that the session names for its commits; empty for none.
    pub fn author(&self) -> String {
        self.inner().own.author.clone()
    }

    /// The message of the session's commits; empty for none.
    pub fn message(&self) -> String {
        self.inner().own.message.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::lake::{CreateOptions, Lake, OpenOptions};

    async fn lake(name: &str) -> Lake {
        let location = format!("memory://{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        Lake::open(&location, OpenOptions::default()).await.unwrap()
    }

    #[tokio::test]
    async fn a_commit_with_a_token_always_names_whose() {
        let session = lake("options-author").await.session();
        assert_eq!(session.inner().commit_author_named(""), "");
        let session = session.with_principal("etl");
        assert_eq!(session.inner().commit_author_named(""), "etl");
        assert_eq!(session.inner().commit_author_named("ada"), "ada (token etl)");
        assert_eq!(session.inner().commit_author_named("etl"), "etl");
    }

    #[tokio::test]
    async fn a_fork_goes_its_own_way() {
        let session = lake("options-fork").await.session().with_author("ada");
        let fork = session.fork().with_author("bob");
        assert_eq!((session.author().as_str(), fork.author().as_str()), ("ada", "bob"));
        fork.set_as_of(Some("1")).await.unwrap();
        assert!(session.as_of().is_none());
        let error = fork.set_as_of(Some("99")).await.unwrap_err();
        assert_eq!(error.to_string(), "version 99 does not exist; `main` runs from 1 to 1");
        assert_eq!(fork.as_of().map(|version| version.number()), Some(1), "a pin that fails changes nothing");
        fork.set_as_of(None).await.unwrap();
        assert!(fork.as_of().is_none());
    }
}
