//! Which files an import reads.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::error::ImportError;
use super::format::FileFormat;

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub format: FileFormat,
    /// How long it is, in bytes, when it was found.
    pub size_bytes: u64,
}

/// Finds the files that paths and patterns name.
///
/// * Files come in the order of the arguments; those of one pattern in the order of their names.
/// * An argument that is a path of a file means that file, whatever characters it has; else `*`, `?` and `[…]` make it
///   a pattern, in which `**` crosses directories and a leading dot must be written out.
/// * A pattern never matches directories.
/// * `format` overrides what the endings of the names tell.
///
/// # Errors
/// A path that does not exist, a pattern that matches nothing, a directory, a file named twice, an unknown ending.
pub fn resolve_sources(arguments: &[String], format: Option<FileFormat>) -> Result<Vec<SourceFile>, ImportError> {
    if arguments.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let mut files: Vec<SourceFile> = Vec::new();
    let mut seen: HashSet<PathBuf> = HashSet::new();
    for argument in arguments {
        for path in resolve_argument(argument)? {
            if !seen.insert(path.clone()) {
                return Err(ImportError::NamedTwice { file: path });
            }
            files.push(describe_file(path, format)?);
        }
    }
    Ok(files)
}

fn resolve_argument(argument: &str) -> Result<Vec<PathBuf>, ImportError> {
    let path = Path::new(argument);
    let is_pattern = argument.contains(['*', '?', '[']);
    if path.exists() || !is_pattern {
        return Ok(vec![path.to_path_buf()]);
    }
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let matches = glob::glob_with(argument, options)
        .map_err(|source| ImportError::BadPattern { pattern: argument.to_owned(), source })?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for found in matches {
        let found = found.map_err(|error| {
            let file = error.path().to_path_buf();
            ImportError::Io { file, source: error.into() }
        })?;
        if !found.is_dir() {
            paths.push(found);
        }
    }
    if paths.is_empty() {
        return Err(ImportError::NoMatch { pattern: argument.to_owned() });
    }
    paths.sort();
    Ok(paths)
}

fn describe_file(path: PathBuf, format: Option<FileFormat>) -> Result<SourceFile, ImportError> {
    let metadata: Metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ImportError::NotFound { file: path }),
        Err(source) => return Err(ImportError::Io { file: path, source }),
    };
    if metadata.is_dir() {
        return Err(ImportError::Directory { file: path });
    }
    let format = match format {
        Some(format) => format,
        None => FileFormat::of_path(&path)?,
    };
    Ok(SourceFile { path, format, size_bytes: metadata.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.parquet", "odd[1].csv"] {
            std::fs::write(folder.path().join(name), "x\n1\n").unwrap();
        }
        std::fs::create_dir(folder.path().join("sub.csv")).unwrap();
        folder
    }

    fn argument(folder: &tempfile::TempDir, name: &str) -> String {
        folder.path().join(name).to_string_lossy().into_owned()
    }

    fn resolve(arguments: &[String]) -> Result<Vec<String>, String> {
        let files = resolve_sources(arguments, None).map_err(|error| error.to_string())?;
        Ok(files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn a_pattern_gives_files_in_the_order_of_their_names_and_no_directories() {
        let folder = folder();
        assert_eq!(resolve(&[argument(&folder, "[ab].csv")]).unwrap(), vec!["a.csv", "b.csv"]);
        assert_eq!(resolve(&[argument(&folder, "*.csv")]).unwrap(), vec!["a.csv", "b.csv", "odd[1].csv"]);
    }

    #[test]
    fn an_existing_path_is_never_a_pattern() {
        let folder = folder();
        assert_eq!(resolve(&[argument(&folder, "odd[1].csv")]).unwrap(), vec!["odd[1].csv"]);
    }

    #[test]
    fn what_cannot_be_found_is_an_error_that_says_so() {
        let folder = folder();
        let missing = argument(&folder, "no.csv");
        assert_eq!(resolve(std::slice::from_ref(&missing)).unwrap_err(), format!("`{missing}` does not exist"));
        let pattern = argument(&folder, "no*.csv");
        assert_eq!(resolve(std::slice::from_ref(&pattern)).unwrap_err(), format!("no file matches `{pattern}`"));
        assert_eq!(resolve(&[]).unwrap_err(), "no file given; name at least one file or pattern, like `data/*.csv`");
    }

    #[test]
    fn a_directory_is_an_error_that_suggests_its_files() {
        let folder = folder();
        let directory = argument(&folder, "sub.csv");
        assert_eq!(
            resolve(std::slice::from_ref(&directory)).unwrap_err(),
            format!("`{directory}` is a directory; name its files, like `{directory}/*.csv`")
        );
    }

    #[test]
    fn a_file_named_twice_is_an_error() {
        let folder = folder();
        let file = argument(&folder, "a.csv");
        assert_eq!(
            resolve(&[file.clone(), argument(&folder, "*.csv")]).unwrap_err(),
            format!("`{file}` is named twice; name every file once")
        );
    }
}
