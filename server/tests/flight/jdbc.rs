//! What the JDBC driver sends, in its order: the password in the handshake, cookies kept, every statement prepared.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int32Type, Schema};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, Any, CommandGetCatalogs,
    CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    DoPutPreparedStatementResult, DoPutUpdateResult, ProstMessageExt,
};
use arrow_flight::{FlightData, FlightDescriptor, HandshakeRequest, IpcMessage, SchemaAsIpc};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message;
use tonic::{Code, Status};

use crate::refused::assert_one_refused;
use crate::served::{Served, run, session_options, texts};
use crate::wire::{Wire, rows_behind};

/// What is answered to the request to prepare, with the field that newer drivers read.
#[derive(Clone, PartialEq, Message)]
struct Prepared {
    #[prost(bytes = "bytes", tag = "1")]
    handle: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    columns: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    parameters: Bytes,
    #[prost(bool, optional, tag = "4")]
    is_update: Option<bool>,
}

impl Prepared {
    fn query(&self) -> Vec<u8> {
        query_of(&self.handle)
    }

    fn update(&self) -> Vec<u8> {
        CommandPreparedStatementUpdate { prepared_statement_handle: self.handle.clone() }.as_any().encode_to_vec()
    }
}

fn query_of(handle: &Bytes) -> Vec<u8> {
    CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() }.as_any().encode_to_vec()
}

fn schema_in(message: &Bytes) -> Schema {
    Schema::try_from(IpcMessage(message.clone())).unwrap()
}

/// A connection as the driver opens it.
async fn connect(served: &Served, token: &str) -> Wire {
    let mut wire = Wire::new(served.channel().await);
    wire.set("user-agent-name", "JDBC Flight SQL Driver");
    wire.set("authorization", format!("Basic {}", STANDARD.encode(format!("somebody:{token}"))));
    let request = wire.request(futures::stream::iter([HandshakeRequest::default()]));
    let answer = wire.inner().handshake(request).await.unwrap();
    let header = |name: &str| answer.metadata().get(name).unwrap().to_str().unwrap().to_owned();
    let (bearer, cookie) = (header("authorization"), header("set-cookie"));
    assert!(bearer.starts_with("Bearer "), "{bearer}");
    wire.set("authorization", bearer);
    wire.set("cookie", cookie.split(';').next().unwrap());
    wire.act("SetSessionOptions", session_options(&[("catalog", "lake")])).await.unwrap();
    wire
}

async fn prepare(wire: &mut Wire, sql: &str) -> Result<Prepared, Status> {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let answers = wire.act("CreatePreparedStatement", request.as_any().encode_to_vec()).await?;
    let any = Any::decode(answers[0].clone()).unwrap();
    assert!(any.type_url.ends_with("ActionCreatePreparedStatementResult"), "{}", any.type_url);
    Ok(Prepared::decode(any.value).unwrap())
}

async fn close(wire: &mut Wire, prepared: &Prepared) {
    let request = ActionClosePreparedStatementRequest { prepared_statement_handle: prepared.handle.clone() };
    wire.act("ClosePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
}

/// Runs a prepared update: with rows of values, or with a schema of no columns as the driver sends it without values.
async fn execute_update(wire: &mut Wire, prepared: &Prepared, values: Option<RecordBatch>) -> Result<i64, Status> {
    let messages = match values {
        Some(values) => rows_behind(prepared.update(), vec![values]).await,
        None => {
            let options = IpcWriteOptions::default();
            let empty = FlightData::from(SchemaAsIpc::new(&Schema::empty(), &options));
            let descriptor = FlightDescriptor::new_cmd(prepared.update());
            vec![FlightData { flight_descriptor: Some(descriptor), ..empty }]
        }
    };
    let answers = wire.put(messages).await?;
    Ok(DoPutUpdateResult::decode(answers[0].clone()).unwrap().record_count)
}

/// Runs a statement that gives no rows: prepared, told apart by its columns, run and closed.
async fn run_update(wire: &mut Wire, sql: &str) -> i64 {
    let prepared = prepare(wire, sql).await.unwrap();
    assert!(prepared.columns.is_empty() && prepared.is_update == Some(true), "{sql}");
    let rows = execute_update(wire, &prepared, None).await.unwrap();
    close(wire, &prepared).await;
    rows
}

/// Two values for each row.
fn values(ids: Vec<i64>, names: Vec<Option<&str>>) -> RecordBatch {
    let (ids, names): (ArrayRef, ArrayRef) = (Arc::new(Int64Array::from(ids)), Arc::new(StringArray::from(names)));
    RecordBatch::try_from_iter_with_nullable([("1", ids, true), ("2", names, true)]).unwrap()
}

#[test]
fn a_connection_prepares_binds_runs_and_closes() {
    run(async {
        let served = Served::guarded("jdbc-statements").await;
        let mut wire = connect(&served, &served.first_token()).await;
        run_update(&mut wire, "CREATE TABLE t (id BIGINT NOT NULL, name VARCHAR)").await;
        assert_eq!(run_update(&mut wire, "INSERT INTO t VALUES (1, 'a')").await, 1, "once, and not when prepared");

        let insert = prepare(&mut wire, "INSERT INTO t VALUES (?, ?)").await.unwrap();
        assert!(insert.columns.is_empty() && insert.is_update == Some(true));
        let parameters = schema_in(&insert.parameters);
        let types: Vec<&DataType> = parameters.fields().iter().map(|field| field.data_type()).collect();
        assert_eq!(types, [&DataType::Int64, &DataType::Utf8]);
        let rows = values(vec![2, 3], vec![Some("b"), None]);
        assert_eq!(execute_update(&mut wire, &insert, Some(rows)).await.unwrap(), 2);
        assert_eq!(execute_update(&mut wire, &insert, Some(values(vec![4], vec![Some("d")]))).await.unwrap(), 1);
        let missing = execute_update(&mut wire, &insert, None).await;
        assert_one_refused(&served, Code::InvalidArgument, "", "an update without its values", missing).await;
        close(&mut wire, &insert).await;

        let select = prepare(&mut wire, "SELECT name FROM t WHERE id >= ? ORDER BY id").await.unwrap();
        assert_eq!(select.is_update, Some(false));
        let told = schema_in(&select.columns);
        assert_eq!(told.field(0).data_type(), &DataType::Utf8);
        let id: ArrayRef = Arc::new(Int64Array::from(vec![3]));
        let id = RecordBatch::try_from_iter([("1", id)]).unwrap();
        let answers = wire.put(rows_behind(select.query(), vec![id]).await).await.unwrap();
        let bound = DoPutPreparedStatementResult::decode(answers[0].clone()).unwrap().prepared_statement_handle;
        // Newer drivers go on with the handle that they are given, older ones with the one that they had.
        for handle in [bound.unwrap(), select.handle.clone()] {
            let batches = wire.rows(query_of(&handle)).await.unwrap();
            assert_eq!(batches[0].schema().as_ref(), &told);
            let names = batches[0].column(0).as_string::<i32>();
            assert!(names.is_null(0) && names.value(1) == "d");
        }
        close(&mut wire, &select).await;
        let after = wire.info(select.query()).await;
        assert_one_refused(&served, Code::NotFound, "was closed", "a closed statement", after).await;

        wire.act("CloseSession", Vec::new()).await.unwrap();
        let after = prepare(&mut wire, "SELECT 1").await;
        assert_one_refused(&served, Code::Unauthenticated, "the session is over", "a closed session", after).await;
        served.end().await;
    });
}

#[test]
fn its_metadata_has_the_columns_that_it_reads() {
    run(async {
        let served = Served::guarded("jdbc-metadata").await;
        let mut wire = connect(&served, &served.first_token()).await;
        run_update(&mut wire, "CREATE TABLE alpha (id BIGINT NOT NULL, name VARCHAR)").await;
        run_update(&mut wire, "CREATE VIEW beta AS SELECT id FROM alpha").await;

        let info = wire.rows(CommandGetSqlInfo::default().as_any().encode_to_vec()).await.unwrap();
        assert_eq!(info[0].num_rows(), 89, "all that there is");
        let catalogs = wire.rows(CommandGetCatalogs {}.as_any().encode_to_vec()).await.unwrap();
        assert_eq!(texts(&catalogs, 0), ["lake"]);
        let schemas = CommandGetDbSchemas { catalog: Some("lake".to_owned()), db_schema_filter_pattern: None };
        let schemas = wire.rows(schemas.as_any().encode_to_vec()).await.unwrap();
        assert!(texts(&schemas, 1).contains(&"public".to_owned()));
        let types = wire.rows(CommandGetTableTypes {}.as_any().encode_to_vec()).await.unwrap();
        assert!(texts(&types, 0).contains(&"TABLE".to_owned()));

        let tables = |pattern: &str, include_schema: bool| CommandGetTables {
            catalog: Some("lake".to_owned()),
            db_schema_filter_pattern: Some("public".to_owned()),
            table_name_filter_pattern: Some(pattern.to_owned()),
            table_types: if include_schema { Vec::new() } else { vec!["TABLE".to_owned(), "VIEW".to_owned()] },
            include_schema,
        };
        let found = wire.rows(tables("%", false).as_any().encode_to_vec()).await.unwrap();
        let names: Vec<String> = found[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["catalog_name", "db_schema_name", "table_name", "table_type"]);
        assert_eq!(texts(&found, 2), ["alpha", "beta"]);
        for (table, columns) in [("alpha", vec!["id", "name"]), ("beta", vec!["id"])] {
            let found = wire.rows(tables(table, true).as_any().encode_to_vec()).await.unwrap();
            let message = Bytes::copy_from_slice(found[0].column(4).as_binary::<i32>().value(0));
            let schema = schema_in(&message);
            let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            assert_eq!(names, columns, "{table}");
        }
        let keys = CommandGetPrimaryKeys { table: "alpha".to_owned(), ..CommandGetPrimaryKeys::default() };
        let keys = wire.rows(keys.as_any().encode_to_vec()).await.unwrap();
        assert_eq!(keys.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);

        let types = CommandGetXdbcTypeInfo { data_type: None }.as_any().encode_to_vec();
        let types = wire.rows(types).await.unwrap();
        assert!(texts(&types, 0).contains(&"BIGINT".to_owned()));
        let codes = types[0].column(1).as_primitive::<Int32Type>();
        assert!(codes.values().contains(&-5), "BIGINT by its number");
        served.end().await;
    });
}

#[test]
fn parameters_of_its_url_hold_for_every_call() {
    run(async {
        let served = Served::guarded("jdbc-url").await;
        let mut wire = connect(&served, &served.first_token()).await;
        run_update(&mut wire, "CREATE TABLE t (id BIGINT)").await;
        run_update(&mut wire, "INSERT INTO t VALUES (1)").await;
        let commits = wire.query("SELECT version FROM system.commits").await.unwrap();
        let before = commits.iter().map(RecordBatch::num_rows).sum::<usize>();
        run_update(&mut wire, "INSERT INTO t VALUES (2)").await;
        let mut past = connect(&served, &served.first_token()).await;
        past.set("as_of", before.to_string());
        let select = prepare(&mut past, "SELECT id FROM t").await.unwrap();
        let rows = past.rows(select.query()).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
        let select = prepare(&mut wire, "SELECT id FROM t").await.unwrap();
        let rows = wire.rows(select.query()).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        let refused = match prepare(&mut past, "INSERT INTO t VALUES (3)").await {
            Ok(insert) => execute_update(&mut past, &insert, None).await,
            Err(status) => Err(status),
        };
        assert_one_refused(&served, Code::InvalidArgument, "", "a write to the past", refused).await;
        served.end().await;
    });
}
