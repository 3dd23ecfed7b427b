//! What a measured quantity must reach.

use crate::quantity::{Quantity, Unit};

/// What a measured quantity must reach. Numbers are of the measured unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// At most so many times the floor or peer.
    TimesAtMost(f64),
    /// At most so many times the floor or peer, and this on top.
    TimesAndMore {
        /// How many times.
        times: f64,
        /// How much on top.
        more: f64,
    },
}

impl Bound {
    /// Whether it is reached. What is relative to a floor or peer is never reached without one.
    pub(crate) fn holds(self, measured: Quantity, against: Option<Quantity>) -> bool {
        let relative =
            |times: f64, more: f64| against.is_some_and(|against| measured.number() <= times * against.number() + more);
        match self {
            Self::AtMost(most) => measured.number() <= most,
            Self::AtLeast(least) => measured.number() >= least,
            Self::TimesAtMost(times) => relative(times, 0.0),
            Self::TimesAndMore { times, more } => relative(times, more),
        }
    }

    /// The bound, for people.
    pub(crate) fn describe(self, unit: Unit) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", unit.format(most)),
            Self::AtLeast(least) => format!("≥ {}", unit.format(least)),
            Self::TimesAtMost(times) => format!("≤ {times:.2} ×"),
            Self::TimesAndMore { times, more } => format!("≤ {times:.2} × + {}", unit.format(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(number: f64) -> Quantity {
        Quantity::new(number, Unit::Milliseconds)
    }

    #[test]
    fn a_bound_holds_up_to_and_at_its_number() {
        assert!(Bound::AtMost(5.0).holds(ms(5.0), None));
        assert!(!Bound::AtMost(5.0).holds(ms(5.1), None));
        assert!(Bound::AtLeast(5.0).holds(ms(5.0), None));
        assert!(!Bound::AtLeast(5.0).holds(ms(4.9), None));
    }

    #[test]
    fn a_relative_bound_is_judged_against_the_floor() {
        assert!(Bound::TimesAtMost(3.0).holds(ms(6.0), Some(ms(2.0))));
        assert!(!Bound::TimesAtMost(3.0).holds(ms(6.5), Some(ms(2.0))));
        assert!(Bound::TimesAndMore { times: 3.0, more: 1.0 }.holds(ms(6.5), Some(ms(2.0))));
        assert!(!Bound::TimesAtMost(3.0).holds(ms(0.0), None));
    }
}
