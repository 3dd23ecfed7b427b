//! A session: one user's statements, one after the other, and what they set.

mod attribution;
mod commit;
mod complete;
mod control;
mod dropped;
mod each;
mod folded;
mod pinned;
mod start;
mod task;
mod together;
mod transaction;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use frostline_catalog::io::DEFAULT_SCHEMA;
use frostline_catalog::{AsOf, BranchId, Micros, Version};
use frostline_engine::import::{Progress, SourceFile};
use futures::{Stream, StreamExt};

use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::execution::{execute, fill_parameters};
use crate::lake::{ImportRequest, Lake};
use crate::parameters::Parameters;
use crate::parse::{Parsed, parse_one};
use crate::planning::zone;
use crate::settings::OwnSettings;
use crate::statement::{self, Ingest, Work};
use crate::stop::Stop;
use crate::table_name::object_name;
use task::Task;

pub(crate) use attribution::check_message;
pub(crate) use commit::Commit;
pub(crate) use control::Membership;
pub use control::{SharedTransaction, TransactionStatus};
pub(crate) use dropped::Made;
pub(crate) use start::Purpose;
pub use transaction::Ending;
pub(crate) use transaction::OpenTransaction;

/// A user's session on a lake.
///
/// * Each statement sees one state of the whole lake: the newest when it starts, or the one the session is pinned to.
/// * Each statement that writes is one commit. One that loses against another is run again on the newer state, a
///   bounded number of times.
/// * From BEGIN to COMMIT, all that is written is one commit, and what is read is the state that the first of these
///   statements saw, with what they wrote. To drop the session is to roll its transaction back.
/// * Statements may run at the same time; what one sets holds for those that start after it. In a transaction, those
///   that write take turns.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) lake: Lake,
    pub(crate) inner: Arc<Mutex<Inner>>,
}

/// What a session remembers.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) own: OwnSettings,
    /// What the session began with, and RESET gives again.
    pub(crate) initial: OwnSettings,
    pub(crate) schema: String,
    pub(crate) local_files: bool,
    pub(crate) network: bool,
    /// Whose token the session came with; empty for a session of this machine.
    pub(crate) principal: String,
    pub(crate) read_only: bool,
    /// Whether the next statement starts when the lake was opened.
    pub(crate) starts_as_opened: bool,
    pub(crate) options: ConfigOptions,
    pub(crate) prepared: HashMap<String, Prepared>,
    pub(crate) membership: Membership,
}

/// A statement kept under a name.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) text: String,
    pub(crate) types: Vec<DataType>,
}

impl Session {
    pub(crate) fn new(lake: Lake) -> Self {
        let options = ConfigOptions::clone(lake.base.config_options());
        let inner = Inner {
            own: OwnSettings::default(),
            initial: OwnSettings::default(),
            schema: DEFAULT_SCHEMA.to_owned(),
            local_files: false,
            network: false,
            principal: String::new(),
            read_only: false,
            starts_as_opened: false,
            options,
            prepared: HashMap::new(),
            membership: Membership::Alone,
        };
        Self { lake, inner: Arc::new(Mutex::new(inner)) }
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same session with an author for its commits.
    pub fn with_author(self, author: &str) -> Self {
        self.inner().begin_with(|own| author.clone_into(&mut own.author));
        self
    }

    /// The same session with a message for its commits, or none.
    pub fn with_message(self, message: Option<&str>) -> Self {
        self.inner().begin_with(|own| message.unwrap_or_default().clone_into(&mut own.message));
        self
    }

    /// The same session, allowed or not to read and write files of this machine.
    pub fn with_local_files(self, allowed: bool) -> Self {
        self.inner().local_files = allowed;
        self
    }

    /// The same session, for statements from a network: without files of this machine, and with only those settings
    /// that harm nobody else.
    pub fn for_network(self) -> Self {
        {
            let mut inner = self.inner();
            inner.local_files = false;
            inner.network = true;
        }
        self
    }

    /// The same session, whose next commits count as made at an instant of the past. The lake's setting
    /// `allow_asserted_times` must be true.
    pub fn with_commit_time(self, at_micros: Option<i64>) -> Self {
        self.inner().begin_with(|own| own.commit_time = at_micros.map(Micros::new));
        self
    }

    /// The same session, which commits nothing from now on, whatever is set in it.
    pub fn read_only(self) -> Self {
        self.inner().read_only = true;
        self
    }

    /// The same session, whose next statement starts when its lake was opened, not when it is run: it sees the lake as
    /// opening found it, and the store is not asked for newer versions. For processes that open a lake for one
    /// statement.
    ///
    /// * Whatever was committed before the lake began to be opened is seen, and `now()` is that instant.
    /// * If this process has seen a newer version since, the statement starts when it is run. So do those behind it,
    ///   and the same one if it is run again because another commit stood against it.
    pub fn starting_as_opened(self) -> Self {
        self.inner().starts_as_opened = true;
        self
    }

    /// The same session, pinned to a past.
    ///
    /// # Errors
    /// If there is no such past.
    pub async fn at(self, as_of: &AsOf) -> Result<Self, Error> {
        let state = self.lake.refresh().await?;
        let newest = state.newest(BranchId::MAIN).unwrap_or(Version::FIRST);
        let now = self.lake.engine.ledger().clock().now();
        let version = state.resolve_as_of(as_of, newest, now)?;
        self.inner().own.pin = Some(version);
        Ok(self)
    }

    /// Runs a text of exactly one statement.
    ///
    /// # Errors
    /// See [`Error::kind`].
    pub async fn sql(&self, text: &str, parameters: &Parameters) -> Result<Answer, Error> {
        let parsed = match parse_one(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.abort_transaction();
                return Err(error.into());
            }
        };
        self.run(&parsed, parameters).await
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// See [`Error::kind`]. A statement that fails has changed nothing.
    pub async fn run(&self, statement: &Parsed, parameters: &Parameters) -> Result<Answer, Error> {
        self.run_until(statement, std::slice::from_ref(parameters), &Stop::new()).await
    }

    /// Runs one statement, unless it is broken off before its commit begins. INSERT, UPDATE, DELETE and MERGE run once
    /// for each of the parameters, all in one commit; any other statement takes exactly one.
    ///
    /// * They run in the order of the parameters, and an error of several says which of them it is of.
    /// * An INSERT of one row of VALUES without queries in it is planned once for thousands of parameters whose values
    ///   have the same types; any other is planned for each of them.
    /// * UPDATE, DELETE and MERGE see what those of the parameters before did. An INSERT reads what was there before
    ///   the first of them.
    /// * UPDATE and DELETE by key are one query for all of them, where their order does not matter.
    ///
    /// # Errors
    /// See [`Error::kind`]. A statement that fails has changed nothing, and aborts the transaction that it runs in.
    pub async fn run_until(&self, statement: &Parsed, parameters: &[Parameters], stop: &Stop) -> Result<Answer, Error> {
        if let Some(ended) = self.control(&statement.statement, parameters).await {
            return ended;
        }
        self.complete(&Task::Statement { statement, parameters }, stop).await
    }

    /// Imports files into a table.
    pub(crate) async fn import(
        &self,
        table: &str,
        files: Vec<SourceFile>,
        request: &ImportRequest,
        progress: Arc<Progress>,
    ) -> Result<Answer, Error> {
        let table = object_name(table)?;
        self.complete(&Task::Import { table, files, request, progress }, &Stop::new()).await
    }

    /// Appends batches to a table, in one commit, and gives its version; in a transaction, the version that this began
    /// from. Columns are matched by name.
    ///
    /// # Errors
    /// If the table is not there, or a column does not fit.
    pub async fn append(&self, table: &str, batches: Vec<RecordBatch>) -> Result<Version, Error> {
        let table = object_name(table)?;
        match self.complete(&Task::Append { table, batches }, &Stop::new()).await? {
            Answer::Committed(committed) => Ok(committed.version),
            Answer::NoChange { version } => Ok(version),
            Answer::Pending { base, .. } => Ok(base),
            Answer::Rows(_) | Answer::Done => Err(Error::statement("an append gives a version")),
        }
    }

    /// Takes batches into a table as they come, in one commit when the last has come. Columns are matched by name.
    ///
    /// * Memory is bounded, however many rows come.
    /// * Nothing is committed if the stream fails, or if this future is dropped.
    ///
    /// # Errors
    /// If the table is not as the request wants it, a column does not fit, or the stream fails.
    pub async fn ingest<S, E>(&self, ingest: &Ingest, columns: &SchemaRef, mut batches: S) -> Result<Answer, E>
    where
        S: Stream<Item = Result<RecordBatch, E>> + Send + Unpin,
        E: From<Error>,
    {
        let open = self.open_transaction();
        let attempt = open.as_ref().map(|transaction| transaction.attempt());
        // Those that write in one transaction take turns.
        let _turn = match &open {
            Some(transaction) => Some(transaction.turn().await),
            None => None,
        };
        self.check_writes_within(open.as_deref())?;
        let context = self.make_context(&Parameters::none(), Purpose::Run, open.as_ref()).await?;
        if open.is_none() {
            self.check_will_say_why(&context.committed)?;
        }
        let mut append = statement::begin_ingest(&context, ingest, columns)?;
        while let Some(batch) = batches.next().await {
            append.write(&batch?).await?;
        }
        let answer = match append.finish(&context).await? {
            Work::Answer(answer) => context.told_answer(answer),
            Work::Commit(commit) => self.commit(&context, commit).await?,
        };
        if let Some(attempt) = attempt {
            attempt.succeeded();
        }
        Ok(answer)
    }

    /// Refuses a write in a session or a transaction that only reads, or in one that looks at the past.
    fn check_writes_within(&self, transaction: Option<&OpenTransaction>) -> Result<(), Error> {
        self.inner().check_writes()?;
        transaction.map_or(Ok(()), OpenTransaction::check_writes)
    }

    /// Runs a planned query and gives its rows as they are computed.
    pub(crate) async fn rows(&self, context: &Context, plan: LogicalPlan) -> Result<Answer, Error> {
        let plan = zone::yield_utc(fill_parameters(plan, &context.parameters)?, context.zone.label().as_ref())?;
        let physical = context.base.create_physical_plan(&plan).await?;
        Ok(Answer::Rows(execute(context, physical)?))
    }
}

impl Inner {
    /// Sets what the session begins with, and RESET gives again.
    fn begin_with(&mut self, set: impl Fn(&mut OwnSettings)) {
        set(&mut self.own);
        set(&mut self.initial);
    }

    /// Refuses a write where the session looks at the past, or only reads.
    pub(crate) fn check_writes(&self) -> Result<(), Error> {
        match (self.own.pin, self.read_only) {
            (None, false) => Ok(()),
            (None, true) => Err(Error::statement("the session only reads, so nothing can be written")),
            (Some(version), false) => {
                Err(pinned(version).with_hint("`RESET frostline.as_of` goes back to the newest version"))
            }
            (Some(version), true) => Err(pinned(version)),
        }
    }
}

/// The error of a write in a session that looks at the past.
fn pinned(version: Version) -> Error {
    Error::statement(format!("the session is pinned to version {version}, and the past cannot be written"))
}
