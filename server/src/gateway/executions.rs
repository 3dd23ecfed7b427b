//! Statements that write, each run once, whoever asks for the outcome and how often.
//!
//! A statement that writes runs in a task of its own. Who waits for it may go away: when nobody waits any more it is
//! broken off, unless its commit began, which is carried through. Who comes back finds the outcome, and waits for it if
//! there is none yet: until then nobody knows whether the commit had begun.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use frostline_catalog::Version;
use frostline_sql::{ErrorKind, Stop};
use futures::FutureExt;
use tokio::sync::watch;

use super::error::GatewayError;

/// How many executions are remembered for those who ask again.
const REMEMBERED_MAX: usize = 4096;

/// How long after its end an execution is the one that an unnamed call means that is sent again. Later, the same text
/// rather means another.
const AGAIN_WITHIN: Duration = Duration::from_secs(60);

/// What came of a statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The version that it made, or saw if it changed nothing.
    pub(crate) version: Version,
    /// How many rows it wrote.
    pub(crate) rows: u64,
}

/// What came of an execution.
pub(crate) type Finished = Arc<Result<Outcome, GatewayError>>;

/// A statement that writes, running or done.
#[derive(Debug)]
pub(crate) struct Execution {
    stop: Stop,
    done: watch::Receiver<Option<Finished>>,
    ended: Arc<OnceLock<Instant>>,
    waiting: AtomicUsize,
}

impl Execution {
    /// Begins to run. `stop` breaks it off before its commit.
    pub(crate) fn begin<F>(stop: Stop, run: F) -> Arc<Self>
    where
        F: Future<Output = Result<Outcome, GatewayError>> + Send + 'static,
    {
        let (sender, done) = watch::channel(None);
        let ended = Arc::new(OnceLock::new());
        let at_end = Arc::clone(&ended);
        tokio::spawn(async move {
            // Whoever waits is told so, and what died does not count as running for ever.
            let outcome = match AssertUnwindSafe(run).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(_) => Err(GatewayError::Internal("the task that ran a statement died".into())),
            };
            at_end.get_or_init(Instant::now);
            sender.send_replace(Some(Arc::new(outcome)));
        });
        Arc::new(Self { stop, done, ended, waiting: AtomicUsize::new(0) })
    }

    /// Waits for the outcome.
    pub(crate) async fn outcome(&self) -> Finished {
        let _waiter = Waiter::new(self);
        let mut done = self.done.clone();
        loop {
            let finished: Option<Finished> = done.borrow_and_update().clone();
            if let Some(finished) = finished {
                return finished;
            }
            if done.changed().await.is_err() {
                return Arc::new(Err(GatewayError::Internal("the task that ran a statement died".into())));
            }
        }
    }

    /// Whether it still runs and nobody broke it off.
    fn is_running(&self) -> bool {
        self.done.borrow().is_none() && !self.stop.is_stopped()
    }

    /// Whether it runs, or ended just now.
    fn is_recent(&self) -> bool {
        self.ended.get().is_none_or(|ended| ended.elapsed() < AGAIN_WITHIN)
    }

    /// Whether who asks again gets this outcome: it runs, it was done, or nobody knows whether it was. If it surely
    /// changed nothing, asking again runs it again.
    fn stands(&self) -> bool {
        match self.done.borrow().as_deref() {
            // Even if it was broken off: its commit may have begun.
            None => true,
            Some(Ok(_)) => true,
            Some(Err(GatewayError::Statement(error))) => error.kind() == ErrorKind::Unknown,
            Some(Err(GatewayError::Internal(_))) => true,
            Some(Err(_)) => false,
        }
    }
}

/// Somebody who waits.
struct Waiter<'a>(&'a Execution);

impl<'a> Waiter<'a> {
    fn new(execution: &'a Execution) -> Self {
        execution.waiting.fetch_add(1, Ordering::AcqRel);
        Self(execution)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let was_last = self.0.waiting.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last && self.0.done.borrow().is_none() {
            self.0.stop.stop();
        }
    }
}

/// The last executions, by who asked for what.
#[derive(Debug, Default)]
pub(crate) struct Executions(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    by_key: HashMap<String, Arc<Execution>>,
    order: VecDeque<String>,
}

impl Recent {
    /// Keeps an execution as the newest of all. The oldest that are done are forgotten.
    fn remember(&mut self, key: &str, execution: Arc<Execution>) {
        if self.by_key.insert(key.to_owned(), execution).is_some() {
            self.order.retain(|kept| kept != key);
        }
        self.order.push_back(key.to_owned());
        while self.order.len() > REMEMBERED_MAX {
            let is_done = |key: &String| self.by_key.get(key).is_none_or(|execution| execution.ended.get().is_some());
            let Some(place) = self.order.iter().position(is_done) else { return };
            if let Some(oldest) = self.order.remove(place) {
                self.by_key.remove(&oldest);
            }
        }
    }
}

/// Which earlier execution under the same key is the one that is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// None: each request is another one.
    Never,
    /// One that runs still.
    Running,
    /// One that stands and runs, or ended just now: a call that is sent again, without a name for what it means.
    Recent,
    /// Any that stands: the key says which execution is meant.
    Standing,
}

impl Executions {
    /// The outcome of the execution that a request asks for: the last one under its key, if the request asks for that
    /// again, or a new one. One that was broken off for others, before it changed anything, is run again.
    pub(crate) async fn outcome(&self, key: &str, join: Join, begin: impl Fn() -> Arc<Execution>) -> Finished {
        loop {
            let (execution, has_joined) = self.join_or_begin(key, join, &begin);
            let finished = execution.outcome().await;
            let is_over = matches!(&*finished, Err(GatewayError::TimedOut { .. })) || execution.stands();
            if !has_joined || !execution.stop.is_stopped() || is_over {
                return finished;
            }
        }
    }

    /// The execution that a request asks for, and whether it had begun before.
    fn join_or_begin(&self, key: &str, join: Join, begin: impl FnOnce() -> Arc<Execution>) -> (Arc<Execution>, bool) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = recent.by_key.get(key) {
            let is_asked_for = match join {
                Join::Never => false,
                Join::Running => earlier.is_running(),
                Join::Recent => earlier.stands() && earlier.is_recent(),
                Join::Standing => earlier.stands(),
            };
            if is_asked_for {
                return (Arc::clone(earlier), true);
            }
        }
        let execution = begin();
        recent.remember(key, Arc::clone(&execution));
        (execution, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: Outcome = Outcome { version: Version::FIRST, rows: 3 };

    #[tokio::test]
    async fn everybody_who_waits_gets_the_one_outcome() {
        let execution = Execution::begin(Stop::new(), async { Ok(DONE) });
        let (one, other) = futures::join!(execution.outcome(), execution.outcome());
        assert_eq!((*one).as_ref().ok(), Some(&DONE));
        assert_eq!((*other).as_ref().ok(), Some(&DONE));
        assert!(execution.stands() && !execution.is_running());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_broken_off() {
        let stop = Stop::new();
        let seen = stop.clone();
        let execution = Execution::begin(stop.clone(), async move {
            seen.stopped().await;
            Err(GatewayError::TimedOut { most: std::time::Duration::ZERO })
        });
        {
            let mut waiting = Box::pin(execution.outcome());
            assert!(futures::poll!(&mut waiting).is_pending());
            assert!(execution.is_running());
        }
        assert!(stop.is_stopped());
        assert!(execution.outcome().await.is_err());
        assert!(!execution.stands(), "asking again runs it again");
    }

    #[tokio::test]
    async fn what_died_runs_no_more() {
        fn die() -> Result<Outcome, GatewayError> {
            unreachable!("this is no mistake: it dies")
        }
        let execution = Execution::begin(Stop::new(), async { die() });
        let outcome = execution.outcome().await;
        assert!(matches!(&*outcome, Err(GatewayError::Internal(_))));
        assert!(!execution.is_running(), "another call runs it");
        assert!(execution.stands(), "who asks for this one is not told that it can be run again");
    }

    #[tokio::test]
    async fn the_oldest_executions_are_forgotten_unless_they_run() {
        let executions = Executions::default();
        let done = Execution::begin(Stop::new(), async { Ok(DONE) });
        assert!(done.outcome().await.is_ok());
        let running = Execution::begin(Stop::new(), std::future::pending());
        let remember = |key: &str, execution: &Arc<Execution>| {
            executions.join_or_begin(key, Join::Never, || Arc::clone(execution));
        };
        remember("running", &running);
        remember("again", &done);
        for number in 2..REMEMBERED_MAX {
            remember(&number.to_string(), &done);
        }
        remember("again", &done);
        remember("one more", &done);
        let recent = executions.0.lock().unwrap();
        assert_eq!(recent.by_key.len(), REMEMBERED_MAX);
        assert!(!recent.by_key.contains_key("2"), "it is the oldest that is done");
        assert!(["running", "again", "3", "one more"].into_iter().all(|key| recent.by_key.contains_key(key)));
    }

    #[tokio::test]
    async fn who_asks_again_joins_and_who_asks_anew_does_not() {
        let executions = Executions::default();
        let begun = AtomicUsize::new(0);
        let begin = || {
            begun.fetch_add(1, Ordering::Relaxed);
            Execution::begin(Stop::new(), async { Ok(DONE) })
        };
        assert!(executions.outcome("a", Join::Standing, begin).await.is_ok());
        assert!(executions.outcome("a", Join::Standing, begin).await.is_ok());
        assert_eq!(begun.load(Ordering::Relaxed), 1, "it stands");
        assert!(executions.outcome("a", Join::Recent, begin).await.is_ok());
        assert_eq!(begun.load(Ordering::Relaxed), 1, "it ended just now");
        assert!(executions.outcome("a", Join::Running, begin).await.is_ok());
        assert_eq!(begun.load(Ordering::Relaxed), 2, "it runs no more");
        assert!(executions.outcome("a", Join::Never, begin).await.is_ok());
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }

    /// Asks for an execution whose only waiter goes away, then for the same again; how often it began, and whether who
    /// came back got an outcome. The first attempt ends when it is told so, in this way.
    async fn come_back(first: Result<Outcome, GatewayError>) -> (usize, bool) {
        let executions = Executions::default();
        let begun = AtomicUsize::new(0);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let first = Mutex::new(Some((first, ended)));
        let begin = || {
            begun.fetch_add(1, Ordering::Relaxed);
            let first = first.lock().unwrap().take();
            Execution::begin(Stop::new(), async move {
                match first {
                    Some((outcome, ended)) => {
                        ended.await.unwrap();
                        outcome
                    }
                    None => Ok(DONE),
                }
            })
        };
        {
            let mut leaving = Box::pin(executions.outcome("a", Join::Standing, begin));
            assert!(futures::poll!(&mut leaving).is_pending());
        }
        let mut back = Box::pin(executions.outcome("a", Join::Standing, begin));
        assert!(futures::poll!(&mut back).is_pending());
        end.send(()).unwrap();
        let outcome = back.await;
        (begun.load(Ordering::Relaxed), outcome.is_ok())
    }

    #[tokio::test]
    async fn who_comes_back_while_a_commit_is_carried_through_gets_its_outcome() {
        assert_eq!(come_back(Ok(DONE)).await, (1, true));
    }

    #[tokio::test]
    async fn who_comes_back_to_what_was_broken_off_in_time_has_it_run_again() {
        assert_eq!(come_back(Err(GatewayError::Statement(frostline_sql::Error::stopped()))).await, (2, true));
    }
}
