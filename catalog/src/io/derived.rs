//! Derived objects: bundles, checkpoints, and the hint that is written with each. Losing all of them loses time, never
//! an answer.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use thiserror::Error;
use tokio::task::{JoinError, spawn_blocking};

use super::follow::read_slot;
use super::hint::{Hint, RUNS_MAX, write_hint};
use super::{LakeStore, LedgerError, StoreError, StoreFailure, keys};
use crate::bundle::{Bundle, Extent};
use crate::checkpoint::{Index, Run, RunError, SealedRun, encode_run, plan_runs};
use crate::digest::Digest;
use crate::id::{LakeId, Slot};
use crate::state::{Restore, State};

/// How many slots are read at once for a bundle. Each may hold megabytes of blocks that the bundle does not repeat.
const BUNDLE_REQUESTS: usize = 8;

/// From which length on a run is hashed on a thread of its own.
const HASHED_ASIDE_BYTES_MIN: usize = 64 * 1024;

/// How many slots are rather read one by one than listed for a checkpoint that a hint does not know. Listing takes a
/// round trip, and so do 96 slots.
const UNLISTED_SLOTS_MAX: u64 = 288;

/// How many runs of a checkpoint are read at once: as many as a hint names.
const RUN_REQUESTS: usize = RUNS_MAX;

/// The newest sound checkpoint: the one that the hint names, else the newest that a listing shows. Nothing is listed if
/// the hint says that there is none and that there are few slots. The runs that the hint names are read together with
/// the index.
pub(super) async fn load_checkpoint(
    store: &dyn ObjectStore,
    lake: LakeId,
    hint: Option<&Hint>,
) -> Option<(Index, State)> {
    match hint {
        Some(hint) if hint.checkpoint.number() > 0 => {
            if let Some(found) = read_checkpoint(store, lake, hint.checkpoint, hint.runs.clone()).await {
                return Some(found);
            }
        }
        Some(hint) if hint.head.number() <= UNLISTED_SLOTS_MAX => return None,
        _ => {}
    }
    let listed = store.list_with_delimiter(Some(&Path::from(keys::CHECKPOINTS))).await.ok()?;
    let mut slots: Vec<Slot> = listed
        .common_prefixes
        .iter()
        .filter_map(|prefix| prefix.parts().next_back().and_then(|part| keys::checkpoint_slot(part.as_ref())))
        .collect();
    slots.sort_unstable();
    for slot in slots.into_iter().rev() {
        if let Some(found) = read_checkpoint(store, lake, slot, Vec::new()).await {
            return Some(found);
        }
    }
    None
}

/// Why what is derived from a state cannot be written. It is tried again later.
#[derive(Debug, Error)]
pub(super) enum DerivedError {
    /// The store, or a slot.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A run of the checkpoint.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The process is about to end.
    #[error("the encoding was broken off")]
    BrokenOff(#[from] JoinError),
}

/// A checkpoint, if every part of it is there and sound and the record of its slot bears it out.
///
/// `expected` are keys of runs that it is said to have. They are read without waiting for the index; those that it does
/// not name are not used, and those that it names besides are read behind it.
pub(super) async fn read_checkpoint(
    store: &dyn ObjectStore,
    lake: LakeId,
    slot: Slot,
    expected: Vec<String>,
) -> Option<(Index, State)> {
    let found = try_read_checkpoint(store, lake, slot, expected).await;
    if found.is_none() {
        tracing::warn!(checkpoint = %slot, "a checkpoint is damaged or incomplete; an older one or the slots are read");
    }
    found
}

async fn try_read_checkpoint(
    store: &dyn ObjectStore,
    lake: LakeId,
    slot: Slot,
    expected: Vec<String>,
) -> Option<(Index, State)> {
    let key = keys::checkpoint_index(slot);
    let (index, record, mut ahead) =
        futures::join!(read_whole(store, &key), read_slot(store, slot), read_objects(store, expected));
    let (index, record) = (Index::decode(&index?)?, record.ok()??);
    if index.lake != lake || index.head.slot != slot {
        return None;
    }
    if record.hash != index.head.hash || record.record.state != index.state {
        return None;
    }
    let named: Vec<(Run, Option<Bytes>)> = index
        .runs
        .iter()
        .map(|run| {
            let bytes = ahead.remove(&run.key);
            (run.clone(), bytes)
        })
        .collect();
    let runs: Vec<SealedRun> = stream::iter(named)
        .map(|(run, ahead)| async move {
            let bytes = match ahead {
                Some(bytes) => bytes,
                None => read_whole(store, &Path::from(run.key.as_str())).await?,
            };
            let digest = digest_of(bytes.clone()).await?;
            (digest == run.sha256).then_some(SealedRun { run, bytes })
        })
        .buffered(RUN_REQUESTS)
        .map(|read| read.ok_or(()))
        .try_collect()
        .await
        .ok()?;
    let mut restore = Restore::default();
    for sealed in runs {
        restore.add(sealed)?;
    }
    let state = restore.finish(&index)?;
    Some((index, state))
}

/// The digest of a run. Those of large ones are computed beside one another.
async fn digest_of(bytes: Bytes) -> Option<Digest> {
    if bytes.len() < HASHED_ASIDE_BYTES_MIN {
        return Some(Digest::of(&bytes));
    }
    spawn_blocking(move || Digest::of(&bytes)).await.ok()
}

/// What was found under some keys, all asked for at once. What could not be read is left out.
async fn read_objects(store: &dyn ObjectStore, keys: Vec<String>) -> HashMap<String, Bytes> {
    let reads = keys.into_iter().map(|key| async move {
        let bytes = read_whole(store, &Path::from(key.as_str())).await?;
        Some((key, bytes))
    });
    join_all(reads).await.into_iter().flatten().collect()
}

async fn read_whole(store: &dyn ObjectStore, key: &Path) -> Option<Bytes> {
    store.get(key).await.ok()?.bytes().await.ok()
}

/// Writes what is derived from a state: the bundles that are complete, a checkpoint, the hint.
///
/// Objects that are there already were written by another process or an earlier try, and are left alone, except a
/// bundle that says otherwise than the slots, and a checkpoint's index, which is put in the place of one that was found
/// unsound.
pub(super) async fn write_derived(
    lake: &LakeStore,
    state: &Arc<State>,
    previous: Option<&Index>,
) -> Result<Index, DerivedError> {
    let store = lake.objects().as_ref();
    let (after, head) = (previous.map_or(0, |index| index.head.slot.number()), state.head().slot);
    write_bundles(store, after, head).await?;
    if lake.is_distant() {
        // Elsewhere, a few hundred slots are read in a moment.
        write_quarters(store, after, head).await?;
    }
    let (mut runs, planned) = plan_runs(previous);
    for run in planned {
        let encoded = {
            let state = Arc::clone(state);
            spawn_blocking(move || encode_run(&state, run)).await?
        };
        // A checkpoint that lacks a run would hold wrong rows.
        let (bytes, rows) = encoded?;
        if rows == 0 {
            continue;
        }
        let sha256 = Digest::of(&bytes);
        let short = sha256.to_string()[..keys::RUN_DIGITS].to_owned();
        let key = keys::checkpoint_run(state.head().slot, run.relation.name(), &short);
        create(store, &key, bytes, PutMode::Create).await?;
        let (relation, level, after) = (run.relation, run.level, run.after);
        runs.push(Run { relation, key: key.to_string(), sha256, rows, level, after });
    }
    runs.sort_by_key(|run| (run.relation, run.after));
    let index = Index::new(state, runs);
    create(store, &keys::checkpoint_index(state.head().slot), index.encode(), PutMode::Overwrite).await?;
    write_hint(store, &Hint::of(state.head().slot, Some(&index))).await?;
    Ok(index)
}

/// Writes the bundles that became complete after slot `after`.
async fn write_bundles(store: &dyn ObjectStore, after: u64, head: Slot) -> Result<(), DerivedError> {
    let mut first = Bundle::first_of(Slot::new(after + 1));
    while Bundle::last_of(first) <= head {
        let bundle = Extent::bundle_from(first);
        write_bundle(store, bundle).await?;
        first = bundle.last.next();
    }
    Ok(())
}

/// Writes those quarters of the bundle that is not complete which became complete after slot `after`.
async fn write_quarters(store: &dyn ObjectStore, after: u64, head: Slot) -> Result<(), DerivedError> {
    for quarter in Extent::quarters(head).filter(|quarter| quarter.last.number() > after) {
        write_bundle(store, quarter).await?;
    }
    Ok(())
}

/// Writes one bundle from its slots, in the place of one that says otherwise, if there is one.
pub(super) async fn write_bundle(store: &dyn ObjectStore, extent: Extent) -> Result<(), DerivedError> {
    let Extent { first, last } = extent;
    let missing = |slot| super::follow::missing_slot(slot, last.next());
    let mut slots = stream::iter(first.number()..=last.number())
        .map(|number| async move {
            let slot = Slot::new(number);
            read_slot(store, slot).await?.ok_or_else(|| missing(slot))
        })
        .buffered(BUNDLE_REQUESTS);
    let mut bundle = Bundle::begin(first);
    while let Some(read) = slots.next().await {
        bundle.push(&read?);
    }
    let bytes = match spawn_blocking(move || bundle.encode()).await? {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            tracing::debug!(bundle = %first, "a bundle would be too long; its slots are read instead");
            return Ok(());
        }
        Err(error) => {
            tracing::warn!(%error, "a bundle cannot be compressed");
            return Ok(());
        }
    };
    let key = keys::bundle(extent);
    let payload = PutPayload::from_bytes(bytes.clone());
    match store.put_opts(&key, payload, PutMode::Create.into()).await {
        Ok(_) => Ok(()),
        Err(error) if StoreFailure::of(&error) == StoreFailure::AlreadyExists => {
            // It may be damaged, or left over from slots that are there no more.
            if read_whole(store, &key).await.is_none_or(|found| found != bytes) {
                create(store, &key, bytes, PutMode::Overwrite).await?;
            }
            Ok(())
        }
        Err(error) => Err(LedgerError::from(StoreError::new("write", &key, error)).into()),
    }
}

async fn create(store: &dyn ObjectStore, key: &Path, bytes: Bytes, mode: PutMode) -> Result<(), LedgerError> {
    match store.put_opts(key, PutPayload::from_bytes(bytes), mode.into()).await {
        Ok(_) => Ok(()),
        Err(error) if StoreFailure::of(&error) == StoreFailure::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::new("write", key, error).into()),
    }
}
