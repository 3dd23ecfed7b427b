//! Prepared statements, and the handles that name them.
//!
//! * A handle is sealed, belongs to a token, and ends when it is closed or nobody uses it for long.
//! * Binding values makes another handle of the same statement. The last [`BINDINGS_MAX`] bindings are kept; the first
//!   handle stands for the newest of them, for clients that look at no other.
//! * Closing any handle of a statement closes all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use frostline_sql::parse::Parsed;
use frostline_sql::{Description, Parameters};
use prost::Message;
use thiserror::Error;

use super::seal::{Purpose, SealKey, random};
use super::transactions::TransactionId;

/// How many prepared statements are kept.
const STATEMENTS_MAX: usize = 16_384;

/// How many bindings of a statement are kept.
const BINDINGS_MAX: usize = 4;

/// Why a handle names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum HandleError {
    /// This server did not make it as it is.
    #[error("the handle was not made by this server, or was altered; prepare the statement again")]
    Forged,
    /// It was made for another token.
    #[error("the prepared statement belongs to another token")]
    Foreign,
    /// It is over.
    #[error("the prepared statement was closed, or nobody used it for long; prepare it again")]
    Closed,
    /// There are too many.
    #[error("{most} statements are prepared, which is as many as the server keeps; close some")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
}

/// A prepared statement.
#[derive(Debug)]
pub(crate) struct PreparedStatement {
    id: [u8; 16],
    owner: Arc<str>,
    pub(crate) parsed: Parsed,
    pub(crate) description: Description,
    /// The columns that its preparation promised, as they are sent.
    pub(crate) columns: Option<SchemaRef>,
    /// The transaction that it was prepared in.
    pub(crate) transaction: Option<TransactionId>,
    state: Mutex<State>,
}

/// What is kept of a statement that is prepared.
#[derive(Debug)]
pub(crate) struct NewStatement {
    pub(crate) parsed: Parsed,
    pub(crate) description: Description,
    /// The columns that its preparation promises, as they are sent.
    pub(crate) columns: Option<SchemaRef>,
    /// The transaction that it is prepared in.
    pub(crate) transaction: Option<TransactionId>,
}

#[derive(Debug)]
struct State {
    used: Instant,
    generation: u64,
    bindings: VecDeque<Arc<Binding>>,
}

/// Values for the parameters of a statement.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Which binding of the statement it is, from 1 on.
    pub(crate) generation: u64,
    pub(crate) rows: Arc<[Parameters]>,
}

/// What a handle says under its seal.
#[derive(Clone, PartialEq, Message)]
struct HandleBody {
    #[prost(bytes = "bytes", tag = "1")]
    statement: Bytes,
    #[prost(uint64, tag = "2")]
    generation: u64,
}

impl PreparedStatement {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The statement's id as hexadecimal digits.
    pub(crate) fn id_text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.id))
    }
}

/// The prepared statements of a process.
#[derive(Debug)]
pub(crate) struct Handles {
    idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    statements: HashMap<[u8; 16], Arc<PreparedStatement>>,
    /// When it was last looked for statements that nobody uses.
    swept: Instant,
}

impl Handles {
    /// No statement yet. One that nobody uses for so long is closed.
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, kept: Mutex::new(Kept { statements: HashMap::new(), swept: Instant::now() }) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a statement and gives its first handle.
    ///
    /// # Errors
    /// If there are too many.
    pub(crate) fn keep(&self, key: &SealKey, owner: &Arc<str>, statement: NewStatement) -> Result<Bytes, HandleError> {
        let NewStatement { parsed, description, columns, transaction } = statement;
        let state = State { used: Instant::now(), generation: 0, bindings: VecDeque::new() };
        let (id, owner) = (random(), Arc::clone(owner));
        let state = Mutex::new(state);
        let statement = PreparedStatement { id, owner, parsed, description, columns, transaction, state };
        let mut kept = self.kept();
        if kept.statements.len() >= STATEMENTS_MAX || kept.swept.elapsed() > self.idle {
            kept.swept = Instant::now();
            kept.statements.retain(|_, kept| kept.state().used.elapsed() <= self.idle);
        }
        if kept.statements.len() >= STATEMENTS_MAX {
            return Err(HandleError::TooMany { most: STATEMENTS_MAX });
        }
        kept.statements.insert(id, Arc::new(statement));
        Ok(handle(key, id, 0))
    }

    /// The statement that a handle names, and the values that it stands for.
    ///
    /// # Errors
    /// See [`HandleError`].
    pub(crate) fn find(
        &self,
        key: &SealKey,
        handle: &[u8],
        owner: &str,
    ) -> Result<(Arc<PreparedStatement>, Option<Arc<Binding>>), HandleError> {
        let (id, generation) = open(key, handle)?;
        let found = self.kept().statements.get(&id).cloned().ok_or(HandleError::Closed)?;
        if found.owner.as_ref() != owner {
            return Err(HandleError::Foreign);
        }
        // Never both locks the other way round: who sweeps holds the statements and asks for the state.
        let idle = found.state().used.elapsed();
        if idle > self.idle {
            self.kept().statements.remove(&id);
            return Err(HandleError::Closed);
        }
        let mut state = found.state();
        state.used = Instant::now();
        let binding = match generation {
            0 => state.bindings.back().cloned(),
            _ => {
                let binding = state.bindings.iter().find(|binding| binding.generation == generation).cloned();
                Some(binding.ok_or(HandleError::Closed)?)
            }
        };
        drop(state);
        Ok((found, binding))
    }

    /// Binds values, and gives the handle that stands for them.
    pub(crate) fn bind(&self, key: &SealKey, statement: &PreparedStatement, rows: Arc<[Parameters]>) -> Bytes {
        let mut state = statement.state();
        state.generation += 1;
        let generation = state.generation;
        state.bindings.push_back(Arc::new(Binding { generation, rows }));
        if state.bindings.len() > BINDINGS_MAX {
            state.bindings.pop_front();
        }
        handle(key, statement.id, generation)
    }

    /// Closes the statement that a handle names. Closing it twice is no error.
    ///
    /// # Errors
    /// If the handle is forged or another token's.
    pub(crate) fn close(&self, key: &SealKey, handle: &[u8], owner: &str) -> Result<(), HandleError> {
        let (id, _) = open(key, handle)?;
        let mut kept = self.kept();
        match kept.statements.get(&id) {
            None => Ok(()),
            Some(found) if found.owner.as_ref() != owner => Err(HandleError::Foreign),
            Some(_) => {
                kept.statements.remove(&id);
                Ok(())
            }
        }
    }
}

fn handle(key: &SealKey, id: [u8; 16], generation: u64) -> Bytes {
    let body = HandleBody { statement: Bytes::copy_from_slice(&id), generation };
    key.seal(Purpose::Handle, &body.encode_to_vec())
}

fn open(key: &SealKey, handle: &[u8]) -> Result<([u8; 16], u64), HandleError> {
    let body = key.open(Purpose::Handle, handle).ok_or(HandleError::Forged)?;
    let body = HandleBody::decode(body).map_err(|_| HandleError::Forged)?;
    let id = <[u8; 16]>::try_from(body.statement.as_ref()).map_err(|_| HandleError::Forged)?;
    Ok((id, body.generation))
}

#[cfg(test)]
mod tests {
    use frostline_sql::StatementKind;
    use frostline_sql::parse::parse_one;

    use super::*;

    fn keep(handles: &Handles, key: &SealKey) -> Bytes {
        let description = Description { kind: StatementKind::Rows, columns: None, parameters: Vec::new() };
        let parsed = parse_one("SELECT ?").unwrap();
        let statement = NewStatement { parsed, description, columns: None, transaction: None };
        handles.keep(key, &Arc::from("ann"), statement).unwrap()
    }

    fn generation(handles: &Handles, key: &SealKey, handle: &[u8]) -> Result<Option<u64>, HandleError> {
        handles.find(key, handle, "ann").map(|(_, binding)| binding.map(|binding| binding.generation))
    }

    #[test]
    fn a_binding_has_a_handle_of_its_own_and_the_first_stands_for_the_newest() {
        let (key, handles) = (SealKey::draw(), Handles::new(Duration::from_secs(60)));
        let first = keep(&handles, &key);
        assert_eq!(generation(&handles, &key, &first), Ok(None));
        let (statement, _) = handles.find(&key, &first, "ann").unwrap();
        let bound: Vec<Bytes> = (0..=BINDINGS_MAX).map(|_| handles.bind(&key, &statement, Arc::from([]))).collect();
        assert_eq!(generation(&handles, &key, &first), Ok(Some(BINDINGS_MAX as u64 + 1)));
        assert_eq!(generation(&handles, &key, &bound[1]), Ok(Some(2)));
        assert_eq!(generation(&handles, &key, &bound[0]), Err(HandleError::Closed), "too many came after it");
    }

    #[test]
    fn a_handle_is_its_owners_until_it_is_closed() {
        let (key, handles) = (SealKey::draw(), Handles::new(Duration::from_secs(60)));
        let handle = keep(&handles, &key);
        assert_eq!(handles.find(&key, &handle, "bob").unwrap_err(), HandleError::Foreign);
        assert_eq!(handles.close(&key, &handle, "bob"), Err(HandleError::Foreign));
        assert_eq!(handles.close(&key, &handle, "ann"), Ok(()));
        assert_eq!(handles.close(&key, &handle, "ann"), Ok(()), "twice");
        assert_eq!(handles.find(&key, &handle, "ann").unwrap_err(), HandleError::Closed);
        assert_eq!(handles.find(&key, b"nonsense", "ann").unwrap_err(), HandleError::Forged);
    }

    #[test]
    fn a_handle_that_nobody_uses_is_closed() {
        let (key, handles) = (SealKey::draw(), Handles::new(Duration::ZERO));
        let handle = keep(&handles, &key);
        assert_eq!(handles.find(&key, &handle, "ann").unwrap_err(), HandleError::Closed);
    }

    #[test]
    fn statements_that_nobody_uses_are_let_go_of() {
        let (key, handles) = (SealKey::draw(), Handles::new(Duration::ZERO));
        keep(&handles, &key);
        keep(&handles, &key);
        assert_eq!(handles.kept().statements.len(), 1, "their clients never came back");
    }
}
