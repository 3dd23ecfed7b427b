//! Names that say nothing of what they name are refused, for files, folders and modules.

use super::finding::Finding;
use super::source::is_rust;

const FORBIDDEN: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !is_rust(path) {
        return Vec::new();
    }
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let of_path = stem.split('/').filter(|name| is_forbidden(name)).map(|name| (None, name));
    let of_modules = (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| Some((Some(number), inline_module(line)?)))
        .filter(|(_, name)| is_forbidden(name));
    of_path.chain(of_modules).map(|(line, name)| Finding::error(path, line, message(name))).collect()
}

fn message(name: &str) -> String {
    format!("the name `{name}` says nothing; name it after the noun that it holds")
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name) || name.ends_with("_v2")
}

/// The name of the module whose body begins in this line. A module that is a file of its own is known by its path.
fn inline_module(line: &str) -> Option<&str> {
    let (visibility, name) = line.trim().strip_suffix('{')?.trim_end().rsplit_once("mod ")?;
    let visibility = visibility.trim_end();
    (visibility.is_empty() || visibility == "pub" || visibility.starts_with("pub(")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    #[test]
    fn files_and_folders_are_named_after_what_they_hold() {
        let says_nothing = |path: &str, name: &str| {
            format!("error: {path}: the name `{name}` says nothing; name it after the noun that it holds")
        };
        for (path, name) in [
            ("sql/src/utils.rs", "utils"),
            ("sql/tests/common/mod.rs", "common"),
            ("catalog/src/helpers/id.rs", "helpers"),
            ("catalog/src/state_v2.rs", "state_v2"),
        ] {
            assert_found(&check(path, ""), &[&says_nothing(path, name)]);
        }
        assert_found(&check("catalog/src/commonwealth.rs", ""), &[]);
        assert_found(&check("docs/common/README.md", ""), &[]);
    }

    #[test]
    fn modules_within_a_file_are_named_so_too() {
        let expected = ["error: a.rs:2: the name `misc` says nothing; name it after the noun that it holds"];
        assert_found(&check("a.rs", "mod tests {\n    pub(crate) mod misc {\n"), &expected);
        assert_found(&check("a.rs", "// a mod utils {\nmod utils;\n"), &[]);
    }
}
