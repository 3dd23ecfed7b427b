//! Clients that stop reading.

use std::time::Duration;

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::{Action, CancelFlightInfoRequest, FlightInfo};
use frostline_server::{Authentication, ServeLimits};
use futures::StreamExt;
use prost::Message;
use tonic::Code;

use crate::served::{Client, Served, number, run, told};

/// A server that runs one statement at a time, each for so long.
async fn one_at_a_time(name: &str, statement_timeout: Duration) -> Served {
    let queue_timeout = Duration::from_secs(20);
    let limits = ServeLimits { concurrent_statements: 1, statement_timeout, queue_timeout, ..ServeLimits::default() };
    Served::start(name, Authentication::Nobody, limits).await
}

/// A result that is larger than what waits on its way, and of which one batch was read.
async fn begun(client: &mut Client) -> (FlightInfo, FlightRecordBatchStream) {
    let sql = "SELECT value, repeat('x', 1000) AS text FROM range(1000000)";
    let info = client.execute(sql.to_owned(), None).await.unwrap();
    let mut stream = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
    (info, stream)
}

/// How a result ends that is read on.
async fn end_of(mut stream: FlightRecordBatchStream) -> Option<Code> {
    while let Some(batch) = stream.next().await {
        if let Err(error) = batch {
            return Some(told(&error).0);
        }
    }
    None
}

#[test]
fn who_reads_no_further_gives_its_turn_back() {
    run(async {
        let served = one_at_a_time("idle", Duration::from_secs(1)).await;
        let (mut idle, mut other) = (served.client().await, served.client().await);
        let (_, stream) = begun(&mut idle).await;
        assert_eq!(number(&mut other, "SELECT 1").await, 1, "when its time is over");
        assert_eq!(end_of(stream).await, Some(Code::DeadlineExceeded), "half a result is none");
        served.end().await;
    });
}

#[test]
fn what_nobody_reads_is_cancelled_all_the_same() {
    run(async {
        let served = one_at_a_time("idle-cancelled", Duration::from_secs(600)).await;
        let (mut idle, mut other) = (served.client().await, served.client().await);
        let (info, stream) = begun(&mut idle).await;
        let cancel = Action::new("CancelFlightInfo", CancelFlightInfoRequest::new(info).encode_to_vec());
        other.do_action(cancel).await.unwrap();
        assert_eq!(number(&mut other, "SELECT 1").await, 1, "its turn was given back");
        assert_eq!(end_of(stream).await, Some(Code::Cancelled));
        served.end().await;
    });
}

#[test]
fn a_connection_without_calls_ends_when_it_is_old() {
    run(async {
        let served = Served::aging("idle-aging", Duration::from_secs(1)).await;
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT 1").await, 1);
        served.until("frostline_connections{door=\"flight\"}", 0.0).await;
        assert_eq!(number(&mut client, "SELECT 2").await, 2, "over another connection");
        served.end().await;
    });
}
