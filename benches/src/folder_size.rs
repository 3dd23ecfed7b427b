//! How large a folder is.

use std::fs;
use std::io;
use std::path::Path;

/// The files below a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FolderSize {
    /// Their apparent lengths, added.
    pub(crate) bytes: u64,
    /// How many there are.
    pub(crate) files: u64,
}

impl FolderSize {
    /// The size of everything below a folder, whatever it is called. Folders themselves do not count.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let mut size = Self::default();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                let inner = Self::of(&entry.path())?;
                size.bytes += inner.bytes;
                size.files += inner.files;
            } else {
                size.bytes += metadata.len();
                size.files += 1;
            }
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_below_counts() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("a"), [0; 10]).unwrap();
        fs::write(folder.path().join("inner/.b"), [0; 5]).unwrap();
        assert_eq!(FolderSize::of(folder.path()).unwrap(), FolderSize { bytes: 15, files: 2 });
    }
}
