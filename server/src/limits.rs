//! What one client can take from the others: little.
//!
//! | limit | what is beyond it |
//! |---|---|
//! | memory, of all statements and of one | goes on from disk, else is an error |
//! | disk, for what goes on from it | is an error |
//! | statements that run at once | wait in a queue |
//! | statements that wait, and how long | are refused at once, or when their time is over |
//! | a statement's time, length, and bytes of rows | is cut off, refused, cut off |
//! | connections | wait until another ends |
//! | handles and sessions that nobody uses | are forgotten |

mod machine;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use frostline_sql::RuntimeLimits;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use machine::memory_bytes;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// The limits of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// How much memory all statements may reserve together, in bytes. Default: 60 % of what the machine has, or of what
    /// the process may use of it.
    pub memory_bytes: u64,
    /// How much memory one statement may reserve, in bytes. Default: half of that.
    pub statement_memory_bytes: u64,
    /// How much may be on disk for statements that memory does not hold, in bytes. Default: 64 GiB.
    pub spill_bytes: u64,
    /// Where it is. Default: the system's folder for temporary files.
    pub spill_folder: Option<PathBuf>,
    /// How long a statement may take, from its start to its last row. Default: 10 minutes.
    pub statement_timeout: Duration,
    /// How long the text of a statement may be, in bytes. Default: 16 MiB.
    pub statement_bytes_max: usize,
    /// How many bytes the rows of one statement may have, in memory's form. Default: 1 TiB.
    pub result_bytes_max: u64,
    /// How many statements run at once. Default: twice the number of cores, at least 8.
    pub concurrent_statements: usize,
    /// How many statements may wait for their turn. Default: 256.
    pub queued_statements: usize,
    /// How long a statement waits for its turn. Default: 30 seconds.
    pub queue_timeout: Duration,
    /// After how long without use handles, sessions and transactions are forgotten. Default: 30 minutes.
    pub idle_timeout: Duration,
    /// How many connections each listener keeps. Default: 4,096.
    pub connections: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        let memory = memory_bytes().unwrap_or(4 * GIB) / 10 * 6;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            memory_bytes: memory,
            statement_memory_bytes: memory / 2,
            spill_bytes: 64 * GIB,
            spill_folder: None,
            statement_timeout: Duration::from_secs(600),
            statement_bytes_max: 16 * 1024 * 1024,
            result_bytes_max: 1024 * GIB,
            concurrent_statements: (2 * cores).max(8),
            queued_statements: 256,
            queue_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30 * 60),
            connections: 4096,
        }
    }
}

impl ServeLimits {
    /// The limits that an open lake keeps itself: [`OpenOptions::runtime`](frostline_sql::OpenOptions::runtime).
    pub fn runtime(&self) -> RuntimeLimits {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        RuntimeLimits {
            memory_bytes: size(self.memory_bytes),
            statement_memory_bytes: size(self.statement_memory_bytes),
            spill_bytes: self.spill_bytes,
            spill_folder: self.spill_folder.clone(),
        }
    }
}

/// Why a statement gets no turn. Nothing was run; it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum LimitError {
    /// Too many wait already.
    #[error("{running} statements run and {waiting} wait, which is as many as the server takes; try again later")]
    QueueFull {
        /// How many run.
        running: usize,
        /// How many wait.
        waiting: usize,
    },
    /// It waited too long.
    #[error("the statement waited {} s for its turn and is not run; try again later", waited.as_secs_f64())]
    Waited {
        /// How long.
        waited: Duration,
    },
    /// The server is ending.
    #[error("the server is shutting down; try another, or later")]
    Closed,
}

/// The limits at work. Clones share what they count.
#[derive(Clone, Debug)]
pub(crate) struct Limits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: ServeLimits,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A statement's turn. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _turn: OwnedSemaphorePermit,
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let taken =
            waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| (count < most).then_some(count + 1));
        taken.ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Limits {
    pub(crate) fn new(limits: ServeLimits) -> Self {
        let running = Arc::new(Semaphore::new(limits.concurrent_statements.clamp(1, Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { limits, running, waiting: AtomicUsize::new(0) }))
    }

    /// Waits for a statement's turn; those that came first get it first.
    ///
    /// # Errors
    /// If too many wait already, or it takes too long.
    pub(crate) async fn admit(&self) -> Result<Permit, LimitError> {
        let shared = self.0.as_ref();
        match Arc::clone(&shared.running).try_acquire_owned() {
            Ok(turn) => return Ok(Permit { _turn: turn }),
            Err(TryAcquireError::Closed) => return Err(LimitError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let limits = &shared.limits;
        let Some(_place) = Place::take(&shared.waiting, limits.queued_statements) else {
            let (running, waiting) = (limits.concurrent_statements, limits.queued_statements);
            return Err(LimitError::QueueFull { running, waiting });
        };
        match tokio::time::timeout(limits.queue_timeout, Arc::clone(&shared.running).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(Permit { _turn: turn }),
            Ok(Err(_)) => Err(LimitError::Closed),
            Err(_) => Err(LimitError::Waited { waited: limits.queue_timeout }),
        }
    }

    /// Gives nobody a turn any more, those that wait included.
    pub(crate) fn close(&self) {
        self.0.running.close();
    }

    /// How long the text of a statement may be, in bytes.
    pub(crate) fn statement_bytes_max(&self) -> usize {
        self.0.limits.statement_bytes_max
    }

    /// How many bytes the rows of one statement may have.
    pub(crate) fn result_bytes_max(&self) -> u64 {
        self.0.limits.result_bytes_max
    }

    /// How long a statement may take.
    pub(crate) fn statement_timeout(&self) -> Duration {
        self.0.limits.statement_timeout
    }

    /// After how long without use handles, sessions and tickets are forgotten.
    pub(crate) fn idle_timeout(&self) -> Duration {
        self.0.limits.idle_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(running: usize, waiting: usize) -> Limits {
        Limits::new(ServeLimits {
            concurrent_statements: running,
            queued_statements: waiting,
            queue_timeout: Duration::from_millis(20),
            ..ServeLimits::default()
        })
    }

    #[tokio::test]
    async fn a_turn_that_ends_is_given_to_who_waits() {
        let limits = limits(1, 1);
        let first = limits.admit().await.unwrap();
        let waiting = tokio::spawn({
            let limits = limits.clone();
            async move { limits.admit().await.map(drop) }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let limits = limits(1, 1);
        let _first = limits.admit().await.unwrap();
        assert!(matches!(limits.admit().await, Err(LimitError::Waited { .. })));
        assert_eq!(limits.0.waiting.load(Ordering::Acquire), 0, "the place is free again");
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_refused_at_once() {
        let limits = limits(1, 0);
        let _first = limits.admit().await.unwrap();
        let refused = limits.admit().await.map(drop);
        assert_eq!(refused, Err(LimitError::QueueFull { running: 1, waiting: 0 }));
    }

    #[tokio::test]
    async fn a_closed_server_runs_nothing_more() {
        for waiting in [0, 1] {
            let limits = limits(1, waiting);
            limits.close();
            assert_eq!(limits.admit().await.map(drop), Err(LimitError::Closed), "with room for {waiting} to wait");
        }
    }
}
