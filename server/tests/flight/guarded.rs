//! A server that asks for tokens.

use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightInfo, Ticket};
use frostline_server::Rights;
use prost::Message;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request};

use crate::served::{Served, fetch, number, query, run, texts, told, update};

fn with<T>(message: T, authorization: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(authorization) = authorization {
        let value = AsciiMetadataValue::try_from(authorization).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
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
