//! What single clients count on.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, NullArray, RecordBatch};
use arrow::datatypes::Schema;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    CommandGetTables, CommandStatementIngest, CommandStatementQuery, ProstMessageExt, TableDefinitionOptions,
    TableExistsOption, TableNotExistOption,
};
use arrow_flight::{FlightDescriptor, HandshakeRequest, IpcMessage};
use prost::Message;
use tonic::{Code, Request};

use crate::served::{Client, Served, fetch, number, run, texts, told, update};

async fn append(client: &mut Client, batch: RecordBatch) -> Result<i64, FlightError> {
    let options = TableDefinitionOptions {
        if_not_exist: TableNotExistOption::Fail.into(),
        if_exists: TableExistsOption::Append.into(),
    };
    let command = CommandStatementIngest {
        table_definition_options: Some(options),
        table: "t".to_owned(),
        ..CommandStatementIngest::default()
    };
    client.execute_ingest(command, futures::stream::iter([Ok(batch)])).await
}

#[test]
fn a_call_that_is_sent_again_without_a_session_runs_nothing_again() {
    run(async {
        let served = Served::open("clients-again").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let mut raw = served.raw().await;
        let command = CommandStatementQuery { query: "INSERT INTO t VALUES (1)".to_owned(), transaction_id: None };
        let insert = || Request::new(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
        let first = raw.get_flight_info(insert()).await.unwrap().into_inner();
        let mut again = insert();
        again.metadata_mut().insert("grpc-previous-rpc-attempts", "1".parse().unwrap());
        let again = raw.get_flight_info(again).await.unwrap().into_inner();
        assert_eq!(first.app_metadata, again.app_metadata);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 1);
        served.end().await;
    });
}

#[test]
fn a_data_frames_column_without_a_value_is_null() {
    run(async {
        let served = Served::open("clients-null").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT, name VARCHAR)").await;
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let nothing: ArrayRef = Arc::new(NullArray::new(2));
        let batch = RecordBatch::try_from_iter([("id", ids), ("name", nothing)]).unwrap();
        assert_eq!(append(&mut client, batch).await.unwrap(), 2);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t WHERE id > 0 AND name IS NULL").await, 2);
        served.end().await;
    });
}

#[test]
fn an_ingest_that_is_to_be_made_once_is_refused_and_not_made_twice() {
    run(async {
        let served = Served::open("clients-named").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let mut named = served.client().await;
        named.set_header("x-frostline-execution-id", "load-7");
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let error = append(&mut named, RecordBatch::try_from_iter([("id", ids)]).unwrap()).await.unwrap_err();
        assert_eq!(told(&error).0, Code::Unimplemented, "{error}");
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        served.end().await;
    });
}

#[test]
fn a_table_is_first_found_in_the_sessions_schema() {
    run(async {
        let served = Served::open("clients-schema").await;
        let mut client = served.client().await;
        for sql in ["CREATE SCHEMA archive", "CREATE TABLE archive.t (old BIGINT)", "CREATE TABLE t (id BIGINT)"] {
            update(&mut client, sql).await;
        }
        let named = CommandGetTables { table_name_filter_pattern: Some("t".to_owned()), ..CommandGetTables::default() };
        for (schema, expected) in [("", ["public", "archive"]), ("archive", ["archive", "public"])] {
            client.set_header("schema", schema);
            let info = client.get_tables(named.clone()).await.unwrap();
            assert_eq!(texts(&fetch(&mut client, &info).await.unwrap(), 1), expected);
        }
        served.end().await;
    });
}

#[test]
fn system_tables_are_told_as_they_are_read() {
    run(async {
        let served = Served::open("clients-system").await;
        let mut client = served.client().await;
        let filter = CommandGetTables {
            db_schema_filter_pattern: Some("system".to_owned()),
            include_schema: true,
            ..CommandGetTables::default()
        };
        let info = client.get_tables(filter).await.unwrap();
        for batch in fetch(&mut client, &info).await.unwrap() {
            let schemas = batch.column(4).as_binary::<i32>();
            for (row, name) in texts(std::slice::from_ref(&batch), 2).into_iter().enumerate() {
                let message = IpcMessage(bytes::Bytes::copy_from_slice(schemas.value(row)));
                let read = client.execute(format!("SELECT * FROM system.{name}"), None).await.unwrap();
                assert_eq!(Schema::try_from(message).unwrap(), Schema::try_from(read).unwrap(), "{name}");
            }
        }
        served.end().await;
    });
}

#[test]
fn who_connects_again_begins_a_session_in_place_of_one_that_is_over() {
    run(async {
        let served = Served::open("clients-connect").await;
        let mut raw = served.raw().await;
        let command = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
        let select = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let cookie = format!("frostline_session={}", "0".repeat(32));
        let mut over = Request::new(select.clone());
        over.metadata_mut().insert("cookie", cookie.parse().unwrap());
        let error = raw.get_flight_info(over).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");

        let mut handshake = Request::new(futures::stream::iter([HandshakeRequest::default()]));
        handshake.metadata_mut().insert("cookie", cookie.parse().unwrap());
        let answer = raw.handshake(handshake).await.unwrap();
        let bearer = answer.metadata().get("authorization").unwrap().clone();
        let mut anew = Request::new(select);
        anew.metadata_mut().insert("authorization", bearer);
        raw.get_flight_info(anew).await.unwrap();
        served.end().await;
    });
}
