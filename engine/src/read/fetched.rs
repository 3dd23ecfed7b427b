//! Bytes of an object, as the store gave them.

use std::ops::Range;

use bytes::Bytes;

/// Ranges of an object, each with what the store gave for it. Nothing was compared with a digest.
///
/// * A store may have answered with fewer bytes than a range says, or with fewer ranges than were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fetched {
    ranges: Vec<Range<u64>>,
    bytes: Vec<Bytes>,
}

impl Fetched {
    /// The answer to a request for these ranges, in their order.
    pub(crate) fn new(ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Self {
        Self { ranges, bytes }
    }

    /// Each range with its bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Range<u64>, &Bytes)> {
        self.ranges.iter().zip(&self.bytes)
    }

    /// The bytes of a range; `None` if they are not all among these. An empty range has no bytes anywhere.
    pub(crate) fn cut(&self, range: &Range<u64>) -> Option<Bytes> {
        if range.start >= range.end {
            return Some(Bytes::new());
        }
        let (whole, bytes) = self.iter().find(|(whole, _)| whole.start <= range.start && range.end <= whole.end)?;
        let (begin, end) = ((range.start - whole.start) as usize, (range.end - whole.start) as usize);
        (end <= bytes.len()).then(|| bytes.slice(begin..end))
    }

    /// Some ranges out of these; `None` if one of them is not among them.
    pub(crate) fn cut_all(&self, ranges: &[Range<u64>]) -> Option<Self> {
        let bytes: Option<Vec<Bytes>> = ranges.iter().map(|range| self.cut(range)).collect();
        Some(Self::new(ranges.to_vec(), bytes?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched() -> Fetched {
        // The last range was cut short.
        let ranges = vec![10..14, 20..23, 30..35];
        Fetched::new(ranges, vec![Bytes::from("abcd"), Bytes::from("xyz"), Bytes::from("12")])
    }

    #[test]
    fn a_range_is_cut_from_the_one_that_holds_it() {
        for (range, expected) in [
            (10..14, Some("abcd")),
            (11..13, Some("bc")),
            (22..23, Some("z")),
            (13..15, None),
            (12..22, None),
            (30..32, Some("12")),
            (31..33, None),
            (50..50, Some("")),
        ] {
            assert_eq!(fetched().cut(&range), expected.map(Bytes::from), "{range:?}");
        }
    }

    #[test]
    fn all_ranges_are_cut_or_none() {
        let cut = fetched().cut_all(&[21..22, 10..11]).unwrap();
        let pieces: Vec<(u64, &[u8])> = cut.iter().map(|(range, bytes)| (range.start, bytes.as_ref())).collect();
        assert_eq!(pieces, [(21, b"y".as_slice()), (10, b"a".as_slice())]);
        assert!(fetched().cut_all(&[21..22, 34..35]).is_none());
        assert!(Fetched::default().cut_all(&[]).is_some());
    }
}
