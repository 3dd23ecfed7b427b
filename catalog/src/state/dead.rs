//! Which rows of a segment are dead: those that one kill took, and those that were dead before it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::kills::Kill;
use crate::segment::BlockRef;

/// Which rows of a segment are dead in a table at a version.
///
/// * Some are, and some are not: `rows` is neither 0 nor all of them.
/// * Two that are equal are the same rows.
/// * What was dead before a kill is shared by all that came of it: ten thousand versions of which each killed a row
///   take ten thousand of these, and which rows died in between is found without looking at those before.
#[derive(Clone)]
pub struct Dead {
    /// How many are dead.
    pub rows: u64,
    /// The block with the positions of those that died last. No position is also in a block before.
    pub last: BlockRef,
    before: Option<Arc<Dead>>,
    kills: usize,
}

impl Dead {
    /// So many rows more, of which a block has the positions.
    pub fn new(before: Option<Arc<Self>>, rows: u64, last: BlockRef) -> Self {
        let (rows_before, kills) = before.as_ref().map_or((0, 0), |before| (before.rows, before.kills));
        Self { rows: rows_before.saturating_add(rows), last, before, kills: kills + 1 }
    }

    /// What was dead before the last of them died.
    pub fn before(&self) -> Option<&Arc<Self>> {
        self.before.as_ref()
    }

    /// In how many kills they died, each of which has a block.
    pub fn kills(&self) -> usize {
        self.kills
    }

    /// How many rows died last.
    pub fn died_last(&self) -> u64 {
        self.rows.saturating_sub(self.before.as_ref().map_or(0, |before| before.rows))
    }

    /// These, what was dead before the last kill, before the one before it, and so on.
    pub fn newest_first(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |dead| dead.before.as_deref())
    }

    /// The blocks with their positions, in the order in which they died.
    pub fn blocks(&self) -> Vec<BlockRef> {
        let mut blocks: Vec<BlockRef> = self.newest_first().map(|dead| dead.last).collect();
        blocks.reverse();
        blocks
    }

    /// What was dead after each kill that came after others, oldest first; `None` if some of those are not among these,
    /// or died otherwise.
    pub fn since(&self, others: &Self) -> Option<Vec<&Self>> {
        let count = self.kills.checked_sub(others.kills)?;
        let mut newer: Vec<&Self> = self.newest_first().take(count).collect();
        newer.reverse();
        (self.newest_first().nth(count)? == others).then_some(newer)
    }
}

// Derived, these would go as deep as there are kills.
impl PartialEq for Dead {
    fn eq(&self, other: &Self) -> bool {
        if (self.rows, self.kills) != (other.rows, other.kills) {
            return false;
        }
        for (one, two) in self.newest_first().zip(other.newest_first()) {
            if std::ptr::eq(one, two) {
                return true;
            }
            if (one.rows, one.last) != (two.rows, two.last) {
                return false;
            }
        }
        true
    }
}

impl Eq for Dead {}

impl Hash for Dead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.rows, self.kills, self.last).hash(state);
    }
}

impl fmt::Debug for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dead")
            .field("rows", &self.rows)
            .field("kills", &self.kills)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Drop for Dead {
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(dead) = next {
            next = Arc::into_inner(dead).and_then(|mut dead| dead.before.take());
        }
    }
}

/// What is left of a segment's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All rows but these.
    Rows(Option<Arc<Dead>>),
    /// None.
    Nothing,
}

impl Left {
    /// What one more kill leaves of it, in a segment of so many rows.
    pub(super) fn without(&self, kill: &Kill, rows: u64) -> Self {
        let (Self::Rows(before), Some(block)) = (self, kill.positions) else { return Self::Nothing };
        let dead = Dead::new(before.clone(), kill.rows, block);
        if dead.rows < rows { Self::Rows(Some(Arc::new(dead))) } else { Self::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::id::Slot;

    fn block(slot: u64) -> BlockRef {
        BlockRef { slot: Slot::new(slot), index: 0, length_bytes: 8, sha256: Digest::ZERO }
    }

    /// Rows that died one by one in these slots.
    fn dead(slots: impl IntoIterator<Item = u64>) -> Arc<Dead> {
        let all = slots.into_iter().fold(None, |before, slot| Some(Arc::new(Dead::new(before, 1, block(slot)))));
        all.unwrap()
    }

    fn slots<'a>(dead: impl IntoIterator<Item = &'a Dead>) -> Vec<u64> {
        dead.into_iter().map(|dead| dead.last.slot.number()).collect()
    }

    #[test]
    fn blocks_come_in_the_order_in_which_rows_died() {
        let some = dead([3, 5, 9]);
        assert_eq!((some.rows, some.kills(), some.died_last()), (3, 3, 1));
        assert_eq!(some.blocks(), [3, 5, 9].map(block));
    }

    #[test]
    fn the_same_rows_are_equal_however_they_were_put_together() {
        let some = dead([3, 5]);
        let more = Arc::new(Dead::new(Some(Arc::clone(&some)), 1, block(9)));
        assert_eq!((&*dead([3, 5]), &*dead([3, 5, 9])), (&*some, &*more));
        assert_ne!(dead([3, 5]), dead([4, 5]));
        assert_ne!(dead([3, 5]), dead([5]));
    }

    #[test]
    fn who_died_since_is_told_unless_somebody_lives_again() {
        let (few, more) = (dead([3, 5]), dead([3, 5, 7, 9]));
        assert_eq!(more.since(&few).map(slots), Some(vec![7, 9]));
        assert_eq!(more.since(&more).map(slots), Some(Vec::new()));
        assert_eq!(more.since(&dead([4, 5])), None);
        assert_eq!(few.since(&more), None);
    }

    #[test]
    fn a_million_kills_are_compared_shown_and_dropped_without_going_deep() {
        let (one, two) = (dead(1..1_000_000), dead(1..1_000_000));
        assert_eq!(one, two);
        assert!(format!("{one:?}").len() < 1_000);
        let rest = Arc::clone(one.before().unwrap());
        drop((one, two));
        assert_eq!(rest.kills(), 999_998);
    }
}
