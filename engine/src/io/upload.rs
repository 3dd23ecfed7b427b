//! Uploading frozen segments.

use bytes::Bytes;
use frostline_catalog::io::StoreError;
use frostline_catalog::segment::FrozenObject;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, Result};
use tokio::runtime::Handle;

use crate::write::EncodedSegment;

/// An object of more bytes goes up in parts of so many. A client gives one request 30 seconds, and a whole segment
/// takes longer on a link of less than 36 Mbit/s. S3 wants parts of at least 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// How many parts are under way at once. More would share a slow link, and each take longer.
const PARTS_AT_ONCE: usize = 2;

/// Puts a segment's object and says what it is. The key is this upload's own, so nothing can be there yet.
///
/// # Errors
/// If the store fails; then nothing names the object, if it is there.
pub async fn upload_segment(store: &dyn ObjectStore, segment: EncodedSegment) -> Result<FrozenObject, StoreError> {
    let object = segment.object(&nonce());
    let key = Path::from(object.key.as_str());
    let put = match segment.bytes.len() {
        0..=PART_BYTES => store.put(&key, PutPayload::from_bytes(segment.bytes)).await.map(drop),
        _ => put_in_parts(store, &key, segment.bytes).await,
    };
    put.map(|()| object).map_err(|error| StoreError::new("write", &key, error))
}

async fn put_in_parts(store: &dyn ObjectStore, key: &Path, bytes: Bytes) -> Result<()> {
    let mut upload = Upload(Some(store.put_multipart(key).await?));
    let parts = upload.0.as_mut().expect("it is taken away when it ends");
    let sent = send_parts(parts.as_mut(), bytes).await;
    if sent.is_err() {
        // If that fails too, what the caller learns is why the upload did.
        let _ = parts.abort().await;
    }
    upload.0 = None;
    sent
}

/// An upload under way. Parts of one that was given up take room until they are removed, so that it is taken back if
/// nobody waits for it any more.
struct Upload(Option<Box<dyn MultipartUpload>>);

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}

async fn send_parts(upload: &mut dyn MultipartUpload, bytes: Bytes) -> Result<()> {
    let length = bytes.len();
    let parts = (0..length).step_by(PART_BYTES).map(|begin| bytes.slice(begin..length.min(begin + PART_BYTES)));
    let requests = stream::iter(parts).map(|part| upload.put_part(PutPayload::from_bytes(part)));
    requests.buffer_unordered(PARTS_AT_ONCE).try_collect::<Vec<()>>().await?;
    upload.complete().await.map(drop)
}

/// 64 random bits in hexadecimal.
fn nonce() -> String {
    let bytes = frostline_catalog::CommitId::random();
    bytes.bytes()[8..].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use futures::future::{self, FutureExt};
    use futures::stream::BoxStream;
    use object_store::memory::InMemory;
    use object_store::{
        CopyOptions, Error, GetOptions, GetResult, ListResult, ObjectMeta, PutMultipartOptions, PutOptions, PutResult,
        UploadPart,
    };

    use super::*;

    /// A store that refuses requests of more than a part, and may lose a part, or never answer for it.
    #[derive(Debug)]
    struct SlowLink {
        inner: InMemory,
        lost_part: Option<usize>,
        hangs: bool,
        parts: Arc<Mutex<Vec<usize>>>,
        aborted: Arc<Mutex<bool>>,
    }

    #[derive(Debug)]
    struct SlowUpload {
        inner: Box<dyn MultipartUpload>,
        lost_part: Option<usize>,
        hangs: bool,
        parts: Arc<Mutex<Vec<usize>>>,
        aborted: Arc<Mutex<bool>>,
    }

    fn timeout() -> Error {
        Error::Generic { store: "SlowLink", source: "the request took too long".into() }
    }

    impl fmt::Display for SlowLink {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("SlowLink")
        }
    }

    #[async_trait]
    impl ObjectStore for SlowLink {
        async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
            if payload.content_length() > PART_BYTES {
                return Err(timeout());
            }
            self.inner.put_opts(location, payload, opts).await
        }

        async fn put_multipart_opts(
            &self,
            location: &Path,
            opts: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            let inner = self.inner.put_multipart_opts(location, opts).await?;
            let (parts, aborted) = (Arc::clone(&self.parts), Arc::clone(&self.aborted));
            Ok(Box::new(SlowUpload { inner, lost_part: self.lost_part, hangs: self.hangs, parts, aborted }))
        }

        async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
            self.inner.get_opts(location, options).await
        }

        fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            self.inner.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.inner.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.inner.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, options).await
        }
    }

    #[async_trait]
    impl MultipartUpload for SlowUpload {
        fn put_part(&mut self, data: PutPayload) -> UploadPart {
            let mut parts = self.parts.lock().unwrap();
            parts.push(data.content_length());
            if self.hangs {
                return future::pending().boxed();
            }
            if self.lost_part == Some(parts.len()) || data.content_length() > PART_BYTES {
                return future::ready(Err(timeout())).boxed();
            }
            self.inner.put_part(data)
        }

        async fn complete(&mut self) -> Result<PutResult> {
            self.inner.complete().await
        }

        async fn abort(&mut self) -> Result<()> {
            *self.aborted.lock().unwrap() = true;
            self.inner.abort().await
        }
    }

    fn link(lost_part: Option<usize>) -> SlowLink {
        SlowLink { inner: InMemory::new(), lost_part, hangs: false, parts: Arc::default(), aborted: Arc::default() }
    }

    fn segment(length: usize) -> EncodedSegment {
        let object: Vec<u8> = (0..length).map(|place| (place / 1000) as u8).collect();
        EncodedSegment::new(object, 1, 0, Bytes::new())
    }

    #[tokio::test]
    async fn a_large_segment_goes_up_in_parts_that_a_slow_link_carries() {
        for (length, parts) in [
            (PART_BYTES, vec![]),
            (PART_BYTES + 1, vec![PART_BYTES, 1]),
            (3 * PART_BYTES, vec![PART_BYTES, PART_BYTES, PART_BYTES]),
        ] {
            let link = link(None);
            let segment = segment(length);
            let bytes = segment.bytes.clone();
            let object = upload_segment(&link, segment).await.unwrap();
            let stored = link.get(&Path::from(object.key)).await.unwrap().bytes().await.unwrap();
            assert!(stored == bytes, "{length} bytes");
            assert_eq!(*link.parts.lock().unwrap(), parts);
        }
    }

    #[tokio::test]
    async fn an_upload_that_fails_leaves_no_parts() {
        let link = link(Some(2));
        upload_segment(&link, segment(2 * PART_BYTES)).await.unwrap_err();
        assert!(*link.aborted.lock().unwrap());
    }

    #[tokio::test]
    async fn an_upload_that_nobody_waits_for_any_more_is_taken_back() {
        let link = SlowLink { hangs: true, ..link(None) };
        let given_up = upload_segment(&link, segment(2 * PART_BYTES)).now_or_never();
        assert!(given_up.is_none() && !link.parts.lock().unwrap().is_empty(), "it hangs at its first parts");
        tokio::task::yield_now().await;
        assert!(*link.aborted.lock().unwrap());
    }

    #[tokio::test]
    async fn an_upload_that_succeeds_is_not_taken_back() {
        let link = link(None);
        upload_segment(&link, segment(2 * PART_BYTES)).await.unwrap();
        tokio::task::yield_now().await;
        assert!(!*link.aborted.lock().unwrap());
    }
}
