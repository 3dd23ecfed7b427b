//! Which bytes of an object to fetch, so that those asked for can be checked.

use std::ops::Range;

use super::verified::VerifiedParts;
use crate::write::{PART_BYTES, PartDigests};

/// Ranges with a gap of at most this many bytes between them are fetched as one: a request costs more than that.
const GAP_BYTES_MAX: u64 = 64 << 10;

/// The ranges to fetch, in order and apart from each other, so that
///
/// * every range asked for lies within one of them;
/// * every part of the object that a range asked for touches, and that is not verified yet, lies within one of them.
pub(crate) fn plan_fetch(asked: &[Range<u64>], digests: &PartDigests, verified: &VerifiedParts) -> Vec<Range<u64>> {
    let wanted = asked.iter().filter(|range| range.start < range.end);
    let mut widened: Vec<Range<u64>> = wanted.map(|range| widen(range, digests, verified)).collect();
    widened.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(widened.len());
    for range in widened {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP_BYTES_MAX) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The range to fetch of an object whose digests are still on their way, so that the tail, which ends where the object
/// does, can be checked once they are there: all of the object if it has at most `whole_bytes_max` bytes, otherwise the
/// parts that the tail touches.
///
/// How long a part is stands in the digests. Where this takes it wrongly, some bytes are fetched again.
pub(crate) fn plan_ahead(tail: &Range<u64>, whole_bytes_max: u64) -> Range<u64> {
    let begin = if tail.end <= whole_bytes_max { 0 } else { tail.start - tail.start % PART_BYTES };
    begin..tail.end
}

/// The parts that lie wholly within a range.
pub(crate) fn parts_within(range: &Range<u64>, digests: &PartDigests) -> Range<u64> {
    let first = range.start.div_ceil(digests.part_bytes());
    let end = if range.end >= digests.object_bytes() { digests.len() } else { range.end / digests.part_bytes() };
    first..end.max(first)
}

/// The range, with the first and the last part that it touches made whole where they are not verified. Those between
/// are whole already.
fn widen(range: &Range<u64>, digests: &PartDigests, verified: &VerifiedParts) -> Range<u64> {
    let first = range.start / digests.part_bytes();
    let last = (range.end - 1) / digests.part_bytes();
    let start = if verified.holds(first) { range.start } else { digests.range(first).start };
    let end = if verified.holds(last) { range.end } else { digests.range(last).end };
    start..end
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::write::encode_digests;

    const PART: u64 = PART_BYTES;

    /// Of an object of five whole parts and one of 10 bytes.
    static DIGESTS: LazyLock<PartDigests> = LazyLock::new(|| digests(5 * PART + 10));

    fn digests(bytes: u64) -> PartDigests {
        let object = vec![0_u8; bytes as usize];
        PartDigests::decode(&encode_digests(&object), bytes).unwrap()
    }

    fn check(asked: &[(u64, u64)], known: &[u64], expected: &[(u64, u64)]) {
        let verified = VerifiedParts::new(DIGESTS.len());
        known.iter().for_each(|part| verified.add(*part));
        let asked: Vec<Range<u64>> = asked.iter().map(|(start, end)| *start..*end).collect();
        let planned = plan_fetch(&asked, &DIGESTS, &verified);
        let planned: Vec<(u64, u64)> = planned.into_iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(planned, expected, "{asked:?}");
    }

    #[test]
    fn what_is_not_verified_is_fetched_as_whole_parts() {
        check(&[(5, 6)], &[], &[(0, PART)]);
        check(&[(PART - 1, PART + 1)], &[], &[(0, 2 * PART)]);
        check(&[(5 * PART + 3, 5 * PART + 4)], &[], &[(5 * PART, 5 * PART + 10)]);
    }

    #[test]
    fn what_is_verified_is_fetched_exactly() {
        check(&[(5, 6)], &[0], &[(5, 6)]);
        check(&[(5, PART + 1)], &[0], &[(5, 2 * PART)]);
        check(&[(5, PART + 1)], &[1], &[(0, PART + 1)]);
    }

    #[test]
    fn near_ranges_are_fetched_together() {
        check(&[(10, 20), (30, 40), (25, 26)], &[0], &[(10, 40)]);
        check(&[(10, 20), (4 * PART, 4 * PART + 1)], &[0, 4], &[(10, 20), (4 * PART, 4 * PART + 1)]);
        check(&[(10, 20), (PART + 7, PART + 8)], &[], &[(0, 2 * PART)]);
        check(&[(7, 7)], &[], &[]);
    }

    #[test]
    fn a_small_object_is_fetched_whole_ahead_and_a_large_one_from_the_part_in_which_its_tail_begins() {
        let end = 5 * PART + 10;
        assert_eq!(plan_ahead(&(end - 20..end), end), 0..end);
        assert_eq!(plan_ahead(&(end - 20..end), end - 1), 4 * PART..end);
        assert_eq!(plan_ahead(&(end - 10..end), 0), 5 * PART..end);
        assert_eq!(plan_ahead(&(5..9), 0), 0..9);
    }

    #[test]
    fn parts_at_the_ends_of_a_range_count_only_if_they_are_whole() {
        let digests = digests(2 * PART + 10);
        assert_eq!(parts_within(&(0..2 * PART + 10), &digests), 0..3);
        assert_eq!(parts_within(&(1..2 * PART + 9), &digests), 1..2);
        assert_eq!(parts_within(&(1..PART), &digests), 1..1);
        assert_eq!(parts_within(&(5..9), &digests), 1..1);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_fetched_and_can_be_verified(
            asked in prop::collection::vec((0..5 * PART + 9, 1..2 * PART), 1..6),
            known in prop::collection::vec(any::<bool>(), 6),
        ) {
            let digests: &PartDigests = &DIGESTS;
            let verified = VerifiedParts::new(digests.len());
            (0..6).filter(|part: &u64| known[*part as usize]).for_each(|part| verified.add(part));
            let end = digests.object_bytes();
            let asked: Vec<Range<u64>> = asked.into_iter().map(|(at, length)| at..end.min(at + length)).collect();
            let plan = plan_fetch(&asked, digests, &verified);
            for range in &asked {
                let fetched = plan.iter().find(|fetched| fetched.start <= range.start && range.end <= fetched.end);
                prop_assert!(fetched.is_some(), "{range:?} is not in {plan:?}");
                let whole = fetched.map(|fetched| parts_within(fetched, digests)).unwrap_or_default();
                for part in range.start / PART..=(range.end - 1) / PART {
                    prop_assert!(verified.holds(part) || whole.contains(&part), "part {part} of {plan:?}");
                }
            }
            prop_assert!(plan.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
