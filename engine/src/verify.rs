//! Verifying a lake: every slot from the first, and with `deep` every byte of every segment.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use frostline_catalog::change::Change;
use frostline_catalog::io::{Damage, LedgerError, Walk};
use frostline_catalog::segment::{BlockRef, Segment, Storage};
use frostline_catalog::{ObjectId, RelationId, SegmentId, Slot, State};
use thiserror::Error;

use crate::io::{SegmentDamage, check_segment};
use crate::lake::{Lake, LakeError};
use crate::positions::{Positions, PositionsError};
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
    /// A frozen segment's object could not be read, so nothing is known of it.
    #[error(transparent)]
    Unread(Arc<SegmentDamage>),
    /// The catalog in use does not match the one that the slots make.
    #[error("the catalog that was opened does not match the one that the slots make")]
    Catalog,
    /// The positions of dead rows are not what a record says.
    #[error("`{object}` is damaged: what it says of dead rows of segment {segment} cannot be right")]
    Kill {
        /// The slot's key.
        object: String,
        /// The segment.
        segment: SegmentId,
        /// What is wrong.
        #[source]
        source: Arc<PositionsError>,
    },
    /// The positions of dead rows could not be read.
    #[error(transparent)]
    Dead(Arc<LakeError>),
}

impl VerifyError {
    /// The key of the damaged object, if it is one.
    pub fn object(&self) -> Option<&str> {
        match self {
            Self::Slot { object, .. }
            | Self::Hot { object, .. }
            | Self::Frozen { object, .. }
            | Self::Kill { object, .. } => Some(object),
            Self::Ledger(_) | Self::Unread(_) | Self::Catalog | Self::Dead(_) => None,
        }
    }

    /// What a slot that cannot be used is evidence of. A store that does not answer is none.
    pub(crate) fn of_slot(damage: Damage) -> Self {
        match damage.error.as_ref() {
            LedgerError::Store(_) => Self::Ledger(LedgerError::clone(&damage.error)),
            _ => Self::Slot { object: damage.object, source: damage.error },
        }
    }

    /// What a frozen segment that cannot be used is evidence of.
    pub(crate) fn of_segment(key: &str, damage: SegmentDamage) -> Self {
        match damage {
            SegmentDamage::Unread { .. } => Self::Unread(Arc::new(damage)),
            _ => Self::Frozen { object: key.to_owned(), source: Arc::new(damage) },
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

/// Walks the chain from the first slot: digests, links, numbers, times, lake id and state digests, hot rows, and the
/// positions of dead rows. With `deep`, also every frozen segment's bytes, row count and statistics, and which rows of
/// the newest version are dead by all kills together. The catalog in use is compared where the walk comes to its slot,
/// whatever was committed since. Derived objects are checked last, and made anew where they can be.
///
/// # Errors
/// The first damage found, with the object's key. A store that does not answer is an error, and no damage.
pub async fn verify(
    lake: &Lake,
    deep: bool,
    mut report: impl FnMut(VerifyNote) + Send,
) -> Result<VerifySummary, VerifyError> {
    let known = lake.state();
    let head = known.head();
    let location = lake.location().to_string();
    let mut walk = Walk::begin(lake.ledger().store().clone(), &location, head.slot).await?;
    let mut summary = VerifySummary::default();
    let mut checked = BTreeSet::new();
    let mut rows_of: HashMap<SegmentId, u64> = HashMap::new();
    while let Some(slot) = walk.step().await.map_err(VerifyError::of_slot)? {
        if walk.state().head().slot == head.slot {
            let digest = known.recompute_digest().map_err(LedgerError::from)?;
            if walk.state().head().hash != head.hash || walk.state().digest() != digest {
                return Err(VerifyError::Catalog);
            }
        }
        summary.slots += 1;
        summary.versions += slot.record.entries.len() as u64;
        for change in slot.record.entries.iter().flat_map(|entry| &entry.changes) {
            match change {
                Change::AddSegment { segment } => {
                    summary.segments += 1;
                    rows_of.insert(segment.id, segment.rows);
                    if let Storage::Hot { rows } = &segment.storage {
                        check_hot(segment, block_bytes(&slot.blocks, rows))?;
                        summary.bytes += rows.length_bytes;
                    } else if deep && checked.insert(segment.id) {
                        summary.bytes += check_frozen(lake, segment, &slot.blocks).await?;
                    }
                }
                Change::KillRows { segment, rows, positions: Some(block), .. } => {
                    let segment_rows = rows_of.get(segment).copied().unwrap_or(0);
                    check_kill(block_bytes(&slot.blocks, block), *rows, segment_rows)
                        .map_err(|source| kill_error(slot.record.slot, *segment, source))?;
                }
                _ => {}
            }
        }
    }
    if deep {
        check_dead(lake, walk.state()).await?;
    }
    for found in walk.check_derived().await {
        report(VerifyNote::Derived { object: found.object, reason: found.reason, rebuilt: found.rebuilt });
    }
    Ok(summary)
}

fn block_bytes<'a>(blocks: &'a [bytes::Bytes], block: &BlockRef) -> &'a [u8] {
    blocks.get(block.index as usize).map(|bytes| bytes.as_ref()).unwrap_or_default()
}

/// A kill names as many rows as its record says, and none that its segment does not have.
fn check_kill(block: &[u8], rows: u64, segment_rows: u64) -> Result<(), PositionsError> {
    let positions = Positions::decode(block)?;
    positions.check_within(segment_rows)?;
    if positions.len() == rows { Ok(()) } else { Err(PositionsError::Count { expected: rows, found: positions.len() }) }
}

fn kill_error(slot: Slot, segment: SegmentId, source: PositionsError) -> VerifyError {
    VerifyError::Kill { object: format!("slot {slot}"), segment, source: Arc::new(source) }
}

/// No row of the newest version was killed twice, and none that is not there.
async fn check_dead(lake: &Lake, state: &State) -> Result<(), VerifyError> {
    let Some(version) = state.head().version else { return Ok(()) };
    let tables = state.relations_at(version).filter_map(|(_, relation)| match relation.id() {
        RelationId::Table(table) => Some(table),
        RelationId::View(_) => None,
    });
    let tables: Vec<ObjectId> = tables.collect();
    for table in tables {
        let live = state.live_segments(table, version).map_err(LedgerError::from)?;
        for live in live.hot.iter().chain(&live.frozen) {
            let Some(dead) = &live.dead else { continue };
            let segment = live.placed.segment.id;
            lake.dead_positions(dead).await.map_err(|error| dead_error(segment, error))?;
        }
    }
    Ok(())
}

fn dead_error(segment: SegmentId, error: LakeError) -> VerifyError {
    match error {
        LakeError::Ledger(error) => VerifyError::Ledger(error),
        LakeError::Kill { slot, source, .. } => VerifyError::Kill { object: format!("slot {slot}"), segment, source },
        other => VerifyError::Dead(Arc::new(other)),
    }
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
        .map_err(|damage| VerifyError::of_segment(&object.key, damage))?;
    Ok(object.size_bytes)
}
