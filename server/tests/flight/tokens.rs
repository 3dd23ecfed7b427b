//! Nobody is let in without a token that holds, whatever they call.

use std::time::Duration;

use arrow_flight::{BasicAuth, Criteria, Empty, FlightDescriptor, HandshakeRequest, Ticket};
use bytes::Bytes;
use frostline_server::{NewToken, Rights, create_token, revoke_token};
use futures::{TryStreamExt, stream};
use prost::Message;
use tonic::Code;

use crate::refused::{Refusals, assert_refused, note};
use crate::served::{Served, number, run};
use crate::wire::{Wire, bare, query_command};

/// Actions that there are not, beside those that the server tells of.
const OTHER_ACTIONS: [&str; 5] =
    ["BeginSavepoint", "EndSavepoint", "CreatePreparedSubstraitPlan", "RenewFlightEndpoint", "NoSuchAction"];

/// The actions that the server tells of.
async fn actions(wire: &mut Wire) -> Vec<String> {
    let request = wire.request(Empty {});
    let told: Vec<arrow_flight::ActionType> =
        wire.inner().list_actions(request).await.unwrap().into_inner().try_collect().await.unwrap();
    told.into_iter().map(|action| action.r#type).collect()
}

/// What every call answers to a client.
async fn every_call(wire: &mut Wire, actions: &[String]) -> Refusals {
    let mut refused = Refusals::new();
    let command = || query_command("SELECT 1");
    let handshake = wire.request(stream::iter([HandshakeRequest::default()]));
    note(&mut refused, "Handshake", wire.inner().handshake(handshake).await);
    let silent = wire.request(stream::empty::<HandshakeRequest>());
    note(&mut refused, "Handshake without a message", wire.inner().handshake(silent).await);
    let list_flights = wire.request(Criteria::default());
    note(&mut refused, "ListFlights", wire.inner().list_flights(list_flights).await);
    note(&mut refused, "GetFlightInfo", wire.info(command()).await);
    note(&mut refused, "PollFlightInfo", wire.poll(command()).await);
    note(&mut refused, "GetSchema", wire.schema(command()).await);
    note(&mut refused, "DoGet", wire.get(Bytes::from(command())).await);
    note(&mut refused, "DoPut", wire.put(vec![bare(command())]).await);
    let exchange = wire.request(stream::iter([bare(command())]));
    note(&mut refused, "DoExchange", wire.inner().do_exchange(exchange).await);
    for action in actions {
        note(&mut refused, format!("DoAction {action}"), wire.act(action, Vec::new()).await);
    }
    let list_actions = wire.request(Empty {});
    note(&mut refused, "ListActions", wire.inner().list_actions(list_actions).await);
    refused
}

/// Authorizations that open nothing, and what is said of each.
async fn authorizations(served: &Served) -> Vec<(Option<String>, &'static str)> {
    let revoked = served.token("gone", Rights::Admin).await;
    revoke_token(&served.lake, "gone", "test", "").await.unwrap();
    let brief = NewToken {
        name: "brief".to_owned(),
        rights: Rights::Admin,
        expires_in: Some(Duration::ZERO),
        author: "test".to_owned(),
        message: String::new(),
    };
    let expired = create_token(&served.lake, brief).await.unwrap().text;
    let first = served.first_token();
    let (front, last) = first.split_at(first.len() - 1);
    let wrong = format!("{front}{}", if last == "0" { "1" } else { "0" });
    let session = "0".repeat(32);
    vec![
        (None, "no token was sent"),
        (Some("Digest x".to_owned()), "holds no token"),
        (Some("Basic !!".to_owned()), "holds no token"),
        (Some("Bearer None".to_owned()), "the token is not valid"),
        (Some(format!("Bearer {wrong}")), "the token is not valid"),
        (Some(format!("Bearer {wrong}~{session}")), "the token is not valid"),
        (Some(format!("Bearer {expired}")), "token `brief` has expired"),
        (Some(format!("Bearer {revoked}")), "token `gone` was revoked"),
        (Some(format!("Bearer {revoked}~{session}")), "token `gone` was revoked"),
    ]
}

#[test]
fn every_call_asks_for_a_token_that_holds() {
    run(async {
        let served = Served::guarded("tokens-calls").await;
        let mut actions = actions(&mut served.wire().await).await;
        assert!(actions.len() >= 9, "{actions:?}");
        actions.extend(OTHER_ACTIONS.map(str::to_owned));
        let channel = served.channel().await;
        for (authorization, said) in authorizations(&served).await {
            let mut wire = Wire::new(channel.clone());
            if let Some(authorization) = authorization {
                wire.set("authorization", authorization);
            }
            let refused = every_call(&mut wire, &actions).await;
            assert_refused(&served, Code::Unauthenticated, said, refused).await;
        }
        let mut client = served.client_with(&served.first_token()).await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.tables").await, 0);
        served.end().await;
    });
}

#[test]
fn http_asks_for_a_token_that_holds() {
    run(async {
        let served = Served::guarded("tokens-http").await;
        // Only Flight has sessions that travel behind the token.
        let is_sessions = |sent: &Option<String>| sent.as_ref().is_some_and(|sent| sent.contains('~'));
        let all = authorizations(&served).await;
        for (authorization, said) in all.into_iter().filter(|(sent, _)| !is_sessions(sent)) {
            for (method, path, body) in [("POST", "/sql", "SELECT 1"), ("GET", "/metrics", "")] {
                let answer = served.web(method, path, authorization.as_deref(), body).await;
                assert_eq!(answer.status, 401, "{path} with {authorization:?}: {}", answer.body);
                assert!(answer.body.contains(said), "{path}: {}", answer.body);
                assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
            }
        }
        assert_eq!(served.web("GET", "/health", None, "").await.status, 200, "that one is for everybody");
        assert_eq!(served.web_sql("SELECT 1").await.status, 200);
        assert!(served.metric("frostline_refused_total{reason=\"token\"}").await > 0.0, "it is counted");
        served.end().await;
    });
}

#[test]
fn a_handshake_takes_the_password_in_its_message_too() {
    run(async {
        let served = Served::guarded("tokens-handshake").await;
        let auth = |password: String| {
            let auth = BasicAuth { username: "anybody".to_owned(), password };
            HandshakeRequest { protocol_version: 0, payload: auth.encode_to_vec().into() }
        };
        let mut wire = Wire::new(served.channel().await);
        let mut refused = Refusals::new();
        for (what, payload) in [
            ("a wrong password", auth("fl_0011223344556677_00".to_owned())),
            ("bytes that are no message", HandshakeRequest { protocol_version: 0, payload: vec![0xff; 5].into() }),
        ] {
            note(&mut refused, what, wire.inner().handshake(stream::iter([payload])).await);
        }
        assert_refused(&served, Code::Unauthenticated, "token", refused).await;
        let answer = wire.inner().handshake(stream::iter([auth(served.first_token())])).await.unwrap();
        let bearer = answer.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        wire.set("authorization", bearer);
        wire.info(query_command("SELECT 1")).await.unwrap();
        let told = FlightDescriptor::new_cmd(query_command("SELECT 1"));
        let request = wire.request(told);
        assert!(wire.inner().get_flight_info(request).await.unwrap().metadata().get("set-cookie").is_none());
        let nothing = wire.request(Ticket { ticket: Bytes::new() });
        assert_eq!(wire.inner().do_get(nothing).await.unwrap_err().code(), Code::InvalidArgument);
        served.end().await;
    });
}
