//! `frostline serve`: the lake for other programs, until Ctrl-C or SIGTERM.

use frostline_server::config::Config;
use frostline_server::{Authentication, Opened, ServeSettings, serve};
use frostline_sql::{Lake, OpenOptions};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::exit::Failure;
use crate::interrupt::Interrupts;
use crate::message;

/// Serves the lake. Told to end, it does so in an orderly way, which is no failure.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let (opened, told) = oneshot::channel();
    let settings = settings(&context.config, opened)?;
    let options = OpenOptions {
        runtime: Some(settings.limits.runtime()),
        store: context.store.clone(),
        ..OpenOptions::default()
    };
    let lake = context.reading(Lake::open(&context.location, options)).await??;
    let location = context.location.clone();
    tokio::spawn(async move {
        if let Ok(opened) = told.await {
            say_opened(&location, &opened);
        }
    });
    serve(lake, settings, told_to_end(context.interrupts.clone())).await?;
    message::say("ended");
    Ok(())
}

fn settings(config: &Config, opened: oneshot::Sender<Opened>) -> Result<ServeSettings, Failure> {
    let authentication = if config.no_auth()? { Authentication::Nobody } else { Authentication::Tokens };
    Ok(ServeSettings {
        listen: config.listen()?,
        http_listen: config.http_listen()?,
        tls: config.tls()?,
        allow_plaintext: config.allow_plaintext()?,
        authentication,
        limits: config.limits()?,
        drain: config.drain()?,
        opened: Some(opened),
        ..ServeSettings::default()
    })
}

/// Says where the server is, in the forms that clients take, and the first token if there is one.
fn say_opened(location: &str, opened: &Opened) {
    let [flight, flightsql, http] = opened.addresses();
    message::say(&format!("serving {location}"));
    message::say(&format!("  Flight SQL  {flight}"));
    message::say(&format!("  Polars      {flightsql}"));
    message::say(&format!("  HTTP        {http}"));
    if let Some(token) = &opened.first_token {
        message::say(&format!("  token       {token}"));
        message::say("              for an admin, and shown this once; `frostline token create` makes others");
    }
    message::say("ready; Ctrl-C ends it");
}

/// Waits for Ctrl-C or SIGTERM. A second Ctrl-C ends the process at once.
async fn told_to_end(interrupts: Interrupts) {
    let pressed = interrupts.guard(std::future::pending::<()>());
    tokio::select! {
        _ = pressed => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGTERM");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}
