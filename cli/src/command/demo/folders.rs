//! Where the demo's files are.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::DemoError;
use crate::exit::Failure;

/// The demo's folders.
///
/// * What is not kept goes away with the value.
/// * A folder to keep is new or empty: nothing of anyone else's is touched, and nothing of it is counted.
pub(super) struct Folders {
    scratch: TempDir,
    kept: Option<PathBuf>,
}

impl Folders {
    /// Folders for a demo whose lake is kept, if a folder is given for it. That one is not created yet.
    pub(super) fn prepare(keep: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(folder) = &keep {
            check_empty(folder)?;
        }
        let scratch = tempfile::Builder::new()
            .prefix("frostline-demo-")
            .tempdir()
            .map_err(DemoError::folder("create a folder in", &env::temp_dir()))?;
        Ok(Self { scratch, kept: keep })
    }

    /// The lake's folder, if it is kept, as the user named it.
    pub(super) fn kept(&self) -> Option<&Path> {
        self.kept.as_deref()
    }

    /// The lake's folder.
    pub(super) fn lake(&self) -> PathBuf {
        match &self.kept {
            Some(folder) => folder.clone(),
            None => self.temporary("lake"),
        }
    }

    /// A path that is gone when the demo ends.
    pub(super) fn temporary(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// How many bytes the lake's objects have.
    pub(super) fn lake_bytes(&self) -> Result<u64, Failure> {
        let lake = self.lake();
        let bytes = folder_bytes(&lake).map_err(DemoError::folder("read", &lake))?;
        Ok(bytes)
    }

    /// A copy of the lake that is gone when the demo ends.
    pub(super) fn copy_lake(&self) -> Result<PathBuf, Failure> {
        let copy = self.temporary("copy");
        copy_folder(&self.lake(), &copy).map_err(DemoError::folder("copy the lake to", &copy))?;
        Ok(copy)
    }
}

/// A folder as a lake's location: absolute, so that no name of a folder can read as a URL.
pub(super) fn location(folder: &Path) -> Result<String, Failure> {
    let absolute: PathBuf = std::path::absolute(folder).map_err(DemoError::folder("find", folder))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format!("`{}` is not UTF-8; choose another folder", path.display())))
}

fn check_empty(folder: &Path) -> Result<(), Failure> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let folder = folder.display();
            Err(Failure::usage(format!("`{folder}` is not empty; give --keep a folder that is new or empty")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DemoError::folder("read", folder)(source).into()),
    }
}

fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
