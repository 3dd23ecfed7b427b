//! What clients set for the calls that follow.

use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, FlightDescriptor, HandshakeRequest};
use bytes::Bytes;
use prost::Message;
use tonic::{Code, Request};

use crate::served::{Client, Served, number, query, run, texts, told, update};

/// `SetSessionOptionsRequest` with texts, as the protocol writes it.
pub(super) fn options(pairs: &[(&str, &str)]) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| -> Vec<u8> {
        let mut field = vec![tag, u8::try_from(bytes.len()).unwrap()];
        field.extend_from_slice(bytes);
        field
    };
    pairs
        .iter()
        .flat_map(|(name, value)| {
            let entry = [field(0x0a, name.as_bytes()), field(0x12, &field(0x0a, value.as_bytes()))].concat();
            field(0x0a, &entry)
        })
        .collect()
}

async fn act(client: &mut Client, name: &str, body: Vec<u8>) -> Result<Bytes, (Code, String)> {
    let mut answers = client.do_action(Action::new(name, body)).await.map_err(|error| told(&error))?;
    Ok(answers.message().await.unwrap().map(|answer| answer.body).unwrap_or_default())
}

async fn two_versions(client: &mut Client) {
    update(client, "CREATE TABLE t (id BIGINT)").await;
    update(client, "INSERT INTO t VALUES (1)").await;
    update(client, "INSERT INTO t VALUES (2)").await;
}

#[test]
fn a_handshake_begins_a_session() {
    run(async {
        let served = Served::open("session").await;
        let mut client = served.client().await;
        client.handshake("anybody", "anything").await.unwrap();
        two_versions(&mut client).await;
        let count = "SELECT count(*) FROM t";
        update(&mut client, "SET frostline.as_of = 3").await;
        assert_eq!(number(&mut client, count).await, 1);
        let error = client.execute_update("INSERT INTO t VALUES (3)".to_owned(), None).await.unwrap_err();
        assert_eq!(told(&error).0, Code::InvalidArgument, "the past is not written");

        act(&mut client, "SetSessionOptions", options(&[("as_of", ""), ("author", "ada")])).await.unwrap();
        assert_eq!(number(&mut client, count).await, 2);
        update(&mut client, "INSERT INTO t VALUES (3)").await;
        let author = "SELECT author FROM system.commits ORDER BY version DESC LIMIT 1";
        assert_eq!(texts(&query(&mut client, author).await, 0), ["ada"]);
        let told_options = act(&mut client, "GetSessionOptions", Vec::new()).await.unwrap();
        let text = String::from_utf8_lossy(&told_options).into_owned();
        assert!(text.contains("author") && text.contains("ada") && text.contains("public"), "{text}");

        let mut other = served.client().await;
        assert_eq!(number(&mut other, count).await, 3, "nobody else is in this session");
        act(&mut client, "CloseSession", Vec::new()).await.unwrap();
        act(&mut client, "CloseSession", Vec::new()).await.unwrap();
        let error = client.execute(count.to_owned(), None).await.unwrap_err();
        assert_eq!(told(&error).0, Code::Unauthenticated, "the session is over");
        served.end().await;
    });
}

#[test]
fn options_say_what_is_wrong_with_them() {
    run(async {
        let served = Served::open("session-options").await;
        let mut client = served.client().await;
        client.handshake("anybody", "").await.unwrap_or_default();
        for (name, value, said) in [
            ("as_of", "99", "version 99 does not exist"),
            ("schema", "nowhere", "schema `nowhere` not found"),
            ("catalog", "other", "there is only `lake`"),
            ("branch", "dev", "there is only `main`"),
            ("colour", "blue", "there is no session option `colour`"),
        ] {
            let (code, message) = act(&mut client, "SetSessionOptions", options(&[(name, value)])).await.unwrap_err();
            assert_eq!(code, Code::InvalidArgument, "{message}");
            assert!(message.contains(said), "{message}");
        }
        let (code, _) = act(&mut client, "SetSessionOptions", vec![0xff]).await.unwrap_err();
        assert_eq!(code, Code::InvalidArgument);
        served.end().await;
    });
}

#[test]
fn headers_hold_for_one_call() {
    run(async {
        let served = Served::open("session-headers").await;
        let mut client = served.client().await;
        two_versions(&mut client).await;
        let mut past = served.client().await;
        past.set_header("as_of", "3");
        assert_eq!(number(&mut past, "SELECT count(*) FROM t").await, 1);
        past.set_header("as_of", "99");
        let error = past.execute("SELECT 1".to_owned(), None).await.unwrap_err();
        assert_eq!(told(&error).0, Code::InvalidArgument, "{error}");
        let mut named = served.client().await;
        named.set_header("author", "grace");
        named.set_header("message", "because");
        update(&mut named, "INSERT INTO t VALUES (4)").await;
        let last = "SELECT author || ': ' || message FROM system.commits ORDER BY version DESC LIMIT 1";
        assert_eq!(texts(&query(&mut client, last).await, 0), ["grace: because"]);
        served.end().await;
    });
}

#[test]
fn who_keeps_no_session_cannot_set_anything_unawares() {
    run(async {
        let served = Served::open("session-none").await;
        let mut client = served.client().await;
        let error = client.execute("SET frostline.as_of = 1".to_owned(), None).await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::FailedPrecondition, "{message}");
        assert!(message.contains("keeps no session"), "{message}");
        served.end().await;
    });
}

#[test]
fn a_session_travels_behind_the_token_or_as_a_cookie() {
    run(async {
        let served = Served::open("session-travels").await;
        let mut raw = served.raw().await;
        let info = |sql: &str| {
            let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
            FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
        };
        let first = raw.get_flight_info(info("SELECT 1")).await.unwrap();
        let bearer = first.metadata().get("authorization").unwrap().clone();
        let cookie = first.metadata().get("set-cookie").unwrap().to_str().unwrap().to_owned();
        let cookie = cookie.split(';').next().unwrap().to_owned();

        let mut with_bearer = Request::new(info("SET frostline.message = 'kept'"));
        with_bearer.metadata_mut().insert("authorization", bearer);
        let answer = raw.get_flight_info(with_bearer).await.unwrap();
        assert!(answer.metadata().get("set-cookie").is_none(), "it has a session");
        let mut with_cookie = Request::new(Action::new("GetSessionOptions", Vec::new()));
        with_cookie.metadata_mut().insert("cookie", cookie.parse().unwrap());
        let answer = raw.do_action(with_cookie).await.unwrap().into_inner().message().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer.body).contains("kept"));

        let mut strange = Request::new(info("SELECT 1"));
        strange.metadata_mut().insert("authorization", format!("Bearer x~{}", "0".repeat(32)).parse().unwrap());
        let error = raw.get_flight_info(strange).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");

        let request = Request::new(futures::stream::iter([HandshakeRequest::default()]));
        let answer = raw.handshake(request).await.unwrap();
        assert!(answer.metadata().get("authorization").is_some());
        served.end().await;
    });
}
