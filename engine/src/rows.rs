//! Taking rows in: few stay hot, many become frozen segments, uploaded while more arrive.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use bytes::Bytes;
use frostline_catalog::io::StoreError;
use frostline_catalog::schema::{ROW_ID_FIELD, SortKey, field_id};
use frostline_catalog::segment::FrozenObject;
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget};
use thiserror::Error;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::io::upload_segment;
use crate::lake::Lake;
use crate::nan::with_one_nan;
use crate::size::batch_bytes;
use crate::write::{EncodedSegment, FrozenWriter, HotError, WriteError, WriteSettings, encode_hot};

/// How many segments are uploaded at once. Each is held in memory until its upload ends.
const UPLOADS_MAX: usize = 2;

/// How many bytes of rows wait while others are encoded, at most; what batches share counts for each.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Why rows cannot be taken in. Nothing was committed.
#[derive(Debug, Error)]
pub enum TakeError {
    /// They cannot be encoded as a frozen segment.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// They cannot be encoded as a hot segment.
    #[error(transparent)]
    Hot(#[from] HotError),
    /// Their batches do not fit together.
    #[error("batches of rows do not fit together")]
    Arrow(#[from] ArrowError),
    /// A segment cannot be uploaded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task was broken off.
    #[error("writing was broken off")]
    Task(#[from] JoinError),
}

/// Takes rows of one table in.
///
/// * Memory is bounded by three segments and two row groups, whatever comes.
/// * Rows are encoded while more arrive.
/// * Dropping it, or an error, leaves nothing but objects that no record names.
#[derive(Debug)]
pub struct RowWriter {
    lake: Arc<Lake>,
    schema: SchemaRef,
    sort_by: Vec<SortKey>,
    hot: Vec<RecordBatch>,
    hot_bytes: usize,
    waiting: Waiting,
    freezing: Option<JoinHandle<Result<Frozen, WriteError>>>,
    uploads: JoinSet<Result<Part, StoreError>>,
    parts: Vec<Part>,
    rows: u64,
}

/// Rows that wait until those before them are encoded.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

/// What encoding some batches gave: the writer, for the next ones, and the segments that are complete.
#[derive(Debug)]
struct Frozen {
    writer: FrozenWriter,
    segments: Vec<EncodedSegment>,
}

/// Rows that a transaction can add.
#[derive(Debug)]
enum Part {
    Hot { rows: u64, block: Bytes },
    Frozen { rows: u64, object: FrozenObject, digests: Bytes, statistics: Bytes },
}

/// All rows that were taken in, uploaded and ready to be committed.
#[derive(Debug)]
pub struct TakenRows {
    rows: u64,
    stored_ids: bool,
    parts: Vec<Part>,
}

impl RowWriter {
    /// A writer of rows with this schema, whose fields carry field ids. If the last field is that of row ids, the rows
    /// keep the ids that stand there; otherwise they get new ones when they are committed.
    pub fn new(lake: Arc<Lake>, schema: SchemaRef, sort_by: Vec<SortKey>) -> Self {
        Self {
            lake,
            schema,
            sort_by,
            hot: Vec::new(),
            hot_bytes: 0,
            waiting: Waiting::default(),
            freezing: None,
            uploads: JoinSet::new(),
            parts: Vec::new(),
            rows: 0,
        }
    }

    /// Takes a batch in. Its columns are the schema's, in order. NaN is stored as one value, without sign and payload.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(), TakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        // Nested columns may come without the field ids of their fields.
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                with_one_nan(column)
            } else {
                with_one_nan(&cast(column, field.data_type())?)
            }
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        if self.freezing.is_some() {
            self.waiting.push(batch);
            return self.freeze_if_idle().await;
        }
        self.hot_bytes += batch.get_array_memory_size();
        self.hot.push(batch);
        if self.hot_bytes > self.lake.settings().hot_bytes_max && self.hot_size_bytes() > self.hot_limit() {
            let batches = std::mem::take(&mut self.hot);
            let settings = self.lake.settings();
            let settings = WriteSettings {
                segment_bytes_target: settings.segment_bytes_target,
                row_group_rows: settings.row_group_rows,
                ..WriteSettings::default()
            };
            let writer = FrozenWriter::new(Arc::clone(&self.schema), self.sort_by.clone(), settings);
            self.freezing = Some(freeze(writer, batches));
        }
        Ok(())
    }

    fn hot_limit(&self) -> usize {
        self.lake.settings().hot_bytes_max
    }

    /// What the waiting rows take, without the parts of shared buffers that they do not use.
    fn hot_size_bytes(&self) -> usize {
        self.hot.iter().map(batch_bytes).sum()
    }

    /// Hands what waits to the encoder, if that is idle or too much waits.
    async fn freeze_if_idle(&mut self) -> Result<(), TakeError> {
        let must = self.waiting.rows >= self.lake.settings().row_group_rows || self.waiting.bytes >= WAITING_BYTES_MAX;
        let Some(task) = self.freezing.take_if(|task| must || task.is_finished()) else { return Ok(()) };
        let Frozen { writer, segments } = task.await??;
        self.freezing = Some(freeze(writer, self.waiting.take()));
        for segment in segments {
            self.upload(segment).await?;
        }
        Ok(())
    }

    async fn upload(&mut self, segment: EncodedSegment) -> Result<(), TakeError> {
        while self.uploads.len() >= UPLOADS_MAX {
            self.finish_upload().await?;
        }
        let store = Arc::clone(self.lake.ledger().store().objects());
        self.uploads.spawn(async move {
            let (rows, digests, statistics) = (segment.rows, segment.digests.clone(), segment.statistics.clone());
            let object = upload_segment(store.as_ref(), segment).await?;
            Ok(Part::Frozen { rows, object, digests, statistics })
        });
        Ok(())
    }

    async fn finish_upload(&mut self) -> Result<(), TakeError> {
        if let Some(done) = self.uploads.join_next().await {
            self.parts.push(done??);
        }
        Ok(())
    }

    /// Ends the writing: when it returns, every frozen segment is durable.
    pub async fn finish(mut self) -> Result<TakenRows, TakeError> {
        if let Some(task) = self.freezing.take() {
            let Frozen { mut writer, mut segments } = task.await??;
            let waiting = self.waiting.take();
            let last = tokio::task::spawn_blocking(move || {
                for batch in &waiting {
                    segments.extend(writer.write(batch)?);
                }
                segments.extend(writer.finish()?);
                Ok::<_, WriteError>(segments)
            });
            for segment in last.await?? {
                self.upload(segment).await?;
            }
            while !self.uploads.is_empty() {
                self.finish_upload().await?;
            }
        } else if self.rows > 0 {
            let batches = std::mem::take(&mut self.hot);
            let rows =
                if let [only] = batches.as_slice() { only.clone() } else { concat_batches(&self.schema, &batches)? };
            self.parts.push(Part::Hot { rows: self.rows, block: encode_hot(&rows)? });
        }
        let last = self.schema.fields().last();
        let stored_ids = last.is_some_and(|field| field_id(field) == Some(ROW_ID_FIELD));
        Ok(TakenRows { rows: self.rows, stored_ids, parts: self.parts })
    }
}

impl Waiting {
    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    fn take(&mut self) -> Vec<RecordBatch> {
        std::mem::take(self).batches
    }
}

/// Encodes batches on a thread that may block, while more rows arrive.
fn freeze(mut writer: FrozenWriter, batches: Vec<RecordBatch>) -> JoinHandle<Result<Frozen, WriteError>> {
    tokio::task::spawn_blocking(move || {
        let mut segments = Vec::new();
        for batch in &batches {
            segments.extend(writer.write(batch)?);
        }
        Ok(Frozen { writer, segments })
    })
}

impl TakenRows {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The proposals that add the rows to a table. Their blocks go behind `blocks`.
    pub fn into_proposals(self, table: TableTarget, blocks: &mut Vec<Bytes>) -> Vec<Proposal> {
        let mut push = |block: Bytes| {
            blocks.push(block);
            BlockIndex(blocks.len() - 1)
        };
        let stored_ids = self.stored_ids;
        self.parts
            .into_iter()
            .map(|part| {
                let (count, rows) = match part {
                    Part::Hot { rows, block } => (rows, Rows::Hot { rows: push(block) }),
                    Part::Frozen { rows, object, digests, statistics } => {
                        (rows, Rows::Frozen { object, digests: push(digests), statistics: push(statistics) })
                    }
                };
                Proposal::AddRows { table, count, rows, stored_ids }
            })
            .collect()
    }
}
