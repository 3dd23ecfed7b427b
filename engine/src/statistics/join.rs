//! Statistics of a list of segments from those of its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, NullArray, UInt64Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, UInt64Type};
use arrow::error::ArrowError;
use frostline_catalog::FieldId;

use super::{FieldStatistics, SegmentStatistics, StatisticsError, own_views, widened, widens};

impl SegmentStatistics {
    /// The statistics of the first so many segments. Bounds keep their types, which may be wider than these need.
    pub(crate) fn first(&self, segments: usize) -> Self {
        let segments = segments.min(self.len());
        let fields = self.fields.iter().map(|(id, field)| (*id, field.first(segments)));
        Self { rows: self.rows.slice(0, segments), fields: fields.filter(|(_, field)| field.is_known()).collect() }
    }

    /// The statistics of the segments at some places, in the order given.
    pub(crate) fn in_order(&self, places: &[usize]) -> Result<Self, StatisticsError> {
        if places.iter().copied().eq(0..self.len()) {
            return Ok(self.clone());
        }
        let indices = UInt64Array::from_iter_values(places.iter().map(|place| *place as u64));
        let mut fields: BTreeMap<FieldId, FieldStatistics> = BTreeMap::new();
        for (id, field) in &self.fields {
            let taken = field.take(&indices)?;
            if taken.is_known() {
                fields.insert(*id, taken);
            }
        }
        Ok(Self { rows: take_counts(&self.rows, &indices)?, fields })
    }

    /// The statistics of these segments and then others.
    pub(crate) fn followed_by(&self, others: &Self) -> Result<Self, StatisticsError> {
        let (ours, theirs) = (self.len(), others.len());
        let ids: BTreeSet<FieldId> = self.fields.keys().chain(others.fields.keys()).copied().collect();
        let mut fields: BTreeMap<FieldId, FieldStatistics> = BTreeMap::new();
        for id in ids {
            let first = Part { known: self.fields.get(&id), segments: ours };
            let second = Part { known: others.fields.get(&id), segments: theirs };
            fields.insert(id, first.join(&second)?);
        }
        Ok(Self { rows: join_counts(&self.rows, &others.rows)?, fields })
    }
}

impl FieldStatistics {
    /// Whether anything is known of it in any of the segments. Of a column that none was written with, not even the
    /// type is: segments of a clone may have another one of the same id than those of the table that it is a clone of.
    fn is_known(&self) -> bool {
        let known = |values: &dyn Array| values.logical_null_count() < values.len();
        known(&self.null_count) || known(&self.has_nan) || known(&self.min) || known(&self.max)
    }

    fn first(&self, segments: usize) -> Self {
        Self {
            min: self.min.slice(0, segments),
            max: self.max.slice(0, segments),
            min_exact: self.min_exact.slice(0, segments),
            max_exact: self.max_exact.slice(0, segments),
            null_count: self.null_count.slice(0, segments),
            has_nan: self.has_nan.slice(0, segments),
        }
    }

    fn take(&self, indices: &UInt64Array) -> Result<Self, ArrowError> {
        Ok(Self {
            min: own_views(take(&self.min, indices, None)?),
            max: own_views(take(&self.max, indices, None)?),
            min_exact: take_flags(&self.min_exact, indices)?,
            max_exact: take_flags(&self.max_exact, indices)?,
            null_count: take_counts(&self.null_count, indices)?,
            has_nan: take_flags(&self.has_nan, indices)?,
        })
    }
}

/// What is known of one column of some segments, if anything is.
struct Part<'a> {
    known: Option<&'a FieldStatistics>,
    segments: usize,
}

impl Part<'_> {
    fn join(&self, next: &Self) -> Result<FieldStatistics, ArrowError> {
        let data_type = wider(&self.data_type(), &next.data_type());
        let min = join_bounds(
            self.bounds(self.known.map(|known| &known.min), &data_type),
            next.bounds(next.known.map(|known| &known.min), &data_type),
            &data_type,
        )?;
        let max = join_bounds(
            self.bounds(self.known.map(|known| &known.max), &data_type),
            next.bounds(next.known.map(|known| &known.max), &data_type),
            &data_type,
        )?;
        let min_flags = self.flags(|known| &known.min_exact).chain(next.flags(|known| &known.min_exact));
        let min_exact = exact_where_known(&min, min_flags);
        let max_flags = self.flags(|known| &known.max_exact).chain(next.flags(|known| &known.max_exact));
        let max_exact = exact_where_known(&max, max_flags);
        let has_nan = self.flags(|known| &known.has_nan).chain(next.flags(|known| &known.has_nan));
        Ok(FieldStatistics {
            min,
            max,
            min_exact,
            max_exact,
            null_count: join_counts(&self.null_count(), &next.null_count())?,
            has_nan: BooleanArray::from(has_nan.collect::<Vec<Option<bool>>>()),
        })
    }

    fn data_type(&self) -> DataType {
        self.known.map_or(DataType::Null, |known| known.min.data_type().clone())
    }

    /// The bounds in a type. Those that cannot be brought to it without loss are not known.
    fn bounds(&self, bounds: Option<&ArrayRef>, data_type: &DataType) -> ArrayRef {
        match bounds {
            Some(bounds) if bounds.data_type() == data_type => Arc::clone(bounds),
            Some(bounds) if widens(bounds.data_type(), data_type) => widened(bounds, data_type),
            _ => new_null_array(data_type, self.segments),
        }
    }

    fn null_count(&self) -> UInt64Array {
        match self.known {
            Some(known) => known.null_count.clone(),
            None => UInt64Array::new_null(self.segments),
        }
    }

    fn flags(&self, which: impl Fn(&FieldStatistics) -> &BooleanArray) -> impl Iterator<Item = Option<bool>> {
        let flags: Vec<Option<bool>> = match self.known {
            Some(known) => which(known).iter().collect(),
            None => vec![None; self.segments],
        };
        flags.into_iter()
    }
}

/// The one of two types to which the other widens, or the first.
fn wider(first: &DataType, second: &DataType) -> DataType {
    if first == &DataType::Null || widens(first, second) { second.clone() } else { first.clone() }
}

fn join_bounds(first: ArrayRef, second: ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if data_type == &DataType::Null {
        return Ok(Arc::new(NullArray::new(first.len() + second.len())));
    }
    Ok(own_views(concat(&[first.as_ref(), second.as_ref()])?))
}

fn join_counts(first: &UInt64Array, second: &UInt64Array) -> Result<UInt64Array, ArrowError> {
    let joined: ArrayRef = concat(&[first as &dyn Array, second as &dyn Array])?;
    Ok(joined.as_primitive::<UInt64Type>().clone())
}

fn take_counts(counts: &UInt64Array, indices: &UInt64Array) -> Result<UInt64Array, ArrowError> {
    Ok(take(counts, indices, None)?.as_primitive::<UInt64Type>().clone())
}

fn take_flags(flags: &BooleanArray, indices: &UInt64Array) -> Result<BooleanArray, ArrowError> {
    Ok(take(flags, indices, None)?.as_boolean().clone())
}

/// A bound that was lost is not exact.
fn exact_where_known(bounds: &ArrayRef, flags: impl Iterator<Item = Option<bool>>) -> BooleanArray {
    let exact = flags.enumerate().map(|(segment, exact)| exact.unwrap_or(false) && bounds.is_valid(segment));
    BooleanArray::from(exact.collect::<Vec<bool>>())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, StringViewArray};

    use super::super::tests::row_of;
    use super::*;

    fn shown(statistics: &SegmentStatistics) -> Vec<String> {
        let fields = statistics.fields.iter().map(|(id, field)| format!("{id}: {field:?}"));
        std::iter::once(format!("{:?}", statistics.rows)).chain(fields).collect()
    }

    #[test]
    fn joining_parts_is_putting_all_rows_together() {
        let rows = vec![
            row_of(vec![(1, Arc::new(Int32Array::from(vec![Some(3), None])) as ArrayRef)]),
            SegmentStatistics::unknown_row(9).unwrap(),
            row_of(vec![
                (1, Arc::new(Int64Array::from(vec![1_i64 << 40])) as ArrayRef),
                (2, Arc::new(StringViewArray::from(vec!["a text that is longer than a view"])) as ArrayRef),
            ]),
            row_of(vec![(1, Arc::new(Int32Array::from(vec![7])) as ArrayRef)]),
        ];
        let whole = SegmentStatistics::concat(rows.clone()).unwrap();
        for cut in 0..=rows.len() {
            let (first, second) = rows.split_at(cut);
            let first = SegmentStatistics::concat(first.to_vec()).unwrap();
            let second = SegmentStatistics::concat(second.to_vec()).unwrap();
            assert_eq!(shown(&first.followed_by(&second).unwrap()), shown(&whole), "cut at {cut}");
        }
    }

    #[test]
    fn the_first_segments_keep_what_is_known_of_them() {
        let rows: Vec<_> =
            (0..3).map(|number| row_of(vec![(1, Arc::new(Int64Array::from(vec![number])) as ArrayRef)])).collect();
        let whole = SegmentStatistics::concat(rows.clone()).unwrap();
        let first = SegmentStatistics::concat(rows[..2].to_vec()).unwrap();
        assert_eq!(shown(&whole.first(2)), shown(&first));
        assert_eq!(whole.first(9).len(), 3);
    }

    #[test]
    fn segments_can_be_put_into_another_order_and_left_out() {
        let text: ArrayRef = Arc::new(StringViewArray::from(vec!["a text that is longer than a view"]));
        let rows = [
            row_of(vec![(1, Arc::new(Int64Array::from(vec![1])) as ArrayRef)]),
            row_of(vec![(1, Arc::new(Int64Array::from(vec![2])) as ArrayRef), (2, text)]),
            SegmentStatistics::unknown_row(9).unwrap(),
        ];
        let whole = SegmentStatistics::concat(rows.to_vec()).unwrap();
        for order in [vec![0_usize, 1, 2], vec![2, 1, 0], vec![1], vec![1, 0]] {
            let expected = order.iter().map(|place| rows[*place].clone()).collect();
            let expected = SegmentStatistics::concat(expected).unwrap();
            assert_eq!(shown(&whole.in_order(&order).unwrap()), shown(&expected), "{order:?}");
        }
        assert!(whole.in_order(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_column_that_none_of_the_segments_has_is_not_there() {
        let amount: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let rows = vec![
            row_of(vec![(1, Arc::new(Int64Array::from(vec![1])) as ArrayRef)]),
            row_of(vec![(1, Arc::new(Int64Array::from(vec![2])) as ArrayRef), (3, amount)]),
        ];
        let whole = SegmentStatistics::concat(rows).unwrap();
        assert!(whole.field(FieldId::new(3)).is_some());
        assert!(whole.first(1).field(FieldId::new(3)).is_none());
        assert!(whole.in_order(&[0]).unwrap().field(FieldId::new(3)).is_none());
        // A clone has another column of that id.
        let clones = row_of(vec![(3, Arc::new(StringViewArray::from(vec!["x"])) as ArrayRef)]);
        let clones = SegmentStatistics::concat(vec![clones]).unwrap();
        let joined = whole.first(1).followed_by(&clones).unwrap();
        assert_eq!(joined.field(FieldId::new(3)).unwrap().min.data_type(), &DataType::Utf8View);
    }
}
