//! Facts of one kind, by key, over all versions.

use imbl::OrdMap;

use crate::id::Version;
use crate::interval::Interval;

/// A value that holds for some versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact<T> {
    /// When it holds.
    pub interval: Interval,
    /// What holds.
    pub value: T,
}

/// The facts of one kind.
///
/// * The facts of one key follow one another in time and never overlap.
/// * At most the last of them is open.
/// * Cloning shares everything.
#[derive(Clone, Debug)]
pub struct History<K: Ord, T> {
    facts: OrdMap<K, Vec<Fact<T>>>,
}

impl<K: Ord, T> Default for History<K, T> {
    fn default() -> Self {
        Self { facts: OrdMap::new() }
    }
}

impl<K: Ord + Clone, T: Clone> History<K, T> {
    /// What holds for a key at a version.
    pub fn at(&self, key: &K, version: Version) -> Option<&T> {
        self.fact_at(key, version).map(|fact| &fact.value)
    }

    /// The fact that holds for a key at a version.
    pub fn fact_at(&self, key: &K, version: Version) -> Option<&Fact<T>> {
        let facts = self.facts.get(key)?;
        let after = facts.partition_point(|fact| fact.interval.begin() <= version);
        facts.get(after.checked_sub(1)?).filter(|fact| fact.interval.contains(version))
    }

    /// All facts of a key, oldest first.
    pub fn of(&self, key: &K) -> &[Fact<T>] {
        self.facts.get(key).map_or(&[], Vec::as_slice)
    }

    /// Everything that holds at a version, by key.
    pub fn all_at(&self, version: Version) -> impl Iterator<Item = (&K, &T)> {
        self.facts.keys().filter_map(move |key| Some((key, self.at(key, version)?)))
    }

    /// What holds at a version for the keys of a range.
    pub fn range_at<R: std::ops::RangeBounds<K>>(&self, keys: R, version: Version) -> impl Iterator<Item = (&K, &T)> {
        self.facts.range(keys).filter_map(move |(key, _)| Some((key, self.at(key, version)?)))
    }

    /// Every fact, by key, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Fact<T>)> {
        self.facts.iter().flat_map(|(key, facts)| facts.iter().map(move |fact| (key, fact)))
    }

    /// Every fact of the keys of a range, by key, oldest first.
    pub(crate) fn range<R: std::ops::RangeBounds<K>>(&self, keys: R) -> impl Iterator<Item = (&K, &Fact<T>)> {
        self.facts.range(keys).flat_map(|(key, facts)| facts.iter().map(move |fact| (key, fact)))
    }

    /// The open fact of a key.
    pub(super) fn open(&self, key: &K) -> Option<&Fact<T>> {
        self.facts.get(key)?.last().filter(|fact| fact.interval.end().is_none())
    }

    /// Begins a fact; `false` if the key has an open one or one that ends later.
    pub(super) fn push(&mut self, key: K, fact: Fact<T>) -> bool {
        let facts = self.facts.entry(key).or_default();
        let follows =
            facts.last().is_none_or(|last| last.interval.end().is_some_and(|end| end <= fact.interval.begin()));
        if follows {
            facts.push(fact);
        }
        follows
    }

    /// Ends the open fact of a key: closed at `version`, or taken out if it began there. Gives what was open.
    pub(super) fn close(&mut self, key: &K, version: Version) -> Option<Closed<T>> {
        let open = self.open(key)?.clone();
        let facts = self.facts.get_mut(key)?;
        facts.pop();
        let closed = open.interval.closed(version).map(|interval| Fact { interval, value: open.value.clone() });
        if let Some(closed) = &closed {
            facts.push(closed.clone());
        } else if facts.is_empty() {
            self.facts.remove(key);
        }
        Some(Closed { open, closed })
    }
}

/// What [`History::close`] did.
pub(super) struct Closed<T> {
    /// The fact as it was.
    pub(super) open: Fact<T>,
    /// The fact as it is; `None` if it began at the version that ended it.
    pub(super) closed: Option<Fact<T>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn fact(begin: u64, value: &'static str) -> Fact<&'static str> {
        Fact { interval: Interval::from(version(begin)), value }
    }

    #[test]
    fn a_key_has_at_each_version_what_held_then() {
        let mut history = History::default();
        assert!(history.push("k", fact(2, "a")));
        assert!(!history.push("k", fact(3, "b")), "a second open fact is refused");
        history.close(&"k", version(4));
        assert!(history.push("k", fact(6, "b")));
        let seen: Vec<_> = (1..=7).map(|n| history.at(&"k", version(n)).copied()).collect();
        assert_eq!(seen, [None, Some("a"), Some("a"), None, None, Some("b"), Some("b")]);
    }

    #[test]
    fn a_fact_that_ends_where_it_began_never_was() {
        let mut history = History::default();
        history.push("k", fact(2, "a"));
        assert!(history.close(&"k", version(2)).unwrap().closed.is_none());
        assert_eq!(history.iter().count(), 0);
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut history = History::default();
        history.push("k", fact(2, "a"));
        let before = history.clone();
        history.close(&"k", version(3));
        assert!(before.open(&"k").is_some());
    }
}
