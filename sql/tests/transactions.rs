//! Transactions of several statements: what they see, how they end, and what stands against them.
//!
//! `FROSTLINE_VERSIONS` is how far the lake moves on beside a transaction that is left open.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use frostline_engine::import::resolve_sources;
use frostline_sql::{
    Answer, ConflictReason, CreateOptions, Ending, Error, ErrorKind, IfExists, IfMissing, Ingest, Lake, OpenOptions,
    Parameters, ScalarValue, Session, Settings, TransactionStatus,
};

use crate::door::{answer, commit, from_environment, number};
use crate::lake::{describe, run_to_end};

async fn lake(name: &str) -> Lake {
    let location = format!("memory://transactions-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake is new");
    Lake::open(&location, OpenOptions::default()).await.expect("the lake opens")
}

/// A session on a new lake with an empty table `t`, made by version 2.
async fn with_table(name: &str) -> (Lake, Session) {
    let lake = lake(name).await;
    let session = lake.session();
    commit(&session, "CREATE TABLE t (id BIGINT)").await.expect("the statement is right");
    (lake, session)
}

async fn run(session: &Session, sql: &str) -> Answer {
    answer(session, sql).await.unwrap_or_else(|error| unreachable!("{sql}: {}", describe(&error)))
}

async fn refused(session: &Session, sql: &str) -> Error {
    match answer(session, sql).await {
        Err(error) => error,
        Ok(other) => unreachable!("{sql} gave {other:?}"),
    }
}

fn ids(ids: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    RecordBatch::try_from_iter([("id", ids)]).expect("one column of one length")
}

const COUNT: &str = "SELECT count(*) FROM t";

#[test]
fn a_statement_in_a_transaction_is_pending_and_names_what_this_began_from() {
    run_to_end(|| async {
        let (_lake, session) = with_table("pending").await;
        assert!(matches!(run(&session, "BEGIN").await, Answer::Done));
        assert_eq!(session.transaction_status(), TransactionStatus::Open);
        let Answer::Pending { base, summary, rows } = run(&session, "INSERT INTO t VALUES (1), (2)").await else {
            unreachable!("it is pending")
        };
        assert_eq!((base.number(), summary.as_str(), rows), (2, "insert t, 2 rows", 2));
        let rows = run(&session, COUNT).await.into_rows().unwrap();
        assert_eq!(rows.version.number(), 2);
        drop(rows);
        let Answer::Committed(made) = run(&session, "COMMIT").await else { unreachable!("it is committed") };
        assert_eq!((made.version.number(), made.summary.as_str(), made.rows), (3, "insert t, 2 rows", 2));
        assert_eq!(session.transaction_status(), TransactionStatus::None);
    });
}

#[test]
fn a_transaction_tells_of_its_first_statements_and_counts_the_others() {
    run_to_end(|| async {
        let (_lake, session) = with_table("told").await;
        run(&session, "BEGIN").await;
        for id in 0..5 {
            run(&session, &format!("INSERT INTO t VALUES ({id})")).await;
        }
        let Answer::Committed(made) = run(&session, "COMMIT").await else { unreachable!("it is committed") };
        let expected = "transaction: insert t, 1 row; insert t, 1 row; insert t, 1 row; and 2 more";
        assert_eq!((made.summary.as_str(), made.rows), (expected, 5));
    });
}

#[test]
fn a_conflict_is_typed_and_names_both_versions() {
    run_to_end(|| async {
        let (lake, session) = with_table("conflict").await;
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t SELECT count(*) FROM t").await;
        commit(&lake.session(), "INSERT INTO t VALUES (1)").await.unwrap();
        let error = refused(&session, "COMMIT").await;
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let conflict = error.conflict().expect("it is told");
        assert_eq!((conflict.base.number(), conflict.with.number()), (2, 3));
        assert_eq!(conflict.reason, ConflictReason::Read { table: "t".to_owned() });
        assert_eq!(session.transaction_status(), TransactionStatus::None, "it is rolled back");
        assert_eq!(number(&session, COUNT).await, Ok(1));
    });
}

#[test]
fn write_skew_between_two_transactions_conflicts() {
    run_to_end(|| async {
        let lake = lake("skew").await;
        let (one, other) = (lake.session(), lake.session());
        for table in ["a", "b"] {
            commit(&one, &format!("CREATE TABLE {table} (id BIGINT)")).await.unwrap();
        }
        run(&one, "BEGIN").await;
        run(&other, "BEGIN").await;
        // Each may write where the other found nothing: together they would break what each of them saw.
        run(&one, "ASSERT (SELECT count(*) FROM a) = 0").await;
        run(&other, "ASSERT (SELECT count(*) FROM b) = 0").await;
        run(&one, "INSERT INTO b VALUES (1)").await;
        run(&other, "INSERT INTO a VALUES (1)").await;
        run(&one, "COMMIT").await;
        assert_eq!(refused(&other, "COMMIT").await.kind(), ErrorKind::Conflict);
        assert_eq!(number(&one, "SELECT count(*) FROM a").await, Ok(0));

        for session in [&one, &other] {
            run(session, "SET frostline.isolation = 'snapshot'").await;
            run(session, "BEGIN").await;
            assert_eq!(number(session, "SELECT count(*) FROM a").await, Ok(0));
        }
        run(&one, "INSERT INTO a VALUES (1)").await;
        run(&other, "INSERT INTO a VALUES (2)").await;
        run(&one, "COMMIT").await;
        run(&other, "COMMIT").await;
        assert_eq!(number(&one, "SELECT count(*) FROM a").await, Ok(2), "which is what snapshot isolation allows");
    });
}

#[test]
fn what_a_view_or_an_insert_reads_counts_as_read() {
    run_to_end(|| async {
        let (lake, session) = with_table("reads").await;
        commit(&session, "CREATE SCHEMA s").await.unwrap();
        commit(&session, "CREATE VIEW s.v AS SELECT id FROM public.t").await.unwrap();
        commit(&session, "CREATE TABLE u (id BIGINT)").await.unwrap();
        let other = lake.session();
        let readers = [
            "SELECT * FROM s.v",
            "INSERT INTO u SELECT id FROM t WHERE id < 0",
            "CREATE TABLE made AS SELECT id FROM s.v",
            "SUMMARIZE t",
            "ASSERT (SELECT count(*) FROM t) >= 0",
            "EXECUTE read_t",
        ];
        run(&session, "PREPARE read_t AS SELECT * FROM t").await;
        for reader in readers {
            run(&session, "BEGIN").await;
            if let Answer::Rows(rows) = run(&session, reader).await {
                rows.collect().await.unwrap();
            }
            run(&session, "INSERT INTO u VALUES (1)").await;
            commit(&other, "INSERT INTO t VALUES (1)").await.unwrap();
            assert_eq!(refused(&session, "COMMIT").await.kind(), ErrorKind::Conflict, "{reader}");
        }
        for reader in ["SELECT * FROM t AS OF VERSION 2", "INSERT INTO t VALUES (2)", "DESCRIBE t"] {
            run(&session, "BEGIN").await;
            run(&session, reader).await;
            run(&session, "INSERT INTO u VALUES (1)").await;
            commit(&other, "INSERT INTO t VALUES (1)").await.unwrap();
            run(&session, "COMMIT").await;
        }
    });
}

#[test]
fn a_view_that_was_read_and_is_another_now_stands_against_the_transaction() {
    run_to_end(|| async {
        let (lake, session) = with_table("views").await;
        commit(&session, "CREATE TABLE u (id BIGINT)").await.unwrap();
        commit(&session, "CREATE VIEW v AS SELECT id FROM t").await.unwrap();
        commit(&session, "CREATE VIEW w AS SELECT id FROM v").await.unwrap();
        let other = lake.session();
        for (meanwhile, conflicts) in [
            ("CREATE OR REPLACE VIEW v AS SELECT id + 1 AS id FROM t", true),
            ("INSERT INTO u VALUES (7)", false),
            ("DROP VIEW v", true),
        ] {
            run(&session, "BEGIN").await;
            run(&session, "INSERT INTO u SELECT count(*) FROM w").await;
            commit(&other, meanwhile).await.unwrap();
            if conflicts {
                let error = refused(&session, "COMMIT").await;
                assert_eq!(error.kind(), ErrorKind::Conflict, "{meanwhile}");
                assert!(describe(&error).contains("view `v`"), "{meanwhile}: {}", describe(&error));
            } else {
                run(&session, "COMMIT").await;
            }
        }
    });
}

#[test]
fn a_transaction_left_open_reads_its_snapshot_however_far_the_lake_moves() {
    run_to_end(|| async {
        let (lake, session) = with_table("far").await;
        commit(&session, "CREATE TABLE u (id BIGINT)").await.unwrap();
        commit(&session, "INSERT INTO t VALUES (1)").await.unwrap();
        let reading = lake.session();
        for session in [&session, &reading] {
            run(session, "BEGIN").await;
        }
        run(&session, "INSERT INTO u VALUES (1)").await;
        assert_eq!(number(&reading, COUNT).await, Ok(1));
        run(&reading, "INSERT INTO u VALUES (2)").await;

        let versions: u64 = from_environment("FROSTLINE_VERSIONS", 10_000);
        let writers = (0..50).map(|writer| {
            let other = lake.session();
            tokio::spawn(async move {
                for _ in (writer..versions).step_by(50) {
                    commit(&other, "INSERT INTO t VALUES (2)").await.expect("who reads nothing never conflicts");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("no task panics");
        }
        let rows = i64::try_from(versions).unwrap() + 1;
        assert_eq!(number(&lake.session(), COUNT).await, Ok(rows));
        assert_eq!(number(&reading, COUNT).await, Ok(1));
        assert_eq!(number(&session, "SELECT count(*) FROM u").await, Ok(1));
        assert_eq!(number(&session, "SELECT count(*) FROM t AS OF VERSION 2").await, Ok(0));
        run(&session, "COMMIT").await;
        let conflict = refused(&reading, "COMMIT").await;
        let conflict = conflict.conflict().expect("it read t");
        assert_eq!(conflict.base.number(), 4);
        assert_eq!(number(&session, "SELECT count(*) FROM u").await, Ok(1));
    });
}

#[test]
fn to_drop_a_session_is_to_roll_its_transaction_back() {
    run_to_end(|| async {
        let (lake, session) = with_table("dropped").await;
        let other = lake.session();
        run(&other, "BEGIN").await;
        run(&other, "INSERT INTO t VALUES (1)").await;
        drop(other);
        assert_eq!(number(&session, COUNT).await, Ok(0));
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(2));
    });
}

#[test]
fn rows_of_a_transaction_can_be_read_after_its_end() {
    run_to_end(|| async {
        let (_lake, session) = with_table("after").await;
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t VALUES (1), (2), (3)").await;
        let rows = run(&session, "SELECT id FROM t").await.into_rows().unwrap();
        run(&session, "ROLLBACK").await;
        let read: usize = rows.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(read, 3);
        assert_eq!(number(&session, COUNT).await, Ok(0));
    });
}

#[test]
fn an_error_among_the_rows_aborts_the_transaction() {
    run_to_end(|| async {
        let (_lake, session) = with_table("rows").await;
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t VALUES (0)").await;
        let rows = run(&session, "SELECT 1 / id FROM t").await.into_rows().unwrap();
        assert!(rows.collect().await.is_err());
        assert_eq!(session.transaction_status(), TransactionStatus::Failed);
        assert_eq!(refused(&session, "COMMIT").await.kind(), ErrorKind::Statement);
        assert_eq!(number(&session, COUNT).await, Ok(0));
    });
}

#[test]
fn appends_ingests_and_imports_take_part() {
    run_to_end(|| async {
        let (lake, session) = with_table("large").await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.csv");
        std::fs::write(&file, "id\n100\n101\n").unwrap();
        let session = session.with_local_files(true);
        run(&session, "BEGIN").await;
        let base = session.append("t", vec![ids(0..10)]).await.unwrap();
        assert_eq!(base.number(), 2);
        let ingest = Ingest {
            schema: None,
            table: "made".to_owned(),
            if_missing: IfMissing::Create,
            if_exists: IfExists::Append,
        };
        for _ in 0..2 {
            let columns: SchemaRef = ids(0..1).schema();
            let batches = futures::stream::iter([Ok::<RecordBatch, Error>(ids(0..1000)), Ok(ids(1000..2000))]);
            let answer = session.ingest(&ingest, &columns, batches).await.unwrap();
            assert!(matches!(answer, Answer::Pending { rows: 2000, .. }), "{answer:?}");
        }
        run(&session, &format!("COPY t FROM '{}'", file.display())).await;
        assert_eq!(number(&session, COUNT).await, Ok(12));
        assert_eq!(number(&session, "SELECT count(*) FROM made").await, Ok(4000));
        assert!(answer(&lake.session(), "SELECT * FROM made").await.is_err());
        run(&session, "COMMIT").await;
        assert_eq!(number(&lake.session(), "SELECT count(*) FROM made JOIN t USING (id)").await, Ok(24));
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(3));
        // What is imported by itself is not part of anybody's transaction.
        run(&session, "BEGIN").await;
        let files = resolve_sources(&[file.display().to_string()], None).unwrap();
        lake.import("t", files, Default::default(), Arc::default()).await.unwrap();
        run(&session, "COMMIT").await;
        assert_eq!(number(&session, "SELECT max(version) FROM system.commits").await, Ok(4));
    });
}

#[test]
fn frozen_rows_of_a_transaction_are_read_before_it_commits() {
    run_to_end(|| async {
        let location = "memory://transactions-frozen";
        Lake::create(location, CreateOptions::default()).await.unwrap();
        let settings = Settings { hot_bytes_max: 0, ..Settings::default() };
        let lake = Lake::open(location, OpenOptions { settings, ..OpenOptions::default() }).await.unwrap();
        let session = lake.session();
        commit(&session, "CREATE TABLE t (id BIGINT)").await.unwrap();
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t SELECT value FROM range(1000)").await;
        run(&session, "INSERT INTO t SELECT id + 1000 FROM t").await;
        assert_eq!(number(&session, "SELECT count(*) FROM t WHERE id >= 1500").await, Ok(500));
        run(&session, "COMMIT").await;
        assert_eq!(number(&lake.session(), "SELECT count(DISTINCT id) FROM t").await, Ok(2000));
    });
}

#[test]
fn statements_of_one_transaction_that_write_take_turns() {
    run_to_end(|| async {
        let (_lake, session) = with_table("turns").await;
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t VALUES (0)").await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let session = session.clone();
                tokio::spawn(async move {
                    run(&session, "INSERT INTO t SELECT max(id) + 1 FROM t").await;
                    number(&session, COUNT).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            let seen = task.await.expect("no task panics");
            assert!((2..=9).contains(&seen), "{seen}");
        }
        run(&session, "COMMIT").await;
        let distinct = "SELECT count(*) FROM (SELECT DISTINCT id FROM t) d WHERE id BETWEEN 0 AND 8";
        assert_eq!(number(&session, distinct).await, Ok(9), "each saw what those before it wrote");
    });
}

#[test]
fn sessions_may_share_a_transaction() {
    run_to_end(|| async {
        let (lake, session) = with_table("shared").await;
        let transaction = session.begin();
        assert!(!transaction.has_begun() && !transaction.is_in_use());
        let (one, other) = (session.within(&transaction), lake.session().within(&transaction));
        run(&one, "INSERT INTO t VALUES (1)").await;
        assert_eq!(number(&other, COUNT).await, Ok(1));
        assert_eq!(number(&session, COUNT).await, Ok(0), "who began it does not take part");
        run(&other, "COMMIT").await;
        assert!(matches!(transaction.ending(), Some(Ending::Committed(Some(_)))));
        let error = refused(&one, "INSERT INTO t VALUES (2)").await;
        assert_eq!(error.to_string(), "the transaction is over", "and is not committed by itself");
        assert_eq!(number(&session, COUNT).await, Ok(1));
    });
}

#[test]
fn parameters_say_what_a_commit_is_for() {
    run_to_end(|| async {
        let (_lake, session) = with_table("parameters").await;
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t VALUES (1)").await;
        let values = vec![ScalarValue::Utf8(Some("why".to_owned())), ScalarValue::Int64(Some(7))];
        let none = Parameters::positional(vec![ScalarValue::Utf8(None), ScalarValue::Int64(None)]);
        let sql = "COMMIT WITH (message => $1, ticket => $2)";
        assert!(session.sql(sql, &none).await.is_err(), "NULL says nothing");
        session.sql(sql, &Parameters::positional(values)).await.unwrap();
        let said = "SELECT count(*) FROM system.commits WHERE message = 'why' AND properties['ticket'] = '7'";
        assert_eq!(number(&session, said).await, Ok(1));
    });
}

#[test]
fn a_lake_may_require_a_message() {
    run_to_end(|| async {
        let location = "memory://transactions-message";
        let options = CreateOptions { require_message: true, ..CreateOptions::default() };
        Lake::create(location, options).await.unwrap();
        let lake = Lake::open(location, OpenOptions::default()).await.unwrap();
        let session = lake.session();
        let error = refused(&session, "CREATE TABLE t (id BIGINT)").await;
        assert!(describe(&error).contains("wants a message with every commit"), "{}", describe(&error));
        assert!(error.hint().is_some_and(|hint| hint.contains("COMMIT WITH (message")), "{error}");
        let session = session.with_message(Some("a table"));
        commit(&session, "CREATE TABLE t (id BIGINT)").await.unwrap();
        let session = lake.session();
        run(&session, "BEGIN").await;
        run(&session, "INSERT INTO t VALUES (1)").await;
        refused(&session, "COMMIT").await;
        assert_eq!(session.transaction_status(), TransactionStatus::Open, "nothing is lost");
        run(&session, "COMMIT WITH (message => 'a row')").await;
        assert_eq!(number(&session, COUNT).await, Ok(1));
    });
}
