//! What every store of a lake must do; each implementation runs the same claims.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::join_all;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::local::DurableLocalStore;

/// How many writers race for one key.
const WRITERS: u8 = 16;

/// Runs every claim on an empty store.
pub(crate) async fn put_if_absent_contract(store: Arc<dyn ObjectStore>) {
    a_key_is_created_once(store.as_ref()).await;
    of_many_creates_one_wins(&store).await;
    a_range_is_read(store.as_ref()).await;
    a_missing_key_is_not_found(store.as_ref()).await;
    a_hint_is_overwritten(store.as_ref()).await;
    a_copy_is_created_once(store.as_ref()).await;
    an_upload_is_seen_when_it_is_complete(store.as_ref()).await;
    a_listing_shows_what_was_put(store.as_ref()).await;
    what_was_deleted_is_gone(store.as_ref()).await;
}

async fn create(store: &dyn ObjectStore, key: &Path, content: impl Into<PutPayload>) -> Result<(), Error> {
    store.put_opts(key, content.into(), PutOptions::from(PutMode::Create)).await.map(drop)
}

async fn read(store: &dyn ObjectStore, key: &Path) -> Bytes {
    store.get(key).await.unwrap().bytes().await.unwrap()
}

async fn listed(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let prefix = Path::from(prefix);
    let found: Vec<ObjectMeta> = store.list(Some(&prefix)).try_collect().await.unwrap();
    let mut keys: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
    keys.sort();
    keys
}

fn is_taken<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::AlreadyExists { .. } | Error::Precondition { .. }))
}

async fn a_key_is_created_once(store: &dyn ObjectStore) {
    let key = Path::from("log/0/1");
    create(store, &key, "first").await.unwrap();
    let second = create(store, &key, "second, longer").await;
    assert!(is_taken(&second), "{second:?}");
    assert_eq!(read(store, &key).await, "first");
}

async fn of_many_creates_one_wins(store: &Arc<dyn ObjectStore>) {
    let key = Path::from("log/0/2");
    let writers = (0..WRITERS).map(|writer| {
        let (store, key) = (Arc::clone(store), key.clone());
        tokio::spawn(async move { create(store.as_ref(), &key, vec![writer; 1000]).await })
    });
    let outcomes: Vec<Result<(), Error>> = join_all(writers).await.into_iter().map(|joined| joined.unwrap()).collect();

    let winners: Vec<usize> = (0..outcomes.len()).filter(|writer| outcomes[*writer].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || is_taken(outcome)), "{outcomes:?}");
    assert_eq!(read(store.as_ref(), &key).await, vec![winners[0] as u8; 1000]);
}

async fn a_range_is_read(store: &dyn ObjectStore) {
    let key = Path::from("segments/0a/range.parquet");
    create(store, &key, PutPayload::from_iter([Bytes::from("01234"), Bytes::from("56789")])).await.unwrap();
    assert_eq!(store.get_range(&key, 3..7).await.unwrap(), "3456");
    assert_eq!(store.get_ranges(&key, &[0..2, 8..10]).await.unwrap(), ["01", "89"]);
    assert_eq!(store.head(&key).await.unwrap().size, 10);
}

async fn a_missing_key_is_not_found(store: &dyn ObjectStore) {
    for missing in ["log/0/9", "never/seen/before"] {
        let key = Path::from(missing);
        let got = store.get(&key).await;
        assert!(matches!(got, Err(Error::NotFound { .. })), "{got:?}");
        let head = store.head(&key).await;
        assert!(matches!(head, Err(Error::NotFound { .. })), "{head:?}");
    }
    assert!(listed(store, "never").await.is_empty());
}

async fn a_hint_is_overwritten(store: &dyn ObjectStore) {
    let key = Path::from("hint/head");
    for content in ["9", "10", "11"] {
        let put = store.put(&key, content.into()).await.unwrap();
        assert_eq!(read(store, &key).await, content);
        assert_eq!(store.head(&key).await.unwrap().e_tag, put.e_tag);
    }
}

async fn a_copy_is_created_once(store: &dyn ObjectStore) {
    let (from, to) = (Path::from("copies/from"), Path::from("copies/deep/to"));
    create(store, &from, "content").await.unwrap();
    store.copy_if_not_exists(&from, &to).await.unwrap();
    assert_eq!(read(store, &to).await, "content");

    let second = store.copy_if_not_exists(&from, &to).await;
    assert!(is_taken(&second), "{second:?}");
    let missing = store.copy_if_not_exists(&Path::from("copies/none"), &Path::from("copies/other")).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

async fn an_upload_is_seen_when_it_is_complete(store: &dyn ObjectStore) {
    let key = Path::from("uploads/whole.parquet");
    let mut upload = store.put_multipart(&key).await.unwrap();
    let first = upload.put_part("first ".into());
    let second = upload.put_part("second".into());
    second.await.unwrap();
    first.await.unwrap();
    assert!(listed(store, "uploads").await.is_empty());
    upload.complete().await.unwrap();
    assert_eq!(read(store, &key).await, "first second");

    let mut aborted = store.put_multipart(&Path::from("uploads/aborted.parquet")).await.unwrap();
    aborted.put_part("gone".into()).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(listed(store, "uploads").await, ["uploads/whole.parquet"]);
}

async fn a_listing_shows_what_was_put(store: &dyn ObjectStore) {
    for key in ["list/b", "list/a/1", "list/a/2", "lists"] {
        create(store, &Path::from(key), key).await.unwrap();
    }
    assert_eq!(listed(store, "list").await, ["list/a/1", "list/a/2", "list/b"]);

    let level = store.list_with_delimiter(Some(&Path::from("list"))).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("list/a")]);
    let objects: Vec<&str> = level.objects.iter().map(|object| object.location.as_ref()).collect();
    assert_eq!(objects, ["list/b"]);
}

async fn what_was_deleted_is_gone(store: &dyn ObjectStore) {
    let key = Path::from("deleted/1");
    create(store, &key, "content").await.unwrap();
    store.delete(&key).await.unwrap();
    let got = store.get(&key).await;
    assert!(matches!(got, Err(Error::NotFound { .. })), "{got:?}");
    // A collector that was interrupted deletes again.
    store.delete(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    put_if_absent_contract(Arc::new(InMemory::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_local_store_keeps_the_contract() {
    let scratch = tempfile::tempdir().unwrap();
    let store = DurableLocalStore::try_new(scratch.path().to_path_buf()).unwrap();
    put_if_absent_contract(Arc::new(store)).await;
}
