//! The floor of a durable commit: what the file system takes to keep one small file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// As long as a slot of one row at most is.
const FILE_BYTES: usize = 4096;

/// Keeps files durably, as any store must that puts a new file in place only if its name is free: create, write, fsync,
/// link to the name, fsync the folder.
#[derive(Debug)]
pub(crate) struct DurableFiles {
    folder: PathBuf,
    opened: File,
    next: u64,
}

impl DurableFiles {
    /// Files in an existing folder.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self { folder: folder.to_path_buf(), opened: File::open(folder)?, next: 0 })
    }

    /// Keeps one more file, and says how long that took.
    pub(crate) fn keep(&mut self) -> io::Result<Duration> {
        let bytes = [0x5a_u8; FILE_BYTES];
        let temporary = self.folder.join(".temporary");
        let name = self.folder.join(self.next.to_string());
        self.next += 1;
        let started = Instant::now();
        let mut file = File::create_new(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::hard_link(&temporary, &name)?;
        self.opened.sync_all()?;
        let took = started.elapsed();
        fs::remove_file(&temporary)?;
        Ok(took)
    }
}
