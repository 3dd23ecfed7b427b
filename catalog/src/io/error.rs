//! What can go wrong between the ledger and its store.

use std::sync::Arc;

use object_store::path::Path;
use thiserror::Error;

use super::{LocationError, StoreFailure};
use crate::checkpoint::SealedError;
use crate::id::Slot;
use crate::record::SlotError;
use crate::state::ApplyError;

/// A request that the store did not answer as asked.
#[derive(Clone, Debug, Error)]
#[error("cannot {action} `{key}`: {}", describe(*failure))]
pub struct StoreError {
    /// What was asked: `read`, `write`.
    pub action: &'static str,
    /// The object.
    pub key: String,
    /// What the failure means.
    pub failure: StoreFailure,
    /// What the store said.
    #[source]
    pub source: Arc<object_store::Error>,
}

fn describe(failure: StoreFailure) -> &'static str {
    match failure {
        StoreFailure::NotFound => "it is not there",
        StoreFailure::AlreadyExists => "it is there already",
        StoreFailure::Permission => "permission denied",
        StoreFailure::Full => "the disk or quota is full",
        StoreFailure::ReadOnly => "the file system is read-only",
        StoreFailure::Network => "the store was not reached",
        StoreFailure::Other => "the store failed",
    }
}

impl StoreError {
    /// What a failed request for an object means.
    pub fn new(action: &'static str, key: &Path, source: object_store::Error) -> Self {
        let failure = StoreFailure::of(&source);
        Self { action, key: key.to_string(), failure, source: Arc::new(source) }
    }
}

/// Why a ledger cannot be opened or followed.
#[derive(Clone, Debug, Error)]
pub enum LedgerError {
    /// There is no lake.
    #[error("there is no lake at `{location}`; `frostline init` creates one")]
    NoLake {
        /// Where it was looked for.
        location: String,
    },
    /// There is no bucket that could hold a lake.
    #[error("there is no bucket for `{location}` (NoSuchBucket); create it, or check the endpoint and the region")]
    NoBucket {
        /// Where it was looked for.
        location: String,
    },
    /// The lake's folder holds `frostline.json`, but its first slot was never written.
    #[error("the lake at `{location}` was never completed; run `frostline init` again")]
    Incomplete {
        /// Where it is.
        location: String,
    },
    /// The location cannot be opened.
    #[error(transparent)]
    Location(#[from] Arc<LocationError>),
    /// The lake's format is newer than this release.
    #[error("the lake at `{location}` has format {found}; this release reads format {supported}: use a newer release")]
    NewerFormat {
        /// Where it is.
        location: String,
        /// The format found.
        found: u64,
        /// The newest format that can be read.
        supported: u64,
    },
    /// `frostline.json` is not what it was.
    #[error("`frostline.json` is damaged: {reason}")]
    Identity {
        /// What is wrong with it.
        reason: String,
    },
    /// A slot that must be there is absent.
    #[error("slot {slot} (`{key}`) is missing, though slot {later} exists")]
    MissingSlot {
        /// The slot.
        slot: Slot,
        /// Its key.
        key: String,
        /// A later slot that is there.
        later: Slot,
    },
    /// The newest slot was lost.
    #[error("slot {slot} (`{key}`) is missing, though the hint says that it was written")]
    LostHead {
        /// The slot.
        slot: Slot,
        /// Its key.
        key: String,
    },
    /// A slot is damaged, or needs a newer release.
    #[error("slot {slot} (`{key}`) cannot be used")]
    Slot {
        /// The slot.
        slot: Slot,
        /// Its key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: Arc<SlotError>,
    },
    /// A slot does not follow from those before it.
    #[error("slot {slot} (`{key}`) contradicts the slots before it")]
    Apply {
        /// The slot.
        slot: Slot,
        /// Its key.
        key: String,
        /// The contradiction.
        #[source]
        source: ApplyError,
    },
    /// A payload block is not in its slot.
    #[error("block {index} of slot {slot} is not what the catalog says")]
    Block {
        /// The slot.
        slot: Slot,
        /// The block's place.
        index: u32,
    },
    /// A part of the checkpoint that the catalog was restored from cannot be used.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
