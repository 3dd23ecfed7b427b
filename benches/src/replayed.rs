//! The floor of a fetch: a server that has a result's messages in memory already, and only sends them.
//!
//! The messages are those that the measured server sent, byte for byte, over the same protocol to the same client. What
//! is left is what moving them takes: copies, the network of this machine, and the client.

use std::net::SocketAddr;
use std::sync::Arc;

use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::server::FlightSqlService;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    CommandPreparedStatementQuery, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Server, server::TcpIncoming};
use tonic::{Request, Response, Status};

use crate::report::Failure;

/// A result as a server sent it.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    /// The columns, as the FlightInfo tells them.
    columns: Bytes,
    messages: Arc<[FlightData]>,
}

impl Recording {
    /// Asks a server without tokens for a query's rows.
    pub(crate) async fn of(address: SocketAddr, sql: &str) -> Result<Self, Failure> {
        let channel: Channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        let mut client = FlightSqlServiceClient::new(channel);
        let info = client.execute(sql.to_owned(), None).await?;
        let ticket = info.endpoint.into_iter().find_map(|endpoint| endpoint.ticket);
        let ticket = ticket.ok_or("the server gives no ticket for the rows")?;
        let sent = client.inner_mut().do_get(ticket).await?.into_inner();
        let messages: Vec<FlightData> = sent.try_collect().await?;
        Ok(Self { columns: info.schema, messages: messages.into() })
    }
}

/// A server of one result, whatever it is asked for. It ends when this is dropped.
pub(crate) struct Replayed {
    address: SocketAddr,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Replayed {
    /// Serves a recording on a free port of this machine.
    pub(crate) async fn start(recording: Recording) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let service = FlightServiceServer::new(Replay(recording)).max_encoding_message_size(usize::MAX);
        let serving = tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        Ok(Self { address, serving })
    }

    /// Where it is, as ADBC takes it.
    pub(crate) fn url(&self) -> String {
        format!("grpc://{}", self.address)
    }
}

impl Drop for Replayed {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Replay(Recording);

#[tonic::async_trait]
impl FlightSqlService for Replay {
    type FlightService = Self;

    async fn do_action_create_prepared_statement(
        &self,
        _: ActionCreatePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let prepared_statement_handle = Bytes::from_static(b"replayed");
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle,
            dataset_schema: self.0.columns.clone(),
            parameter_schema: Bytes::new(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<(), Status> {
        Ok(())
    }

    async fn get_flight_info_prepared_statement(
        &self,
        _: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = TicketStatementQuery { statement_handle: Bytes::from_static(b"replayed") };
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
        let info = FlightInfo { schema: self.0.columns.clone(), ..FlightInfo::new() };
        Ok(Response::new(info.with_descriptor(request.into_inner()).with_endpoint(endpoint)))
    }

    async fn do_get_statement(
        &self,
        _: TicketStatementQuery,
        _: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let messages = Arc::clone(&self.0.messages);
        let sent = futures::stream::iter(0..messages.len()).map(move |place| Ok(messages[place].clone()));
        Ok(Response::new(sent.boxed()))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
