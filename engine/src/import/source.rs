//! Which files an import reads.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ImportError;
use super::format::{FileFormat, UnknownFormat};
use super::spool::Spooled;

/// A file to read.
///
/// A pipe, or whatever else can be read only once, was read into a temporary file when it was found, because files are
/// looked at before their rows are read. The temporary file is removed with the last clone of this.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it is, as it was named.
    pub path: PathBuf,
    /// What it holds.
    pub format: FileFormat,
    /// How long it is, in bytes, when it was found.
    pub size_bytes: u64,
    /// What it held, if it could be read only once.
    pub(crate) spooled: Option<Arc<Spooled>>,
}

impl SourceFile {
    /// Opens what there is to read, at its beginning.
    pub(crate) fn open(&self) -> Result<File, ImportError> {
        File::open(self.content()).map_err(|source| ImportError::Io { file: self.path.clone(), source })
    }

    /// Where what there is to read is.
    pub(crate) fn content(&self) -> &Path {
        self.spooled.as_ref().map_or(self.path.as_path(), |spooled| spooled.path())
    }
}

/// Finds the files that paths and patterns name. Blocks, and reads pipes to their end.
///
/// * Files come in the order of the arguments; those of one pattern in the order of their names.
/// * An argument that is a path of a file means that file, whatever characters it has; else `*`, `?` and `[…]` make it
///   a pattern, in which `**` crosses directories and a leading dot must be written out.
/// * A pattern never matches directories.
/// * `format` overrides what the endings of the names tell.
///
/// # Errors
/// A path that does not exist, a pattern that matches nothing, a directory, a file named twice, in whatever spelling,
/// an unknown ending, a pipe that cannot be copied to a temporary file.
pub fn resolve_sources(arguments: &[String], format: Option<FileFormat>) -> Result<Vec<SourceFile>, ImportError> {
    if arguments.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut seen: HashMap<PathBuf, PathBuf> = HashMap::new();
    for argument in arguments {
        for path in resolve_argument(argument)? {
            // What is not there is found to be so below, and a pipe has a name only.
            let place = path.canonicalize().unwrap_or_else(|_| path.clone());
            match seen.insert(place, path.clone()) {
                None => paths.push(path),
                Some(other) if other == path => return Err(ImportError::NamedTwice { file: path }),
                Some(other) => return Err(ImportError::SameFile { file: path, other }),
            }
        }
    }
    paths.into_iter().map(|path| describe_file(path, format)).collect()
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ImportError::NotFound { file: path }),
        Err(source) => return Err(ImportError::Io { file: path, source }),
    };
    if metadata.is_dir() {
        return Err(ImportError::Directory { file: path });
    }
    let is_file = can_be_read_again(&path, &metadata);
    let format = match (format, FileFormat::of_path(&path)) {
        (Some(format), _) | (None, Ok(format)) => format,
        (None, Err(error)) if is_file => return Err(error.into()),
        (None, Err(_)) => return Err(UnknownFormat::Pipe { file: path }.into()),
    };
    if is_file {
        return Ok(SourceFile { path, format, size_bytes: metadata.len(), spooled: None });
    }
    let spooled = Spooled::read(&path)?;
    Ok(SourceFile { path, format, size_bytes: spooled.size_bytes(), spooled: Some(Arc::new(spooled)) })
}

/// Whether a file begins anew each time it is opened. Elsewhere than on Linux, what is opened by a name such as
/// `/dev/stdin` goes on where its last reader stopped, be it a file or a pipe.
fn can_be_read_again(path: &Path, metadata: &Metadata) -> bool {
    metadata.is_file() && (cfg!(target_os = "linux") || !path.starts_with("/dev"))
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

    #[cfg(unix)]
    #[test]
    fn a_file_under_two_names_is_an_error() {
        let folder = folder();
        let file = argument(&folder, "a.csv");
        let other = argument(&folder, "sub.csv/../a.csv");
        assert_eq!(
            resolve(&[file.clone(), other.clone()]).unwrap_err(),
            format!("`{other}` and `{file}` are the same file; name every file once")
        );
        std::os::unix::fs::symlink(&file, folder.path().join("link.csv")).unwrap();
        let link = argument(&folder, "link.csv");
        assert_eq!(
            resolve(&[file.clone(), link.clone()]).unwrap_err(),
            format!("`{link}` and `{file}` are the same file; name every file once")
        );
    }
}
