//! A client of Flight SQL with one connection.

use std::net::SocketAddr;

use arrow::array::RecordBatch;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use tonic::transport::Channel;

use crate::report::Failure;

/// A client of Flight SQL with one connection, which sends a token with each call.
#[derive(Debug)]
pub(crate) struct FlightClient(FlightSqlServiceClient<Channel>);

impl FlightClient {
    /// Connects to a server without TLS.
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> Result<Self, Failure> {
        let channel: Channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        let mut client = FlightSqlServiceClient::new(channel);
        client.set_token(token.to_owned());
        Ok(Self(client))
    }

    /// The rows of a query: GetFlightInfo, then DoGet to the end.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>, Failure> {
        let info = self.0.execute(sql.to_owned(), None).await?;
        let ticket = info.endpoint.into_iter().find_map(|endpoint| endpoint.ticket);
        let ticket = ticket.ok_or("the server gives no ticket for the rows")?;
        let rows = self.0.do_get(ticket).await?;
        let batches: Vec<RecordBatch> = rows.try_collect().await?;
        Ok(batches)
    }

    /// Runs a statement that writes: DoPut. Gives how many rows it wrote.
    pub(crate) async fn update(&mut self, sql: &str) -> Result<i64, Failure> {
        Ok(self.0.execute_update(sql.to_owned(), None).await?)
    }
}
