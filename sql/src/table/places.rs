//! Where rows are: hidden columns that statements which change rows, and functions that tell what changed, ask for.
//!
//! They stand behind the table's columns, in the order below, and are never null.
//!
//! | column      | type   | what it says of a row                                       |
//! |-------------|--------|-------------------------------------------------------------|
//! | `_segment`  | UInt64 | the id of its segment                                       |
//! | `_position` | UInt64 | which row of the segment it is, from 0                      |
//! | `_row_id`   | Int64  | its row id                                                  |
//! | `_born`     | UInt64 | the version from which on the segment shows it in its table |

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::{exec_datafusion_err, exec_err, internal_err};
use datafusion::error::Result;
use frostline_catalog::schema::{ROW_ID_FIELD, field_id};
use frostline_catalog::segment::{RowIds, Segment};
use frostline_catalog::{Placed, RowId};

use super::columns::ScanColumns;
use super::evolve::adapt_rows;

/// The column of segments' ids.
pub(crate) const SEGMENT: &str = "_segment";

/// The column of positions in segments.
pub(crate) const POSITION: &str = "_position";

/// The column of row ids.
pub(crate) const ROW_ID: &str = "_row_id";

/// The column of the versions from which on rows are there.
pub(crate) const BORN: &str = "_born";

/// One of the hidden columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Segment,
    Position,
    RowId,
    Born,
}

impl Place {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 4] = [Self::Segment, Self::Position, Self::RowId, Self::Born];

    /// The column's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Segment => SEGMENT,
            Self::Position => POSITION,
            Self::RowId => ROW_ID,
            Self::Born => BORN,
        }
    }

    /// The column.
    pub(super) fn field(self) -> FieldRef {
        let data_type = match self {
            Self::RowId => DataType::Int64,
            Self::Segment | Self::Position | Self::Born => DataType::UInt64,
        };
        Arc::new(Field::new(self.name(), data_type, false))
    }

    /// The column's values for all rows of a hot segment.
    fn of_hot(self, rows: &RecordBatch, placed: &Placed) -> Result<ArrayRef> {
        let count = rows.num_rows();
        let values: ArrayRef = match self {
            Self::Segment => Arc::new(UInt64Array::from_value(placed.segment.id.number(), count)),
            Self::Position => Arc::new(UInt64Array::from_iter_values(0..count as u64)),
            Self::RowId => row_ids(rows, &placed.segment)?,
            Self::Born => Arc::new(UInt64Array::from_value(placed.placement.interval.begin().number(), count)),
        };
        Ok(values)
    }
}

/// A table's columns and the hidden ones behind them.
pub(super) fn with_places(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<FieldRef> =
        schema.fields().iter().cloned().chain(Place::ALL.iter().map(|place| place.field())).collect();
    Arc::new(Schema::new(fields))
}

/// The row ids of all rows of a hot segment.
fn row_ids(rows: &RecordBatch, segment: &Segment) -> Result<ArrayRef> {
    match segment.row_ids {
        RowIds::From(first) => {
            let first = first_row_id(first)?;
            let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
            Ok(Arc::new(Int64Array::from_iter_values(first..first.saturating_add(count))))
        }
        RowIds::Stored => {
            let fields = rows.schema_ref().fields();
            let stored = fields.iter().position(|field| field_id(field) == Some(ROW_ID_FIELD));
            match stored.map(|index| rows.column(index)) {
                Some(ids) if *ids.data_type() == DataType::Int64 => Ok(Arc::clone(ids)),
                _ => exec_err!("hot segment {} lacks its row ids; the segment is damaged", segment.id),
            }
        }
    }
}

/// A row id as the hidden column has it.
pub(super) fn first_row_id(id: RowId) -> Result<i64> {
    i64::try_from(id.number()).map_err(|_| exec_datafusion_err!("row id {} is too large", id.number()))
}

/// One column that comes out of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// A column of the table, by its place among those that are asked for.
    Column(usize),
    /// A hidden one.
    Place(Place),
}

/// Which columns come out of a scan, in order.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    columns: Vec<usize>,
    outputs: Vec<Output>,
    schema: SchemaRef,
}

impl Asked {
    /// The columns at the places of a projection, all where it is `None`. With `places`, the hidden columns stand
    /// behind the table's.
    pub(super) fn try_new(columns: &ScanColumns, projection: Option<&[usize]>, places: bool) -> Result<Self> {
        let hidden: &[Place] = if places { &Place::ALL } else { &[] };
        let width = columns.len();
        let projection: Vec<usize> = match projection {
            Some(projection) => projection.to_vec(),
            None => (0..width + hidden.len()).collect(),
        };
        let mut asked: Vec<usize> = Vec::with_capacity(projection.len());
        let mut outputs: Vec<Output> = Vec::with_capacity(projection.len());
        let mut fields: Vec<FieldRef> = Vec::with_capacity(projection.len());
        for index in projection {
            if let Some(column) = columns.get(index) {
                outputs.push(Output::Column(asked.len()));
                fields.push(Arc::clone(&column.field));
                asked.push(index);
            } else if let Some(place) = hidden.get(index.saturating_sub(width)) {
                outputs.push(Output::Place(*place));
                fields.push(place.field());
            } else {
                return internal_err!("a scan asks for column {index} of {}", width + hidden.len());
            }
        }
        Ok(Self { columns: asked, outputs, schema: Arc::new(Schema::new(fields)) })
    }

    /// Which of the table's columns are asked for, in order.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// What comes out, in order.
    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// What comes out, as fields.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether nothing comes out but the number of rows.
    pub(super) fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Whether a hidden column comes out.
    pub(super) fn has_places(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Place(_)))
    }

    /// Whether this hidden column comes out.
    pub(super) fn has(&self, place: Place) -> bool {
        self.outputs.contains(&Output::Place(place))
    }

    /// All rows of a hot segment as they come out.
    pub(super) fn of_hot(&self, rows: &RecordBatch, columns: &ScanColumns, placed: &Placed) -> Result<RecordBatch> {
        let adapted = adapt_rows(rows, columns, &self.columns)?;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            arrays.push(match output {
                Output::Column(place) => Arc::clone(adapted.column(*place)),
                Output::Place(place) => place.of_hot(rows, placed)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use frostline_catalog::schema::with_field_id;
    use frostline_catalog::segment::{BlockRef, Placement, Storage};
    use frostline_catalog::{BranchId, Digest, FieldId, Interval, ObjectId, PlacementId, SegmentId, Slot, Version};

    use super::super::columns::tests::{column, columns};
    use super::*;

    fn placed(row_ids: RowIds) -> Placed {
        let rows = BlockRef { slot: Slot::new(1), index: 0, length_bytes: 0, sha256: Digest::ZERO };
        let (table, id) = (ObjectId::new(1), SegmentId::new(7));
        let placement = Placement {
            id: PlacementId::new(1),
            branch: BranchId::MAIN,
            table,
            segment: id,
            interval: Interval::from(Version::new(4).unwrap()),
        };
        let segment = Segment { id, table, rows: 2, row_ids, storage: Storage::Hot { rows } };
        Placed { placement, segment: Arc::new(segment) }
    }

    fn check(row_ids: RowIds, projection: Option<&[usize]>, expected: &str) {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        let a = with_field_id(Field::new("a", DataType::Int64, true), FieldId::new(1));
        let id = with_field_id(Field::new("_row_id", DataType::Int64, false), ROW_ID_FIELD);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![10, 20]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![99, 3]));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![a, id])), vec![values, ids]).unwrap();
        let asked = Asked::try_new(&columns, projection, true).unwrap();
        let batch = asked.of_hot(&rows, &columns, &placed(row_ids)).unwrap();
        assert_eq!(pretty_format_batches(&[batch]).unwrap().to_string(), expected);
    }

    #[test]
    fn places_stand_behind_the_columns() {
        let expected = "\
+----+----------+-----------+---------+-------+
| a  | _segment | _position | _row_id | _born |
+----+----------+-----------+---------+-------+
| 10 | 7        | 0         | 50      | 4     |
| 20 | 7        | 1         | 51      | 4     |
+----+----------+-----------+---------+-------+";
        check(RowIds::From(RowId::new(50)), None, expected);
    }

    #[test]
    fn rows_that_carry_their_ids_keep_them() {
        let expected = "\
+---------+----+
| _row_id | a  |
+---------+----+
| 99      | 10 |
| 3       | 20 |
+---------+----+";
        check(RowIds::Stored, Some(&[3, 0]), expected);
    }

    #[test]
    fn without_places_only_the_tables_columns_can_be_asked_for() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        assert!(!Asked::try_new(&columns, None, false).unwrap().has_places());
        assert!(Asked::try_new(&columns, Some(&[]), true).unwrap().is_empty());
        assert!(Asked::try_new(&columns, Some(&[1]), false).is_err());
    }
}
