//! Many clients, and statements that take more than their share: others are served all the same.

use std::time::Duration;

use arrow_flight::{FlightData, Ticket};
use frostline_server::{Authentication, ServeLimits};
use tokio::net::TcpStream;
use tonic::{Code, Status, Streaming};

use super::cancelled::{ONE_ROW as ENDLESS, rows_to_join};
use crate::refused::{Refusals, assert_one_refused, assert_refused, check_refused, note};
use crate::served::{SOON, Served, number, run, update};
use crate::wire::{Wire, query_command, ticket_of};

/// A server with the rows that [`ENDLESS`] joins.
async fn limited(name: &str, limits: ServeLimits) -> Served {
    let served = Served::start(name, Authentication::Nobody, limits).await;
    rows_to_join(&served).await;
    served
}

/// Begins to fetch a query's rows.
async fn begin(wire: &mut Wire, sql: &str) -> Result<Streaming<FlightData>, Status> {
    let info = wire.info(query_command(sql)).await?;
    let request = wire.request(Ticket { ticket: ticket_of(&info) });
    Ok(wire.inner().do_get(request).await?.into_inner())
}

#[test]
fn two_hundred_idle_connections_hold_nobody_up() {
    run(async {
        let served = Served::open("crowded-idle").await;
        let mut idle = Vec::new();
        for _ in 0..200 {
            idle.push(served.channel().await);
        }
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(TcpStream::connect(served.address()).await.unwrap());
        }
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        update(&mut client, "INSERT INTO t VALUES (1), (2)").await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2);
        served.assert_serves().await;
        assert!(served.metric("frostline_connections{door=\"flight\"}").await >= 200.0);
        // One that was idle works as well as any.
        let mut woken = Wire::new(idle.pop().unwrap());
        assert_eq!(woken.query("SELECT id FROM t").await.unwrap().len(), 1);
        drop((idle, silent));
        served.end().await;
    });
}

#[test]
fn who_finds_no_place_in_the_queue_is_told_to_come_again() {
    run(async {
        let limits = ServeLimits { concurrent_statements: 1, queued_statements: 0, ..ServeLimits::default() };
        let served = limited("crowded-full", limits).await;
        let mut wire = served.wire().await;
        wire.update("CREATE TABLE t (id BIGINT)").await.unwrap();
        let running = begin(&mut wire, ENDLESS).await.unwrap();
        served.until_running(1.0).await;
        let mut refused = Refusals::new();
        note(&mut refused, "a query", wire.query("SELECT 1").await);
        note(&mut refused, "an update", wire.update("INSERT INTO t VALUES (1)").await);
        let answer = served.web_sql("SELECT 1").await;
        assert_eq!(answer.status, 429, "{}", answer.body);
        assert!(answer.head.contains("retry-after") && answer.body.contains("try again later"), "{}", answer.body);
        drop(running);
        served.until_running(0.0).await;
        let said = "1 statements run and 0 wait, which is as many as the server takes; try again later";
        assert_refused(&served, Code::ResourceExhausted, said, refused).await;
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0, "what was refused was not run");
        served.end().await;
    });
}

#[test]
fn who_waits_too_long_is_told_so_and_others_get_their_turn() {
    run(async {
        let queue_timeout = Duration::from_millis(200);
        let limits =
            ServeLimits { concurrent_statements: 1, queued_statements: 2, queue_timeout, ..ServeLimits::default() };
        let served = limited("crowded-waiting", limits).await;
        let mut wire = served.wire().await;
        let running = begin(&mut wire, ENDLESS).await.unwrap();
        served.until_running(1.0).await;
        let mut refused = Refusals::new();
        note(&mut refused, "a query", wire.query("SELECT 1").await);
        check_refused(Code::ResourceExhausted, "waited 0.2 s for its turn and is not run; try again later", &refused);
        drop(running);
        served.until_running(0.0).await;
        served.assert_serves().await;
        served.end().await;

        let limits = ServeLimits { concurrent_statements: 1, queued_statements: 2, ..ServeLimits::default() };
        let served = limited("crowded-turns", limits).await;
        let mut wire = served.wire().await;
        let running = begin(&mut wire, ENDLESS).await.unwrap();
        served.until_running(1.0).await;
        let (mut one, mut other) = (served.wire().await, served.wire().await);
        let waiting = tokio::spawn(async move { futures::join!(one.query("SELECT 1"), other.query("SELECT 2")) });
        drop(running);
        let (one, other) = tokio::time::timeout(SOON, waiting).await.expect("both get their turn").unwrap();
        assert_eq!((one.unwrap().len(), other.unwrap().len()), (1, 1));
        served.end().await;
    });
}

#[test]
fn a_statement_that_takes_too_long_is_broken_off() {
    run(async {
        let limits = ServeLimits { statement_timeout: Duration::from_secs(2), ..ServeLimits::default() };
        let served = limited("crowded-timeout", limits).await;
        let mut wire = served.wire().await;
        wire.update("CREATE TABLE t (n BIGINT)").await.unwrap();
        let insert = format!("INSERT INTO t {ENDLESS}");
        let (mut one, mut other, mut third) = (served.wire().await, served.wire().await, served.wire().await);
        let (query, drained, written, web) =
            futures::join!(one.query(ENDLESS), other.update(ENDLESS), third.update(&insert), served.web_sql(ENDLESS));
        let mut refused = Refusals::new();
        note(&mut refused, "a query", query);
        note(&mut refused, "a query whose rows nobody wants", drained);
        note(&mut refused, "an update", written);
        let said = "the statement took more than 2 s and was broken off";
        assert_eq!(web.status, 504, "{}", web.body);
        assert!(web.body.contains(said), "{}", web.body);
        served.until_running(0.0).await;
        assert_refused(&served, Code::DeadlineExceeded, said, refused).await;
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, 4, "nothing was committed");
        served.end().await;
    });
}

#[test]
fn a_result_that_is_too_large_is_cut_off_with_an_error() {
    run(async {
        let limits = ServeLimits { result_bytes_max: 1024 * 1024, ..ServeLimits::default() };
        let served = limited("crowded-size", limits).await;
        let mut wire = served.wire().await;
        let large = "SELECT value, repeat('x', 1000) AS text FROM range(20000)";
        let said = "the result has more than 1048576 bytes";
        let outcome = wire.query(large).await.map(|batches| batches.len());
        assert_one_refused(&served, Code::ResourceExhausted, said, "a query", outcome).await;
        let outcome = wire.update(large).await;
        assert_one_refused(&served, Code::ResourceExhausted, said, "rows that nobody wants", outcome).await;
        let answer = served.web_sql(large).await;
        assert_eq!(answer.status, 413, "{}", answer.body);
        served.until_running(0.0).await;
        served.assert_serves().await;
        served.end().await;
    });
}
