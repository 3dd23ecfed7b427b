//! A lake for small reads: a table `points` whose rows are frozen and sorted by `id`, and an empty table `events`.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use frostline_sql::{Lake, OpenOptions, Parameters, RuntimeLimits, Settings};

use crate::lakes;
use crate::report::Failure;

const CREATE_POINTS: &str = "CREATE TABLE points (id BIGINT, account VARCHAR, amount DOUBLE)";

/// How many rows are appended at a time.
const BATCH_ROWS: u64 = 50_000;

/// A prime that no number of points is a multiple of, so that steps of it come to all of them.
const STEP: u64 = 7_368_787;

/// Creates the lake, with so many points, and opens it with these limits and default settings.
pub(crate) async fn create(folder: &Path, points: u64, runtime: Option<RuntimeLimits>) -> Result<Lake, Failure> {
    let location = lakes::location(folder)?;
    let frozen_only = Settings { hot_bytes_max: 0, ..Settings::default() };
    let making = lakes::create(location, frozen_only).await?;
    lakes::add_events(&making).await?;
    making.session().sql(CREATE_POINTS, &Parameters::none()).await?;
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut begin: u64 = 0;
    while begin < points {
        let end = points.min(begin + BATCH_ROWS);
        batches.push(batch(begin, end)?);
        begin = end;
    }
    making.append("points", batches).await?;
    making.settle().await;
    drop(making);
    let lake = Lake::open(location, OpenOptions { runtime, ..OpenOptions::default() }).await?;
    lakes::check_frozen(&lake, "points")?;
    Ok(lake)
}

fn batch(begin: u64, end: u64) -> Result<RecordBatch, ArrowError> {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((begin..end).map(|number| number as i64)));
    let accounts = (begin..end).map(|number| format!("account-{:06}", number % 100_000));
    let accounts: ArrayRef = Arc::new(StringArray::from_iter_values(accounts));
    let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values((begin..end).map(|number| number as f64 / 8.0)));
    RecordBatch::try_from_iter([("id", ids), ("account", accounts), ("amount", amounts)])
}

/// The point that comes in a place of a walk over all of them, far from the one before.
pub(crate) fn walk(place: u64, points: u64) -> u64 {
    (place % points) * (STEP % points) % points
}

/// A query for one point.
pub(crate) fn query(point: u64) -> String {
    format!("SELECT id, account, amount FROM points WHERE id = {point}")
}

/// Checks that an answer is the one point that was asked for.
pub(crate) fn check(batches: &[RecordBatch], point: u64) -> Result<(), Failure> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let found = batches.iter().find(|batch| batch.num_rows() > 0);
    let ids = found.and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>());
    if rows == 1 && ids.is_some_and(|ids| ids.value(0) == point as i64) {
        return Ok(());
    }
    Err(format!("the answer for point {point} has {rows} rows, or another point").into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_walk_comes_to_every_point() {
        for points in [1_000, 10_000, 1_000_000] {
            let found: HashSet<u64> = (0..points).map(|place| walk(place, points)).collect();
            assert_eq!(found.len() as u64, points);
        }
    }
}
