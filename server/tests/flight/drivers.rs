//! What other drivers send, in their order, as it was recorded.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, Schema, UInt32Type};
use arrow_flight::sql::{
    ActionBeginTransactionResult, ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, ActionEndTransactionRequest, Any, CommandGetCatalogs, CommandGetDbSchemas,
    CommandGetSqlInfo, CommandGetTables, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    CommandStatementIngest, DoPutUpdateResult, EndTransaction, ProstMessageExt, TableDefinitionOptions,
    TableExistsOption, TableNotExistOption,
};
use arrow_flight::{HandshakeRequest, IpcMessage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use prost::Message;

use crate::served::{Served, run, session_options, texts};
use crate::wire::{Wire, query_command, rows_behind, ticket_of};

fn sql_info(info: Vec<u32>) -> Vec<u8> {
    CommandGetSqlInfo { info }.as_any().encode_to_vec()
}

fn numbers(batches: &[RecordBatch]) -> Vec<u32> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt32Type>().values().to_vec()).collect()
}

async fn prepare(wire: &mut Wire, sql: &str) -> ActionCreatePreparedStatementResult {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let answers = wire.act("CreatePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
    Any::decode(answers[0].clone()).unwrap().unpack().unwrap().unwrap()
}

fn ids(range: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

fn written(answers: &[Bytes]) -> i64 {
    DoPutUpdateResult::decode(answers[0].clone()).unwrap().record_count
}

#[test]
fn adbc_from_its_connection_to_its_end() {
    run(async {
        let served = Served::guarded("drivers-adbc").await;
        let mut wire = Wire::new(served.channel().await);
        // Without padding, and no cookies: the bearer value alone holds the session.
        let basic = STANDARD_NO_PAD.encode(format!("me:{}", served.first_token()));
        wire.set("authorization", format!("Basic {basic}"));
        let request = wire.request(futures::stream::iter([HandshakeRequest::default()]));
        let answer = wire.inner().handshake(request).await.unwrap();
        let bearer = answer.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        wire.set("authorization", bearer);
        assert_eq!(numbers(&wire.rows(sql_info(vec![8])).await.unwrap()), [8]);
        // Without autocommit it begins a transaction when it connects, and ends it before anything was done in it.
        let begun = wire.act("BeginTransaction", Vec::new()).await.unwrap();
        let begun: ActionBeginTransactionResult = Any::decode(begun[0].clone()).unwrap().unpack().unwrap().unwrap();
        let (transaction_id, action) = (begun.transaction_id, EndTransaction::Rollback.into());
        let end = ActionEndTransactionRequest { transaction_id, action };
        wire.act("EndTransaction", end.as_any().encode_to_vec()).await.unwrap();
        wire.act("GetSessionOptions", Vec::new()).await.unwrap();
        wire.act("SetSessionOptions", session_options(&[("schema", "public")])).await.unwrap();

        wire.update("CREATE TABLE t (id BIGINT)").await.unwrap();
        // executemany: every row in one stream, behind the first handle.
        let insert = prepare(&mut wire, "INSERT INTO t VALUES (?)").await;
        let handle = insert.prepared_statement_handle.clone();
        let command = CommandPreparedStatementUpdate { prepared_statement_handle: handle }.as_any().encode_to_vec();
        assert_eq!(written(&wire.put(rows_behind(command, vec![ids(0..3)]).await).await.unwrap()), 3);
        for (sql, changed) in [("UPDATE t SET id = id WHERE id = ?", 3), ("DELETE FROM t WHERE id > 5 + ?", 0)] {
            let change = prepare(&mut wire, sql).await;
            let handle = change.prepared_statement_handle.clone();
            let command = CommandPreparedStatementUpdate { prepared_statement_handle: handle }.as_any().encode_to_vec();
            assert_eq!(written(&wire.put(rows_behind(command, vec![ids(0..3)]).await).await.unwrap()), changed);
        }
        // execute: prepared always, and what writes has run although nobody fetches.
        let insert = prepare(&mut wire, "INSERT INTO t VALUES (3)").await;
        let query = |handle: &Bytes| {
            CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() }.as_any().encode_to_vec()
        };
        assert_eq!(wire.info(query(&insert.prepared_statement_handle)).await.unwrap().total_records, 1);
        let select = prepare(&mut wire, "SELECT count(*) AS n FROM t").await;
        let rows = wire.rows(query(&select.prepared_statement_handle)).await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 4);
        for handle in [insert.prepared_statement_handle, select.prepared_statement_handle] {
            let request = ActionClosePreparedStatementRequest { prepared_statement_handle: handle };
            // Some send it as it is.
            wire.act("ClosePreparedStatement", request.encode_to_vec()).await.unwrap();
        }

        // get_objects, execute_schema, and a query that is polled for.
        let schemas = wire.rows(CommandGetDbSchemas::default().as_any().encode_to_vec()).await.unwrap();
        assert!(texts(&schemas, 1).contains(&"public".to_owned()));
        let tables = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
        let tables = wire.rows(tables.as_any().encode_to_vec()).await.unwrap();
        assert!(texts(&tables, 2).contains(&"t".to_owned()));
        assert_eq!(texts(&wire.rows(CommandGetCatalogs {}.as_any().encode_to_vec()).await.unwrap(), 0), ["lake"]);
        let schema = wire.schema(query_command("SELECT id FROM t")).await.unwrap();
        assert_eq!(Schema::try_from(schema).unwrap().fields().len(), 1);
        let polled = wire.poll(query_command("SELECT id FROM t")).await.unwrap();
        assert!(wire.get(ticket_of(&polled)).await.unwrap().len() >= 2);
        wire.act("CloseSession", Vec::new()).await.unwrap();
        wire.act("CloseSession", Vec::new()).await.unwrap();
        served.assert_serves().await;
        served.end().await;
    });
}

#[test]
fn polars_writes_a_frame() {
    run(async {
        let served = Served::open("drivers-polars").await;
        let mut wire = served.wire().await;
        assert_eq!(numbers(&wire.rows(sql_info(vec![0, 1, 2])).await.unwrap()), [0, 1, 2]);
        let tables = CommandGetTables {
            table_name_filter_pattern: Some("frame".to_owned()),
            include_schema: true,
            ..CommandGetTables::default()
        };
        let tables = tables.as_any().encode_to_vec();
        let none = wire.rows(tables.clone()).await.unwrap();
        assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        let ingest = CommandStatementIngest {
            table_definition_options: Some(TableDefinitionOptions {
                if_not_exist: TableNotExistOption::Create.into(),
                if_exists: TableExistsOption::Fail.into(),
            }),
            table: "frame".to_owned(),
            ..CommandStatementIngest::default()
        };
        let messages = rows_behind(ingest.as_any().encode_to_vec(), vec![ids(0..10), ids(10..20)]).await;
        assert_eq!(written(&wire.put(messages).await.unwrap()), 20);
        let found = wire.rows(tables).await.unwrap();
        let message = Bytes::copy_from_slice(found[0].column(4).as_binary::<i32>().value(0));
        assert_eq!(Schema::try_from(IpcMessage(message)).unwrap().field(0).name(), "id");
        served.end().await;
    });
}

#[test]
fn superset_and_grafana_read() {
    run(async {
        let served = Served::open("drivers-superset").await;
        let mut wire = served.wire().await;
        // It has no token, and says so as a token.
        wire.set("authorization", "Bearer None");
        assert_eq!(numbers(&wire.rows(sql_info(vec![0, 2, 3, 504])).await.unwrap()), [0, 2, 3, 504]);
        wire.update("CREATE TABLE t (id BIGINT)").await.unwrap();
        wire.update("INSERT INTO t VALUES (7)").await.unwrap();
        assert_eq!(wire.query("SELECT id FROM t").await.unwrap()[0].num_rows(), 1);

        assert_eq!(numbers(&wire.rows(sql_info(Vec::new())).await.unwrap()).len(), 89, "none asked for means all");
        let tables = CommandGetTables {
            table_types: vec!["BASE TABLE".to_owned(), "table".to_owned()],
            ..CommandGetTables::default()
        };
        let found = wire.rows(tables.as_any().encode_to_vec()).await.unwrap();
        assert_eq!(found[0].num_columns(), 4);
        assert_eq!(texts(&found, 2), ["t"]);
        served.end().await;
    });
}
