//! A server that asks for tokens.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{Any, CommandStatementQuery, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{Action, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket};
use frostline_server::{Rights, revoke_token};
use futures::stream;
use prost::Message;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::served::{Served, fetch, number, query, run, texts, told, update};

fn with<T>(message: T, authorization: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(authorization) = authorization {
        let value = AsciiMetadataValue::try_from(authorization).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

fn select_one() -> FlightDescriptor {
    let command = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

/// What every call answers to an authorization.
async fn every_call(raw: &mut FlightServiceClient<Channel>, sent: Option<&str>) -> Vec<(&'static str, Status)> {
    let data = || stream::iter([FlightData { flight_descriptor: Some(select_one()), ..FlightData::default() }]);
    let ticket = Ticket { ticket: select_one().cmd };
    vec![
        ("Handshake", raw.handshake(with(stream::iter([HandshakeRequest::default()]), sent)).await.map(drop)),
        ("ListFlights", raw.list_flights(with(Criteria::default(), sent)).await.map(drop)),
        ("GetFlightInfo", raw.get_flight_info(with(select_one(), sent)).await.map(drop)),
        ("PollFlightInfo", raw.poll_flight_info(with(select_one(), sent)).await.map(drop)),
        ("GetSchema", raw.get_schema(with(select_one(), sent)).await.map(drop)),
        ("DoGet", raw.do_get(with(ticket, sent)).await.map(drop)),
        ("DoPut", raw.do_put(with(data(), sent)).await.map(drop)),
        ("DoExchange", raw.do_exchange(with(data(), sent)).await.map(drop)),
        ("DoAction", raw.do_action(with(Action::new("CloseSession", Vec::new()), sent)).await.map(drop)),
        ("ListActions", raw.list_actions(with(Empty {}, sent)).await.map(drop)),
    ]
    .into_iter()
    .map(|(name, outcome)| (name, outcome.expect_err(name)))
    .collect()
}

#[test]
fn every_call_asks_for_a_token_that_holds() {
    run(async {
        let served = Served::guarded("guarded").await;
        let revoked = served.token("gone", Rights::Admin).await;
        revoke_token(&served.lake, "gone", "test", "").await.unwrap();
        let wrong = format!("Bearer {}0", &revoked[..revoked.len() - 1]);
        let revoked = format!("Bearer {revoked}");
        let mut raw = served.raw().await;
        for sent in [None, Some("Bearer None"), Some("Digest x"), Some(wrong.as_str()), Some(revoked.as_str())] {
            for (name, status) in every_call(&mut raw, sent).await {
                assert_eq!(status.code(), Code::Unauthenticated, "{name} with {sent:?}: {status}");
            }
        }
        let mut client = served.client_with(&served.first_token()).await;
        assert_eq!(number(&mut client, "SELECT 1").await, 1);
        served.end().await;
    });
}

#[test]
fn a_password_is_taken_for_a_token_and_rights_are_kept() {
    run(async {
        let served = Served::guarded("rights").await;
        let mut writer = served.client().await;
        let token = served.token("etl", Rights::Write).await;
        writer.handshake("whoever", &token).await.unwrap();
        update(&mut writer, "CREATE TABLE t (id BIGINT)").await;
        let author = "SELECT author FROM system.commits ORDER BY version DESC LIMIT 1";
        assert_eq!(texts(&query(&mut writer, author).await, 0), ["etl"]);
        writer.set_header("author", "ada");
        update(&mut writer, "INSERT INTO t VALUES (1)").await;
        assert_eq!(texts(&query(&mut writer, author).await, 0), ["ada (token etl)"]);

        let mut reader = served.client_with(&served.token("bi", Rights::Read).await).await;
        assert_eq!(number(&mut reader, "SELECT count(*) FROM t").await, 1);
        for sql in ["INSERT INTO t VALUES (2)", "DROP TABLE t", "CREATE TAG x"] {
            let error = reader.execute(sql.to_owned(), None).await.unwrap_err();
            assert_eq!(told(&error).0, Code::PermissionDenied, "{error}");
            let error = reader.execute_update(sql.to_owned(), None).await.unwrap_err();
            assert_eq!(told(&error).0, Code::PermissionDenied, "{error}");
            assert!(reader.prepare(sql.to_owned(), None).await.is_err());
        }
        assert_eq!(number(&mut reader, "SELECT count(*) FROM t").await, 1);
        served.end().await;
    });
}

/// The result with its ticket's handle altered.
fn altered(info: &FlightInfo, alter: impl Fn(&mut Vec<u8>)) -> FlightInfo {
    let mut info = info.clone();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let handle = Any::decode(ticket.ticket).unwrap().unpack::<TicketStatementQuery>().unwrap().unwrap();
    let mut bytes = handle.statement_handle.to_vec();
    alter(&mut bytes);
    let ticket = TicketStatementQuery { statement_handle: bytes.into() }.as_any().encode_to_vec();
    info.endpoint[0].ticket = Some(Ticket { ticket: ticket.into() });
    info
}

#[test]
fn a_ticket_is_its_owners_and_cannot_be_made_or_altered() {
    run(async {
        let served = Served::guarded("tickets").await;
        let mut ann = served.client_with(&served.token("ann", Rights::Read).await).await;
        let mut bob = served.client_with(&served.token("bob", Rights::Admin).await).await;
        let info = ann.execute("SELECT 1".to_owned(), None).await.unwrap();
        let error = fetch(&mut bob, &info).await.unwrap_err();
        assert_eq!(told(&error).0, Code::PermissionDenied, "{error}");
        let alterations: [fn(&mut Vec<u8>); 4] = [
            |bytes| bytes[0] ^= 1,
            |bytes| {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            },
            |bytes| bytes.truncate(20),
            |bytes| *bytes = b"SELECT 1".to_vec(),
        ];
        for alter in alterations {
            let error = fetch(&mut ann, &altered(&info, alter)).await.unwrap_err();
            assert_eq!(told(&error).0, Code::Unauthenticated, "{error}");
        }
        assert_eq!(fetch(&mut ann, &info).await.unwrap().len(), 1, "the ticket itself still opens");

        let mut prepared = ann.prepare("SELECT 2".to_owned(), None).await.unwrap();
        let descriptor = prepared.execute().await.unwrap().flight_descriptor.unwrap();
        let token = bob.token().cloned().unwrap();
        let theirs = with(descriptor, Some(&format!("Bearer {token}")));
        let error = bob.inner_mut().get_flight_info(theirs).await.unwrap_err();
        assert_eq!(error.code(), Code::PermissionDenied, "{error}");
        served.end().await;
    });
}
