//! A token, and what a lake keeps of it.
//!
//! ```text
//!   fl_9f86d081884c7d65_2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//!      └── id: 8 bytes ┘ └── secret: 32 random bytes, shown once ─────────────────────┘
//! ```
//!
//! The lake keeps, as the value of its setting `server.token.<id>`:
//!
//! ```text
//! {"name":"ann","rights":"read","sha256":"<of the secret>","created_at":<micros>,"expires_at":<micros or null>}
//! ```
//!
//! A plain SHA-256 is enough: nobody guesses 256 random bits.

use std::fmt::Write as _;

use frostline_catalog::{Digest, Micros};
use frostline_sql::RESERVED_SETTINGS;
use serde_json::{Value, json};

use super::Rights;

const PREFIX: &str = "fl_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// The bytes that only whoever holds a token knows.
pub(super) type Secret = [u8; SECRET_BYTES];

/// A token as it is drawn. It does not print itself by accident.
pub(super) struct DrawnToken {
    pub(super) id: String,
    secret: Secret,
}

/// What a lake keeps of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptToken {
    pub(super) name: String,
    pub(super) rights: Rights,
    pub(super) sha256: Digest,
    pub(super) created_at: Micros,
    pub(super) expires_at: Option<Micros>,
}

impl DrawnToken {
    /// A new token.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(super) fn draw() -> Result<Self, getrandom::Error> {
        let mut id = [0_u8; ID_BYTES];
        let mut secret: Secret = [0; SECRET_BYTES];
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        Ok(Self { id: hex(&id), secret })
    }

    /// The token as its holder sends it.
    pub(super) fn text(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, hex(&self.secret))
    }

    /// What may be kept of the secret.
    pub(super) fn sha256(&self) -> Digest {
        Digest::of(&self.secret)
    }
}

impl KeptToken {
    /// The setting's value.
    pub(super) fn encode(&self) -> String {
        json!({
            "name": self.name,
            "rights": self.rights.name(),
            "sha256": self.sha256.to_string(),
            "created_at": self.created_at.get(),
            "expires_at": self.expires_at.map(Micros::get),
        })
        .to_string()
    }

    /// What a setting's value says; `None` if it says nothing that can be relied on, so that the token opens nothing.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let expires_at = match value.get("expires_at")? {
            Value::Null => None,
            other => Some(Micros::new(other.as_i64()?)),
        };
        Some(Self {
            name: value.get("name")?.as_str()?.to_owned(),
            rights: value.get("rights")?.as_str()?.parse().ok()?,
            sha256: Digest::try_from_slice(&bytes_of(value.get("sha256")?.as_str()?)?)?,
            created_at: Micros::new(value.get("created_at")?.as_i64()?),
            expires_at,
        })
    }

    /// Whether this is the token's secret. Takes the same time however much of it is right.
    pub(super) fn has_secret(&self, secret: &Secret) -> bool {
        let found = Digest::of(secret);
        let pairs = found.bytes().iter().zip(self.sha256.bytes());
        pairs.fold(0_u8, |difference, (one, other)| difference | (one ^ other)) == 0
    }
}

/// The setting that keeps a token.
pub(super) fn setting_of(id: &str) -> String {
    format!("{}{id}", setting_prefix())
}

/// How the names of the settings begin that keep tokens.
pub(super) fn setting_prefix() -> String {
    format!("{RESERVED_SETTINGS}token.")
}

/// The id and the secret of a token as it is sent; `None` if it is none.
pub(super) fn split(text: &str) -> Option<(&str, Secret)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    if bytes_of(id)?.len() != ID_BYTES {
        return None;
    }
    let secret = Secret::try_from(bytes_of(secret)?).ok()?;
    Some((id, secret))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of hexadecimal digits in lower case.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|start| u8::from_str_radix(&text[start..start + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(token: &DrawnToken) -> KeptToken {
        KeptToken {
            name: "ann \"the\" first".to_owned(),
            rights: Rights::Write,
            sha256: token.sha256(),
            created_at: Micros::new(7),
            expires_at: Some(Micros::new(8)),
        }
    }

    #[test]
    fn a_token_is_read_as_it_is_written() {
        let token = DrawnToken::draw().unwrap();
        let text = token.text();
        let (id, secret) = split(&text).unwrap();
        assert_eq!(id, token.id);
        assert!(kept(&token).has_secret(&secret));
        assert!(!kept(&DrawnToken::draw().unwrap()).has_secret(&secret));
    }

    #[test]
    fn what_a_lake_keeps_is_read_as_it_is_written_and_holds_no_secret() {
        let token = DrawnToken::draw().unwrap();
        let kept = kept(&token);
        let text = kept.encode();
        assert_eq!(KeptToken::decode(&text), Some(kept.clone()));
        let for_ever = KeptToken { expires_at: None, ..kept };
        assert_eq!(KeptToken::decode(&for_ever.encode()), Some(for_ever));
        assert!(!text.contains(&hex(&token.secret)));
    }

    #[test]
    fn what_is_not_understood_opens_nothing() {
        let no_rights = r#"{"name":"a","rights":"all","sha256":"00","created_at":1,"expires_at":null}"#;
        for text in ["", "{}", "null", no_rights] {
            assert_eq!(KeptToken::decode(text), None, "{text}");
        }
        for text in ["", "fl_", "fl_00_00", "fl_0011223344556677_é", "FL_0011223344556677_00"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
