//! Tickets, handles and sessions: of this server, of their owner, as they were made, and for their time.

use std::time::Duration;

use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    Any, CommandPreparedStatementQuery, CommandPreparedStatementUpdate, ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{CancelFlightInfoRequest, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use frostline_server::{Authentication, Rights, ServeLimits};
use prost::Message;
use tonic::{Code, Status};

use crate::refused::{Refusals, assert_refused, check_refused, note};
use crate::served::{Served, run};
use crate::wire::{Wire, bare, query_command, ticket_of};

/// The handle in a ticket.
fn handle_in(ticket: &Bytes) -> Vec<u8> {
    let any = Any::decode(ticket.clone()).unwrap();
    any.unpack::<TicketStatementQuery>().unwrap().unwrap().statement_handle.to_vec()
}

/// A ticket with a handle.
fn ticket_with(handle: Vec<u8>) -> Bytes {
    TicketStatementQuery { statement_handle: handle.into() }.as_any().encode_to_vec().into()
}

async fn prepare(wire: &mut Wire, sql: &str) -> Result<Bytes, Status> {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let answers = wire.act("CreatePreparedStatement", request.as_any().encode_to_vec()).await?;
    let any = Any::decode(answers[0].clone()).unwrap();
    Ok(any.unpack::<ActionCreatePreparedStatementResult>().unwrap().unwrap().prepared_statement_handle)
}

fn prepared_query(handle: &[u8]) -> Vec<u8> {
    let handle = Bytes::copy_from_slice(handle);
    CommandPreparedStatementQuery { prepared_statement_handle: handle }.as_any().encode_to_vec()
}

fn prepared_update(handle: &[u8]) -> Vec<u8> {
    let handle = Bytes::copy_from_slice(handle);
    CommandPreparedStatementUpdate { prepared_statement_handle: handle }.as_any().encode_to_vec()
}

async fn close(wire: &mut Wire, handle: &[u8]) -> Result<Vec<Bytes>, Status> {
    let handle = Bytes::copy_from_slice(handle);
    let request = ActionClosePreparedStatementRequest { prepared_statement_handle: handle };
    wire.act("ClosePreparedStatement", request.as_any().encode_to_vec()).await
}

async fn cancel(wire: &mut Wire, ticket: Bytes) -> Result<Vec<Bytes>, Status> {
    let endpoint = FlightEndpoint { ticket: Some(Ticket { ticket }), ..FlightEndpoint::default() };
    let info = FlightInfo { endpoint: vec![endpoint], ..FlightInfo::default() };
    wire.act("CancelFlightInfo", CancelFlightInfoRequest::new(info).encode_to_vec()).await
}

/// What every use of a handle but its closing answers.
async fn every_use(wire: &mut Wire, handle: &[u8]) -> Refusals {
    let mut refused = Refusals::new();
    note(&mut refused, "GetFlightInfo", wire.info(prepared_query(handle)).await);
    note(&mut refused, "PollFlightInfo", wire.poll(prepared_query(handle)).await);
    note(&mut refused, "GetSchema", wire.schema(prepared_query(handle)).await);
    note(&mut refused, "DoPut of values", wire.put(vec![bare(prepared_query(handle))]).await);
    note(&mut refused, "DoPut of an update", wire.put(vec![bare(prepared_update(handle))]).await);
    refused
}

/// Each byte of some bytes altered, one at a time.
fn altered(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).map(|place| {
        let mut altered = bytes.to_vec();
        altered[place] ^= 1;
        (place, altered)
    })
}

#[test]
fn a_ticket_or_handle_of_which_any_byte_is_altered_opens_nothing() {
    run(async {
        let served = Served::guarded("sealed-altered").await;
        let mut wire = served.wire().await;
        let ticket = ticket_of(&wire.info(query_command("SELECT 1")).await.unwrap());
        let mut refused = Refusals::new();
        for (place, handle) in altered(&handle_in(&ticket)) {
            note(&mut refused, format!("byte {place} of the ticket"), wire.get(ticket_with(handle)).await);
        }
        let cut = handle_in(&ticket);
        for length in [0, 1, 31, 32, 33, cut.len() - 1] {
            note(&mut refused, format!("{length} bytes"), wire.get(ticket_with(cut[..length].to_vec())).await);
        }
        note(&mut refused, "SQL", wire.get(ticket_with(b"SELECT 1".to_vec())).await);
        note(&mut refused, "a cancelled forgery", cancel(&mut wire, ticket_with(b"forged".to_vec())).await);
        assert_refused(&served, Code::Unauthenticated, "not made by this server", refused).await;

        let prepared = prepare(&mut wire, "SELECT 1").await.unwrap();
        let mut refused = Refusals::new();
        for (place, handle) in altered(&prepared) {
            note(&mut refused, format!("byte {place} of the handle"), wire.info(prepared_query(&handle)).await);
        }
        refused.extend(every_use(&mut wire, b"forged").await);
        note(&mut refused, "closing a forgery", close(&mut wire, b"forged").await);
        // A ticket is no handle, and a handle no ticket.
        refused.extend(every_use(&mut wire, &handle_in(&ticket)).await);
        note(&mut refused, "a handle as a ticket", wire.get(ticket_with(prepared.to_vec())).await);
        assert_refused(&served, Code::Unauthenticated, "not made by this server", refused).await;

        // What is around the handle may be altered so that it is no ticket at all; it never opens.
        for (place, altered) in altered(&ticket) {
            let status = wire.get(Bytes::from(altered)).await.expect_err("an altered ticket opens nothing");
            let codes = [Code::Unauthenticated, Code::InvalidArgument, Code::Unimplemented];
            assert!(codes.contains(&status.code()), "byte {place}: {status}");
        }
        assert_eq!(wire.get(ticket).await.unwrap().len(), 2, "the ticket itself opens still");
        wire.info(prepared_query(&prepared)).await.unwrap();
        served.end().await;
    });
}

#[test]
fn nobody_uses_what_belongs_to_another_token() {
    run(async {
        let served = Served::guarded("sealed-others").await;
        let mut ann = served.wire().await;
        ann.set("authorization", format!("Bearer {}", served.token("ann", Rights::Read).await));
        // An admin, who may do more than she.
        let mut bob = served.wire().await;
        let ticket = ticket_of(&ann.info(query_command("SELECT 1")).await.unwrap());
        let handle = prepare(&mut ann, "SELECT 1").await.unwrap();
        let mut refused = every_use(&mut bob, &handle).await;
        note(&mut refused, "DoGet", bob.get(ticket.clone()).await);
        note(&mut refused, "CancelFlightInfo", cancel(&mut bob, ticket.clone()).await);
        note(&mut refused, "ClosePreparedStatement", close(&mut bob, &handle).await);
        assert_refused(&served, Code::PermissionDenied, "belongs to another token", refused).await;
        assert_eq!(ann.get(ticket).await.unwrap().len(), 2, "nothing happened to it");
        ann.info(prepared_query(&handle)).await.unwrap();
        served.end().await;
    });
}

#[test]
fn what_another_process_made_opens_nothing() {
    run(async {
        let one = Served::open("sealed-processes").await;
        let other = Served::of_lake(one.lake.clone(), Authentication::Nobody, ServeLimits::default()).await;
        let (mut here, mut there) = (one.wire().await, other.wire().await);
        let ticket = ticket_of(&here.info(query_command("SELECT 1")).await.unwrap());
        let handle = prepare(&mut here, "SELECT 1").await.unwrap();
        let mut refused = every_use(&mut there, &handle).await;
        note(&mut refused, "DoGet", there.get(ticket).await);
        assert_refused(&other, Code::Unauthenticated, "not made by this server", refused).await;

        let request = here.request(arrow_flight::FlightDescriptor::new_cmd(query_command("SELECT 1")));
        let answer = here.inner().get_flight_info(request).await.unwrap();
        let bearer = answer.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        there.set("authorization", bearer);
        let mut refused = Refusals::new();
        note(&mut refused, "a session of the other", there.info(query_command("SELECT 1")).await);
        assert_refused(&other, Code::Unauthenticated, "the session is over", refused).await;
        one.end().await;
        other.end().await;
    });
}

#[test]
fn a_closed_handle_and_a_cancelled_ticket_are_not_found() {
    run(async {
        let served = Served::open("sealed-closed").await;
        let mut wire = served.wire().await;
        let handle = prepare(&mut wire, "SELECT 1").await.unwrap();
        close(&mut wire, &handle).await.unwrap();
        close(&mut wire, &handle).await.expect("twice is no error");
        let refused = every_use(&mut wire, &handle).await;
        assert_refused(&served, Code::NotFound, "prepare it again", refused).await;
        let ticket = ticket_of(&wire.info(query_command("SELECT 1")).await.unwrap());
        cancel(&mut wire, ticket.clone()).await.unwrap();
        let mut refused = Refusals::new();
        note(&mut refused, "DoGet", wire.get(ticket).await);
        assert_refused(&served, Code::NotFound, "ask for the result again", refused).await;
        served.end().await;
    });
}

#[test]
fn tickets_and_handles_end_when_their_time_is_over() {
    run(async {
        // No time at all, so that nobody has to wait for its end.
        let limits = ServeLimits { idle_timeout: Duration::ZERO, ..ServeLimits::default() };
        let served = Served::start("sealed-expired", Authentication::Nobody, limits).await;
        let mut wire = served.wire().await;
        let ticket = ticket_of(&wire.info(query_command("SELECT 1")).await.unwrap());
        let mut refused = Refusals::new();
        note(&mut refused, "DoGet", wire.get(ticket).await);
        check_refused(Code::NotFound, "has expired", &refused);
        let handle = prepare(&mut wire, "SELECT 1").await.unwrap();
        check_refused(Code::NotFound, "nobody used it for long", &every_use(&mut wire, &handle).await);
        // What needs neither goes on.
        assert_eq!(served.web_sql("SELECT 1").await.status, 200);
        wire.update("CREATE TABLE t (id BIGINT)").await.unwrap();
        served.end().await;
    });
}
