//! Results that wait to be fetched, and the tickets that fetch them.
//!
//! ```text
//!   GetFlightInfo ──plan──▶ Query, kept under a random id ──▶ ticket: seal ‖ id, version, owner, expiry
//!   DoGet ──ticket──▶ the seal and what it covers are checked ──▶ the same Query runs
//! ```
//!
//! * A ticket holds no SQL and no plan: what runs is what the server kept.
//! * A query reads the version it was planned on, however often it is fetched.
//! * Memory is bounded: at most [`WAITING_MAX`] queries wait to be fetched, and the last [`FETCHED_MAX`] that were are
//!   kept for those who fetch again. Beyond that the oldest are forgotten, and their tickets open nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use frostline_catalog::Version;
use frostline_sql::Stop;
use prost::Message;
use thiserror::Error;

use super::plans::Plans;
use super::seal::{Purpose, SealKey, random};

/// How many queries may wait to be fetched.
const WAITING_MAX: usize = 4096;

/// How many queries that were fetched are kept.
const FETCHED_MAX: usize = 256;

/// A query's random id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueryId([u8; 16]);

impl QueryId {
    /// An id that nobody can guess.
    pub(crate) fn draw() -> Self {
        Self(random())
    }

    /// The id as hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Why a ticket does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TicketError {
    /// This server did not make it as it is.
    #[error("the ticket was not made by this server, or was altered; ask for the result again")]
    Forged,
    /// It was made for another token.
    #[error("the ticket belongs to another token")]
    Foreign,
    /// It is over.
    #[error("the ticket has expired, or its result is not kept any more; ask for the result again")]
    Expired,
}

/// A result that waits to be fetched.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) id: QueryId,
    /// The version that every fetch reads.
    pub(crate) version: Version,
    /// The columns as they are sent.
    pub(crate) columns: SchemaRef,
    pub(crate) source: QuerySource,
    /// What the statement is called in metrics and logs.
    pub(crate) label: &'static str,
    /// Breaks every fetch off.
    pub(crate) stop: Stop,
    owner: Arc<str>,
    expires: Instant,
    sequence: u64,
}

/// Where the rows come from.
#[derive(Debug)]
pub(crate) enum QuerySource {
    /// They are computed.
    Plans(Plans),
    /// They are there: the outcome of a statement that ran already.
    Batch(RecordBatch),
}

/// What a ticket says under its seal.
#[derive(Clone, PartialEq, Message)]
struct TicketBody {
    #[prost(bytes = "bytes", tag = "1")]
    query: Bytes,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, tag = "3")]
    owner: String,
    /// Milliseconds since the process began.
    #[prost(uint64, tag = "4")]
    expires: u64,
}

/// The results that wait.
#[derive(Debug)]
pub(crate) struct Queries {
    began: Instant,
    lives: Duration,
    sequence: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<QueryId, Arc<Query>>,
    /// Those that nobody fetched, oldest first.
    waiting: BTreeMap<u64, QueryId>,
    /// Those whose last fetch ended, in the order of that.
    fetched: VecDeque<QueryId>,
}

impl Queries {
    /// No result yet. Each lives so long.
    pub(crate) fn new(lives: Duration) -> Self {
        Self { began: Instant::now(), lives, sequence: AtomicU64::new(0), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a result for who asked for it.
    pub(crate) fn keep(
        &self,
        owner: &Arc<str>,
        version: Version,
        columns: SchemaRef,
        source: QuerySource,
        label: &'static str,
    ) -> Arc<Query> {
        let now = Instant::now();
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let query = Arc::new(Query {
            id: QueryId::draw(),
            version,
            columns,
            source,
            label,
            stop: Stop::new(),
            owner: Arc::clone(owner),
            expires: now + self.lives,
            sequence,
        });
        let mut kept = self.kept();
        kept.by_id.insert(query.id, Arc::clone(&query));
        kept.waiting.insert(sequence, query.id);
        while let Some((oldest, id)) = kept.waiting.first_key_value().map(|(oldest, id)| (*oldest, *id)) {
            let is_over = kept.by_id.get(&id).is_none_or(|query| query.expires <= now);
            if !is_over && kept.waiting.len() <= WAITING_MAX {
                break;
            }
            kept.waiting.remove(&oldest);
            kept.by_id.remove(&id);
        }
        while let Some(id) = kept.fetched.front().copied() {
            if kept.by_id.get(&id).is_some_and(|query| query.expires > now) {
                break;
            }
            kept.fetched.pop_front();
            kept.by_id.remove(&id);
        }
        query
    }

    /// The ticket of a result.
    pub(crate) fn ticket(&self, key: &SealKey, query: &Query) -> Bytes {
        let expires = query.expires.saturating_duration_since(self.began);
        let body = TicketBody {
            query: Bytes::copy_from_slice(&query.id.0),
            version: query.version.number(),
            owner: query.owner.to_string(),
            expires: u64::try_from(expires.as_millis()).unwrap_or(u64::MAX),
        };
        key.seal(Purpose::Ticket, &body.encode_to_vec())
    }

    /// The result that a ticket opens, for who comes with it.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub(crate) fn find(&self, key: &SealKey, ticket: &[u8], owner: &str) -> Result<Arc<Query>, TicketError> {
        let body = key.open(Purpose::Ticket, ticket).ok_or(TicketError::Forged)?;
        let body = TicketBody::decode(body).map_err(|_| TicketError::Forged)?;
        if body.owner != owner {
            return Err(TicketError::Foreign);
        }
        if u128::from(body.expires) <= self.began.elapsed().as_millis() {
            return Err(TicketError::Expired);
        }
        let id = QueryId(<[u8; 16]>::try_from(body.query.as_ref()).map_err(|_| TicketError::Forged)?);
        let query = self.kept().by_id.get(&id).cloned();
        query.filter(|query| query.version.number() == body.version).ok_or(TicketError::Expired)
    }

    /// A fetch begins: the result waits no more.
    pub(crate) fn fetch_began(&self, query: &Query) {
        let mut kept = self.kept();
        kept.waiting.remove(&query.sequence);
        kept.fetched.retain(|id| *id != query.id);
    }

    /// A fetch ended.
    pub(crate) fn fetch_ended(&self, query: &Query) {
        let mut kept = self.kept();
        if !kept.by_id.contains_key(&query.id) {
            return;
        }
        kept.fetched.push_back(query.id);
        while kept.fetched.len() > FETCHED_MAX {
            if let Some(oldest) = kept.fetched.pop_front() {
                kept.by_id.remove(&oldest);
            }
        }
    }

    /// Breaks a result's fetches off and forgets it.
    pub(crate) fn cancel(&self, query: &Query) {
        query.stop.stop();
        let mut kept = self.kept();
        kept.by_id.remove(&query.id);
        kept.waiting.remove(&query.sequence);
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;

    use super::*;

    fn owner(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    fn keep(queries: &Queries, name: &str) -> Arc<Query> {
        let columns = Arc::new(Schema::empty());
        let batch = RecordBatch::new_empty(Arc::clone(&columns));
        queries.keep(&owner(name), Version::FIRST, columns, QuerySource::Batch(batch), "test")
    }

    #[test]
    fn a_ticket_opens_its_result_for_its_owner_only() {
        let (key, queries) = (SealKey::draw(), Queries::new(Duration::from_secs(60)));
        let query = keep(&queries, "ann");
        let ticket = queries.ticket(&key, &query);
        assert_eq!(queries.find(&key, &ticket, "ann").unwrap().id, query.id);
        assert_eq!(queries.find(&key, &ticket, "bob").unwrap_err(), TicketError::Foreign);
        assert_eq!(queries.find(&SealKey::draw(), &ticket, "ann").unwrap_err(), TicketError::Forged);
        queries.cancel(&query);
        assert!(query.stop.is_stopped());
        assert_eq!(queries.find(&key, &ticket, "ann").unwrap_err(), TicketError::Expired);
    }

    #[test]
    fn a_ticket_expires() {
        let (key, queries) = (SealKey::draw(), Queries::new(Duration::ZERO));
        let ticket = queries.ticket(&key, &keep(&queries, "ann"));
        assert_eq!(queries.find(&key, &ticket, "ann").unwrap_err(), TicketError::Expired);
    }

    #[test]
    fn a_result_that_was_fetched_is_not_kept_beyond_its_time() {
        let queries = Queries::new(Duration::from_millis(20));
        let query = keep(&queries, "ann");
        queries.fetch_began(&query);
        queries.fetch_ended(&query);
        assert!(queries.kept().by_id.contains_key(&query.id), "to be fetched again");
        while query.expires > Instant::now() {
            std::hint::spin_loop();
        }
        keep(&queries, "ann");
        assert!(!queries.kept().by_id.contains_key(&query.id));
    }

    #[test]
    fn the_oldest_results_are_forgotten_first() {
        let (key, queries) = (SealKey::draw(), Queries::new(Duration::from_secs(60)));
        let first = keep(&queries, "ann");
        let tickets: Vec<Bytes> = (0..WAITING_MAX).map(|_| queries.ticket(&key, &keep(&queries, "ann"))).collect();
        let forgotten = queries.ticket(&key, &first);
        assert_eq!(queries.find(&key, &forgotten, "ann").unwrap_err(), TicketError::Expired);
        for ticket in tickets.iter().take(FETCHED_MAX + 1) {
            let query = queries.find(&key, ticket, "ann").unwrap();
            queries.fetch_began(&query);
            queries.fetch_ended(&query);
        }
        assert!(queries.find(&key, &tickets[0], "ann").is_err(), "fetched longest ago");
        assert!(queries.find(&key, &tickets[1], "ann").is_ok(), "to be fetched again");
        assert!(queries.find(&key, &tickets[WAITING_MAX - 1], "ann").is_ok(), "still waiting");
    }
}
