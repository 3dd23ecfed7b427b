//! The files that are checked: everything in the tree that is text, but for what is built or left there by use.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A text file of the tree.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads every text file below `root`, in order of their paths. Links are not followed.
pub(crate) fn read_tree(root: &Path) -> Result<Vec<SourceFile>, TreeError> {
    let mut files: Vec<SourceFile> = Vec::new();
    read_folder(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A file or folder that cannot be read.
#[derive(Debug)]
pub(crate) struct TreeError {
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}", self.path.display())
    }
}

impl Error for TreeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

fn read_folder(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> Result<(), TreeError> {
    let folder_path = root.join(folder);
    let unreadable = |source: io::Error| TreeError { path: folder_path.clone(), source };
    for entry in fs::read_dir(&folder_path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if !is_checked(&path) {
            continue;
        }
        if kind.is_dir() {
            read_folder(root, &path, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).map_err(|source| TreeError { path: entry.path(), source })?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(SourceFile { path, text });
            }
        }
    }
    Ok(())
}

/// What git ignores is not ours to check.
fn is_checked(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !matches!(path, "target" | "frostline-lake") && !matches!(name, ".git" | "__pycache__") && !name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_or_left_by_use_is_not_checked() {
        for path in ["target", ".git", "frostline-lake", "datasets/__pycache__", "a/b.tmp"] {
            assert!(!is_checked(path), "{path}");
        }
        for path in [".ci", "catalog/src/target", "README.md"] {
            assert!(is_checked(path), "{path}");
        }
    }

    #[test]
    fn the_tree_of_this_crate_is_read_in_order_of_paths() {
        let files = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert!(paths.is_sorted());
        assert!(paths.contains(&"Cargo.toml") && paths.contains(&"src/tidy/tree.rs"), "{paths:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = read_tree(Path::new("no/such/folder")).unwrap_err();
        assert!(error.to_string().starts_with("cannot read no/such/folder"), "{error}");
    }
}
