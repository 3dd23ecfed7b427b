//! The least and greatest value of a column.
//!
//! | type | order |
//! |---|---|
//! | booleans, integers, decimals, dates, times, timestamps | by number |
//! | floats | total order of IEEE 754, so that -0.0 comes before 0.0 |
//! | strings, binaries | by bytes |
//!
//! * Bounds of parts merge to the bounds of the whole, however the rows were cut into parts.
//! * A column that holds NaN has no bounds: NaN is beyond every number for some operators and nothing for others.
//! * A lower bound of zero is given as -0.0 and an upper one as 0.0, because the two are equal for SQL; it is exact
//!   only if that very zero is in the column.
//! * Strings and binaries are cut to [`BOUND_BYTES_MAX`] bytes, downwards or upwards, and are then not exact.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array, GenericByteViewArray,
    PrimitiveArray, StringViewArray, new_null_array,
};
use arrow::compute::{max, max_boolean, min, min_boolean};
use arrow::datatypes::{
    ArrowPrimitiveType, ByteViewType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

/// The length to which bounds of strings and binaries are cut.
pub(crate) const BOUND_BYTES_MAX: usize = 64;

/// The bounds of some values of one column, not yet cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bounds {
    /// There was no value.
    None,
    /// Of a type whose values are whole numbers, however it shows them.
    Whole(Span<i128>),
    /// Of floats.
    Float(Span<f64>),
    /// Of strings and binaries.
    Bytes(Span<Vec<u8>>),
}

/// Least and greatest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span<T> {
    min: T,
    max: T,
}

/// A bound as it is stored: an array of one value, null if there is none.
pub(crate) struct Bound {
    pub(crate) value: ArrayRef,
    pub(crate) is_exact: bool,
}

/// Runs `$body` with `$native` standing for the Arrow type of a type whose values are whole numbers.
macro_rules! for_whole_type {
    (@ $native:ident = $type:ty, $body:expr) => {{
        type $native = $type;
        $body
    }};
    ($data_type:expr, $native:ident => $body:expr, else $otherwise:expr) => {
        match $data_type {
            DataType::Int8 => for_whole_type!(@ $native = Int8Type, $body),
            DataType::Int16 => for_whole_type!(@ $native = Int16Type, $body),
            DataType::Int32 => for_whole_type!(@ $native = Int32Type, $body),
            DataType::Int64 => for_whole_type!(@ $native = Int64Type, $body),
            DataType::UInt8 => for_whole_type!(@ $native = UInt8Type, $body),
            DataType::UInt16 => for_whole_type!(@ $native = UInt16Type, $body),
            DataType::UInt32 => for_whole_type!(@ $native = UInt32Type, $body),
            DataType::UInt64 => for_whole_type!(@ $native = UInt64Type, $body),
            DataType::Decimal128(_, _) => for_whole_type!(@ $native = Decimal128Type, $body),
            DataType::Date32 => for_whole_type!(@ $native = Date32Type, $body),
            DataType::Time64(TimeUnit::Microsecond) => for_whole_type!(@ $native = Time64MicrosecondType, $body),
            DataType::Time64(TimeUnit::Nanosecond) => for_whole_type!(@ $native = Time64NanosecondType, $body),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                for_whole_type!(@ $native = TimestampMillisecondType, $body)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                for_whole_type!(@ $native = TimestampMicrosecondType, $body)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                for_whole_type!(@ $native = TimestampNanosecondType, $body)
            }
            _ => $otherwise,
        }
    };
}

/// Whether columns of this type have bounds: all but nested ones.
pub(crate) fn has_bounds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Utf8View | DataType::BinaryView => true,
        data_type => for_whole_type!(data_type, _Native => true, else false),
    }
}

impl Bounds {
    /// The bounds of an array's values, NaN included.
    pub(crate) fn of(array: &ArrayRef) -> Self {
        let bounds = match array.data_type() {
            DataType::Boolean => {
                let array: &BooleanArray = array.as_boolean();
                whole(min_boolean(array).map(i128::from), max_boolean(array).map(i128::from))
            }
            DataType::Float32 => {
                let array: &Float32Array = array.as_primitive::<Float32Type>();
                float(min(array).map(f64::from), max(array).map(f64::from))
            }
            DataType::Float64 => {
                let array: &Float64Array = array.as_primitive::<Float64Type>();
                float(min(array), max(array))
            }
            DataType::Utf8View => view_bounds(array.as_string_view()),
            DataType::BinaryView => view_bounds(array.as_binary_view()),
            data_type => for_whole_type!(data_type, Native => whole_bounds::<Native>(array), else None),
        };
        bounds.unwrap_or(Self::None)
    }

    /// The bounds of these values and others of the same column.
    pub(crate) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, bounds) | (bounds, Self::None) => bounds,
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(a.merge(b, <i128 as Ord>::cmp)),
            (Self::Float(a), Self::Float(b)) => Self::Float(a.merge(b, f64::total_cmp)),
            (Self::Bytes(a), Self::Bytes(b)) => Self::Bytes(a.merge(b, <Vec<u8> as Ord>::cmp)),
            // A column has one type, so its bounds are of one kind.
            (bounds, _) => bounds,
        }
    }

    /// The lower and the upper bound as they are stored, in the column's type.
    pub(crate) fn store(&self, data_type: &DataType) -> (Bound, Bound) {
        match self {
            Self::None => (Bound::unknown(data_type), Bound::unknown(data_type)),
            Self::Whole(span) => (
                Bound { value: whole_array(data_type, span.min), is_exact: true },
                Bound { value: whole_array(data_type, span.max), is_exact: true },
            ),
            Self::Float(span) => (float_bound(data_type, span.min, -0.0), float_bound(data_type, span.max, 0.0)),
            Self::Bytes(span) => (lower_bytes(data_type, &span.min), upper_bytes(data_type, &span.max)),
        }
    }
}

impl Bound {
    /// No bound.
    pub(crate) fn unknown(data_type: &DataType) -> Self {
        Self { value: new_null_array(data_type, 1), is_exact: false }
    }
}

impl<T> Span<T> {
    fn merge(self, other: Self, order: fn(&T, &T) -> Ordering) -> Self {
        let min = if order(&other.min, &self.min).is_lt() { other.min } else { self.min };
        let max = if order(&other.max, &self.max).is_gt() { other.max } else { self.max };
        Self { min, max }
    }
}

fn whole(min: Option<i128>, max: Option<i128>) -> Option<Bounds> {
    Some(Bounds::Whole(Span { min: min?, max: max? }))
}

fn float(min: Option<f64>, max: Option<f64>) -> Option<Bounds> {
    Some(Bounds::Float(Span { min: min?, max: max? }))
}

/// The bounds of strings or binaries. Most values are told apart from the bounds so far by their first four bytes,
/// which stand in the view itself.
fn view_bounds<T: ByteViewType>(array: &GenericByteViewArray<T>) -> Option<Bounds> {
    let value = |row: usize| -> &[u8] { array.value(row).as_ref() };
    let mut rows = (0..array.len()).filter(|row| array.is_valid(*row));
    let first = rows.next()?;
    let views: &[u128] = array.views();
    let (mut min, mut max) = (first, first);
    let (mut min_prefix, mut max_prefix) = (prefix(views[first]), prefix(views[first]));
    for row in rows {
        let prefix = prefix(views[row]);
        // Equal views are equal values: of one length, and either inline or in one place.
        if prefix < min_prefix || (prefix == min_prefix && views[row] != views[min] && value(row) < value(min)) {
            (min, min_prefix) = (row, prefix);
        }
        if prefix > max_prefix || (prefix == max_prefix && views[row] != views[max] && value(row) > value(max)) {
            (max, max_prefix) = (row, prefix);
        }
    }
    Some(Bounds::Bytes(Span { min: value(min).to_vec(), max: value(max).to_vec() }))
}

/// The first four bytes of a view's value, shorter ones filled up with zeros, as a number of their order.
fn prefix(view: u128) -> u32 {
    ((view >> 32) as u32).swap_bytes()
}

fn whole_bounds<T>(array: &ArrayRef) -> Option<Bounds>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let array: &PrimitiveArray<T> = array.as_primitive::<T>();
    whole(min(array).map(Into::into), max(array).map(Into::into))
}

fn whole_array(data_type: &DataType, value: i128) -> ArrayRef {
    if data_type == &DataType::Boolean {
        return Arc::new(BooleanArray::from(vec![value != 0]));
    }
    for_whole_type!(
        data_type,
        Native => whole_array_of::<Native>(data_type, value),
        else new_null_array(data_type, 1)
    )
}

fn whole_array_of<T>(data_type: &DataType, value: i128) -> ArrayRef
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128>,
{
    let value: Option<T::Native> = <T::Native as TryFrom<i128>>::try_from(value).ok();
    let array: PrimitiveArray<T> = [value].into_iter().collect();
    Arc::new(array.with_data_type(data_type.clone()))
}

/// A bound of floats; zero is given as `zero`.
fn float_bound(data_type: &DataType, bound: f64, zero: f64) -> Bound {
    let stored = if bound == 0.0 { zero } else { bound };
    let value: ArrayRef = if data_type == &DataType::Float32 {
        // The bound came from a value of 32 bits, so nothing is lost.
        Arc::new(Float32Array::from(vec![stored as f32]))
    } else {
        Arc::new(Float64Array::from(vec![stored]))
    };
    Bound { value, is_exact: stored.to_bits() == bound.to_bits() }
}

fn lower_bytes(data_type: &DataType, bound: &[u8]) -> Bound {
    let cut = cut_bytes(data_type, bound);
    Bound { value: bytes_array(data_type, cut), is_exact: cut.len() == bound.len() }
}

fn upper_bytes(data_type: &DataType, bound: &[u8]) -> Bound {
    let cut = cut_bytes(data_type, bound);
    if cut.len() == bound.len() {
        return Bound { value: bytes_array(data_type, cut), is_exact: true };
    }
    let next = match (data_type, std::str::from_utf8(cut)) {
        (DataType::Utf8View, Ok(text)) => next_text(text).map(String::into_bytes),
        _ => next_bytes(cut),
    };
    match next {
        Some(next) => Bound { value: bytes_array(data_type, &next), is_exact: false },
        None => Bound::unknown(data_type),
    }
}

/// The beginning of a value, cut between characters if it is a string.
fn cut_bytes<'a>(data_type: &DataType, bound: &'a [u8]) -> &'a [u8] {
    if bound.len() <= BOUND_BYTES_MAX {
        return bound;
    }
    let begins_character = |at: usize| bound[at] & 0b1100_0000 != 0b1000_0000;
    let mut end = BOUND_BYTES_MAX;
    while data_type == &DataType::Utf8View && end > 0 && !begins_character(end) {
        end -= 1;
    }
    &bound[..end]
}

/// The least text that comes after every text with this beginning.
fn next_text(beginning: &str) -> Option<String> {
    let mut text = beginning.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = next_character(last) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn next_character(character: char) -> Option<char> {
    match character {
        // Between the two lie the surrogates, which are no characters.
        '\u{d7ff}' => Some('\u{e000}'),
        other => char::from_u32(u32::from(other) + 1),
    }
}

/// The least bytes that come after all bytes with this beginning.
fn next_bytes(beginning: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = beginning.to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

fn bytes_array(data_type: &DataType, bytes: &[u8]) -> ArrayRef {
    match (data_type, std::str::from_utf8(bytes)) {
        (DataType::Utf8View, Ok(text)) => Arc::new(StringViewArray::from(vec![text])),
        (DataType::BinaryView, _) => Arc::new(BinaryViewArray::from(vec![bytes])),
        _ => new_null_array(data_type, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(values: &[&str], expected_min: (&str, bool), expected_max: Option<(&str, bool)>) {
        let array: ArrayRef = Arc::new(StringViewArray::from(values.to_vec()));
        let (min, max) = Bounds::of(&array).store(&DataType::Utf8View);
        assert_eq!((min.value.as_string_view().value(0), min.is_exact), expected_min);
        let max_value = (!max.value.is_null(0)).then(|| (max.value.as_string_view().value(0), max.is_exact));
        assert_eq!(max_value, expected_max);
    }

    #[test]
    fn a_long_text_is_cut_downwards_as_lower_and_upwards_as_upper_bound() {
        let long = "a".repeat(65);
        let below = "a".repeat(64);
        let above = format!("{}b", "a".repeat(63));
        check_text(&[&long], (&below, false), Some((&above, false)));
        check_text(&[&below], (&below, true), Some((&below, true)));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = format!("{}é{}", "a".repeat(63), "z".repeat(9));
        let below = "a".repeat(63);
        let above = format!("{}b", "a".repeat(62));
        check_text(&[&long], (&below, false), Some((&above, false)));
    }

    #[test]
    fn a_text_of_greatest_characters_has_no_upper_bound() {
        let greatest = "\u{10ffff}".repeat(17);
        check_text(&[&greatest], (&"\u{10ffff}".repeat(16), false), None);
        let after = format!("a{}", "\u{10ffff}".repeat(17));
        check_text(&[&after], (&format!("a{}", "\u{10ffff}".repeat(15)), false), Some(("b", false)));
        assert_eq!(next_text("\u{d7ff}"), Some("\u{e000}".to_owned()));
    }

    #[test]
    fn bytes_are_cut_too() {
        let long: Vec<u8> = vec![0xff; 70];
        let array: ArrayRef = Arc::new(BinaryViewArray::from(vec![long.as_slice()]));
        let (min, max) = Bounds::of(&array).store(&DataType::BinaryView);
        assert_eq!((min.value.as_binary_view().value(0), min.is_exact), (vec![0xff; 64].as_slice(), false));
        assert!(max.value.is_null(0));
        assert_eq!(next_bytes(&[1, 0xff, 0xff]), Some(vec![2]));
    }

    fn check_zero(values: &[f64], expected: [bool; 2]) {
        let array: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        let (min, max) = Bounds::of(&array).store(&DataType::Float64);
        let bits = |bound: &Bound| bound.value.as_primitive::<Float64Type>().value(0).to_bits();
        assert_eq!((bits(&min), bits(&max)), ((-0.0_f64).to_bits(), 0.0_f64.to_bits()), "{values:?}");
        assert_eq!([min.is_exact, max.is_exact], expected, "{values:?}");
    }

    #[test]
    fn zeros_bound_each_other_and_are_exact_only_where_they_are() {
        check_zero(&[0.0], [false, true]);
        check_zero(&[-0.0], [true, false]);
        check_zero(&[0.0, -0.0], [true, true]);
    }

    #[test]
    fn bounds_of_texts_are_those_of_their_bytes() {
        let texts =
            ["", "a", "a\0", "ab", "abc", "abcd", "abcde", "abcdefghijkl", "abcdefghijklm", "abcdefghijkmn", "z", "é"];
        for (low, least) in texts.iter().enumerate() {
            for greatest in &texts[low..] {
                let between = texts[low..].iter().filter(|text| *text <= greatest).rev();
                let values: Vec<Option<&str>> = [None].into_iter().chain(between.map(|text| Some(*text))).collect();
                let array: ArrayRef = Arc::new(StringViewArray::from(values));
                let expected = Span { min: least.as_bytes().to_vec(), max: greatest.as_bytes().to_vec() };
                assert_eq!(Bounds::of(&array), Bounds::Bytes(expected));
            }
        }
        assert_eq!(Bounds::of(&new_null_array(&DataType::Utf8View, 3)), Bounds::None);
    }

    #[test]
    fn the_greatest_numbers_of_a_type_survive() {
        let array: ArrayRef = Arc::new(arrow::array::UInt64Array::from(vec![u64::MAX, 0]));
        let (min, max) = Bounds::of(&array).store(&DataType::UInt64);
        assert_eq!(min.value.as_primitive::<UInt64Type>().value(0), 0);
        assert_eq!(max.value.as_primitive::<UInt64Type>().value(0), u64::MAX);
    }
}
