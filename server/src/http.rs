//! HTTP: for probes, for Prometheus, and for programs that have no Flight SQL.
//!
//! | request | what it gives | who may |
//! |---|---|---|
//! | `GET /health` | 200 while the process lives | anybody |
//! | `GET /ready` | 200 while the lake answers, with its newest version; else 503 | anybody |
//! | `GET /metrics` | the counters, as Prometheus reads them | who has a token |
//! | `POST /sql` | rows, as they are computed; or the version that was made | who has a token with the right |

mod accept;
mod answer;
mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::Response;
use axum::routing::{get, post};
use frostline_catalog::BranchId;
use serde_json::json;

use crate::gateway::{Answered, Gateway, GatewayError, SessionOptions};
use crate::limits::Limits;
use crate::metrics::MEDIA_TYPE;
use accept::RowForm;
use answer::{Refusal, json_answer, respond, rows_answer, with_version};
use request::SqlRequest;

/// How long the lake has to answer a probe.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may take to send a statement.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The header that a token comes in.
const AUTHORIZATION: &str = "authorization";

/// The header in which a browser names the page that a request comes from.
const ORIGIN: &str = "origin";

/// The headers that set something for one statement.
const OPTIONS: [&str; 6] = ["catalog", "schema", "as_of", "branch", "author", "message"];

/// What every request finds.
#[derive(Clone)]
struct HttpDoor {
    gateway: Arc<Gateway>,
    /// How long a body may be. JSON spells a statement longer than it is.
    body_bytes_max: usize,
}

/// The ways in over HTTP.
pub(crate) fn router(gateway: Arc<Gateway>, limits: &Limits) -> Router {
    let body_bytes_max = limits.statement_bytes_max().saturating_mul(2).saturating_add(4096);
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/sql", post(sql))
        .fallback(nowhere)
        .method_not_allowed_fallback(other_method)
        .with_state(HttpDoor { gateway, body_bytes_max })
}

async fn health() -> Response {
    json_answer(StatusCode::OK, &json!({ "alive": true }))
}

async fn nowhere() -> Response {
    let message = "there is nothing here; there are /health, /ready, /metrics and /sql".to_owned();
    Refusal { status: StatusCode::NOT_FOUND, kind: "request", message }.answer()
}

async fn other_method() -> Response {
    let message = "this takes another method: /sql takes POST, the others GET".to_owned();
    Refusal { status: StatusCode::METHOD_NOT_ALLOWED, kind: "request", message }.answer()
}

async fn ready(State(door): State<HttpDoor>) -> Response {
    let refreshed = tokio::time::timeout(READY_TIMEOUT, door.gateway.lake().refresh()).await;
    let problem = match refreshed {
        Ok(Ok(state)) => {
            let version = state.newest(BranchId::MAIN).map(|version| version.number());
            return json_answer(StatusCode::OK, &json!({ "ready": true, "version": version }));
        }
        Ok(Err(error)) => GatewayError::from(error).full_text(),
        Err(_) => format!("the lake did not answer within {} s", READY_TIMEOUT.as_secs()),
    };
    tracing::warn!(target: "frostline::serve", problem, "not ready");
    let message = "the lake does not answer; the server's log says more".to_owned();
    Refusal { status: StatusCode::SERVICE_UNAVAILABLE, kind: "lake", message }.answer()
}

async fn metrics(State(door): State<HttpDoor>, headers: HeaderMap) -> Response {
    match door.gateway.principal(text_of(&headers, AUTHORIZATION)).await {
        Ok(_) => respond(StatusCode::OK, MEDIA_TYPE, Body::from(door.gateway.metrics().encode())),
        Err(error) => Refusal::from(error).answer(),
    }
}

async fn sql(State(door): State<HttpDoor>, request: Request) -> Response {
    match run(&door, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(),
    }
}

async fn run(door: &HttpDoor, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let gateway = &door.gateway;
    if parts.version < Version::HTTP_11 {
        return Err(Refusal::old_version());
    }
    // Nobody sends a body without a token.
    let principal = gateway.principal(text_of(headers, AUTHORIZATION)).await?;
    // Browsers send along what any page that is open in them asks of this machine, and name the page.
    if principal.token_id.is_empty() && headers.contains_key(ORIGIN) {
        return Err(Refusal::web_page());
    }
    let form = RowForm::choose(text_of(headers, "accept")).ok_or_else(Refusal::no_form)?;
    let options = options_of(headers)?;
    let bytes = match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, door.body_bytes_max)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Refusal::long_body(door.body_bytes_max)),
        Err(_) => return Err(Refusal::slow_body()),
    };
    let request = SqlRequest::read(text_of(headers, "content-type"), &bytes)?;
    let session = gateway.session(&principal, &options).await?;
    match gateway.run(&principal, &session, &request.sql, &request.parameters).await? {
        Answered::Rows(rows) => rows_answer(rows, form).await,
        Answered::Committed(committed) => {
            let version = committed.version.number();
            let answer = json!({ "version": version, "rows": committed.rows, "summary": committed.summary });
            Ok(with_version(json_answer(StatusCode::OK, &answer), version))
        }
        Answered::Done { version } => {
            let version = version.number();
            Ok(with_version(json_answer(StatusCode::OK, &json!({ "version": version, "rows": 0 })), version))
        }
    }
}

/// A header's value, if it is there and is text.
fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn options_of(headers: &HeaderMap) -> Result<SessionOptions, GatewayError> {
    let mut options = SessionOptions::default();
    for name in OPTIONS {
        let Some(value) = headers.get(name) else { continue };
        let text = std::str::from_utf8(value.as_bytes());
        let text = text.map_err(|_| GatewayError::malformed("a header", format!("`{name}` is not UTF-8")))?;
        options.set(name, text.to_owned())?;
    }
    Ok(options)
}
