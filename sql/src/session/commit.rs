//! What a statement decided to commit, and the commit that it becomes.

use frostline_catalog::transaction::{Proposal, Transaction};
use frostline_catalog::{BranchId, CommitId, ObjectId};

use super::Session;
use super::attribution::Said;
use crate::answer::{Answer, Committed};
use crate::context::Context;
use crate::error::Error;
use crate::parse::Isolation;

/// What a statement decided to commit.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) operation: &'static str,
    pub(crate) summary: String,
    pub(crate) rows: u64,
    pub(crate) reads: Vec<ObjectId>,
    pub(crate) changes: Vec<Proposal>,
    pub(crate) blocks: Vec<bytes::Bytes>,
}

impl Commit {
    /// A commit that reads no table and carries no rows.
    pub(crate) fn of(operation: &'static str, summary: String, changes: Vec<Proposal>) -> Self {
        Self { operation, summary, rows: 0, reads: Vec::new(), changes, blocks: Vec::new() }
    }
}

impl Session {
    /// Commits what a statement decided, or adds it to the transaction that it runs in.
    pub(crate) async fn commit(&self, context: &Context, commit: Commit) -> Result<Answer, Error> {
        let may_write = self.inner().check_writes();
        may_write?;
        if let Some(transaction) = &context.transaction {
            return transaction.add(commit);
        }
        let isolation = context.own.isolation;
        let attribution = self.attribution(&context.committed, isolation, Said::default())?;
        let transaction = Transaction {
            branch: BranchId::MAIN,
            base: context.visible,
            commit_id: CommitId::random(),
            request: None,
            author: attribution.author,
            message: attribution.message,
            operation: commit.operation.to_owned(),
            commit_time: attribution.commit_time,
            properties: attribution.properties,
            reads: if isolation == Isolation::Snapshot { Vec::new() } else { commit.reads },
            changes: commit.changes,
            blocks: commit.blocks,
        };
        match self.lake.engine.commit(transaction).await {
            Ok(made) => {
                Ok(Answer::Committed(Committed { version: made.version, summary: commit.summary, rows: commit.rows }))
            }
            Err(error) => Err(error.into()),
        }
    }
}
