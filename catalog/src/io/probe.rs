//! Whether a store keeps the rules that a ledger stands on.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Clock, StoreClock};
use crate::id::CommitId;
use crate::time::Micros;

/// What the first writer of the probe puts.
const FIRST: &[u8] = b"frostline probe: first writer";

/// What the second writer puts; as long as the first, so that a length alone does not tell them apart.
const SECOND: &[u8] = b"frostline probe: other writer";

/// Why no lake may live on a store.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It has no conditional put.
    #[error(
        "the store cannot create an object only if it is absent, so two writers could take the same version; use a \
         store with conditional puts, and leave AWS_CONDITIONAL_PUT at `etag`"
    )]
    NoConditionalPut {
        /// What it answered.
        source: Error,
    },
    /// It took a second put of the same key.
    #[error(
        "the store ignores `If-None-Match: *`: it let a second writer put an object that was there, so commits could \
         be lost; use a store that honours conditional puts"
    )]
    CreatesTwice,
    /// It refused the second put and changed the object.
    #[error("the store refused to create an object that was there, but changed it; versions could change there")]
    ChangesContent,
    /// It does not show what it acknowledged.
    #[error("the store does not show an object that it has just acknowledged; commits would go unseen")]
    ForgetsWrites {
        /// What it answered.
        source: Error,
    },
    /// It gave no answer that decides anything.
    #[error("the probe of the store came to no result, it could not {action}; check access and try again")]
    Unanswered {
        /// What was tried.
        action: &'static str,
        /// What it answered.
        source: Error,
    },
}

/// A key for one probe.
pub fn new_probe_key() -> Path {
    Path::from(format!("probe/{}", CommitId::random()))
}

/// Creates an object under a key that was never used, tries to create it again, reads it and deletes it. Says how the
/// store's clock, by which the object is dated, stands to the given one.
///
/// * Success says that the second creation failed, left the first content, and that it was read back.
/// * `AlreadyExists` for the first put is not held against the store, a client that tried again gets it for its own
///   object: the content decides.
/// * An object that cannot be deleted is no failure: some stores keep everything.
pub async fn probe(store: &dyn ObjectStore, key: &Path, clock: &dyn Clock) -> Result<StoreClock, ProbeError> {
    let outcome = check_create(store, key, clock).await;
    if let Err(error) = store.delete(key).await {
        tracing::debug!(%key, %error, "the probe's object stays");
    }
    outcome
}

async fn check_create(store: &dyn ObjectStore, key: &Path, clock: &dyn Clock) -> Result<StoreClock, ProbeError> {
    let asked = clock.now();
    match create(store, key, FIRST).await {
        Ok(()) | Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
        Err(source @ Error::NotImplemented { .. }) => return Err(ProbeError::NoConditionalPut { source }),
        Err(source) => return Err(ProbeError::Unanswered { action: "create an object", source }),
    }
    match create(store, key, SECOND).await {
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
        Ok(()) => return Err(ProbeError::CreatesTwice),
        Err(source) => return Err(ProbeError::Unanswered { action: "try to create it again", source }),
    }
    let (content, created) = match read(store, key).await {
        Ok(found) => found,
        Err(source @ Error::NotFound { .. }) => return Err(ProbeError::ForgetsWrites { source }),
        Err(source) => return Err(ProbeError::Unanswered { action: "read it", source }),
    };
    if content == FIRST { Ok(StoreClock::learn(asked, created)) } else { Err(ProbeError::ChangesContent) }
}

async fn create(store: &dyn ObjectStore, key: &Path, content: &'static [u8]) -> Result<(), Error> {
    let options = PutOptions::from(PutMode::Create);
    store.put_opts(key, PutPayload::from_static(content), options).await?;
    Ok(())
}

/// An object's content, and when the store says that it was created.
async fn read(store: &dyn ObjectStore, key: &Path) -> Result<(Bytes, Micros), Error> {
    let found = store.get(key).await?;
    let created = Micros::new(found.meta.last_modified.timestamp_micros());
    Ok((found.bytes().await?, created))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use frostline_testkit::{Fault, FaultStore, Operation};
    use futures::TryStreamExt;
    use object_store::ObjectMeta;
    use object_store::memory::InMemory;

    use super::*;
    use crate::io::ManualClock;

    async fn tried(store: &dyn ObjectStore) -> Result<StoreClock, ProbeError> {
        probe(store, &new_probe_key(), &ManualClock::at(Micros::new(0))).await
    }

    /// A store on memory where the n-th put has a fault.
    fn with_put_fault(number: u64, fault: Fault) -> FaultStore {
        FaultStore::new(Arc::new(InMemory::new()), move |operation, _key, call| {
            if operation == Operation::Put && call == number { fault } else { Fault::None }
        })
    }

    #[tokio::test]
    async fn memory_passes_and_keeps_nothing() {
        let store = InMemory::new();
        tried(&store).await.unwrap();
        let left: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn a_store_that_overwrites_is_refused() {
        let store = with_put_fault(2, Fault::Overwrite);
        let error = tried(&store).await.unwrap_err();
        assert!(matches!(error, ProbeError::CreatesTwice), "{error}");
    }

    #[tokio::test]
    async fn content_that_is_not_the_first_writers_is_refused() {
        let store = with_put_fault(1, Fault::Corrupt { byte: 3 });
        let error = tried(&store).await.unwrap_err();
        assert!(matches!(error, ProbeError::ChangesContent), "{error}");
    }

    #[tokio::test]
    async fn a_store_that_is_not_reached_is_not_judged() {
        let store = with_put_fault(1, Fault::FailBefore);
        let error = tried(&store).await.unwrap_err();
        assert!(matches!(error, ProbeError::Unanswered { .. }), "{error}");
    }
}
