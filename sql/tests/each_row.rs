//! UPDATE, DELETE and MERGE for many rows of parameters: one after the other, and one change.

use frostline_sql::parse::parse_one;
use frostline_sql::{
    Answer, CreateOptions, Error, ErrorKind, Lake, OpenOptions, Parameters, ScalarValue, Session, Stop,
    TransactionStatus,
};

use crate::door::{answer, commit, number};
use crate::lake::{describe, run_to_end};

const UPDATE: &str = "UPDATE t SET n = n + $2 WHERE k = $1";

const DELETE: &str = "DELETE FROM t WHERE k BETWEEN $1 AND $2";

/// Adds to the row of a key, or inserts it.
const MERGE: &str = "MERGE INTO t USING (SELECT CAST($1 AS BIGINT) AS k, CAST($2 AS BIGINT) AS n) AS s ON t.k = s.k \
                     WHEN MATCHED THEN UPDATE SET n = t.n + s.n WHEN NOT MATCHED THEN INSERT (k, n) VALUES (s.k, s.n)";

/// A lake with a table of keys 1 to 5, each with the number 0, made by version 3.
async fn with_table(name: &str) -> (Lake, Session) {
    let location = format!("memory://each-row-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake is new");
    let lake = Lake::open(&location, OpenOptions::default()).await.expect("the lake opens");
    let session = lake.session();
    commit(&session, "CREATE TABLE t (k BIGINT, n BIGINT CHECK (n < 100))").await.expect("the statement is right");
    commit(&session, "INSERT INTO t SELECT value, 0 FROM generate_series(1, 5)").await.expect("the rows fit");
    (lake, session)
}

fn pairs(pairs: &[(i64, i64)]) -> Vec<Parameters> {
    pairs.iter().map(|(one, other)| Parameters::positional(vec![(*one).into(), (*other).into()])).collect()
}

async fn each(session: &Session, sql: &str, rows: &[Parameters]) -> Result<Answer, Error> {
    session.run_until(&parse_one(sql)?, rows, &Stop::new()).await
}

/// Runs a statement that must commit; the version it made, how many rows it changed, and what is said of it.
async fn made(session: &Session, sql: &str, rows: &[Parameters]) -> (u64, u64, String) {
    match each(session, sql, rows).await {
        Ok(Answer::Committed(made)) => (made.version.number(), made.rows, made.summary),
        Ok(other) => unreachable!("{sql}: {other:?}"),
        Err(error) => unreachable!("{sql}: {}", describe(&error)),
    }
}

async fn numbers(session: &Session) -> Vec<i64> {
    let mut numbers: Vec<i64> = Vec::new();
    for key in 1..=5 {
        numbers.push(number(session, &format!("SELECT n FROM t WHERE k = {key}")).await.expect("there is one"));
    }
    numbers
}

#[test]
fn an_update_sees_what_the_rows_before_it_did_and_all_is_one_version() {
    run_to_end(|| async {
        let (_lake, session) = with_table("update").await;
        let rows = pairs(&[(1, 10), (2, 20), (1, 5), (9, 1), (3, 1)]);
        assert_eq!(made(&session, UPDATE, &rows).await, (4, 4, "update t, 4 rows".to_owned()));
        assert_eq!(numbers(&session).await, [15, 20, 1, 0, 0]);
        assert_eq!(number(&session, "SELECT sum(n) FROM t AS OF VERSION 3").await, Ok(0));
        let told = "SELECT count(*) FROM system.commits WHERE version = 4 AND operation = 'update'";
        assert_eq!(number(&session, told).await, Ok(1));
        // A row that changed twice is the same row, and changed once.
        assert_eq!(number(&session, "SELECT count(*) FROM table_changes('t', 3, 4)").await, Ok(6));
        assert_eq!(number(&session, "SELECT count(DISTINCT _row_id) FROM table_history('t')").await, Ok(5));
    });
}

#[test]
fn rows_are_deleted_once_and_counted_once() {
    run_to_end(|| async {
        let (_lake, session) = with_table("delete").await;
        let rows = pairs(&[(1, 2), (2, 3), (2, 2)]);
        assert_eq!(made(&session, DELETE, &rows).await, (4, 3, "delete t, 3 rows".to_owned()));
        assert_eq!(number(&session, "SELECT sum(k) FROM t").await, Ok(9));
    });
}

#[test]
fn a_merge_updates_what_the_row_before_it_inserted() {
    run_to_end(|| async {
        let (_lake, session) = with_table("merge").await;
        let rows = pairs(&[(7, 1), (7, 2), (1, 3), (7, 4)]);
        assert_eq!(made(&session, MERGE, &rows).await, (4, 4, "merge t, 4 rows".to_owned()));
        assert_eq!(number(&session, "SELECT n FROM t WHERE k = 7").await, Ok(7));
        assert_eq!(numbers(&session).await, [3, 0, 0, 0, 0]);
        assert_eq!(number(&session, "SELECT count(*) FROM t").await, Ok(6));
    });
}

#[test]
fn an_error_names_its_row_and_nothing_of_any_row_stays() {
    run_to_end(|| async {
        let (_lake, session) = with_table("error").await;
        let bad = [
            (pairs(&[(1, 10), (2, 20), (3, 100), (4, 100)]), "fails constraint"),
            (
                vec![
                    pairs(&[(1, 10)]).remove(0),
                    pairs(&[(2, 20)]).remove(0),
                    Parameters::positional(vec![ScalarValue::from(3_i64)]),
                ],
                "parameter `$2` has no value",
            ),
        ];
        for (rows, expected) in bad {
            let error = each(&session, UPDATE, &rows).await.expect_err("a row is wrong");
            let told = describe(&error);
            assert!(told.starts_with("row 3 of the parameters: ") && told.contains(expected), "{told}");
            assert_eq!(error.kind(), ErrorKind::Statement);
            assert_eq!(numbers(&session).await, [0; 5]);
        }
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(3));
    });
}

#[test]
fn no_rows_or_none_that_change_anything_make_no_version() {
    run_to_end(|| async {
        let (_lake, session) = with_table("nothing").await;
        for sql in [UPDATE, DELETE, MERGE] {
            let answer = each(&session, sql, &[]).await;
            let Ok(Answer::NoChange { version }) = answer else { unreachable!("{sql}: {answer:?}") };
            assert_eq!(version.number(), 3);
        }
        let answer = each(&session, UPDATE, &pairs(&[(8, 1), (9, 1)])).await;
        assert!(matches!(answer, Ok(Answer::NoChange { .. })), "{answer:?}");
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(3));
    });
}

#[test]
fn in_a_transaction_they_are_a_part_of_it() {
    run_to_end(|| async {
        let (lake, session) = with_table("within").await;
        answer(&session, "BEGIN").await.expect("it begins");
        answer(&session, "INSERT INTO t VALUES (6, 0)").await.expect("the row fits");
        let answered = each(&session, UPDATE, &pairs(&[(6, 1), (6, 2), (1, 3)])).await;
        let Ok(Answer::Pending { base, summary, rows }) = answered else { unreachable!("{answered:?}") };
        assert_eq!((base.number(), summary.as_str(), rows), (3, "update t, 3 rows", 3));
        assert_eq!(number(&session, "SELECT n FROM t WHERE k = 6").await, Ok(3));
        assert_eq!(number(&lake.session(), "SELECT sum(n) FROM t").await, Ok(0));
        let Ok(Answer::Committed(made)) = answer(&session, "COMMIT").await else { unreachable!("it is committed") };
        let told = "transaction: insert t, 1 row; update t, 3 rows";
        assert_eq!((made.version.number(), made.summary.as_str(), made.rows), (4, told, 4));
        assert_eq!(numbers(&lake.session()).await, [3, 0, 0, 0, 0]);
    });
}

#[test]
fn a_row_that_fails_in_a_transaction_aborts_it() {
    run_to_end(|| async {
        let (_lake, session) = with_table("aborted").await;
        answer(&session, "BEGIN").await.expect("it begins");
        let error = each(&session, UPDATE, &pairs(&[(1, 1), (2, 100)])).await.expect_err("a row is wrong");
        assert!(error.to_string().starts_with("row 2 of the parameters: "), "{error}");
        assert_eq!(session.transaction_status(), TransactionStatus::Failed);
        answer(&session, "ROLLBACK").await.expect("it is rolled back");
        assert_eq!(numbers(&session).await, [0; 5]);
    });
}

#[test]
fn what_lost_against_another_commit_is_run_again_from_its_first_row() {
    run_to_end(|| async {
        let (lake, _) = with_table("again").await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let session = lake.session();
                tokio::spawn(async move {
                    for _ in 0..3 {
                        made(&session, UPDATE, &pairs(&[(1, 1), (2, 1), (1, 1)])).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
        assert_eq!(numbers(&lake.session()).await, [24, 12, 0, 0, 0]);
        assert_eq!(number(&lake.session(), "SELECT max(version) FROM system.commits").await, Ok(15));
    });
}

#[test]
fn what_is_stopped_has_changed_nothing() {
    run_to_end(|| async {
        let (_lake, session) = with_table("stopped").await;
        let stop = Stop::new();
        stop.stop();
        let parsed = parse_one(UPDATE).expect("it is right");
        let error = session.run_until(&parsed, &pairs(&[(1, 1), (2, 1)]), &stop).await.expect_err("it is stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped);
        assert_eq!(numbers(&session).await, [0; 5]);
    });
}

#[test]
fn thousands_of_keys_are_updated_and_deleted_at_once() {
    run_to_end(|| async {
        let (_lake, session) = with_table("keys").await;
        commit(&session, "CREATE TABLE wide (k BIGINT, name VARCHAR, n BIGINT CHECK (n < 9000))").await.unwrap();
        commit(&session, "INSERT INTO wide SELECT value, 'old', 0 FROM generate_series(1, 5000)").await.unwrap();
        let text = |key: i64| ScalarValue::Utf8((key % 7 != 0).then(|| format!("name {key}")));
        let row = |key: i64| Parameters::positional(vec![text(key), key.into(), (key + 1).into()]);
        let rows: Vec<Parameters> = (1..=4000).map(row).collect();
        let sql = "UPDATE wide SET name = ?, n = ? WHERE k = ?";
        assert_eq!(made(&session, sql, &rows).await, (6, 4000, "update wide, 4000 rows".to_owned()));
        let good = "SELECT count(*) FROM wide WHERE k BETWEEN 2 AND 4001 AND n = k - 1
                    AND name IS NOT DISTINCT FROM CASE WHEN n % 7 <> 0 THEN 'name ' || CAST(n AS VARCHAR) END";
        assert_eq!(number(&session, good).await, Ok(4000));

        // The last of two values for one row stands, and both are counted.
        let twice: Vec<Parameters> = [(1, 5), (2, 6), (3, 5)]
            .map(|(n, key): (i64, i64)| Parameters::positional(vec![text(n), n.into(), key.into()]))
            .to_vec();
        assert_eq!(made(&session, sql, &twice).await.1, 3);
        assert_eq!(number(&session, "SELECT n FROM wide WHERE k = 5").await, Ok(3));

        // One that cannot be set is told, and no other is.
        let mut bad = rows.clone();
        bad.truncate(20);
        bad[11] = Parameters::positional(vec![text(1), 9_000_i64.into(), 77_i64.into()]);
        let error = each(&session, sql, &bad).await.expect_err("a row is wrong");
        assert!(error.to_string().starts_with("row 12 of the parameters: "), "{error}");

        let keys: Vec<Parameters> =
            (1..=6000).map(|key: i64| Parameters::positional(vec![(key / 2 * 2).into()])).collect();
        let (version, deleted, _) = made(&session, "DELETE FROM wide WHERE k = ?", &keys).await;
        assert_eq!((version, deleted), (8, 2500));
        assert_eq!(number(&session, "SELECT count(*) FROM wide WHERE k % 2 = 1").await, Ok(2500));
    });
}

#[test]
fn keys_that_come_again_are_set_in_the_order_of_the_rows() {
    run_to_end(|| async {
        let (lake, session) = with_table("twice").await;
        let sql = "UPDATE t SET n = $2 WHERE k = $1";
        // Each key several times, one that no row has, and none at all.
        let mut rows = pairs(&[(1, 10), (2, 20), (1, 11), (9, 1), (3, 30), (2, 21), (1, 12), (9, 2)]);
        rows.insert(4, Parameters::positional(vec![ScalarValue::Int64(None), 99_i64.into()]));
        assert_eq!(made(&session, sql, &rows).await, (4, 6, "update t, 6 rows".to_owned()));
        assert_eq!(numbers(&session).await, [12, 21, 30, 0, 0]);
        assert_eq!(number(&session, "SELECT count(*) FROM table_changes('t', 3, 4)").await, Ok(6));
        assert_eq!(number(&session, "SELECT count(*) FROM t").await, Ok(5));

        // The same in a transaction, behind what it did before.
        answer(&session, "BEGIN").await.expect("it begins");
        answer(&session, "INSERT INTO t VALUES (9, 0)").await.expect("the row fits");
        let answered = each(&session, sql, &rows).await;
        let Ok(Answer::Pending { rows: changed, .. }) = answered else { unreachable!("{answered:?}") };
        assert_eq!(changed, 8);
        assert_eq!(number(&session, "SELECT n FROM t WHERE k = 9").await, Ok(2));
        assert_eq!(number(&lake.session(), "SELECT count(*) FROM t WHERE k = 9").await, Ok(0));
        answer(&session, "COMMIT").await.expect("it is committed");
        assert_eq!(number(&session, "SELECT n FROM t WHERE k = 9").await, Ok(2));

        // A wrong one among those that come again is told by its number.
        let bad = pairs(&[(1, 50), (2, 50), (1, 51), (3, 50), (2, 100), (4, 50)]);
        let error = each(&session, sql, &bad).await.expect_err("a row is wrong");
        assert!(error.to_string().starts_with("row 5 of the parameters: "), "{error}");
        assert_eq!(numbers(&session).await, [12, 21, 30, 0, 0]);
        answer(&session, "BEGIN").await.expect("it begins");
        let error = each(&session, sql, &bad).await.expect_err("a row is wrong");
        assert!(error.to_string().starts_with("row 5 of the parameters: "), "{error}");
        assert_eq!(session.transaction_status(), TransactionStatus::Failed);
        answer(&session, "ROLLBACK").await.expect("it is rolled back");
    });
}

#[test]
fn a_hundred_rows_are_one_version() {
    run_to_end(|| async {
        let (_lake, session) = with_table("hundred").await;
        let rows: Vec<Parameters> = (0..100).flat_map(|row| pairs(&[(row % 10 + 1, 1)])).collect();
        let (version, changed, _) = made(&session, MERGE, &rows).await;
        assert_eq!((version, changed), (4, 100));
        assert_eq!(number(&session, "SELECT count(*) FROM t WHERE n = 10").await, Ok(10));
    });
}

#[test]
fn what_cannot_be_run_many_times_says_so() {
    run_to_end(|| async {
        let (_lake, session) = with_table("refused").await;
        for sql in ["SELECT $1", "CREATE TABLE u (k BIGINT)", "TRUNCATE TABLE t", "DROP TABLE t"] {
            let error = each(&session, sql, &pairs(&[(1, 1), (2, 2)])).await.expect_err("it takes one row");
            let told = error.to_string();
            assert!(told.starts_with("only INSERT, UPDATE, DELETE and MERGE take several rows"), "{sql}: {told}");
            assert!(told.ends_with("this takes one, not 2"), "{sql}: {told}");
        }
    });
}
