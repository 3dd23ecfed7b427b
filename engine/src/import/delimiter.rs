//! Tells the delimiter of a CSV file from how it begins.

use super::record::{Block, Dialect, RecordReader};

/// What may stand between fields, the likelier first.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
const SAMPLE_RECORDS: usize = 20;

/// The delimiter that splits the first records into the most fields, all into the same number.
///
/// * If none splits them evenly, the one that splits most of them as it splits the first.
/// * If none splits them at all, a comma: the file has one column.
/// * `sample` is how the file begins. Unless it is the `whole` file, its last record may be torn and does not count.
pub(crate) fn sniff_delimiter(sample: &[u8], quote: Option<u8>, whole: bool) -> u8 {
    let mut best: Option<(Split, u8)> = None;
    for delimiter in CANDIDATES {
        if quote == Some(delimiter) {
            continue;
        }
        let Some(split) = try_delimiter(sample, Dialect { delimiter, quote }, whole) else {
            continue;
        };
        // Only a better one replaces an earlier one, which is likelier.
        if best.as_ref().is_none_or(|(known, _)| split > *known) {
            best = Some((split, delimiter));
        }
    }
    best.map_or(b',', |(_, delimiter)| delimiter)
}

/// How well a delimiter splits, the better the greater: evenly, then most records alike, then the most fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Split {
    even: bool,
    alike: usize,
    width: usize,
}

/// `None` if the delimiter does not split the first record. Records that break its quotes are not split evenly.
fn try_delimiter(sample: &[u8], dialect: Dialect, whole: bool) -> Option<Split> {
    let mut reader = RecordReader::new(sample, dialect);
    reader.skip_blank_records(true);
    let mut widths: Vec<usize> = Vec::new();
    let mut broken = false;
    while widths.len() < SAMPLE_RECORDS {
        let block: Block = match reader.next_block(1) {
            Ok(Some(block)) => block,
            Ok(None) => break,
            // A torn sample ends in the middle of a quote or of a character.
            Err(_) => {
                broken = true;
                break;
            }
        };
        widths.push(block.width(0));
    }
    // Records read to the end of a torn sample: the last one may be half.
    if !whole && !broken && widths.len() < SAMPLE_RECORDS && widths.len() > 1 {
        widths.pop();
    }
    let width = *widths.first()?;
    if width < 2 {
        return None;
    }
    let alike = widths.iter().filter(|other| **other == width).count();
    Some(Split { even: alike == widths.len() && !(broken && whole), alike, width })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sample: &str, expected: u8) {
        assert_eq!(sniff_delimiter(sample.as_bytes(), Some(b'"'), true), expected, "{sample:?}");
    }

    #[test]
    fn the_delimiter_that_splits_evenly_wins() {
        check("a,b\n1,2\n", b',');
        check("a;b\n1,5;2,5\n", b';');
        check("a\tb\n1,000\t2\n", b'\t');
        check("a|b|c\n1|2|3\n", b'|');
        check("name;place\n\"Doe; J\";\"A, B\"\nx;y\n", b';');
    }

    #[test]
    fn one_column_has_a_comma() {
        check("a\n1\n2\n", b',');
        check("", b',');
    }

    #[test]
    fn a_ragged_file_keeps_its_likeliest_delimiter() {
        check("a,b,c\n1,2,3\n4,5\n6,7,8\n", b',');
    }

    #[test]
    fn a_file_that_breaks_keeps_its_delimiter() {
        assert_eq!(sniff_delimiter(b"a;b\n1;\xff\n", Some(b'"'), true), b';');
        check("a;b\n1;\"x\n", b';');
    }

    #[test]
    fn a_torn_last_record_does_not_count() {
        let sample = b"a;b;c\n1;2;3\n4;5";
        assert_eq!(sniff_delimiter(sample, Some(b'"'), false), b';');
        let sample = b"a;b,x\n1;2,x\n4;\"5";
        assert_eq!(sniff_delimiter(sample, Some(b'"'), false), b',');
    }
}
