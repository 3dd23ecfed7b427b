//! How long a fact of the catalog holds.

use crate::id::Version;

/// The versions at which a fact holds: from `begin` up to, not including, `end`.
///
/// * `begin < end`.
/// * An open interval (`end` is `None`) holds at the newest version.
/// * Closing an interval is the only change that ever happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    begin: Version,
    end: Option<Version>,
}

impl Interval {
    /// An open interval.
    pub const fn from(begin: Version) -> Self {
        Self { begin, end: None }
    }

    /// A closed interval; `None` unless `begin < end`.
    pub fn try_new(begin: Version, end: Option<Version>) -> Option<Self> {
        match end {
            Some(end) if end <= begin => None,
            _ => Some(Self { begin, end }),
        }
    }

    /// The first version at which the fact holds.
    pub const fn begin(&self) -> Version {
        self.begin
    }

    /// The first version at which it no longer holds.
    pub const fn end(&self) -> Option<Version> {
        self.end
    }

    /// Whether the fact holds at `version`.
    pub fn contains(&self, version: Version) -> bool {
        self.begin <= version && self.end.is_none_or(|end| version < end)
    }

    /// Whether it began or was closed after a version; 0 stands for before the first.
    pub(crate) fn changed_after(&self, after: u64) -> bool {
        self.begin.number() > after || self.end.is_some_and(|end| end.number() > after)
    }

    /// The same interval, closed at `end`; `None` if it is closed already or `end` is not after its begin.
    pub fn closed(&self, end: Version) -> Option<Self> {
        if self.end.is_some() { None } else { Self::try_new(self.begin, Some(end)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    #[test]
    fn a_closed_interval_holds_from_its_begin_up_to_not_including_its_end() {
        let interval = Interval::from(version(3)).closed(version(5)).unwrap();
        let holds: Vec<u64> = (1..=6).filter(|n| interval.contains(version(*n))).collect();
        assert_eq!(holds, [3, 4]);
    }

    #[test]
    fn an_interval_closes_once_and_after_its_begin() {
        let open = Interval::from(version(3));
        assert_eq!(open.closed(version(3)), None);
        assert_eq!(open.closed(version(4)).unwrap().closed(version(9)), None);
    }
}
