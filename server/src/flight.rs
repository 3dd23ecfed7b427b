//! Arrow Flight SQL.
//!
//! ```text
//!   Handshake          a token as the password ──▶ the bearer value for the calls that follow
//!   GetFlightInfo      a statement is planned and kept, or run if it writes ──▶ a ticket
//!   DoGet              a ticket ──▶ the rows, at the version that it was made for
//!   DoPut              statements that write, values for parameters, rows to ingest
//!   DoAction           prepared statements, transactions, the session, cancelling
//!   GetSchema, PollFlightInfo      columns without running anything; GetFlightInfo for clients that poll
//! ```
//!
//! Commands are read here and not by the crate `arrow-flight`, whose own service cannot answer GetSchema,
//! PollFlightInfo and the actions of sessions, calls a command that cannot be read an internal error, and sends no
//! headers.

mod action;
mod caller;
mod command;
mod incoming;
mod info;
mod keys;
mod messages;
mod metadata;
mod parameters;
pub(crate) mod plain;
mod prepared;
mod put;
mod sql_info;
mod statement;
mod stream;
mod transaction;
mod whole;
mod xdbc;

use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::Command;
use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use arrow_flight::{
    Action, ActionType, BasicAuth, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status, Streaming};

use crate::gateway::{Gateway, GatewayError, Query, QuerySource};

use self::action::{ActionResults, actions};
use self::caller::Caller;
use self::command::{command, unknown};
use self::info::{info_of_command, schema_message};
use self::plain::plain_schema;
use self::put::PutResults;
use self::stream::{Fetch, Messages, send_batch, send_rows};
use self::whole::WholeRequests;

/// How large a message may be that a client sends: some send what they have in one.
const RECEIVED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How large a message may be that is sent: large enough for one large row.
const SENT_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// The way in for clients of Flight SQL.
pub(crate) struct FlightDoor {
    gateway: Arc<Gateway>,
    sql_info: SqlInfoData,
    type_info: XdbcTypeInfoData,
}

/// The service of Flight SQL in front of a gateway.
pub(crate) fn service(gateway: Arc<Gateway>) -> WholeRequests<FlightServiceServer<FlightDoor>> {
    let (idle, statement_bytes_max) = gateway.told_limits();
    let sql_info = sql_info::sql_info(idle, statement_bytes_max).expect("what is told of the server fits together");
    let type_info = xdbc::type_info().expect("what is told of types fits together");
    let door = FlightServiceServer::new(FlightDoor { gateway, sql_info, type_info })
        .max_decoding_message_size(RECEIVED_BYTES_MAX)
        .max_encoding_message_size(SENT_BYTES_MAX);
    WholeRequests(door)
}

impl FlightDoor {
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, GatewayError> {
        Caller::of(&self.gateway, request.metadata()).await
    }

    /// What is told of a result.
    async fn info(&self, caller: &Caller, descriptor: FlightDescriptor) -> Result<Response<FlightInfo>, Status> {
        let command = command(&descriptor.cmd)?;
        if let Some(columns) = self.metadata_columns(&command) {
            return Ok(caller.reply(info_of_command(descriptor, &columns)?, None));
        }
        match command {
            Command::CommandStatementQuery(query) => self.statement_info(caller, query, descriptor).await,
            Command::CommandPreparedStatementQuery(query) => {
                self.prepared_info(caller, &query.prepared_statement_handle, descriptor).await
            }
            Command::CommandStatementSubstraitPlan(_) => {
                Err(GatewayError::unsupported("Substrait", "send the statement as SQL").into())
            }
            other => Err(unknown(other.type_url()).into()),
        }
    }

    /// The columns of a result, without running anything.
    async fn columns(&self, caller: &Caller, descriptor: &FlightDescriptor) -> Result<Bytes, Status> {
        let command = command(&descriptor.cmd)?;
        if let Some(columns) = self.metadata_columns(&command) {
            return Ok(schema_message(&columns)?);
        }
        let columns = match command {
            Command::CommandStatementQuery(query) => {
                let admitted = self.admit(caller, &query.query, query.transaction_id.as_ref()).await?;
                let described = admitted.session.describe(&admitted.parsed);
                let description = self.gateway.within_timeout(described).await?;
                description.columns.map(|columns| plain_schema(&columns))
            }
            Command::CommandPreparedStatementQuery(query) => {
                let (statement, _) = self.prepared(caller, &query.prepared_statement_handle)?;
                statement.columns.clone()
            }
            other => return Err(unknown(other.type_url()).into()),
        };
        let columns = columns.unwrap_or_else(|| Arc::new(Schema::empty()));
        Ok(schema_message(&columns)?)
    }

    /// The rows behind a ticket.
    async fn fetch(&self, caller: &Caller, ticket: &[u8]) -> Result<Response<Messages>, Status> {
        let command = command(ticket)?;
        if self.metadata_columns(&command).is_some() {
            let (batch, version) = self.metadata_rows(caller, &command).await?;
            return Ok(caller.reply(send_batch(batch, Some(version))?, Some(version)));
        }
        let ticket = match command {
            Command::TicketStatementQuery(ticket) => ticket,
            other => return Err(unknown(other.type_url()).into()),
        };
        let found = self.gateway.queries.find(&self.gateway.key, &ticket.statement_handle, caller.owner());
        let query: Arc<Query> = found.map_err(GatewayError::from)?;
        let fetch = Fetch::begin(&self.gateway, &query);
        let messages = match &query.source {
            QuerySource::Batch(batch) => send_batch(batch.clone(), Some(query.version))?,
            QuerySource::Plans(plans) => {
                let (plans, stop) = (plans.clone(), query.stop.clone());
                let rows = self.gateway.rows(&caller.principal, plans, query.id, query.label, stop).await?;
                send_rows(rows, Arc::clone(&query.columns), fetch)
            }
        };
        Ok(caller.reply(messages, Some(query.version)))
    }
}

/// The token of a handshake as older clients send it, in the message and not in a header.
fn password_in(payload: &Bytes) -> Option<String> {
    let auth = BasicAuth::decode(payload.clone()).ok()?;
    (!auth.password.is_empty()).then_some(auth.password)
}

#[tonic::async_trait]
impl FlightService for FlightDoor {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = Messages;
    type DoPutStream = PutResults;
    type DoExchangeStream = BoxStream<'static, Result<FlightData, Status>>;
    type DoActionStream = ActionResults;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let mut metadata = request.metadata().clone();
        if !metadata.contains_key("authorization") {
            // Only then is there something to wait for.
            let first = request.into_inner().message().await.map_err(incoming::broken_off)?;
            let password = first.and_then(|first| password_in(&first.payload));
            let bearer = password.and_then(|password| AsciiMetadataValue::try_from(format!("Bearer {password}")).ok());
            if let Some(bearer) = bearer {
                metadata.insert("authorization", bearer);
            }
        }
        let caller = Caller::of(&self.gateway, &metadata).await?.connecting(&self.gateway);
        let answer = HandshakeResponse { protocol_version: 0, payload: Bytes::new() };
        Ok(caller.reply_with_session(futures::stream::iter([Ok(answer)]).boxed()))
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        let caller = self.caller(&request).await?;
        Ok(caller.reply(futures::stream::empty().boxed(), None))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let caller = self.caller(&request).await?;
        self.info(&caller, request.into_inner()).await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        let caller = self.caller(&request).await?;
        let info = self.info(&caller, request.into_inner()).await?;
        // Nothing is left to be polled for: rows are computed when they are fetched.
        Ok(info.map(|info| PollInfo { info: Some(info), progress: Some(1.0), ..PollInfo::default() }))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let caller = self.caller(&request).await?;
        let schema = self.columns(&caller, request.get_ref()).await?;
        Ok(caller.reply(SchemaResult { schema }, None))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let caller = self.caller(&request).await?;
        self.fetch(&caller, &request.get_ref().ticket).await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        // A stream of a client is not to be held while its sender is looked up.
        let (metadata, _, stream) = request.into_parts();
        let caller = Caller::of(&self.gateway, &metadata).await?;
        self.put(&caller, stream).await
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let (metadata, _, _) = request.into_parts();
        Caller::of(&self.gateway, &metadata).await?;
        Err(GatewayError::unsupported("DoExchange", "send rows by DoPut and fetch them by DoGet").into())
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let caller = self.caller(&request).await?;
        self.act(&caller, request.into_inner()).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let caller = self.caller(&request).await?;
        Ok(caller.reply(futures::stream::iter(actions().map(Ok).collect::<Vec<_>>()).boxed(), None))
    }
}
