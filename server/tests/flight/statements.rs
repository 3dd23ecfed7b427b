//! Statements: planned once, fetched at one version, run once.

use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, Schema};
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{ActionCancelQueryRequest, CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightDescriptor};
use futures::StreamExt;
use prost::Message;
use tonic::{Code, Request};

use crate::served::{Client, Served, fetch, number, query, run, texts, told, update, version_of};

/// A query that would run for years.
const ENDLESS: &str = "SELECT count(*) FROM range(2000) a, range(100000000000) b WHERE a.value + b.value < 0";

fn descriptor(sql: &str) -> FlightDescriptor {
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

async fn three_rows(client: &mut Client) {
    update(client, "CREATE TABLE t (id BIGINT NOT NULL, name VARCHAR)").await;
    assert_eq!(update(client, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)").await, 3);
}

#[test]
fn a_query_is_told_as_it_is_sent() {
    run(async {
        let served = Served::open("told").await;
        let mut client = served.client().await;
        three_rows(&mut client).await;
        let sql = "SELECT id, name, make_array(name) AS names FROM t ORDER BY id";
        let info = client.execute(sql.to_owned(), None).await.unwrap();
        let told = Schema::try_from(info.clone()).unwrap();
        assert!(!told.field(0).is_nullable() && told.field(1).is_nullable());
        assert_eq!(told.field(1).data_type(), &DataType::Utf8, "no string views for foreign clients");
        let DataType::List(element) = told.field(2).data_type() else { unreachable!("{told}") };
        assert_eq!(element.data_type(), &DataType::Utf8);
        let batches = fetch(&mut client, &info).await.unwrap();
        for batch in &batches {
            assert_eq!(batch.schema().as_ref(), &told);
        }
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
        assert_eq!(told.field(0).metadata().len(), 0);
        served.end().await;
    });
}

#[test]
fn a_result_says_its_version_and_keeps_to_it() {
    run(async {
        let served = Served::open("version").await;
        let mut client = served.client().await;
        three_rows(&mut client).await;
        let info = client.execute("SELECT id FROM t".to_owned(), None).await.unwrap();
        let version = version_of(&info);
        update(&mut client, "INSERT INTO t VALUES (4, 'd')").await;
        for _ in 0..2 {
            let ticket = info.endpoint[0].ticket.clone().unwrap();
            let mut stream = client.do_get(ticket).await.unwrap();
            assert_eq!(stream.headers().get("x-frostline-version").unwrap().to_str().unwrap(), version.to_string());
            let mut rows = 0;
            while let Some(batch) = stream.next().await {
                rows += batch.unwrap().num_rows();
            }
            assert_eq!(rows, 3, "whatever was written meanwhile");
        }
        let now = client.execute("SELECT id FROM t".to_owned(), None).await.unwrap();
        assert_eq!(version_of(&now), version + 1);
        served.end().await;
    });
}

#[test]
fn a_statement_that_writes_has_run_before_its_result_is_fetched() {
    run(async {
        let served = Served::open("writes").await;
        let mut client = served.client().await;
        let info = client.execute("CREATE TABLE t (id BIGINT)".to_owned(), None).await.unwrap();
        assert_eq!(version_of(&info), 2);
        let info = client.execute("INSERT INTO t VALUES (1), (2)".to_owned(), None).await.unwrap();
        assert_eq!(info.total_records, 2);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2, "nothing was fetched");
        for _ in 0..2 {
            let outcome = fetch(&mut client, &info).await.unwrap();
            assert_eq!(outcome[0].column(0).as_primitive::<Int64Type>().value(0), 2);
            assert_eq!(outcome[0].column(1).as_primitive::<Int64Type>().value(0), 3);
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2, "fetching runs nothing");
        served.end().await;
    });
}

#[test]
fn a_call_that_is_sent_again_runs_nothing_again() {
    run(async {
        let served = Served::open("again").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let mut raw = served.raw().await;
        let insert = || descriptor("INSERT INTO t VALUES (1)");
        raw.get_flight_info(insert()).await.unwrap();
        raw.get_flight_info(insert()).await.unwrap();
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2, "two calls are two executions");
        let named = || {
            let mut request = Request::new(insert());
            request.metadata_mut().insert("x-frostline-execution-id", "load-7".parse().unwrap());
            request
        };
        let first = raw.get_flight_info(named()).await.unwrap().into_inner();
        let again = raw.get_flight_info(named()).await.unwrap().into_inner();
        assert_eq!(first.app_metadata, again.app_metadata);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3, "one execution has one name");
        served.end().await;
    });
}

#[test]
fn columns_are_told_without_running_anything() {
    run(async {
        let served = Served::open("columns").await;
        let mut client = served.client().await;
        three_rows(&mut client).await;
        let mut raw = served.raw().await;
        let schema = raw.get_schema(descriptor("SELECT id, name FROM t")).await.unwrap().into_inner();
        let schema = Schema::try_from(schema).unwrap();
        assert_eq!(schema.fields().len(), 2);
        let none = raw.get_schema(descriptor("INSERT INTO t VALUES (9, 'z')")).await.unwrap().into_inner();
        assert_eq!(Schema::try_from(none).unwrap().fields().len(), 0);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3);
        for sql in ["SHOW TABLES", "DESCRIBE t", "SUMMARIZE t", "EXPLAIN SELECT * FROM t"] {
            let schema = raw.get_schema(descriptor(sql)).await.unwrap().into_inner();
            let schema = Schema::try_from(schema).unwrap();
            let info = raw.get_flight_info(descriptor(sql)).await.unwrap().into_inner();
            for batch in fetch(&mut client, &info).await.unwrap() {
                assert_eq!(batch.schema().as_ref(), &schema, "{sql}");
            }
        }
        served.end().await;
    });
}

#[test]
fn polling_is_answered_at_once() {
    run(async {
        let served = Served::open("polling").await;
        let mut client = served.client().await;
        let polled = served.raw().await.poll_flight_info(descriptor("SELECT 1 AS one")).await.unwrap().into_inner();
        assert!(polled.flight_descriptor.is_none(), "nothing is left to be polled for");
        let batches = fetch(&mut client, &polled.info.unwrap()).await.unwrap();
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 1);
        served.end().await;
    });
}

#[test]
fn a_large_result_streams_in_messages_of_bounded_size() {
    run(async {
        let served = Served::open("large").await;
        // This client takes messages of 4 MiB and no more.
        let mut client = served.client().await;
        let sql = "SELECT value, repeat('x', 1000) AS text FROM range(20000)";
        let batches = query(&mut client, sql).await;
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 20_000);
        assert!(batches.len() >= 10);
        served.end().await;
    });
}

#[test]
fn a_query_that_is_cancelled_ends_soon() {
    run(async {
        let served = Served::open("cancelled").await;
        let mut client = served.client().await;
        for older in [false, true] {
            let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
            let ticket = info.endpoint[0].ticket.clone().unwrap();
            let mut fetching = client.clone();
            let running = tokio::spawn(async move {
                match fetching.do_get(ticket).await {
                    Ok(mut stream) => stream.next().await.map(|batch| batch.map(|_| ())),
                    Err(error) => Some(Err(error)),
                }
            });
            tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await.unwrap_err();
            let began = Instant::now();
            let action = if older {
                let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
                Action::new("CancelQuery", request.as_any().encode_to_vec())
            } else {
                Action::new("CancelFlightInfo", CancelFlightInfoRequest::new(info.clone()).encode_to_vec())
            };
            let answer = client.do_action(action).await.unwrap().message().await.unwrap().unwrap();
            if !older {
                let result = CancelFlightInfoResult::decode(answer.body).unwrap();
                assert_eq!(result.status(), CancelStatus::Cancelled);
            }
            let outcome = running.await.unwrap().unwrap();
            assert_eq!(told(&outcome.unwrap_err()).0, Code::Cancelled);
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            let again = fetch(&mut client, &info).await.unwrap_err();
            assert_eq!(told(&again).0, Code::NotFound);
        }
        assert_eq!(number(&mut client, "SELECT 1").await, 1, "the server goes on");
        served.end().await;
    });
}

#[test]
fn a_client_that_goes_away_takes_its_query_with_it() {
    run(async {
        let limits = frostline_server::ServeLimits { concurrent_statements: 1, ..Default::default() };
        let served = Served::start("gone", frostline_server::Authentication::Nobody, limits).await;
        let mut client = served.client().await;
        let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let mut leaving = served.client().await;
        let fetching = tokio::time::timeout(Duration::from_millis(300), async move {
            let mut stream = leaving.do_get(ticket).await.unwrap();
            stream.next().await.is_some()
        });
        assert!(fetching.await.is_err(), "it would run for years");
        let began = Instant::now();
        assert_eq!(number(&mut client, "SELECT 1").await, 1, "its turn was given back");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        served.end().await;
    });
}

#[test]
fn commits_and_results_are_seen_by_every_client() {
    run(async {
        let served = Served::open("every").await;
        let (mut one, mut other) = (served.client().await, served.client().await);
        three_rows(&mut one).await;
        assert_eq!(texts(&query(&mut other, "SELECT name FROM t WHERE id = 2").await, 0), ["b"]);
        let path = FlightDescriptor { r#type: DescriptorType::Path.into(), ..FlightDescriptor::default() };
        let error = served.raw().await.get_flight_info(path).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        served.end().await;
    });
}

#[test]
fn statements_that_change_rows_say_how_many() {
    run(async {
        let served = Served::open("changes").await;
        let mut client = served.client().await;
        three_rows(&mut client).await;
        assert_eq!(update(&mut client, "UPDATE t SET name = 'z' WHERE id < 3").await, 2);
        assert_eq!(update(&mut client, "DELETE FROM t WHERE id = 1").await, 1);
        let merge = "MERGE INTO t USING (VALUES (2, 'b'), (9, 'i')) AS s (id, name) ON t.id = s.id \
                     WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *";
        assert_eq!(update(&mut client, merge).await, 2);
        assert_eq!(update(&mut client, "DELETE FROM t WHERE false").await, 0);
        assert_eq!(update(&mut client, "INSERT OVERWRITE t SELECT id, name FROM t WHERE id < 9").await, 2);
        assert_eq!(update(&mut client, "TRUNCATE t").await, 2);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        served.end().await;
    });
}
