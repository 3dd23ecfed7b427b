//! What clients set for the calls that follow, and how they are known again.
//!
//! A session's id travels behind the token, `Bearer <token>~<id>`, or as a cookie. Each call that brings none is
//! answered with a new one, which costs nothing: a session is kept from the first time that something is set in it.
//!
//! * A session belongs to the token that it was begun with.
//! * An id that this process did not draw, and a session that nobody used for long, are errors, never a session without
//!   settings: a client that pinned itself to the past does not read the present unawares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use frostline_sql::Session;
use thiserror::Error;

use super::seal::random;

/// How many sessions a process remembers, those that are over included.
const SESSIONS_MAX: usize = 1_000_000;

/// How many bytes of an id say which process drew it.
const EPOCH_BYTES: usize = 4;

/// A session's id: which process drew it, and 96 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; 16]);

impl SessionId {
    /// The id as its client sends it: 32 hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Reads an id; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0_u8; 16];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Why a session cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum SessionError {
    /// It is over.
    #[error("the session is over, because nobody used it for long or the server was started again; connect again")]
    Over,
    /// It was begun with another token.
    #[error("the session belongs to another token; connect again")]
    Foreign,
    /// The client brings no session along, so what it sets would be forgotten at once.
    #[error(
        "this client keeps no session, so what it sets would be forgotten at once; connect with a user and the token \
         as the password, keep cookies, or send the headers `as_of`, `schema`, `author`, `message` with each call"
    )]
    NotKept,
    /// There are too many.
    #[error("the server keeps as many sessions as it can")]
    TooMany,
    /// There is no such option.
    #[error("there is no session option `{name}`; there are {}", OPTIONS.join(", "))]
    NoOption {
        /// What was asked for.
        name: String,
    },
    /// An option does not take a value.
    #[error("session option `{name}` does not take `{value}`; {instead}")]
    Value {
        /// The option.
        name: &'static str,
        /// What it was given.
        value: String,
        /// What it takes.
        instead: String,
    },
}

/// The options of a session.
pub(crate) const OPTIONS: [&str; 6] = ["catalog", "schema", "as_of", "branch", "author", "message"];

/// The sessions in which something was set.
#[derive(Debug)]
pub(crate) struct Sessions {
    epoch: [u8; EPOCH_BYTES],
    idle: Duration,
    known: Mutex<HashMap<SessionId, Known>>,
}

#[derive(Debug)]
enum Known {
    Live { owner: Arc<str>, session: Session, used: Instant },
    Over,
}

impl Sessions {
    /// No session yet. One that nobody uses for so long is over.
    pub(crate) fn new(idle: Duration) -> Self {
        Self { epoch: random(), idle, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for a client that has none.
    pub(crate) fn draw(&self) -> SessionId {
        let mut bytes: [u8; 16] = random();
        bytes[..EPOCH_BYTES].copy_from_slice(&self.epoch);
        SessionId(bytes)
    }

    /// What was set in a session; `None` if nothing was yet.
    ///
    /// # Errors
    /// If it is over, or another token's.
    pub(crate) fn find(&self, id: SessionId, owner: &str) -> Result<Option<Session>, SessionError> {
        if id.0[..EPOCH_BYTES] != self.epoch {
            return Err(SessionError::Over);
        }
        let mut known = self.known();
        let Some(found) = known.get_mut(&id) else { return Ok(None) };
        match found {
            Known::Over => Err(SessionError::Over),
            Known::Live { owner: theirs, .. } if **theirs != *owner => Err(SessionError::Foreign),
            Known::Live { used, .. } if used.elapsed() > self.idle => {
                *found = Known::Over;
                Err(SessionError::Over)
            }
            Known::Live { session, used, .. } => {
                *used = Instant::now();
                Ok(Some(session.clone()))
            }
        }
    }

    /// The session in which something is to be set: the one that is kept, or `begin`, which is kept from now on.
    ///
    /// # Errors
    /// See [`Sessions::find`]; and if there are too many.
    pub(crate) fn keep(
        &self,
        id: SessionId,
        owner: &Arc<str>,
        begin: impl FnOnce() -> Session,
    ) -> Result<Session, SessionError> {
        if let Some(session) = self.find(id, owner)? {
            return Ok(session);
        }
        let mut known = self.known();
        if known.len() >= SESSIONS_MAX {
            return Err(SessionError::TooMany);
        }
        // Another call of the same client may have been faster.
        let live = || Known::Live { owner: Arc::clone(owner), session: begin(), used: Instant::now() };
        match known.entry(id).or_insert_with(live) {
            Known::Live { session, .. } => Ok(session.clone()),
            Known::Over => Err(SessionError::Over),
        }
    }

    /// Ends a session. Ending it twice, or one in which nothing was set, is no error.
    pub(crate) fn end(&self, id: SessionId, owner: &str) {
        let mut known = self.known();
        if let Some(found) = known.get_mut(&id)
            && matches!(found, Known::Live { owner: theirs, .. } if **theirs == *owner)
        {
            *found = Known::Over;
        }
    }
}

#[cfg(test)]
mod tests {
    use frostline_sql::{CreateOptions, Lake, OpenOptions};

    use super::*;

    async fn session(name: &str) -> Session {
        let location = format!("memory://sessions-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        Lake::open(&location, OpenOptions::default()).await.unwrap().session()
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let sessions = Sessions::new(Duration::from_secs(60));
        let id = sessions.draw();
        assert_eq!(SessionId::parse(&id.text()), Some(id));
        for other in ["", "zz", &"é".repeat(16), &"0".repeat(31), &"0".repeat(33)] {
            assert_eq!(SessionId::parse(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_session_is_its_owners_until_it_ends() {
        let session = session("owners").await;
        let sessions = Sessions::new(Duration::from_secs(60));
        let (id, ann) = (sessions.draw(), Arc::<str>::from("ann"));
        assert!(sessions.find(id, "ann").unwrap().is_none(), "nothing was set");
        sessions.keep(id, &ann, || session.clone().with_author("ada")).unwrap();
        assert_eq!(sessions.find(id, "ann").unwrap().unwrap().author(), "ada");
        assert_eq!(sessions.find(id, "bob").unwrap_err(), SessionError::Foreign);
        sessions.end(id, "bob");
        assert!(sessions.find(id, "ann").is_ok(), "nobody else ends it");
        sessions.end(id, "ann");
        sessions.end(id, "ann");
        assert_eq!(sessions.find(id, "ann").unwrap_err(), SessionError::Over);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_an_error_and_never_a_fresh_session() {
        let session = session("over").await;
        let sessions = Sessions::new(Duration::ZERO);
        let (id, ann) = (sessions.draw(), Arc::<str>::from("ann"));
        sessions.keep(id, &ann, || session.clone()).unwrap();
        assert_eq!(sessions.find(id, "ann").unwrap_err(), SessionError::Over, "idle for too long");
        let earlier = Sessions::new(Duration::from_secs(60)).draw();
        assert_eq!(sessions.find(earlier, "ann").unwrap_err(), SessionError::Over, "another process drew it");
    }
}
