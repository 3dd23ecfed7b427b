//! A cache of things that never change, bounded by their bytes.

use std::collections::HashMap;
use std::hash::Hash;

/// Things by key, the least recently used given up first.
///
/// * The bytes of what is kept are at most the bound, except that the newest thing is always kept.
/// * When the bound is passed, things are given up until a quarter of it is free, so that giving up is rare.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    entries: HashMap<K, Entry<V>>,
    bytes: usize,
    bytes_max: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    last_use: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    /// Nothing, with this bound.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: HashMap::new(), bytes: 0, bytes_max, uses: 0 }
    }

    /// What is kept under a key.
    pub(crate) fn find(&mut self, key: &K) -> Option<V> {
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        entry.last_use = self.uses;
        Some(entry.value.clone())
    }

    /// Keeps a thing of this many bytes, in place of what was under the key.
    pub(crate) fn keep(&mut self, key: K, value: V, bytes: usize) {
        self.uses += 1;
        let entry = Entry { value, bytes, last_use: self.uses };
        self.bytes += bytes;
        if let Some(before) = self.entries.insert(key, entry) {
            self.bytes -= before.bytes;
        }
        if self.bytes > self.bytes_max {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        let newest = self.uses;
        let mut by_age: Vec<(u64, K)> = self.entries.iter().map(|(key, entry)| (entry.last_use, key.clone())).collect();
        by_age.sort_unstable_by_key(|(last_use, _)| *last_use);
        for (last_use, key) in by_age {
            if self.bytes <= self.bytes_max / 4 * 3 || last_use == newest {
                break;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_given_up() {
        let mut kept: Kept<&str, u32> = Kept::new(100);
        kept.keep("a", 1, 40);
        kept.keep("b", 2, 40);
        assert_eq!(kept.find(&"a"), Some(1));
        kept.keep("c", 3, 30);
        assert_eq!((kept.find(&"a"), kept.find(&"b"), kept.find(&"c")), (Some(1), None, Some(3)));
    }

    #[test]
    fn the_newest_is_kept_even_past_the_bound() {
        let mut kept: Kept<&str, u32> = Kept::new(10);
        kept.keep("a", 1, 5);
        kept.keep("b", 2, 50);
        assert_eq!((kept.find(&"a"), kept.find(&"b")), (None, Some(2)));
    }

    #[test]
    fn keeping_again_counts_the_bytes_once() {
        let mut kept: Kept<&str, u32> = Kept::new(100);
        kept.keep("b", 0, 1);
        for bytes in [60, 70, 90] {
            kept.keep("a", 1, bytes);
        }
        assert_eq!((kept.find(&"a"), kept.find(&"b")), (Some(1), Some(0)));
    }
}
