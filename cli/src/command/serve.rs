//! `frostline serve`: the lake for other programs, until Ctrl-C or SIGTERM.

#[cfg(unix)]
use std::process;

use frostline_server::config::Config;
use frostline_server::{Authentication, Opened, ServeSettings, serve};
use frostline_sql::{Lake, OpenOptions, Settings};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::exit::Failure;
use crate::interrupt::Interrupts;
use crate::message;

/// SIGTERM, as shells count it: 128 and the number of the signal.
#[cfg(unix)]
const TERMINATED: i32 = 143;

/// Serves the lake. Told to end, it does so in an orderly way, which is no failure.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let (opened, told) = oneshot::channel();
    let settings = settings(&context.config, opened)?;
    let options = OpenOptions {
        settings: Settings { hot_bytes_max: context.config.hot_bytes_max()?, ..Settings::default() },
        runtime: Some(settings.limits.runtime()),
        store: context.store.clone(),
        ..OpenOptions::default()
    };
    let lake = context.reading(Lake::open(&context.location, options)).await??;
    let location = context.location.clone();
    let authentication = settings.authentication;
    tokio::spawn(async move {
        if let Ok(opened) = told.await {
            say_opened(&location, &opened, authentication);
        }
    });
    let terminated = listen_for_termination();
    serve(lake, settings, told_to_end(context.interrupts.clone(), terminated)).await?;
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
fn say_opened(location: &str, opened: &Opened, authentication: Authentication) {
    let [flight, flightsql, http] = opened.addresses();
    message::say(&format!("serving {location}"));
    message::say(&format!("  Flight SQL  {flight}"));
    // `read_database_uri` has no place for a token; with one, Polars reads through a connection.
    if authentication == Authentication::Nobody {
        message::say(&format!("  Polars      {flightsql}"));
    }
    message::say(&format!("  HTTP        {http}"));
    if let Some(token) = &opened.first_token {
        message::say(&format!("  token       {token}"));
        message::say("              for an admin, and shown this once; `frostline token create` makes others");
    }
    message::say("ready; Ctrl-C ends it");
}

/// Waits for Ctrl-C or SIGTERM. Either of them ends the process at once from then on.
async fn told_to_end(interrupts: Interrupts, terminated: oneshot::Receiver<()>) {
    let told = async {
        if terminated.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    // Either way it is told to end.
    let _ = interrupts.guard(told).await;
}

/// Told of the first SIGTERM. It is listened for on a thread of its own, as Ctrl-C is: queries may keep every thread of
/// the runtime busy. SIGTERM ends the process at once when nobody waits for this any more.
#[cfg(unix)]
fn listen_for_termination() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    if let Err(error) = spawn_termination(sender) {
        // Then SIGTERM does what it does by default: it ends the process.
        tracing::warn!(%error, "cannot listen for SIGTERM");
    }
    receiver
}

#[cfg(unix)]
fn spawn_termination(told: oneshot::Sender<()>) -> std::io::Result<()> {
    use std::thread::{Builder, JoinHandle};
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        signal(SignalKind::terminate())?
    };
    let listen = async move {
        let is_first = signals.recv().await.is_some() && told.send(()).is_ok();
        if is_first {
            signals.recv().await;
        }
    };
    let thread: std::io::Result<JoinHandle<()>> = Builder::new().name("sigterm".to_owned()).spawn(move || {
        runtime.block_on(listen);
        process::exit(TERMINATED)
    });
    thread.map(drop)
}

#[cfg(not(unix))]
fn listen_for_termination() -> oneshot::Receiver<()> {
    oneshot::channel().1
}
