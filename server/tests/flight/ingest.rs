//! Bulk ingest: one commit, or none.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_flight::FlightData;
use arrow_flight::FlightDescriptor;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    CommandStatementIngest, ProstMessageExt, TableDefinitionOptions, TableExistsOption, TableNotExistOption,
};
use frostline_sql::Parameters;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::Code;

use crate::served::{Client, Served, number, run, told};

fn command(table: &str, missing: TableNotExistOption, exists: TableExistsOption) -> CommandStatementIngest {
    CommandStatementIngest {
        table_definition_options: Some(TableDefinitionOptions {
            if_not_exist: missing.into(),
            if_exists: exists.into(),
        }),
        table: table.to_owned(),
        ..CommandStatementIngest::default()
    }
}

fn create(table: &str) -> CommandStatementIngest {
    command(table, TableNotExistOption::Create, TableExistsOption::Fail)
}

fn batch(range: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(range.clone()));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(range.map(|id| format!("name {id}"))));
    RecordBatch::try_from_iter([("id", ids), ("Name", names)]).unwrap()
}

async fn ingest(client: &mut Client, command: CommandStatementIngest, batch: RecordBatch) -> Result<i64, FlightError> {
    client.execute_ingest(command, futures::stream::iter([Ok(batch)])).await
}

#[test]
fn the_four_modes_do_what_they_say() {
    run(async {
        use TableExistsOption as Exists;
        use TableNotExistOption as Missing;
        let served = Served::open("ingest-modes").await;
        let mut client = served.client().await;
        let append = || command("t", Missing::Fail, Exists::Append);
        let error = ingest(&mut client, append(), batch(0..1)).await.unwrap_err();
        assert_eq!(told(&error).0, Code::InvalidArgument, "{error}");
        assert_eq!(ingest(&mut client, create("t"), batch(0..10)).await.unwrap(), 10);
        let error = ingest(&mut client, create("t"), batch(0..1)).await.unwrap_err();
        assert!(told(&error).1.contains("exists already"), "{error}");
        assert_eq!(ingest(&mut client, append(), batch(10..15)).await.unwrap(), 5);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 15);
        let replace = command("t", Missing::Create, Exists::Replace);
        assert_eq!(ingest(&mut client, replace, batch(0..3)).await.unwrap(), 3);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3);
        let both = || command("Other", Missing::Create, Exists::Append);
        ingest(&mut client, both(), batch(0..1)).await.unwrap();
        ingest(&mut client, both(), batch(1..2)).await.unwrap();
        assert_eq!(number(&mut client, "SELECT count(\"Name\") FROM \"Other\"").await, 2, "names are as they are");
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 6, "one commit each");
        served.end().await;
    });
}

#[test]
fn an_ingest_that_is_sent_again_is_not_made_again() {
    run(async {
        let served = Served::open("ingest-again").await;
        let mut client = served.client().await;
        ingest(&mut client, create("t"), batch(0..3)).await.unwrap();
        client.set_header("grpc-previous-rpc-attempts", "1");
        let append = command("t", TableNotExistOption::Fail, TableExistsOption::Append);
        let error = ingest(&mut client, append, batch(0..3)).await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::Unimplemented, "nothing sends it a third time: {message}");
        assert!(message.contains("system.commits"), "{message}");
        assert_eq!(number(&mut served.client().await, "SELECT count(*) FROM t").await, 3);
        served.end().await;
    });
}

#[test]
fn many_batches_are_one_commit_of_frozen_segments() {
    run(async {
        let served = Served::open("ingest-many").await;
        let mut client = served.client().await;
        let batches = (0..60).map(|part| Ok(batch(part * 10_000..(part + 1) * 10_000))).collect::<Vec<_>>();
        let rows = client.execute_ingest(create("t"), futures::stream::iter(batches)).await.unwrap();
        assert_eq!(rows, 600_000);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 600_000);
        assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 179_999_700_000);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 2);
        served.end().await;
    });
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    run(async {
        let served = Served::open("ingest-fit").await;
        let mut client = served.client().await;
        ingest(&mut client, create("t"), batch(0..3)).await.unwrap();
        let append = || command("t", TableNotExistOption::Fail, TableExistsOption::Append);
        let other: ArrayRef = Arc::new(StringArray::from(vec!["not a number"]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a name"]));
        for (name, told_of) in [("id", "text cannot become bigint"), ("nope", "has no column `nope`")] {
            let columns = [(name, Arc::clone(&other)), ("Name", Arc::clone(&names))];
            let wrong = RecordBatch::try_from_iter(columns).unwrap();
            let error = ingest(&mut client, append(), wrong).await.unwrap_err();
            let (code, message) = told(&error);
            assert_eq!(code, Code::InvalidArgument, "{message}");
            assert!(message.contains(told_of), "{message}");
        }
        let temporary = CommandStatementIngest { temporary: true, ..create("u") };
        let error = ingest(&mut client, temporary, batch(0..1)).await.unwrap_err();
        assert_eq!(told(&error).0, Code::Unimplemented, "{error}");
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3);
        served.end().await;
    });
}

/// The messages of an ingest.
async fn messages(command: CommandStatementIngest, batches: Vec<RecordBatch>) -> Vec<FlightData> {
    FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command.as_any().encode_to_vec())))
        .build(futures::stream::iter(batches.into_iter().map(Ok).collect::<Vec<_>>()))
        .try_collect()
        .await
        .unwrap()
}

#[test]
fn damaged_rows_commit_nothing() {
    run(async {
        let served = Served::open("ingest-damaged").await;
        let mut client = served.client().await;
        let whole = messages(create("t"), vec![batch(0..1000)]).await;
        let mut truncated = whole.clone();
        truncated[1].data_body = truncated[1].data_body.slice(..100);
        let mut nonsense = whole.clone();
        nonsense[1].data_header = bytes::Bytes::from_static(b"nonsense");
        let without_rows_schema = vec![FlightData { data_header: bytes::Bytes::new(), ..whole[0].clone() }];
        let no_command = vec![FlightData { flight_descriptor: None, ..whole[0].clone() }];
        for damaged in [truncated, nonsense, without_rows_schema, no_command, Vec::new()] {
            let answer = client.inner_mut().do_put(futures::stream::iter(damaged)).await;
            let error = match answer {
                Ok(answer) => answer.into_inner().message().await.unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.tables").await, 0);
        served.end().await;
    });
}

#[test]
fn a_client_that_goes_away_in_the_middle_commits_nothing() {
    run(async {
        let served = Served::open("ingest-gone").await;
        let mut leaving = served.client().await;
        let sent = messages(create("t"), vec![batch(0..1000)]).await;
        let never = futures::stream::iter(sent).chain(futures::stream::pending());
        let putting = leaving.inner_mut().do_put(never);
        assert!(tokio::time::timeout(Duration::from_millis(300), putting).await.is_err(), "it waits for more");
        drop(leaving);
        let lake = served.lake.clone();
        // The end waits for whatever the ingest still does.
        served.end().await;
        let session = lake.session();
        let mut rows = session.sql("SHOW TABLES", &Parameters::none()).await.unwrap().into_rows().unwrap();
        assert!(rows.next().await.is_none_or(|batch| batch.unwrap().num_rows() == 0));
    });
}
