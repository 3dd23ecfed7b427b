//! What the checks need to know about Rust source: which lines are tests, which names begin a path, what a file says
//! in its own defence. It reads formatted code line by line, and no more of the language than that takes.

/// Whether a file is Rust.
pub(crate) fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Whether a file is written by hand, in a language in which layout and markers are ours to choose.
pub(crate) fn is_written(path: &str) -> bool {
    let extensions = [".rs", ".toml", ".md", ".py", ".sh", ".slt", ".proto"];
    path.starts_with(".ci/") || extensions.iter().any(|extension| path.ends_with(extension))
}

/// Whether a whole file is test code: it is in a folder `tests`, or is called `tests` or `…_tests`.
pub(crate) fn is_test(path: &str) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    stem.split('/').any(|part| part == "tests") || stem.ends_with("_tests")
}

/// The lines that are not test code, each with its number: all but the items under `#[cfg(test)]` at the margin.
///
/// An item ends with the next `}` at the margin, where the formatter puts it. A `}` at the margin of a raw string ends
/// it too early, so that too much is checked, never too little.
pub(crate) fn code_lines(text: &str) -> Vec<(usize, &str)> {
    if text.lines().any(|line| line == "#![cfg(test)]") {
        return Vec::new();
    }
    let mut kept: Vec<(usize, &str)> = Vec::new();
    let mut reading = Reading::Code;
    for (number, line) in (1..).zip(text.lines()) {
        reading = match reading {
            Reading::Code if line == "#[cfg(test)]" => Reading::TestHead,
            Reading::Code => {
                kept.push((number, line));
                Reading::Code
            }
            Reading::TestHead if line.ends_with('{') => Reading::TestBody,
            Reading::TestHead if line.ends_with(';') || line.ends_with('}') => Reading::Code,
            Reading::TestHead => Reading::TestHead,
            Reading::TestBody if line.starts_with('}') => Reading::Code,
            Reading::TestBody => Reading::TestBody,
        };
    }
    kept
}

enum Reading {
    Code,
    /// After `#[cfg(test)]`, before the item's body has begun.
    TestHead,
    TestBody,
}

/// The reason that a file gives for being an exception: the text after `// tidy: <what> because`.
pub(crate) fn reason<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("// tidy: ")?.strip_prefix(what)?.strip_prefix(" because "))
        .map(str::trim)
        .find(|reason| !reason.is_empty())
}

/// The names that begin a path in a line of code: `tokio` in `use tokio::fs::File; // as std::fs`.
pub(crate) fn path_roots(line: &str) -> Vec<&str> {
    let code = if line.trim_start().starts_with("//") { "" } else { line };
    let code = code.split_once(" //").map_or(code, |(code, _)| code);

    let mut roots: Vec<&str> = Vec::new();
    let mut word_start: Option<usize> = None;
    for (at, character) in code.char_indices().chain([(code.len(), ' ')]) {
        match (word_start, is_word(character)) {
            (None, true) => word_start = Some(at),
            (Some(start), false) => {
                if begins_path(&code[..start], &code[at..]) {
                    roots.push(&code[start..at]);
                }
                word_start = None;
            }
            _ => {}
        }
    }
    roots
}

fn begins_path(before: &str, after: &str) -> bool {
    let within_path = before.strip_suffix("::").is_some_and(|path| path.ends_with(|c: char| is_word(c) || c == '>'));
    let imported = before.ends_with("use ") || before.ends_with("extern crate ");
    !within_path && (after.starts_with("::") || imported)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_code(text: &str, expected: &[usize]) {
        let numbers: Vec<usize> = code_lines(text).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, expected, "{text}");
    }

    #[test]
    fn a_file_of_tests_is_known_by_its_place_or_name() {
        for path in ["cli/tests/shell.rs", "catalog/src/state/tests.rs", "sql/src/resolve_tests.rs"] {
            assert!(is_test(path), "{path}");
        }
        for path in ["xtask/src/test.rs", "testkit/src/lib.rs", "sql/src/contests.rs"] {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn test_items_are_not_code_wherever_they_stand() {
        check_code("a\n#[cfg(test)]\nmod tests {\n    b\n}\nc\n", &[1, 6]);
        check_code("a\n#[cfg(test)]\nmod tests;\nc\n", &[1, 4]);
        check_code("a\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nc\n", &[1, 5]);
        check_code("#[cfg(test)]\nuse x::{\n    b,\n};\nc\n", &[5]);
        check_code("#[cfg(test)]\nfn f() {}\nc\n", &[3]);
        check_code("#[cfg(test)]\nfn f(\n    a: A,\n) {\n    g();\n}\nc\n", &[7]);
        check_code("//! Tests.\n#![cfg(test)]\nfn f() {}\n", &[]);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert_eq!(reason("x\n// tidy: long because it is one table\n", "long"), Some("it is one table"));
        assert_eq!(reason("// tidy: long because \n", "long"), None);
        assert_eq!(reason("// tidy: long\n", "long"), None);
        assert_eq!(reason("// tidy: long because it is one table\n", "object_store"), None);
        assert_eq!(reason("//! `// tidy: long because …`\n", "long"), None);
    }

    #[test]
    fn a_path_begins_where_nothing_leads_to_it() {
        assert_eq!(path_roots("use tokio::fs::File; // as std::fs"), ["tokio"]);
        let two = "let store: Arc<dyn object_store::ObjectStore> = ::bytes::f();";
        assert_eq!(path_roots(two), ["object_store", "bytes"]);
        assert_eq!(path_roots("use datafusion::execution::object_store::ObjectStoreUrl;"), ["datafusion"]);
        assert_eq!(path_roots("pub use object_store as store;"), ["object_store"]);
        assert_eq!(path_roots("let object_store = Vec::<u8>::new();"), ["Vec"]);
        assert!(path_roots("    /// `object_store::path` is another matter").is_empty());
        assert!(path_roots("Größe: größe").is_empty());
    }
}
