//! Requests to a store at a distance, counted: each takes a round trip, and some stores are paid by the request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// How many requests were sent, by kind, and how many bytes they carried.
///
/// * A request that failed counts like one that succeeded. One that the client repeated by itself counts once.
/// * The parts of an upload count as puts, and so do its beginning and its end.
/// * Of deletions the keys are counted; a store may take many in one request.
/// * Bytes read are those that the answers promised. Keys, lists and what is known about objects do not count.
///
/// [`fmt::Display`] shows what is not 0: `2 get, 1 put, 1024 bytes read, 310 bytes written`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Objects or ranges of them that were read.
    pub gets: u64,
    /// Objects of which only size and date were asked for.
    pub heads: u64,
    /// Objects and parts that were written.
    pub puts: u64,
    /// Listings.
    pub lists: u64,
    /// Keys that were deleted.
    pub deletes: u64,
    /// Bytes of objects that were read.
    pub bytes_read: u64,
    /// Bytes of objects that were written.
    pub bytes_written: u64,
}

impl Requests {
    /// What was sent since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            gets: self.gets.saturating_sub(earlier.gets),
            heads: self.heads.saturating_sub(earlier.heads),
            puts: self.puts.saturating_sub(earlier.puts),
            lists: self.lists.saturating_sub(earlier.lists),
            deletes: self.deletes.saturating_sub(earlier.deletes),
            bytes_read: self.bytes_read.saturating_sub(earlier.bytes_read),
            bytes_written: self.bytes_written.saturating_sub(earlier.bytes_written),
        }
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            (self.gets, "get"),
            (self.heads, "head"),
            (self.puts, "put"),
            (self.lists, "list"),
            (self.deletes, "delete"),
            (self.bytes_read, "bytes read"),
            (self.bytes_written, "bytes written"),
        ];
        let shown: Vec<String> =
            numbers.iter().filter(|(number, _)| *number > 0).map(|(number, name)| format!("{number} {name}")).collect();
        if shown.is_empty() { f.write_str("none") } else { f.write_str(&shown.join(", ")) }
    }
}

/// Where stores note the requests that they send. Clones are handles of the same numbers.
#[derive(Clone, Debug, Default)]
pub struct RequestCounter {
    numbers: Arc<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    gets: AtomicU64,
    heads: AtomicU64,
    puts: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

impl RequestCounter {
    /// The requests so far.
    pub fn requests(&self) -> Requests {
        let number = |counted: &AtomicU64| counted.load(Ordering::Relaxed);
        Requests {
            gets: number(&self.numbers.gets),
            heads: number(&self.numbers.heads),
            puts: number(&self.numbers.puts),
            lists: number(&self.numbers.lists),
            deletes: number(&self.numbers.deletes),
            bytes_read: number(&self.numbers.bytes_read),
            bytes_written: number(&self.numbers.bytes_written),
        }
    }

    fn note_put(&self, bytes: usize) {
        add(&self.numbers.puts, 1);
        add(&self.numbers.bytes_written, bytes as u64);
    }
}

fn add(number: &AtomicU64, more: u64) {
    number.fetch_add(more, Ordering::Relaxed);
}

/// A store in front of another one, which notes every request.
///
/// [`ObjectStore::get_ranges`] sends its ranges as gets, neighbours joined, as the clients of distant stores do.
#[derive(Debug)]
pub struct CountingStore {
    inner: Arc<dyn ObjectStore>,
    counter: RequestCounter,
}

impl CountingStore {
    /// The store, which notes its requests in a counter.
    pub fn new(inner: Arc<dyn ObjectStore>, counter: RequestCounter) -> Self {
        Self { inner, counter }
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it counts is no business of those who read an error.
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.counter.note_put(payload.content_length());
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.counter.note_put(0);
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(CountingUpload { inner, counter: self.counter.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        add(if is_head { &self.counter.numbers.heads } else { &self.counter.numbers.gets }, 1);
        let answer = self.inner.get_opts(location, options).await?;
        if !is_head {
            add(&self.counter.numbers.bytes_read, answer.range.end.saturating_sub(answer.range.start));
        }
        Ok(answer)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let counter = self.counter.clone();
        let counted = locations.inspect(move |location: &Result<Path>| {
            if location.is_ok() {
                add(&counter.numbers.deletes, 1);
            }
        });
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        add(&self.counter.numbers.lists, 1);
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        add(&self.counter.numbers.lists, 1);
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        add(&self.counter.numbers.lists, 1);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.counter.note_put(0);
        self.inner.copy_opts(from, to, options).await
    }
}

/// An upload whose parts are counted.
#[derive(Debug)]
struct CountingUpload {
    inner: Box<dyn MultipartUpload>,
    counter: RequestCounter,
}

#[async_trait]
impl MultipartUpload for CountingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.counter.note_put(data.content_length());
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.counter.note_put(0);
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        add(&self.counter.numbers.deletes, 1);
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    fn counting() -> (CountingStore, RequestCounter) {
        let counter = RequestCounter::default();
        (CountingStore::new(Arc::new(InMemory::new()), counter.clone()), counter)
    }

    #[tokio::test]
    async fn every_kind_of_request_is_counted_with_its_bytes() {
        let (store, counter) = counting();
        let key = Path::from("log/1");
        store.put(&key, "0123456789".into()).await.unwrap();
        store.get(&key).await.unwrap().bytes().await.unwrap();
        store.get_range(&key, 2..5).await.unwrap();
        store.head(&key).await.unwrap();
        store.get(&Path::from("absent")).await.unwrap_err();
        store.list_with_delimiter(None).await.unwrap();
        store.delete(&key).await.unwrap();
        let expected = Requests { gets: 3, heads: 1, puts: 1, lists: 1, deletes: 1, bytes_read: 13, bytes_written: 10 };
        assert_eq!(counter.requests(), expected);
    }

    #[tokio::test]
    async fn an_upload_is_its_beginning_its_parts_and_its_end() {
        let (store, counter) = counting();
        let mut upload = store.put_multipart(&Path::from("a")).await.unwrap();
        upload.put_part("first".into()).await.unwrap();
        upload.put_part("second".into()).await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(counter.requests(), Requests { puts: 4, bytes_written: 11, ..Requests::default() });
    }

    #[tokio::test]
    async fn ranges_that_are_far_apart_are_requests_of_their_own() {
        let (store, counter) = counting();
        let key = Path::from("a");
        store.put(&key, vec![7u8; 8 * 1024 * 1024].into()).await.unwrap();
        let before = counter.requests();
        store.get_ranges(&key, &[0..10, 20..30, 5_000_000..5_000_010]).await.unwrap();
        assert_eq!(counter.requests().since(&before).gets, 2);
    }

    #[test]
    fn only_what_is_not_nothing_is_shown() {
        let requests = Requests { gets: 2, puts: 1, bytes_read: 1024, ..Requests::default() };
        assert_eq!(requests.to_string(), "2 get, 1 put, 1024 bytes read");
        assert_eq!(Requests::default().to_string(), "none");
        assert_eq!(requests.since(&requests), Requests::default());
    }
}
