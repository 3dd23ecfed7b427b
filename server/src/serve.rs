//! Serving: two doors on one lake, until it is told to end.
//!
//! ```text
//!   --listen       ──▶ TCP ──TLS──▶ gRPC ──▶ flight ──┐
//!                                                     ├──▶ gateway ──▶ the lake
//!   --http-listen  ──▶ TCP ──TLS──▶ HTTP ──▶ http   ──┘
//! ```
//!
//! * Nobody is let in without a token, unless the server is told so and only this machine can reach it.
//! * Nothing goes over a network in plaintext, unless the server is told so.
//! * Told to end, it takes no more connections and statements, lets those that run go on for a while, then ends them,
//!   and waits for what follows the commits so far.

mod connection;
mod door;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use frostline_sql::Lake;
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;
use crate::identity::{Identity, NewToken, Rights, TokenError, create_token_if_none};
use crate::limits::{Limits, ServeLimits};
use crate::metrics::Metrics;
use crate::tls::{self, TlsError, TlsFiles};
use connection::Connection;
use door::Door;

/// How long a client may take to send the head of an HTTP request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// After how long without a word a gRPC client is asked whether it is still there, and how long it has to answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// How many bytes of a stream, and of a connection, a client may send ahead: enough for an ingest at full speed.
const WINDOWS: (u32, u32) = (4 * 1024 * 1024, 16 * 1024 * 1024);

/// How many requests of one connection are served at once.
const STREAMS_MAX: u32 = 1024;

/// How long connections that were told to end have to notice.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Whoever has a token of the lake.
    Tokens,
    /// Everybody who can reach the server.
    Nobody,
}

/// How a lake is served.
#[derive(Debug)]
pub struct ServeSettings {
    /// Where Flight SQL is served. Port 0 takes any that is free. Default: 127.0.0.1:31337.
    pub listen: SocketAddr,
    /// Where HTTP is served. Default: 127.0.0.1:8080.
    pub http_listen: SocketAddr,
    /// The certificate; `None` for plaintext. Default: none.
    pub tls: Option<TlsFiles>,
    /// Whether other machines may be served in plaintext. Default: no.
    pub allow_plaintext: bool,
    /// Who is let in. Default: whoever has a token.
    pub authentication: Authentication,
    /// The limits. Those of memory and disk hold only if the lake was opened with [`ServeLimits::runtime`].
    pub limits: ServeLimits,
    /// How long statements may go on when the server is told to end. Default: 30 seconds.
    pub drain: Duration,
    /// How old a connection for Flight SQL grows before its client is told to make another. Calls that run on it are
    /// carried through; one without any ends. Default: 1 hour.
    pub connection_age: Duration,
    /// Who makes the first token of a lake that has none. Default: `frostline serve`.
    pub author: String,
    /// Told once the doors are open.
    pub opened: Option<oneshot::Sender<Opened>>,
}

impl Default for ServeSettings {
    fn default() -> Self {
        let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: loopback(31337),
            http_listen: loopback(8080),
            tls: None,
            allow_plaintext: false,
            authentication: Authentication::Tokens,
            limits: ServeLimits::default(),
            drain: Duration::from_secs(30),
            connection_age: Duration::from_secs(3600),
            author: "frostline serve".to_owned(),
            opened: None,
        }
    }
}

/// What is known once a server's doors are open.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Where Flight SQL is served.
    pub flight: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Whether both are behind TLS.
    pub is_tls: bool,
    /// The admin token that was made because the lake had none. It is told here and never again.
    pub first_token: Option<String>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("flight", &self.flight).field("http", &self.http).finish_non_exhaustive()
    }
}

impl Opened {
    /// The addresses in the forms that clients take: for Flight SQL by its own name, and for what looks at the scheme
    /// to choose a driver; then HTTP.
    pub fn addresses(&self) -> [String; 3] {
        let (grpc, transport, http) = match self.is_tls {
            true => ("grpc+tls", "tls", "https"),
            false => ("grpc", "tcp", "http"),
        };
        [
            format!("{grpc}://{}", self.flight),
            format!("flightsql://{}?transport={transport}", self.flight),
            format!("{http}://{}", self.http),
        ]
    }
}

/// Why a lake is not served, or no more.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Everybody would be let in from everywhere.
    #[error("{address} can be reached by other machines, and nobody is asked for a token; listen on 127.0.0.1, or ask")]
    OpenToAll {
        /// The address.
        address: SocketAddr,
    },
    /// Tokens and rows would be readable on the way.
    #[error(
        "{address} can be reached by other machines, and there is no TLS; give --tls-cert and --tls-key \
         (`frostline tls self-signed` makes them), or --allow-plaintext"
    )]
    Plaintext {
        /// The address.
        address: SocketAddr,
    },
    /// TLS cannot begin.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}; check that it is an address of this machine, and that nobody else does")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The first token cannot be made.
    #[error("the lake has no token, and none can be made")]
    FirstToken(#[source] TokenError),
    /// gRPC stopped by itself.
    #[error("the server for Flight SQL stopped")]
    Flight(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Serves a lake until `shutdown` is done, and then ends in an orderly way.
///
/// # Errors
/// See [`ServeError`]. After the doors are open, none is expected.
pub async fn serve(
    lake: Lake,
    settings: ServeSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    check_exposure(&settings)?;
    let certificates = |protocol: &[u8]| -> Result<Option<Arc<ServerConfig>>, TlsError> {
        settings.tls.as_ref().map(|files| tls::load(files, protocol)).transpose()
    };
    let (flight_tls, http_tls) = (certificates(b"h2")?, certificates(b"http/1.1")?);
    let (flight_listener, http_listener) = (bind(settings.listen).await?, bind(settings.http_listen).await?);
    let local = |listener: &TcpListener, asked: SocketAddr| listener.local_addr().unwrap_or(asked);
    let (flight, http) = (local(&flight_listener, settings.listen), local(&http_listener, settings.http_listen));

    let (identity, first_token) = match settings.authentication {
        Authentication::Nobody => (Identity::anyone(), None),
        Authentication::Tokens => {
            let token = first_token(&lake, settings.author).await.map_err(ServeError::FirstToken)?;
            (Identity::of_lake(lake.clone()), token)
        }
    };
    let metrics = Metrics::new();
    let limits = Limits::new(settings.limits.clone());
    let gateway = Gateway::new(lake.clone(), identity, limits.clone(), Arc::clone(&metrics));

    let (stop, close) = (CancellationToken::new(), CancellationToken::new());
    let most = settings.limits.connections;
    let flight_door = Door { name: "flight", listener: flight_listener, tls: flight_tls, most };
    let http_door = Door { name: "http", listener: http_listener, tls: http_tls, most };
    let flight_connections = flight_door.open(stop.clone(), close.clone(), Arc::clone(&metrics));
    let http_connections = http_door.open(stop.clone(), close.clone(), metrics);
    let router = crate::http::router(Arc::clone(&gateway), &limits);
    let doors = futures::future::join(
        serve_flight(gateway, flight_connections, settings.connection_age, stop.clone()),
        serve_http(router, http_connections, stop.clone()),
    );
    let mut doors = Box::pin(doors.map(|(flight, ())| flight));

    if let Some(opened) = settings.opened {
        // Nobody has to listen.
        let _ = opened.send(Opened { flight, http, is_tls: settings.tls.is_some(), first_token });
    }
    let ended = tokio::select! {
        outcome = &mut doors => Some(outcome),
        () = shutdown => None,
    };
    tracing::info!(target: "frostline::serve", "ending: no more connections are taken");
    stop.cancel();
    limits.close();
    let outcome = match ended {
        Some(outcome) => outcome,
        None => match tokio::time::timeout(settings.drain, &mut doors).await {
            Ok(outcome) => outcome,
            Err(_) => {
                tracing::warn!(target: "frostline::serve", "statements still run and are broken off");
                close.cancel();
                tokio::time::timeout(CLOSE_TIMEOUT, &mut doors).await.unwrap_or(Ok(()))
            }
        },
    };
    close.cancel();
    lake.settle().await;
    outcome
}

/// Refuses what would let strangers in, or read along.
fn check_exposure(settings: &ServeSettings) -> Result<(), ServeError> {
    let addresses = [settings.listen, settings.http_listen];
    let Some(address) = addresses.into_iter().find(|address| !address.ip().is_loopback()) else { return Ok(()) };
    if settings.authentication == Authentication::Nobody {
        return Err(ServeError::OpenToAll { address });
    }
    if settings.tls.is_none() && !settings.allow_plaintext {
        return Err(ServeError::Plaintext { address });
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

/// The text of an admin token, if the lake had none and it was made.
async fn first_token(lake: &Lake, author: String) -> Result<Option<String>, TokenError> {
    let request = NewToken {
        name: "admin".to_owned(),
        rights: Rights::Admin,
        expires_in: None,
        author,
        message: "the first token, made when the lake was first served".to_owned(),
    };
    Ok(create_token_if_none(lake, request).await?.map(|made| made.text))
}

async fn serve_flight(
    gateway: Arc<Gateway>,
    mut connections: mpsc::Receiver<Connection>,
    connection_age: Duration,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let incoming = futures::stream::poll_fn(move |context| {
        connections.poll_recv(context).map(|connection| connection.map(Ok::<Connection, io::Error>))
    });
    // A client that only answers whether it is still there would keep its place for ever. There is no time of grace:
    // with one, tonic breaks calls off and does not tell the client before.
    let mut server = tonic::transport::Server::builder()
        .max_connection_age(connection_age)
        .http2_keepalive_interval(Some(KEEPALIVE.0))
        .http2_keepalive_timeout(Some(KEEPALIVE.1))
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_concurrent_streams(STREAMS_MAX);
    let router = server.add_service(crate::flight::service(gateway));
    let served = router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()).await;
    // One door alone is no server.
    stop.cancel();
    served.map_err(|error| ServeError::Flight(Box::new(error)))
}

async fn serve_http(router: axum::Router, mut connections: mpsc::Receiver<Connection>, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => break,
            connection = connections.recv() => connection,
        };
        let Some(connection) = connection else { break };
        let service = TowerToHyperService::new(router.clone());
        let served = graceful.watch(builder.serve_connection(TokioIo::new(connection), service));
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(target: "frostline::serve", %error, "an HTTP connection ended");
            }
        });
    }
    graceful.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, http_listen: &str) -> ServeSettings {
        ServeSettings {
            listen: listen.parse().unwrap(),
            http_listen: http_listen.parse().unwrap(),
            ..ServeSettings::default()
        }
    }

    #[test]
    fn a_server_for_this_machine_needs_nothing() {
        let local = settings("127.0.0.1:0", "[::1]:0");
        assert!(check_exposure(&local).is_ok());
        let open = ServeSettings { authentication: Authentication::Nobody, ..local };
        assert!(check_exposure(&open).is_ok());
    }

    #[test]
    fn a_server_for_others_needs_tokens_and_tls() {
        let reachable = || settings("127.0.0.1:0", "0.0.0.0:0");
        assert!(matches!(check_exposure(&reachable()), Err(ServeError::Plaintext { .. })));
        let told = ServeSettings { allow_plaintext: true, ..reachable() };
        assert!(check_exposure(&told).is_ok());
        let open = ServeSettings { authentication: Authentication::Nobody, ..told };
        assert!(matches!(check_exposure(&open), Err(ServeError::OpenToAll { .. })), "whatever else is said");
        let files = TlsFiles { certificate: "cert.pem".into(), key: "key.pem".into() };
        assert!(check_exposure(&ServeSettings { tls: Some(files), ..reachable() }).is_ok());
    }

    #[test]
    fn addresses_are_in_the_forms_that_clients_take() {
        let opened = Opened {
            flight: "127.0.0.1:31337".parse().unwrap(),
            http: "127.0.0.1:8080".parse().unwrap(),
            is_tls: false,
            first_token: None,
        };
        assert_eq!(
            opened.addresses(),
            ["grpc://127.0.0.1:31337", "flightsql://127.0.0.1:31337?transport=tcp", "http://127.0.0.1:8080"]
        );
        let [grpc, flightsql, http] = Opened { is_tls: true, ..opened }.addresses();
        assert!(grpc.starts_with("grpc+tls://") && flightsql.ends_with("?transport=tls") && http.starts_with("https"));
    }
}
