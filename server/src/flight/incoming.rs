//! Arrow data that a client sends.
//!
//! * What cannot be read is its sender's mistake, however it is damaged.
//! * Batches are decoded one by one, as they come.

use std::panic::AssertUnwindSafe;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tonic::{Code, Status};

use crate::gateway::GatewayError;

/// Arrow data that a client sends: a schema, then batches.
pub(crate) struct Incoming {
    payloads: BoxStream<'static, Result<DecodedPayload, GatewayError>>,
}

impl Incoming {
    /// The data behind the first message of a stream, which may hold some too.
    pub(crate) fn new<S>(first: FlightData, rest: S) -> Self
    where
        S: Stream<Item = Result<FlightData, Status>> + Send + 'static,
    {
        let all = futures::stream::iter([Ok(first)]).chain(rest);
        // A message may carry nothing but a command.
        let full = all.filter(|message| {
            let is_full = message.as_ref().map_or(true, |message| !message.data_header.is_empty());
            futures::future::ready(is_full)
        });
        let decoder = FlightDataDecoder::new(full.map(|message| message.map_err(FlightError::from)));
        // The decoder trusts some lengths that it is sent, and breaks off by a panic when they are wrong.
        let guarded = AssertUnwindSafe(decoder).catch_unwind();
        let payloads = guarded.map(|decoded| match decoded {
            Ok(Ok(decoded)) => Ok(decoded.payload),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(GatewayError::malformed("the Arrow data", "its lengths do not fit what was sent")),
        });
        Self { payloads: payloads.boxed() }
    }

    /// The schema; `None` if the stream ends without one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) async fn columns(&mut self) -> Result<Option<SchemaRef>, GatewayError> {
        while let Some(payload) = self.payloads.next().await {
            match payload? {
                DecodedPayload::Schema(schema) => return Ok(Some(schema)),
                DecodedPayload::None => {}
                DecodedPayload::RecordBatch(_) => {
                    return Err(GatewayError::malformed("the Arrow data", "rows come before their schema"));
                }
            }
        }
        Ok(None)
    }

    /// The next batch behind the schema.
    ///
    /// # Errors
    /// If it cannot be read, or the client broke off.
    pub(crate) async fn next_batch(&mut self) -> Result<Option<RecordBatch>, GatewayError> {
        while let Some(payload) = self.payloads.next().await {
            match payload? {
                DecodedPayload::RecordBatch(batch) => return Ok(Some(batch)),
                DecodedPayload::None => {}
                DecodedPayload::Schema(_) => {
                    return Err(GatewayError::malformed("the Arrow data", "a second schema comes between the rows"));
                }
            }
        }
        Ok(None)
    }
}

/// Whose mistake it is that data cannot be read.
fn refused(error: FlightError) -> GatewayError {
    match error {
        FlightError::Tonic(status) => broken_off(*status),
        other => GatewayError::malformed("the Arrow data", other),
    }
}

/// What an error of a client's stream means: it sent what cannot be read, or it went away.
pub(crate) fn broken_off(status: Status) -> GatewayError {
    match status.code() {
        // So gRPC calls messages that are too large, and those that are no protobuf.
        Code::OutOfRange | Code::ResourceExhausted => GatewayError::malformed("the stream", status.message()),
        Code::Internal if status.message().contains("decode") => {
            GatewayError::malformed("the stream", status.message())
        }
        _ => GatewayError::BrokenOff(Box::new(status)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow_flight::utils::batches_to_flight_data;
    use bytes::Bytes;

    use super::*;

    fn sent() -> Vec<FlightData> {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let schema = batch.schema();
        batches_to_flight_data(&schema, vec![batch]).unwrap()
    }

    async fn read(messages: Vec<FlightData>) -> Result<usize, GatewayError> {
        let mut messages = messages.into_iter();
        let first = messages.next().unwrap();
        let mut incoming = Incoming::new(first, futures::stream::iter(messages.map(Ok).collect::<Vec<_>>()));
        let Some(_) = incoming.columns().await? else { return Ok(0) };
        let mut rows = 0;
        while let Some(batch) = incoming.next_batch().await? {
            rows += batch.num_rows();
        }
        Ok(rows)
    }

    #[tokio::test]
    async fn data_is_read_as_it_was_sent() {
        assert_eq!(read(sent()).await.unwrap(), 100);
        let mut behind_command = vec![FlightData::default()];
        behind_command.extend(sent());
        assert_eq!(read(behind_command).await.unwrap(), 100);
        assert_eq!(read(vec![FlightData::default()]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn damaged_data_is_the_senders_mistake() {
        let whole = sent();
        let truncated = |length: usize| {
            let mut damaged = whole.clone();
            damaged[1].data_body = damaged[1].data_body.slice(..length);
            damaged
        };
        let mut cases = vec![truncated(0), truncated(8), truncated(399)];
        for place in 0..whole[1].data_header.len() / 2 {
            let mut damaged = whole.clone();
            damaged[1].data_header = damaged[1].data_header.slice(..place.max(1));
            cases.push(damaged);
        }
        let nonsense = FlightData { data_header: Bytes::from_static(b"nonsense"), ..FlightData::default() };
        cases.push(vec![nonsense.clone()]);
        cases.push(vec![whole[0].clone(), nonsense]);
        cases.push(vec![whole[1].clone()]);
        cases.push(vec![whole[0].clone(), whole[0].clone()]);
        for (number, case) in cases.into_iter().enumerate() {
            let error = read(case).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "case {number}: {error}");
        }
    }
}
