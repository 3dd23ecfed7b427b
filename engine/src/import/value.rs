//! Scalars as text: what each type accepts when its column is known. What inference accepts is narrower, see
//! [`super::candidates`].

/// `true`, `false` and their usual short forms, in any case.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "t", "1", "yes", "y", "on"];
    const FALSE: [&str; 6] = ["false", "f", "0", "no", "n", "off"];
    if TRUE.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(true)
    } else if FALSE.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(false)
    } else {
        None
    }
}

/// A floating point number; `NaN` and `inf` in any case. A number too large for the type is refused, not infinite, and
/// one too small is refused, not zero.
pub(crate) fn parse_float64(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let is_lost = (value.is_infinite() && has_digit(text)) || (value == 0.0 && !is_zero(text));
    (!is_lost).then_some(value)
}

/// As [`parse_float64`].
pub(crate) fn parse_float32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    let is_lost = (value.is_infinite() && has_digit(text)) || (value == 0.0 && !is_zero(text));
    (!is_lost).then_some(value)
}

/// A decimal number as a count of its last place. A number with more places, other than zeros, is refused, not rounded.
pub(crate) fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent): (&str, i64) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    let places = i64::from(scale) + exponent - i64::try_from(fraction.len()).ok()?;
    let value = shift_decimal(value, places)?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    if value >= limit {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// Bytes as `\x` and two hexadecimal digits each. Anything else is refused: it might be digits without the prefix, or
/// the bytes themselves.
pub(crate) fn parse_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

/// Multiplies by ten so many times, or divides if that leaves no rest. Ends early at zero: huge exponents cost nothing.
fn shift_decimal(value: i128, places: i64) -> Option<i128> {
    let mut value = value;
    let mut left = places;
    while left != 0 && value != 0 {
        if left > 0 {
            value = value.checked_mul(10)?;
            left -= 1;
        } else {
            if value % 10 != 0 {
                return None;
            }
            value /= 10;
            left += 1;
        }
    }
    Some(value)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a number is zero, whatever its exponent.
fn is_zero(text: &str) -> bool {
    text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).all(|byte| !matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(parse_decimal("12.34", 10, 2), Some(1234));
        assert_eq!(parse_decimal("-12.3", 10, 2), Some(-1230));
        assert_eq!(parse_decimal("+.5", 10, 2), Some(50));
        assert_eq!(parse_decimal("7.", 10, 2), Some(700));
        assert_eq!(parse_decimal("12.3400000000000000000000000000000000000000000000", 10, 2), Some(1234));
        assert_eq!(parse_decimal("1.5e3", 10, 0), Some(1500));
        assert_eq!(parse_decimal("1500e-2", 10, 0), Some(15));
        assert_eq!(parse_decimal("0e999999999", 10, 2), Some(0));
        assert_eq!(parse_decimal("1.5e-1", 10, 2), Some(15));
        for text in ["12.345", "123456789", "", "-", ".", "1,5", "1e999999999", "1e", "1 000", "--1"] {
            assert_eq!(parse_decimal(text, 8, 2), None, "{text}");
        }
    }

    #[test]
    fn the_largest_decimal_fits() {
        let nines = "9".repeat(38);
        assert_eq!(parse_decimal(&nines, 38, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(parse_decimal(&format!("1{}", "0".repeat(38)), 38, 0), None);
    }

    #[test]
    fn a_number_too_large_is_not_infinite() {
        assert_eq!(parse_float64("1e999"), None);
        assert_eq!(parse_float32("1e39"), None);
        assert_eq!(parse_float64("-inf"), Some(f64::NEG_INFINITY));
        assert!(parse_float64("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn a_number_too_small_is_not_zero() {
        assert_eq!((parse_float64("1e-400"), parse_float64("-0.00001e-400")), (None, None));
        assert_eq!((parse_float64("0e-400"), parse_float64("5e-324")), (Some(0.0), Some(5e-324)));
        assert_eq!((parse_float32("1e-50"), parse_float32("0.000")), (None, Some(0.0)));
    }

    #[test]
    fn bytes_are_written_with_a_prefix() {
        assert_eq!(parse_bytes("\\x00fF"), Some(vec![0, 255]));
        assert_eq!(parse_bytes("\\x"), Some(Vec::new()));
        for text in ["00ff", "\\x0", "\\xzz", "", "\\xé"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_have_short_forms() {
        assert_eq!(parse_boolean("TRUE"), Some(true));
        assert_eq!(parse_boolean("off"), Some(false));
        assert_eq!(parse_boolean("maybe"), None);
    }
}
