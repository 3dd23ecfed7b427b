//! The keys of the ledger's objects.

use object_store::path::Path;

use crate::bundle::Extent;
use crate::checkpoint::RelationKind;
use crate::id::Slot;

/// How many slots share a folder.
const FOLDER_SLOTS: u64 = 4096;

/// How many digits of its hash a run has in its key.
pub(super) const RUN_DIGITS: usize = 16;

/// What holds for the lake for ever.
pub(super) const IDENTITY: &str = "frostline.json";

/// Where to begin looking for the head.
pub(super) const HINT: &str = "hint/head";

/// The folder of the checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";

pub(super) fn slot(slot: Slot) -> Path {
    let number = slot.number();
    Path::from(format!("log/{:08}/{number:012}", number / FOLDER_SLOTS))
}

pub(super) fn bundle(extent: Extent) -> Path {
    Path::from(format!("bundles/{:012}-{:012}", extent.first.number(), extent.last.number()))
}

pub(super) fn checkpoint_index(slot: Slot) -> Path {
    Path::from(format!("{CHECKPOINTS}/{:012}/index", slot.number()))
}

pub(super) fn checkpoint_run(slot: Slot, relation: &str, digest: &str) -> Path {
    Path::from(format!("{CHECKPOINTS}/{:012}/{relation}-{digest}.parquet", slot.number()))
}

/// The slot of the checkpoint in a folder of this name.
pub(super) fn checkpoint_slot(folder: &str) -> Option<Slot> {
    folder.parse().ok().map(Slot::new)
}

/// Whether this is the key of some checkpoint's run.
pub(super) fn is_checkpoint_run(key: &str) -> bool {
    let Some((slot, relation, digest)) = run_parts(key) else { return false };
    let is_relation = RelationKind::ALL.into_iter().any(|kind| kind.name() == relation);
    let is_digest = digest.len() == RUN_DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    // There is one way to write the slot.
    is_relation && is_digest && checkpoint_run(slot, relation, digest).to_string() == key
}

/// The slot, the relation and the digest in a run's key.
fn run_parts(key: &str) -> Option<(Slot, &str, &str)> {
    let (folder, file) = key.strip_prefix(CHECKPOINTS)?.strip_prefix('/')?.split_once('/')?;
    let (relation, digest) = file.strip_suffix(".parquet")?.split_once('-')?;
    Some((checkpoint_slot(folder)?, relation, digest))
}
