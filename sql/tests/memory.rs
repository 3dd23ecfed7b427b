//! Statements that need more memory than they may use.

use frostline_sql::{CreateOptions, Error, ErrorKind, Lake, OpenOptions, Parameters, RuntimeLimits};

use crate::lake::run_to_end;

const MIB: usize = 1024 * 1024;

/// A million rows: a number, and a text of 160 bytes that hardly two of them share.
const MILLION: &str = "
    WITH d AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS v (n)),
    numbers AS (
        SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n AS n
        FROM d AS a CROSS JOIN d AS b CROSS JOIN d AS c CROSS JOIN d AS e CROSS JOIN d AS f CROSS JOIN d AS g
    ),
    million AS (SELECT n, concat(CAST(n * 7919 % 1000003 AS VARCHAR), repeat('x', 150)) AS text FROM numbers)";

async fn lake(name: &str, spill_bytes: u64) -> Lake {
    let location = format!("memory://memory-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake is new");
    let runtime =
        RuntimeLimits { memory_bytes: 64 * MIB, statement_memory_bytes: 16 * MIB, spill_bytes, spill_folder: None };
    Lake::open(&location, OpenOptions { runtime: Some(runtime), ..OpenOptions::default() })
        .await
        .expect("the lake opens")
}

/// How many rows a query gives; only the batch at hand is kept.
async fn count(lake: &Lake, query: &str) -> Result<usize, Error> {
    let sql = format!("{MILLION} {query}");
    let mut rows = lake.session().sql(&sql, &Parameters::none()).await?.into_rows()?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows();
    }
    Ok(count)
}

#[test]
fn a_sort_ten_times_larger_than_memory_goes_on_from_disk() {
    let sorted = run_to_end(|| async {
        let lake = lake("sort", 1 << 30).await;
        count(&lake, "SELECT text, n FROM million ORDER BY text").await
    });
    assert_eq!(sorted.unwrap(), 1_000_000);
}

#[test]
fn an_aggregate_ten_times_larger_than_memory_goes_on_from_disk() {
    let groups = run_to_end(|| async {
        let lake = lake("aggregate", 1 << 30).await;
        count(&lake, "SELECT text, count(*) AS n FROM million GROUP BY text").await
    });
    assert_eq!(groups.unwrap(), 1_000_000);
}

#[test]
fn what_cannot_go_on_from_disk_is_refused_and_harms_nobody_else() {
    let (refused, after) = run_to_end(|| async {
        let lake = lake("join", 1 << 30).await;
        let join = "SELECT a.n FROM million AS a JOIN million AS b ON a.text = b.text WHERE a.n <= b.n";
        (count(&lake, join).await, count(&lake, "SELECT n FROM million WHERE n < 10").await)
    });
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources, "{error}");
    assert_eq!(after.unwrap(), 10);
}

#[test]
fn a_full_quota_of_disk_is_an_error_that_says_so() {
    let refused = run_to_end(|| async {
        let lake = lake("quota", 1 << 20).await;
        count(&lake, "SELECT text, n FROM million ORDER BY text").await
    });
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resources, "{error}");
}

#[test]
fn a_session_from_a_network_changes_no_setting_that_costs_others() {
    run_to_end(|| async {
        let lake = lake("settings", 0).await;
        let network = lake.session().for_network();
        for sql in [
            "SET datafusion.runtime.memory_limit = '1T'",
            "SET datafusion.execution.target_partitions = 100000",
            "SET datafusion.execution.batch_size = 100000000",
            "SET datafusion.optimizer.max_passes = 1000000",
            "SET datafusion.catalog.location = '/'",
        ] {
            let error = network.sql(sql, &Parameters::none()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {error}");
        }
        for sql in ["SET timezone = 'Europe/Zurich'", "SET frostline.message = 'why'", "RESET timezone"] {
            network.sql(sql, &Parameters::none()).await.unwrap();
        }
        for sql in ["SELECT * FROM '/etc/passwd'", "COPY (SELECT 1) TO '/tmp/x.csv'"] {
            assert!(network.sql(sql, &Parameters::none()).await.is_err(), "{sql}");
        }
        // A session of this machine may.
        let local = lake.session();
        local.sql("SET datafusion.execution.batch_size = 4096", &Parameters::none()).await.unwrap();
    });
}
