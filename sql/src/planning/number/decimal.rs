//! The decimal that a text spells.

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};
use datafusion::scalar::ScalarValue;

/// The most digits that a decimal has.
const DIGITS_MAX: usize = DECIMAL128_MAX_PRECISION as usize;

/// How many digits a decimal type has before and behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    before: usize,
    behind: usize,
}

impl Digits {
    /// The digits of a decimal type; `None` for any other type.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        let (precision, scale) = match data_type {
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => (usize::from(*precision), *scale),
            _ => return None,
        };
        let behind = usize::try_from(scale).unwrap_or(0);
        Some(Self { before: precision.saturating_sub(behind), behind })
    }

    /// Whether a decimal type holds the values of both.
    pub(super) fn fits(self, other: Self) -> bool {
        self.before.max(other.before) + self.behind.max(other.behind) <= DIGITS_MAX
    }
}

/// The decimal that digits with or without a sign, a point and an exponent spell; `None` if it has too many digits.
pub(super) fn decimal(text: &str) -> Option<ScalarValue> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1_i128, unsigned),
        None => (1, text),
    };
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let written: String = format!("{whole}{fraction}");
    let mut digits: String = written.trim_start_matches('0').to_owned();
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let missing = usize::try_from(scale.checked_neg()?.max(0)).ok()?;
    if missing > DIGITS_MAX {
        return None;
    }
    if !digits.is_empty() {
        digits.extend(std::iter::repeat_n('0', missing));
    }
    let scale = usize::try_from(scale.max(0)).ok()?;
    let precision = digits.len().max(scale).max(1);
    if precision > DIGITS_MAX {
        return None;
    }
    let value: i128 = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
    Some(ScalarValue::Decimal128(Some(sign * value), u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(i128, u8, i8)>) {
        let expected = expected.map(|(value, precision, scale)| ScalarValue::Decimal128(Some(value), precision, scale));
        assert_eq!(decimal(text), expected, "{text}");
    }

    #[test]
    fn digits_are_those_that_are_written() {
        check("1.5", Some((15, 2, 1)));
        check("1.50", Some((150, 3, 2)));
        check("-0.01", Some((-1, 2, 2)));
        check("0.0", Some((0, 1, 1)));
        check(".5", Some((5, 1, 1)));
        check("12.", Some((12, 2, 0)));
        check("123456789012345678901234567890.5", Some((1_234_567_890_123_456_789_012_345_678_905, 31, 1)));
    }

    #[test]
    fn an_exponent_moves_the_point() {
        check("1.5e2", Some((150, 3, 0)));
        check("1.5E-2", Some((15, 3, 3)));
        check("1e0", Some((1, 1, 0)));
        check("0e300", None);
        check("0e30", Some((0, 1, 0)));
    }

    #[test]
    fn what_has_too_many_digits_is_no_decimal() {
        check("1e38", None);
        check("1e37", Some((10_i128.pow(37), 38, 0)));
        check("1e-39", None);
        check("1e400", None);
        check("0.00000000000000000000000000000000000001", Some((1, 38, 38)));
        check("nan", None);
        check("inf", None);
    }

    #[test]
    fn two_decimals_fit_if_one_type_holds_both() {
        let digits = |precision, scale| Digits::of(&DataType::Decimal128(precision, scale)).unwrap();
        assert!(digits(20, 2).fits(digits(38, 20)));
        assert!(!digits(20, 2).fits(digits(38, 21)));
        assert_eq!(Digits::of(&DataType::Float64), None);
    }
}
