//! Messages that are none, and Arrow data that is damaged or does not fit: each is its sender's mistake.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys,
    CommandGetSqlInfo, CommandGetTables, CommandGetXdbcTypeInfo, CommandPreparedStatementQuery,
    CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementQuery, CommandStatementUpdate,
    ProstMessageExt, TableDefinitionOptions, TableExistsOption, TableNotExistOption, TicketStatementQuery,
};
use arrow_flight::{CancelFlightInfoRequest, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::Code;

use crate::refused::{Refusals, assert_refused, note};
use crate::served::{Served, number, run, update};
use crate::wire::{Wire, bare, rows_behind};

/// A message of a type, of which the rest is damaged.
fn damaged(type_url: &str) -> Vec<u8> {
    Any { type_url: type_url.to_owned(), value: Bytes::from_static(b"\xff") }.encode_to_vec()
}

/// Bytes that are no command.
fn no_commands() -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new(), b"\xff\xff\xff".to_vec(), b"nonsense".to_vec(), b"\x12\x01x".to_vec()];
    let types = [
        CommandGetCatalogs::type_url(),
        CommandGetDbSchemas::type_url(),
        CommandGetPrimaryKeys::type_url(),
        CommandGetSqlInfo::type_url(),
        CommandGetTables::type_url(),
        CommandGetXdbcTypeInfo::type_url(),
        CommandPreparedStatementQuery::type_url(),
        CommandPreparedStatementUpdate::type_url(),
        CommandStatementIngest::type_url(),
        CommandStatementQuery::type_url(),
        CommandStatementUpdate::type_url(),
        TicketStatementQuery::type_url(),
    ];
    all.extend(types.map(damaged));
    all
}

#[test]
fn what_is_no_command_is_refused_wherever_one_is_read() {
    run(async {
        let served = Served::open("malformed-commands").await;
        let mut wire = served.wire().await;
        let mut refused = Refusals::new();
        for bytes in no_commands() {
            let what = String::from_utf8_lossy(&bytes).into_owned();
            note(&mut refused, format!("GetFlightInfo {what}"), wire.info(bytes.clone()).await);
            note(&mut refused, format!("PollFlightInfo {what}"), wire.poll(bytes.clone()).await);
            note(&mut refused, format!("GetSchema {what}"), wire.schema(bytes.clone()).await);
            note(&mut refused, format!("DoGet {what}"), wire.get(Bytes::from(bytes.clone())).await);
            note(&mut refused, format!("DoPut {what}"), wire.put(vec![bare(bytes)]).await);
        }
        note(&mut refused, "DoPut of nothing", wire.put(Vec::new()).await);
        note(&mut refused, "DoPut without a descriptor", wire.put(vec![FlightData::default()]).await);
        let path = FlightDescriptor { r#type: DescriptorType::Path.into(), ..FlightDescriptor::default() };
        let path = FlightData { flight_descriptor: Some(path), ..FlightData::default() };
        note(&mut refused, "DoPut to a path", wire.put(vec![path]).await);
        assert_refused(&served, Code::InvalidArgument, "cannot be read", refused).await;
        served.end().await;
    });
}

#[test]
fn what_is_no_body_of_an_action_is_refused() {
    run(async {
        let served = Served::open("malformed-actions").await;
        let mut wire = served.wire().await;
        let session_options = "type.googleapis.com/arrow.flight.protocol.SetSessionOptionsRequest";
        let cancel = "type.googleapis.com/arrow.flight.protocol.CancelFlightInfoRequest";
        let other = CommandGetCatalogs {}.as_any().encode_to_vec();
        let no_info = ActionCancelQueryRequest { info: Bytes::from_static(b"\xff") };
        let no_ticket = Some(Ticket { ticket: Bytes::from_static(b"\xff") });
        let no_ticket = FlightEndpoint { ticket: no_ticket, ..FlightEndpoint::default() };
        let no_ticket = FlightInfo { endpoint: vec![no_ticket], ..FlightInfo::default() };
        let mut refused = Refusals::new();
        for (action, body) in [
            ("CreatePreparedStatement", b"\xff\xff".to_vec()),
            ("CreatePreparedStatement", damaged(ActionCreatePreparedStatementRequest::type_url())),
            ("CreatePreparedStatement", other.clone()),
            ("ClosePreparedStatement", b"\xff\xff".to_vec()),
            ("ClosePreparedStatement", damaged(ActionClosePreparedStatementRequest::type_url())),
            ("ClosePreparedStatement", other.clone()),
            ("CancelQuery", b"\xff\xff".to_vec()),
            ("CancelQuery", damaged(ActionCancelQueryRequest::type_url())),
            ("CancelQuery", other),
            ("CancelQuery", no_info.as_any().encode_to_vec()),
            ("CancelFlightInfo", Vec::new()),
            ("CancelFlightInfo", b"\xff\xff".to_vec()),
            ("CancelFlightInfo", damaged(cancel)),
            ("CancelFlightInfo", CancelFlightInfoRequest::new(no_ticket).encode_to_vec()),
            ("SetSessionOptions", b"\xff\xff".to_vec()),
            ("SetSessionOptions", damaged(session_options)),
        ] {
            note(&mut refused, format!("{action} {}", String::from_utf8_lossy(&body)), wire.act(action, body).await);
        }
        assert_refused(&served, Code::InvalidArgument, "cannot be read", refused).await;
        served.end().await;
    });
}

fn ingest(table: &str, missing: TableNotExistOption, exists: TableExistsOption) -> Vec<u8> {
    let command = CommandStatementIngest {
        table_definition_options: Some(TableDefinitionOptions {
            if_not_exist: missing.into(),
            if_exists: exists.into(),
        }),
        table: table.to_owned(),
        ..CommandStatementIngest::default()
    };
    command.as_any().encode_to_vec()
}

fn create(table: &str) -> Vec<u8> {
    ingest(table, TableNotExistOption::Create, TableExistsOption::Fail)
}

fn ids(rows: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..rows))
}

fn ids_and_names(rows: i64) -> RecordBatch {
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("name {row}"))));
    RecordBatch::try_from_iter([("id", ids(rows)), ("name", names)]).unwrap()
}

/// A message with its header or its body cut.
fn cut_header(message: &FlightData, length: usize) -> FlightData {
    FlightData { data_header: message.data_header.slice(..length), ..message.clone() }
}

fn cut_body(message: &FlightData, length: usize) -> FlightData {
    FlightData { data_body: message.data_body.slice(..length), ..message.clone() }
}

/// Rows behind a command in other forms than the usual one.
async fn rows_as(command: Vec<u8>, batch: RecordBatch, encoder: FlightDataEncoderBuilder) -> Vec<FlightData> {
    encoder
        .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command)))
        .build(futures::stream::iter([Ok(batch)]))
        .try_collect()
        .await
        .unwrap()
}

/// Arrow data behind a command, damaged in many ways.
async fn damages(command: &[u8]) -> Vec<(String, Vec<FlightData>)> {
    let command = || command.to_vec();
    let whole = rows_behind(command(), vec![ids_and_names(1000)]).await;
    let [schema, rows] = whole.as_slice() else { unreachable!("{} messages", whole.len()) };
    let mut cases: Vec<(String, Vec<FlightData>)> = Vec::new();
    let half = schema.data_header.len() / 2;
    for length in [1, 4, 8, half / 2, half] {
        let damaged = vec![cut_header(schema, length), rows.clone()];
        cases.push((format!("the schema cut to {length} bytes"), damaged));
    }
    let half = rows.data_header.len() / 2;
    for length in [1, 4, 8, half / 2, half] {
        let damaged = vec![schema.clone(), cut_header(rows, length)];
        cases.push((format!("the header of rows cut to {length} bytes"), damaged));
    }
    for length in [0, 1, 8, 100, rows.data_body.len() / 2] {
        cases.push((format!("a body cut to {length} bytes"), vec![schema.clone(), cut_body(rows, length)]));
    }
    let nonsense = FlightData { data_header: Bytes::from_static(b"nonsense"), ..FlightData::default() };
    cases.push(("nonsense".to_owned(), vec![schema.clone(), nonsense]));
    let bare_rows = FlightData { flight_descriptor: schema.flight_descriptor.clone(), ..rows.clone() };
    cases.push(("rows without a schema".to_owned(), vec![bare_rows]));
    cases.push(("a second schema".to_owned(), vec![schema.clone(), schema.clone(), rows.clone()]));

    let few = rows_behind(command(), vec![ids_and_names(10)]).await;
    let shorter = FlightData { data_body: few[1].data_body.clone(), ..rows.clone() };
    cases.push(("lengths of more rows than there are".to_owned(), vec![schema.clone(), shorter]));
    let one_column = RecordBatch::try_from_iter([("id", ids(1000))]).unwrap();
    let one_column = rows_behind(command(), vec![one_column]).await;
    cases.push(("fewer columns than the schema has".to_owned(), vec![schema.clone(), one_column[1].clone()]));

    let words: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(["x", "y", "x"]));
    let words = RecordBatch::try_from_iter([("name", words)]).unwrap();
    let resend = FlightDataEncoderBuilder::new().with_dictionary_handling(DictionaryHandling::Resend);
    let mut words = rows_as(command(), words, resend).await;
    assert_eq!(words.len(), 3, "a schema, a dictionary and rows");
    let dictionary = words.remove(1);
    cases.push(("a dictionary without values".to_owned(), words.clone()));
    let first = FlightData { flight_descriptor: words[0].flight_descriptor.clone(), ..dictionary.clone() };
    cases.push(("a dictionary before its schema".to_owned(), vec![first, words[0].clone(), words[1].clone()]));
    let damaged = vec![words[0].clone(), cut_body(&dictionary, 0), words[1].clone()];
    cases.push(("a dictionary whose values are cut".to_owned(), damaged));

    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let encoder = FlightDataEncoderBuilder::new().with_options(options);
    let compressed = rows_as(command(), ids_and_names(1000), encoder).await;
    for length in [0, 8, compressed[1].data_body.len() / 2] {
        let damaged = vec![compressed[0].clone(), cut_body(&compressed[1], length)];
        cases.push((format!("a compressed body cut to {length} bytes"), damaged));
    }
    let mut body = compressed[1].data_body.to_vec();
    body[..8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
    let claims = FlightData { data_body: body.into(), ..compressed[1].clone() };
    cases.push(("a compressed body that claims a terabyte".to_owned(), vec![compressed[0].clone(), claims]));
    cases
}

async fn prepared(wire: &mut Wire, sql: &str) -> Bytes {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let answers = wire.act("CreatePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
    let any = Any::decode(answers[0].clone()).unwrap();
    any.unpack::<ActionCreatePreparedStatementResult>().unwrap().unwrap().prepared_statement_handle
}

#[test]
fn damaged_arrow_data_is_refused_and_commits_nothing() {
    run(async {
        let served = Served::open("malformed-arrow").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT, name VARCHAR)").await;
        let mut wire = served.wire().await;
        let query = prepared(&mut wire, "SELECT ?, ?").await;
        let insert = prepared(&mut wire, "INSERT INTO t VALUES (?, ?)").await;
        let query = CommandPreparedStatementQuery { prepared_statement_handle: query };
        let insert = CommandPreparedStatementUpdate { prepared_statement_handle: insert };
        let commands = [
            ("a new table", create("u")),
            ("a table", ingest("t", TableNotExistOption::Fail, TableExistsOption::Append)),
            ("values", query.as_any().encode_to_vec()),
            ("an update", insert.as_any().encode_to_vec()),
        ];
        for (into, command) in commands {
            let mut refused = Refusals::new();
            for (what, messages) in damages(&command).await {
                note(&mut refused, format!("{into}: {what}"), wire.put(messages).await);
            }
            assert_refused(&served, Code::InvalidArgument, "", refused).await;
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 2);
        served.end().await;
    });
}

#[test]
fn compressed_rows_are_taken() {
    run(async {
        let served = Served::open("malformed-not").await;
        let mut wire = served.wire().await;
        let compressed = async |table: &str, codec: CompressionType| {
            let options = IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
            let encoder = FlightDataEncoderBuilder::new().with_options(options);
            rows_as(create(table), ids_and_names(1000), encoder).await
        };
        wire.put(compressed("a", CompressionType::ZSTD).await).await.unwrap();
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT sum(id) FROM a").await, 499_500);
        // Nothing bounds what its frames are decompressed to.
        let error = wire.put(compressed("b", CompressionType::LZ4_FRAME).await).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains("LZ4 are not taken; send them as they are"), "{error}");
        served.end().await;
    });
}

#[test]
fn rows_that_do_not_fit_their_table_are_refused_and_commit_nothing() {
    run(async {
        let served = Served::open("malformed-fit").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT NOT NULL, name VARCHAR)").await;
        let texts = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let one = |array: ArrayRef| RecordBatch::try_from_iter_with_nullable([("id", array, true)]).unwrap();
        let twice = Schema::new(vec![Field::new("id", DataType::Int64, true); 2]);
        let cases: Vec<(RecordBatch, &str)> = vec![
            (RecordBatch::try_from_iter([("id", ids(1)), ("nope", texts("x"))]).unwrap(), "has no column `nope`"),
            (RecordBatch::try_from_iter([("name", texts("x"))]).unwrap(), "column `id` is NOT NULL, and row 1"),
            (one(texts("no number")), "text cannot become bigint"),
            (one(Arc::new(Int64Array::from(vec![Some(1), None]))), "column `id` is NOT NULL, and row 2"),
            (RecordBatch::try_new(Arc::new(twice), vec![ids(1), ids(1)]).unwrap(), "column `id` occurs twice"),
        ];
        let mut wire = served.wire().await;
        for (batch, said) in cases {
            let mut refused = Refusals::new();
            let command = ingest("t", TableNotExistOption::Fail, TableExistsOption::Append);
            let outcome = wire.put(rows_behind(command, vec![batch]).await).await;
            note(&mut refused, said, outcome);
            assert_refused(&served, Code::InvalidArgument, said, refused).await;
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 2);
        served.end().await;
    });
}

#[test]
fn an_ingest_whose_client_goes_away_ends_and_commits_nothing() {
    run(async {
        let served = Served::open("malformed-gone").await;
        let sent = rows_behind(create("t"), vec![ids_and_names(1000), ids_and_names(1000)]).await;
        for breaks_off in ["the call", "the connection"] {
            let mut leaving = served.wire().await;
            // What keeps the connection open when the call is over.
            let kept = (breaks_off == "the call").then(|| leaving.clone());
            let never = futures::stream::iter(sent.clone()).chain(futures::stream::pending());
            let putting = tokio::spawn(async move {
                let _ = leaving.inner().do_put(never).await;
            });
            served.until_running(1.0).await;
            putting.abort();
            served.until_running(0.0).await;
            drop(kept);
        }
        served.assert_serves().await;
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 1);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.tables").await, 0);
        served.end().await;
    });
}
