//! From the value of an expression to an instant.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use datafusion::scalar::ScalarValue;
use frostline_catalog::Micros;
use thiserror::Error;

/// Why a value is no instant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InstantError {
    /// A text of another form.
    #[error("{text:?} is no timestamp; write it as `2026-01-31`, `2026-01-31 18:00:00` or `2026-01-31T18:00:00Z`")]
    Text {
        /// The text.
        text: String,
    },
    /// A local time that the clock showed twice, when it was set back.
    #[error("{text} happened twice in {zone}, when the clock was set back; add an offset, as in `{text}+00:00`")]
    Ambiguous {
        /// The time.
        text: String,
        /// The zone.
        zone: String,
    },
    /// A local time that the clock never showed, when it was set forward.
    #[error("{text} never happened in {zone}: the clock was set forward over it")]
    Skipped {
        /// The time.
        text: String,
        /// The zone.
        zone: String,
    },
    /// A value of another type.
    #[error("an AS OF TIMESTAMP takes a timestamp, a date or text, not {found}")]
    Type {
        /// The type.
        found: String,
    },
    /// A time too far away.
    #[error("the timestamp is out of range")]
    Range,
    /// No value.
    #[error("the timestamp of an AS OF must not be NULL")]
    Null,
}

/// A session's zone, in which times without one are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A zone of the IANA database.
    Named(Tz),
    /// An offset from UTC.
    Offset(FixedOffset),
}

impl Zone {
    /// The zone of this name or offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.parse::<Tz>() {
            Ok(zone) => Some(Self::Named(zone)),
            Err(_) => text.parse::<FixedOffset>().ok().map(Self::Offset),
        }
    }

    /// The zone as types of timestamps name it; `None` is UTC, which needs no name.
    pub(crate) fn label(self) -> Option<Arc<str>> {
        let name = match self {
            Self::Named(zone) => zone.name().to_owned(),
            Self::Offset(zone) => zone.to_string(),
        };
        (name != "UTC" && name != "+00:00").then(|| name.into())
    }

    fn instant(self, local: NaiveDateTime) -> Result<Micros, InstantError> {
        let (found, zone) = match self {
            Self::Named(zone) => {
                (zone.from_local_datetime(&local).map(|time| time.timestamp_micros()), zone.to_string())
            }
            Self::Offset(zone) => {
                (zone.from_local_datetime(&local).map(|time| time.timestamp_micros()), zone.to_string())
            }
        };
        let text = local.to_string();
        match found {
            LocalResult::Single(micros) => Ok(Micros::new(micros)),
            LocalResult::Ambiguous(..) => Err(InstantError::Ambiguous { text, zone }),
            LocalResult::None => Err(InstantError::Skipped { text, zone }),
        }
    }
}

/// The instant that a value stands for. A timestamp without a zone, a date and a text without one are read in `zone`.
pub(crate) fn instant(value: &ScalarValue, zone: Zone) -> Result<Micros, InstantError> {
    use ScalarValue as V;
    let timestamp = |micros: Option<i64>, in_utc: bool| {
        let micros = micros.ok_or(InstantError::Null)?;
        if in_utc {
            return Ok(Micros::new(micros));
        }
        let local = DateTime::from_timestamp_micros(micros).ok_or(InstantError::Range)?;
        zone.instant(local.naive_utc())
    };
    match value {
        V::Null => Err(InstantError::Null),
        V::TimestampSecond(at, tz) => timestamp(at.map(|at| at.saturating_mul(1_000_000)), tz.is_some()),
        V::TimestampMillisecond(at, tz) => timestamp(at.map(|at| at.saturating_mul(1_000)), tz.is_some()),
        V::TimestampMicrosecond(at, tz) => timestamp(*at, tz.is_some()),
        V::TimestampNanosecond(at, tz) => timestamp(at.map(|at| at.div_euclid(1_000)), tz.is_some()),
        V::Date32(days) => {
            let days = days.ok_or(InstantError::Null)?;
            let date = NaiveDate::from_epoch_days(days).ok_or(InstantError::Range)?;
            zone.instant(date.and_time(NaiveTime::MIN))
        }
        V::Utf8(text) | V::Utf8View(text) | V::LargeUtf8(text) => {
            parse_instant(text.as_deref().ok_or(InstantError::Null)?, zone)
        }
        other => Err(InstantError::Type { found: other.data_type().to_string() }),
    }
}

/// The instant that a text stands for: a date, or a date and time, with or without offset.
pub(crate) fn parse_instant(text: &str, zone: Zone) -> Result<Micros, InstantError> {
    let trimmed = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(trimmed) {
        return Ok(Micros::new(time.timestamp_micros()));
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z", "%Y-%m-%dT%H:%M%#z"] {
        if let Ok(time) = DateTime::parse_from_str(trimmed, format) {
            return Ok(Micros::new(time.timestamp_micros()));
        }
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(trimmed, format) {
            return zone.instant(local);
        }
    }
    match NaiveDate::parse_from_str(trimmed, "%Y-%m-%d") {
        Ok(date) => zone.instant(date.and_time(NaiveTime::MIN)),
        Err(_) => Err(InstantError::Text { text: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc() -> Zone {
        Zone::parse("UTC").unwrap()
    }

    fn new_york() -> Zone {
        Zone::parse("America/New_York").unwrap()
    }

    fn check(text: &str, zone: Zone, expected: &str) {
        assert_eq!(parse_instant(text, zone).unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn times_without_a_zone_are_read_in_the_sessions() {
        check("2013-07-10 18:00:00", utc(), "2013-07-10T18:00:00Z");
        check("2013-07-10 18:00", new_york(), "2013-07-10T22:00:00Z");
        check("2013-07-10", new_york(), "2013-07-10T04:00:00Z");
        check("2013-07-10", Zone::parse("+02:00").unwrap(), "2013-07-09T22:00:00Z");
    }

    #[test]
    fn types_name_every_zone_but_utc() {
        let label = |text: &str| Zone::parse(text).unwrap().label();
        assert_eq!(label("UTC"), None);
        assert_eq!(label("+00:00"), None);
        assert_eq!(label("-03:30").as_deref(), Some("-03:30"));
        assert_eq!(label("America/New_York").as_deref(), Some("America/New_York"));
    }

    #[test]
    fn a_zone_in_the_text_wins() {
        check("2013-07-10T18:00:00Z", new_york(), "2013-07-10T18:00:00Z");
        check("2013-07-10 18:00:00.25+02:00", new_york(), "2013-07-10T16:00:00.250Z");
        check("2013-07-10 18:00:00+00", new_york(), "2013-07-10T18:00:00Z");
    }

    #[test]
    fn an_ambiguous_or_skipped_local_time_is_an_error() {
        let twice = parse_instant("2013-11-03 01:30:00", new_york()).unwrap_err();
        assert!(matches!(twice, InstantError::Ambiguous { .. }));
        let never = parse_instant("2013-03-10 02:30:00", new_york()).unwrap_err();
        assert!(matches!(never, InstantError::Skipped { .. }));
    }

    #[test]
    fn values_of_other_types_are_refused() {
        assert!(instant(&ScalarValue::Boolean(Some(true)), utc()).is_err());
        assert_eq!(instant(&ScalarValue::Utf8(None), utc()), Err(InstantError::Null));
        assert!(parse_instant("yesterday", utc()).is_err());
    }
}
