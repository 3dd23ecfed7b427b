//! Every decision is in the index of decisions, and every entry of the index is there.

use super::finding::Finding;

pub(crate) const INDEX: &str = "docs/decisions/README.md";
const FOLDER: &str = "docs/decisions/";

/// The name of the decision record at a path; `None` if there is none.
pub(crate) fn record_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix(FOLDER)?;
    (path != INDEX && name.ends_with(".md") && !name.contains('/')).then_some(name)
}

/// Compares the records that there are, by name, with the text of the index.
pub(crate) fn check(records: &[&str], index: Option<&str>) -> Vec<Finding> {
    let linked: Vec<(usize, &str)> = linked_records(index.unwrap_or_default());
    let mut findings: Vec<Finding> = Vec::new();
    for record in records {
        if !linked.iter().any(|(_, name)| name == record) {
            let message = format!("not in the index; add a link to it in {INDEX}");
            findings.push(Finding::error(&format!("{FOLDER}{record}"), None, message));
        }
    }
    for (number, name) in linked {
        if !records.contains(&name) {
            findings.push(Finding::error(INDEX, Some(number), format!("there is no decision `{name}`")));
        }
    }
    findings
}

/// The targets of the links in a Markdown text that are records of the same folder, with their line numbers.
fn linked_records(index: &str) -> Vec<(usize, &str)> {
    let mut linked: Vec<(usize, &str)> = Vec::new();
    for (number, line) in (1..).zip(index.lines()) {
        for after in line.split("](").skip(1) {
            let target = after.split([')', '#']).next().unwrap_or(after);
            let name = target.strip_prefix("./").unwrap_or(target);
            if name.ends_with(".md") && !name.contains('/') {
                linked.push((number, name));
            }
        }
    }
    linked
}

#[cfg(test)]
mod tests {
    use super::super::finding::assert_found;
    use super::*;

    #[test]
    fn a_record_is_a_markdown_file_of_the_folder_but_for_the_index() {
        assert_eq!(record_name("docs/decisions/0001-hashes.md"), Some("0001-hashes.md"));
        assert_eq!(record_name("docs/decisions/README.md"), None);
        assert_eq!(record_name("docs/decisions/pictures/a.md"), None);
        assert_eq!(record_name("docs/other.md"), None);
    }

    #[test]
    fn every_record_is_linked_from_the_index() {
        let index = "- [One](0001-one.md)\n- [Two](./0002-two.md#why), see [issues](../issues.md)\n";
        assert_found(&check(&["0001-one.md", "0002-two.md"], Some(index)), &[]);
        let missing = "error: docs/decisions/0003-three.md: not in the index; add a link to it in \
                       docs/decisions/README.md";
        assert_found(&check(&["0001-one.md", "0002-two.md", "0003-three.md"], Some(index)), &[missing]);
        assert_found(&check(&["0003-three.md"], None), &[missing]);
    }

    #[test]
    fn the_index_links_to_nothing_that_is_not_there() {
        let expected = ["error: docs/decisions/README.md:2: there is no decision `0001-one.md`"];
        assert_found(&check(&[], Some("# Decisions\n[One](0001-one.md)\n")), &expected);
    }
}
