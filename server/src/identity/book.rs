//! Making, listing and revoking tokens. Each is a commit of the lake.

use std::time::Duration;

use frostline_catalog::{BranchId, Micros, State, Version, nearest};
use frostline_sql::{Lake, SettingsChange};
use thiserror::Error;

use super::Rights;
use super::token::{DrawnToken, KeptToken, setting_of, setting_prefix};

/// How long a token's name may be, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// A token that is asked for.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name: the author of what its holder commits.
    pub name: String,
    /// What its holder may do.
    pub rights: Rights,
    /// How long it holds; `None` for ever.
    pub expires_in: Option<Duration>,
    /// Who makes it.
    pub author: String,
    /// Why.
    pub message: String,
}

/// A token that was made. Its text is known here, and never again.
pub struct MadeToken {
    /// What its holder sends.
    pub text: String,
    /// Its id, which is no secret.
    pub id: String,
    /// The version that made it.
    pub version: Version,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

/// Whether a token opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// It does.
    Valid,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl TokenStatus {
    /// The status in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// A token that a lake knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// What its holder may do.
    pub rights: Rights,
    /// Whether it opens anything.
    pub status: TokenStatus,
    /// When it was made.
    pub created_at: Micros,
    /// When it ends; `None` for never.
    pub expires_at: Option<Micros>,
}

/// Why a token is not made or revoked.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The name cannot be one.
    #[error("`{name}` cannot name a token; use 1 to 64 letters, digits and any of `-_.@+`")]
    Name {
        /// The name.
        name: String,
    },
    /// A valid token has the name.
    #[error("there is a token `{name}` already; revoke it first, or choose another name")]
    Taken {
        /// The name.
        name: String,
    },
    /// No token that is not revoked has the name.
    #[error("there is no token `{name}`; {}", hint(nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// The token whose name is nearest.
        nearest: Option<String>,
    },
    /// The system has no random bytes.
    #[error("the system gives no random bytes ({0}), and a token cannot be made without")]
    Random(getrandom::Error),
    /// The lake cannot be read or written.
    #[error(transparent)]
    Lake(#[from] frostline_sql::Error),
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`frostline token list` lists them".to_owned(),
    }
}

/// Makes a token.
///
/// # Errors
/// If the name cannot be one or is taken, or the commit is not made.
pub async fn create_token(lake: &Lake, request: NewToken) -> Result<MadeToken, TokenError> {
    check_name(&request.name)?;
    lake.refresh().await?;
    let is_taken = |entry: &TokenEntry| entry.name == request.name && entry.status == TokenStatus::Valid;
    if list_tokens(lake).iter().any(is_taken) {
        return Err(TokenError::Taken { name: request.name });
    }
    make(lake, request).await
}

/// Makes a token, unless the lake ever had one.
///
/// * Of several processes that do so at once, the one whose commit comes first has made it; each of the others takes
///   its own back and gives `None`.
///
/// # Errors
/// As [`create_token`].
pub async fn create_token_if_none(lake: &Lake, request: NewToken) -> Result<Option<MadeToken>, TokenError> {
    check_name(&request.name)?;
    lake.refresh().await?;
    if !list_tokens(lake).is_empty() {
        return Ok(None);
    }
    let author = request.author.clone();
    let made = make(lake, request).await?;
    if !had_token_before(&lake.state(), made.version) {
        return Ok(Some(made));
    }
    let change = SettingsChange {
        author,
        message: "another process made the first token at the same time".to_owned(),
        operation: "revoke token".to_owned(),
        settings: vec![(setting_of(&made.id), None)],
    };
    lake.commit_settings(change).await?;
    Ok(None)
}

/// The tokens that the lake ever had, as the process knows it now, by name; those of one name by age.
pub fn list_tokens(lake: &Lake) -> Vec<TokenEntry> {
    entries(&lake.state(), lake.now())
}

/// Takes back every token of a name, and gives the version that did.
///
/// # Errors
/// If there is none that is not revoked, or the commit is not made.
pub async fn revoke_token(lake: &Lake, name: &str, author: &str, message: &str) -> Result<Version, TokenError> {
    lake.refresh().await?;
    let mut standing = list_tokens(lake);
    standing.retain(|entry| entry.status != TokenStatus::Revoked);
    let revoked = standing.iter().filter(|entry| entry.name == name);
    let settings: Vec<(String, Option<String>)> = revoked.map(|entry| (setting_of(&entry.id), None)).collect();
    if settings.is_empty() {
        let nearest = nearest(name, standing.iter().map(|entry| entry.name.as_str()));
        return Err(TokenError::Unknown { name: name.to_owned(), nearest });
    }
    let (author, message) = (author.to_owned(), message.to_owned());
    let change = SettingsChange { author, message, operation: "revoke token".to_owned(), settings };
    Ok(lake.commit_settings(change).await?)
}

async fn make(lake: &Lake, request: NewToken) -> Result<MadeToken, TokenError> {
    let token = DrawnToken::draw().map_err(TokenError::Random)?;
    let created_at = lake.now();
    let lifetime = request.expires_in.map(|lifetime| i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX));
    let kept = KeptToken {
        name: request.name,
        rights: request.rights,
        sha256: token.sha256(),
        created_at,
        expires_at: lifetime.map(|micros| created_at.plus(micros)),
    };
    let change = SettingsChange {
        author: request.author,
        message: request.message,
        operation: "create token".to_owned(),
        settings: vec![(setting_of(&token.id), Some(kept.encode()))],
    };
    let version = lake.commit_settings(change).await?;
    Ok(MadeToken { text: token.text(), id: token.id, version })
}

fn had_token_before(state: &State, version: Version) -> bool {
    let prefix = setting_prefix();
    state.settings().iter().any(|(key, fact)| key.starts_with(&prefix) && fact.interval.begin() < version)
}

fn check_name(name: &str) -> Result<(), TokenError> {
    let is_allowed = |character: char| character.is_alphanumeric() || "-_.@+".contains(character);
    let characters = name.chars().count();
    if (1..=NAME_CHARACTERS_MAX).contains(&characters) && name.chars().all(is_allowed) {
        Ok(())
    } else {
        Err(TokenError::Name { name: name.to_owned() })
    }
}

fn entries(state: &State, now: Micros) -> Vec<TokenEntry> {
    let prefix = setting_prefix();
    let newest = state.newest(BranchId::MAIN).unwrap_or(Version::FIRST);
    let mut found: Vec<TokenEntry> = Vec::new();
    for (key, fact) in state.settings().iter() {
        let Some(id) = key.strip_prefix(&prefix) else { continue };
        let Some(kept) = KeptToken::decode(&fact.value) else { continue };
        let is_over = kept.expires_at.is_some_and(|expires_at| expires_at <= now);
        let status = match (fact.interval.contains(newest), is_over) {
            (false, _) => TokenStatus::Revoked,
            (true, true) => TokenStatus::Expired,
            (true, false) => TokenStatus::Valid,
        };
        found.push(TokenEntry {
            name: kept.name,
            id: id.to_owned(),
            rights: kept.rights,
            status,
            created_at: kept.created_at,
            expires_at: kept.expires_at,
        });
    }
    found.sort_by(|one, other| (&one.name, one.created_at, &one.id).cmp(&(&other.name, other.created_at, &other.id)));
    found
}

#[cfg(test)]
mod tests {
    use frostline_sql::{CreateOptions, OpenOptions, Parameters};

    use super::*;

    async fn lake(name: &str) -> Lake {
        let location = format!("memory://token-book-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        Lake::open(&location, OpenOptions::default()).await.unwrap()
    }

    fn asked(name: &str) -> NewToken {
        NewToken {
            name: name.to_owned(),
            rights: Rights::Read,
            expires_in: None,
            author: "tester".to_owned(),
            message: String::new(),
        }
    }

    fn statuses(lake: &Lake) -> Vec<String> {
        list_tokens(lake).iter().map(|entry| format!("{} {}", entry.name, entry.status.name())).collect()
    }

    #[tokio::test]
    async fn a_name_is_free_again_once_its_token_is_revoked() {
        let lake = lake("names").await;
        create_token(&lake, asked("ann")).await.unwrap();
        assert!(matches!(create_token(&lake, asked("ann")).await, Err(TokenError::Taken { .. })));
        revoke_token(&lake, "ann", "tester", "left").await.unwrap();
        assert!(matches!(revoke_token(&lake, "ann", "tester", "").await, Err(TokenError::Unknown { .. })));
        create_token(&lake, asked("ann")).await.unwrap();
        let mut found = statuses(&lake);
        found.sort();
        assert_eq!(found, ["ann revoked", "ann valid"]);
    }

    #[tokio::test]
    async fn the_first_token_is_made_once() {
        let lake = lake("first").await;
        assert!(create_token_if_none(&lake, asked("admin")).await.unwrap().is_some());
        assert!(create_token_if_none(&lake, asked("admin")).await.unwrap().is_none());
        revoke_token(&lake, "admin", "tester", "").await.unwrap();
        assert!(create_token_if_none(&lake, asked("admin")).await.unwrap().is_none(), "whoever revoked all meant it");
    }

    #[tokio::test]
    async fn of_processes_that_make_the_first_token_at_once_one_has_made_it() {
        let one = lake("at-once").await;
        let other = Lake::open("memory://token-book-at-once", OpenOptions::default()).await.unwrap();
        let (first, second) =
            futures::join!(create_token_if_none(&one, asked("admin")), create_token_if_none(&other, asked("admin")));
        let made: Vec<MadeToken> = [first.unwrap(), second.unwrap()].into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "{made:?}");
        one.refresh().await.unwrap();
        let valid = list_tokens(&one).into_iter().filter(|entry| entry.status == TokenStatus::Valid);
        let valid: Vec<String> = valid.map(|entry| entry.id).collect();
        assert_eq!(valid, [made[0].id.clone()]);
    }

    #[tokio::test]
    async fn sql_neither_shows_nor_sets_tokens() {
        let lake = lake("hidden").await;
        create_token(&lake, asked("ann")).await.unwrap();
        let session = lake.session();
        let sql = "SELECT count(*) AS n FROM system.settings WHERE name LIKE 'server.%' HAVING count(*) > 0";
        let rows = session.sql(sql, &Parameters::none()).await.unwrap().into_rows().unwrap();
        let shown: usize = rows.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(shown, 0);
        for sql in ["SET server.token.x = 'y'", "SHOW server.token.x", "RESET server.token.x"] {
            assert!(session.sql(sql, &Parameters::none()).await.is_err(), "{sql}");
        }
    }

    #[test]
    fn a_name_is_what_logs_can_show() {
        for name in ["ann", "etl-2", "ann@example.org", "Žofie"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "a b", "a\n", "a:b", long.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
