//! Which types a column of text may have.
//!
//! A column begins with every type and loses those that one of its values does not fit; what is left at the end is the
//! answer, the narrowest type first. So the order of rows and files makes no difference, and merging is intersection.
//!
//! Values fit only where nothing of them would be lost:
//! * `00501`, `+49301234` and `1_000` are text, not numbers;
//! * an integer too long for bigint makes a decimal(38, 0) if all values are integers of at most 38 digits, else text;
//! * an integer that no double represents makes a column with fractions text, and so does a fraction that is so large
//!   that its whole part would change;
//! * a fraction too small for a double is text: it would become zero;
//! * dates are `YYYY-MM-DD` and nothing else, so that no month is taken for a day;
//! * timestamps with and without zone in one column make it text;
//! * booleans are `true` and `false`; `0`, `1` and `yes` are not;
//! * a column without any value is text.
//!
//! Rows behind those that were looked at are held to the same, see [`is_as_inferred`].

use arrow::datatypes::{DataType, TimeUnit};

use super::instant::{Moment, parse_date, parse_moment, parse_time};
use super::value::{parse_decimal, parse_float64};

const BOOLEAN: u16 = 1;
const BIGINT: u16 = 1 << 1;
const DECIMAL: u16 = 1 << 2;
const DOUBLE: u16 = 1 << 3;
const DATE: u16 = 1 << 4;
const TIMESTAMP: u16 = 1 << 5;
const TIMESTAMP_NANOS: u16 = 1 << 6;
const INSTANT: u16 = 1 << 7;
const INSTANT_NANOS: u16 = 1 << 8;
const TIME: u16 = 1 << 9;
const TIME_NANOS: u16 = 1 << 10;
const ALL: u16 = (1 << 11) - 1;

/// Beyond this, not every integer has a double.
const LAST_EXACT_DOUBLE: u64 = 1 << 53;
const LAST_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The types that hold all values seen so far, besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidates {
    fitting: u16,
    seen: bool,
}

impl Candidates {
    /// No value seen: any type will do.
    pub(crate) fn all() -> Self {
        Self { fitting: ALL, seen: false }
    }

    /// Takes one value into account, which is not NULL.
    pub(crate) fn observe(&mut self, text: &str) {
        self.seen = true;
        if self.fitting != 0 {
            self.fitting &= fitting_types(text.trim_matches(' '));
        }
    }

    /// Takes a value into account that is text, whatever it looks like.
    pub(crate) fn observe_text(&mut self) {
        self.seen = true;
        self.fitting = 0;
    }

    /// What holds the values of both.
    pub(crate) fn merge(self, other: Self) -> Self {
        Self { fitting: self.fitting & other.fitting, seen: self.seen || other.seen }
    }

    /// Whether no value has been seen.
    pub(crate) fn is_unseen(self) -> bool {
        !self.seen
    }

    /// The narrowest type left.
    pub(crate) fn data_type(self) -> DataType {
        if !self.seen {
            return DataType::Utf8View;
        }
        let has = |candidate: u16| self.fitting & candidate != 0;
        if has(BOOLEAN) {
            DataType::Boolean
        } else if has(BIGINT) {
            DataType::Int64
        } else if has(DECIMAL) {
            DataType::Decimal128(38, 0)
        } else if has(DOUBLE) {
            DataType::Float64
        } else if has(DATE) {
            DataType::Date32
        } else if has(TIMESTAMP) {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        } else if has(TIMESTAMP_NANOS) {
            DataType::Timestamp(TimeUnit::Nanosecond, None)
        } else if has(INSTANT) {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        } else if has(INSTANT_NANOS) {
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
        } else if has(TIME) {
            DataType::Time64(TimeUnit::Microsecond)
        } else if has(TIME_NANOS) {
            DataType::Time64(TimeUnit::Nanosecond)
        } else {
            DataType::Utf8View
        }
    }
}

/// Whether a value is a number, a boolean, a date or a time: something that rarely names a column.
pub(crate) fn is_typed_value(text: &str) -> bool {
    fitting_types(text.trim_matches(' ')) != 0
}

/// Whether a value, without blanks around it, is spelled as inference would have it for this type.
///
/// * It says nothing of values that are none of the type: reading them fails anyway.
/// * A type that inference never finds in text was declared by another file; then the spelling is free.
pub(crate) fn is_as_inferred(text: &str, data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean => is_boolean(text),
        DataType::Int64 | DataType::Decimal128(38, 0) => text != "-0" && is_digits(unsigned(text)) && !is_padded(text),
        DataType::Float64 => is_short_number(text) || is_double(text),
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, Some(_)) => {
            parse_moment(text).is_some_and(Moment::has_zone)
        }
        _ => true,
    }
}

fn fitting_types(text: &str) -> u16 {
    let Some(first) = text.as_bytes().first() else {
        return 0;
    };
    match first {
        b'0'..=b'9' => number_types(text) | calendar_types(text),
        b'-' | b'.' => number_types(text),
        b't' | b'T' | b'f' | b'F' if is_boolean(text) => BOOLEAN,
        b'n' | b'N' | b'i' | b'I' if is_double(text) => DOUBLE,
        _ => 0,
    }
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

fn number_types(text: &str) -> u16 {
    if is_padded(text) {
        return 0;
    }
    if is_digits(unsigned(text)) {
        return integer_types(text);
    }
    if is_double(text) { DOUBLE } else { 0 }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix('-').unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number begins with a zero that does not count, as codes do.
fn is_padded(text: &str) -> bool {
    let digits = unsigned(text);
    digits.strip_prefix('0').is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['.', 'e', 'E']))
}

/// Whether a number has too few digits to lose any as a double. Saves most fractions from being parsed twice.
fn is_short_number(text: &str) -> bool {
    let digits = unsigned(text);
    digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !is_padded(text)
}

/// Whether a number, or its word, is a double whose whole part is the text's.
fn is_double(text: &str) -> bool {
    if text.starts_with('+') || is_padded(text) {
        return false;
    }
    let digits = unsigned(text);
    if is_digits(digits) {
        return is_exact_double(digits);
    }
    match parse_float64(text) {
        None => false,
        Some(value) if value.abs() < LAST_EXACT_FLOAT || !value.is_finite() || text.contains(['e', 'E']) => true,
        // What looks like a fraction may be a whole number that a double holds.
        Some(value) => parse_decimal(text, 38, 0).is_some_and(|whole| whole == value as i128),
    }
}

fn is_exact_double(digits: &str) -> bool {
    digits.parse::<u64>().is_ok_and(|value| value <= LAST_EXACT_DOUBLE)
}

fn integer_types(text: &str) -> u16 {
    let mut types = 0;
    // `-0` is a double only: an integer would lose its sign.
    if text != "-0" {
        if text.parse::<i64>().is_ok() {
            types |= BIGINT;
        }
        if parse_decimal(text, 38, 0).is_some() {
            types |= DECIMAL;
        }
    }
    if is_exact_double(unsigned(text)) {
        types |= DOUBLE;
    }
    types
}

fn calendar_types(text: &str) -> u16 {
    if parse_date(text).is_some() {
        return DATE | TIMESTAMP | TIMESTAMP_NANOS;
    }
    if let Some(moment) = parse_moment(text) {
        let mut types = 0;
        let (micros, nanos) = if moment.has_zone() { (INSTANT, INSTANT_NANOS) } else { (TIMESTAMP, TIMESTAMP_NANOS) };
        if moment.in_unit(TimeUnit::Microsecond).is_some() {
            types |= micros;
        }
        if moment.in_unit(TimeUnit::Nanosecond).is_some() {
            types |= nanos;
        }
        return types;
    }
    let mut types = 0;
    if parse_time(text, TimeUnit::Microsecond).is_some() {
        types |= TIME;
    }
    if parse_time(text, TimeUnit::Nanosecond).is_some() {
        types |= TIME_NANOS;
    }
    types
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn infer(values: &[&str]) -> DataType {
        let mut candidates = Candidates::all();
        for value in values {
            candidates.observe(value);
        }
        candidates.data_type()
    }

    fn check(values: &[&str], expected: DataType) {
        assert_eq!(infer(values), expected, "{values:?}");
    }

    #[test]
    fn zip_codes_and_phone_numbers_stay_text() {
        check(&["10115", "00501"], DataType::Utf8View);
        check(&["+49301234"], DataType::Utf8View);
        check(&["007.5"], DataType::Utf8View);
        check(&["1_000"], DataType::Utf8View);
        check(&["0", "-5", "10"], DataType::Int64);
    }

    #[test]
    fn integers_too_long_for_bigint_keep_every_digit() {
        check(&["9223372036854775807"], DataType::Int64);
        check(&["9223372036854775808", "1"], DataType::Decimal128(38, 0));
        check(&["1".repeat(39).as_str()], DataType::Utf8View);
        check(&["9223372036854775808", "1.5"], DataType::Utf8View);
        check(&["9007199254740993", "1.5"], DataType::Utf8View);
        check(&["9007199254740992", "1.5"], DataType::Float64);
    }

    #[test]
    fn integers_and_fractions_are_doubles() {
        check(&["1", "2.5"], DataType::Float64);
        check(&[".5", "-.5", "1e3", "0.1"], DataType::Float64);
        check(&["1", "-0"], DataType::Float64);
        check(&["1", "NaN"], DataType::Float64);
        check(&["1e999"], DataType::Utf8View);
        check(&["1,5"], DataType::Utf8View);
    }

    #[test]
    fn a_fraction_that_would_lose_its_whole_part_or_all_of_itself_is_text() {
        check(&["9007199254740993.25"], DataType::Utf8View);
        check(&["-9007199254740993.0"], DataType::Utf8View);
        check(&["9999999999999998.0", "0.1"], DataType::Float64);
        check(&["1e-400"], DataType::Utf8View);
        check(&["0e-400", "0E5", "0.0", "5e-324", "1.5e300"], DataType::Float64);
    }

    #[test]
    fn a_value_is_as_inferred_if_inference_would_have_kept_the_type() {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let decimal = DataType::Decimal128(38, 0);
        for (data_type, kept, lost) in [
            (DataType::Boolean, "FALSE", vec!["1", "yes", "t"]),
            (DataType::Int64, "-501", vec!["00501", "+49301234", "-0", "-007"]),
            (decimal, "9223372036854775808", vec!["007", "+1", "1.0", "1e3"]),
            (DataType::Float64, ".5", vec!["00.5", "+1.5", "9007199254740993", "9007199254740993.25", "1e-400"]),
            (instant, "2024-01-01T10:00:00Z", vec!["2024-01-01T10:00:00", "2024-01-01"]),
        ] {
            assert!(is_as_inferred(kept, &data_type), "{kept} {data_type}");
            assert_eq!(infer(&[kept]), data_type);
            for text in lost {
                assert!(!is_as_inferred(text, &data_type), "{text} {data_type}");
                assert_ne!(infer(&[kept, text]), data_type, "{text}");
            }
        }
        assert!(is_as_inferred("007", &DataType::Int32) && is_as_inferred("007", &DataType::Utf8View));
    }

    #[test]
    fn dates_are_iso_only() {
        check(&["2024-02-29", "1999-01-01"], DataType::Date32);
        check(&["2023-02-29"], DataType::Utf8View);
        check(&["01/02/2024"], DataType::Utf8View);
        check(&["20240101"], DataType::Int64);
    }

    #[test]
    fn timestamps_are_with_or_without_zone() {
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        check(&["2024-01-01T10:00:00", "2024-01-01 10:00:00.123456"], timestamp.clone());
        check(&["2024-01-01", "2024-01-01 10:00"], timestamp);
        check(&["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00"], instant);
        check(&["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], DataType::Utf8View);
        check(&["2024-01-01T10:00:00Z", "2024-01-01"], DataType::Utf8View);
        check(&["2024-01-01 10:00:00.123456789"], DataType::Timestamp(TimeUnit::Nanosecond, None));
        check(&["10:00", "23:59:59.5"], DataType::Time64(TimeUnit::Microsecond));
    }

    #[test]
    fn booleans_are_words() {
        check(&["true", "FALSE"], DataType::Boolean);
        check(&["true", "1"], DataType::Utf8View);
        check(&["0", "1"], DataType::Int64);
        check(&["yes"], DataType::Utf8View);
    }

    #[test]
    fn a_column_without_values_is_text() {
        check(&[], DataType::Utf8View);
    }

    proptest! {
        #[test]
        fn the_order_of_values_makes_no_difference(
            values in proptest::collection::vec("-?[0-9]{1,3}(\\.[0-9])?|true|2024-01-0[1-9]|x", 0..8),
            split in 0_usize..8,
        ) {
            let forwards: Vec<&str> = values.iter().map(String::as_str).collect();
            let backwards: Vec<&str> = forwards.iter().rev().copied().collect();
            prop_assert_eq!(infer(&forwards), infer(&backwards));

            let split = split.min(forwards.len());
            let mut head = Candidates::all();
            let mut tail = Candidates::all();
            for value in &forwards[..split] {
                head.observe(value);
            }
            for value in &forwards[split..] {
                tail.observe(value);
            }
            prop_assert_eq!(head.merge(tail).data_type(), infer(&forwards));
            prop_assert_eq!(tail.merge(head), head.merge(tail));
        }
    }
}
