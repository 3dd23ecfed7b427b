//! Transactions that clients begin and end by actions, and the ids that name them.
//!
//! * An id is sealed and belongs to a token. What it names is committed or rolled back once.
//! * A transaction that nobody uses for long is rolled back. One in which nothing was read or written yet holds
//!   nothing, and waits as long as there is room: drivers begin one when they connect.
//! * How a transaction ended is remembered for as long, so that ending it twice has a true answer: to roll back what
//!   was rolled back is no error, to commit what was committed neither.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use frostline_sql::{Ending, SharedTransaction};
use thiserror::Error;

use super::seal::{Purpose, SealKey, random};
use super::sessions::SessionId;

/// How many transactions a process remembers, those that are over included.
const TRANSACTIONS_MAX: usize = 16_384;

/// How long a transaction that is over is remembered even where there is no room.
const OVER_AT_LEAST: Duration = Duration::from_secs(60);

/// What a transaction is known by in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransactionId([u8; 16]);

/// Why an id names no transaction that takes statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TransactionError {
    /// This server did not make it as it is.
    #[error("the transaction's id was not made by this server, or was altered; begin a transaction")]
    Forged,
    /// It was made for another token.
    #[error("the transaction belongs to another token")]
    Foreign,
    /// It was committed.
    #[error("the transaction was committed; begin another")]
    Committed,
    /// It was rolled back.
    #[error("the transaction was rolled back; begin another")]
    RolledBack,
    /// It was rolled back because nobody used it.
    #[error("the transaction was rolled back, because nobody used it for long; begin another")]
    Expired,
    /// Nobody knows what became of it.
    #[error("it is not known whether the transaction was committed: `system.commits` shows it; begin another")]
    Unknown,
    /// It is over, and it is not remembered how it ended.
    #[error("the transaction is over; begin another")]
    Forgotten,
    /// There are too many.
    #[error("{} transactions are open, which is as many as the server keeps; end some", TRANSACTIONS_MAX)]
    TooMany,
    /// A call that names no transaction may be meant for any of several.
    #[error("several transactions are open in the session, and the call names none of them; name one")]
    Several,
    /// A prepared statement belongs to a transaction that is over.
    #[error("the statement was prepared in a transaction that is over; prepare it again")]
    OfPrepared,
}

/// The transactions of a process.
#[derive(Debug)]
pub(crate) struct Transactions {
    idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    known: HashMap<TransactionId, Known>,
    /// When it was last looked for transactions that nobody uses.
    swept: Instant,
}

#[derive(Debug)]
struct Known {
    owner: Arc<str>,
    /// The session that it was begun in, if its client brought one.
    session: Option<SessionId>,
    transaction: SharedTransaction,
    used: Instant,
    is_expired: bool,
}

impl Transactions {
    /// No transaction yet. One that nobody uses for so long is rolled back.
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, kept: Mutex::new(Kept { known: HashMap::new(), swept: Instant::now() }) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a transaction that begins, and gives its id as the client sends it.
    ///
    /// # Errors
    /// If there are too many.
    pub(crate) fn keep(
        &self,
        key: &SealKey,
        owner: &Arc<str>,
        session: Option<SessionId>,
        transaction: SharedTransaction,
    ) -> Result<Bytes, TransactionError> {
        let id = TransactionId(random());
        let mut kept = self.kept();
        kept.make_room(self.idle)?;
        let owner = Arc::clone(owner);
        kept.known.insert(id, Known { owner, session, transaction, used: Instant::now(), is_expired: false });
        Ok(key.seal(Purpose::Transaction, &id.0))
    }

    /// The id that a client sends.
    ///
    /// # Errors
    /// If it is forged.
    pub(crate) fn id(key: &SealKey, sent: &[u8]) -> Result<TransactionId, TransactionError> {
        let body = key.open(Purpose::Transaction, sent).ok_or(TransactionError::Forged)?;
        <[u8; 16]>::try_from(body).map(TransactionId).map_err(|_| TransactionError::Forged)
    }

    /// The transaction of an id, for a statement or to be ended.
    ///
    /// # Errors
    /// If it is over, or another token's. See [`TransactionError`].
    pub(crate) fn find(&self, id: TransactionId, owner: &str) -> Result<SharedTransaction, TransactionError> {
        let mut kept = self.kept();
        kept.sweep(self.idle);
        let known = kept.known.get_mut(&id).ok_or(TransactionError::Forgotten)?;
        if known.owner.as_ref() != owner {
            return Err(TransactionError::Foreign);
        }
        known.expire(self.idle);
        match known.transaction.ending() {
            None => {
                known.used = Instant::now();
                Ok(known.transaction.clone())
            }
            Some(Ending::Committed(_)) => Err(TransactionError::Committed),
            Some(Ending::RolledBack) if known.is_expired => Err(TransactionError::Expired),
            Some(Ending::RolledBack) => Err(TransactionError::RolledBack),
            Some(Ending::Unknown) => Err(TransactionError::Unknown),
        }
    }

    /// The transaction that a prepared statement runs in: the one that it was prepared in, or, if that is over, the one
    /// that is open in the same session. Drivers prepare a statement once, and run it in one transaction after the
    /// other.
    ///
    /// # Errors
    /// If there is none, or not exactly one.
    pub(crate) fn of_prepared(
        &self,
        id: TransactionId,
        owner: &str,
        session: Option<SessionId>,
    ) -> Result<(TransactionId, SharedTransaction), TransactionError> {
        let own = match self.find(id, owner) {
            Ok(transaction) => return Ok((id, transaction)),
            Err(TransactionError::Foreign) => return Err(TransactionError::Foreign),
            Err(own) => own,
        };
        let Some(session) = session else { return Err(own_or_prepared(own)) };
        let mut kept = self.kept();
        let mut open = kept.known.iter_mut().filter(|(_, known)| known.is_open_in(session, owner));
        match (open.next(), open.next()) {
            (Some((id, known)), None) => {
                known.used = Instant::now();
                Ok((*id, known.transaction.clone()))
            }
            _ => Err(own_or_prepared(own)),
        }
    }

    /// The transaction that is open in a session, for calls that drivers make in it without naming it; `None` if there
    /// is none.
    ///
    /// # Errors
    /// If there are several, or it was rolled back because nobody used it, and its client does not know that yet.
    pub(crate) fn open_in(
        &self,
        session: Option<SessionId>,
        owner: &str,
    ) -> Result<Option<SharedTransaction>, TransactionError> {
        let Some(session) = session else { return Ok(None) };
        let mut kept = self.kept();
        let mut is_expired = false;
        for known in kept.known.values_mut().filter(|known| known.is_in(session, owner)) {
            known.expire(self.idle);
            is_expired |= known.is_expired;
        }
        let mut open = kept.known.values_mut().filter(|known| known.is_open_in(session, owner));
        match (open.next(), open.next()) {
            (Some(known), None) => {
                known.used = Instant::now();
                Ok(Some(known.transaction.clone()))
            }
            (Some(_), Some(_)) => Err(TransactionError::Several),
            (None, _) if is_expired => Err(TransactionError::Expired),
            (None, _) => Ok(None),
        }
    }

    /// How a transaction ended, if it did and that is remembered. Who asks knows it from now on.
    pub(crate) fn ending(&self, id: TransactionId, owner: &str) -> Option<Ending> {
        let mut kept = self.kept();
        let known = kept.known.get_mut(&id).filter(|known| known.owner.as_ref() == owner)?;
        let ending = known.transaction.ending()?;
        known.is_expired = false;
        Some(ending)
    }
}

/// What is told of a prepared statement whose transaction is over: that, unless it was lost without its client's doing.
fn own_or_prepared(own: TransactionError) -> TransactionError {
    match own {
        TransactionError::Expired | TransactionError::Unknown => own,
        _ => TransactionError::OfPrepared,
    }
}

impl Known {
    fn is_in(&self, session: SessionId, owner: &str) -> bool {
        self.session == Some(session) && self.owner.as_ref() == owner
    }

    fn is_open_in(&self, session: SessionId, owner: &str) -> bool {
        self.is_in(session, owner) && !self.transaction.is_over()
    }

    /// Rolls it back if nobody used it for long.
    fn expire(&mut self, idle: Duration) {
        let is_idle = self.used.elapsed() > idle && !self.transaction.is_in_use();
        if is_idle && self.transaction.has_begun() && !self.transaction.is_over() {
            self.transaction.roll_back();
            self.is_expired = true;
            self.used = Instant::now();
        }
    }
}

impl Kept {
    /// Rolls back what nobody uses, and forgets what has been over for long.
    fn sweep(&mut self, idle: Duration) {
        if self.swept.elapsed() <= idle {
            return;
        }
        self.swept = Instant::now();
        self.known.retain(|_, known| {
            known.expire(idle);
            !known.transaction.is_over() || known.used.elapsed() <= idle.max(OVER_AT_LEAST)
        });
    }

    fn make_room(&mut self, idle: Duration) -> Result<(), TransactionError> {
        self.sweep(idle);
        if self.known.len() < TRANSACTIONS_MAX {
            return Ok(());
        }
        for known in self.known.values_mut() {
            known.expire(idle);
        }
        self.known.retain(|_, known| match known.transaction.is_over() {
            true => known.used.elapsed() <= OVER_AT_LEAST,
            // Its client never came back.
            false => known.transaction.has_begun() || known.used.elapsed() <= idle,
        });
        if self.known.len() >= TRANSACTIONS_MAX {
            self.known.retain(|_, known| !known.transaction.is_over());
        }
        match self.known.len() < TRANSACTIONS_MAX {
            true => Ok(()),
            false => Err(TransactionError::TooMany),
        }
    }
}

#[cfg(test)]
mod tests {
    use frostline_sql::{CreateOptions, Lake, OpenOptions, Parameters, Session};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn session(name: &str) -> Session {
        let location = format!("memory://transactions-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        Lake::open(&location, OpenOptions::default()).await.unwrap().session()
    }

    fn begin(transactions: &Transactions, key: &SealKey, session: &Session) -> (Bytes, TransactionId) {
        let sent = transactions.keep(key, &Arc::from("ann"), None, session.begin()).unwrap();
        let id = Transactions::id(key, &sent).unwrap();
        (sent, id)
    }

    #[tokio::test]
    async fn an_id_is_its_owners_and_names_a_transaction_until_that_ends() {
        let session = session("owners").await;
        let (key, transactions) = (SealKey::draw(), Transactions::new(LONG));
        let (sent, id) = begin(&transactions, &key, &session);
        assert_eq!(Transactions::id(&SealKey::draw(), &sent), Err(TransactionError::Forged));
        assert_eq!(Transactions::id(&key, b"t"), Err(TransactionError::Forged));
        assert_eq!(transactions.find(id, "bob").unwrap_err(), TransactionError::Foreign);
        let found = transactions.find(id, "ann").unwrap();
        session.within(&found).sql("ROLLBACK", &Parameters::none()).await.unwrap();
        assert_eq!(transactions.find(id, "ann").unwrap_err(), TransactionError::RolledBack);
        assert_eq!(transactions.ending(id, "ann"), Some(Ending::RolledBack));
        assert_eq!(transactions.ending(id, "bob"), None);
        let (_, id) = begin(&transactions, &key, &session);
        let found = transactions.find(id, "ann").unwrap();
        session.within(&found).sql("COMMIT", &Parameters::none()).await.unwrap();
        assert_eq!(transactions.find(id, "ann").unwrap_err(), TransactionError::Committed);
    }

    #[tokio::test]
    async fn a_transaction_that_did_something_expires_and_one_that_did_nothing_waits() {
        let session = session("expiry").await;
        let (key, transactions) = (SealKey::draw(), Transactions::new(Duration::ZERO));
        let (_, waiting) = begin(&transactions, &key, &session);
        let (_, used) = begin(&transactions, &key, &session);
        {
            let found = transactions.find(used, "ann").unwrap();
            let rows = session.within(&found).sql("SELECT 1", &Parameters::none()).await.unwrap();
            rows.into_rows().unwrap().collect().await.unwrap();
        }
        assert_eq!(transactions.find(used, "ann").unwrap_err(), TransactionError::Expired);
        assert!(transactions.find(waiting, "ann").is_ok(), "a driver that only connected");
    }

    #[tokio::test]
    async fn a_transaction_in_use_does_not_expire() {
        let session = session("in-use").await;
        let (key, transactions) = (SealKey::draw(), Transactions::new(Duration::ZERO));
        let (_, id) = begin(&transactions, &key, &session);
        let within = session.within(&transactions.find(id, "ann").unwrap());
        within.sql("CREATE TABLE t (id BIGINT)", &Parameters::none()).await.unwrap();
        assert!(transactions.find(id, "ann").is_ok());
        drop(within);
        assert_eq!(transactions.find(id, "ann").unwrap_err(), TransactionError::Expired);
    }

    #[tokio::test]
    async fn what_was_prepared_in_a_transaction_goes_on_in_the_next_of_its_session() {
        let session = session("prepared").await;
        let (key, transactions) = (SealKey::draw(), Transactions::new(LONG));
        let (ann, there) = (Arc::<str>::from("ann"), crate::gateway::Sessions::new(LONG).draw());
        let keep = || {
            let sent = transactions.keep(&key, &ann, Some(there), session.begin()).unwrap();
            Transactions::id(&key, &sent).unwrap()
        };
        let first = keep();
        assert_eq!(transactions.of_prepared(first, "ann", None).unwrap().0, first);
        transactions.find(first, "ann").unwrap().roll_back();
        let of_prepared = |session| transactions.of_prepared(first, "ann", session).map(|(id, _)| id);
        assert_eq!(of_prepared(Some(there)), Err(TransactionError::OfPrepared), "there is no other");
        let second = keep();
        assert_eq!(of_prepared(Some(there)), Ok(second));
        assert_eq!(of_prepared(None), Err(TransactionError::OfPrepared), "nobody knows whose next one");
        let third = keep();
        assert_eq!(of_prepared(Some(there)), Err(TransactionError::OfPrepared), "it could be either");
        assert_eq!(transactions.open_in(Some(there), "ann").unwrap_err(), TransactionError::Several);
        transactions.find(third, "ann").unwrap().roll_back();
        assert!(transactions.open_in(Some(there), "ann").unwrap().is_some());
        assert!(transactions.open_in(Some(there), "bob").unwrap().is_none());
        assert!(transactions.open_in(None, "ann").unwrap().is_none());
    }

    #[tokio::test]
    async fn a_transaction_that_expired_is_not_taken_for_none() {
        let session = session("expired-in").await;
        let (key, transactions) = (SealKey::draw(), Transactions::new(Duration::ZERO));
        let (ann, there) = (Arc::<str>::from("ann"), crate::gateway::Sessions::new(LONG).draw());
        let sent = transactions.keep(&key, &ann, Some(there), session.begin()).unwrap();
        let id = Transactions::id(&key, &sent).unwrap();
        {
            let found = transactions.find(id, "ann").unwrap();
            session.within(&found).sql("CREATE TABLE t (id BIGINT)", &Parameters::none()).await.unwrap();
        }
        assert_eq!(transactions.open_in(Some(there), "ann").unwrap_err(), TransactionError::Expired);
        assert_eq!(transactions.ending(id, "ann"), Some(Ending::RolledBack));
        assert!(transactions.open_in(Some(there), "ann").unwrap().is_none(), "its client knows now");
    }
}
