//! What can be read only once, kept in a temporary file for as long as it is needed.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

use super::error::ImportError;

/// What a pipe held. The temporary file goes away with this value.
#[derive(Debug)]
pub(crate) struct Spooled {
    path: TempPath,
    size_bytes: u64,
}

impl Spooled {
    /// Reads something to its end. Blocks for as long as somebody may write to it.
    pub(crate) fn read(from: &Path) -> Result<Self, ImportError> {
        let mut input = File::open(from).map_err(|source| ImportError::Io { file: from.to_path_buf(), source })?;
        let failed =
            |source: io::Error| ImportError::Spool { file: from.to_path_buf(), folder: std::env::temp_dir(), source };
        let mut copy = NamedTempFile::with_prefix("frostline-").map_err(failed)?;
        let size_bytes = io::copy(&mut input, copy.as_file_mut()).map_err(failed)?;
        Ok(Self { path: copy.into_temp_path(), size_bytes })
    }

    /// Where the copy is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}
