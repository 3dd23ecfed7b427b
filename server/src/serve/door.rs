//! A door: an address that connections come in by.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

use super::connection::{Connection, Counted, Wire};

/// How long a client may take to say its first word, the handshake of TLS included.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the door waits when the system has no room for one more connection.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(200);

/// How many connections may wait between the door and who serves them.
const HALL: usize = 64;

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

/// An address that connections come in by.
pub(super) struct Door {
    /// What it is called in metrics and logs.
    pub(super) name: &'static str,
    pub(super) listener: TcpListener,
    /// `None` for plaintext.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// How many connections are kept at once; others wait outside.
    pub(super) most: usize,
}

impl Door {
    /// Lets connections in until `stop`, each greeted in a task of its own, so that a slow one holds nobody up.
    /// Those that are still there at `close` break off.
    pub(super) fn open(
        self,
        stop: CancellationToken,
        close: CancellationToken,
        metrics: Arc<Metrics>,
    ) -> mpsc::Receiver<Connection> {
        let (sender, receiver) = mpsc::channel(HALL);
        tokio::spawn(self.keep(stop, close, metrics, sender));
        receiver
    }

    async fn keep(
        self,
        stop: CancellationToken,
        close: CancellationToken,
        metrics: Arc<Metrics>,
        sender: mpsc::Sender<Connection>,
    ) {
        let places = Arc::new(Semaphore::new(self.most.clamp(1, Semaphore::MAX_PERMITS)));
        let acceptor = self.tls.map(TlsAcceptor::from);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let (stream, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(target: "frostline::serve", door = self.name, %error, "a connection is not taken");
                    // Only the time matters, and whether the server ends meanwhile.
                    let _ = tokio::time::timeout(NO_ROOM_PAUSE, stop.cancelled()).await;
                    continue;
                }
            };
            let counted = Counted::new(self.name, Arc::clone(&metrics), place);
            let (acceptor, close, sender, name) = (acceptor.clone(), close.clone(), sender.clone(), self.name);
            tokio::spawn(async move {
                match tokio::time::timeout(GREETING_TIMEOUT, greet(stream, acceptor)).await {
                    Ok(Ok(wire)) => {
                        let connection =
                            Connection { wire, closed: Box::pin(close.cancelled_owned()), _counted: counted };
                        // The server may have ended meanwhile.
                        let _ = sender.send(connection).await;
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(target: "frostline::serve", door = name, %error, "a greeting failed");
                    }
                    Err(_) => tracing::debug!(target: "frostline::serve", door = name, "a client said nothing"),
                }
            });
        }
    }
}

/// The next connection, and a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn greet(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> io::Result<Wire> {
    stream.set_nodelay(true)?;
    if let Some(acceptor) = acceptor {
        return Ok(Wire::Tls(Box::new(acceptor.accept(stream).await?)));
    }
    let mut first = [0_u8; 1];
    if stream.peek(&mut first).await? == 1 && first[0] == TLS_HANDSHAKE {
        tracing::warn!(
            target: "frostline::serve",
            "a client began TLS where there is none; let it use grpc:// or useEncryption=false, or give --tls-cert"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, "TLS where there is none"));
    }
    Ok(Wire::Plain(stream))
}
