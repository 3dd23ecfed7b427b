//! What the local store promises beyond the contract: durability, hidden temporary files, refused keys.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use object_store::ObjectStoreExt;
use tempfile::TempDir;

use super::super::failure::StoreFailure;
use super::*;

thread_local! {
    /// How many directories the current thread synced.
    static SYNCED: Cell<usize> = const { Cell::new(0) };
}

fn counting_sync(handle: &File) -> io::Result<()> {
    SYNCED.set(SYNCED.get() + 1);
    handle.sync_all()
}

fn failing_sync(_handle: &File) -> io::Result<()> {
    Err(io::Error::from(rustix::io::Errno::IO))
}

fn open(scratch: &TempDir) -> DurableLocalStore {
    DurableLocalStore::try_new(scratch.path().to_path_buf()).unwrap()
}

fn create() -> PutOptions {
    PutOptions::from(PutMode::Create)
}

/// Every file and directory below the root, sorted.
fn entries(scratch: &TempDir) -> Vec<String> {
    fn walk(root: &FsPath, directory: &FsPath, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().display().to_string());
            if path.is_dir() {
                walk(root, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(scratch.path(), scratch.path(), &mut found);
    found.sort();
    found
}

#[test]
fn a_put_into_a_known_directory_syncs_one_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::with_sync(scratch.path().to_path_buf(), counting_sync).unwrap();
    let synced_by_put = |key: &str| {
        let before = SYNCED.get();
        let write = |mut file: &File| file.write_all(b"content");
        directory.write(&Path::from(key), Existing::Keep, write).unwrap();
        SYNCED.get() - before
    };
    // The root and `log` for the new names, then the slot's directory.
    assert_eq!(synced_by_put("log/0/1"), 3);
    assert_eq!(synced_by_put("log/0/2"), 1);
    // `log` for the new name, then the slot's directory.
    assert_eq!(synced_by_put("log/1/4096"), 2);
    assert_eq!(synced_by_put("frostline.json"), 1);
}

#[test]
fn a_taken_key_is_durable_when_it_is_reported() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::with_sync(scratch.path().to_path_buf(), counting_sync).unwrap();
    let write = |mut file: &File| file.write_all(b"content");
    let key = Path::from("log/0/1");
    directory.write(&key, Existing::Keep, write).unwrap();

    let before = SYNCED.get();
    let second = directory.write(&key, Existing::Keep, write);
    assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
    assert_eq!(SYNCED.get() - before, 1);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_answered() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::with_sync(scratch.path().to_path_buf(), failing_sync).unwrap();
    let store = DurableLocalStore::over(directory).unwrap();
    let key = Path::from("slot");
    store.put_opts(&key, "content".into(), create()).await.unwrap_err();
    assert_eq!(entries(&scratch), ["slot"]);

    // The slot can be seen, but reading it must not pass for an acknowledgement.
    store.get(&key).await.unwrap_err();
    store.list(None).try_collect::<Vec<ObjectMeta>>().await.unwrap_err();
    let error = store.put_opts(&Path::from("next"), "content".into(), create()).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("could not be synced earlier"), "{cause}");
}

#[tokio::test]
async fn a_refused_put_leaves_no_file() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    let key = Path::from("log/0/1");
    store.put_opts(&key, "first".into(), create()).await.unwrap();
    store.put_opts(&key, "second".into(), create()).await.unwrap_err();
    assert_eq!(entries(&scratch), ["log", "log/0", "log/0/1"]);

    let update = PutMode::Update(object_store::UpdateVersion { e_tag: None, version: None });
    let error = store.put_opts(&key, "third".into(), update.into()).await.unwrap_err();
    assert!(matches!(error, Error::NotImplemented { .. }), "{error}");
    assert_eq!(entries(&scratch), ["log", "log/0", "log/0/1"]);
}

#[test]
fn a_write_that_fails_leaves_no_file() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::try_new(scratch.path().to_path_buf()).unwrap();
    let fill = |mut file: &File| -> io::Result<()> {
        file.write_all(b"half of it")?;
        Err(io::Error::from(rustix::io::Errno::NOSPC))
    };
    let error = directory.write(&Path::from("log/0/1"), Existing::Keep, fill).unwrap_err();
    assert_eq!(StoreFailure::of(&error), StoreFailure::Full);
    assert_eq!(entries(&scratch), ["log", "log/0"]);
}

#[tokio::test]
async fn an_upload_that_is_dropped_or_incomplete_leaves_no_file() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    let key = Path::from("segments/a.parquet");

    let mut dropped = store.put_multipart(&key).await.unwrap();
    dropped.put_part("content".into()).await.unwrap();
    assert_eq!(entries(&scratch).len(), 2);
    drop(dropped);
    assert_eq!(entries(&scratch), ["segments"]);

    let mut incomplete = store.put_multipart(&key).await.unwrap();
    drop(incomplete.put_part("never polled".into()));
    incomplete.complete().await.unwrap_err();
    assert_eq!(entries(&scratch), ["segments"]);
    incomplete.abort().await.unwrap_err();
}

#[tokio::test]
async fn an_upload_replaces_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    let key = Path::from("a.parquet");
    store.put_opts(&key, "first".into(), create()).await.unwrap();
    let mut upload = store.put_multipart(&key).await.unwrap();
    upload.put_part("second".into()).await.unwrap();
    let error = upload.complete().await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), "first");
    assert_eq!(entries(&scratch), ["a.parquet"]);
}

#[tokio::test]
async fn what_is_no_key_is_not_listed() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    store.put(&Path::from("log/1"), "content".into()).await.unwrap();
    fs::write(scratch.path().join("log/.tmp-1-2-3"), "left by a crash").unwrap();
    fs::write(scratch.path().join("log/Notes"), "somebody's").unwrap();
    fs::create_dir(scratch.path().join("Other")).unwrap();

    let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|object| object.location.as_ref()).collect::<Vec<&str>>(), ["log/1"]);
    let root = store.list_with_delimiter(None).await.unwrap();
    assert_eq!(root.common_prefixes, [Path::from("log")]);
    let level = store.list_with_delimiter(Some(&Path::from("log"))).await.unwrap();
    assert_eq!(level.objects.len(), 1);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    for text in ["", "Log/1", "log/.tmp-1", "log/a b", "log/a#1", "log/../1", "log/ä"] {
        let key = Path::from(text);
        store.put(&key, "content".into()).await.unwrap_err();
        let got = store.get(&key).await;
        assert!(matches!(got, Err(Error::Generic { .. })), "{text}: {got:?}");
    }
    assert!(entries(&scratch).is_empty());
}

#[tokio::test]
async fn a_directory_that_somebody_removed_is_made_again() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    store.put(&Path::from("log/0/1"), "content".into()).await.unwrap();
    fs::remove_dir_all(scratch.path().join("log")).unwrap();
    store.put(&Path::from("log/0/2"), "content".into()).await.unwrap();
    assert_eq!(entries(&scratch), ["log", "log/0", "log/0/2"]);
}

#[tokio::test]
async fn a_root_that_somebody_removed_is_not_made_again() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("lake");
    fs::create_dir(&root).unwrap();
    let store = DurableLocalStore::try_new(root.clone()).unwrap();
    store.put(&Path::from("log/0/1"), "content".into()).await.unwrap();
    fs::remove_dir_all(&root).unwrap();
    store.put(&Path::from("log/0/2"), "content".into()).await.unwrap_err();
    assert!(!root.exists());
}

#[tokio::test]
async fn a_directory_without_write_permission_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = store.put(&Path::from("slot"), "content".into()).await;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The superuser may write everywhere.
    if let Err(error) = outcome {
        assert_eq!(StoreFailure::of(&error), StoreFailure::Permission, "{error}");
    }
}

#[tokio::test]
async fn every_key_of_a_batch_has_its_own_result() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch);
    for key in ["a/1", "a/2", "b/1"] {
        store.put(&Path::from(key), "content".into()).await.unwrap();
    }
    let keys = ["a/1", "Refused", "b/1", "missing"].map(|key| Ok(Path::from(key)));
    let outcomes: Vec<Result<Path>> = store.delete_stream(stream::iter(keys).boxed()).collect().await;
    let deleted: Vec<bool> = outcomes.iter().map(|outcome| outcome.is_ok()).collect();
    assert_eq!(deleted, [true, false, true, true]);
    assert_eq!(entries(&scratch), ["a", "a/2", "b"]);
}

#[test]
fn a_root_must_be_an_existing_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = DurableLocalStore::try_new(scratch.path().join("missing"));
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    fs::write(scratch.path().join("file"), "content").unwrap();
    DurableLocalStore::try_new(scratch.path().join("file")).unwrap_err();
    DurableLocalStore::try_new(PathBuf::from("relative")).unwrap_err();
}
