//! Prepared statements: made without running anything, bound, run and closed.

use std::sync::Arc;

use arrow_flight::sql::{ActionCreatePreparedStatementRequest, Any, DoPutPreparedStatementResult, ProstMessageExt};
use frostline_engine::batch_bytes;
use frostline_sql::{Parameters, StatementKind};
use prost::Message;
use tonic::Status;

use crate::gateway::{Binding, GatewayError, NewStatement, PreparedStatement};

use super::FlightDoor;
use super::caller::Caller;
use super::incoming::Incoming;
use super::info::schema_message;
use super::messages::PreparedResult;
use super::parameters::{parameter_rows, parameter_schema};
use super::plain::plain_schema;
use super::statement::one_row;
use super::transaction::Admitted;

impl FlightDoor {
    /// Prepares a statement: it is planned, and nothing of it is run.
    pub(crate) async fn prepare(
        &self,
        caller: &Caller,
        request: ActionCreatePreparedStatementRequest,
    ) -> Result<Any, Status> {
        let admitted = self.admit(caller, &request.query, request.transaction_id.as_ref()).await?;
        let Admitted { parsed, kind, session, transaction } = admitted;
        let description = self.gateway.within_timeout(session.describe(&parsed)).await?;
        let columns = description.columns.as_ref().filter(|_| kind == StatementKind::Rows);
        let columns = columns.map(|columns| plain_schema(columns));
        let dataset_schema = columns.as_ref().map(|columns| schema_message(columns)).transpose()?;
        let parameters = parameter_schema(&description);
        let parameter_schema = parameters.as_ref().map(schema_message).transpose()?;
        let statement = NewStatement { parsed, description, columns, transaction };
        let handle = self.gateway.handles.keep(&self.gateway.key, caller.owner(), statement);
        let result = PreparedResult {
            prepared_statement_handle: handle.map_err(GatewayError::from)?,
            dataset_schema: dataset_schema.unwrap_or_default(),
            parameter_schema: parameter_schema.unwrap_or_default(),
            is_update: Some(kind != StatementKind::Rows),
        };
        let type_url = arrow_flight::sql::ActionCreatePreparedStatementResult::type_url().to_owned();
        Ok(Any { type_url, value: result.encode_to_vec().into() })
    }

    /// The prepared statement that a handle names, and the values that it stands for.
    pub(crate) fn prepared(
        &self,
        caller: &Caller,
        handle: &[u8],
    ) -> Result<(Arc<PreparedStatement>, Option<Arc<Binding>>), GatewayError> {
        Ok(self.gateway.handles.find(&self.gateway.key, handle, caller.owner())?)
    }

    /// Binds the values that a client sends.
    pub(crate) async fn bind(
        &self,
        caller: &Caller,
        handle: &[u8],
        incoming: Incoming,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let (statement, _) = self.prepared(caller, handle)?;
        let rows = values(&statement, incoming).await?.map_or_else(one_row, Arc::from);
        let handle = self.gateway.handles.bind(&self.gateway.key, &statement, rows);
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) })
    }

    /// Closes the statement that a handle names.
    pub(crate) fn close_prepared(&self, caller: &Caller, handle: &[u8]) -> Result<(), GatewayError> {
        Ok(self.gateway.handles.close(&self.gateway.key, handle, caller.owner())?)
    }
}

/// The values that a client sends for a statement; `None` if it sends no columns at all.
pub(crate) async fn values(
    statement: &PreparedStatement,
    mut incoming: Incoming,
) -> Result<Option<Vec<Parameters>>, GatewayError> {
    let Some(columns) = incoming.columns().await? else { return Ok(None) };
    let (mut rows, mut bytes, mut room): (Vec<Parameters>, usize, usize) = (Vec::new(), 0, MEMORY_BYTES_MAX);
    while let Some(batch) = incoming.next_batch().await? {
        bytes = bytes.saturating_add(batch_bytes(&batch));
        if bytes > BYTES_MAX {
            let detail = format!("they have more than {BYTES_MAX} bytes; ingest them instead");
            return Err(GatewayError::malformed("the parameters", detail));
        }
        // Before they are taken: rows without values cost their sender nothing.
        if rows.len().saturating_add(batch.num_rows()) > ROWS_MAX {
            let detail = format!("there are more than {ROWS_MAX} rows of them; ingest them instead");
            return Err(GatewayError::malformed("the parameters", detail));
        }
        parameter_rows(&statement.description, &batch, &mut rows, &mut room)?;
    }
    // A stream of columns alone binds nothing, which some clients send for statements without parameters.
    let is_nothing = rows.is_empty() && columns.fields().is_empty();
    Ok((!is_nothing).then_some(rows))
}

/// How many rows of values are taken for one statement.
const ROWS_MAX: usize = 1_000_000;

/// How many bytes they may have, as they come.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many bytes they may have in memory: a million rows of three numbers.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
