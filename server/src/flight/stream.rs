//! Rows on their way to a client.
//!
//! ```text
//!   plan ──batch──▶ cut to messages ──encode──▶ two messages wait ──▶ gRPC, as fast as the client reads
//!           └────────────── a task of its own ─────────┘
//! ```
//!
//! * Nothing is computed ahead of the client but what fits between: a result larger than memory streams.
//! * When the client goes away, the task ends, and with it the statement.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use frostline_catalog::Version;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::gateway::{Gateway, GatewayError, Query, RunningRows};

use super::info::version_metadata;
use super::plain::messages;

/// A stream of messages.
pub(crate) type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// How many messages wait between the task that makes them and the client.
const WAITING_MESSAGES: usize = 2;

/// Messages from a task that ends when they are dropped.
struct FromTask {
    messages: mpsc::Receiver<Result<FlightData, Status>>,
    task: JoinHandle<()>,
    is_over: bool,
}

impl Stream for FromTask {
    type Item = Result<FlightData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(message) = ready!(self.messages.poll_recv(context)) {
            return Poll::Ready(Some(message));
        }
        // A task that died has not sent everything, and that must not look like an end.
        let ended = ready!(Pin::new(&mut self.task).poll(context));
        self.is_over = true;
        Poll::Ready(ended.err().map(|error| Err(GatewayError::Internal(Box::new(error)).status())))
    }
}

impl Drop for FromTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A fetch of a result that is kept; its end is noted when it is dropped.
pub(crate) struct Fetch {
    gateway: Arc<Gateway>,
    query: Arc<Query>,
}

impl Fetch {
    pub(crate) fn begin(gateway: &Arc<Gateway>, query: &Arc<Query>) -> Self {
        gateway.queries.fetch_began(query);
        Self { gateway: Arc::clone(gateway), query: Arc::clone(query) }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.gateway.queries.fetch_ended(&self.query);
    }
}

/// Rows that run, as messages with these columns.
pub(crate) fn send_rows(rows: RunningRows, columns: SchemaRef, fetch: Fetch) -> Messages {
    let version = rows.version;
    let into = Arc::clone(&columns);
    let pieces = rows.batches.flat_map(move |batch| {
        let pieces = batch.and_then(|batch| messages(&batch, &into).map_err(GatewayError::from));
        let pieces: Vec<Result<RecordBatch, FlightError>> = match pieces {
            Ok(pieces) => pieces.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(failed(&error))],
        };
        futures::stream::iter(pieces)
    });
    let mut encoded = encode(pieces, columns, Some(version));
    let (sender, receiver) = mpsc::channel(WAITING_MESSAGES);
    let task = tokio::spawn(async move {
        let _fetch = fetch;
        while let Some(message) = encoded.next().await {
            let is_last = message.is_err();
            if sender.send(message).await.is_err() || is_last {
                break;
            }
        }
    });
    FromTask { messages: receiver, task, is_over: false }.boxed()
}

/// A batch that is there, as messages.
pub(crate) fn send_batch(batch: RecordBatch, version: Option<Version>) -> Result<Messages, GatewayError> {
    let columns = batch.schema();
    let pieces: Vec<Result<RecordBatch, FlightError>> = messages(&batch, &columns)?.into_iter().map(Ok).collect();
    Ok(encode(futures::stream::iter(pieces), columns, version))
}

fn encode<S>(batches: S, columns: SchemaRef, version: Option<Version>) -> Messages
where
    S: Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static,
{
    // The batches are cut already, by what they hold and not by the buffers behind it.
    let mut builder = FlightDataEncoderBuilder::new().with_schema(columns).with_max_flight_data_size(usize::MAX);
    if let Some(version) = version {
        builder = builder.with_metadata(version_metadata(version));
    }
    builder.build(batches).map(|message| message.map_err(Status::from)).boxed()
}

fn failed(error: &GatewayError) -> FlightError {
    FlightError::Tonic(Box::new(error.status()))
}
