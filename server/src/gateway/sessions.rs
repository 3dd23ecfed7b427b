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

/// How many bytes of an id behind those say in which age of the process it was drawn.
const AGE_BYTES: usize = 4;

/// A session's id: which process drew it, in which of its ages, and 64 random bits.
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

    fn age(self) -> u32 {
        let mut bytes = [0_u8; AGE_BYTES];
        bytes.copy_from_slice(&self.0[EPOCH_BYTES..EPOCH_BYTES + AGE_BYTES]);
        u32::from_be_bytes(bytes)
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
    /// The client brings no session along, so its transaction would be over at once.
    #[error(
        "this client keeps no session, so its transaction would be rolled back at once; begin it by the action \
         BeginTransaction, as drivers do without autocommit, or connect with a user and the token as the password"
    )]
    NoTransaction,
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
    most: usize,
    remembered: Mutex<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    known: HashMap<SessionId, Known>,
    /// The age in which ids are drawn now. Those of earlier ones are over unless they are known: when an age ends,
    /// sessions that are over are forgotten.
    age: u32,
    /// When it was last looked for sessions that nobody uses.
    swept: Instant,
}

#[derive(Debug)]
enum Known {
    Live { owner: Arc<str>, session: Session, used: Instant },
    Over,
}

impl Sessions {
    /// No session yet. One that nobody uses for so long is over.
    pub(crate) fn new(idle: Duration) -> Self {
        let remembered = Remembered { known: HashMap::new(), age: 0, swept: Instant::now() };
        Self { epoch: random(), idle, most: SESSIONS_MAX, remembered: Mutex::new(remembered) }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for a client that has none.
    pub(crate) fn draw(&self) -> SessionId {
        let mut bytes: [u8; 16] = random();
        let (epoch, rest) = bytes.split_at_mut(EPOCH_BYTES);
        epoch.copy_from_slice(&self.epoch);
        rest[..AGE_BYTES].copy_from_slice(&self.remembered().age.to_be_bytes());
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
        let mut remembered = self.remembered();
        let is_earlier = id.age() != remembered.age;
        let Some(found) = remembered.known.get_mut(&id) else {
            return if is_earlier { Err(SessionError::Over) } else { Ok(None) };
        };
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
        let mut remembered = self.remembered();
        remembered.make_room(self.idle, self.most)?;
        // Another call of the same client may have been faster.
        let live = || Known::Live { owner: Arc::clone(owner), session: begin(), used: Instant::now() };
        match remembered.known.entry(id).or_insert_with(live) {
            Known::Live { session, .. } => Ok(session.clone()),
            Known::Over => Err(SessionError::Over),
        }
    }

    /// Ends a session. Ending it twice, or one in which nothing was set, is no error.
    pub(crate) fn end(&self, id: SessionId, owner: &str) {
        let mut remembered = self.remembered();
        if let Some(found) = remembered.known.get_mut(&id)
            && matches!(found, Known::Live { owner: theirs, .. } if **theirs == *owner)
        {
            *found = Known::Over;
        }
    }
}

impl Remembered {
    /// Lets go of what sessions remember that nobody used for long; and, where there are as many as there may be, of
    /// those that are over, with which an age ends.
    fn make_room(&mut self, idle: Duration, most: usize) -> Result<(), SessionError> {
        let is_full = self.known.len() >= most;
        if is_full || self.swept.elapsed() > idle {
            self.swept = Instant::now();
            for known in self.known.values_mut() {
                if matches!(known, Known::Live { used, .. } if used.elapsed() > idle) {
                    *known = Known::Over;
                }
            }
        }
        if is_full {
            let before = self.known.len();
            self.known.retain(|_, known| matches!(known, Known::Live { .. }));
            if self.known.len() < before {
                self.age = self.age.wrapping_add(1);
            }
        }
        match self.known.len() < most {
            true => Ok(()),
            false => Err(SessionError::TooMany),
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
    async fn what_sessions_remember_that_nobody_uses_is_let_go_of() {
        let session = session("unused").await;
        let sessions = Sessions::new(Duration::ZERO);
        let ann = Arc::<str>::from("ann");
        let (first, second) = (sessions.draw(), sessions.draw());
        sessions.keep(first, &ann, || session.clone()).unwrap();
        sessions.keep(second, &ann, || session.clone()).unwrap();
        let remembered = sessions.remembered();
        assert!(matches!(remembered.known.get(&first), Some(Known::Over)), "its client never came back");
    }

    #[tokio::test]
    async fn there_is_room_for_sessions_as_long_as_others_end() {
        let session = session("room").await;
        let sessions = Sessions { most: 2, ..Sessions::new(Duration::from_secs(60)) };
        let ann = Arc::<str>::from("ann");
        let (kept, unset) = (sessions.draw(), sessions.draw());
        sessions.keep(kept, &ann, || session.clone()).unwrap();
        let ended = sessions.draw();
        sessions.keep(ended, &ann, || session.clone()).unwrap();
        sessions.end(ended, "ann");
        let newer = sessions.draw();
        sessions.keep(newer, &ann, || session.clone()).unwrap();
        assert!(sessions.find(kept, "ann").unwrap().is_some() && sessions.find(newer, "ann").unwrap().is_some());
        for other in [ended, unset] {
            assert_eq!(sessions.find(other, "ann").unwrap_err(), SessionError::Over, "it could be one that is over");
        }
        assert!(sessions.find(sessions.draw(), "ann").unwrap().is_none());
        let outcome = sessions.keep(sessions.draw(), &ann, || session.clone());
        assert_eq!(outcome.unwrap_err(), SessionError::TooMany, "both are used");
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
