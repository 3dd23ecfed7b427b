//! Repeated measurements of one thing.

use std::time::Duration;

/// Repeated measurements of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds a measurement.
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Adds the measurements of another.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The least, or zero if there is none.
    pub(crate) fn minimum(&self) -> Duration {
        self.0.iter().copied().min().unwrap_or_default()
    }

    /// The one in the middle; of two, the greater.
    pub(crate) fn median(&self) -> Duration {
        self.at(0.5)
    }

    /// The one below which a share of the others lies, or zero if there is none.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() as f64 * share) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(millis: &[u64]) -> Samples {
        Samples(millis.iter().map(|number| Duration::from_millis(*number)).collect())
    }

    #[test]
    fn order_does_not_count() {
        assert_eq!(samples(&[9, 1, 5]).median(), Duration::from_millis(5));
        assert_eq!(samples(&[9, 1, 5]).minimum(), Duration::from_millis(1));
        assert_eq!(samples(&[9, 1, 5]).at(0.99), Duration::from_millis(9));
    }

    #[test]
    fn those_of_another_count_like_own_ones() {
        let mut all = samples(&[9, 5]);
        all.append(samples(&[1]));
        assert_eq!((all.count(), all.minimum()), (3, Duration::from_millis(1)));
    }

    #[test]
    fn of_nothing_everything_is_zero() {
        assert_eq!(samples(&[]).median(), Duration::ZERO);
        assert_eq!(samples(&[]).minimum(), Duration::ZERO);
    }
}
