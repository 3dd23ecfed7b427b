//! No file but a lock names the host of a package registry: where packages come from is for whoever builds to choose.

use super::finding::Finding;

/// Written in halves, so that this file does not hold what it looks for.
const HOSTS: &[&str] = &[
    concat!("://", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi.", "org"),
    concat!("python", "hosted.org"),
];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    if path.ends_with(".lock") {
        return Vec::new();
    }
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| {
            let host = HOSTS.iter().find(|host| line.contains(*host))?;
            let message = format!("`{host}` names a package registry; name the package and its version instead");
            Some(Finding::error(path, Some(number), message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    #[test]
    fn a_registry_is_not_named_outside_lock_files() {
        for host in HOSTS {
            let text = format!("a\nsee {host}/b\n");
            let expected =
                format!("error: a.md:2: `{host}` names a package registry; name the package and its version instead");
            assert_found(&check("a.md", &text), &[&expected]);
            assert_found(&check("Cargo.lock", &text), &[]);
        }
    }
}
