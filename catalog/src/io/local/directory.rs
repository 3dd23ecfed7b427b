//! The blocking half of the local store: files and directories, synced in the order that makes them durable.
//!
//! ```text
//! key        log/0/00000000000000000007
//! 1. create  <root>/log/0/.tmp-<process>-<counter>-<random>     and the directories that are missing
//! 2. write, sync the file
//! 3. rename to <root>/log/0/00000000000000000007                only if absent, unless it is a replacement
//! 4. sync    <root>/log/0
//! ```

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path as FsPath, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::UNIX_EPOCH;

use object_store::path::Path;
use object_store::{Error, PutResult, Result};

use super::error::{LocalFailure, failure, read_failure};

/// How a temporary file's name begins. No key has a segment that begins like this.
const TEMPORARY_PREFIX: &str = ".tmp-";

/// Numbers the temporary files of this process.
static TEMPORARY_COUNTER: AtomicU64 = AtomicU64::new(0);

/// What happens to an object that has the key already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the new one is refused.
    Keep,
    /// The new one takes its place.
    Replace,
}

/// A root directory and what is known to be durable below it.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    /// Directories whose own names were synced by this process.
    durable: Mutex<HashSet<PathBuf>>,
    /// The first directory that could not be synced.
    unsynced: OnceLock<PathBuf>,
    sync_directory: fn(&File) -> io::Result<()>,
}

/// A temporary file on its way to a key.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) file: Arc<File>,
    pub(super) temporary: Temporary,
    parent: PathBuf,
    target: PathBuf,
}

/// A temporary file's name. Unless it was taken over, the file is removed on drop.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Directory {
    /// An existing directory.
    pub(super) fn try_new(root: PathBuf) -> Result<Self> {
        Self::with_sync(root, File::sync_all)
    }

    /// An existing directory, and how directories below it are synced.
    pub(super) fn with_sync(root: PathBuf, sync_directory: fn(&File) -> io::Result<()>) -> Result<Self> {
        if !root.is_absolute() {
            return Err(LocalFailure::RelativeRoot { path: root }.into());
        }
        let resolved = fs::canonicalize(&root).map_err(|source| read_failure("open the directory", &root, source))?;
        if !resolved.is_dir() {
            return Err(failure("open the directory", &root, ErrorKind::NotADirectory.into()));
        }
        Ok(Self { root: resolved, durable: Mutex::default(), unsynced: OnceLock::new(), sync_directory })
    }

    /// The root, with symbolic links resolved.
    pub(super) fn root(&self) -> &FsPath {
        &self.root
    }

    /// Fails once a directory could not be synced.
    pub(super) fn check_usable(&self) -> Result<()> {
        match self.unsynced.get() {
            None => Ok(()),
            Some(directory) => Err(LocalFailure::Unsynced { directory: directory.clone() }.into()),
        }
    }

    /// Fails on what is no key, and once a directory could not be synced.
    pub(super) fn check_key(&self, key: &Path) -> Result<()> {
        self.check_usable()?;
        if is_key(key) { Ok(()) } else { Err(LocalFailure::RefusedKey { key: key.to_string() }.into()) }
    }

    /// The file of a key.
    pub(super) fn path_of(&self, key: &Path) -> Result<PathBuf> {
        self.check_key(key)?;
        let mut path = self.root.clone();
        path.extend(key.as_ref().split('/'));
        Ok(path)
    }

    /// Puts what `fill` writes under a key, durably.
    pub(super) fn write(
        &self,
        key: &Path,
        existing: Existing,
        fill: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<PutResult> {
        let staged = self.stage(key)?;
        fill(&staged.file).map_err(|source| failure("write", staged.temporary.path(), source))?;
        self.finish(staged, existing)
    }

    /// Creates the temporary file for a key, in a durable directory.
    pub(super) fn stage(&self, key: &Path) -> Result<Staged> {
        let target = self.path_of(key)?;
        let parent = target.parent().unwrap_or(&self.root).to_path_buf();
        self.make_durable(&parent)?;
        let created = match create_temporary(&parent) {
            // Somebody removed a directory that is remembered here.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.durable().clear();
                self.make_durable(&parent)?;
                create_temporary(&parent)
            }
            created => created,
        };
        let (file, temporary) = created.map_err(|source| failure("create a temporary file in", &parent, source))?;
        Ok(Staged { file: Arc::new(file), temporary, parent, target })
    }

    /// Makes a temporary file durable under its key.
    pub(super) fn finish(&self, staged: Staged, existing: Existing) -> Result<PutResult> {
        let Staged { file, mut temporary, parent, target } = staged;
        file.sync_all().map_err(|source| failure("sync", temporary.path(), source))?;
        let metadata = file.metadata().map_err(|source| failure("examine", temporary.path(), source))?;
        drop(file);
        // Opened before the object can be seen: running out of file handles must not leave a name that was not synced.
        let handle = File::open(&parent).map_err(|source| failure("open the directory", &parent, source))?;

        let placed = match existing {
            Existing::Replace => fs::rename(temporary.path(), &target).map(|()| temporary.renamed = true),
            Existing::Keep => place_if_absent(&mut temporary, &target),
        };
        // After a hard link the temporary name goes away before the directory is synced.
        drop(temporary);
        // Also after an error: the object that took the key may be another writer's, who has not come so far, or this
        // one, if the error is not the whole truth. Whoever reads the key next may rely on what it holds.
        self.sync(&handle, &parent)?;
        match placed {
            Ok(()) => Ok(PutResult { e_tag: Some(e_tag(&metadata)), version: None }),
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                let path = target.display().to_string();
                Err(Error::AlreadyExists { path, source: LocalFailure::Taken { path: target, source }.into() })
            }
            Err(source) => Err(failure("put in place", &target, source)),
        }
    }

    /// Deletes objects, then syncs each directory that lost one. Every key has its own result, in the same order.
    pub(super) fn delete(&self, keys: Vec<Result<Path>>) -> Vec<Result<Path>> {
        let removed: Vec<Result<(Path, Option<PathBuf>)>> =
            keys.into_iter().map(|key| key.and_then(|key| self.remove(key))).collect();
        let parents: HashSet<PathBuf> = removed.iter().flatten().filter_map(|(_, parent)| parent.clone()).collect();
        let mut failed: HashMap<PathBuf, io::Error> = HashMap::new();
        for parent in parents {
            let synced = File::open(&parent).and_then(|handle| self.sync_raw(&handle, &parent));
            if let Err(error) = synced {
                failed.insert(parent, error);
            }
        }
        let outcome = |removed: Result<(Path, Option<PathBuf>)>| -> Result<Path> {
            let (key, parent) = removed?;
            match parent.and_then(|parent| failed.get(&parent).map(|error| (parent, same_error(error)))) {
                None => Ok(key),
                Some((parent, error)) => Err(failure("sync the directory", &parent, error)),
            }
        };
        removed.into_iter().map(outcome).collect()
    }

    /// Deletes one object; says which directory lost a name.
    fn remove(&self, key: Path) -> Result<(Path, Option<PathBuf>)> {
        let path = self.path_of(&key)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok((key, path.parent().map(FsPath::to_path_buf))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((key, None)),
            Err(source) => Err(failure("delete", &path, source)),
        }
    }

    /// Creates a directory below the root if it is missing, and syncs the names that lead to it.
    ///
    /// The root itself is never created.
    fn make_durable(&self, directory: &FsPath) -> Result<()> {
        if directory == self.root || self.durable().contains(directory) {
            return Ok(());
        }
        let parent = directory.parent().unwrap_or(&self.root);
        self.make_durable(parent)?;
        match fs::create_dir(directory) {
            Ok(()) => {}
            // Whoever created it may not have synced its name.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failure("create the directory", directory, source)),
        }
        let handle = File::open(parent).map_err(|source| failure("open the directory", parent, source))?;
        self.sync(&handle, parent)?;
        self.durable().insert(directory.to_path_buf());
        Ok(())
    }

    fn sync(&self, handle: &File, directory: &FsPath) -> Result<()> {
        self.sync_raw(handle, directory).map_err(|source| failure("sync the directory", directory, source))
    }

    /// A failure is remembered: the kernel reports it once, so a second sync would prove nothing.
    fn sync_raw(&self, handle: &File, directory: &FsPath) -> io::Result<()> {
        (self.sync_directory)(handle).inspect_err(|_| {
            self.unsynced.get_or_init(|| directory.to_path_buf());
        })
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staged {
    /// Where the object will be.
    pub(super) fn target(&self) -> &FsPath {
        &self.target
    }
}

impl Temporary {
    pub(super) fn path(&self) -> &FsPath {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed stays hidden.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a path is a key of a lake.
pub(super) fn is_key(key: &Path) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    key.as_ref().split('/').all(|segment| {
        !segment.is_empty()
            && segment.bytes().all(is_allowed)
            && segment != "."
            && segment != ".."
            && !segment.starts_with(TEMPORARY_PREFIX)
    })
}

/// Opens what is to be copied.
pub(super) fn open_original(path: &FsPath) -> Result<File> {
    File::open(path).map_err(|source| read_failure("open", path, source))
}

/// Creates a lake's directory and those above it, and syncs their names.
pub(crate) fn create_root(root: &FsPath) -> io::Result<()> {
    let parent = root.parent();
    match (fs::create_dir(root), parent) {
        (Err(error), Some(parent)) if error.kind() == ErrorKind::NotFound => {
            create_root(parent)?;
            match fs::create_dir(root) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        (Err(error), parent) if error.kind() == ErrorKind::AlreadyExists && root.is_dir() => {
            // Best effort: what it stands in may be another's, not readable or not writable.
            let _ = parent.map(|parent| File::open(parent).and_then(|handle| handle.sync_all()));
            return Ok(());
        }
        (created, _) => created?,
    }
    match parent {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn create_temporary(directory: &FsPath) -> io::Result<(File, Temporary)> {
    loop {
        let counter = TEMPORARY_COUNTER.fetch_add(1, Ordering::Relaxed);
        // The random part keeps processes apart that have the same id, in containers that share a volume.
        let name = format!("{TEMPORARY_PREFIX}{}-{counter}-{:016x}", process::id(), fastrand::u64(..));
        let path = directory.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, Temporary { path, renamed: false })),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a temporary file its name, unless the name is taken.
fn place_if_absent(temporary: &mut Temporary, target: &FsPath) -> io::Result<()> {
    if let Some(renamed) = rename_if_absent(&temporary.path, target) {
        temporary.renamed = renamed.is_ok();
        return renamed;
    }
    fs::hard_link(&temporary.path, target)
}

/// `renameat2` with `RENAME_NOREPLACE`; nothing if the file system does not know it (NFS, FUSE, a strict sandbox).
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_if_absent(from: &FsPath, to: &FsPath) -> Option<io::Result<()>> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::PERM];
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Some(Ok(())),
        Err(errno) if unsupported.contains(&errno) => None,
        Err(errno) => Some(Err(errno.into())),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_if_absent(_from: &FsPath, _to: &FsPath) -> Option<io::Result<()>> {
    None
}

/// The same scheme as the reading half's, so that a put and a later head agree: inode, time in microseconds, size.
fn e_tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{:x}-{:x}-{:x}", metadata.ino(), modified.as_micros(), metadata.len())
}

fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}
