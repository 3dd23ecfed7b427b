//! Arrow data that a client sends.
//!
//! * What cannot be read is its sender's mistake, however it is damaged.
//! * Batches are decoded one by one, as they come.
//! * A small message does not become a large one: what it says of its rows and of what it holds compressed is bounded
//!   before it is believed. So are the dictionaries of a stream, which are kept to its end.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::{CompressionType, root_as_message};
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tonic::{Code, Status};

use crate::gateway::GatewayError;

/// How many rows one message may have. Those of a column without values take no byte of it.
const ROWS_MAX: i64 = 1 << 24;

/// How many bytes what a message holds compressed may say that it has, and the dictionaries of a stream together.
const DECOMPRESSED_BYTES_MAX: u64 = 512 * 1024 * 1024;

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
        let mut dictionaries = Dictionaries::default();
        let checked = full.map(move |message: Result<FlightData, Status>| -> Result<FlightData, FlightError> {
            let message = message.map_err(FlightError::from)?;
            check_claims(&message, &mut dictionaries).map_err(FlightError::DecodeError)?;
            Ok(message)
        });
        let decoder = FlightDataDecoder::new(checked);
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

/// Refuses a message that says that it has more than any client means to send: the decoder would believe it, and ask
/// for as much memory. What cannot be read here, the decoder refuses.
fn check_claims(message: &FlightData, dictionaries: &mut Dictionaries) -> Result<(), String> {
    let Ok(header) = root_as_message(&message.data_header) else { return Ok(()) };
    let dictionary = header.header_as_dictionary_batch();
    let batch = match &dictionary {
        Some(dictionary) => dictionary.data(),
        None => header.header_as_record_batch(),
    };
    let Some(batch) = batch else { return Ok(()) };
    let rows = batch.length();
    if !(0..=ROWS_MAX).contains(&rows) {
        return Err(format!("a message says that it has {rows} rows; it may have {ROWS_MAX}"));
    }
    let mut claimed = message.data_body.len() as u64;
    if let Some(compression) = batch.compression() {
        if compression.codec() == CompressionType::LZ4_FRAME {
            // Its frames are decompressed to their end, whatever they said of it.
            return Err("rows compressed by LZ4 are not taken; send them as they are, or compressed by ZSTD".to_owned());
        }
        let buffers = batch.buffers().into_iter().flatten();
        let parts = buffers.map(|part| decompressed_bytes(&message.data_body, part.offset(), part.length()));
        claimed = parts.fold(0, u64::saturating_add);
    }
    if claimed > DECOMPRESSED_BYTES_MAX {
        return Err(format!(
            "a message says that it has {claimed} bytes when it is decompressed; it may have {DECOMPRESSED_BYTES_MAX}"
        ));
    }
    match dictionary {
        Some(dictionary) => dictionaries.take(dictionary.id(), claimed, dictionary.isDelta()),
        None => Ok(()),
    }
}

/// How many bytes the dictionaries of a stream have, by their ids.
#[derive(Debug, Default)]
struct Dictionaries(HashMap<i64, u64>);

impl Dictionaries {
    /// Takes a dictionary, in the place of the one with its id or behind it.
    fn take(&mut self, id: i64, bytes: u64, is_delta: bool) -> Result<(), String> {
        let earlier = self.0.get(&id).copied().filter(|_| is_delta).unwrap_or_default();
        self.0.insert(id, earlier.saturating_add(bytes));
        let all = self.0.values().copied().fold(0, u64::saturating_add);
        match all > DECOMPRESSED_BYTES_MAX {
            true => Err(format!("the dictionaries have {all} bytes; they may have {DECOMPRESSED_BYTES_MAX} together")),
            false => Ok(()),
        }
    }
}

/// How many bytes a compressed part of a body says that it has: its first eight bytes, unless it is not compressed.
fn decompressed_bytes(body: &[u8], offset: i64, length: i64) -> u64 {
    let Ok(start) = usize::try_from(offset) else { return 0 };
    let prefix = body.get(start..).and_then(|rest| rest.first_chunk::<8>()).filter(|_| length >= 8);
    prefix.map_or(0, |bytes| u64::try_from(i64::from_le_bytes(*bytes)).unwrap_or(0))
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

    use arrow::array::{ArrayRef, Int64Array, NullArray};
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::IpcWriteOptions;
    use arrow_flight::encode::FlightDataEncoderBuilder;
    use arrow_flight::utils::batches_to_flight_data;
    use bytes::Bytes;
    use futures::TryStreamExt;

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

    #[test]
    fn the_dictionaries_of_a_stream_are_bounded_together() {
        let mut dictionaries = Dictionaries::default();
        let half = DECOMPRESSED_BYTES_MAX / 2;
        for _ in 0..10 {
            assert!(dictionaries.take(1, half, false).is_ok(), "each takes the place of the one before");
        }
        assert!(dictionaries.take(2, half, false).is_ok());
        assert!(dictionaries.take(3, 1, false).is_err());
        assert!(Dictionaries::default().take(1, DECOMPRESSED_BYTES_MAX + 1, true).is_err());
        let mut growing = Dictionaries::default();
        assert!(growing.take(1, half, false).is_ok() && growing.take(1, half, true).is_ok());
        assert!(growing.take(1, 1, true).is_err());
    }

    #[tokio::test]
    async fn rows_that_cost_their_sender_nothing_are_bounded() {
        for (rows, is_taken) in [(ROWS_MAX, true), (ROWS_MAX + 1, false)] {
            let nothing: ArrayRef = Arc::new(NullArray::new(usize::try_from(rows).unwrap()));
            let batch = RecordBatch::try_from_iter_with_nullable([("n", nothing, true)]).unwrap();
            let schema = batch.schema();
            let outcome = read(batches_to_flight_data(&schema, vec![batch]).unwrap()).await;
            assert_eq!(outcome.is_ok(), is_taken, "{rows} rows: {outcome:?}");
        }
    }

    #[tokio::test]
    async fn compressed_data_is_read_and_what_it_claims_is_bounded() {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
        let values: Vec<Option<i64>> = (0..1000).map(|row| (row % 2 == 0).then_some(7)).collect();
        let numbers: ArrayRef = Arc::new(Int64Array::from(values));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let encoder = FlightDataEncoderBuilder::new().with_options(options);
        let whole: Vec<FlightData> = encoder.build(futures::stream::iter([Ok(batch)])).try_collect().await.unwrap();
        assert_eq!(read(whole.clone()).await.unwrap(), 1000);
        for claimed in [1_i64 << 40, i64::MAX, 7999, -2] {
            let mut damaged = whole.clone();
            let mut body = damaged[1].data_body.to_vec();
            body[..8].copy_from_slice(&claimed.to_le_bytes());
            damaged[1].data_body = Bytes::from(body);
            let error = read(damaged).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{claimed}: {error}");
        }
    }
}
