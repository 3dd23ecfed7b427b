//! Actions: prepared statements, transactions, sessions, and breaking off.

use std::collections::HashMap;

use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionCancelQueryRequest, ActionCancelQueryResult,
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionEndTransactionRequest, Any,
    Command, ProstMessageExt,
};
use arrow_flight::{Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use tonic::{Response, Status};

use crate::gateway::{GatewayError, SessionOptions, TicketError, option_values};

use super::FlightDoor;
use super::caller::Caller;
use super::command::{action_body, command, plain_body};
use super::messages::{
    CloseSessionResult, CloseStatus, GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest,
    SetSessionOptionsResult,
};

/// A stream of answers to an action.
pub(crate) type ActionResults = BoxStream<'static, Result<arrow_flight::Result, Status>>;

/// The actions, and what they do.
const ACTIONS: [(&str, &str); 9] = [
    ("CreatePreparedStatement", "Prepares a statement; nothing of it is run."),
    ("ClosePreparedStatement", "Closes a prepared statement."),
    ("BeginTransaction", "Begins a transaction for the calls that name its id."),
    ("EndTransaction", "Commits a transaction as one version, or rolls it back."),
    ("CancelFlightInfo", "Breaks off what fetches a result, and forgets it."),
    ("CancelQuery", "The same, as older clients ask for it."),
    ("SetSessionOptions", "Sets catalog, schema, as_of, branch, author or message for the calls that follow."),
    ("GetSessionOptions", "Tells the options of the session."),
    ("CloseSession", "Ends the session."),
];

/// How Flight SQL says that a query was broken off, and that there was nothing to break off.
const QUERY_CANCELLED: i32 = 1;
const QUERY_NOT_CANCELLABLE: i32 = 3;

/// The actions that there are.
pub(crate) fn actions() -> impl Iterator<Item = ActionType> {
    ACTIONS
        .into_iter()
        .map(|(name, description)| ActionType { r#type: name.to_owned(), description: description.to_owned() })
}

impl FlightDoor {
    /// Does what an action asks for.
    pub(crate) async fn act(&self, caller: &Caller, action: Action) -> Result<Response<ActionResults>, Status> {
        let body = action.body;
        match action.r#type.as_str() {
            "CreatePreparedStatement" => {
                let request: ActionCreatePreparedStatementRequest = action_body("the request to prepare", &body)?;
                let prepared = self.prepare(caller, request).await?;
                Ok(caller.reply(one(prepared.encode_to_vec()), None))
            }
            "ClosePreparedStatement" => {
                let request: ActionClosePreparedStatementRequest = action_body("the request to close", &body)?;
                self.close_prepared(caller, &request.prepared_statement_handle)?;
                Ok(caller.reply(nothing(), None))
            }
            "CancelFlightInfo" => {
                let request: CancelFlightInfoRequest = plain_body("the request to cancel", &body)?;
                let status = match self.cancel(caller, request.info)? {
                    true => CancelStatus::Cancelled,
                    false => CancelStatus::NotCancellable,
                };
                let result = CancelFlightInfoResult { status: status.into() };
                Ok(caller.reply(one(result.encode_to_vec()), None))
            }
            "CancelQuery" => {
                let request: ActionCancelQueryRequest = action_body("the request to cancel", &body)?;
                let info = FlightInfo::decode(request.info);
                let info = info.map_err(|error| GatewayError::malformed("the result to cancel", error))?;
                let result = match self.cancel(caller, Some(info))? {
                    true => QUERY_CANCELLED,
                    false => QUERY_NOT_CANCELLABLE,
                };
                let result: Any = ActionCancelQueryResult { result }.as_any();
                Ok(caller.reply(one(result.encode_to_vec()), None))
            }
            "SetSessionOptions" => {
                let request: SetSessionOptionsRequest = plain_body("the options", &body)?;
                self.set_options(caller, request).await?;
                Ok(caller.reply_with_session(one(SetSessionOptionsResult {}.encode_to_vec())))
            }
            "GetSessionOptions" => {
                let session = caller.session(&self.gateway).await?;
                let options = option_values(&session).into_iter().filter(|(_, value)| !value.is_empty());
                let session_options: HashMap<String, SessionOptionValue> =
                    options.map(|(name, value)| (name.to_owned(), SessionOptionValue::of_text(value))).collect();
                Ok(caller.reply(one(GetSessionOptionsResult { session_options }.encode_to_vec()), None))
            }
            "CloseSession" => {
                self.gateway.sessions.end(caller.session_id(), caller.owner());
                let result = CloseSessionResult { status: CloseStatus::Closed.into() };
                Ok(caller.reply(one(result.encode_to_vec()), None))
            }
            "BeginTransaction" => {
                let _: ActionBeginTransactionRequest = action_body("the request to begin a transaction", &body)?;
                let begun = self.begin_transaction(caller).await?;
                Ok(caller.reply(one(begun.encode_to_vec()), None))
            }
            "EndTransaction" => {
                let request: ActionEndTransactionRequest = action_body("the request to end a transaction", &body)?;
                let version = self.end_transaction(caller, request).await?;
                Ok(caller.reply(nothing(), version))
            }
            "BeginSavepoint" | "EndSavepoint" => {
                let instead = "a transaction is committed or rolled back as a whole";
                Err(GatewayError::unsupported("a savepoint", instead).into())
            }
            "CreatePreparedSubstraitPlan" => {
                Err(GatewayError::unsupported("Substrait", "send the statement as SQL").into())
            }
            other => {
                let what = format!("the action `{other}`");
                Err(GatewayError::unsupported(what, "ListActions tells which there are").into())
            }
        }
    }

    /// Breaks off what fetches a result; `false` if there is nothing to be broken off.
    fn cancel(&self, caller: &Caller, info: Option<FlightInfo>) -> Result<bool, GatewayError> {
        let info = info.ok_or_else(|| GatewayError::malformed("the request to cancel", "it names no result"))?;
        let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref());
        let mut is_cancelled = false;
        for ticket in tickets {
            // What is computed when it is fetched holds nothing between.
            let Command::TicketStatementQuery(ticket) = command(&ticket.ticket)? else { continue };
            match self.gateway.queries.find(&self.gateway.key, &ticket.statement_handle, caller.owner()) {
                Ok(query) => {
                    self.gateway.queries.cancel(&query);
                    is_cancelled = true;
                }
                Err(TicketError::Expired) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(is_cancelled)
    }

    /// Sets options, all or none.
    async fn set_options(&self, caller: &Caller, request: SetSessionOptionsRequest) -> Result<(), GatewayError> {
        let mut options = SessionOptions::default();
        for (name, value) in request.session_options {
            options.set(&name, value.into_text())?;
        }
        let session = caller.begin_session(&self.gateway)?;
        options.apply(&session).await
    }
}

fn one(body: Vec<u8>) -> ActionResults {
    futures::stream::iter([Ok(arrow_flight::Result { body: Bytes::from(body) })]).boxed()
}

fn nothing() -> ActionResults {
    futures::stream::empty().boxed()
}
