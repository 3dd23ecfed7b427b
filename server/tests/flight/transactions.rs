//! Transactions over several statements: begun by an action, or by BEGIN in a session.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow_flight::Action;
use arrow_flight::sql::{
    ActionEndTransactionRequest, CommandStatementIngest, EndTransaction, ProstMessageExt, TableDefinitionOptions,
    TableExistsOption, TableNotExistOption,
};
use bytes::Bytes;
use frostline_server::{Authentication, Rights, ServeLimits};
use prost::Message;
use tonic::Code;

use crate::served::{Client, Served, fetch, number, query, run, session_options, texts, told, update};

const COUNT: &str = "SELECT count(*) FROM t";

/// The one whole number of a query in a transaction.
async fn number_in(client: &mut Client, sql: &str, transaction: &Bytes) -> i64 {
    let info = client.execute(sql.to_owned(), Some(transaction.clone())).await.unwrap();
    let batches = fetch(client, &info).await.unwrap();
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).expect("there is a row");
    batch.column(0).as_primitive::<Int64Type>().value(0)
}

async fn update_in(client: &mut Client, sql: &str, transaction: &Bytes) -> i64 {
    let written = client.execute_update(sql.to_owned(), Some(transaction.clone())).await;
    written.unwrap_or_else(|error| unreachable!("{sql}: {error}"))
}

async fn end(client: &mut Client, transaction: &Bytes, action: EndTransaction) -> Result<(), (Code, String)> {
    client.end_transaction(transaction.clone(), action).await.map_err(|error| told(&error))
}

/// What a statement in a transaction is refused with.
async fn refused_in(client: &mut Client, sql: &str, transaction: &Bytes) -> (Code, String) {
    told(&client.execute(sql.to_owned(), Some(transaction.clone())).await.unwrap_err())
}

async fn with_table(name: &str) -> (Served, Client) {
    let served = Served::open(name).await;
    let mut client = served.client().await;
    update(&mut client, "CREATE TABLE t (id BIGINT)").await;
    (served, client)
}

#[test]
fn a_transaction_is_one_version_and_nobody_else_sees_it_before() {
    run(async {
        let (served, mut client) = with_table("transactions-one").await;
        let mut other = served.client().await;
        let transaction = client.begin_transaction().await.unwrap();
        assert_eq!(update_in(&mut client, "INSERT INTO t VALUES (1), (2)", &transaction).await, 2);
        assert_eq!(update_in(&mut client, "CREATE TABLE u AS SELECT id FROM t", &transaction).await, 2);
        assert_eq!(number_in(&mut client, COUNT, &transaction).await, 2);
        assert_eq!(number_in(&mut client, "SELECT count(*) FROM u", &transaction).await, 2);
        assert_eq!(number(&mut other, COUNT).await, 0);
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        assert_eq!(number(&mut other, COUNT).await, 2);
        assert_eq!(number(&mut other, "SELECT max(version) FROM system.commits").await, 3);
        served.end().await;
    });
}

#[test]
fn its_snapshot_is_taken_by_its_first_statement() {
    run(async {
        let (served, mut client) = with_table("transactions-lazy").await;
        let transaction = client.begin_transaction().await.unwrap();
        update(&mut client, "INSERT INTO t VALUES (1)").await;
        assert_eq!(number_in(&mut client, COUNT, &transaction).await, 1, "who only connected sees what came since");
        update(&mut client, "INSERT INTO t VALUES (2)").await;
        assert_eq!(number_in(&mut client, COUNT, &transaction).await, 1);
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        assert_eq!(number(&mut client, "SELECT max(version) FROM system.commits").await, 4, "it only read");
        served.end().await;
    });
}

#[test]
fn what_is_rolled_back_was_never_there() {
    run(async {
        let (served, mut client) = with_table("transactions-rollback").await;
        let transaction = client.begin_transaction().await.unwrap();
        update_in(&mut client, "INSERT INTO t VALUES (1)", &transaction).await;
        end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        let (code, message) = end(&mut client, &transaction, EndTransaction::Commit).await.unwrap_err();
        assert_eq!(code, Code::NotFound, "{message}");
        assert!(message.contains("was rolled back"), "{message}");
        assert_eq!(number(&mut client, COUNT).await, 0);
        served.end().await;
    });
}

#[test]
fn an_error_aborts_it_and_rollback_ends_it() {
    run(async {
        let (served, mut client) = with_table("transactions-error").await;
        for wrong in ["SELECT nope FROM t", "SELEKT 1", "INSERT INTO t VALUES ('x')", "ASSERT false, 'no'"] {
            let transaction = client.begin_transaction().await.unwrap();
            update_in(&mut client, "INSERT INTO t VALUES (1)", &transaction).await;
            assert_eq!(refused_in(&mut client, wrong, &transaction).await.0, Code::InvalidArgument, "{wrong}");
            let (code, message) = refused_in(&mut client, COUNT, &transaction).await;
            assert_eq!(code, Code::InvalidArgument, "{wrong}: {message}");
            assert!(message.contains("takes no statement any more"), "{wrong}: {message}");
            let (code, message) = end(&mut client, &transaction, EndTransaction::Commit).await.unwrap_err();
            assert_eq!(code, Code::InvalidArgument, "{wrong}: {message}");
            assert!(message.contains("is rolled back"), "{wrong}: {message}");
            // Drivers roll back what could not be committed.
            end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        }
        assert_eq!(number(&mut client, COUNT).await, 0);
        served.end().await;
    });
}

#[test]
fn a_conflict_names_both_versions() {
    run(async {
        let (served, mut client) = with_table("transactions-conflict").await;
        let transaction = client.begin_transaction().await.unwrap();
        update_in(&mut client, "INSERT INTO t SELECT count(*) FROM t", &transaction).await;
        update(&mut client, "INSERT INTO t VALUES (7)").await;
        let (code, message) = end(&mut client, &transaction, EndTransaction::Commit).await.unwrap_err();
        assert_eq!(code, Code::Aborted, "{message}");
        assert!(message.contains("version 2") && message.contains("version 3"), "{message}");
        end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        assert_eq!(number(&mut client, COUNT).await, 1);
        served.end().await;
    });
}

#[test]
fn ids_that_name_no_transaction_of_the_caller_are_told() {
    run(async {
        let served = Served::guarded("transactions-ids").await;
        let mut client = served.client_with(&served.first_token()).await;
        let mut other = served.client_with(&served.token("other", Rights::Write).await).await;
        let transaction = client.begin_transaction().await.unwrap();
        assert_eq!(refused_in(&mut other, "SELECT 1", &transaction).await.0, Code::PermissionDenied);
        let forged = Bytes::from_static(b"t");
        assert_eq!(refused_in(&mut client, "SELECT 1", &forged).await.0, Code::Unauthenticated);
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        let (code, message) = refused_in(&mut client, "SELECT 1", &transaction).await;
        assert_eq!(code, Code::NotFound, "{message}");
        assert!(message.contains("was committed"), "{message}");
        let (code, _) = end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap_err();
        assert_eq!(code, Code::NotFound, "what is committed is not rolled back");
        let neither = ActionEndTransactionRequest { transaction_id: transaction, action: 0 };
        let neither = Action::new("EndTransaction", neither.as_any().encode_to_vec());
        let mut raw = served.raw().await;
        let mut request = tonic::Request::new(neither);
        let bearer = format!("Bearer {}", served.first_token());
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        let error = raw.do_action(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        served.end().await;
    });
}

#[test]
fn a_transaction_that_nobody_uses_is_rolled_back() {
    run(async {
        let limits = ServeLimits { idle_timeout: Duration::ZERO, ..ServeLimits::default() };
        let served = Served::start("transactions-idle", Authentication::Nobody, limits).await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let transaction = client.begin_transaction().await.unwrap();
        update_in(&mut client, "INSERT INTO t VALUES (1)", &transaction).await;
        let (code, message) = loop {
            // Whoever ran the statement may still be letting go of it.
            match client.execute_update("INSERT INTO t VALUES (2)".to_owned(), Some(transaction.clone())).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break told(&error),
            }
        };
        assert_eq!(code, Code::NotFound, "{message}");
        assert!(message.contains("nobody used it"), "{message}");
        end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        served.end().await;
    });
}

#[test]
fn what_is_prepared_in_a_transaction_runs_in_it_and_in_the_next_of_its_session() {
    run(async {
        let (served, mut client) = with_table("transactions-prepared").await;
        client.handshake("anybody", "anything").await.unwrap();
        let first = client.begin_transaction().await.unwrap();
        let mut insert = client.prepare("INSERT INTO t VALUES (1)".to_owned(), Some(first.clone())).await.unwrap();
        assert_eq!(insert.execute_update().await.unwrap(), 1);
        assert_eq!(number_in(&mut client, COUNT, &first).await, 1);
        assert_eq!(number(&mut client, COUNT).await, 0);
        end(&mut client, &first, EndTransaction::Commit).await.unwrap();
        let error = insert.execute_update().await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::NotFound, "it is not committed by itself: {message}");
        assert!(message.contains("prepare it again"), "{message}");
        let second = client.begin_transaction().await.unwrap();
        assert_eq!(insert.execute_update().await.unwrap(), 1);
        assert_eq!(number_in(&mut client, COUNT, &second).await, 2);
        end(&mut client, &second, EndTransaction::Rollback).await.unwrap();
        assert_eq!(number(&mut client, COUNT).await, 1);
        served.end().await;
    });
}

#[test]
fn an_ingest_may_be_part_of_a_transaction() {
    run(async {
        let (served, mut client) = with_table("transactions-ingest").await;
        let transaction = client.begin_transaction().await.unwrap();
        let options = TableDefinitionOptions {
            if_not_exist: TableNotExistOption::Create.into(),
            if_exists: TableExistsOption::Append.into(),
        };
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        for table in ["t", "made"] {
            let command = CommandStatementIngest {
                table_definition_options: Some(options),
                table: table.to_owned(),
                transaction_id: Some(transaction.clone()),
                ..CommandStatementIngest::default()
            };
            let batches = futures::stream::iter([Ok(batch.clone())]);
            assert_eq!(client.execute_ingest(command, batches).await.unwrap(), 5);
        }
        assert_eq!(number_in(&mut client, "SELECT count(*) FROM t JOIN made USING (id)", &transaction).await, 5);
        assert_eq!(number(&mut client, COUNT).await, 0);
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        assert_eq!(number(&mut client, "SELECT count(*) FROM made").await, 5);
        assert_eq!(number(&mut client, "SELECT max(version) FROM system.commits").await, 3);
        served.end().await;
    });
}

#[test]
fn an_ingest_that_names_no_transaction_belongs_to_the_one_of_its_session() {
    run(async {
        let (served, mut client) = with_table("transactions-ingest-unnamed").await;
        client.handshake("anybody", "anything").await.unwrap();
        let command = || CommandStatementIngest {
            table_definition_options: Some(TableDefinitionOptions {
                if_not_exist: TableNotExistOption::Fail.into(),
                if_exists: TableExistsOption::Append.into(),
            }),
            table: "t".to_owned(),
            ..CommandStatementIngest::default()
        };
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let batches = || futures::stream::iter([Ok(batch.clone())]);
        let transaction = client.begin_transaction().await.unwrap();
        assert_eq!(client.execute_ingest(command(), batches()).await.unwrap(), 5);
        assert_eq!(number_in(&mut client, COUNT, &transaction).await, 5);
        end(&mut client, &transaction, EndTransaction::Rollback).await.unwrap();
        assert_eq!(number(&mut client, COUNT).await, 0);
        client.begin_transaction().await.unwrap();
        client.begin_transaction().await.unwrap();
        let error = client.execute_ingest(command(), batches()).await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::InvalidArgument, "{message}");
        assert!(message.contains("several transactions are open"), "{message}");
        let mut other = served.client().await;
        assert_eq!(other.execute_ingest(command(), batches()).await.unwrap(), 5);
        assert_eq!(number(&mut client, COUNT).await, 5, "another session has none");
        served.end().await;
    });
}

#[test]
fn a_session_has_transactions_by_sql() {
    run(async {
        let (served, mut client) = with_table("transactions-sql").await;
        client.handshake("anybody", "anything").await.unwrap();
        let mut other = served.client().await;
        update(&mut client, "BEGIN").await;
        assert_eq!(update(&mut client, "INSERT INTO t VALUES (1)").await, 1);
        assert_eq!(number(&mut client, COUNT).await, 1);
        assert_eq!(number(&mut other, COUNT).await, 0);
        update(&mut client, "COMMIT WITH (message => 'by SQL', ticket => 7)").await;
        assert_eq!(number(&mut other, COUNT).await, 1);
        let said = "SELECT message || ' ' || properties['ticket'] FROM system.commits ORDER BY version DESC LIMIT 1";
        assert_eq!(texts(&query(&mut other, said).await, 0), ["by SQL 7"]);
        update(&mut client, "BEGIN").await;
        update(&mut client, "INSERT INTO t VALUES (2)").await;
        update(&mut client, "ROLLBACK").await;
        assert_eq!(number(&mut client, COUNT).await, 1);
        served.end().await;
    });
}

#[test]
fn who_keeps_no_session_begins_no_transaction_by_sql() {
    run(async {
        let (served, mut client) = with_table("transactions-none").await;
        let error = client.execute_update("BEGIN".to_owned(), None).await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::FailedPrecondition, "{message}");
        assert!(message.contains("BeginTransaction"), "{message}");
        let error = client.execute_update("COMMIT".to_owned(), None).await.unwrap_err();
        assert!(told(&error).1.contains("there is no transaction to commit"), "{error}");
        let answer = served.web_sql("BEGIN").await;
        assert_eq!(answer.status, 501, "{}", answer.body);
        assert!(answer.body.contains("Flight SQL has transactions"), "{}", answer.body);
        let answer = served.web_sql("ASSERT (SELECT count(*) FROM t) = 0").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = served.web_sql("ASSERT (SELECT count(*) FROM t) > 0, 'no rows'").await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("assertion failed: no rows"), "{}", answer.body);
        served.end().await;
    });
}

#[test]
fn a_message_of_the_session_is_the_commits_and_a_token_its_author() {
    run(async {
        let served = Served::guarded("transactions-author").await;
        let token = served.token("etl", Rights::Write).await;
        let mut client = served.client().await;
        client.handshake("me", &token).await.unwrap();
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let options = Action::new("SetSessionOptions", session_options(&[("message", "nightly")]));
        client.do_action(options).await.unwrap().message().await.unwrap();
        let transaction = client.begin_transaction().await.unwrap();
        update_in(&mut client, "INSERT INTO t VALUES (1)", &transaction).await;
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        let transaction = client.begin_transaction().await.unwrap();
        update_in(&mut client, "INSERT INTO t VALUES (2)", &transaction).await;
        update_in(&mut client, "COMMIT WITH (author => 'ada', message => 'by hand')", &transaction).await;
        end(&mut client, &transaction, EndTransaction::Commit).await.unwrap();
        let said = "SELECT author || ': ' || message FROM system.commits ORDER BY version DESC LIMIT 2";
        assert_eq!(texts(&query(&mut client, said).await, 0), ["ada (token etl): by hand", "etl: nightly"]);
        served.end().await;
    });
}

#[test]
fn who_may_only_read_reads_in_a_transaction_and_writes_in_none() {
    run(async {
        let served = Served::guarded("transactions-rights").await;
        let mut writer = served.client_with(&served.first_token()).await;
        update(&mut writer, "CREATE TABLE t (id BIGINT)").await;
        let mut reader = served.client_with(&served.token("reader", Rights::Read).await).await;
        let transaction = reader.begin_transaction().await.unwrap();
        assert_eq!(number_in(&mut reader, COUNT, &transaction).await, 0);
        end(&mut reader, &transaction, EndTransaction::Commit).await.unwrap();
        let transaction = reader.begin_transaction().await.unwrap();
        assert_eq!(refused_in(&mut reader, "INSERT INTO t VALUES (1)", &transaction).await.0, Code::PermissionDenied);
        end(&mut reader, &transaction, EndTransaction::Rollback).await.unwrap();
        assert_eq!(number(&mut writer, COUNT).await, 0);
        served.end().await;
    });
}
