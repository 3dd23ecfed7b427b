//! A lake in memory, served on this machine for one test.

use std::net::SocketAddr;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow_flight::FlightInfo;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use frostline_server::{Authentication, NewToken, Rights, ServeError, ServeLimits, ServeSettings, create_token, serve};
use frostline_sql::{CreateOptions, Lake, OpenOptions};
use futures::TryStreamExt;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::transport::Channel;

use crate::web::{HttpAnswer, request};
use crate::wire::Wire;

/// A client of Flight SQL.
pub(crate) type Client = FlightSqlServiceClient<Channel>;

/// Plans of deep queries recurse, and unoptimised builds have large frames.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// Runs a test to its end.
pub(crate) fn run<F: Future<Output = ()>>(test: F) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(test);
}

/// How long something may take that is to happen at once, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// How often it is looked whether it has happened.
const LOOK: Duration = Duration::from_millis(10);

/// A server that ends with the test.
pub(crate) struct Served {
    pub(crate) lake: Lake,
    address: SocketAddr,
    http: SocketAddr,
    first_token: Option<String>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    /// Serves a new lake to everybody on this machine. The name must be of its own in this process.
    pub(crate) async fn open(name: &str) -> Self {
        Self::start(name, Authentication::Nobody, ServeLimits::default()).await
    }

    /// Serves a new lake to who has a token.
    pub(crate) async fn guarded(name: &str) -> Self {
        Self::start(name, Authentication::Tokens, ServeLimits::default()).await
    }

    /// Serves a new lake.
    pub(crate) async fn start(name: &str, authentication: Authentication, limits: ServeLimits) -> Self {
        let location = format!("memory://served-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        let options = OpenOptions { runtime: Some(limits.runtime()), ..OpenOptions::default() };
        let lake = Lake::open(&location, options).await.unwrap();
        Self::of_lake(lake, authentication, limits).await
    }

    /// Serves a new lake to everybody on this machine, over connections that grow so old.
    pub(crate) async fn aging(name: &str, connection_age: Duration) -> Self {
        let location = format!("memory://served-{name}");
        Lake::create(&location, CreateOptions::default()).await.unwrap();
        let lake = Lake::open(&location, OpenOptions::default()).await.unwrap();
        let authentication = Authentication::Nobody;
        Self::with_settings(lake, ServeSettings { authentication, connection_age, ..ServeSettings::default() }).await
    }

    /// Serves a lake that is open.
    pub(crate) async fn of_lake(lake: Lake, authentication: Authentication, limits: ServeLimits) -> Self {
        Self::with_settings(lake, ServeSettings { authentication, limits, ..ServeSettings::default() }).await
    }

    /// Serves a lake that is open, on ports that are free.
    async fn with_settings(lake: Lake, settings: ServeSettings) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (opened, waiting) = oneshot::channel();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServeSettings { listen: any_port, http_listen: any_port, opened: Some(opened), ..settings };
        let ended = tokio::spawn(serve(lake.clone(), settings, async move {
            let _ = stopped.await;
        }));
        let opened = waiting.await.expect("the doors open");
        Self { lake, address: opened.flight, http: opened.http, first_token: opened.first_token, stop, ended }
    }

    /// Ends the server in an orderly way.
    pub(crate) async fn end(self) {
        self.stop.send(()).expect("the server runs still");
        self.ended.await.unwrap().unwrap();
    }

    /// The admin token that the first start made.
    pub(crate) fn first_token(&self) -> String {
        self.first_token.clone().expect("the lake had no token")
    }

    /// A new token.
    pub(crate) async fn token(&self, name: &str, rights: Rights) -> String {
        let (author, message) = ("test".to_owned(), String::new());
        let request = NewToken { name: name.to_owned(), rights, expires_in: None, author, message };
        create_token(&self.lake, request).await.unwrap().text
    }

    /// A new connection.
    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// A client that sends no token.
    pub(crate) async fn client(&self) -> Client {
        FlightSqlServiceClient::new(self.channel().await)
    }

    /// A client that sends a token.
    pub(crate) async fn client_with(&self, token: &str) -> Client {
        let mut client = self.client().await;
        client.set_token(token.to_owned());
        client
    }

    /// Where Flight SQL is served.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client that sends what it is told to. If the server asks for a token, it sends the first.
    pub(crate) async fn wire(&self) -> Wire {
        let mut wire = Wire::new(self.channel().await);
        if let Some(token) = &self.first_token {
            wire.set("authorization", format!("Bearer {token}"));
        }
        wire
    }

    /// What the server answers over HTTP.
    pub(crate) async fn web(&self, method: &str, path: &str, authorization: Option<&str>, body: &str) -> HttpAnswer {
        request(self.http, method, path, authorization, body).await
    }

    /// What the server answers to a statement over HTTP, sent with the first token if the server asks for one.
    pub(crate) async fn web_sql(&self, sql: &str) -> HttpAnswer {
        self.web("POST", "/sql", self.bearer().as_deref(), sql).await
    }

    fn bearer(&self) -> Option<String> {
        self.first_token.as_ref().map(|token| format!("Bearer {token}"))
    }

    /// The value of a metric, with its labels as they are written; 0 if it was not counted yet.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let answer = self.web("GET", "/metrics", self.bearer().as_deref(), "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let value = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Waits until as many statements run.
    pub(crate) async fn until_running(&self, expected: f64) {
        self.until("frostline_statements_running", expected).await;
    }

    /// Waits until a counter shows a number.
    pub(crate) async fn until(&self, name: &str, expected: f64) {
        let mut looks = tokio::time::interval(LOOK);
        let seen = tokio::time::timeout(SOON, async {
            while self.metric(name).await != expected {
                looks.tick().await;
            }
        });
        assert!(seen.await.is_ok(), "{name} is not {expected}");
    }

    /// Asserts that the server answers.
    pub(crate) async fn assert_serves(&self) {
        let mut wire = self.wire().await;
        let batches = tokio::time::timeout(SOON, wire.query("SELECT 1 AS one")).await.expect("the server answers");
        let batches = batches.unwrap();
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 1);
    }

    /// A client that speaks plain Flight.
    pub(crate) async fn raw(&self) -> FlightServiceClient<Channel> {
        FlightServiceClient::new(self.channel().await)
    }
}

/// The rows that a ticket gives.
pub(crate) async fn fetch(client: &mut Client, info: &FlightInfo) -> Result<Vec<RecordBatch>, FlightError> {
    let [endpoint] = info.endpoint.as_slice() else { unreachable!("one endpoint, not {}", info.endpoint.len()) };
    client.do_get(endpoint.ticket.clone().unwrap()).await?.try_collect().await
}

/// The rows of a query.
pub(crate) async fn query(client: &mut Client, sql: &str) -> Vec<RecordBatch> {
    let info = client.execute(sql.to_owned(), None).await.unwrap_or_else(|error| unreachable!("{sql}: {error}"));
    fetch(client, &info).await.unwrap_or_else(|error| unreachable!("{sql}: {error}"))
}

/// The one whole number of a query.
pub(crate) async fn number(client: &mut Client, sql: &str) -> i64 {
    let batches = query(client, sql).await;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).expect("there is a row");
    batch.column(0).as_primitive::<Int64Type>().value(0)
}

/// The texts of a query's first column.
pub(crate) fn texts(batches: &[RecordBatch], column: usize) -> Vec<String> {
    let all = batches.iter().flat_map(|batch| {
        let texts = batch.column(column).as_string::<i32>();
        (0..texts.len()).map(|row| texts.value(row).to_owned()).collect::<Vec<String>>()
    });
    all.collect()
}

/// Runs a statement that writes.
pub(crate) async fn update(client: &mut Client, sql: &str) -> i64 {
    client.execute_update(sql.to_owned(), None).await.unwrap_or_else(|error| unreachable!("{sql}: {error}"))
}

/// `SetSessionOptionsRequest` with texts, as the protocol writes it.
pub(crate) fn session_options(pairs: &[(&str, &str)]) -> Vec<u8> {
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

/// The code and the message of an error.
pub(crate) fn told(error: &FlightError) -> (Code, String) {
    match error {
        FlightError::Tonic(status) => (status.code(), status.message().to_owned()),
        other => unreachable!("{other}"),
    }
}

/// The version in the metadata of a result.
pub(crate) fn version_of(info: &FlightInfo) -> u64 {
    std::str::from_utf8(&info.app_metadata).unwrap().parse().unwrap()
}
