//! What is known of many segments without reading them: a row for each, in columns, to prune by.
//!
//! Each segment brings one row, whose form is drawn in `write/statistics.rs`. The rows of one scan are put together
//! here, so that a predicate is evaluated once over all segments.

mod join;
mod lists;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, NullArray, RecordBatch, UInt8Array, UInt64Array, new_null_array,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, UInt8Type, UInt64Type};
use arrow::error::ArrowError;
use bytes::Bytes;
use frostline_catalog::FieldId;
use thiserror::Error;

use crate::write::BlockError;
use crate::write::block::decode_block;
use crate::write::statistics::{FLAGS, HAS_NAN, MAX, MAX_EXACT, MIN, MIN_EXACT, NULLS, ROWS};

pub(crate) use lists::{Known, StatisticsLists};

/// Why statistics cannot be used. They can be made again from the segment's rows.
#[derive(Debug, Error)]
pub enum StatisticsError {
    /// The block cannot be decoded.
    #[error("the block of statistics cannot be decoded")]
    Block {
        /// Why.
        #[from]
        source: BlockError,
    },
    /// The block is not one row with a number of rows.
    #[error("the block holds no statistics of a segment; verify the lake")]
    Form,
    /// The rows of several segments cannot be put together.
    #[error("the statistics of the segments cannot be put together")]
    Concat {
        /// What Arrow found.
        #[from]
        source: ArrowError,
    },
}

/// What is known of some segments of one table, a row for each.
#[derive(Clone, Debug)]
pub struct SegmentStatistics {
    rows: UInt64Array,
    fields: BTreeMap<FieldId, FieldStatistics>,
}

/// What is known of one column, a value for each segment.
///
/// * A null says that it is not known: the segment was written without the column, or its values have no bounds.
/// * No value of the segment is below `min` or above `max`. An exact bound is a value of the segment.
/// * Where `has_nan` is true there are no bounds. Nested columns never have any; their `min` and `max` are of the null
///   type.
/// * Bounds are of the widest type that a segment has; those that cannot be brought to it without loss are not known.
///   So a column whose type was widened has bounds in the segments that were written before.
#[derive(Clone, Debug)]
pub struct FieldStatistics {
    /// Lower bounds.
    pub min: ArrayRef,
    /// Upper bounds.
    pub max: ArrayRef,
    /// Whether the lower bound is a value of the segment. Never null.
    pub min_exact: BooleanArray,
    /// Whether the upper bound is a value of the segment. Never null.
    pub max_exact: BooleanArray,
    /// Rows without a value.
    pub null_count: UInt64Array,
    /// Whether there is NaN, at any depth.
    pub has_nan: BooleanArray,
}

impl Default for SegmentStatistics {
    fn default() -> Self {
        Self { rows: UInt64Array::from(Vec::<u64>::new()), fields: BTreeMap::new() }
    }
}

impl SegmentStatistics {
    /// The one row in a segment's block of statistics.
    pub fn decode_block(block: &Bytes) -> Result<RecordBatch, StatisticsError> {
        let row = decode_block(block)?;
        match count_of(&row) {
            Some(_) => Ok(row),
            None => Err(StatisticsError::Form),
        }
    }

    /// The row of a segment of which only the number of rows is known.
    pub fn unknown_row(rows: u64) -> Result<RecordBatch, StatisticsError> {
        let schema = Schema::new(vec![Field::new(ROWS, DataType::UInt64, false)]);
        let count: ArrayRef = Arc::new(UInt64Array::from(vec![rows]));
        Ok(RecordBatch::try_new(Arc::new(schema), vec![count])?)
    }

    /// The statistics of segments, from their rows, in the order given.
    pub fn concat(rows: Vec<RecordBatch>) -> Result<Self, StatisticsError> {
        let counts: Option<Vec<u64>> = rows.iter().map(count_of).collect();
        let counts = counts.ok_or(StatisticsError::Form)?;
        let mut parts: BTreeMap<FieldId, FieldParts> = BTreeMap::new();
        for (segment, row) in rows.iter().enumerate() {
            for (field, column) in row.schema().fields().iter().zip(row.columns()) {
                if let Some((what, id)) = parse_name(field.name()) {
                    parts.entry(id).or_default().add(what, segment, column)?;
                }
            }
        }
        let mut fields: BTreeMap<FieldId, FieldStatistics> = BTreeMap::new();
        for (id, part) in parts {
            fields.insert(id, part.finish(rows.len())?);
        }
        Ok(Self { rows: UInt64Array::from(counts), fields })
    }

    /// What is known of a column; nothing if no segment was written with it.
    pub fn field(&self, id: FieldId) -> Option<&FieldStatistics> {
        self.fields.get(&id)
    }

    /// The number of rows of each segment.
    pub fn rows(&self) -> &UInt64Array {
        &self.rows
    }

    /// How many segments there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// What a column of a segment's row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Min,
    Max,
    Nulls,
    Flags,
}

/// What the segments say of one column, each with the segment's place.
#[derive(Default)]
struct FieldParts {
    min: Vec<(usize, ArrayRef)>,
    max: Vec<(usize, ArrayRef)>,
    nulls: Vec<(usize, u64)>,
    flags: Vec<(usize, u8)>,
}

impl FieldParts {
    fn add(&mut self, what: What, segment: usize, column: &ArrayRef) -> Result<(), StatisticsError> {
        match what {
            What::Min => self.min.push((segment, Arc::clone(column))),
            What::Max => self.max.push((segment, Arc::clone(column))),
            What::Nulls => {
                let counts: &UInt64Array = column.as_primitive_opt::<UInt64Type>().ok_or(StatisticsError::Form)?;
                self.nulls.push((segment, counts.value(0)));
            }
            What::Flags => {
                let flags: &UInt8Array = column.as_primitive_opt::<UInt8Type>().ok_or(StatisticsError::Form)?;
                self.flags.push((segment, flags.value(0)));
            }
        }
        Ok(())
    }

    fn finish(self, segments: usize) -> Result<FieldStatistics, StatisticsError> {
        let data_type = widest(self.min.iter().chain(&self.max).map(|(_, array)| array.data_type()));
        let mut null_count: Vec<Option<u64>> = vec![None; segments];
        for (segment, count) in self.nulls {
            null_count[segment] = Some(count);
        }
        let mut flags: Vec<Option<u8>> = vec![None; segments];
        for (segment, value) in self.flags {
            flags[segment] = Some(value);
        }
        let min = spread(self.min, &data_type, segments)?;
        let max = spread(self.max, &data_type, segments)?;
        let is_exact = |bounds: &ArrayRef, flag: u8| -> BooleanArray {
            let exact = |segment: usize| bounds.is_valid(segment) && flags[segment].unwrap_or(0) & flag != 0;
            BooleanArray::from((0..segments).map(exact).collect::<Vec<bool>>())
        };
        let has_nan: Vec<Option<bool>> = flags.iter().map(|flags| flags.map(|flags| flags & HAS_NAN != 0)).collect();
        Ok(FieldStatistics {
            min_exact: is_exact(&min, MIN_EXACT),
            max_exact: is_exact(&max, MAX_EXACT),
            min,
            max,
            null_count: UInt64Array::from(null_count),
            has_nan: BooleanArray::from(has_nan),
        })
    }
}

fn count_of(row: &RecordBatch) -> Option<u64> {
    let counts: &UInt64Array = row.column_by_name(ROWS)?.as_primitive_opt::<UInt64Type>()?;
    (row.num_rows() == 1 && counts.is_valid(0)).then(|| counts.value(0))
}

/// What a column of a segment's row is about. Names that this version does not know are passed over.
fn parse_name(name: &str) -> Option<(What, FieldId)> {
    let known = [(MIN, What::Min), (MAX, What::Max), (NULLS, What::Nulls), (FLAGS, What::Flags)];
    known.into_iter().find_map(|(beginning, what)| {
        let number: i32 = name.strip_prefix(beginning)?.parse().ok()?;
        Some((what, FieldId::new(number)))
    })
}

/// The bounds of all segments in one array: one value from each segment that has one, null for the others.
fn spread(parts: Vec<(usize, ArrayRef)>, data_type: &DataType, segments: usize) -> Result<ArrayRef, ArrowError> {
    if data_type == &DataType::Null {
        return Ok(Arc::new(NullArray::new(segments)));
    }
    let unknown = new_null_array(data_type, 1);
    let mut values: Vec<ArrayRef> = vec![unknown; segments];
    for (segment, bound) in parts {
        if bound.data_type() == data_type {
            values[segment] = bound;
        } else if widens(bound.data_type(), data_type) {
            values[segment] = widened(&bound, data_type);
        }
    }
    let slices: Vec<&dyn Array> = values.iter().map(|value| value.as_ref()).collect();
    if slices.is_empty() {
        return Ok(new_null_array(data_type, 0));
    }
    Ok(own_views(concat(&slices)?))
}

/// The same values. Views refer to the blocks that they came in; copied together, the blocks can go.
fn own_views(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Utf8View => Arc::new(values.as_string_view().gc()),
        DataType::BinaryView => Arc::new(values.as_binary_view().gc()),
        _ => values,
    }
}

/// The type to which most of the others widen; the null type if there is none.
fn widest<'a>(types: impl Iterator<Item = &'a DataType>) -> DataType {
    let mut widest = DataType::Null;
    for data_type in types {
        if widest == DataType::Null || widens(&widest, data_type) {
            widest = data_type.clone();
        }
    }
    widest
}

/// Bounds in a type to which theirs widens. Those that it cannot hold are not known.
fn widened(bounds: &ArrayRef, data_type: &DataType) -> ArrayRef {
    cast(bounds, data_type).unwrap_or_else(|_| new_null_array(data_type, bounds.len()))
}

/// Whether a column of one type can become one of the other with each value what it was. Dates and timestamps may
/// still be too far away for a finer unit.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Float32, T::Float64) => true,
        (T::Decimal128(from_precision, from_scale), T::Decimal128(to_precision, to_scale)) => {
            let whole = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
            (from_precision, from_scale) != (to_precision, to_scale)
                && from_scale <= to_scale
                && whole(*from_precision, *from_scale) <= whole(*to_precision, *to_scale)
        }
        (T::Timestamp(from_unit, from_zone), T::Timestamp(to_unit, to_zone)) => {
            // The other way loses digits; this way may overflow, which the cast makes a null.
            from_zone == to_zone && unit_rank(from_unit) < unit_rank(to_unit)
        }
        // A date is its midnight, in UTC where there is a zone.
        (T::Date32, T::Timestamp(..)) => true,
        (from, to) => match (integer(from), integer(to)) {
            (Some((from_signed, from_bits)), Some((to_signed, to_bits))) => {
                from_bits < to_bits && (from_signed == to_signed || to_signed)
            }
            _ => false,
        },
    }
}

fn unit_rank(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Whether an integer type has a sign, and its bits.
fn integer(data_type: &DataType) -> Option<(bool, u8)> {
    match data_type {
        DataType::Int8 => Some((true, 8)),
        DataType::Int16 => Some((true, 16)),
        DataType::Int32 => Some((true, 32)),
        DataType::Int64 => Some((true, 64)),
        DataType::UInt8 => Some((false, 8)),
        DataType::UInt16 => Some((false, 16)),
        DataType::UInt32 => Some((false, 32)),
        DataType::UInt64 => Some((false, 64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, StringViewArray,
        TimestampMicrosecondArray, TimestampNanosecondArray,
    };
    use arrow::datatypes::Int64Type;
    use arrow::util::display::array_value_to_string;
    use frostline_catalog::schema::with_field_id;

    use super::*;
    use crate::write::StatisticsBuilder;
    use crate::write::block::encode_block;

    pub(super) fn row_of(columns: Vec<(i32, ArrayRef)>) -> RecordBatch {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(id, column)| {
                with_field_id(Field::new(format!("c{id}"), column.data_type().clone(), true), FieldId::new(*id))
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let mut builder = StatisticsBuilder::new(&schema);
        let columns: Vec<ArrayRef> = columns.into_iter().map(|(_, column)| column).collect();
        builder.add(&RecordBatch::try_new(schema, columns).unwrap());
        SegmentStatistics::decode_block(&encode_block(&builder.finish().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn what_a_segment_does_not_say_is_unknown() {
        let first = row_of(vec![(1, Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)])) as ArrayRef)]);
        let second = row_of(vec![
            (1, Arc::new(Int64Array::from(vec![7])) as ArrayRef),
            (2, Arc::new(StringViewArray::from(vec!["x"])) as ArrayRef),
        ]);
        let third = SegmentStatistics::unknown_row(9).unwrap();
        let all = SegmentStatistics::concat(vec![first, second, third]).unwrap();
        assert_eq!((all.len(), all.rows().values().to_vec()), (3, vec![3, 1, 9]));

        let one = all.field(FieldId::new(1)).unwrap();
        let min: Vec<Option<i64>> = one.min.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(min, [Some(-1), Some(7), None]);
        assert_eq!(one.null_count.iter().collect::<Vec<_>>(), [Some(1), Some(0), None]);
        assert_eq!(one.min_exact.iter().collect::<Vec<_>>(), [Some(true), Some(true), Some(false)]);

        let two = all.field(FieldId::new(2)).unwrap();
        let max: Vec<Option<&str>> = two.max.as_string_view().iter().collect();
        assert_eq!(max, [None, Some("x"), None]);
        assert!(all.field(FieldId::new(3)).is_none());
    }

    #[test]
    fn bounds_of_a_widened_column_are_of_the_wider_type() {
        let narrow = row_of(vec![(1, Arc::new(Int32Array::from(vec![5])) as ArrayRef)]);
        let wide = row_of(vec![(1, Arc::new(Int64Array::from(vec![1_i64 << 40])) as ArrayRef)]);
        for rows in [vec![narrow.clone(), wide.clone()], vec![wide, narrow]] {
            let all = SegmentStatistics::concat(rows).unwrap();
            let max = &all.field(FieldId::new(1)).unwrap().max;
            let mut values: Vec<i64> = max.as_primitive::<Int64Type>().values().to_vec();
            values.sort_unstable();
            assert_eq!(values, [5, 1 << 40]);
        }
    }

    #[test]
    fn a_bound_that_cannot_be_widened_without_loss_is_unknown() {
        let whole = row_of(vec![(1, Arc::new(Int64Array::from(vec![(1_i64 << 53) + 1])) as ArrayRef)]);
        let float = row_of(vec![(1, Arc::new(Float64Array::from(vec![1.0])) as ArrayRef)]);
        let all = SegmentStatistics::concat(vec![whole, float]).unwrap();
        let field = all.field(FieldId::new(1)).unwrap();
        assert_eq!(field.max.data_type(), &DataType::Int64);
        assert!(field.max.is_null(1) && !field.max_exact.value(1));
    }

    /// The bounds of one column of two segments, the second of which was written at a wider type, in both orders.
    fn check_widened(narrow: ArrayRef, wide: ArrayRef, expected: &[&str]) {
        let data_type = wide.data_type().clone();
        let (narrow, wide) = (row_of(vec![(1, narrow)]), row_of(vec![(1, wide)]));
        let ordered = SegmentStatistics::concat(vec![narrow.clone(), wide.clone()]).unwrap();
        let first = SegmentStatistics::concat(vec![wide]).unwrap();
        let turned = first.followed_by(&SegmentStatistics::concat(vec![narrow]).unwrap()).unwrap();
        for (all, segments) in [(ordered, [0, 1]), (turned, [1, 0])] {
            let field = all.field(FieldId::new(1)).unwrap();
            assert_eq!(field.max.data_type(), &data_type);
            let shown = |segment: usize| {
                let value = array_value_to_string(&field.max, segment).unwrap();
                if field.max.is_valid(segment) { value } else { "unknown".to_owned() }
            };
            assert_eq!(segments.map(shown), expected);
            assert!((0..2).all(|segment| field.max_exact.value(segment) == field.max.is_valid(segment)));
        }
    }

    #[test]
    fn bounds_of_every_widening_are_kept() {
        let decimal = |value: i128, precision: u8, scale: i8| -> ArrayRef {
            Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(precision, scale).unwrap())
        };
        let date: ArrayRef = Arc::new(Date32Array::from(vec![1]));
        let instant = TimestampMicrosecondArray::from(vec![5]);
        check_widened(decimal(123, 5, 2), decimal(1_000_001, 12, 2), &["1.23", "10000.01"]);
        check_widened(decimal(123, 5, 2), decimal(1, 12, 4), &["1.2300", "0.0001"]);
        let single: ArrayRef = Arc::new(Float32Array::from(vec![0.5]));
        check_widened(single, Arc::new(Float64Array::from(vec![0.1])), &["0.5", "0.1"]);
        let expected = ["1970-01-02T00:00:00", "1970-01-01T00:00:00.000005"];
        check_widened(Arc::clone(&date), Arc::new(instant.clone()), &expected);
        let expected = ["1970-01-02T00:00:00Z", "1970-01-01T00:00:00.000005Z"];
        check_widened(date, Arc::new(instant.with_timezone("UTC")), &expected);
    }

    #[test]
    fn a_date_too_far_away_for_a_timestamp_has_no_bound() {
        let far: ArrayRef = Arc::new(Date32Array::from(vec![1_000_000]));
        let near = TimestampNanosecondArray::from(vec![5]);
        check_widened(far, Arc::new(near), &["unknown", "1970-01-01T00:00:00.000000005"]);
    }

    #[test]
    fn nan_leaves_no_bounds() {
        let row = row_of(vec![(1, Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as ArrayRef)]);
        let all = SegmentStatistics::concat(vec![row]).unwrap();
        let field = all.field(FieldId::new(1)).unwrap();
        assert!(field.has_nan.value(0) && field.min.is_null(0) && field.max.is_null(0));
        assert!(!field.min_exact.value(0) && !field.max_exact.value(0));
    }

    #[test]
    fn no_segments_have_no_statistics() {
        let none = SegmentStatistics::concat(Vec::new()).unwrap();
        assert!(none.is_empty() && none.field(FieldId::FIRST).is_none());
    }

    #[test]
    fn a_block_without_a_number_of_rows_is_refused() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let other = RecordBatch::try_from_iter([("min_1", column)]).unwrap();
        let error = SegmentStatistics::decode_block(&encode_block(&other).unwrap()).unwrap_err();
        assert!(matches!(error, StatisticsError::Form), "{error:?}");
    }
}
