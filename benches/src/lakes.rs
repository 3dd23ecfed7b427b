//! Lakes that benchmarks make, and the table of events that commits add a row to.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use frostline_catalog::io::StoreOptions;
use frostline_catalog::{BranchId, RelationId, Version};
use frostline_sql::{CreateOptions, Lake, OpenOptions, Parameters, Settings};

use crate::report::Failure;

const CREATE_EVENTS: &str = "CREATE TABLE events (id BIGINT, account VARCHAR, amount DOUBLE, day DATE)";

/// The days from 1970 to 2026-01-01.
const FIRST_DAY: i32 = 20_454;

/// A path as a lake's location.
pub(crate) fn location(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::from("the path of the data folder is not Unicode"))
}

/// Creates a lake and opens it with these settings.
pub(crate) async fn create(location: &str, settings: Settings) -> Result<Lake, Failure> {
    create_on(location, settings, StoreOptions::default()).await
}

/// Creates a lake on a store that takes options to reach, and opens it with these settings.
pub(crate) async fn create_on(location: &str, settings: Settings, store: StoreOptions) -> Result<Lake, Failure> {
    let author = "benches".to_owned();
    let options = CreateOptions { author, store: store.clone(), ..CreateOptions::default() };
    Lake::create(location, options).await?;
    Ok(Lake::open(location, OpenOptions { settings, store, ..OpenOptions::default() }).await?)
}

/// Creates a lake with an empty table `events` of four columns: id, account, amount, day.
pub(crate) async fn create_with_events(folder: &Path) -> Result<Lake, Failure> {
    let lake = create(location(folder)?, Settings::default()).await?;
    add_events(&lake).await?;
    Ok(lake)
}

/// Creates the empty table `events` in a lake.
pub(crate) async fn add_events(lake: &Lake) -> Result<(), Failure> {
    lake.session().sql(CREATE_EVENTS, &Parameters::none()).await?;
    Ok(())
}

/// Checks that a table has rows, all of them in frozen segments.
pub(crate) fn check_frozen(lake: &Lake, table: &str) -> Result<(), Failure> {
    let state = lake.state();
    let newest = state.newest(BranchId::MAIN).unwrap_or(Version::FIRST);
    let found = state.relations_at(newest).find(|(_, relation)| relation.name().as_str() == table);
    let id = found.and_then(|(_, relation)| match relation.id() {
        RelationId::Table(table) => Some(table),
        RelationId::View(_) => None,
    });
    match id.and_then(|id| state.segments_of(id)) {
        Some(segments) if segments.hot_count() == 0 && segments.frozen_count() > 0 => Ok(()),
        _ => Err(format!("table {table} is not in frozen segments").into()),
    }
}

/// A batch of one event.
pub(crate) fn event(number: u64) -> Result<RecordBatch, ArrowError> {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![number as i64]));
    let account: ArrayRef = Arc::new(StringArray::from(vec![account(number)]));
    let amount: ArrayRef = Arc::new(Float64Array::from(vec![amount(number)]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![FIRST_DAY + (number / 1000) as i32]));
    RecordBatch::try_from_iter([("id", id), ("account", account), ("amount", amount), ("day", day)])
}

/// A statement that inserts an event.
pub(crate) fn insert_event(number: u64) -> String {
    let (account, amount) = (account(number), amount(number));
    format!("INSERT INTO events VALUES ({number}, '{account}', {amount:.2}, DATE '2026-01-01')")
}

fn account(number: u64) -> String {
    format!("account-{:04}", number % 1000)
}

fn amount(number: u64) -> f64 {
    (number % 10_000) as f64 / 4.0
}

/// The one number that a query gives.
pub(crate) async fn number(lake: &Lake, sql: &str) -> Result<i64, Failure> {
    let batches = lake.session().sql(sql, &Parameters::none()).await?.into_rows()?.collect().await?;
    let batch = batches.iter().find(|batch| batch.num_rows() == 1 && batch.num_columns() == 1);
    let column = batch.and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>());
    match column {
        Some(column) => Ok(column.value(0)),
        None => Err(format!("`{sql}` does not give one number").into()),
    }
}
