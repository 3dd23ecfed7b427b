//! A lake served by this process, on a port of this machine.

use std::net::SocketAddr;

use frostline_server::{Opened, ServeError, ServeLimits, ServeSettings, serve};
use frostline_sql::Lake;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::report::Failure;

/// A lake served by this process to who has its token.
pub(crate) struct Served {
    address: SocketAddr,
    token: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    /// Serves a lake that never had a token. It should have been opened with the same limits.
    pub(crate) async fn start(lake: Lake, limits: ServeLimits) -> Result<Self, Failure> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (opened, waiting) = oneshot::channel::<Opened>();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServeSettings {
            listen: any_port,
            http_listen: any_port,
            limits,
            author: "benches".to_owned(),
            opened: Some(opened),
            ..ServeSettings::default()
        };
        let ended = tokio::spawn(serve(lake, settings, async move {
            // Told to end, or forgotten: both end it.
            let _ = stopped.await;
        }));
        let Ok(opened) = waiting.await else {
            ended.await??;
            return Err("the server ended before its doors were open".into());
        };
        let token = opened.first_token.ok_or("the lake had a token already")?;
        Ok(Self { address: opened.flight, token, stop, ended })
    }

    /// Where Flight SQL is served.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// An admin's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Ends the server in an orderly way.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        // It may have ended by itself.
        let _ = self.stop.send(());
        self.ended.await??;
        Ok(())
    }
}
