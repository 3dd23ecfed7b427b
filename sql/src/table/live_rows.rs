//! The filter that lets a segment's living rows through.
//!
//! A scan of frozen segments gives each row two columns more: the *mask*, a number for its segment, and the *row*, its
//! number in the file. The filter holds a bit for each row of each segment. It stands directly above the scan, where
//! filters of the query join it, so that rows are filtered once.
//!
//! * While nothing was left out below, the rows of a batch follow one another: then the bits of the batch are a slice
//!   of the segment's, and nothing is copied. To find that out, row numbers are compared: a few microseconds a batch.
//! * Otherwise, as when pages were left out, each row is looked up.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::cast::{as_int64_array, as_uint32_array};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

/// For each mask's number which rows it lets through, a bit each; `None` for all.
pub(super) type Masks = Arc<Vec<Option<BooleanBuffer>>>;

/// Whether a row lives, or was chosen.
#[derive(Clone, Debug)]
pub(super) struct LiveRows {
    mask: Arc<dyn PhysicalExpr>,
    row: Arc<dyn PhysicalExpr>,
    masks: Masks,
}

impl LiveRows {
    /// By the columns that hold the number of the mask (UInt32) and of the row (Int64).
    pub(super) fn new(mask: Arc<dyn PhysicalExpr>, row: Arc<dyn PhysicalExpr>, masks: Masks) -> Self {
        Self { mask, row, masks }
    }

    /// A bit for each row of a batch.
    fn bits(&self, masks: &[u32], rows: &[i64]) -> BooleanBuffer {
        let (Some(mask), Some(row)) = (masks.first(), rows.first()) else { return BooleanBuffer::new_unset(0) };
        if !masks.iter().all(|other| other == mask) {
            return masks.iter().zip(rows).map(|(mask, row)| lets_through(self.kept(*mask), *row)).collect();
        }
        let Some(kept) = self.kept(*mask) else { return BooleanBuffer::new_set(rows.len()) };
        match usize::try_from(*row) {
            Ok(first) if first.saturating_add(rows.len()) <= kept.len() && follow_one_another(rows, *row) => {
                kept.slice(first, rows.len())
            }
            _ => rows.iter().map(|row| lets_through(Some(kept), *row)).collect(),
        }
    }

    /// The rows that a mask lets through; `None` for all.
    fn kept(&self, mask: u32) -> Option<&BooleanBuffer> {
        self.masks.get(usize::try_from(mask).ok()?)?.as_ref()
    }
}

/// Whether each row has the number after the one before it. Nothing ends the loop early, so that it is vectorised.
fn follow_one_another(rows: &[i64], first: i64) -> bool {
    let mut expected = first;
    let mut difference: i64 = 0;
    for row in rows {
        difference |= row ^ expected;
        expected = expected.wrapping_add(1);
    }
    difference == 0
}

fn lets_through(kept: Option<&BooleanBuffer>, row: i64) -> bool {
    let Some(kept) = kept else { return true };
    usize::try_from(row).is_ok_and(|row| row < kept.len() && kept.value(row))
}

// Derived, it would move the expressions out of what they are given, and compare masks bit by bit.
impl PartialEq for LiveRows {
    fn eq(&self, other: &Self) -> bool {
        self.mask.eq(&other.mask) && self.row.eq(&other.row) && Arc::ptr_eq(&self.masks, &other.masks)
    }
}

impl Eq for LiveRows {}

impl Hash for LiveRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mask.hash(state);
        self.row.hash(state);
        self.masks.len().hash(state);
    }
}

impl fmt::Display for LiveRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "live_rows({}, {})", self.mask, self.row)
    }
}

impl PhysicalExpr for LiveRows {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let masks: ArrayRef = self.mask.evaluate(batch)?.into_array(batch.num_rows())?;
        let rows: ArrayRef = self.row.evaluate(batch)?.into_array(batch.num_rows())?;
        let masks: &UInt32Array = as_uint32_array(&masks)?;
        let rows: &Int64Array = as_int64_array(&rows)?;
        if masks.null_count() > 0 || rows.null_count() > 0 {
            return internal_err!("rows of a scan have no numbers");
        }
        let bits = self.bits(masks.values(), rows.values());
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(bits, None))))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.mask, &self.row]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[Arc<dyn PhysicalExpr>; 2]>::try_from(children) {
            Ok([mask, row]) => Ok(Arc::new(Self { mask, row, masks: Arc::clone(&self.masks) })),
            Err(children) => internal_err!("the filter of living rows has two inputs, not {}", children.len()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::physical_expr::expressions::col;

    use super::*;

    /// Mask 0 leaves every third row of twelve out, mask 1 none.
    fn masks() -> Masks {
        let kept: BooleanBuffer = (0..12).map(|row| row % 3 != 0).collect();
        Arc::new(vec![Some(kept), None])
    }

    fn live_rows(schema: &Schema) -> LiveRows {
        LiveRows::new(col("mask", schema).unwrap(), col("row", schema).unwrap(), masks())
    }

    fn evaluated(mask: &[u32], row: &[i64]) -> BooleanArray {
        let schema = Arc::new(Schema::new(vec![
            Field::new("mask", DataType::UInt32, false),
            Field::new("row", DataType::Int64, false),
        ]));
        let mask: ArrayRef = Arc::new(UInt32Array::from(mask.to_vec()));
        let row: ArrayRef = Arc::new(Int64Array::from(row.to_vec()));
        let filter = live_rows(&schema);
        let batch = RecordBatch::try_new(schema, vec![mask, row]).unwrap();
        let bits: ArrayRef = filter.evaluate(&batch).unwrap().into_array(batch.num_rows()).unwrap();
        bits.as_any().downcast_ref::<BooleanArray>().unwrap().clone()
    }

    fn check(mask: &[u32], row: &[i64], expected: &[bool]) {
        let found: Vec<bool> = evaluated(mask, row).iter().flatten().collect();
        assert_eq!(found, expected, "{mask:?} {row:?}");
    }

    #[test]
    fn dead_rows_are_left_out() {
        check(&[0; 4], &[0, 1, 2, 3], &[false, true, true, false]);
        check(&[0; 3], &[9, 10, 11], &[false, true, true]);
        check(&[], &[], &[]);
    }

    #[test]
    fn rows_between_which_others_were_left_out_are_looked_up() {
        check(&[0; 3], &[1, 3, 4], &[true, false, true]);
        check(&[0; 3], &[6, 5, 8], &[false, true, true]);
    }

    #[test]
    fn rows_that_only_begin_and_end_like_a_run_are_looked_up() {
        check(&[0; 4], &[4, 9, 6, 7], &[true, false, false, true]);
    }

    #[test]
    fn a_segment_whose_rows_all_live_lets_all_through() {
        check(&[1; 3], &[0, 3, 1_000], &[true, true, true]);
    }

    #[test]
    fn a_batch_may_have_rows_of_several_segments() {
        check(&[0, 1, 0, 1], &[0, 0, 1, 3], &[false, true, true, true]);
    }

    #[test]
    fn a_row_that_no_mask_knows_is_left_out() {
        check(&[0; 2], &[11, 12], &[true, false]);
        check(&[0; 1], &[-1], &[false]);
    }

    #[test]
    fn a_run_of_rows_shares_the_bits_of_its_segment() {
        let kept = BooleanBuffer::new_set(1_000);
        let schema =
            Schema::new(vec![Field::new("mask", DataType::UInt32, false), Field::new("row", DataType::Int64, false)]);
        let masks: Masks = Arc::new(vec![Some(kept.clone())]);
        let filter = LiveRows::new(col("mask", &schema).unwrap(), col("row", &schema).unwrap(), masks);
        let rows: Vec<i64> = (100..200).collect();
        let bits = filter.bits(&[0; 100], &rows);
        assert_eq!(bits.values().as_ptr(), kept.values().as_ptr());
    }

    #[test]
    fn two_filters_are_one_only_over_the_same_masks() {
        let schema =
            Schema::new(vec![Field::new("mask", DataType::UInt32, false), Field::new("row", DataType::Int64, false)]);
        let (one, other) = (live_rows(&schema), live_rows(&schema));
        assert_eq!(one, one.clone());
        assert_ne!(one, other);
    }
}
