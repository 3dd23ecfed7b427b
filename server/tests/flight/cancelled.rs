//! Statements that are broken off: they end at once, and the server has its hands free again.

use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult, Any, ProstMessageExt};
use arrow_flight::{CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightData, Ticket};
use frostline_server::{Authentication, ServeLimits};
use prost::Message;
use tonic::{Code, Status, Streaming};

use crate::refused::assert_one_refused;
use crate::served::{Client, SOON, Served, number, run, update};
use crate::wire::{Wire, query_command, ticket_of};

/// Each of 300 rows with each of four times as many: a query that would run for days, and gives one row at its end.
pub(super) const ONE_ROW: &str = "SELECT max(a.v * b.v - c.v * e.v + f.v) AS most FROM d a, d b, d c, d e, d f";

/// The same, of which rows come from the beginning.
const MANY_ROWS: &str = "SELECT a.v + b.v + c.v + e.v + f.v AS total FROM d a, d b, d c, d e, d f";

async fn served(name: &str) -> (Served, Client) {
    let limits = ServeLimits {
        memory_bytes: 256 * 1024 * 1024,
        statement_memory_bytes: 128 * 1024 * 1024,
        ..ServeLimits::default()
    };
    let served = Served::start(name, Authentication::Nobody, limits).await;
    let client = rows_to_join(&served).await;
    (served, client)
}

/// Makes the table of these queries, in two commits.
pub(super) async fn rows_to_join(served: &Served) -> Client {
    let mut client = served.client().await;
    update(&mut client, "CREATE TABLE d (v BIGINT)").await;
    update(&mut client, "INSERT INTO d SELECT value FROM range(300)").await;
    client
}

/// Begins to fetch a query's rows.
async fn begin(wire: &mut Wire, sql: &str) -> (arrow_flight::FlightInfo, Streaming<FlightData>) {
    let info = wire.info(query_command(sql)).await.unwrap();
    let request = wire.request(Ticket { ticket: ticket_of(&info) });
    let rows = wire.inner().do_get(request).await.unwrap().into_inner();
    (info, rows)
}

/// Reads a stream up to its error.
async fn end_of(mut rows: Streaming<FlightData>) -> Result<(), Status> {
    let ended = tokio::time::timeout(SOON, async {
        while rows.message().await?.is_some() {}
        Ok::<(), Status>(())
    });
    ended.await.expect("the stream ends at once")
}

#[test]
fn a_cross_join_of_five_tables_that_is_cancelled_ends_at_once() {
    run(async {
        let (served, _client) = served("cancelled-actions").await;
        let mut wire = served.wire().await;
        for (sql, older) in [(ONE_ROW, false), (ONE_ROW, true), (MANY_ROWS, false), (MANY_ROWS, true)] {
            let (info, rows) = begin(&mut wire, sql).await;
            served.until_running(1.0).await;
            let mut other = served.wire().await;
            if older {
                let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
                let answers = other.act("CancelQuery", request.as_any().encode_to_vec()).await.unwrap();
                let any = Any::decode(answers[0].clone()).unwrap();
                // 1 says that it was cancelled.
                assert_eq!(any.unpack::<ActionCancelQueryResult>().unwrap().unwrap().result, 1);
            } else {
                let request = CancelFlightInfoRequest::new(info).encode_to_vec();
                let answers = other.act("CancelFlightInfo", request).await.unwrap();
                let result = CancelFlightInfoResult::decode(answers[0].clone()).unwrap();
                assert_eq!(result.status(), CancelStatus::Cancelled);
            }
            let outcome = end_of(rows).await;
            served.until_running(0.0).await;
            assert_one_refused(&served, Code::Cancelled, "the statement was cancelled", sql, outcome).await;
        }
        let cancelled = "frostline_statements_total{kind=\"query\",outcome=\"cancelled\"}";
        assert_eq!(served.metric(cancelled).await, 4.0);
        served.end().await;
    });
}

#[test]
fn a_cross_join_of_five_tables_whose_client_leaves_ends_at_once() {
    run(async {
        let (served, _client) = served("cancelled-leaving").await;
        for (sql, reads_some) in [(ONE_ROW, false), (MANY_ROWS, true)] {
            // Once the stream alone is dropped, once the whole connection.
            for keeps_connection in [true, false] {
                let mut leaving = served.wire().await;
                let (_, mut rows) = begin(&mut leaving, sql).await;
                served.until_running(1.0).await;
                if reads_some {
                    // The columns, and then rows.
                    for _ in 0..2 {
                        assert!(rows.message().await.unwrap().is_some());
                    }
                }
                let kept = keeps_connection.then(|| leaving.clone());
                drop(leaving);
                drop(rows);
                served.until_running(0.0).await;
                served.assert_serves().await;
                drop(kept);
            }
        }
        let cancelled = "frostline_statements_total{kind=\"query\",outcome=\"cancelled\"}";
        assert_eq!(served.metric(cancelled).await, 4.0);
        served.end().await;
    });
}

#[test]
fn a_statement_that_writes_whose_client_leaves_commits_nothing() {
    run(async {
        let (served, mut client) = served("cancelled-write").await;
        update(&mut client, "CREATE TABLE t (v BIGINT)").await;
        let mut leaving = served.wire().await;
        let insert = format!("INSERT INTO t {ONE_ROW}");
        let running = tokio::spawn(async move { leaving.update(&insert).await.map(drop) });
        served.until_running(1.0).await;
        running.abort();
        served.until_running(0.0).await;
        served.assert_serves().await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 4);
        served.end().await;
    });
}
