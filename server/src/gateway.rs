//! What every way in shares: who asks is known, what they may do is checked, and statements run within their limits.
//!
//! ```text
//!   text ──parse one──▶ kind ──rights──▶ rows:   plan, then admit and run: RunningRows
//!                                        write:  admit and run once: Execution
//!                                        set:    in the session
//! ```

mod error;
mod executions;
mod handles;
mod options;
mod plans;
mod running;
mod seal;
mod sessions;
mod tickets;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use frostline_catalog::Version;
use frostline_sql::parse::{Parsed, Statement, parse_one};
use frostline_sql::{Answer, Committed, Lake, Parameters, Session, StatementKind, Stop};

pub(crate) use error::GatewayError;
pub(crate) use executions::{Execution, Executions, Join, Outcome};
pub(crate) use handles::{Binding, Handles, NewStatement, PreparedStatement};
pub(crate) use options::{SessionOptions, option_values};
pub(crate) use plans::Plans;
pub(crate) use running::RunningRows;
pub(crate) use seal::SealKey;
pub(crate) use sessions::{OPTIONS, SessionError, SessionId, Sessions};
pub(crate) use tickets::{Queries, Query, QueryId, QuerySource, TicketError};
pub(crate) use transactions::{TransactionId, Transactions};

use crate::identity::{Identity, Principal, Rights};
use crate::limits::Limits;
use crate::metrics::Metrics;
use running::{Book, Bounds};

/// What is behind every way in.
#[derive(Debug)]
pub(crate) struct Gateway {
    lake: Lake,
    identity: Identity,
    limits: Limits,
    metrics: Arc<Metrics>,
    pub(crate) key: SealKey,
    pub(crate) sessions: Sessions,
    pub(crate) queries: Queries,
    pub(crate) handles: Handles,
    pub(crate) transactions: Transactions,
    pub(crate) executions: Executions,
}

/// What a statement gave.
#[derive(Debug)]
pub(crate) enum Answered {
    /// Rows.
    Rows(RunningRows),
    /// A commit.
    Committed(Committed),
    /// Nothing was to be changed.
    Done {
        /// The version that the statement saw.
        version: Version,
    },
}

impl Gateway {
    /// A gateway to a lake.
    pub(crate) fn new(lake: Lake, identity: Identity, limits: Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        let idle: Duration = limits.idle_timeout();
        Arc::new(Self {
            lake,
            identity,
            limits,
            metrics,
            key: SealKey::draw(),
            sessions: Sessions::new(idle),
            queries: Queries::new(idle),
            handles: Handles::new(idle),
            transactions: Transactions::new(idle),
            executions: Executions::default(),
        })
    }

    /// The lake.
    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// How long a handle lives that nobody uses, and how long a statement may be: what clients are told.
    pub(crate) fn told_limits(&self) -> (Duration, usize) {
        (self.limits.idle_timeout(), self.limits.statement_bytes_max())
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Who sends a request with this authorization header.
    ///
    /// # Errors
    /// If it is nobody.
    pub(crate) async fn principal(&self, authorization: Option<&str>) -> Result<Principal, GatewayError> {
        let principal = self.identity.principal(authorization).await;
        if principal.is_err() {
            self.metrics.refused("token");
        }
        Ok(principal?)
    }

    /// A new session of somebody, in which nothing is set.
    pub(crate) fn new_session(&self, principal: &Principal) -> Session {
        let session = self.lake.session().for_network();
        // Who came without a token may call themselves what they like.
        match principal.token_id.is_empty() {
            true => session.with_author(&principal.name),
            false => session.with_principal(&principal.name),
        }
    }

    /// A new session of somebody, with these options.
    ///
    /// # Errors
    /// If an option does not take its value.
    pub(crate) async fn session(
        &self,
        principal: &Principal,
        options: &SessionOptions,
    ) -> Result<Session, GatewayError> {
        let session = self.new_session(principal);
        options.apply(&session).await?;
        Ok(session)
    }

    /// Reads a text of exactly one statement.
    ///
    /// # Errors
    /// If it is too long, or not one statement.
    pub(crate) fn parse(&self, sql: &str) -> Result<Parsed, GatewayError> {
        let most = self.limits.statement_bytes_max();
        if sql.len() > most {
            return Err(GatewayError::StatementLength { bytes: sql.len(), most });
        }
        Ok(parse_one(sql)?)
    }

    /// What a statement does, if somebody may do it.
    ///
    /// # Errors
    /// If they may not.
    pub(crate) fn authorise(
        &self,
        principal: &Principal,
        session: &Session,
        statement: &Parsed,
    ) -> Result<StatementKind, GatewayError> {
        let kind = session.kind(&statement.statement)?;
        let needs = match kind {
            StatementKind::Rows | StatementKind::Session | StatementKind::Check => Rights::Read,
            // What is written in a transaction has asked for the right to write.
            StatementKind::Transaction => Rights::Read,
            StatementKind::Write => Rights::Write,
        };
        self.need(principal, needs)?;
        Ok(kind)
    }

    /// Refuses who lacks a right.
    ///
    /// # Errors
    /// If they do.
    pub(crate) fn need(&self, principal: &Principal, needs: Rights) -> Result<(), GatewayError> {
        if principal.rights >= needs {
            return Ok(());
        }
        self.metrics.refused("rights");
        Err(GatewayError::Forbidden { name: principal.name.to_string(), has: principal.rights, needs })
    }

    /// Runs a text of exactly one statement that is a client's only one in its session.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub(crate) async fn run(
        &self,
        principal: &Principal,
        session: &Session,
        sql: &str,
        parameters: &Parameters,
    ) -> Result<Answered, GatewayError> {
        let statement = self.parse(sql)?;
        match self.authorise(principal, session, &statement)? {
            StatementKind::Rows => {
                let planned = self.within_timeout(session.plan(&statement, parameters)).await?;
                let (label, stop) = (label(&statement.statement), Stop::new());
                let plans = Plans::one(planned);
                return self.rows(principal, plans, QueryId::draw(), label, stop).await.map(Answered::Rows);
            }
            // The session is gone with the answer.
            StatementKind::Session => return Err(SessionError::NotKept.into()),
            StatementKind::Transaction => {
                let instead = "each statement is committed by itself here; Flight SQL has transactions of several";
                return Err(GatewayError::unsupported("a transaction in a request that stands alone", instead));
            }
            StatementKind::Write | StatementKind::Check => {}
        }
        let stop = Stop::new();
        match self.write(principal, session, &statement, std::slice::from_ref(parameters), &stop).await? {
            Answer::Committed(committed) => Ok(Answered::Committed(committed)),
            Answer::NoChange { version } | Answer::Pending { base: version, .. } => Ok(Answered::Done { version }),
            Answer::Rows(rows) => Ok(Answered::Done { version: rows.version }),
            Answer::Done => Ok(Answered::Done { version: self.visible(session) }),
        }
    }

    /// The version that a session sees, as far as this process knows.
    pub(crate) fn visible(&self, session: &Session) -> Version {
        let newest = || self.lake.state().newest(frostline_catalog::BranchId::MAIN).unwrap_or(Version::FIRST);
        session.as_of().unwrap_or_else(newest)
    }

    /// Waits for work that belongs to a statement, as long as a statement may take.
    pub(crate) async fn within_timeout<T>(
        &self,
        work: impl Future<Output = Result<T, frostline_sql::Error>>,
    ) -> Result<T, GatewayError> {
        let most = self.limits.statement_timeout();
        match tokio::time::timeout(most, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(GatewayError::TimedOut { most }),
        }
    }

    /// Runs a query for somebody, for one row of values after the other, when its turn comes.
    ///
    /// # Errors
    /// Those that show before the first row.
    pub(crate) async fn rows(
        &self,
        principal: &Principal,
        plans: Plans,
        id: QueryId,
        label: &'static str,
        stop: Stop,
    ) -> Result<RunningRows, GatewayError> {
        let permit = self.limits.admit().await?;
        let book = Book::open(Arc::clone(&self.metrics), id.text(), Arc::clone(&principal.name), label);
        let most = self.limits.statement_timeout();
        let deadline = tokio::time::Instant::now() + most;
        let bounds = Bounds { deadline, most, bytes: self.limits.result_bytes_max() };
        RunningRows::start(plans, stop, bounds, book, permit).await
    }

    /// Runs a statement that gives no rows, once for each of the parameters, when its turn comes. When its time is over
    /// or it is broken off, a commit that began is carried through.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub(crate) async fn write(
        &self,
        principal: &Principal,
        session: &Session,
        statement: &Parsed,
        parameters: &[Parameters],
        stop: &Stop,
    ) -> Result<Answer, GatewayError> {
        self.in_the_books(principal, label(&statement.statement), stop, session.run_until(statement, parameters, stop))
            .await
    }

    /// Runs some work that may commit, when its turn comes, and notes what came of it.
    ///
    /// # Errors
    /// Those of the work, or of its limits.
    pub(crate) async fn in_the_books<E>(
        &self,
        principal: &Principal,
        label: &'static str,
        stop: &Stop,
        work: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Answer, GatewayError>
    where
        GatewayError: From<E>,
    {
        let _permit = self.limits.admit().await?;
        let id = QueryId::draw().text();
        let mut book = Book::open(Arc::clone(&self.metrics), id, Arc::clone(&principal.name), label);
        let most = self.limits.statement_timeout();
        let mut work = std::pin::pin!(work);
        let mut is_late = false;
        let done = match tokio::time::timeout(most, work.as_mut()).await {
            Ok(done) => done.map_err(GatewayError::from),
            Err(_) => {
                // Its commit may have begun, and then the outcome is not ours to throw away.
                is_late = true;
                stop.stop();
                work.await.map_err(GatewayError::from)
            }
        };
        let done = done.map_err(|error| match is_late && error.kind() == "cancelled" {
            true => GatewayError::TimedOut { most },
            false => error,
        });
        match &done {
            Ok(answer) => {
                match answer {
                    Answer::Committed(committed) => {
                        book.saw(committed.version);
                        book.add_rows(committed.rows);
                    }
                    Answer::Pending { rows, .. } => book.add_rows(*rows),
                    Answer::Rows(_) | Answer::NoChange { .. } | Answer::Done => {}
                }
                book.succeeded();
            }
            Err(error) => book.failed(error),
        }
        done
    }
}

/// What a statement is called in metrics and logs.
pub(crate) fn label(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(_) => "query",
        Statement::Explain(_) => "explain",
        Statement::Insert(_) => "insert",
        Statement::CreateTable(_)
        | Statement::DropTable(_)
        | Statement::AlterTable(_)
        | Statement::CreateSchema(_)
        | Statement::DropSchema(_)
        | Statement::CreateView(_)
        | Statement::DropView(_)
        | Statement::CreateTag(_)
        | Statement::DropTag(_)
        | Statement::AlterSchema(_)
        | Statement::AlterView(_)
        | Statement::Comment(_)
        | Statement::Restore(_)
        | Statement::Undrop(_) => "define",
        Statement::Use(_) | Statement::Set(_) | Statement::SetAsOf(_) | Statement::Reset(_) => "set",
        Statement::Prepare(_) | Statement::Execute(_) | Statement::Deallocate(_) => "prepared",
        Statement::CopyTo(_) | Statement::CopyFrom(_) => "copy",
        Statement::Delete(_) => "delete",
        Statement::Update(_) => "update",
        Statement::Merge(_) => "merge",
        Statement::Truncate(_) => "truncate",
        Statement::Begin(_) | Statement::CommitTransaction(_) | Statement::Rollback | Statement::SetTransaction(_) => {
            "transaction"
        }
        Statement::Assert(_) => "assert",
        _ => "show",
    }
}
