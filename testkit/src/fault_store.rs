//! A store that loses requests and answers, fills up and damages bytes, as a plan says.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// The name that errors show.
const STORE: &str = "FaultStore";

/// A function that decides what happens to the n-th call of an operation.
type Plan = Box<dyn Fn(Operation, &Path, u64) -> Fault + Send + Sync>;

/// A store in front of another one, with a plan of faults.
///
/// * Every request asks the plan once, with its operation, its key and its number among the calls of that operation
///   (the first is 1).
/// * A copy and a multipart upload each count as one put, of the key that they create.
/// * [`ObjectStore::get_ranges`] sends its ranges as separate gets, neighbours joined, as a client of S3 does.
/// * Without concurrency, a plan meets the same calls in the same order in every run.
/// * It may answer late ([`FaultStore::with_delay`]), and have a clock of its own ([`FaultStore::set_clock`]).
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    script: Arc<Script>,
    delay: Duration,
    /// How long after the beginning of 1970 every object was last changed; `None` for what the store behind says.
    clock: Mutex<Option<Duration>>,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Writes an object: put, copy, multipart upload.
    Put,
    /// Reads an object or a range of it.
    Get,
    /// Reads what is known about an object.
    Head,
    /// Deletes one object.
    Delete,
    /// Lists keys. The plan is given the prefix.
    List,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It succeeds or fails as the store behind says.
    None,
    /// It is lost: the store behind never sees it. The caller sees a broken connection.
    FailBefore,
    /// Its answer is lost: the store behind does it. The caller sees a broken connection.
    FailAfter,
    /// A put finds no space and leaves nothing. Other operations are not concerned.
    Full,
    /// A byte is flipped: a put stores it so, a get returns it so. Other operations are not concerned.
    Corrupt {
        /// The byte's position; counted on from the start where the bytes end before.
        byte: u64,
    },
    /// A put stores, a get returns and a listing shows only the beginning, and says nothing. Other operations are not
    /// concerned.
    Truncate {
        /// How many bytes, or keys, are left.
        len: u64,
    },
    /// A put replaces an object that it should not replace. Other operations are not concerned.
    Overwrite,
    /// A get or a head does not find what is there. Other operations are not concerned.
    Unseen,
}

/// How many calls of each operation a store has seen, those that failed included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Puts, copies and multipart uploads.
    pub puts: u64,
    /// Gets.
    pub gets: u64,
    /// Heads.
    pub heads: u64,
    /// Deleted keys.
    pub deletes: u64,
    /// Listings.
    pub lists: u64,
}

/// How likely faults are, each from 0 to 1, for a plan that is drawn from a seed. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// A put is lost.
    pub lost_put_before: f64,
    /// A put lands and its answer is lost.
    pub lost_put_after: f64,
    /// A put finds no space.
    pub full_put: f64,
    /// A get or a head is lost.
    pub lost_get: f64,
    /// A get returns a flipped byte.
    pub corrupt_get: f64,
    /// A get returns only a beginning.
    pub truncated_get: f64,
    /// A delete is lost.
    pub lost_delete_before: f64,
    /// A delete is done and its answer is lost.
    pub lost_delete_after: f64,
    /// A listing is lost.
    pub lost_list: f64,
}

/// The largest position of a flipped byte and length of a truncated answer that a drawn plan uses.
const DAMAGE_BYTES_MAX: u64 = 4096;

struct Script {
    plan: Plan,
    calls: [AtomicU64; 5],
}

impl FaultStore {
    /// A store with a plan: from the operation, the key and the number of the call, counted from 1, to what happens.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        plan: impl Fn(Operation, &Path, u64) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let plan: Plan = Box::new(plan);
        let script = Arc::new(Script { plan, calls: Default::default() });
        Self { inner, script, delay: Duration::ZERO, clock: Mutex::default() }
    }

    /// A store whose faults are drawn from a seed. The same seed and the same calls give the same faults.
    pub fn seeded(inner: Arc<dyn ObjectStore>, seed: u64, faults: Faults) -> Self {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        Self::new(inner, move |operation: Operation, _key: &Path, _call: u64| {
            let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
            faults.draw(operation, &mut random)
        })
    }

    /// A store without faults, which counts.
    pub fn counting(inner: Arc<dyn ObjectStore>) -> Self {
        Self::new(inner, |_operation: Operation, _key: &Path, _call: u64| Fault::None)
    }

    /// The same store, which begins to deal with a request only after so long. Streams of keys and the parts of
    /// uploads are not delayed. Meant for tests in which time is paused.
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Sets the store's clock, in microseconds since 1970, and stops it: every object that is read from now on says
    /// that it was last changed then.
    pub fn set_clock(&self, micros: u64) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Duration::from_micros(micros));
    }

    /// Dates an object by the store's clock.
    fn date(&self, meta: &mut ObjectMeta) {
        if let Some(since_1970) = *self.clock.lock().unwrap_or_else(PoisonError::into_inner) {
            // The default is the beginning of 1970.
            meta.last_modified = Default::default();
            meta.last_modified += since_1970;
        }
    }

    /// The calls so far.
    pub fn counts(&self) -> Counts {
        let count = |operation: Operation| self.script.calls[operation.index()].load(Ordering::SeqCst);
        Counts {
            puts: count(Operation::Put),
            gets: count(Operation::Get),
            heads: count(Operation::Head),
            deletes: count(Operation::Delete),
            lists: count(Operation::List),
        }
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(STORE).field("inner", &self.inner).field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        pause(self.delay).await;
        let payload: PutPayload = match self.script.decide(Operation::Put, location) {
            Fault::None | Fault::Unseen => payload,
            Fault::FailBefore => return Err(lost("request")),
            Fault::Full => return Err(full()),
            Fault::FailAfter => {
                // Its outcome is what the caller does not learn.
                let _ = self.inner.put_opts(location, payload, opts).await;
                return Err(lost("answer"));
            }
            fault @ (Fault::Corrupt { .. } | Fault::Truncate { .. }) => damage(Bytes::from(payload), fault).into(),
            Fault::Overwrite => {
                opts.mode = PutMode::Overwrite;
                payload
            }
        };
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.script.decide(Operation::Put, location);
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultUpload { inner, fault, sent: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { Operation::Head } else { Operation::Get };
        pause(self.delay).await;
        let fault = self.script.decide(operation, location);
        let mut answer: GetResult = match fault {
            Fault::FailBefore => return Err(lost("request")),
            Fault::Unseen => return Err(unseen(location)),
            Fault::FailAfter => {
                let _ = self.inner.get_opts(location, options).await;
                return Err(lost("answer"));
            }
            Fault::Corrupt { .. } | Fault::Truncate { .. } if operation == Operation::Get => {
                damage_answer(self.inner.get_opts(location, options).await?, fault).await?
            }
            _ => self.inner.get_opts(location, options).await?,
        };
        self.date(&mut answer.meta);
        Ok(answer)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(&self.inner);
        let script = Arc::clone(&self.script);
        let delay = self.delay;
        locations
            .then(move |location: Result<Path>| delete_one(Arc::clone(&inner), Arc::clone(&script), delay, location))
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let lost_answer = stream::once(future::ready(Err::<ObjectMeta, Error>(lost("answer"))));
        match self.script.decide(Operation::List, prefix.unwrap_or(&Path::ROOT)) {
            Fault::FailBefore => stream::once(future::ready(Err::<ObjectMeta, Error>(lost("request")))).boxed(),
            Fault::FailAfter => self.inner.list(prefix).chain(lost_answer).boxed(),
            Fault::Truncate { len } => self.inner.list(prefix).take(as_length(len)).boxed(),
            _ => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        pause(self.delay).await;
        let fault = self.script.decide(Operation::List, prefix.unwrap_or(&Path::ROOT));
        if fault == Fault::FailBefore {
            return Err(lost("request"));
        }
        let mut listed = self.inner.list_with_delimiter(prefix).await?;
        match fault {
            Fault::FailAfter => return Err(lost("answer")),
            Fault::Truncate { len } => listed.objects.truncate(as_length(len)),
            _ => {}
        }
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, mut options: CopyOptions) -> Result<()> {
        pause(self.delay).await;
        match self.script.decide(Operation::Put, to) {
            Fault::FailBefore => return Err(lost("request")),
            Fault::Full => return Err(full()),
            Fault::FailAfter => {
                let _ = self.inner.copy_opts(from, to, options).await;
                return Err(lost("answer"));
            }
            Fault::Overwrite => options.mode = CopyMode::Overwrite,
            // The store behind copies by itself; there are no bytes here to damage.
            Fault::None | Fault::Corrupt { .. } | Fault::Truncate { .. } | Fault::Unseen => {}
        }
        self.inner.copy_opts(from, to, options).await
    }
}

impl Operation {
    fn index(self) -> usize {
        match self {
            Self::Put => 0,
            Self::Get => 1,
            Self::Head => 2,
            Self::Delete => 3,
            Self::List => 4,
        }
    }
}

impl Script {
    fn decide(&self, operation: Operation, key: &Path) -> Fault {
        let call = self.calls[operation.index()].fetch_add(1, Ordering::SeqCst) + 1;
        (self.plan)(operation, key, call)
    }
}

impl Faults {
    /// Draws one fault. The likelihoods of one operation add up.
    fn draw(&self, operation: Operation, random: &mut fastrand::Rng) -> Fault {
        let amount = random.u64(..DAMAGE_BYTES_MAX);
        let choices: Vec<(f64, Fault)> = match operation {
            Operation::Put => vec![
                (self.lost_put_before, Fault::FailBefore),
                (self.lost_put_after, Fault::FailAfter),
                (self.full_put, Fault::Full),
            ],
            Operation::Get => vec![
                (self.lost_get, Fault::FailBefore),
                (self.corrupt_get, Fault::Corrupt { byte: amount }),
                (self.truncated_get, Fault::Truncate { len: amount }),
            ],
            Operation::Head => vec![(self.lost_get, Fault::FailBefore)],
            Operation::Delete => {
                vec![(self.lost_delete_before, Fault::FailBefore), (self.lost_delete_after, Fault::FailAfter)]
            }
            Operation::List => vec![(self.lost_list, Fault::FailBefore)],
        };
        let mut left: f64 = random.f64();
        for (likelihood, fault) in choices {
            if left < likelihood {
                return fault;
            }
            left -= likelihood;
        }
        Fault::None
    }
}

/// A multipart upload with a fault. Damage strikes the parts, in the order in which they are given.
#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    fault: Fault,
    /// Bytes of the parts so far.
    sent: u64,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let begin = self.sent;
        self.sent += data.content_length() as u64;
        let data: PutPayload = match self.fault {
            // The first part holds the flipped byte.
            Fault::Corrupt { .. } if begin == 0 => damage(Bytes::from(data), self.fault).into(),
            Fault::Truncate { len } => {
                damage(Bytes::from(data), Fault::Truncate { len: len.saturating_sub(begin) }).into()
            }
            _ => data,
        };
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.fault {
            Fault::FailBefore => Err(lost("request")),
            Fault::Full => {
                self.inner.abort().await?;
                Err(full())
            }
            Fault::FailAfter => {
                let _ = self.inner.complete().await;
                Err(lost("answer"))
            }
            _ => self.inner.complete().await,
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

async fn delete_one(
    inner: Arc<dyn ObjectStore>,
    script: Arc<Script>,
    delay: Duration,
    location: Result<Path>,
) -> Result<Path> {
    let location = location?;
    pause(delay).await;
    let fault = script.decide(Operation::Delete, &location);
    if fault == Fault::FailBefore {
        return Err(lost("request"));
    }
    inner.delete(&location).await?;
    if fault == Fault::FailAfter { Err(lost("answer")) } else { Ok(location) }
}

/// The answer of a get with damaged bytes, which claims what it claimed before.
async fn damage_answer(answer: GetResult, fault: Fault) -> Result<GetResult> {
    let (meta, range, attributes) = (answer.meta.clone(), answer.range.clone(), answer.attributes.clone());
    let bytes = damage(answer.bytes().await?, fault);
    let payload = GetResultPayload::Stream(stream::once(future::ready(Ok::<Bytes, Error>(bytes))).boxed());
    Ok(GetResult { payload, meta, range, attributes })
}

fn damage(bytes: Bytes, fault: Fault) -> Bytes {
    match fault {
        Fault::Corrupt { byte } if !bytes.is_empty() => {
            let mut damaged = bytes.to_vec();
            let position = as_length(byte) % damaged.len();
            damaged[position] ^= 1;
            damaged.into()
        }
        Fault::Truncate { len } => bytes.slice(..as_length(len).min(bytes.len())),
        _ => bytes,
    }
}

#[expect(clippy::disallowed_methods, reason = "a store that answers late lets time pass")]
async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn as_length(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn lost(what: &str) -> Error {
    let source = io::Error::new(ErrorKind::ConnectionReset, format!("the {what} was lost, as planned"));
    Error::Generic { store: STORE, source: Box::new(source) }
}

fn unseen(location: &Path) -> Error {
    Error::NotFound { path: location.to_string(), source: "it is not shown, as planned".into() }
}

fn full() -> Error {
    Error::Generic { store: STORE, source: Box::new(io::Error::from(ErrorKind::StorageFull)) }
}
