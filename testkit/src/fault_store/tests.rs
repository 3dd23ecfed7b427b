//! What a planned fault does, and what it leaves alone.

use object_store::memory::InMemory;

use super::*;

/// A store on memory whose n-th call of an operation has a fault, and the memory.
fn with_fault(operation: Operation, number: u64, fault: Fault) -> (FaultStore, Arc<InMemory>) {
    let memory = Arc::new(InMemory::new());
    let inner: Arc<dyn ObjectStore> = Arc::clone(&memory) as Arc<dyn ObjectStore>;
    let store = FaultStore::new(
        inner,
        move |asked, _key, call| {
            if asked == operation && call == number { fault } else { Fault::None }
        },
    );
    (store, memory)
}

async fn content(store: &dyn ObjectStore, key: &Path) -> Option<Bytes> {
    match store.get(key).await {
        Ok(answer) => Some(answer.bytes().await.unwrap()),
        Err(_) => None,
    }
}

async fn check_put(fault: Fault, succeeds: bool, landed: Option<&str>) {
    let (store, memory) = with_fault(Operation::Put, 1, fault);
    let key = Path::from("slot");
    let outcome = store.put_opts(&key, "content".into(), PutMode::Create.into()).await;
    assert_eq!(outcome.is_ok(), succeeds, "{fault:?}: {outcome:?}");
    assert_eq!(content(&*memory, &key).await, landed.map(|text| Bytes::from(text.to_owned())), "{fault:?}");
}

#[tokio::test]
async fn a_put_lands_or_not_as_planned() {
    check_put(Fault::None, true, Some("content")).await;
    check_put(Fault::FailBefore, false, None).await;
    check_put(Fault::FailAfter, false, Some("content")).await;
    check_put(Fault::Full, false, None).await;
    check_put(Fault::Corrupt { byte: 7 }, true, Some("bontent")).await;
    check_put(Fault::Truncate { len: 3 }, true, Some("con")).await;
}

#[tokio::test]
async fn an_overwriting_put_replaces_what_is_there() {
    let (store, _memory) = with_fault(Operation::Put, 2, Fault::Overwrite);
    let key = Path::from("slot");
    for text in ["first", "second"] {
        store.put_opts(&key, text.into(), PutMode::Create.into()).await.unwrap();
    }
    assert_eq!(content(&store, &key).await.unwrap(), "second");
}

#[tokio::test]
async fn a_get_is_damaged_on_its_way() {
    let key = Path::from("slot");
    for (fault, expected) in [(Fault::Corrupt { byte: 1 }, "0023"), (Fault::Truncate { len: 2 }, "01")] {
        let (store, _memory) = with_fault(Operation::Get, 1, fault);
        store.put(&key, "0123".into()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), expected);
        assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), "0123");
    }
}

#[tokio::test]
async fn what_is_there_is_not_seen() {
    let key = Path::from("slot");
    let (store, _memory) = with_fault(Operation::Get, 1, Fault::Unseen);
    store.put(&key, "0123".into()).await.unwrap();
    assert!(matches!(store.get(&key).await, Err(Error::NotFound { .. })));
    assert_eq!(content(&store, &key).await.unwrap(), "0123");
}

#[tokio::test]
async fn an_upload_lands_and_its_answer_is_lost() {
    let (store, memory) = with_fault(Operation::Put, 1, Fault::FailAfter);
    let key = Path::from("segment");
    let mut upload = store.put_multipart(&key).await.unwrap();
    upload.put_part("content".into()).await.unwrap();
    upload.complete().await.unwrap_err();
    assert_eq!(content(&*memory, &key).await.unwrap(), "content");
}

#[tokio::test]
async fn every_request_is_counted() {
    let store = FaultStore::counting(Arc::new(InMemory::new()));
    let key = Path::from("slot");
    store.put(&key, "content".into()).await.unwrap();
    store.get(&key).await.unwrap();
    store.get(&Path::from("missing")).await.unwrap_err();
    store.head(&key).await.unwrap();
    assert_eq!(store.list(None).count().await, 1);
    store.delete(&key).await.unwrap();
    assert_eq!(store.counts(), Counts { puts: 1, gets: 2, heads: 1, deletes: 1, lists: 1 });
}

#[tokio::test]
async fn a_clock_that_was_set_dates_what_is_read() {
    let store = FaultStore::counting(Arc::new(InMemory::new()));
    let key = Path::from("slot");
    store.put(&key, "content".into()).await.unwrap();
    store.set_clock(1_500_000);
    assert_eq!(store.get(&key).await.unwrap().meta.last_modified.timestamp_micros(), 1_500_000);
    assert_eq!(store.head(&key).await.unwrap().last_modified.timestamp_micros(), 1_500_000);
}

#[tokio::test]
async fn a_seed_replays_its_faults() {
    let faults = Faults { lost_put_before: 0.3, lost_put_after: 0.3, ..Faults::default() };
    let mut runs: Vec<Vec<bool>> = Vec::new();
    for seed in [1, 1, 2] {
        let store = FaultStore::seeded(Arc::new(InMemory::new()), seed, faults);
        let mut outcomes = Vec::new();
        for number in 0..64 {
            let key = Path::from(format!("slot/{number}"));
            outcomes.push(store.put(&key, "content".into()).await.is_ok());
        }
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
}
