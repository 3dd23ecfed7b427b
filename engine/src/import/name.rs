//! The names of columns.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use arrow::datatypes::Schema;

use super::error::ImportError;

/// The byte order mark that some programs put before the first name.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A column's name as a table has it: without blanks around it and, unless `keep_case`, in lower case.
///
/// ASCII letters only are folded, as SQL folds names without quotes.
pub fn fold_name(spelled: &str, keep_case: bool) -> String {
    let name = spelled.trim_start_matches(BYTE_ORDER_MARK).trim();
    if keep_case { name.to_owned() } else { name.to_ascii_lowercase() }
}

/// The names of a file's columns, as [`relation_names`] gives them.
///
/// # Errors
/// Two columns with one name.
pub(crate) fn column_names(file: &Path, spelled: &[&str], keep_case: bool) -> Result<Vec<String>, ImportError> {
    let names = relation_names(spelled, keep_case);
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name.clone(), position) {
            return Err(ImportError::DuplicateColumn {
                file: file.to_path_buf(),
                name: name.clone(),
                first: show_spelling(spelled, first),
                second: show_spelling(spelled, position),
            });
        }
    }
    Ok(names)
}

/// What the columns of a file are called where it is read, from how the file spells them. An empty name becomes the
/// column's number: `column3`. Two may have one name, in files that are refused.
pub fn relation_names(spelled: &[&str], keep_case: bool) -> Vec<String> {
    spelled
        .iter()
        .enumerate()
        .map(|(position, spelling)| {
            let folded = fold_name(spelling, keep_case);
            if folded.is_empty() { numbered_name(position) } else { folded }
        })
        .collect()
}

/// The names of the columns of a file that does not name them.
pub(crate) fn numbered_names(width: usize) -> Vec<String> {
    (0..width).map(numbered_name).collect()
}

/// Which column of the target a column of a file is: the one that has its very name, else the one that has it folded.
pub(crate) fn find_column(target: &Schema, spelled: &str, keep_case: bool) -> Option<usize> {
    let exact = fold_name(spelled, true);
    let folded = fold_name(spelled, keep_case);
    let fields = target.fields();
    fields
        .iter()
        .position(|field| field.name() == &exact)
        .or_else(|| fields.iter().position(|field| field.name() == &folded))
}

/// For every column of the target, which column of the file it is.
///
/// # Errors
/// A column that only one side has; two columns of the file that are one of the target.
pub(crate) fn match_columns(
    file: &Path,
    target: &Schema,
    spelled: &[&str],
    keep_case: bool,
) -> Result<Vec<usize>, ImportError> {
    let mut positions: Vec<Option<usize>> = vec![None; target.fields().len()];
    for (position, spelling) in spelled.iter().enumerate() {
        // A name that is empty is called by its number, as it is when its schema is inferred.
        let numbered = numbered_name(position);
        let known_as: &str = if fold_name(spelling, keep_case).is_empty() { &numbered } else { spelling };
        let Some(column) = find_column(target, known_as, keep_case) else {
            return Err(ImportError::UnknownColumn {
                file: file.to_path_buf(),
                column: fold_name(known_as, true),
                columns: super::error::list_names(target.fields().iter().map(|field| field.name().as_str())),
            });
        };
        if let Some(first) = positions[column].replace(position) {
            return Err(ImportError::DuplicateColumn {
                file: file.to_path_buf(),
                name: target.field(column).name().clone(),
                first: show_spelling(spelled, first),
                second: show_spelling(spelled, position),
            });
        }
    }
    let mut found: Vec<usize> = Vec::with_capacity(positions.len());
    for (column, position) in positions.into_iter().enumerate() {
        match position {
            Some(position) => found.push(position),
            None => {
                return Err(ImportError::MissingColumn {
                    file: file.to_path_buf(),
                    column: target.field(column).name().clone(),
                    columns: super::error::list_names(spelled.iter().copied()),
                });
            }
        }
    }
    Ok(found)
}

/// The first name that a schema has twice, if it has one.
pub(crate) fn first_repeated(target: &Schema) -> Option<&str> {
    let mut seen: HashSet<&str> = HashSet::new();
    target.fields().iter().map(|field| field.name().as_str()).find(|name: &&str| !seen.insert(*name))
}

fn numbered_name(position: usize) -> String {
    format!("column{}", position + 1)
}

fn show_spelling(spelled: &[&str], position: usize) -> String {
    let text = spelled[position].trim_start_matches(BYTE_ORDER_MARK).trim();
    if text.is_empty() { format!("column {} without name", position + 1) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn names(spelled: &[&str], keep_case: bool) -> Result<Vec<String>, String> {
        column_names(Path::new("f.csv"), spelled, keep_case).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_folded_and_trimmed() {
        assert_eq!(names(&["\u{feff}Id", " userName ", "ÄRZTE"], false).unwrap(), vec!["id", "username", "Ärzte"]);
        assert_eq!(names(&["Id", "userName"], true).unwrap(), vec!["Id", "userName"]);
    }

    #[test]
    fn an_empty_name_becomes_the_number_of_the_column() {
        assert_eq!(names(&["a", "", "c"], false).unwrap(), vec!["a", "column2", "c"]);
        assert_eq!(
            names(&["column2", ""], false).unwrap_err(),
            "`f.csv` has two columns with the name `column2`: `column2` and `column 2 without name`; rename one, \
             or keep upper and lower case apart with `--keep-case`"
        );
    }

    #[test]
    fn names_that_differ_in_case_only_collide_unless_case_is_kept() {
        assert_eq!(
            names(&["Id", "x", "ID"], false).unwrap_err(),
            "`f.csv` has two columns with the name `id`: `Id` and `ID`; rename one, \
             or keep upper and lower case apart with `--keep-case`"
        );
        assert_eq!(names(&["Id", "ID"], true).unwrap(), vec!["Id", "ID"]);
    }

    #[test]
    fn columns_are_matched_in_any_order() {
        let target = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("B", DataType::Int64, true)]);
        assert_eq!(match_columns(Path::new("f"), &target, &["B", "A"], false).unwrap(), vec![1, 0]);
        let error = match_columns(Path::new("f"), &target, &["A"], false).unwrap_err();
        assert_eq!(error.to_string(), "`f` has no column `B`, which the table has; its columns are `A`");
        let error = match_columns(Path::new("f"), &target, &["a", "B", "c"], false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`f` has a column `c`, which the table has not; the table's columns are `a`, `B`"
        );
    }
}
