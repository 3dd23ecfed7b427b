//! A multipart upload into one temporary file.

use std::fs::File;
use std::future;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::FutureExt;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use tokio::task::spawn_blocking;

use super::directory::{Directory, Existing, Staged};
use super::error::{LocalFailure, failure};

/// Parts, written to their places in one temporary file in any order.
///
/// * Nothing is seen under the key before [`MultipartUpload::complete`], which never replaces an object.
/// * It completes only if every part was written.
/// * Dropped or aborted, it leaves no file.
#[derive(Debug)]
pub(super) struct DurableUpload {
    directory: Arc<Directory>,
    /// Nothing once it was completed or aborted.
    staged: Option<Staged>,
    target: PathBuf,
    /// Bytes of all parts so far: where the next one begins.
    expected: u64,
    /// Bytes of the parts that were written.
    written: Arc<AtomicU64>,
}

impl DurableUpload {
    pub(super) fn new(directory: Arc<Directory>, staged: Staged) -> Self {
        let target = staged.target().to_path_buf();
        Self { directory, staged: Some(staged), target, expected: 0, written: Arc::default() }
    }

    fn over(&self) -> Error {
        LocalFailure::UploadOver { path: self.target.clone() }.into()
    }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let Some(staged) = &self.staged else {
            return future::ready(Err(self.over())).boxed();
        };
        let begin = self.expected;
        self.expected += data.content_length() as u64;
        let file: Arc<File> = Arc::clone(&staged.file);
        let path = staged.temporary.path().to_path_buf();
        let written = Arc::clone(&self.written);
        let write = move || -> Result<()> {
            let mut position = begin;
            for chunk in data.iter() {
                file.write_all_at(chunk, position).map_err(|source| failure("write", &path, source))?;
                position += chunk.len() as u64;
            }
            written.fetch_add(position - begin, Ordering::AcqRel);
            Ok(())
        };
        async move {
            match spawn_blocking(write).await {
                Ok(outcome) => outcome,
                Err(error) => Err(Error::from(error)),
            }
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Some(staged) = self.staged.take() else {
            return Err(self.over());
        };
        let (written, expected) = (self.written.load(Ordering::Acquire), self.expected);
        let path = self.target.clone();
        let directory = Arc::clone(&self.directory);
        let finish = move || -> Result<PutResult> {
            if written != expected {
                return Err(LocalFailure::UploadIncomplete { path, written, expected }.into());
            }
            directory.finish(staged, Existing::Keep)
        };
        spawn_blocking(finish).await?
    }

    async fn abort(&mut self) -> Result<()> {
        let Some(staged) = self.staged.take() else {
            return Err(self.over());
        };
        spawn_blocking(move || drop(staged)).await?;
        Ok(())
    }
}
