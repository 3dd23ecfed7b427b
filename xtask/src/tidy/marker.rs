//! What is left to do stands in the tracker, where it is seen, and not in a comment.

use super::finding::Finding;
use super::source::is_written;

/// Written in halves, so that this file does not hold what it looks for.
const MARKERS: &[&str] = &[concat!("TO", "DO:"), concat!("FIX", "ME:"), concat!("XX", "X:")];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !is_written(path) {
        return Vec::new();
    }
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| {
            let marker = MARKERS.iter().find(|marker| line.contains(*marker))?;
            Some(Finding::error(path, Some(number), format!("`{marker}` left behind; do it, or open an issue")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    #[test]
    fn a_marker_left_behind_is_found() {
        for marker in MARKERS {
            let expected = format!("error: a.rs:2: `{marker}` left behind; do it, or open an issue");
            assert_found(&check("a.rs", &format!("a\n// {marker} b\n")), &[&expected]);
        }
    }

    #[test]
    fn the_word_alone_is_no_marker() {
        assert_found(&check("a.rs", "todo!: a list of what to do\n"), &[]);
    }
}
