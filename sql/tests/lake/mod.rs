//! Lakes in memory in which every time is known beforehand.

use std::sync::Arc;
use std::thread;

use frostline_catalog::Micros;
use frostline_catalog::io::{Clock, ManualClock};
use frostline_sql::{Answer, CreateOptions, Error, Lake, OpenOptions, Parameters, Session, Settings};
use frostline_testkit::slt::{SECOND_VERSION_MICROS, STEP_MICROS};
use tokio::runtime::Builder;

/// When the first commit behind the creation is made.
const SECOND_VERSION: Micros = Micros::new(SECOND_VERSION_MICROS);

/// Plans of deep queries recurse, and unoptimised builds have large frames.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// A lake in memory whose clock stands still but for its commits.
///
/// * Unless the clock is set, version n is committed at 2024-01-01T00:00:00Z plus n seconds, and the clock shows the
///   time of the next commit.
/// * The first version has no commit time.
#[derive(Clone, Debug)]
pub(crate) struct TestLake {
    location: String,
    settings: Settings,
    clock: Arc<ManualClock>,
    lake: Lake,
}

/// A session on such a lake.
#[derive(Clone, Debug)]
pub(crate) struct TestSession {
    clock: Arc<ManualClock>,
    session: Session,
}

impl TestLake {
    /// A new lake. The name must be of its own in this process.
    pub(crate) async fn create(name: &str, settings: Settings) -> Result<Self, Error> {
        let location = format!("memory://{name}");
        let clock = Arc::new(ManualClock::at(SECOND_VERSION.plus(-STEP_MICROS)));
        let options = CreateOptions {
            author: "root".to_owned(),
            message: String::new(),
            allow_asserted_times: true,
            clock: clock.clone(),
            ..CreateOptions::default()
        };
        Lake::create(&location, options).await?;
        clock.set(SECOND_VERSION);
        let lake = open(&location, &settings, &clock).await?;
        Ok(Self { location, settings, clock, lake })
    }

    /// The same lake, opened anew from its store.
    pub(crate) async fn reopen(&self) -> Result<Self, Error> {
        self.lake.settle().await;
        let lake = open(&self.location, &self.settings, &self.clock).await?;
        Ok(Self { lake, ..self.clone() })
    }

    /// A new session.
    pub(crate) fn session(&self) -> TestSession {
        TestSession { clock: Arc::clone(&self.clock), session: self.lake.session() }
    }

    /// Sets the clock: the next commit is made at this time.
    pub(crate) fn set_time(&self, time: Micros) {
        self.clock.set(time);
    }
}

async fn open(location: &str, settings: &Settings, clock: &Arc<ManualClock>) -> Result<Lake, Error> {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    let options = OpenOptions { settings: settings.clone(), clock, ..OpenOptions::default() };
    Lake::open(location, options).await
}

impl TestSession {
    /// Runs one statement. A commit moves the clock on.
    pub(crate) async fn run(&self, sql: &str) -> Result<Answer, Error> {
        let now = self.clock.now();
        let session = self.session.clone().with_commit_time(Some(now.get()));
        let answer = session.sql(sql, &Parameters::none()).await?;
        if let Answer::Committed(_) = &answer {
            self.clock.set(now.plus(STEP_MICROS));
        }
        Ok(answer)
    }
}

/// What an error says: its message, its causes and its hint.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(found) = cause {
        text = format!("{text}: {found}");
        cause = found.source();
    }
    match error.hint() {
        Some(hint) => format!("{text}; hint: {hint}"),
        None => text,
    }
}

/// Runs a future to its end on a runtime of its own, with large stacks.
pub(crate) fn run_to_end<M, F, T>(make: M) -> T
where
    M: FnOnce() -> F + Send + 'static,
    F: Future<Output = T>,
    T: Send + 'static,
{
    let work = move || -> T {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(make())
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread starts");
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
