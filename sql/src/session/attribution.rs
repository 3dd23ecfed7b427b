//! What a commit says of itself: who made it, why, when, and whatever else its maker wants it to say.

use datafusion::arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;
use frostline_catalog::{Micros, State};

use super::Session;
use super::pinned::newest;
use crate::error::Error;
use crate::lake::{ALLOW_ASSERTED_TIMES, REQUIRE_MESSAGE};
use crate::parameters::Parameters;
use crate::parse::{CommitWith, Isolation, PropertyValue};

/// The property that says what was checked, where that is less than usual.
const ISOLATION: &str = "isolation";

/// What a commit says of itself.
#[derive(Clone, Debug)]
pub(super) struct Attribution {
    pub(super) author: String,
    pub(super) message: String,
    pub(super) commit_time: Option<Micros>,
    pub(super) properties: Vec<(String, String)>,
}

/// What COMMIT WITH says, with the values of its parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    author: Option<String>,
    message: Option<String>,
    properties: Vec<(String, String)>,
}

impl Said {
    /// Fills in the parameters.
    pub(super) fn of(with: &CommitWith, parameters: &Parameters) -> Result<Self, Error> {
        let mut said = Self::default();
        for (key, value) in &with.properties {
            let text = match value {
                PropertyValue::Text(text) => text.clone(),
                PropertyValue::Parameter(name) => parameter_text(key, name, parameters)?,
            };
            match key.as_str() {
                "author" => said.author = Some(text),
                "message" => said.message = Some(text),
                _ => said.properties.push((key.clone(), text)),
            }
        }
        Ok(said)
    }
}

fn parameter_text(key: &str, name: &str, parameters: &Parameters) -> Result<String, Error> {
    let value = parameters.value(name);
    let value = value.ok_or_else(|| Error::statement(format!("parameter `{name}` has no value")))?;
    match value.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(Some(text)) => Ok(text),
        _ => Err(Error::statement(format!("`{key}` of COMMIT WITH takes a text, a number or a boolean, not NULL"))),
    }
}

impl Session {
    /// What a commit of the session says of itself, on a state of the lake.
    ///
    /// # Errors
    /// If the lake wants a message and there is none, or takes no asserted times.
    pub(super) fn attribution(&self, state: &State, isolation: Isolation, said: Said) -> Result<Attribution, Error> {
        let inner = self.inner();
        let author = inner.commit_author_named(said.author.as_deref().unwrap_or(&inner.own.author));
        let message = said.message.unwrap_or_else(|| inner.own.message.clone());
        let commit_time = inner.own.commit_time;
        drop(inner);
        check_message(state, &message)?;
        if commit_time.is_some() && !is_true(state, ALLOW_ASSERTED_TIMES) {
            return Err(Error::statement("this lake does not let commits assert a time of the past")
                .with_hint("`frostline init --allow-asserted-times` creates one that does"));
        }
        let mut properties = said.properties;
        if isolation == Isolation::Snapshot {
            properties.push((ISOLATION.to_owned(), "snapshot".to_owned()));
        }
        Ok(Attribution { author, message, commit_time, properties })
    }

    /// Refuses a statement that would commit without a message where the lake wants one: before it has done its work.
    pub(super) fn check_will_say_why(&self, state: &State) -> Result<(), Error> {
        let message = self.inner().own.message.clone();
        check_message(state, &message)
    }
}

/// Refuses a commit without a message where the lake wants one.
pub(crate) fn check_message(state: &State, message: &str) -> Result<(), Error> {
    if !message.is_empty() || !is_true(state, REQUIRE_MESSAGE) {
        return Ok(());
    }
    Err(Error::statement("this lake wants a message with every commit, and there is none")
        .with_hint("say why with SET frostline.message = '…', COMMIT WITH (message => '…'), or -m on the command line"))
}

/// Whether a setting of the lake is true.
fn is_true(state: &State, setting: &str) -> bool {
    state.settings().at(&setting.to_owned(), newest(state)).is_some_and(|value| value == "true")
}
