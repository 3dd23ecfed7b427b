//! A file holds one idea, and is about as long as one. Tests do not count.

use super::finding::Finding;
use super::source::{code_lines, is_rust, is_test, reason};

/// Past this many lines a file deserves a hard look.
const LOOK: usize = 400;
/// Past this many it needs a written reason.
const LIMIT: usize = 700;

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !is_rust(path) || is_test(path) {
        return Vec::new();
    }
    let lines = code_lines(text).len();
    if lines <= LOOK || reason(text, "long").is_some() {
        return Vec::new();
    }
    if lines <= LIMIT {
        return vec![Finding::warning(path, None, format!("{lines} lines without tests; does it hold one idea?"))];
    }
    let message = format!(
        "{lines} lines without tests, more than {LIMIT}; split it by noun, or say why not with a line \
         `// tidy: long because …`"
    );
    vec![Finding::error(path, None, message)]
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    const LONG: &str = "error: a.rs: 701 lines without tests, more than 700; split it by noun, or say why not with a \
                        line `// tidy: long because …`";

    #[test]
    fn a_file_is_looked_at_past_400_lines_and_refused_past_700() {
        assert_found(&check("a.rs", &"x\n".repeat(400)), &[]);
        let look = "warning: a.rs: 401 lines without tests; does it hold one idea?";
        assert_found(&check("a.rs", &"x\n".repeat(401)), &[look]);
        assert_found(&check("a.rs", &"x\n".repeat(701)), &[LONG]);
    }

    #[test]
    fn a_written_reason_lets_a_file_be_long() {
        let text = format!("// tidy: long because it is one table\n{}", "x\n".repeat(800));
        assert_found(&check("a.rs", &text), &[]);
    }

    #[test]
    fn tests_and_other_languages_may_be_long() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(800));
        assert_found(&check("a.rs", &tests), &[]);
        assert_found(&check("a/tests/b.rs", &"x\n".repeat(800)), &[]);
        assert_found(&check("a.md", &"x\n".repeat(800)), &[]);
    }
}
