//! Statements that fail at the last of a million rows: no version is made, and nothing of them stays in the store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use frostline_sql::{CreateOptions, ErrorKind, Lake, OpenOptions, Session, TransactionStatus};

use crate::door::{Checked, answer, commit, number};
use crate::lake::{describe, run_to_end};

/// Statements that only row 1,000,000 stands against, and what is said of it. What came before it is far more than
/// stays in a slot, so that it is on its way to the store by then.
const STATEMENTS: [(&str, &str); 9] = [
    ("UPDATE t SET n = n + 1", "column `n`: 2147483648 is no value of type INTEGER"),
    ("UPDATE t SET m = m + 9223372036853775808", "is out of range of BIGINT"),
    ("UPDATE t SET m = 1000000 / (1000000 - id)", "division by zero"),
    ("UPDATE t SET m = NULLIF(id, 1000000)", "column `m` is NOT NULL"),
    (
        "MERGE INTO t USING (SELECT id AS k FROM t) AS s ON t.id = s.k \
         WHEN MATCHED THEN UPDATE SET m = NULLIF(s.k, 1000000)",
        "column `m` is NOT NULL",
    ),
    (
        "MERGE INTO t USING (SELECT id AS k, n FROM t) AS s ON t.id = -s.k \
         WHEN NOT MATCHED THEN INSERT VALUES (-s.k, s.n + 1, s.k)",
        "column `n`: 2147483648 is no value of type INTEGER",
    ),
    ("INSERT INTO t SELECT id, n, NULLIF(id, 1000000) FROM t", "column `m` is NOT NULL"),
    ("INSERT OVERWRITE t SELECT id, n + 1, m FROM t", "column `n`: 2147483648 is no value of type INTEGER"),
    ("CREATE TABLE u AS SELECT 1000000 / (1000000 - id) AS a FROM t", "division by zero"),
];

/// The files below a folder.
fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

async fn check_refused(session: &Session, sql: &str, expected: &str) -> Checked {
    match answer(session, sql).await {
        Err(error) if error.kind() == ErrorKind::Statement && describe(&error).contains(expected) => Ok(()),
        Err(error) => Err(format!("`{sql}`: {} instead of {expected}", describe(&error))),
        Ok(other) => Err(format!("`{sql}` gave {other:?}")),
    }
}

#[test]
fn a_statement_that_fails_at_row_one_million_leaves_nothing() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().join("lake");
        let text = location.display().to_string();
        Lake::create(&text, CreateOptions::default()).await.unwrap();
        let lake = Lake::open(&text, OpenOptions::default()).await.unwrap();
        let session = lake.session();
        commit(&session, "CREATE TABLE t (id BIGINT NOT NULL, n INTEGER NOT NULL, m BIGINT NOT NULL)").await.unwrap();
        let rows = "SELECT value, CASE WHEN value = 1000000 THEN 2147483647 ELSE 0 END, value \
                    FROM generate_series(1, 1000000)";
        assert_eq!(commit(&session, &format!("INSERT INTO t {rows}")).await, Ok(3));
        lake.settle().await;
        let mut before: BTreeSet<PathBuf> = BTreeSet::new();
        files(&location, &mut before);

        for (sql, expected) in STATEMENTS {
            check_refused(&session, sql, expected).await.unwrap();
            // In a transaction, it takes what came before it along.
            assert!(answer(&session, "BEGIN").await.is_ok());
            assert!(answer(&session, "DELETE FROM t WHERE id = 1").await.is_ok());
            check_refused(&session, sql, expected).await.unwrap();
            assert_eq!(session.transaction_status(), TransactionStatus::Failed, "{sql}");
            assert!(answer(&session, "ROLLBACK").await.is_ok());
        }

        lake.settle().await;
        let mut after: BTreeSet<PathBuf> = BTreeSet::new();
        files(&location, &mut after);
        assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(3));
        for (sql, expected) in [
            ("SELECT count(*) FROM t", 1_000_000),
            ("SELECT sum(m) FROM t", 500_000_500_000),
            ("SELECT count(*) FROM t WHERE id = m AND n = 0", 999_999),
        ] {
            assert_eq!(number(&session, sql).await, Ok(expected), "{sql}");
        }
        // All but that row can be changed so.
        let others = "UPDATE t SET n = n + 1, m = 1000000 / (1000000 - id) WHERE id < 1000000";
        assert_eq!(commit(&session, others).await, Ok(4));
    });
}
