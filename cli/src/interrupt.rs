//! Ctrl-C.
//!
//! ```text
//!              a statement runs        no statement runs, or Ctrl-C was pressed before
//! shell        the statement ends      nothing
//! otherwise    the command ends        the process ends at once
//! ```

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::exit::INTERRUPTED;

/// Listens for Ctrl-C from its making to the end of the process.
///
/// * It listens on a thread of its own: queries may keep every thread of the runtime busy.
/// * What runs under [`Interrupts::guard`] is dropped where it waits.
/// * The shell's line editor reads Ctrl-C as a key, which is not seen here.
#[derive(Clone, Debug)]
pub(crate) struct Interrupts {
    shared: Arc<Shared>,
}

/// Ctrl-C was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted;

#[derive(Debug, Default)]
struct Shared {
    pressed: Notify,
    /// Whether something runs that has not been told to stop.
    runs: AtomicBool,
    /// Whether a press that stops nothing is passed over.
    in_shell: AtomicBool,
}

impl Interrupts {
    /// Starts listening.
    pub(crate) fn listen() -> Self {
        let shared = Arc::new(Shared::default());
        let (begun, beginning) = mpsc::channel();
        let watched = Arc::clone(&shared);
        let thread = thread::Builder::new().name("ctrl-c".to_owned()).spawn(move || watch(&watched, &begun));
        let outcome = match thread {
            // The thread says how its beginning went.
            Ok(_) => beginning.recv().unwrap_or(Ok(())),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            // Then Ctrl-C does what it does by default: it ends the process.
            tracing::warn!(%error, "cannot listen for Ctrl-C");
        }
        Self { shared }
    }

    /// From now on a press that stops nothing is passed over.
    pub(crate) fn enter_shell(&self) {
        self.shared.in_shell.store(true, Ordering::SeqCst);
    }

    /// Forgets presses that came too late for what they were meant for.
    pub(crate) fn forget(&self) {
        // Whether there was one makes no difference.
        let _ = self.shared.pressed.notified().now_or_never();
    }

    /// Runs something to its end, or until Ctrl-C is pressed; then it is dropped.
    pub(crate) async fn guard<F: Future>(&self, work: F) -> Result<F::Output, Interrupted> {
        self.shared.runs.store(true, Ordering::SeqCst);
        let outcome = tokio::select! {
            biased;
            () = self.shared.pressed.notified() => Err(Interrupted),
            output = work => Ok(output),
        };
        self.shared.runs.store(false, Ordering::SeqCst);
        outcome
    }
}

/// Waits for presses to the end of the process, and says first whether it can.
fn watch(shared: &Shared, begun: &Sender<io::Result<()>>) {
    // That nobody waits to hear it makes no difference.
    let say = |outcome: io::Result<()>| drop(begun.send(outcome));
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return say(Err(error)),
    };
    runtime.block_on(async {
        match Presses::subscribe() {
            Ok(presses) => {
                say(Ok(()));
                act(presses, shared).await;
            }
            Err(error) => say(Err(error)),
        }
    });
}

async fn act(mut presses: Presses, shared: &Shared) {
    while presses.pressed().await {
        if shared.runs.swap(false, Ordering::SeqCst) {
            shared.pressed.notify_one();
        } else if !shared.in_shell.load(Ordering::SeqCst) {
            process::exit(i32::from(INTERRUPTED));
        }
    }
}

/// The presses of Ctrl-C, from the subscription on.
struct Presses {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Presses {
    #[cfg(unix)]
    fn subscribe() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signal: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn subscribe() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next press; `false` if there will be none.
    #[cfg(unix)]
    async fn pressed(&mut self) -> bool {
        self.signal.recv().await.is_some()
    }

    #[cfg(not(unix))]
    async fn pressed(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
