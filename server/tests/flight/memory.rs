//! Statements that need more memory or disk than they may use.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use arrow_flight::error::FlightError;
use frostline_server::{Authentication, ServeLimits};
use futures::StreamExt;
use tempfile::TempDir;
use tonic::Code;

use crate::refused::{assert_one_refused, status_of};
use crate::served::{Client, SOON, Served, run};

const MIB: u64 = 1024 * 1024;

/// A million rows, 160 MB of them: a number, and a text that hardly two of them share.
const MILLION: &str = "
    WITH d AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS v (n)),
    numbers AS (
        SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n AS n
        FROM d AS a CROSS JOIN d AS b CROSS JOIN d AS c CROSS JOIN d AS e CROSS JOIN d AS f CROSS JOIN d AS g
    ),
    million AS (SELECT n, concat(CAST(n * 7919 % 1000003 AS VARCHAR), repeat('x', 150)) AS text FROM numbers)";

/// A server whose statements may use a tenth of that.
async fn served(name: &str, spill_bytes: u64) -> (Served, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let limits = ServeLimits {
        memory_bytes: 64 * MIB,
        statement_memory_bytes: 16 * MIB,
        spill_bytes,
        spill_folder: Some(folder.path().to_owned()),
        ..ServeLimits::default()
    };
    (Served::start(name, Authentication::Nobody, limits).await, folder)
}

/// How many files there are in a folder and those below it.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.map_or(0, |entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 })).sum()
}

/// Waits until nothing runs and nothing is left on disk.
async fn until_clean(served: &Served, folder: &Path) {
    served.until_running(0.0).await;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(10));
    let clean = tokio::time::timeout(SOON, async {
        while files(folder) > 0 {
            looks.tick().await;
        }
    });
    assert!(clean.await.is_ok(), "{} files are left", files(folder));
}

/// What the rows of a query come to; only the batch at hand is kept.
struct Sum {
    rows: usize,
    /// The sum of the second column.
    numbers: i64,
    /// Whether the first column ascends.
    is_sorted: bool,
    /// Whether something was on disk when the first rows came.
    went_to_disk: bool,
}

async fn sum(client: &mut Client, query: &str, folder: &Path) -> Result<Sum, FlightError> {
    let info = client.execute(format!("{MILLION} {query}"), None).await?;
    let mut batches = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await?;
    let mut sum = Sum { rows: 0, numbers: 0, is_sorted: true, went_to_disk: false };
    let mut last = String::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        if sum.rows == 0 {
            sum.went_to_disk = files(folder) > 0;
        }
        sum.rows += batch.num_rows();
        sum.numbers += batch.column(1).as_primitive::<Int64Type>().values().iter().sum::<i64>();
        let texts = batch.column(0).as_string::<i32>();
        for row in 0..texts.len() {
            let before = if row == 0 { last.as_str() } else { texts.value(row - 1) };
            sum.is_sorted &= before <= texts.value(row);
        }
        if !texts.is_empty() {
            texts.value(texts.len() - 1).clone_into(&mut last);
        }
    }
    Ok(sum)
}

#[test]
fn a_sort_ten_times_larger_than_memory_gives_its_rows_in_order() {
    run(async {
        let (served, folder) = served("memory-sort", 1024 * MIB).await;
        let mut client = served.client().await;
        let sum = sum(&mut client, "SELECT text, n FROM million ORDER BY text", folder.path()).await.unwrap();
        assert_eq!((sum.rows, sum.numbers, sum.is_sorted), (1_000_000, 499_999_500_000, true));
        assert!(sum.went_to_disk, "it does not fit into memory");
        until_clean(&served, folder.path()).await;
        served.assert_serves().await;
        served.end().await;
    });
}

#[test]
fn an_aggregate_ten_times_larger_than_memory_gives_every_group() {
    run(async {
        let (served, folder) = served("memory-aggregate", 1024 * MIB).await;
        let mut client = served.client().await;
        let query = "SELECT text, count(*) AS n FROM million GROUP BY text";
        let sum = sum(&mut client, query, folder.path()).await.unwrap();
        assert_eq!((sum.rows, sum.numbers), (1_000_000, 1_000_000));
        until_clean(&served, folder.path()).await;
        served.assert_serves().await;
        served.end().await;
    });
}

#[test]
fn a_join_that_memory_does_not_hold_is_refused_with_the_limit_and_the_setting() {
    run(async {
        let (served, folder) = served("memory-join", 1024 * MIB).await;
        let mut client = served.client().await;
        let join = "SELECT a.text, a.n FROM million AS a JOIN million AS b ON a.text = b.text WHERE a.n <= b.n";
        let outcome = sum(&mut client, join, folder.path()).await.map_err(status_of).map(|sum| sum.rows);
        let message = outcome.as_ref().unwrap_err().message().to_owned();
        assert!(message.contains("of 16777216 bytes"), "the limit: {message}");
        assert!(message.contains("`limits.statement_memory`"), "the setting: {message}");
        until_clean(&served, folder.path()).await;
        let said = "the statement needs more memory than it may use";
        assert_one_refused(&served, Code::ResourceExhausted, said, "a join", outcome).await;
        served.end().await;
    });
}

#[test]
fn a_sort_that_the_disk_may_not_hold_is_refused_with_the_setting() {
    run(async {
        let (served, folder) = served("memory-disk", MIB).await;
        let mut client = served.client().await;
        let sort = "SELECT text, n FROM million ORDER BY text";
        let outcome = sum(&mut client, sort, folder.path()).await.map_err(status_of).map(|sum| sum.rows);
        let message = outcome.as_ref().unwrap_err().message().to_owned();
        assert!(message.contains("allowable limit of"), "the limit: {message}");
        assert!(message.contains("`limits.spill`") && !message.contains("datafusion"), "the setting: {message}");
        until_clean(&served, folder.path()).await;
        let said = "the statement needs more disk for what does not fit into memory than it may use";
        assert_one_refused(&served, Code::ResourceExhausted, said, "a sort", outcome).await;
        served.end().await;
    });
}
