//! Prepared statements, as ADBC and JDBC use them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, NullArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::sql::{
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, DoPutPreparedStatementResult, DoPutUpdateResult,
    ProstMessageExt,
};
use arrow_flight::{FlightData, FlightDescriptor};
use bytes::Bytes;
use futures::TryStreamExt;
use prost::Message;
use tonic::Code;

use crate::served::{Client, Served, fetch, number, query, run, texts, told, update};

/// Columns of values, called by their numbers.
fn values(columns: Vec<ArrayRef>) -> RecordBatch {
    let named = (1..).zip(&columns);
    let fields: Vec<Field> = named
        .map(|(number, array): (usize, &ArrayRef)| Field::new(number.to_string(), array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn numbers(numbers: Vec<i64>) -> RecordBatch {
    values(vec![Arc::new(Int64Array::from(numbers))])
}

/// Sends values behind a command, and gives what is answered.
async fn put(client: &mut Client, command: Vec<u8>, batch: Option<RecordBatch>) -> Result<Bytes, tonic::Status> {
    let descriptor = FlightDescriptor::new_cmd(command);
    let messages: Vec<FlightData> = match batch {
        Some(batch) => FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(descriptor))
            .build(futures::stream::iter([Ok(batch)]))
            .try_collect()
            .await
            .unwrap(),
        None => vec![FlightData { flight_descriptor: Some(descriptor), ..FlightData::default() }],
    };
    let mut answers = client.inner_mut().do_put(futures::stream::iter(messages)).await?.into_inner();
    Ok(answers.message().await?.unwrap().app_metadata)
}

#[test]
fn a_prepared_query_takes_values_of_any_fitting_type() {
    run(async {
        let served = Served::open("prepared-values").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id INTEGER, name VARCHAR)").await;
        update(&mut client, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')").await;
        let mut prepared = client.prepare("SELECT name FROM t WHERE id = ?".to_owned(), None).await.unwrap();
        let told = prepared.dataset_schema().unwrap().clone();
        assert_eq!(told.field(0).data_type(), &DataType::Utf8);
        assert_eq!(prepared.parameter_schema().unwrap().field(0).data_type(), &DataType::Int32);
        for (batch, expected) in [
            (numbers(vec![2]), vec!["b"]),
            (numbers(vec![5_000_000_000]), vec![]),
            (numbers(vec![3, 1]), vec!["c", "a"]),
            (values(vec![Arc::new(NullArray::new(1))]), vec![]),
        ] {
            prepared.set_parameters(batch).unwrap();
            let info = prepared.execute().await.unwrap();
            assert_eq!(Schema::try_from(info.clone()).unwrap(), told);
            assert_eq!(texts(&fetch(&mut client, &info).await.unwrap(), 0), expected);
        }
        prepared.close().await.unwrap();
        served.end().await;
    });
}

#[test]
fn a_column_that_hangs_on_a_value_is_told_to_be_nullable() {
    run(async {
        let served = Served::open("prepared-nullable").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (k BIGINT NOT NULL)").await;
        update(&mut client, "INSERT INTO t VALUES (1), (2)").await;
        let sql = "SELECT CASE WHEN k = ? THEN NULL ELSE 5 END AS x FROM t";
        let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
        assert!(prepared.dataset_schema().unwrap().field(0).is_nullable());
        prepared.set_parameters(numbers(vec![1])).unwrap();
        let info = prepared.execute().await.unwrap();
        let nulls: usize =
            fetch(&mut client, &info).await.unwrap().iter().map(|rows| rows.column(0).null_count()).sum();
        assert_eq!(nulls, 1);
        let exact = client.prepare("SELECT k FROM t".to_owned(), None).await.unwrap();
        assert!(!exact.dataset_schema().unwrap().field(0).is_nullable(), "nothing hangs on a value here");
        served.end().await;
    });
}

#[test]
fn preparing_runs_nothing_and_tells_updates_from_queries() {
    run(async {
        let served = Served::open("prepared-nothing").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT, name VARCHAR)").await;
        let insert = client.prepare("INSERT INTO t VALUES (?, ?)".to_owned(), None).await.unwrap();
        assert_eq!(insert.dataset_schema().unwrap().fields().len(), 0);
        let parameters = insert.parameter_schema().unwrap().clone();
        assert_eq!(parameters.field(0).data_type(), &DataType::Int64);
        assert_eq!(parameters.field(1).data_type(), &DataType::Utf8);
        client.prepare("DROP TABLE t".to_owned(), None).await.unwrap();
        for sql in ["SELECT ?", "SELECT * FROM t AS OF VERSION ?", "SHOW TABLES", "EXPLAIN SELECT 1"] {
            let prepared = client.prepare(sql.to_owned(), None).await.unwrap();
            assert!(!prepared.dataset_schema().unwrap().fields().is_empty(), "{sql}");
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        served.end().await;
    });
}

#[test]
fn an_update_runs_once_for_each_execution() {
    run(async {
        let served = Served::open("prepared-once").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let count = "SELECT count(*) FROM t";

        // As a cursor runs the same text again: without values, each call is an execution.
        let mut plain = client.prepare("INSERT INTO t VALUES (1)".to_owned(), None).await.unwrap();
        plain.execute().await.unwrap();
        plain.execute().await.unwrap();
        assert_eq!(number(&mut client, count).await, 2);
        assert_eq!(plain.execute_update().await.unwrap(), 1);
        assert_eq!(number(&mut client, count).await, 3);

        // With values there is one execution, however often it is asked for.
        let mut bound = client.prepare("INSERT INTO t VALUES (?)".to_owned(), None).await.unwrap();
        bound.set_parameters(numbers(vec![7, 8])).unwrap();
        let info = bound.execute().await.unwrap();
        assert_eq!(info.total_records, 2, "all rows in one commit");
        let again = info.flight_descriptor.clone().unwrap();
        let again = client.inner_mut().get_flight_info(again).await.unwrap().into_inner();
        assert_eq!(again.app_metadata, info.app_metadata);
        assert_eq!(number(&mut client, count).await, 5);
        served.end().await;
    });
}

#[test]
fn many_rows_of_values_are_one_commit() {
    run(async {
        let served = Served::open("prepared-many").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT NOT NULL)").await;
        let before = client.execute("SELECT 1".to_owned(), None).await.unwrap().app_metadata;
        let mut prepared = client.prepare("INSERT INTO t VALUES (? * 10)".to_owned(), None).await.unwrap();
        // The statement's handle is in what it is executed with.
        prepared.set_parameters(numbers(vec![0])).unwrap();
        let descriptor = prepared.execute().await.unwrap().flight_descriptor.unwrap();
        let any = arrow_flight::sql::Any::decode(descriptor.cmd).unwrap();
        let handle = any.unpack::<CommandPreparedStatementQuery>().unwrap().unwrap().prepared_statement_handle;
        let command = CommandPreparedStatementUpdate { prepared_statement_handle: handle };
        let sent = numbers((1..=50).collect());
        let answer = put(&mut client, command.as_any().encode_to_vec(), Some(sent)).await.unwrap();
        assert_eq!(DoPutUpdateResult::decode(answer).unwrap().record_count, 50);
        assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 12_750);
        let before: u64 = std::str::from_utf8(&before).unwrap().parse().unwrap();
        let sql = format!("SELECT count(*) FROM system.commits WHERE version > {before}");
        assert_eq!(number(&mut client, &sql).await, 2);

        // One wrong row and nothing is committed.
        let wrong = values(vec![Arc::new(Int64Array::from(vec![Some(1), None]))]);
        let error = put(&mut client, command.as_any().encode_to_vec(), Some(wrong)).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 51);
        served.end().await;
    });
}

#[test]
fn the_first_handle_stands_for_the_newest_values() {
    run(async {
        let served = Served::open("prepared-first").await;
        let mut client = served.client().await;
        let mut prepared = client.prepare("SELECT ? AS v".to_owned(), None).await.unwrap();
        let error = prepared.execute().await.unwrap_err();
        assert_eq!(told(&error).0, Code::InvalidArgument, "a value is missing");
        prepared.set_parameters(numbers(vec![4])).unwrap();
        let info = prepared.execute().await.unwrap();
        assert_eq!(fetch(&mut client, &info).await.unwrap()[0].num_rows(), 1);
        let any = arrow_flight::sql::Any::decode(info.flight_descriptor.unwrap().cmd).unwrap();
        let bound = any.unpack::<CommandPreparedStatementQuery>().unwrap().unwrap();
        let answer = put(&mut client, bound.as_any().encode_to_vec(), Some(numbers(vec![5]))).await.unwrap();
        let newer = DoPutPreparedStatementResult::decode(answer).unwrap().prepared_statement_handle.unwrap();
        assert_ne!(newer, bound.prepared_statement_handle);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let wide = values(vec![Arc::clone(&text), text]);
        let error = put(&mut client, bound.as_any().encode_to_vec(), Some(wide)).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "a value too many: {error}");
        served.end().await;
    });
}

#[test]
fn a_closed_handle_names_nothing() {
    run(async {
        let served = Served::open("prepared-closed").await;
        let mut client = served.client().await;
        let mut prepared = client.prepare("SELECT 1".to_owned(), None).await.unwrap();
        let descriptor = prepared.execute().await.unwrap().flight_descriptor.unwrap();
        prepared.close().await.unwrap();
        let error = client.inner_mut().get_flight_info(descriptor).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{error}");
        let forged = CommandPreparedStatementQuery { prepared_statement_handle: Bytes::from_static(b"forged") };
        let forged = FlightDescriptor::new_cmd(forged.as_any().encode_to_vec());
        let error = client.inner_mut().get_flight_info(forged).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");
        assert_eq!(query(&mut client, "SELECT 1").await.len(), 1);
        served.end().await;
    });
}

#[test]
fn an_update_is_made_for_each_row_of_values_in_one_version() {
    run(async {
        let served = Served::open("prepared-update").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT, name VARCHAR)").await;
        update(&mut client, "INSERT INTO t VALUES (1, 'a'), (2, 'b')").await;
        let mut prepared = client.prepare("UPDATE t SET name = ? WHERE id = ?".to_owned(), None).await.unwrap();
        let parameters = prepared.parameter_schema().unwrap().clone();
        assert_eq!(parameters.field(0).data_type(), &DataType::Utf8);
        assert_eq!(parameters.field(1).data_type(), &DataType::Int64);
        let rows = |names: Vec<&str>, ids: Vec<i64>| {
            values(vec![Arc::new(StringArray::from(names)), Arc::new(Int64Array::from(ids))])
        };
        prepared.set_parameters(rows(vec!["z"], vec![2])).unwrap();
        assert_eq!(prepared.execute_update().await.unwrap(), 1);
        prepared.set_parameters(rows(vec!["x", "y"], vec![1, 2])).unwrap();
        let before = number(&mut client, "SELECT max(version) FROM system.commits").await;
        assert_eq!(prepared.execute_update().await.unwrap(), 2);
        let names = query(&mut client, "SELECT name FROM t ORDER BY id").await;
        assert_eq!(texts(&names, 0), ["x", "y"]);
        assert_eq!(number(&mut client, "SELECT max(version) FROM system.commits").await, before + 1);
        prepared.set_parameters(rows(vec![], vec![])).unwrap();
        assert_eq!(prepared.execute_update().await.unwrap(), 0, "no rows are nothing");
        assert_eq!(number(&mut client, "SELECT max(version) FROM system.commits").await, before + 1);
        served.end().await;
    });
}

#[test]
fn a_row_that_cannot_be_updated_is_named_and_no_other_is() {
    run(async {
        let served = Served::open("prepared-update-row").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT CHECK (id < 10))").await;
        update(&mut client, "INSERT INTO t VALUES (1), (2)").await;
        let mut prepared = client.prepare("UPDATE t SET id = id + ?".to_owned(), None).await.unwrap();
        prepared.set_parameters(numbers(vec![1, 9])).unwrap();
        let error = prepared.execute_update().await.unwrap_err().to_string();
        assert!(error.contains("row 2 of the parameters"), "{error}");
        assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 3);
        let mut prepared = client.prepare("DELETE FROM t WHERE id = ?".to_owned(), None).await.unwrap();
        prepared.set_parameters(numbers(vec![1, 2, 1])).unwrap();
        assert_eq!(prepared.execute_update().await.unwrap(), 2);
        let mut prepared = client.prepare("CREATE TABLE u AS SELECT ? AS a".to_owned(), None).await.unwrap();
        prepared.set_parameters(numbers(vec![1, 2])).unwrap();
        let error = prepared.execute_update().await.unwrap_err().to_string();
        assert!(error.contains("only INSERT, UPDATE, DELETE and MERGE take several rows"), "{error}");
        served.end().await;
    });
}
