//! Dates and times as text.
//!
//! ```text
//! date       2024-02-29
//! time       23:59   23:59:59   23:59:59.999999999
//! timestamp  date, or date and time with `T` or a blank between
//! zone       Z   UTC   +02   +0200   +02:00       after a timestamp, with or without a blank before it
//! ```
//!
//! Years have four digits, all fields but fractions two. There is no leap second and no 24:00. Anything else is not a
//! date or time here, so that a month is never taken for a day.

use arrow::datatypes::TimeUnit;

const SECONDS_PER_DAY: i64 = 86_400;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// A point on a calendar and a clock, and how far that clock is ahead of UTC, if the text says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds from 1970-01-01 00:00:00 on the same clock.
    local_seconds: i64,
    nanoseconds: u32,
    offset_seconds: Option<i64>,
}

impl Moment {
    /// Whether the text says how the clock relates to UTC.
    pub(crate) fn has_zone(self) -> bool {
        self.offset_seconds.is_some()
    }

    /// The moment as a count of units since 1970 in UTC, or on its own clock if it has no zone. `None` if the unit is
    /// too coarse to tell it exactly, or too fine to reach it.
    pub(crate) fn in_unit(self, unit: TimeUnit) -> Option<i64> {
        let seconds = self.local_seconds - self.offset_seconds.unwrap_or(0);
        let per_second = units_per_second(unit);
        let fraction = exact_fraction(i64::from(self.nanoseconds), per_second)?;
        // Before 1970, seconds * units may lie just outside the range although the sum lies inside.
        let count = i128::from(seconds) * i128::from(per_second) + i128::from(fraction);
        i64::try_from(count).ok()
    }
}

/// Days since 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let (days, rest) = take_date(text.as_bytes())?;
    if rest.is_empty() { i32::try_from(days).ok() } else { None }
}

/// The time of day, as a count of units since midnight.
pub(crate) fn parse_time(text: &str, unit: TimeUnit) -> Option<i64> {
    let (seconds, nanoseconds, rest) = take_time(text.as_bytes())?;
    if !rest.is_empty() {
        return None;
    }
    let per_second = units_per_second(unit);
    Some(seconds * per_second + exact_fraction(i64::from(nanoseconds), per_second)?)
}

/// A date, or a date with a time, or a date with a time and a zone.
pub(crate) fn parse_moment(text: &str) -> Option<Moment> {
    let (days, rest) = take_date(text.as_bytes())?;
    let midnight = days * SECONDS_PER_DAY;
    let Some((separator, rest)) = rest.split_first() else {
        return Some(Moment { local_seconds: midnight, nanoseconds: 0, offset_seconds: None });
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (seconds, nanoseconds, rest) = take_time(rest)?;
    let offset_seconds = if rest.is_empty() { None } else { Some(parse_zone(rest)?) };
    Some(Moment { local_seconds: midnight + seconds, nanoseconds, offset_seconds })
}

/// A timestamp, as a count of units since 1970.
///
/// * With `zoned`, a text without zone is in UTC.
/// * Without, a text with a zone is refused: leaving the zone out would change what the text says.
pub(crate) fn parse_timestamp(text: &str, unit: TimeUnit, zoned: bool) -> Option<i64> {
    let moment = parse_moment(text)?;
    if moment.has_zone() && !zoned {
        return None;
    }
    moment.in_unit(unit)
}

fn units_per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOSECONDS_PER_SECOND,
    }
}

fn exact_fraction(nanoseconds: i64, per_second: i64) -> Option<i64> {
    let per_unit = NANOSECONDS_PER_SECOND / per_second;
    if nanoseconds % per_unit == 0 { Some(nanoseconds / per_unit) } else { None }
}

fn take_date(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (year, rest) = take_digits(bytes, 4)?;
    let (month, rest) = take_digits(take_byte(rest, b'-')?, 2)?;
    let (day, rest) = take_digits(take_byte(rest, b'-')?, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some((days_since_epoch(year, month, day), rest))
}

/// Seconds since midnight, and nanoseconds.
fn take_time(bytes: &[u8]) -> Option<(i64, u32, &[u8])> {
    let (hour, rest) = take_digits(bytes, 2)?;
    let (minute, rest) = take_digits(take_byte(rest, b':')?, 2)?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let Some(after_colon) = take_byte(rest, b':') else {
        return Some((hour * 3600 + minute * 60, 0, rest));
    };
    let (second, rest) = take_digits(after_colon, 2)?;
    if second > 59 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second;
    let Some(after_point) = take_byte(rest, b'.') else {
        return Some((seconds, 0, rest));
    };
    let digits = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let (fraction, rest) = take_digits(after_point, digits)?;
    let mut nanoseconds = fraction;
    for _ in digits..9 {
        nanoseconds *= 10;
    }
    Some((seconds, u32::try_from(nanoseconds).ok()?, rest))
}

/// How many seconds a zone is ahead of UTC.
fn parse_zone(bytes: &[u8]) -> Option<i64> {
    let zone = take_byte(bytes, b' ').unwrap_or(bytes);
    if zone.eq_ignore_ascii_case(b"z") || zone.eq_ignore_ascii_case(b"utc") {
        return Some(0);
    }
    let (sign, rest) = zone.split_first()?;
    let sign: i64 = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = take_digits(rest, 2)?;
    let minutes = if rest.is_empty() {
        0
    } else {
        let (minutes, rest) = take_digits(take_byte(rest, b':').unwrap_or(rest), 2)?;
        if !rest.is_empty() {
            return None;
        }
        minutes
    };
    if hours > 18 || minutes > 59 {
        return None;
    }
    Some(sign * (hours * 3600 + minutes * 60))
}

/// The number that the first `count` bytes spell, and what follows them.
fn take_digits(bytes: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = bytes.split_at_checked(count)?;
    let mut number: i64 = 0;
    for byte in head {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(*byte - b'0');
    }
    Some((number, rest))
}

fn take_byte(bytes: &[u8], expected: u8) -> Option<&[u8]> {
    match bytes.split_first() {
        Some((first, rest)) if *first == expected => Some(rest),
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap day
/// is its last; see Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (march_year, march_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_days_from_1970() {
        assert_eq!(parse_date("1970-01-01"), Some(0));
        assert_eq!(parse_date("1969-12-31"), Some(-1));
        assert_eq!(parse_date("2000-02-29"), Some(11_016));
        assert_eq!(parse_date("2024-03-01"), Some(19_783));
        assert_eq!(parse_date("0001-01-01"), Some(-719_162));
        assert_eq!(parse_date("9999-12-31"), Some(2_932_896));
    }

    #[test]
    fn what_is_no_day_is_no_date() {
        for text in ["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "2024-1-01", "20240101", ""]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn days_follow_one_another_for_400_years() {
        let mut expected = days_since_epoch(1800, 1, 1);
        for year in 1800..2200 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_since_epoch(year, month, day), expected, "{year}-{month}-{day}");
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn times_may_leave_out_seconds_and_fractions() {
        assert_eq!(parse_time("00:01", TimeUnit::Microsecond), Some(60_000_000));
        assert_eq!(parse_time("23:59:59.5", TimeUnit::Microsecond), Some(86_399_500_000));
        assert_eq!(parse_time("00:00:00.000000001", TimeUnit::Nanosecond), Some(1));
        assert_eq!(parse_time("00:00:00.000000001", TimeUnit::Microsecond), None);
        for text in ["24:00", "12", "12:60", "12:00:60", "12:00:00.", "1:00", "12:00 pm"] {
            assert_eq!(parse_time(text, TimeUnit::Nanosecond), None, "{text}");
        }
    }

    #[test]
    fn timestamps_with_a_zone_are_instants() {
        let seconds = |text: &str| parse_timestamp(text, TimeUnit::Second, true);
        assert_eq!(seconds("1970-01-01T00:00:10Z"), Some(10));
        assert_eq!(seconds("1970-01-01 02:00:10+02"), Some(10));
        assert_eq!(seconds("1970-01-01 02:00:10 +0200"), Some(10));
        assert_eq!(seconds("1969-12-31 23:00:10-01:00"), Some(10));
        assert_eq!(seconds("1970-01-01 00:00:10 UTC"), Some(10));
        assert_eq!(seconds("1970-01-01 00:00:10"), Some(10));
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("1970-01-01 00:00:10 CET"), None);
    }

    #[test]
    fn a_zone_is_never_dropped() {
        assert_eq!(parse_timestamp("1970-01-01T00:00:10Z", TimeUnit::Second, false), None);
        assert_eq!(parse_timestamp("1970-01-01T00:00:10", TimeUnit::Second, false), Some(10));
    }

    #[test]
    fn a_fraction_is_never_cut() {
        let text = "1969-12-31 23:59:59.123456";
        assert_eq!(parse_timestamp(text, TimeUnit::Microsecond, false), Some(-876_544));
        assert_eq!(parse_timestamp(text, TimeUnit::Millisecond, false), None);
        assert_eq!(parse_timestamp("9999-01-01 00:00:00", TimeUnit::Nanosecond, false), None);
    }
}
