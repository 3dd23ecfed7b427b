//! The door: a lake, created and opened.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SessionState;
use frostline_catalog::io::{Clock, Genesis, LakeLocation, Requests, StoreOptions, SystemClock};
use frostline_catalog::transaction::{Proposal, Transaction};
use frostline_catalog::{BranchId, CommitId, LakeId, Micros, Slot, State, Version};
use frostline_engine::import::{ImportOptions, Progress, SourceFile};
use frostline_engine::{Settings, VerifyNote, VerifySummary};

use crate::answer::Answer;
use crate::error::Error;
use crate::memory::RuntimeLimits;
use crate::planning::base_state;
use crate::session::{Session, check_message};

/// How a lake is created, and what its first version says.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Who creates the lake.
    pub author: String,
    /// Why.
    pub message: String,
    /// Whether commits may assert a time in the past, to replay recorded history.
    pub allow_asserted_times: bool,
    /// Whether a commit without a message is an error.
    pub require_message: bool,
    /// What says what time it is.
    pub clock: Arc<dyn Clock>,
    /// How its store is reached.
    pub store: StoreOptions,
}

impl Default for CreateOptions {
    fn default() -> Self {
        let (author, message) = (String::new(), String::new());
        let (clock, store) = (Arc::new(SystemClock), StoreOptions::default());
        Self { author, message, allow_asserted_times: false, require_message: false, clock, store }
    }
}

/// How a lake is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// How this process treats the lake.
    pub settings: Settings,
    /// What says what time it is.
    pub clock: Arc<dyn Clock>,
    /// What statements may use of the machine; `None` for whatever they ask for.
    pub runtime: Option<RuntimeLimits>,
    /// How its store is reached.
    pub store: StoreOptions,
}

impl Default for OpenOptions {
    fn default() -> Self {
        let (clock, store) = (Arc::new(SystemClock), StoreOptions::default());
        Self { settings: Settings::default(), clock, runtime: None, store }
    }
}

/// How files are imported.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// How the files are read.
    pub import: ImportOptions,
    /// The new table's columns as SQL declares them, `a bigint, b varchar not null`; `None` to infer them.
    pub declared: Option<String>,
    /// Who imports.
    pub author: String,
    /// Why.
    pub message: Option<String>,
}

/// New values for settings of a lake, to be committed.
#[derive(Clone, Debug)]
pub struct SettingsChange {
    /// Who changes them.
    pub author: String,
    /// Why.
    pub message: String,
    /// What is done, in lower case, as the log calls it.
    pub operation: String,
    /// The settings by name; `None` for the default.
    pub settings: Vec<(String, Option<String>)>,
}

/// The lake's setting that lets commits assert a time in the past.
pub(crate) const ALLOW_ASSERTED_TIMES: &str = "allow_asserted_times";

/// The lake's setting that makes a commit without a message an error.
pub(crate) const REQUIRE_MESSAGE: &str = "require_message";

/// An open lake. Clones are handles of the same one.
///
/// ```no_run
/// # async fn example() -> Result<(), frostline_sql::Error> {
/// use frostline_sql::{Lake, Parameters};
///
/// let lake = Lake::open("./frostline-lake", Default::default()).await?;
/// let session = lake.session();
/// let rows = session.sql("select count(*) from orders AS OF VERSION 42", &Parameters::none()).await?;
/// let batches = rows.into_rows()?.collect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lake {
    pub(crate) engine: Arc<frostline_engine::Lake>,
    pub(crate) base: Arc<SessionState>,
    opened: Opened,
}

/// What opening a lake found, and when it began.
#[derive(Clone, Copy, Debug)]
struct Opened {
    began: Micros,
    head: Slot,
}

impl Lake {
    /// Creates a lake at a path or URL, and gives its id.
    ///
    /// # Errors
    /// If there is one, or the store cannot hold one.
    pub async fn create(location: &str, options: CreateOptions) -> Result<LakeId, Error> {
        let location = LakeLocation::parse(location)?.with_store_options(&options.store)?;
        let chosen = [(ALLOW_ASSERTED_TIMES, options.allow_asserted_times), (REQUIRE_MESSAGE, options.require_message)];
        let chosen = chosen.into_iter().filter(|(_, is_chosen)| *is_chosen);
        let settings = chosen.map(|(setting, _)| (setting.to_owned(), "true".to_owned())).collect();
        let genesis = Genesis { author: options.author, message: options.message, settings };
        Ok(frostline_engine::Lake::create(&location, options.clock.as_ref(), genesis).await?)
    }

    /// Opens the lake at a path or URL at its newest version.
    ///
    /// # Errors
    /// If there is none, it needs a newer release, or it is damaged.
    pub async fn open(location: &str, options: OpenOptions) -> Result<Self, Error> {
        let location = LakeLocation::parse(location)?.with_store_options(&options.store)?;
        let base = base_state(options.runtime.as_ref())?;
        let began = options.clock.now();
        let engine = frostline_engine::Lake::open(location, options.clock, options.settings).await?;
        let opened = Opened { began, head: engine.state().head().slot };
        Ok(Self { engine: Arc::new(engine), base: Arc::new(base), opened })
    }

    /// The lake's id.
    pub fn id(&self) -> LakeId {
        self.engine.state().lake()
    }

    /// The requests that this process has sent to the lake's store; `None` if that is not at a distance.
    pub fn requests(&self) -> Option<Requests> {
        self.engine.ledger().store().requests()
    }

    /// A new session on the newest version.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// Imports files into a table, in one commit. A table that is not there is created.
    ///
    /// # Errors
    /// If any file is bad; then nothing is committed, and the error names file, row and column.
    pub async fn import(
        &self,
        table: &str,
        files: Vec<SourceFile>,
        request: ImportRequest,
        progress: Arc<Progress>,
    ) -> Result<Answer, Error> {
        let session = self.session().with_author(&request.author).with_message(request.message.as_deref());
        session.import(table, files, &request, progress).await
    }

    /// Appends batches to a table, in one commit, and gives its version. Columns are matched by name.
    ///
    /// # Errors
    /// If the table is not there, or a column does not fit.
    pub async fn append(&self, table: &str, batches: Vec<RecordBatch>) -> Result<Version, Error> {
        self.session().append(table, batches).await
    }

    /// The newest state that this process knows.
    pub fn state(&self) -> Arc<State> {
        self.engine.state()
    }

    /// The state that opening found, and when opening began: all that was committed by then is in it. `None` if a newer
    /// state is known by now.
    pub(crate) fn as_opened(&self) -> Option<(Arc<State>, Micros)> {
        let state = self.engine.state();
        let is_newest = state.head().slot == self.opened.head;
        is_newest.then_some((state, self.opened.began))
    }

    /// What time it is by the lake's clock.
    pub fn now(&self) -> Micros {
        self.engine.ledger().clock().now()
    }

    /// Gives settings of the lake new values, or their defaults again, in one commit.
    ///
    /// # Errors
    /// If the commit is not made.
    pub async fn commit_settings(&self, change: SettingsChange) -> Result<Version, Error> {
        let state = self.refresh().await?;
        check_message(&state, &change.message)?;
        let proposals = change.settings.into_iter().map(|(key, value)| Proposal::SetSetting { key, value });
        let transaction = Transaction {
            branch: BranchId::MAIN,
            base: state.newest(BranchId::MAIN).unwrap_or(Version::FIRST),
            commit_id: CommitId::random(),
            request: None,
            author: change.author,
            message: change.message,
            operation: change.operation,
            commit_time: None,
            properties: Vec::new(),
            reads: Vec::new(),
            changes: proposals.collect(),
            blocks: Vec::new(),
        };
        Ok(self.engine.commit(transaction).await?.version)
    }

    /// Asks the store for what other processes wrote.
    pub async fn refresh(&self) -> Result<Arc<State>, Error> {
        Ok(self.engine.refresh().await?)
    }

    /// Waits for what is derived from the commits so far: checkpoints and the hint. Call it before a process ends.
    pub async fn settle(&self) {
        self.engine.settle().await;
    }

    /// Checks every slot from the first, and with `deep` every byte of every segment.
    ///
    /// # Errors
    /// The first damage found, with the object's key.
    pub async fn verify(&self, deep: bool, report: impl FnMut(VerifyNote) + Send) -> Result<VerifySummary, Error> {
        Ok(frostline_engine::verify(&self.engine, deep, report).await?)
    }
}
