//! The file that results are written to.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that results are written to, not yet under its name.
///
/// * A regular file is written under a temporary name of its own beside it, and takes its name only in `finish`: nobody
///   ever sees half a file, and a file that was there before stays until then. Dropped before, it leaves nothing.
/// * A file that is replaced passes on its permissions; a link stays a link, and what it points to is replaced. A file
///   that may not be written is not replaced.
/// * A device or a named pipe is written to directly.
/// * Bytes are not gathered: put a buffer before it.
#[derive(Debug)]
pub struct ResultFile {
    destination: Destination,
}

#[derive(Debug)]
enum Destination {
    Staged { file: NamedTempFile, path: PathBuf },
    Special(File),
}

impl ResultFile {
    /// Opens a file. What is at its path is not touched yet, unless it is a device or a named pipe.
    ///
    /// # Errors
    /// If the file, or another beside it, cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let destination = match fs::metadata(path) {
            Ok(found) if found.is_file() => {
                // A file that may not be written must not be replaced either, though its folder would allow it.
                drop(OpenOptions::new().append(true).open(path)?);
                stage(fs::canonicalize(path)?, Some(found.permissions()))?
            }
            Ok(_) => Destination::Special(OpenOptions::new().write(true).open(path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => stage(path.to_path_buf(), None)?,
            Err(error) => return Err(error),
        };
        Ok(Self { destination })
    }

    /// Whether the bytes end up in a regular file, which can be read at any offset.
    pub fn is_regular(&self) -> bool {
        matches!(self.destination, Destination::Staged { .. })
    }

    /// Gives a complete file its name. Synced first, so that a crash cannot leave the name on an empty file.
    ///
    /// # Errors
    /// If the file cannot be synced or cannot take its name.
    pub fn finish(self) -> io::Result<()> {
        if let Destination::Staged { file, path } = self.destination {
            file.as_file().sync_all()?;
            file.persist(path).map_err(|failed| failed.error)?;
        }
        Ok(())
    }
}

fn stage(path: PathBuf, permissions: Option<Permissions>) -> io::Result<Destination> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".frostline-").suffix(".partial");
    // What any program's new file gets: the process's mask takes away from this.
    #[cfg(unix)]
    builder.permissions(Permissions::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    if let Some(permissions) = permissions {
        fs::set_permissions(file.path(), permissions)?;
    }
    Ok(Destination::Staged { file, path })
}

impl Write for ResultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.destination {
            Destination::Staged { file, .. } => file.write(bytes),
            Destination::Special(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.destination {
            Destination::Staged { file, .. } => file.flush(),
            Destination::Special(file) => file.flush(),
        }
    }
}
