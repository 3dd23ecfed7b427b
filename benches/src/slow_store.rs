//! A store that speaks S3 as far as a lake asks, and answers as late as it is told to: an instrument, not a product.
//!
//! ```text
//!   PUT, PUT If-None-Match: *     an object, or 412 if one is there
//!   GET, GET Range, HEAD          an object, or 404
//!   DELETE, POST ?delete          gone
//! ```
//!
//! * What it takes itself is well below a millisecond, so that what a request takes is what was injected.
//! * Objects are in memory and end with it. Signatures are not looked at, lists and uploads in parts are refused.
//! * It shows what requests cost. That a lake is correct on S3 is tested elsewhere, against a server that is strict.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use chrono::DateTime;
use frostline_catalog::io::{Clock, StoreOptions, SystemClock};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The only bucket.
pub(crate) const BUCKET: &str = "benches";

/// The region that it says it is in.
pub(crate) const REGION: &str = "us-east-1";

/// Who asks. Nobody checks it, but clients want to sign with something.
pub(crate) const KEY_ID: &str = "benches";

/// The secret to it.
pub(crate) const SECRET: &str = "not-a-secret";

/// The profile in the file of credentials.
const PROFILE: &str = "benches";

/// How long requests wait before they are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delays {
    /// GET and HEAD.
    pub(crate) read: Duration,
    /// All others.
    pub(crate) write: Duration,
}

/// When a request came, and when its answer was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    begin: Instant,
    end: Instant,
}

/// A store on a port of this machine, as long as it is kept.
#[derive(Debug)]
pub(crate) struct SlowStore {
    address: SocketAddr,
    credentials: PathBuf,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<HashMap<String, Object>>,
    /// How many objects there were, which numbers them.
    created: AtomicU64,
    read_delay_micros: AtomicU64,
    write_delay_micros: AtomicU64,
    answered: Mutex<Vec<Span>>,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    tag: HeaderValue,
    modified: HeaderValue,
}

impl SlowStore {
    /// An empty store without delays. A file of credentials is put into a folder, which must outlive it.
    pub(crate) async fn start(folder: &Path) -> io::Result<Self> {
        let credentials = folder.join("credentials");
        let text = format!("[{PROFILE}]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n");
        fs::write(&credentials, text)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, credentials, shared, accepting })
    }

    /// Its address, as clients take it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How a lake in this process reaches it.
    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            s3_endpoint: Some(self.endpoint()),
            s3_region: Some(REGION.to_owned()),
            s3_path_style: Some(true),
            s3_profile: Some(PROFILE.to_owned()),
            s3_credentials_file: Some(self.credentials.clone()),
        }
    }

    /// How the `frostline` program reaches it.
    pub(crate) fn flags(&self) -> Vec<String> {
        vec![
            format!("--s3-endpoint={}", self.endpoint()),
            format!("--s3-region={REGION}"),
            "--s3-path-style=true".to_owned(),
            format!("--s3-profile={PROFILE}"),
            format!("--s3-credentials-file={}", self.credentials.display()),
        ]
    }

    /// Lets requests wait so long from now on.
    pub(crate) fn set_delays(&self, delays: Delays) {
        let micros = |delay: Duration| u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.read_delay_micros.store(micros(delays.read), Ordering::Relaxed);
        self.shared.write_delay_micros.store(micros(delays.write), Ordering::Relaxed);
    }

    /// The requests that were answered since this was last asked.
    pub(crate) fn take_answered(&self) -> Vec<Span> {
        std::mem::take(&mut *locked(&self.shared.answered))
    }
}

impl Drop for SlowStore {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The most requests of which each came after the answer to the one before: how many round trips there were in a row.
pub(crate) fn round_trips(requests: &[Span]) -> usize {
    let mut by_end: Vec<Span> = requests.to_vec();
    by_end.sort_by_key(|span| span.end);
    let mut count: usize = 0;
    let mut last: Option<Instant> = None;
    for span in by_end {
        if last.is_none_or(|end| span.begin >= end) {
            count += 1;
            last = Some(span.end);
        }
    }
    count
}

/// Takes connections until it is aborted.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // A listener that fails takes no more connections; then clients say so.
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_connection(stream, Arc::clone(&shared)));
    }
}

async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it answers of more than one packet would wait for acknowledgements.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<Response<Body>, Infallible>(shared.serve(request).await) }
    });
    // A client that goes away in the middle is its own matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    /// Answers a request when it has waited.
    async fn serve(&self, request: Request<Incoming>) -> Response<Body> {
        let begin = Instant::now();
        let (parts, body) = request.into_parts();
        let Ok(content) = to_bytes(Body::new(body), usize::MAX).await else { return empty(StatusCode::BAD_REQUEST) };
        let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
        let delay = if is_read { &self.read_delay_micros } else { &self.write_delay_micros };
        pause(Duration::from_micros(delay.load(Ordering::Relaxed))).await;
        let answer = self.answer(&parts, content);
        locked(&self.answered).push(Span { begin, end: Instant::now() });
        answer
    }

    fn answer(&self, parts: &Parts, content: Bytes) -> Response<Body> {
        let (key, query) = (parts.uri.path(), parts.uri.query());
        match (&parts.method, query) {
            (&Method::GET | &Method::HEAD, None) => self.read(key, &parts.headers),
            (&Method::PUT, None) => self.put(key, content, parts.headers.contains_key(header::IF_NONE_MATCH)),
            (&Method::DELETE, None) => {
                locked(&self.objects).remove(key);
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, Some("delete" | "delete=")) => self.delete_all(&String::from_utf8_lossy(&content)),
            // No client tries this again.
            _ => empty(StatusCode::BAD_REQUEST),
        }
    }

    fn put(&self, key: &str, bytes: Bytes, only_if_absent: bool) -> Response<Body> {
        let mut objects = locked(&self.objects);
        if only_if_absent && objects.contains_key(key) {
            return empty(StatusCode::PRECONDITION_FAILED);
        }
        let tag = HeaderValue::from(self.created.fetch_add(1, Ordering::Relaxed));
        let object = Object { bytes, tag: tag.clone(), modified: now() };
        objects.insert(key.to_owned(), object);
        let mut answer = empty(StatusCode::OK);
        answer.headers_mut().insert(header::ETAG, tag);
        answer
    }

    fn read(&self, key: &str, headers: &HeaderMap) -> Response<Body> {
        let Some(object) = locked(&self.objects).get(key).cloned() else { return empty(StatusCode::NOT_FOUND) };
        let length = object.bytes.len();
        let mut answer = match headers.get(header::RANGE).map(|asked| asked.to_str().unwrap_or_default()) {
            None => Response::new(Body::from(object.bytes)),
            Some(asked) => {
                let Some(range) = range_of(asked, length) else { return empty(StatusCode::RANGE_NOT_SATISFIABLE) };
                let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                let mut part = Response::new(Body::from(object.bytes.slice(range)));
                *part.status_mut() = StatusCode::PARTIAL_CONTENT;
                part.headers_mut().insert(header::CONTENT_RANGE, text(&told));
                part
            }
        };
        answer.headers_mut().insert(header::ETAG, object.tag);
        answer.headers_mut().insert(header::LAST_MODIFIED, object.modified);
        answer
    }

    /// Deletes the keys between `<Key>` and `</Key>`.
    fn delete_all(&self, asked: &str) -> Response<Body> {
        let mut told = String::from("<DeleteResult>");
        for piece in asked.split("<Key>").skip(1) {
            let key = piece.split("</Key>").next().unwrap_or_default();
            locked(&self.objects).remove(&format!("/{BUCKET}/{key}"));
            told.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
        }
        told.push_str("</DeleteResult>");
        Response::new(Body::from(told))
    }
}

/// The bytes that a header asks for; `None` if there are none such.
fn range_of(asked: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let range = if first.is_empty() {
        length.saturating_sub(last.parse().ok()?)..length
    } else if last.is_empty() {
        first.parse().ok()?..length
    } else {
        let last: usize = last.parse().ok()?;
        first.parse().ok()?..length.min(last.saturating_add(1))
    };
    (range.start < range.end).then_some(range)
}

/// The present, as HTTP dates things.
fn now() -> HeaderValue {
    let date = DateTime::from_timestamp_micros(SystemClock.now().get()).unwrap_or_default();
    text(&date.to_rfc2822())
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

#[expect(clippy::disallowed_methods, reason = "a store at a distance lets time pass")]
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use frostline_sql::Settings;

    use super::*;
    use crate::lakes;

    #[test]
    fn a_range_is_cut_at_the_end() {
        for (asked, expected) in [
            ("bytes=0-3", Some(0..4)),
            ("bytes=8-99", Some(8..10)),
            ("bytes=4-", Some(4..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=10-12", None),
            ("bytes=-", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(range_of(asked, 10), expected, "{asked}");
        }
    }

    #[test]
    fn round_trips_are_those_that_came_one_after_another() {
        let start = Instant::now();
        let span = |begin: u64, end: u64| Span {
            begin: start + Duration::from_millis(begin),
            end: start + Duration::from_millis(end),
        };
        assert_eq!(round_trips(&[]), 0);
        assert_eq!(round_trips(&[span(0, 10), span(1, 12), span(2, 11)]), 1);
        assert_eq!(round_trips(&[span(12, 20), span(0, 10), span(1, 12), span(11, 21)]), 2);
    }

    #[tokio::test]
    async fn a_lake_lives_there_and_requests_wait() {
        let folder = tempfile::tempdir().unwrap();
        let store = SlowStore::start(folder.path()).await.unwrap();
        let delays = Delays { read: Duration::ZERO, write: Duration::from_millis(20) };
        store.set_delays(delays);
        let location = format!("s3://{BUCKET}/lake");
        let started = Instant::now();
        let lake = lakes::create_on(&location, Settings::default(), store.options()).await.unwrap();
        // The trial's two, one that deletes what it left, the identity, the slot and the hint.
        assert!(started.elapsed() >= 6 * delays.write);
        assert!(round_trips(&store.take_answered()) >= 6);
        let again = lakes::create_on(&location, Settings::default(), store.options()).await;
        assert!(again.is_err(), "there is a lake already");
        assert_eq!(lake.state().newest(frostline_catalog::BranchId::MAIN), Some(frostline_catalog::Version::FIRST));
    }
}
