//! Beginning and ending transactions, and taking part in them.

use std::sync::Arc;

use super::attribution::Said;
use super::pinned::newest;
use super::transaction::{Ending, Modes, OpenTransaction};
use super::{Inner, Session};
use crate::answer::{Answer, Committed};
use crate::error::{Error, ErrorKind};
use crate::parameters::Parameters;
use crate::parse::{CommitWith, Statement, TransactionModes};

/// Whether a session is in a transaction.
#[derive(Clone, Debug, Default)]
pub(crate) enum Membership {
    /// It is in none: each statement commits by itself.
    #[default]
    Alone,
    /// It began one, and leaves it at its end.
    Began(Arc<OpenTransaction>),
    /// It takes part in one that is held elsewhere, and in nothing else: when that is over, no statement runs.
    Joined(Arc<OpenTransaction>),
}

/// How it stands with a session's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// There is none.
    None,
    /// It takes statements.
    Open,
    /// A statement failed: it waits for ROLLBACK.
    Failed,
}

/// A transaction that sessions take part in by [`Session::within`]. It is held by whoever has it, and by them.
///
/// * Its statements end it: COMMIT and ROLLBACK in any session that takes part.
/// * To drop it, and all sessions within it, is to roll it back.
#[derive(Clone, Debug)]
pub struct SharedTransaction(Arc<OpenTransaction>);

impl SharedTransaction {
    /// How it ended; `None` as long as it did not.
    pub fn ending(&self) -> Option<Ending> {
        self.0.ending()
    }

    /// Whether a statement of it read or wrote something, or failed.
    pub fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Whether it takes no statement any more, because it ended or is being committed.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Whether sessions take part in it now, or rows of it are being read. Clones of this handle count too.
    pub fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Forgets all that it did. One that is over stays as it ended.
    pub fn roll_back(&self) {
        // What ended otherwise is not to be rolled back.
        let _ = self.0.roll_back();
    }
}

impl Inner {
    /// What a transaction is asked for that begins now.
    fn modes(&self, asked: TransactionModes) -> Modes {
        Modes {
            isolation: asked.isolation.unwrap_or(self.own.isolation),
            read_only: asked.read_only.unwrap_or(self.read_only),
        }
    }
}

impl Session {
    /// Begins a transaction that other sessions may take part in; this one does not. It checks what this session sets
    /// by `frostline.isolation`.
    pub fn begin(&self) -> SharedTransaction {
        let modes = self.inner().modes(TransactionModes::default());
        SharedTransaction(OpenTransaction::begin(modes))
    }

    /// Another session that begins with what this one remembers, and whose statements run in a transaction.
    pub fn within(&self, transaction: &SharedTransaction) -> Self {
        let session = self.fork();
        session.inner().membership = Membership::Joined(Arc::clone(&transaction.0));
        session
    }

    /// How it stands with the session's transaction.
    pub fn transaction_status(&self) -> TransactionStatus {
        match self.open_transaction() {
            None => TransactionStatus::None,
            Some(transaction) if transaction.is_failed() => TransactionStatus::Failed,
            Some(_) => TransactionStatus::Open,
        }
    }

    /// A number of the session's transaction that no other has in this process.
    pub fn transaction_number(&self) -> Option<u64> {
        self.open_transaction().map(|transaction| transaction.number())
    }

    /// Aborts the session's transaction, if there is one: for callers that refuse a statement before it is run here.
    pub fn abort_transaction(&self) {
        if let Some(transaction) = self.open_transaction() {
            transaction.fail();
        }
    }

    /// Rolls the session's transaction back, and says whether there was one.
    pub fn roll_back(&self) -> bool {
        self.end_by_rollback().is_ok()
    }

    /// The transaction that statements run in now.
    pub(crate) fn open_transaction(&self) -> Option<Arc<OpenTransaction>> {
        let mut guard = self.inner();
        let inner: &mut Inner = &mut guard;
        match &inner.membership {
            Membership::Alone => None,
            Membership::Joined(transaction) => Some(Arc::clone(transaction)),
            Membership::Began(transaction) if !transaction.is_over() => Some(Arc::clone(transaction)),
            Membership::Began(_) => {
                inner.membership = Membership::Alone;
                None
            }
        }
    }

    /// Runs a statement that begins or ends a transaction, or changes what it is asked for. `None` if it does not.
    pub(super) async fn control(
        &self,
        statement: &Statement,
        parameters: &[Parameters],
    ) -> Option<Result<Answer, Error>> {
        match statement {
            Statement::Begin(modes) => Some(self.begin_own(*modes)),
            Statement::SetTransaction(modes) => Some(self.set_modes(*modes)),
            Statement::Rollback => Some(self.end_by_rollback()),
            Statement::CommitTransaction(with) => {
                let none = Parameters::none();
                Some(self.end_by_commit(with, parameters.first().unwrap_or(&none)).await)
            }
            _ => None,
        }
    }

    fn begin_own(&self, asked: TransactionModes) -> Result<Answer, Error> {
        if let Some(transaction) = self.open_transaction() {
            transaction.fail();
            return Err(Error::statement("a transaction is open already, and transactions do not nest")
                .with_hint("it is aborted now: ROLLBACK ends it"));
        }
        let mut inner = self.inner();
        let modes = inner.modes(asked);
        inner.membership = Membership::Began(OpenTransaction::begin(modes));
        Ok(Answer::Done)
    }

    fn set_modes(&self, asked: TransactionModes) -> Result<Answer, Error> {
        let transaction = self.open_transaction().ok_or_else(|| {
            Error::statement("there is no transaction to set something of")
                .with_hint("BEGIN begins one; SET frostline.isolation holds for all that follow")
        })?;
        match transaction.set_modes(asked.isolation, asked.read_only) {
            Ok(()) => Ok(Answer::Done),
            Err(error) => {
                transaction.fail();
                Err(error)
            }
        }
    }

    fn end_by_rollback(&self) -> Result<Answer, Error> {
        let transaction = self.open_transaction().ok_or_else(|| none_open("roll back"))?;
        transaction.roll_back()?;
        self.leave(&transaction);
        Ok(Answer::Done)
    }

    /// Commits the session's transaction as one version. What is wrong with COMMIT itself leaves the transaction as it
    /// was; whatever else is wrong rolls it back.
    async fn end_by_commit(&self, with: &CommitWith, parameters: &Parameters) -> Result<Answer, Error> {
        let transaction = self.open_transaction().ok_or_else(|| none_open("commit"))?;
        let _turn = transaction.turn().await;
        let said = Said::of(with, parameters)?;
        let isolation = transaction.isolation();
        let attribution = match transaction.changed_base() {
            Some(base) => Some(self.attribution(&base, isolation, said)?),
            None => None,
        };
        let taken = transaction.take();
        self.leave(&transaction);
        let (pinned, attribution) = match (taken?, attribution) {
            (Some(pinned), Some(attribution)) => (pinned, attribution),
            (pinned, _) => {
                transaction.end(Ending::Committed(None));
                let version = pinned.map_or_else(|| newest(&self.lake.state()), |pinned| pinned.base());
                return Ok(Answer::NoChange { version });
            }
        };
        let decided = pinned.decided(isolation, attribution);
        match self.lake.engine.commit(decided.transaction).await {
            Ok(made) => {
                transaction.end(Ending::Committed(Some(made.version)));
                let (summary, rows) = (decided.summary, decided.rows);
                Ok(Answer::Committed(Committed { version: made.version, summary, rows }))
            }
            Err(error) => {
                let error = Error::from(error);
                let is_unknown = error.kind() == ErrorKind::Unknown;
                transaction.end(if is_unknown { Ending::Unknown } else { Ending::RolledBack });
                Err(match error.kind() {
                    ErrorKind::Conflict => error.with_hint("the transaction was rolled back: run it again from BEGIN"),
                    _ => error,
                })
            }
        }
    }

    /// Leaves a transaction that this session began.
    fn leave(&self, transaction: &Arc<OpenTransaction>) {
        let mut guard = self.inner();
        let inner: &mut Inner = &mut guard;
        if let Membership::Began(own) = &inner.membership
            && Arc::ptr_eq(own, transaction)
        {
            inner.membership = Membership::Alone;
        }
    }
}

fn none_open(verb: &str) -> Error {
    Error::statement(format!("there is no transaction to {verb}"))
        .with_hint("each statement is committed by itself; BEGIN begins a transaction of several")
}
