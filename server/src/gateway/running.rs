//! Rows of a statement that runs: with its turn, its deadline, its size, and its end in the books.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use frostline_catalog::Version;
use frostline_engine::batch_bytes;
use frostline_sql::{Rows, Stop};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::error::GatewayError;
use super::plans::Plans;
use crate::limits::Permit;
use crate::metrics::{Metrics, StatementNote};

/// Rows of a statement, as they are computed.
///
/// * Dropping them ends the statement.
/// * Its time runs, and it can be broken off, while nobody asks for them too: a client that stops reading keeps neither
///   a turn nor memory.
pub(crate) struct RunningRows {
    /// The version that they are read at.
    pub(crate) version: Version,
    /// Their columns as the statement promises them; batches may come with other nullability.
    pub(crate) columns: SchemaRef,
    /// The batches. After an error there is none.
    pub(crate) batches: BoxStream<'static, Result<RecordBatch, GatewayError>>,
}

impl std::fmt::Debug for RunningRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningRows").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A statement in the books: counted while it runs, noted when it ends, however that is.
pub(crate) struct Book {
    metrics: Arc<Metrics>,
    query_id: String,
    principal: Arc<str>,
    label: &'static str,
    began: Instant,
    version: Option<Version>,
    rows: u64,
    outcome: &'static str,
}

impl Book {
    pub(crate) fn open(metrics: Arc<Metrics>, query_id: String, principal: Arc<str>, label: &'static str) -> Self {
        metrics.statement_began(label);
        // Whoever drops it without a word broke the statement off.
        let outcome = "cancelled";
        Self { metrics, query_id, principal, label, began: Instant::now(), version: None, rows: 0, outcome }
    }

    /// Notes the version.
    pub(crate) fn saw(&mut self, version: Version) {
        self.version = Some(version);
    }

    /// Notes rows.
    pub(crate) fn add_rows(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Notes a good end.
    pub(crate) fn succeeded(&mut self) {
        self.outcome = "ok";
    }

    /// Notes an error.
    pub(crate) fn failed(&mut self, error: &GatewayError) {
        self.outcome = error.kind();
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed();
        self.metrics.statement_ended(self.label, self.outcome, elapsed.as_secs_f64());
        StatementNote {
            query_id: &self.query_id,
            principal: &self.principal,
            kind: self.label,
            outcome: self.outcome,
            version: self.version,
            elapsed,
            rows: self.rows,
        }
        .log();
    }
}

/// What bounds a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// When it has to end.
    pub(crate) deadline: tokio::time::Instant,
    /// How long that was.
    pub(crate) most: Duration,
    /// How many bytes its rows may have.
    pub(crate) bytes: u64,
}

/// How long a statement waits for anything: until its deadline, and until somebody breaks it off.
#[derive(Clone, Debug)]
struct Patience {
    stop: Stop,
    bounds: Bounds,
}

impl Patience {
    /// Whatever comes first: the end of some work, the deadline, or that somebody breaks it off.
    ///
    /// # Errors
    /// If it is not the work.
    async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, GatewayError> {
        let most = self.bounds.most;
        tokio::select! {
            biased;
            () = self.stop.stopped() => Err(GatewayError::Statement(frostline_sql::Error::stopped())),
            done = tokio::time::timeout_at(self.bounds.deadline, work) => {
                done.map_err(|_| GatewayError::TimedOut { most })
            }
        }
    }
}

/// A statement that runs.
struct Runner {
    plans: Plans,
    /// The place of the row of values that comes next.
    place: usize,
    current: Option<Rows>,
    patience: Patience,
    bytes: u64,
    book: Book,
    /// Given back when the statement ends.
    _permit: Permit,
    done: bool,
}

impl RunningRows {
    /// Starts a query for the first of its rows of values; the others follow when its rows have gone.
    ///
    /// # Errors
    /// Those that show before the first row.
    pub(crate) async fn start(
        plans: Plans,
        stop: Stop,
        bounds: Bounds,
        mut book: Book,
        permit: Permit,
    ) -> Result<Self, GatewayError> {
        let (version, columns) = (plans.version(), plans.columns());
        book.saw(version);
        let patience = Patience { stop, bounds };
        let mut runner = Runner {
            plans,
            place: 0,
            current: None,
            patience: patience.clone(),
            bytes: 0,
            book,
            _permit: permit,
            done: false,
        };
        if let Err(error) = runner.start_next().await {
            runner.book.failed(&error);
            return Err(error);
        }
        let running = Arc::new(Mutex::new(Running::Runs(Box::new(runner))));
        let watched = Arc::downgrade(&running);
        // It ends with the rows.
        let mut watch: JoinSet<()> = JoinSet::new();
        watch.spawn(async move {
            let Err(error) = patience.wait(std::future::pending::<()>()).await else { return };
            if let Some(running) = watched.upgrade() {
                running.lock().await.break_off(error);
            }
        });
        let batches = futures::stream::unfold((running, watch), |(running, watch)| async move {
            let next = running.lock().await.next().await?;
            Some((next, (running, watch)))
        });
        // Who waits for the first batch of a result that has none asks again after the end.
        Ok(Self { version, columns, batches: batches.fuse().boxed() })
    }
}

/// A statement that runs, or that was broken off while nobody asked for its rows.
enum Running {
    Runs(Box<Runner>),
    /// Who asks next is told why, once.
    BrokenOff(Option<GatewayError>),
}

impl Running {
    async fn next(&mut self) -> Option<Result<RecordBatch, GatewayError>> {
        match self {
            Self::Runs(runner) => runner.next().await,
            Self::BrokenOff(error) => error.take().map(Err),
        }
    }

    fn break_off(&mut self, error: GatewayError) {
        if let Self::Runs(runner) = self
            && !runner.done
        {
            let error = runner.fail(error);
            *self = Self::BrokenOff(Some(error));
        }
    }
}

impl Runner {
    async fn start_next(&mut self) -> Result<bool, GatewayError> {
        self.current = self.patience.wait(self.plans.start(self.place)).await??;
        self.place += 1;
        Ok(self.current.is_some())
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, GatewayError> {
        loop {
            if let Some(rows) = &mut self.current
                && let Some(batch) = self.patience.wait(rows.next()).await?
            {
                return Ok(Some(batch?));
            }
            self.current = None;
            if !self.start_next().await? {
                return Ok(None);
            }
        }
    }

    async fn next(&mut self) -> Option<Result<RecordBatch, GatewayError>> {
        if self.done {
            return None;
        }
        let batch = match self.next_batch().await {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                self.done = true;
                self.book.succeeded();
                return None;
            }
            Err(error) => return Some(Err(self.fail(error))),
        };
        let bytes = batch_bytes(&batch) as u64;
        self.bytes = self.bytes.saturating_add(bytes);
        let most = self.patience.bounds.bytes;
        if self.bytes > most {
            return Some(Err(self.fail(GatewayError::ResultSize { most })));
        }
        let rows = batch.num_rows() as u64;
        self.book.add_rows(rows);
        self.book.metrics.rows_sent(rows);
        self.book.metrics.bytes_sent(bytes);
        Some(Ok(batch))
    }

    fn fail(&mut self, error: GatewayError) -> GatewayError {
        self.done = true;
        self.current = None;
        self.book.failed(&error);
        error
    }
}
