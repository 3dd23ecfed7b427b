//! Verifying a lake: every slot from the first, and with `deep` every byte of every segment.

use std::collections::BTreeSet;
use std::sync::Arc;

use frostline_catalog::SegmentId;
use frostline_catalog::change::Change;
use frostline_catalog::io::{Damage, LedgerError, Walk};
use frostline_catalog::segment::{Segment, Storage};
use thiserror::Error;

use crate::io::{SegmentDamage, check_segment};
use crate::lake::Lake;
use crate::write::decode_hot;

/// Why a lake is not sound.
#[derive(Clone, Debug, Error)]
pub enum VerifyError {
    /// The ledger cannot be walked at all.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A slot is damaged or missing.
    #[error("`{object}` is damaged")]
    Slot {
        /// The slot's key.
        object: String,
        /// What is wrong with it.
        #[source]
        source: Arc<LedgerError>,
    },
    /// A hot segment's rows are not what its record says.
    #[error("`{object}` is damaged: its hot segment {segment} {reason}")]
    Hot {
        /// The slot's key.
        object: String,
        /// The segment.
        segment: SegmentId,
        /// What is wrong.
        reason: String,
    },
    /// A frozen segment's object is not what its record says.
    #[error("`{object}` is damaged")]
    Frozen {
        /// The object's key.
        object: String,
        /// What is wrong with it.
        #[source]
        source: Arc<SegmentDamage>,
    },
    /// The catalog in use does not match the one that the slots make.
    #[error("the catalog that was opened does not match the one that the slots make")]
    Catalog,
}

impl VerifyError {
    /// The key of the damaged object, if it is one.
    pub fn object(&self) -> Option<&str> {
        match self {
            Self::Slot { object, .. } | Self::Hot { object, .. } | Self::Frozen { object, .. } => Some(object),
            Self::Ledger(_) | Self::Catalog => None,
        }
    }
}

/// Something that verifying found out and that changes no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyNote {
    /// A derived object was damaged.
    Derived {
        /// Its key.
        object: String,
        /// What was wrong.
        reason: String,
        /// Whether it was made anew.
        rebuilt: bool,
    },
}

/// What was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifySummary {
    /// Slots.
    pub slots: u64,
    /// Versions.
    pub versions: u64,
    /// Segments, hot and frozen.
    pub segments: u64,
    /// Bytes of the segments whose bytes were read.
    pub bytes: u64,
}

/// Walks the chain from the first slot: digests, links, numbers, times, lake id and state digests. With `deep`, also
/// every segment's bytes, row count and statistics. Derived objects are checked last, and made anew where they can be.
///
/// # Errors
/// The first damage found, with the object's key.
pub async fn verify(
    lake: &Lake,
    deep: bool,
    mut report: impl FnMut(VerifyNote) + Send,
) -> Result<VerifySummary, VerifyError> {
    let head = lake.state().head().slot;
    let location = lake.location().to_string();
    let mut walk = Walk::begin(lake.ledger().store().clone(), &location, head).await?;
    let mut summary = VerifySummary::default();
    let mut checked = BTreeSet::new();
    let damaged = |damage: Damage| VerifyError::Slot { object: damage.object, source: damage.error };
    while let Some(slot) = walk.step().await.map_err(damaged)? {
        summary.slots += 1;
        summary.versions += slot.record.entries.len() as u64;
        for change in slot.record.entries.iter().flat_map(|entry| &entry.changes) {
            let Change::AddSegment { segment } = change else { continue };
            summary.segments += 1;
            if let Storage::Hot { rows } = &segment.storage {
                let block = slot.blocks.get(rows.index as usize);
                check_hot(segment, block.map(|block| block.as_ref()).unwrap_or_default())?;
                summary.bytes += rows.length_bytes;
            } else if deep && checked.insert(segment.id) {
                summary.bytes += check_frozen(lake, segment, &slot.blocks).await?;
            }
        }
    }
    let known = lake.state();
    if known.head().slot == walk.state().head().slot {
        let digest = known.recompute_digest().map_err(LedgerError::from)?;
        if digest != walk.state().digest() {
            return Err(VerifyError::Catalog);
        }
    }
    for found in walk.check_derived().await {
        report(VerifyNote::Derived { object: found.object, reason: found.reason, rebuilt: found.rebuilt });
    }
    Ok(summary)
}

fn check_hot(segment: &Segment, block: &[u8]) -> Result<(), VerifyError> {
    let Storage::Hot { rows: at } = &segment.storage else { return Ok(()) };
    let bad = |reason: String| VerifyError::Hot { object: format!("slot {}", at.slot), segment: segment.id, reason };
    let rows = decode_hot(&bytes::Bytes::copy_from_slice(block)).map_err(|error| bad(error.to_string()))?;
    if rows.num_rows() as u64 == segment.rows {
        Ok(())
    } else {
        Err(bad(format!("has {} rows instead of {}", rows.num_rows(), segment.rows)))
    }
}

async fn check_frozen(lake: &Lake, segment: &Segment, blocks: &[bytes::Bytes]) -> Result<u64, VerifyError> {
    let Storage::Frozen { object, digests, statistics } = &segment.storage else { return Ok(0) };
    let block = |index: u32| blocks.get(index as usize).cloned().unwrap_or_default();
    let store = lake.ledger().store().objects();
    check_segment(store.as_ref(), segment, &block(digests.index), &block(statistics.index))
        .await
        .map_err(|source| VerifyError::Frozen { object: object.key.clone(), source: Arc::new(source) })?;
    Ok(object.size_bytes)
}
