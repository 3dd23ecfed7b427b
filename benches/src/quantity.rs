//! Numbers with a unit.

use std::fmt;
use std::time::Duration;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    CommitsPerSecond,
    Bytes,
    Mebibytes,
    Files,
    /// Things that are named in the claim.
    Count,
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity {
    number: f64,
    unit: Unit,
}

impl Unit {
    /// A number of this unit, for people.
    pub(crate) fn format(self, number: f64) -> String {
        match self {
            Self::Milliseconds => format!("{number:.2} ms"),
            Self::Seconds => format!("{number:.2} s"),
            Self::CommitsPerSecond => format!("{number:.0} commits/s"),
            Self::Bytes => format!("{number:.0} B"),
            Self::Mebibytes => format!("{number:.0} MiB"),
            Self::Files => format!("{number:.3} files"),
            Self::Count => format!("{number:.0}"),
        }
    }
}

impl Quantity {
    /// So many of a unit.
    pub(crate) fn new(number: f64, unit: Unit) -> Self {
        Self { number, unit }
    }

    /// A time in milliseconds.
    pub(crate) fn ms(time: Duration) -> Self {
        Self::new(time.as_secs_f64() * 1000.0, Unit::Milliseconds)
    }

    /// A time in seconds.
    pub(crate) fn seconds(time: Duration) -> Self {
        Self::new(time.as_secs_f64(), Unit::Seconds)
    }

    /// The number alone.
    pub(crate) fn number(self) -> f64 {
        self.number
    }

    /// The unit alone.
    pub(crate) fn unit(self) -> Unit {
        self.unit
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit.format(self.number))
    }
}
