//! A directory as an object store that keeps what it acknowledged.

mod directory;
mod error;
#[cfg(test)]
mod tests;
mod upload;

use std::fmt;
use std::fs::File;
use std::future;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::task::spawn_blocking;

pub(crate) use directory::create_root;
use directory::{Directory, Existing, is_key, open_original};
use error::STORE;
use upload::DurableUpload;

/// How many keys are deleted between two syncs of their directories.
const DELETE_BATCH: usize = 1000;

/// A lake's directory on the local file system.
///
/// * A put that returned success survives a power cut: the file's bytes, its name, and every directory above it up to
///   the root were synced before.
/// * An object is whole or absent: bytes go to a temporary file beside it, which takes the name in one step.
/// * [`PutMode::Create`] and a completed multipart upload never replace an object: of many at once, one succeeds.
///   `AlreadyExists` says that the object which is there is durable too.
/// * Only keys of a lake are taken: lower case ASCII letters, digits, `-`, `_`, `.` and `/`. Listings show no other.
/// * Temporary files (`.tmp-…`) are never listed and are removed on failure. A crash may leave some; they do no harm.
/// * After a directory could not be synced, every operation of this store fails: an object may be seen that a power
///   cut would take away, and reading it back must not pass for proof that it was kept.
///
/// A put into a directory that is already known costs one file, its sync, one rename and the directory's sync, in one
/// blocking task. Deleting a key that does not exist succeeds, as on S3. It needs a Tokio runtime.
///
/// [`PutMode::Update`] and attributes are not supported.
#[derive(Debug)]
pub struct DurableLocalStore {
    directory: Arc<Directory>,
    reads: LocalFileSystem,
}

impl DurableLocalStore {
    /// The store in an existing directory, named by its absolute path. Nothing is created.
    ///
    /// Fails with [`Error::NotFound`] if there is no such directory.
    pub fn try_new(root: PathBuf) -> Result<Self> {
        let directory = Directory::try_new(root)?;
        Self::over(directory)
    }

    fn over(directory: Directory) -> Result<Self> {
        let reads = LocalFileSystem::new_with_prefix(directory.root())?;
        Ok(Self { directory: Arc::new(directory), reads })
    }

    /// The directory, with symbolic links resolved.
    pub fn root(&self) -> &FsPath {
        self.directory.root()
    }
}

impl fmt::Display for DurableLocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.root().display())
    }
}

#[async_trait]
impl ObjectStore for DurableLocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let existing = match opts.mode {
            PutMode::Create => Existing::Keep,
            PutMode::Overwrite => Existing::Replace,
            PutMode::Update(_) => return Err(unsupported("a put with `PutMode::Update`")),
        };
        refuse_attributes(&opts.attributes)?;
        let directory = Arc::clone(&self.directory);
        let key = location.clone();
        let put = move || directory.write(&key, existing, |file: &File| write_payload(file, &payload));
        spawn_blocking(put).await?
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refuse_attributes(&opts.attributes)?;
        let directory = Arc::clone(&self.directory);
        let key = location.clone();
        let staged = spawn_blocking(move || directory.stage(&key)).await??;
        Ok(Box::new(DurableUpload::new(Arc::clone(&self.directory), staged)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.directory.check_key(location)?;
        self.reads.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.directory.check_key(location)?;
        self.reads.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let directory = Arc::clone(&self.directory);
        locations
            .ready_chunks(DELETE_BATCH)
            .then(move |keys: Vec<Result<Path>>| {
                let directory = Arc::clone(&directory);
                async move {
                    let deleted = spawn_blocking(move || directory.delete(keys)).await;
                    deleted.unwrap_or_else(|error| vec![Err(Error::from(error))])
                }
            })
            .flat_map(stream::iter)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Err(error) = self.directory.check_usable() {
            return stream::once(future::ready(Err(error))).boxed();
        }
        let found = self.reads.list(prefix);
        found.try_filter(|object: &ObjectMeta| future::ready(is_key(&object.location))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.directory.check_usable()?;
        let mut found = self.reads.list_with_delimiter(prefix).await?;
        found.objects.retain(|object| is_key(&object.location));
        found.common_prefixes.retain(is_key);
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let existing = match options.mode {
            CopyMode::Create => Existing::Keep,
            CopyMode::Overwrite => Existing::Replace,
        };
        let directory = Arc::clone(&self.directory);
        let (from, to) = (from.clone(), to.clone());
        let copy = move || -> Result<()> {
            let mut original = open_original(&directory.path_of(&from)?)?;
            directory.write(&to, existing, |mut file: &File| io::copy(&mut original, &mut file).map(drop))?;
            Ok(())
        };
        spawn_blocking(copy).await?
    }
}

fn write_payload(mut file: &File, payload: &PutPayload) -> io::Result<()> {
    payload.iter().try_for_each(|chunk| file.write_all(chunk))
}

fn refuse_attributes(attributes: &Attributes) -> Result<()> {
    if attributes.is_empty() { Ok(()) } else { Err(unsupported("a put with attributes")) }
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}
