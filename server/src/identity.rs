//! Who asks, and what they may do: tokens.
//!
//! ```text
//!   authorization header ──header──▶ fl_<id>_<secret> ──▶ the lake's setting server.token.<id> ──▶ Principal
//! ```
//!
//! * A lake keeps of a token its name, its rights and the SHA-256 of its secret, as facts in its ledger: every server
//!   of the lake knows the same tokens, and who made and revoked them is history.
//! * What was revoked or has expired is refused by every server at once: none trusts a state that is older than
//!   [`STALENESS_MAX`].

mod book;
mod header;
mod token;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frostline_catalog::{BranchId, State};
use frostline_sql::Lake;
use thiserror::Error;
use tokio::sync::Mutex;

pub use book::{
    MadeToken, NewToken, TokenEntry, TokenError, TokenStatus, create_token, create_token_if_none, list_tokens,
    revoke_token,
};
pub(crate) use header::presented_token;

use token::{KeptToken, setting_of, split};

/// How old the state of the lake may be that a token is checked against.
const STALENESS_MAX: Duration = Duration::from_secs(1);

/// What a principal may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rights {
    /// Read every version of every table.
    Read,
    /// Commit too.
    Write,
    /// Everything.
    Admin,
}

impl Rights {
    /// The rights in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no rights.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` names no rights; there are read, write and admin")]
pub struct NoRights(String);

impl FromStr for Rights {
    type Err = NoRights;

    fn from_str(text: &str) -> Result<Self, NoRights> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|rights| rights.name() == text)
            .ok_or_else(|| NoRights(text.to_owned()))
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The token's name: the author of what it commits.
    pub(crate) name: Arc<str>,
    pub(crate) rights: Rights,
    /// The token's id, which is no secret; empty where nobody is asked for a token.
    pub(crate) token_id: Arc<str>,
}

impl Principal {
    /// Whoever comes to a server that asks for no token.
    fn anyone() -> Self {
        Self { name: Arc::from("anonymous"), rights: Rights::Admin, token_id: Arc::from("") }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Error)]
pub(crate) enum IdentityError {
    /// No token was sent.
    #[error("no token was sent; send `authorization: Bearer <token>`, or the token as the password")]
    Missing,
    /// What was sent holds no token.
    #[error("the authorization header holds no token; send `Bearer <token>`, or the token as the password")]
    Malformed,
    /// There is no such token. Nothing is said of how near it was.
    #[error("the token is not valid; `frostline token create` makes one")]
    Wrong,
    /// The token was right, and is over.
    #[error("token `{name}` has expired; `frostline token create` makes another")]
    Expired {
        /// The token's name.
        name: String,
    },
    /// The token was right, and was taken back.
    #[error("token `{name}` was revoked; `frostline token create` makes another")]
    Revoked {
        /// The token's name.
        name: String,
    },
    /// The lake does not answer, so nobody can be known.
    #[error("tokens cannot be checked now, because the lake does not answer; try again")]
    Unavailable(#[source] frostline_sql::Error),
}

/// Knows who asks. Clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    /// Nobody is asked for a token.
    Anyone,
    Tokens {
        lake: Lake,
        /// When the lake's state was last asked for.
        refreshed: Mutex<Option<Instant>>,
    },
}

impl Identity {
    /// Asks for the tokens of a lake.
    pub(crate) fn of_lake(lake: Lake) -> Self {
        Self(Arc::new(Inner::Tokens { lake, refreshed: Mutex::new(None) }))
    }

    /// Lets everybody in, whatever they send.
    pub(crate) fn anyone() -> Self {
        Self(Arc::new(Inner::Anyone))
    }

    /// Who sends a request with this authorization header.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub(crate) async fn principal(&self, authorization: Option<&str>) -> Result<Principal, IdentityError> {
        let Inner::Tokens { lake, refreshed } = self.0.as_ref() else { return Ok(Principal::anyone()) };
        let authorization = authorization.ok_or(IdentityError::Missing)?;
        let text = presented_token(authorization).ok_or(IdentityError::Malformed)?;
        let (id, secret) = split(&text).ok_or(IdentityError::Wrong)?;
        let state = recent_state(lake, refreshed).await?;
        let known = find(&state, id).ok_or(IdentityError::Wrong)?;
        let (kept, revoked) = known;
        if !kept.has_secret(&secret) {
            return Err(IdentityError::Wrong);
        }
        if revoked {
            return Err(IdentityError::Revoked { name: kept.name });
        }
        if kept.expires_at.is_some_and(|expires_at| expires_at <= lake.now()) {
            return Err(IdentityError::Expired { name: kept.name });
        }
        Ok(Principal { name: Arc::from(kept.name), rights: kept.rights, token_id: Arc::from(id) })
    }
}

/// A state of the lake that is recent enough. Those that ask at the same time share one request.
async fn recent_state(lake: &Lake, refreshed: &Mutex<Option<Instant>>) -> Result<Arc<State>, IdentityError> {
    let mut refreshed = refreshed.lock().await;
    let now = Instant::now();
    let is_recent = refreshed.is_some_and(|at| now.duration_since(at) < STALENESS_MAX);
    if !is_recent {
        lake.refresh().await.map_err(IdentityError::Unavailable)?;
        *refreshed = Some(now);
    }
    Ok(lake.state())
}

/// What the lake keeps of a token, and whether it was revoked.
fn find(state: &State, id: &str) -> Option<(KeptToken, bool)> {
    let key = setting_of(id);
    let newest = state.newest(BranchId::MAIN)?;
    if let Some(text) = state.settings().at(&key, newest) {
        return Some((KeptToken::decode(text)?, false));
    }
    let last = state.settings().of(&key).last()?;
    Some((KeptToken::decode(&last.value)?, true))
}

#[cfg(test)]
mod tests {
    use frostline_catalog::Micros;
    use frostline_catalog::io::{Clock, ManualClock};
    use frostline_sql::{CreateOptions, OpenOptions};

    use super::*;

    const START: Micros = Micros::new(1_704_067_200_000_000);

    async fn lake(name: &str) -> (Lake, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(START));
        let shared: Arc<dyn Clock> = clock.clone();
        let location = format!("memory://identity-{name}");
        Lake::create(&location, CreateOptions { clock: Arc::clone(&shared), ..CreateOptions::default() })
            .await
            .unwrap();
        let options = OpenOptions { clock: shared, ..OpenOptions::default() };
        (Lake::open(&location, options).await.unwrap(), clock)
    }

    fn asked(name: &str, rights: Rights) -> NewToken {
        let (author, message) = ("tester".to_owned(), String::new());
        NewToken { name: name.to_owned(), rights, expires_in: None, author, message }
    }

    fn told(outcome: Result<Principal, IdentityError>) -> String {
        match outcome {
            Ok(principal) => format!("{} may {}", principal.name, principal.rights),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_token_is_taken_as_bearer_and_as_a_password() {
        let (lake, _) = lake("forms").await;
        let made = create_token(&lake, asked("ann", Rights::Write)).await.unwrap();
        let identity = Identity::of_lake(lake);
        let bearer = format!("Bearer {}", made.text);
        assert_eq!(told(identity.principal(Some(&bearer)).await), "ann may write");
        let basic = format!("Basic {}", header::encode_basic("anybody", &made.text));
        assert_eq!(told(identity.principal(Some(&basic)).await), "ann may write");
        let unpadded = basic.trim_end_matches('=');
        assert_eq!(told(identity.principal(Some(unpadded)).await), "ann may write");
    }

    #[tokio::test]
    async fn nobody_else_is_let_in() {
        let (lake, _) = lake("others").await;
        let made = create_token(&lake, asked("ann", Rights::Read)).await.unwrap();
        let identity = Identity::of_lake(lake);
        assert!(matches!(identity.principal(None).await, Err(IdentityError::Missing)));
        assert!(matches!(identity.principal(Some("Digest x")).await, Err(IdentityError::Malformed)));
        let mut forged = made.text.clone();
        let last = forged.pop().unwrap();
        forged.push(if last == '0' { '1' } else { '0' });
        for wrong in ["None", "", "fl_", "fl_0011223344556677_00", forged.as_str()] {
            let outcome = identity.principal(Some(&format!("Bearer {wrong}"))).await;
            assert!(matches!(outcome, Err(IdentityError::Wrong | IdentityError::Malformed)), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_token_ends_when_it_expires_and_when_it_is_revoked() {
        let (lake, clock) = lake("ends").await;
        let request = NewToken { expires_in: Some(Duration::from_secs(60)), ..asked("brief", Rights::Read) };
        let brief = create_token(&lake, request).await.unwrap();
        let long = create_token(&lake, asked("long", Rights::Read)).await.unwrap();
        let identity = Identity::of_lake(lake.clone());
        let (brief, long) = (format!("Bearer {}", brief.text), format!("Bearer {}", long.text));
        assert_eq!(told(identity.principal(Some(&brief)).await), "brief may read");

        clock.set(START.plus(60_000_000));
        let outcome = identity.principal(Some(&brief)).await;
        assert!(matches!(outcome, Err(IdentityError::Expired { .. })), "{outcome:?}");
        revoke_token(&lake, "long", "tester", "").await.unwrap();
        let outcome = identity.principal(Some(&long)).await;
        assert!(matches!(outcome, Err(IdentityError::Revoked { .. })), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_server_without_tokens_lets_everybody_in() {
        let identity = Identity::anyone();
        for authorization in [None, Some("Bearer None"), Some("what is this")] {
            assert_eq!(told(identity.principal(authorization).await), "anonymous may admin");
        }
    }

    #[test]
    fn rights_grow() {
        assert!(Rights::Read < Rights::Write && Rights::Write < Rights::Admin);
        assert_eq!("write".parse(), Ok(Rights::Write));
        assert_eq!("all".parse::<Rights>(), Err(NoRights("all".to_owned())));
    }
}
