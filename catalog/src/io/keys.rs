//! The keys of the ledger's objects.

use object_store::path::Path;

use crate::id::Slot;

/// How many slots share a folder.
const FOLDER_SLOTS: u64 = 4096;

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

pub(super) fn bundle(first: Slot, last: Slot) -> Path {
    Path::from(format!("bundles/{:012}-{:012}", first.number(), last.number()))
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
