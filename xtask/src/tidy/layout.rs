//! Lines of code fit the page, and no line ends in spaces. The formatter leaves both alone in comments and strings.

use super::finding::Finding;
use super::source::{is_rust, is_written};

const WIDTH: usize = 120;

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let columns = line.chars().count();
        if is_rust(path) && columns > WIDTH {
            findings.push(Finding::error(path, Some(number), format!("{columns} columns, more than {WIDTH}")));
        }
        if is_written(path) && line.ends_with(char::is_whitespace) {
            findings.push(Finding::error(path, Some(number), "white space at the end of the line"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    #[test]
    fn a_line_of_rust_has_at_most_120_columns() {
        assert_found(&check("a.rs", &"ö".repeat(120)), &[]);
        assert_found(&check("a.rs", &"ö".repeat(121)), &["error: a.rs:1: 121 columns, more than 120"]);
        assert_found(&check("a.md", &"ö".repeat(121)), &[]);
    }

    #[test]
    fn no_line_ends_in_white_space() {
        let found = |path: &str| format!("error: {path}:2: white space at the end of the line");
        for path in ["a.rs", "Cargo.toml", "README.md", ".ci/run"] {
            assert_found(&check(path, "a\nb \n"), &[&found(path)]);
        }
        assert_found(&check("a.csv", "a\nb \n"), &[]);
    }
}
