//! How the local store says what failed.

use std::io::{self, ErrorKind};
use std::path::{Path as FsPath, PathBuf};

use object_store::Error;

/// The name that errors show.
pub(super) const STORE: &str = "DurableLocalStore";

/// What went wrong, between an [`Error`] of the store and the operating system's.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalFailure {
    #[error("cannot {action} `{}`", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is taken", path.display())]
    Taken { path: PathBuf, source: io::Error },
    #[error(
        "`{}` could not be synced earlier, so a power cut may take away what it shows; check the disk, restart and \
         verify the lake",
        directory.display()
    )]
    Unsynced { directory: PathBuf },
    #[error("`{key}` is no key of a lake; a key is made of lower case letters, digits, `-`, `_`, `.` and `/`")]
    RefusedKey { key: String },
    #[error("the root `{}` must be an absolute path", path.display())]
    RelativeRoot { path: PathBuf },
    #[error("the upload to `{}` is over, it was completed or aborted", path.display())]
    UploadOver { path: PathBuf },
    #[error("the upload to `{}` lacks parts: {written} of {expected} bytes were written", path.display())]
    UploadIncomplete { path: PathBuf, written: u64, expected: u64 },
}

impl From<LocalFailure> for Error {
    fn from(failure: LocalFailure) -> Self {
        Self::Generic { store: STORE, source: Box::new(failure) }
    }
}

/// An error of the store for an error of the operating system.
pub(super) fn failure(action: &'static str, path: &FsPath, source: io::Error) -> Error {
    let denied = source.kind() == ErrorKind::PermissionDenied;
    let failure = LocalFailure::Io { action, path: path.to_path_buf(), source };
    if denied {
        Error::PermissionDenied { path: path.display().to_string(), source: Box::new(failure) }
    } else {
        failure.into()
    }
}

/// As [`failure`], for what the caller expected to be there.
pub(super) fn read_failure(action: &'static str, path: &FsPath, source: io::Error) -> Error {
    if source.kind() == ErrorKind::NotFound {
        let failure = LocalFailure::Io { action, path: path.to_path_buf(), source };
        Error::NotFound { path: path.display().to_string(), source: Box::new(failure) }
    } else {
        failure(action, path, source)
    }
}
