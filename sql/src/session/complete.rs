//! Doing a task: it is decided on a state and committed, by itself or with the session's transaction.

use std::sync::Arc;
use std::time::Duration;

use super::task::Task;
use super::{OpenTransaction, Purpose, Session};
use crate::answer::Answer;
use crate::error::{Error, ErrorKind};
use crate::statement::Work;
use crate::stop::Stop;

/// How often a statement that lost against another is run again before the conflict is an error.
const TRIES_MAX: u32 = 20;

impl Session {
    /// Decides and commits: by itself, or within the session's transaction; unless it is broken off before its commit
    /// begins.
    pub(super) async fn complete(&self, task: &Task<'_>, stop: &Stop) -> Result<Answer, Error> {
        match self.open_transaction() {
            Some(transaction) => self.complete_within(&transaction, task, stop).await,
            None => self.complete_alone(task, stop).await,
        }
    }

    /// Decides, and leaves it to the transaction to commit that.
    async fn complete_within(
        &self,
        transaction: &Arc<OpenTransaction>,
        task: &Task<'_>,
        stop: &Stop,
    ) -> Result<Answer, Error> {
        let attempt = transaction.attempt();
        let work = async {
            let writes = task.writes(self)?;
            // Those that write take turns.
            let _turn = if writes { Some(transaction.turn().await) } else { None };
            if writes {
                self.check_writes_within(Some(transaction.as_ref()))?;
            }
            let purpose = task.purpose(self)?;
            let context = self.make_context(&task.parameters(), purpose, Some(transaction)).await?;
            match task.decide(self, &context).await? {
                Work::Answer(answer) => {
                    context.tell_reads();
                    Ok(context.told_answer(answer))
                }
                Work::Commit(commit) => self.commit(&context, commit).await,
            }
        };
        let outcome: Result<Answer, Error> = tokio::select! {
            biased;
            () = stop.stopped() => Err(Error::stopped()),
            outcome = work => outcome,
        };
        if outcome.is_ok() {
            attempt.succeeded();
        }
        outcome
    }

    /// Decides and commits, again on the newer state where another commit stands against it.
    async fn complete_alone(&self, task: &Task<'_>, stop: &Stop) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            let work = async {
                let context = self.make_context(&task.parameters(), Purpose::Run, None).await?;
                if task.writes(self)? {
                    self.check_will_say_why(&context.committed)?;
                }
                let work = task.decide(self, &context).await?;
                Ok::<_, Error>((context, work))
            };
            let worked = tokio::select! {
                biased;
                () = stop.stopped() => Err(Error::stopped()),
                worked = work => worked,
            };
            let done = match worked {
                Ok((_, Work::Answer(answer))) => return Ok(answer),
                Ok((context, Work::Commit(commit))) => self.commit(&context, commit).await,
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES_MAX => {
                    tries += 1;
                    back_off(tries).await;
                }
                done => return done,
            }
        }
    }
}

/// Waits a random time that grows with the number of tries, at most a quarter of a second.
#[expect(clippy::disallowed_methods, reason = "the pause before a statement that lost is run again")]
async fn back_off(tries: u32) {
    let most = Duration::from_millis(1 << tries.min(8));
    tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
}
