//! The crate's door as large tests use it: statements that must succeed, and sizes from the environment.

use std::env;
use std::str::FromStr;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use frostline_sql::{Answer, Error, Parameters, Session};

use crate::lake::describe;

/// What a check comes to: nothing, or what is wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

/// Runs a statement without parameters.
pub(crate) async fn answer(session: &Session, sql: &str) -> Result<Answer, Error> {
    session.sql(sql, &Parameters::none()).await
}

/// Runs a statement that must commit, and gives the version that it made.
pub(crate) async fn commit(session: &Session, sql: &str) -> Checked<u64> {
    match answer(session, sql).await {
        Ok(Answer::Committed(made)) => Ok(made.version.number()),
        Ok(other) => Err(format!("`{sql}` committed nothing: {other:?}")),
        Err(error) => Err(format!("`{sql}` failed: {}", describe(&error))),
    }
}

/// Runs a query and gives its rows.
pub(crate) async fn query(session: &Session, sql: &str) -> Checked<Vec<RecordBatch>> {
    query_with(session, sql, &Parameters::none()).await
}

/// Runs a query with parameters and gives its rows.
pub(crate) async fn query_with(session: &Session, sql: &str, parameters: &Parameters) -> Checked<Vec<RecordBatch>> {
    let failed = |error: Error| format!("`{sql}` failed: {}", describe(&error));
    let rows = session.sql(sql, parameters).await.and_then(Answer::into_rows).map_err(failed)?;
    rows.collect().await.map_err(failed)
}

/// Runs a query of one whole number.
pub(crate) async fn number(session: &Session, sql: &str) -> Checked<i64> {
    let batches = query(session, sql).await?;
    let first = batches.iter().find(|batch| batch.num_rows() > 0 && batch.num_columns() > 0);
    let value = first.and_then(|batch| {
        let numbers = batch.column(0).as_primitive_opt::<Int64Type>()?;
        numbers.is_valid(0).then(|| numbers.value(0))
    });
    value.ok_or_else(|| format!("`{sql}` gave no whole number: {batches:?}"))
}

/// A number from the environment, for runs that are larger than the usual ones.
pub(crate) fn from_environment<T: FromStr>(name: &str, usual: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| unreachable!("{name}={text} is no number")),
        Err(_) => usual,
    }
}
