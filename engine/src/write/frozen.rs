//! Frozen rows: Parquet objects, written one after the other in bounded memory.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use frostline_catalog::schema::{SortKey, field_id};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::file::writer::SerializedFileWriter;

use super::block::encode_block;
use super::encoded::EncodedSegment;
use super::error::WriteError;
use super::layout::{fit_array, same_values};
use super::order::RowOrder;
use super::pending::PendingRows;
use super::row_group::append_row_group;
use super::settings::WriteSettings;
use super::statistics::StatisticsBuilder;

/// Row groups after which a segment is closed whatever its size: half of what Parquet can number.
const ROW_GROUPS_MAX: usize = 1 << 14;

/// The room that is taken for a segment's object before it is written.
const BUFFER_BYTES_MAX: usize = 256 << 20;

/// Writes rows as frozen segments, one at a time.
///
/// * The objects are plain Parquet: field ids on every column, nested ones too, statistics, page index. They carry no
///   Arrow schema, which only Arrow's readers understand and which would say that strings are views: readers know the
///   types from the catalog, or take [`segment_schema`](crate::read::segment_schema).
/// * Rows stay in the order given. With sort keys, the rows of each row group are sorted, and the object says so. A
///   caller who gives sorted rows gets a segment that is sorted as a whole.
/// * In memory are the rows of one row group and the object of one segment. A segment is closed at the end of the
///   first batch with which its object reaches the target, so it outgrows the target by less than one batch and one
///   row group.
/// * After an error the writer must not be used again.
#[derive(Debug)]
pub struct FrozenWriter {
    schema: SchemaRef,
    order: RowOrder,
    settings: WriteSettings,
    pending: PendingRows,
    open: Option<OpenSegment>,
}

/// A segment whose object is not complete.
#[derive(Debug)]
struct OpenSegment {
    object: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    statistics: StatisticsBuilder,
}

impl FrozenWriter {
    /// A writer of rows with this schema, whose fields carry their field ids.
    pub fn new(schema: SchemaRef, sort_by: Vec<SortKey>, settings: WriteSettings) -> Self {
        let order = RowOrder::new(&schema, &sort_by);
        Self { schema, order, settings, pending: PendingRows::default(), open: None }
    }

    /// Adds rows. The columns must be the schema's, in its order; names do not count.
    ///
    /// Returns a segment if these rows completed one. It may hold only rows of earlier calls: some rows of this call
    /// may wait for the next segment.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Option<EncodedSegment>, WriteError> {
        let batch = self.fit(batch)?;
        let mut begin = 0_usize;
        while begin < batch.num_rows() {
            let room = self.settings.row_group_rows.max(1) - self.pending.rows();
            let length = room.min(batch.num_rows() - begin);
            self.pending.push(batch.slice(begin, length));
            begin += length;
            let is_full = self.pending.rows() >= self.settings.row_group_rows;
            if is_full || self.pending.bytes() >= self.settings.row_group_bytes_max {
                self.flush_row_group()?;
            }
        }
        let is_complete = self.open.as_ref().is_some_and(|open: &OpenSegment| {
            open.object.bytes_written() >= self.settings.segment_bytes_target
                || open.object.flushed_row_groups().len() >= ROW_GROUPS_MAX
        });
        if is_complete { self.close_segment() } else { Ok(None) }
    }

    /// The last segment, if there are rows that no segment holds yet.
    pub fn finish(mut self) -> Result<Option<EncodedSegment>, WriteError> {
        self.flush_row_group()?;
        self.close_segment()
    }

    /// The batch with the schema's own types and names.
    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, WriteError> {
        let fields = self.schema.fields();
        if batch.num_columns() != fields.len() {
            return Err(WriteError::ColumnCount { expected: fields.len(), found: batch.num_columns() });
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for (field, column) in fields.iter().zip(batch.columns()) {
            if !same_values(column.data_type(), field.data_type()) {
                return Err(WriteError::ColumnType {
                    column: field.name().clone(),
                    expected: field.data_type().to_string(),
                    found: column.data_type().to_string(),
                });
            }
            columns.push(fit_array(column, field.data_type()).map_err(|source| WriteError::Rows { source })?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|source| WriteError::Rows { source })
    }

    /// Encodes what is pending as a row group of the open segment.
    fn flush_row_group(&mut self) -> Result<(), WriteError> {
        let batches = self.pending.take();
        if batches.is_empty() {
            return Ok(());
        }
        let batches = self.order.sort(&self.schema, batches).map_err(|source| WriteError::Rows { source })?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open_segment()?,
        };
        let threads = self.settings.encoder_threads;
        let OpenSegment { object, factory, statistics } = &mut open;
        append_row_group(object, factory, &self.schema, &batches, statistics, threads)?;
        self.open = Some(open);
        Ok(())
    }

    fn open_segment(&self) -> Result<OpenSegment, WriteError> {
        self.schema.fields().iter().try_for_each(|field| check_field_ids(field, field.name()))?;
        let properties = self.settings.writer_properties(self.order.sorting_columns())?;
        let parquet_schema = ArrowSchemaConverter::new().convert(&self.schema)?;
        // Memory that is not written to costs nothing; growing, and copying, would cost as much as encoding a column.
        let target = self.settings.segment_bytes_target;
        let buffer: Vec<u8> = Vec::with_capacity(target.saturating_add(target / 8).min(BUFFER_BYTES_MAX));
        let object = SerializedFileWriter::new(buffer, parquet_schema.root_schema_ptr(), Arc::new(properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&object, Arc::clone(&self.schema));
        Ok(OpenSegment { object, factory, statistics: StatisticsBuilder::new(&self.schema) })
    }

    fn close_segment(&mut self) -> Result<Option<EncodedSegment>, WriteError> {
        let Some(OpenSegment { object, factory: _, statistics }) = self.open.take() else { return Ok(None) };
        let rows = statistics.rows();
        // Page index and footer are written last, in one piece.
        let tail_begin = object.bytes_written();
        let bytes = object.into_inner()?;
        let tail_bytes = (bytes.len() - tail_begin) as u64;
        let statistics = statistics.finish().map_err(|source| WriteError::Rows { source })?;
        Ok(Some(EncodedSegment::new(bytes, rows, tail_bytes, encode_block(&statistics)?)))
    }
}

/// Whether a field and all fields in it carry field ids. The entries of a map are no field of their own in Parquet.
fn check_field_ids(field: &Field, path: &str) -> Result<(), WriteError> {
    if field_id(field).is_none() {
        return Err(WriteError::MissingFieldId { column: path.to_owned() });
    }
    let check_inner = |inner: &FieldRef| check_field_ids(inner, &format!("{path}.{}", inner.name()));
    match field.data_type() {
        DataType::List(element) => check_inner(element),
        DataType::Struct(fields) => fields.iter().try_for_each(check_inner),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().try_for_each(check_inner),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}
