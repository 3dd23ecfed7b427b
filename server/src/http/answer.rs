//! What is sent back: rows as they are computed, or why there are none.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use frostline_engine::export::{ExportError, RowEncoder};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};

use super::accept::RowForm;
use super::request::RequestError;
use crate::flight::plain::{messages, plain_schema};
use crate::gateway::{GatewayError, RunningRows};

/// The version that an answer was read at, or that it made.
const VERSION: &str = "x-frostline-version";

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The kind in a word, for programs.
    pub(super) kind: &'static str,
    /// What is wrong and what to do, for people.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn no_form() -> Self {
        let message = "rows are sent as application/json, application/x-ndjson, text/csv and \
                       application/vnd.apache.arrow.stream; ask for one of them with `accept`";
        Self { status: StatusCode::NOT_ACCEPTABLE, kind: "request", message: message.to_owned() }
    }

    pub(super) fn long_body(most: usize) -> Self {
        let message = format!("the body is longer than {most} bytes, or broke off");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, kind: "size", message }
    }

    pub(super) fn slow_body() -> Self {
        let message = "the body did not arrive in time".to_owned();
        Self { status: StatusCode::REQUEST_TIMEOUT, kind: "timeout", message }
    }

    /// HTTP/1.0 has no chunks: a result that breaks off would end as a whole one does.
    pub(super) fn old_version() -> Self {
        let message = "rows are sent in chunks, which HTTP/1.0 has not; use HTTP/1.1 (nginx: `proxy_http_version 1.1`)";
        Self { status: StatusCode::HTTP_VERSION_NOT_SUPPORTED, kind: "request", message: message.to_owned() }
    }

    /// Without tokens, nothing tells what a user sends from what a page sends that they look at.
    pub(super) fn web_page() -> Self {
        let message = "a server that asks for no token takes no statements from web pages; ask for tokens".to_owned();
        Self { status: StatusCode::FORBIDDEN, kind: "forbidden", message }
    }

    /// What is sent.
    pub(super) fn answer(&self) -> Response {
        let body = json!({ "error": { "kind": self.kind, "message": self.message } });
        let mut response = json_answer(self.status, &body);
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let schemes = HeaderValue::from_static("Bearer realm=\"frostline\", Basic realm=\"frostline\"");
                headers.insert(WWW_AUTHENTICATE, schemes);
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl From<GatewayError> for Refusal {
    fn from(error: GatewayError) -> Self {
        let status = match &error {
            GatewayError::StatementLength { .. } | GatewayError::ResultSize { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            other => StatusCode::from_u16(other.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let message = match &error {
            GatewayError::Internal(source) => {
                tracing::error!(target: "frostline::serve", %source, "internal error");
                error.to_string()
            }
            other => other.full_text(),
        };
        Self { status, kind: error.kind(), message }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "request", message: error.to_string() }
    }
}

impl From<ExportError> for Refusal {
    fn from(error: ExportError) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "statement", message: error.to_string() }
    }
}

/// An answer with this body.
pub(super) fn respond(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// An answer of JSON.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response {
    respond(status, "application/json", Body::from(format!("{value}\n")))
}

/// The same answer, saying the version.
pub(super) fn with_version(mut response: Response, version: u64) -> Response {
    response.headers_mut().insert(VERSION, HeaderValue::from(version));
    response
}

/// Rows on their way.
struct Sending {
    batches: BoxStream<'static, Result<RecordBatch, GatewayError>>,
    encoder: Box<dyn RowEncoder>,
    /// The columns that a client of Arrow reads, without what few know; `None` where values become text.
    plain: Option<SchemaRef>,
    /// Bytes that are made already.
    head: Vec<u8>,
    /// The batch that was waited for before the answer began.
    first: Option<RecordBatch>,
    ended: bool,
}

/// An answer with rows. Whatever goes wrong before the first batch is a refusal; after that the connection breaks off,
/// so that nobody takes half a result for a whole one.
pub(super) async fn rows_answer(mut rows: RunningRows, form: RowForm) -> Result<Response, Refusal> {
    let version = rows.version.number();
    let first = rows.batches.next().await.transpose()?;
    let mut encoder = form.encoder();
    let mut head: Vec<u8> = Vec::new();
    let plain = (form == RowForm::Arrow).then(|| plain_schema(&rows.columns));
    encoder.begin(plain.as_ref().unwrap_or(&rows.columns), &mut head)?;
    let sending = Sending { batches: rows.batches, encoder, plain, head, ended: false, first };
    // The next batch is asked for when the client has taken the one before.
    let chunks = futures::stream::try_unfold(sending, Sending::next_chunk);
    Ok(with_version(respond(StatusCode::OK, form.media_type(), Body::from_stream(chunks)), version))
}

impl Sending {
    /// The bytes of the next batch; `None` after the last.
    async fn next_chunk(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        while !self.ended {
            let batch = match self.first.take() {
                Some(batch) => Some(batch),
                None => self.batches.next().await.transpose()?,
            };
            let mut bytes = std::mem::take(&mut self.head);
            match batch {
                Some(batch) => match &self.plain {
                    None => self.encoder.rows(&batch, &mut bytes)?,
                    Some(columns) => {
                        for message in messages(&batch, columns)? {
                            self.encoder.rows(&message, &mut bytes)?;
                        }
                    }
                },
                None => {
                    self.encoder.end(&mut bytes)?;
                    self.ended = true;
                }
            }
            if !bytes.is_empty() {
                return Ok(Some((Bytes::from(bytes), self)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(error: GatewayError) -> u16 {
        Refusal::from(error).status.as_u16()
    }

    #[test]
    fn every_refusal_has_the_status_that_says_what_to_do() {
        use crate::identity::{IdentityError, Rights};
        use crate::limits::LimitError;
        assert_eq!(status(IdentityError::Missing.into()), 401);
        let (has, needs) = (Rights::Read, Rights::Write);
        assert_eq!(status(GatewayError::Forbidden { name: "ann".to_owned(), has, needs }), 403);
        assert_eq!(status(LimitError::QueueFull { running: 1, waiting: 1 }.into()), 429);
        assert_eq!(status(LimitError::Closed.into()), 503);
        assert_eq!(status(GatewayError::TimedOut { most: std::time::Duration::from_secs(1) }), 504);
        assert_eq!(status(GatewayError::StatementLength { bytes: 2, most: 1 }), 413);
        assert_eq!(status(GatewayError::Internal("a secret".into())), 500);
    }

    #[test]
    fn what_broke_inside_is_not_told() {
        let refusal = Refusal::from(GatewayError::Internal("a secret".into()));
        assert!(!refusal.message.contains("secret"), "{}", refusal.message);
    }
}
