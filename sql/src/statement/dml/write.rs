//! What a statement changes: rows that die, by segment and position, and rows that are written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, PrimitiveArray, RecordBatch, UInt64Array,
};
use datafusion::arrow::compute::{filter, filter_record_batch, not};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use frostline_catalog::schema::{Column, ROW_ID_FIELD, ROW_ID_NAME, arrow_schema, with_field_id};
use frostline_catalog::transaction::{BlockIndex, Proposal, TableTarget};
use frostline_catalog::{ObjectId, RowId, SegmentId};
use frostline_engine::import::normalise::normalise_batch;
use frostline_engine::{Positions, RowWriter};

use super::target::Target;
use crate::constraint::Checks;
use crate::context::Context;
use crate::error::Error;
use crate::rows::{RowOrder, check_nulls};

/// The rows that a statement kills. Each is there once, however often the query found it.
#[derive(Default)]
pub(super) struct Killed {
    segments: BTreeMap<u64, Dying>,
    rows: u64,
}

/// Which rows of a segment die.
enum Dying {
    /// All that live, so many.
    Every(u64),
    /// Those at these positions.
    At(Positions),
}

impl Killed {
    /// Every row of a table.
    pub(super) fn all(context: &Context, table: ObjectId) -> Result<Self, Error> {
        let living = living(context, table)?;
        let rows: u64 = living.values().sum();
        Ok(Self { segments: living.into_iter().map(|(segment, rows)| (segment, Dying::Every(rows))).collect(), rows })
    }

    /// Takes rows in, and says how many of them were not there yet.
    pub(super) fn insert_all(&mut self, segments: &UInt64Array, positions: &UInt64Array) -> u64 {
        let (mut row, mut added): (usize, u64) = (0, 0);
        while row < segments.len() {
            let segment = segments.value(row);
            let dying = self.segments.entry(segment).or_insert_with(|| Dying::At(Positions::new()));
            // Rows come in runs of one segment, mostly.
            while row < segments.len() && segments.value(row) == segment {
                let position = positions.value(row);
                if let Dying::At(known) = dying
                    && !known.contains(position)
                {
                    known.insert(position);
                    added += 1;
                }
                row += 1;
            }
        }
        self.rows += added;
        added
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The proposals that kill them. A segment that loses all its rows needs no positions. Blocks go behind `blocks`.
    pub(super) fn into_proposals(
        self,
        context: &Context,
        table: ObjectId,
        blocks: &mut Vec<Bytes>,
    ) -> Result<Vec<Proposal>, Error> {
        let living = if self.segments.is_empty() { HashMap::new() } else { living(context, table)? };
        let mut proposals: Vec<Proposal> = Vec::with_capacity(self.segments.len());
        for (segment, dying) in self.segments {
            let (rows, positions) = match dying {
                Dying::Every(rows) => (rows, None),
                Dying::At(positions) if living.get(&segment) == Some(&positions.len()) => (positions.len(), None),
                Dying::At(positions) => {
                    blocks.push(positions.encode());
                    (positions.len(), Some(BlockIndex(blocks.len() - 1)))
                }
            };
            let (table, segment) = (TableTarget::Existing(table), SegmentId::new(segment));
            proposals.push(Proposal::KillRows { table, segment, rows, positions });
        }
        Ok(proposals)
    }
}

/// How many rows live in each segment of a table.
fn living(context: &Context, table: ObjectId) -> Result<HashMap<u64, u64>, Error> {
    let live = context.state.live_segments(table, context.visible)?;
    let segments = live.hot.iter().chain(live.frozen.iter());
    Ok(segments.map(|live| (live.placed.segment.id.number(), live.rows())).collect())
}

/// Rows that a statement writes: some have row ids already and keep them, others get new ones.
pub(super) struct NewRows {
    columns: Vec<Column>,
    checks: Checks,
    schema: SchemaRef,
    schema_with_ids: SchemaRef,
    known: RowWriter,
    new: RowWriter,
}

impl NewRows {
    /// Rows of a table.
    pub(super) fn new(context: &Context, target: &Target) -> Result<Self, Error> {
        let schema = arrow_schema(&target.columns);
        let mut fields: Vec<FieldRef> = schema.fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(with_field_id(Field::new(ROW_ID_NAME, DataType::Int64, false), ROW_ID_FIELD)));
        let schema_with_ids: SchemaRef = Arc::new(Schema::new(fields));
        let sort_by = context.state.table_at(target.table, context.visible).map(|table| table.sort_by.clone());
        let sort_by = sort_by.unwrap_or_default();
        Ok(Self {
            columns: target.columns.clone(),
            checks: Checks::of(context, target.table)?,
            known: RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema_with_ids), sort_by.clone()),
            new: RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), sort_by),
            schema,
            schema_with_ids,
        })
    }

    /// Takes rows in: values for all columns of the table, and the row ids, NULL for rows that have none.
    pub(super) async fn write(&mut self, values: &RecordBatch, ids: &Int64Array) -> Result<(), Error> {
        // They come as they are found.
        check_nulls(values, &self.columns, RowOrder::Unknown)?;
        let rows = normalise_batch(values, &self.schema)?;
        self.checks.test(&rows, RowOrder::Unknown)?;
        let known: BooleanArray = ids.iter().map(|id| Some(id.is_some_and(is_known))).collect();
        let count = known.true_count();
        if count == rows.num_rows() {
            return self.write_known(&rows, Arc::new(ids.clone())).await;
        }
        if count > 0 {
            self.write_known(&filter_record_batch(&rows, &known)?, filter(ids, &known)?).await?;
        }
        self.new.write(filter_record_batch(&rows, &not(&known)?)?).await?;
        Ok(())
    }

    async fn write_known(&mut self, rows: &RecordBatch, ids: ArrayRef) -> Result<(), Error> {
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(ids);
        self.known.write(RecordBatch::try_new(Arc::clone(&self.schema_with_ids), columns)?).await?;
        Ok(())
    }

    /// The proposals that add the rows. Blocks go behind `blocks`.
    pub(super) async fn into_proposals(self, table: ObjectId, blocks: &mut Vec<Bytes>) -> Result<Vec<Proposal>, Error> {
        let table = TableTarget::Existing(table);
        let (known, new) = (self.known.finish().await?, self.new.finish().await?);
        let mut proposals: Vec<Proposal> = known.into_proposals(table, blocks);
        proposals.extend(new.into_proposals(table, blocks));
        Ok(proposals)
    }
}

/// Whether a row id stays. Those of rows that the same transaction wrote are given when it is committed.
fn is_known(id: i64) -> bool {
    u64::try_from(id).is_ok_and(|id| !RowId::new(id).is_pending())
}

/// A column of numbers that the query has by its construction.
pub(super) fn numbers<T: ArrowPrimitiveType>(batch: &RecordBatch, place: usize) -> Result<&PrimitiveArray<T>, Error> {
    let column = batch.columns().get(place).and_then(|column| column.as_primitive_opt::<T>());
    column.ok_or_else(|| Error::statement("the query of the rows to change does not say which rows they are"))
}

/// The columns behind the first ones.
pub(super) fn values_behind(batch: &RecordBatch, kept: usize) -> Result<RecordBatch, Error> {
    let places: Vec<usize> = (kept..batch.num_columns()).collect();
    Ok(batch.project(&places)?)
}

/// The error of a row that several rows of a source want changed.
pub(super) fn matched_twice(target: &Target) -> Error {
    Error::statement(format!("`{}`: the target row matched more than one source row", target.name))
        .with_hint("give the source one row for each: `QUALIFY row_number() OVER (PARTITION BY key ORDER BY …) = 1`")
}
