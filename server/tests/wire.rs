//! A client that sends what a test tells it to, message by message, as the drivers of other languages do.

use arrow::array::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, CommandStatementUpdate, ProstMessageExt};
use arrow_flight::utils::flight_data_to_batches;
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, SchemaResult, Ticket};
use bytes::Bytes;
use futures::TryStreamExt;
use prost::Message;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A connection, and the headers that go with every call.
#[derive(Clone)]
pub(crate) struct Wire {
    inner: FlightServiceClient<Channel>,
    headers: Vec<(&'static str, String)>,
}

/// The command that asks for a statement's rows.
pub(crate) fn query_command(sql: &str) -> Vec<u8> {
    CommandStatementQuery { query: sql.to_owned(), transaction_id: None }.as_any().encode_to_vec()
}

/// The command that runs a statement.
pub(crate) fn update_command(sql: &str) -> Vec<u8> {
    CommandStatementUpdate { query: sql.to_owned(), transaction_id: None }.as_any().encode_to_vec()
}

/// A message that carries nothing but a command.
pub(crate) fn bare(command: Vec<u8>) -> FlightData {
    FlightData { flight_descriptor: Some(FlightDescriptor::new_cmd(command)), ..FlightData::default() }
}

/// Rows behind a command.
pub(crate) async fn rows_behind(command: Vec<u8>, batches: Vec<RecordBatch>) -> Vec<FlightData> {
    FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command)))
        .build(futures::stream::iter(batches.into_iter().map(Ok).collect::<Vec<_>>()))
        .try_collect()
        .await
        .unwrap()
}

/// The ticket of the one endpoint.
pub(crate) fn ticket_of(info: &FlightInfo) -> Bytes {
    let [endpoint] = info.endpoint.as_slice() else { unreachable!("one endpoint, not {}", info.endpoint.len()) };
    endpoint.ticket.clone().unwrap().ticket
}

impl Wire {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { inner: FlightServiceClient::new(channel), headers: Vec::new() }
    }

    /// Sends a header with every call from now on.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    /// A call with this client's headers.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(*name, AsciiMetadataValue::try_from(value.as_str()).unwrap());
        }
        request
    }

    /// Begins a session, which every call from now on is in.
    pub(crate) async fn begin_session(&mut self) {
        let request = self.request(futures::stream::iter([HandshakeRequest::default()]));
        let answer = self.inner.handshake(request).await.unwrap();
        let bearer = answer.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        self.set("authorization", bearer);
    }

    /// The client behind it.
    pub(crate) fn inner(&mut self) -> &mut FlightServiceClient<Channel> {
        &mut self.inner
    }

    pub(crate) async fn info(&mut self, command: Vec<u8>) -> Result<FlightInfo, Status> {
        let request = self.request(FlightDescriptor::new_cmd(command));
        Ok(self.inner.get_flight_info(request).await?.into_inner())
    }

    pub(crate) async fn poll(&mut self, command: Vec<u8>) -> Result<FlightInfo, Status> {
        let request = self.request(FlightDescriptor::new_cmd(command));
        Ok(self.inner.poll_flight_info(request).await?.into_inner().info.unwrap())
    }

    pub(crate) async fn schema(&mut self, command: Vec<u8>) -> Result<SchemaResult, Status> {
        let request = self.request(FlightDescriptor::new_cmd(command));
        Ok(self.inner.get_schema(request).await?.into_inner())
    }

    /// All messages behind a ticket, or the error that ends them.
    pub(crate) async fn get(&mut self, ticket: Bytes) -> Result<Vec<FlightData>, Status> {
        let request = self.request(Ticket { ticket });
        self.inner.do_get(request).await?.into_inner().try_collect().await
    }

    /// What is answered to messages that are sent, as the bytes in it.
    pub(crate) async fn put(&mut self, messages: Vec<FlightData>) -> Result<Vec<Bytes>, Status> {
        let request = self.request(futures::stream::iter(messages));
        let answers = self.inner.do_put(request).await?.into_inner();
        answers.map_ok(|answer| answer.app_metadata).try_collect().await
    }

    /// What is answered to an action.
    pub(crate) async fn act(&mut self, name: &str, body: Vec<u8>) -> Result<Vec<Bytes>, Status> {
        let request = self.request(Action::new(name, body));
        let answers = self.inner.do_action(request).await?.into_inner();
        answers.map_ok(|answer| answer.body).try_collect().await
    }

    /// The rows of a command: asked for, then fetched.
    pub(crate) async fn rows(&mut self, command: Vec<u8>) -> Result<Vec<RecordBatch>, Status> {
        let info = self.info(command).await?;
        let messages = self.get(ticket_of(&info)).await?;
        Ok(flight_data_to_batches(&messages).unwrap())
    }

    /// The rows of a query.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>, Status> {
        self.rows(query_command(sql)).await
    }

    /// Runs a statement, and gives what is answered.
    pub(crate) async fn update(&mut self, sql: &str) -> Result<Vec<Bytes>, Status> {
        self.put(vec![bare(update_command(sql))]).await
    }
}
