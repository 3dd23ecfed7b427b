//! What a client is told of a result before it fetches it.

use arrow::datatypes::Schema;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use bytes::Bytes;
use frostline_catalog::Version;
use prost::Message;

use crate::gateway::{GatewayError, Query};

use super::FlightDoor;

/// Columns as an IPC message.
pub(crate) fn schema_message(schema: &Schema) -> Result<Bytes, GatewayError> {
    let options = IpcWriteOptions::default();
    let message: IpcMessage = SchemaAsIpc::new(schema, &options).try_into()?;
    Ok(message.0)
}

/// The version as it stands in `app_metadata`: its digits.
pub(crate) fn version_metadata(version: Version) -> Bytes {
    Bytes::from(version.to_string())
}

impl FlightDoor {
    /// What is told of a result that is kept. `rows` is how many it has, or -1 if that is not known.
    pub(crate) fn info_of(
        &self,
        descriptor: FlightDescriptor,
        query: &Query,
        rows: i64,
    ) -> Result<FlightInfo, GatewayError> {
        let handle = self.gateway.queries.ticket(&self.gateway.key, query);
        let ticket = TicketStatementQuery { statement_handle: handle }.as_any().encode_to_vec();
        let metadata = version_metadata(query.version);
        let endpoint = FlightEndpoint { app_metadata: metadata.clone(), ..endpoint(ticket.into()) };
        Ok(FlightInfo {
            schema: schema_message(&query.columns)?,
            flight_descriptor: Some(descriptor),
            endpoint: vec![endpoint],
            total_records: rows,
            total_bytes: -1,
            ordered: true,
            app_metadata: metadata,
        })
    }
}

/// An endpoint that is fetched from the same connection.
fn endpoint(ticket: Bytes) -> FlightEndpoint {
    FlightEndpoint { ticket: Some(Ticket { ticket }), ..FlightEndpoint::default() }
}

/// What is told of a result that is computed when it is fetched: the command is its own ticket.
pub(crate) fn info_of_command(descriptor: FlightDescriptor, schema: &Schema) -> Result<FlightInfo, GatewayError> {
    let ticket = descriptor.cmd.clone();
    Ok(FlightInfo {
        schema: schema_message(schema)?,
        flight_descriptor: Some(descriptor),
        endpoint: vec![endpoint(ticket)],
        total_records: -1,
        total_bytes: -1,
        ordered: true,
        app_metadata: Bytes::new(),
    })
}
