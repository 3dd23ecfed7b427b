//! Where rows are: hidden columns that statements which change rows, and functions that tell what changed, ask for.
//!
//! They stand behind the table's columns, in the order below, and are never null. Where the table has a column of such
//! a name itself, the hidden one has one more underscore before it.
//!
//! | column      | type   | what it says of a row                                       |
//! |-------------|--------|-------------------------------------------------------------|
//! | `_segment`  | UInt64 | the id of its segment                                       |
//! | `_position` | UInt64 | which row of the segment it is, from 0                      |
//! | `_row_id`   | Int64  | its row id                                                  |
//! | `_born`     | UInt64 | the version from which on the segment shows it in its table |

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use datafusion::common::{exec_datafusion_err, exec_err, internal_err};
use datafusion::error::Result;
use frostline_catalog::schema::{ROW_ID_FIELD, field_id};
use frostline_catalog::segment::RowIds;
use frostline_catalog::{Placed, RowId};
use frostline_engine::HotPart;

use super::columns::ScanColumns;
use super::evolve::adapt_rows;

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

    /// The column's name, where no column of the table is in the way.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Segment => "_segment",
            Self::Position => "_position",
            Self::RowId => "_row_id",
            Self::Born => "_born",
        }
    }

    /// The column as it stands behind those of a table.
    fn field(self, columns: &Schema) -> FieldRef {
        let data_type = match self {
            Self::RowId => DataType::Int64,
            Self::Segment | Self::Position | Self::Born => DataType::UInt64,
        };
        let mut name = self.name().to_owned();
        while columns.index_of(&name).is_ok() {
            name.insert(0, '_');
        }
        Arc::new(Field::new(name, data_type, false))
    }

    /// The column's values for hot rows, each of which is given with where it is from.
    fn of_hot(self, rows: &RecordBatch, origins: &[HotRow<'_>]) -> Result<ArrayRef> {
        let unsigned = |value: fn(&HotRow<'_>) -> u64| -> ArrayRef {
            Arc::new(UInt64Array::from_iter_values(origins.iter().map(value)))
        };
        match self {
            Self::Segment => Ok(unsigned(|row| row.placed.segment.id.number())),
            Self::Position => Ok(unsigned(|row| row.position)),
            Self::RowId => row_ids(rows, origins),
            Self::Born => Ok(unsigned(|row| row.placed.placement.interval.begin().number())),
        }
    }
}

/// Where a hot row is from.
struct HotRow<'a> {
    placed: &'a Placed,
    position: u64,
}

/// A table's columns and the hidden ones behind them.
pub(super) fn with_places(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<FieldRef> =
        schema.fields().iter().cloned().chain(Place::ALL.iter().map(|place| place.field(schema))).collect();
    Arc::new(Schema::new(fields))
}

/// The row ids of hot rows.
fn row_ids(rows: &RecordBatch, origins: &[HotRow<'_>]) -> Result<ArrayRef> {
    let fields = rows.schema_ref().fields();
    let stored = fields.iter().position(|field| field_id(field) == Some(ROW_ID_FIELD));
    let stored = stored.and_then(|index| rows.column(index).as_primitive_opt::<Int64Type>());
    let mut ids: Vec<i64> = Vec::with_capacity(origins.len());
    for (row, HotRow { placed, position }) in origins.iter().enumerate() {
        ids.push(match (placed.segment.row_ids, stored) {
            (RowIds::From(first), _) => {
                first_row_id(first)?.saturating_add(i64::try_from(*position).unwrap_or(i64::MAX))
            }
            (RowIds::Stored, Some(stored)) => stored.value(row),
            (RowIds::Stored, None) => {
                return exec_err!("hot segment {} lacks its row ids; the segment is damaged", placed.segment.id);
            }
        });
    }
    Ok(Arc::new(Int64Array::from(ids)))
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
                fields.push(place.field(columns.schema()));
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

    /// Hot rows as they come out, given the segments that were asked for.
    pub(super) fn of_hot(&self, part: &HotPart, columns: &ScanColumns, segments: &[&Placed]) -> Result<RecordBatch> {
        let adapted = adapt_rows(&part.rows, columns, &self.columns)?;
        let mut origins: Vec<HotRow<'_>> = Vec::new();
        if self.has_places() {
            origins.reserve(part.origins.len());
            for origin in &part.origins {
                let Some(placed) = segments.get(origin.segment).copied() else {
                    return internal_err!("hot rows are of segment {} of {}", origin.segment, segments.len());
                };
                origins.push(HotRow { placed, position: origin.position });
            }
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            arrays.push(match output {
                Output::Column(place) => Arc::clone(adapted.column(*place)),
                Output::Place(place) => place.of_hot(&part.rows, &origins)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(part.rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use frostline_catalog::schema::with_field_id;
    use frostline_catalog::segment::{BlockRef, Placement, Segment, Storage};
    use frostline_catalog::{BranchId, Digest, FieldId, Interval, ObjectId, PlacementId, SegmentId, Slot, Version};
    use frostline_engine::HotOrigin;

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
        let origins = [1, 0].map(|position| HotOrigin { segment: 0, position }).to_vec();
        let batch = asked.of_hot(&HotPart { rows, origins }, &columns, &[&placed(row_ids)]).unwrap();
        assert_eq!(pretty_format_batches(&[batch]).unwrap().to_string(), expected);
    }

    #[test]
    fn places_stand_behind_the_columns() {
        let expected = "\
+----+----------+-----------+---------+-------+
| a  | _segment | _position | _row_id | _born |
+----+----------+-----------+---------+-------+
| 10 | 7        | 1         | 51      | 4     |
| 20 | 7        | 0         | 50      | 4     |
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
    fn hidden_columns_get_out_of_the_way_of_the_tables() {
        let number = |id: i32, name: &str| column(id, name, DataType::Int64, None);
        let columns = columns(&[number(1, "_row_id"), number(2, "__row_id")]);
        let names =
            |schema: &SchemaRef| -> Vec<String> { schema.fields().iter().map(|field| field.name().clone()).collect() };
        let all = names(&with_places(columns.schema()));
        assert_eq!(all, ["_row_id", "__row_id", "_segment", "_position", "___row_id", "_born"]);
        assert_eq!(names(Asked::try_new(&columns, None, true).unwrap().schema()), all);
    }

    #[test]
    fn without_places_only_the_tables_columns_can_be_asked_for() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        assert!(!Asked::try_new(&columns, None, false).unwrap().has_places());
        assert!(Asked::try_new(&columns, Some(&[]), true).unwrap().is_empty());
        assert!(Asked::try_new(&columns, Some(&[1]), false).is_err());
    }
}
