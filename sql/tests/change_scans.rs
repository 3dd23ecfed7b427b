//! What the functions that compare versions read: no row twice.

use arrow::util::pretty::pretty_format_batches;
use frostline_sql::{CreateOptions, Lake, OpenOptions, Session, Settings};

use crate::door::{commit, query};
use crate::lake::run_to_end;

/// How many scans a query's plan has.
async fn scans(session: &Session, sql: &str) -> usize {
    let plan = query(session, &format!("EXPLAIN {sql}")).await.expect("the lake answers");
    pretty_format_batches(&plan).expect("the lake answers").to_string().matches("DataSourceExec").count()
}

async fn check(name: &str, settings: Settings) {
    let location = format!("memory://{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake answers");
    let options = OpenOptions { settings, ..OpenOptions::default() };
    let session = Lake::open(&location, options).await.expect("the lake answers").session();
    commit(&session, "CREATE TABLE t (k BIGINT, a VARCHAR)").await.expect("the lake answers");
    let from = commit(&session, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')").await.expect("the lake answers");
    let updated = commit(&session, "UPDATE t SET a = 'x' WHERE k = 1").await.expect("the lake answers");
    let deleted = commit(&session, "DELETE FROM t WHERE k = 2").await.expect("the lake answers");
    let inserted = commit(&session, "INSERT INTO t VALUES (4, 'd')").await.expect("the lake answers");

    for (to, expected) in [(updated, 2), (deleted, 2), (inserted, 3)] {
        for mode in ["net", "versions"] {
            let changes = format!("table_changes('t', {from}, {to}, mode => '{mode}')");
            for sql in [
                format!("SELECT * FROM {changes}"),
                format!("SELECT count(*) FROM {changes}"),
                format!("SELECT k FROM {changes} WHERE _change_type = 'update_postimage' OR k > 2"),
            ] {
                assert_eq!(scans(&session, &sql).await, expected, "{name}: {sql}");
            }
        }
        let diff = format!("SELECT * FROM table_diff('t', {from}, {to})");
        assert_eq!(scans(&session, &diff).await, 2, "{name}: {diff}");
    }
    let deleted_only = format!("SELECT * FROM table_changes('t', {updated}, {deleted})");
    assert_eq!(scans(&session, &deleted_only).await, 1, "{name}: {deleted_only}");
}

#[test]
fn each_side_of_a_change_is_scanned_once() {
    run_to_end(|| async {
        check("change-scans-hot", Settings::default()).await;
        check("change-scans-frozen", Settings { hot_bytes_max: 0, ..Settings::default() }).await;
    });
}
