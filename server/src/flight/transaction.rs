//! Transactions: begun and ended by actions, and taken part in by statements that name them.

use arrow_flight::sql::{
    ActionBeginTransactionResult, ActionEndTransactionRequest, Any, EndTransaction, ProstMessageExt,
};
use bytes::Bytes;
use frostline_catalog::Version;
use frostline_sql::parse::Parsed;
use frostline_sql::{Ending, Session, StatementKind};
use tonic::Status;

use crate::gateway::{GatewayError, PreparedStatement, TransactionId, Transactions};

use super::FlightDoor;
use super::caller::Caller;
use super::statement::{Meant, one_row};

/// A statement that was read and may be run, and where it runs.
pub(crate) struct Admitted {
    pub(crate) parsed: Parsed,
    pub(crate) kind: StatementKind,
    /// The caller's session, within the transaction that the call names.
    pub(crate) session: Session,
    pub(crate) transaction: Option<TransactionId>,
}

impl FlightDoor {
    /// The session that a call's statement runs in: the caller's, within the transaction that the call names.
    pub(crate) async fn session_in(
        &self,
        caller: &Caller,
        transaction_id: Option<&Bytes>,
    ) -> Result<(Session, Option<TransactionId>), GatewayError> {
        let session = caller.session(&self.gateway).await?;
        let Some(sent) = transaction_id.filter(|sent| !sent.is_empty()) else { return Ok((session, None)) };
        let id = Transactions::id(&self.gateway.key, sent)?;
        let transaction = self.gateway.transactions.find(id, caller.owner())?;
        Ok((session.within(&transaction), Some(id)))
    }

    /// The session that an ingest runs in. ADBC's drivers name their transaction with every call but this one, which
    /// belongs to the one that is open in their session.
    pub(crate) async fn session_of_ingest(
        &self,
        caller: &Caller,
        transaction_id: Option<&Bytes>,
    ) -> Result<Session, GatewayError> {
        let (session, named) = self.session_in(caller, transaction_id).await?;
        if named.is_some() {
            return Ok(session);
        }
        Ok(match self.gateway.transactions.open_in(caller.brought_session(), caller.owner())? {
            Some(transaction) => session.within(&transaction),
            None => session,
        })
    }

    /// The session that a prepared statement runs in.
    pub(crate) async fn session_of(
        &self,
        caller: &Caller,
        statement: &PreparedStatement,
    ) -> Result<Session, GatewayError> {
        let session = caller.session(&self.gateway).await?;
        let Some(id) = statement.transaction else { return Ok(session) };
        let transactions = &self.gateway.transactions;
        let (_, transaction) = transactions.of_prepared(id, caller.owner(), caller.brought_session())?;
        Ok(session.within(&transaction))
    }

    /// Reads a statement that a call brings. One that cannot be read, or may not be run, aborts the transaction that it
    /// was meant for.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        text: &str,
        transaction_id: Option<&Bytes>,
    ) -> Result<Admitted, GatewayError> {
        let (session, transaction) = self.session_in(caller, transaction_id).await?;
        let read = self.gateway.parse(text).and_then(|parsed| {
            let kind = self.gateway.authorise(&caller.principal, &session, &parsed)?;
            Ok((parsed, kind))
        });
        match read {
            Ok((parsed, kind)) => Ok(Admitted { parsed, kind, session, transaction }),
            Err(error) => {
                session.abort_transaction();
                Err(error)
            }
        }
    }

    /// Begins a transaction for the calls that name its id. What it sees is pinned by the first of their statements.
    pub(crate) async fn begin_transaction(&self, caller: &Caller) -> Result<Any, GatewayError> {
        let session = caller.session(&self.gateway).await?;
        let (key, transactions) = (&self.gateway.key, &self.gateway.transactions);
        let transaction_id = transactions.keep(key, caller.owner(), caller.brought_session(), session.begin())?;
        Ok(ActionBeginTransactionResult { transaction_id }.as_any())
    }

    /// Ends a transaction, and gives the version that it made. Who asks again for the same end gets the same answer.
    pub(crate) async fn end_transaction(
        &self,
        caller: &Caller,
        request: ActionEndTransactionRequest,
    ) -> Result<Option<Version>, Status> {
        let (text, commits) = match EndTransaction::try_from(request.action) {
            Ok(EndTransaction::Commit) => ("COMMIT", true),
            Ok(EndTransaction::Rollback) => ("ROLLBACK", false),
            Ok(EndTransaction::Unspecified) | Err(_) => {
                let detail = "it says neither commit nor rollback";
                return Err(GatewayError::malformed("the request to end a transaction", detail).into());
            }
        };
        let id = Transactions::id(&self.gateway.key, &request.transaction_id).map_err(GatewayError::from)?;
        let transaction = match self.gateway.transactions.find(id, caller.owner()) {
            Ok(transaction) => transaction,
            Err(error) => {
                return match (commits, self.gateway.transactions.ending(id, caller.owner())) {
                    (true, Some(Ending::Committed(version))) => Ok(version),
                    (false, Some(Ending::RolledBack)) => Ok(None),
                    _ => Err(GatewayError::from(error).into()),
                };
            }
        };
        let parsed = self.gateway.parse(text)?;
        let session = caller.session(&self.gateway).await?.within(&transaction);
        let outcome = self.write(caller, &session, &parsed, one_row(), Meant::Text).await?;
        Ok(commits.then_some(outcome.version))
    }
}
