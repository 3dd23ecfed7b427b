//! The door as these tests use it: runtimes with room for deep plans, statements, and sizes from the environment.

use std::env;
use std::error::Error as StdError;
use std::panic::resume_unwind;
use std::str::FromStr;
use std::thread;

use arrow::array::RecordBatch;
use frostline_sql::{Answer, Error, Parameters, Session};
use tokio::runtime::{Builder, Runtime};

/// Planning recurses, and unoptimised builds have large frames.
pub(crate) const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What a check comes to: nothing, or what is wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

/// Runs something to its end on a thread with room for deep plans. Tasks that it spawns run on two more.
pub(crate) fn block_on<T, F>(work: impl FnOnce() -> F + Send) -> T
where
    T: Send,
    F: Future<Output = T>,
{
    let runtime = parallel_runtime();
    thread::scope(|scope| {
        let run = || runtime.block_on(work());
        let spawned = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        spawned.expect("a thread starts").join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// A runtime of two threads.
fn parallel_runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).thread_stack_size(STACK_BYTES).enable_all().build().expect("a runtime starts")
}

/// A runtime that runs everything on the thread that waits for it.
pub(crate) fn single_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Runs a statement without parameters.
pub(crate) async fn answer(session: &Session, sql: &str) -> Result<Answer, Error> {
    session.sql(sql, &Parameters::none()).await
}

/// Runs a statement that must commit, and gives the version that it made.
pub(crate) async fn commit(session: &Session, sql: &str) -> Checked<u64> {
    match answer(session, sql).await {
        Ok(Answer::Committed(made)) => Ok(made.version.number()),
        Ok(other) => Err(format!("`{sql}` committed nothing: {other:?}")),
        Err(error) => Err(format!("`{sql}` failed: {}", told(&error))),
    }
}

/// Runs a query and gives its rows.
pub(crate) async fn query(session: &Session, sql: &str) -> Checked<Vec<RecordBatch>> {
    query_with(session, sql, &Parameters::none()).await
}

/// Runs a query with parameters and gives its rows.
pub(crate) async fn query_with(session: &Session, sql: &str, parameters: &Parameters) -> Checked<Vec<RecordBatch>> {
    let failed = |error: Error| format!("`{sql}` failed: {}", told(&error));
    let rows = session.sql(sql, parameters).await.and_then(Answer::into_rows).map_err(failed)?;
    rows.collect().await.map_err(failed)
}

/// Runs a query of one whole number.
pub(crate) async fn number(session: &Session, sql: &str) -> Checked<i64> {
    let batches = query(session, sql).await?;
    let values = batches.iter().find(|batch| batch.num_rows() > 0).map(|batch| batch.column(0));
    let value = values.and_then(|values| {
        use arrow::array::{Array, AsArray};
        let numbers = values.as_primitive_opt::<arrow::datatypes::Int64Type>()?;
        numbers.is_valid(0).then(|| numbers.value(0))
    });
    value.ok_or_else(|| format!("`{sql}` gave no whole number: {batches:?}"))
}

/// An error with everything that stands behind it.
pub(crate) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// A number from the environment, for runs that are larger than the usual ones.
pub(crate) fn from_environment<T: FromStr>(name: &str, usual: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| unreachable!("{name}={text} is no number")),
        Err(_) => usual,
    }
}
