//! Blocks of transactions under way: no slot carries them yet, and nobody else reads them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use frostline_catalog::io::LedgerError;
use frostline_catalog::segment::BlockRef;
use frostline_catalog::{ObjectId, Slot};

use super::{KnownHot, Lake, LakeError, locked};

/// What a transaction under way has written, and its hot rows as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Held {
    blocks: Vec<Bytes>,
    hot: HashMap<ObjectId, Arc<KnownHot>>,
}

/// The blocks of a transaction under way. They are readable under its pending slot until this is dropped.
///
/// * A block's index counts over all that were pushed.
/// * What was decoded of them is forgotten with them.
#[derive(Debug)]
pub struct HeldBlocks {
    lake: Arc<Lake>,
    slot: Slot,
}

impl HeldBlocks {
    /// Holds more blocks, behind the others.
    pub fn push(&self, blocks: Vec<Bytes>) {
        locked(&self.lake.held).entry(self.slot).or_default().blocks.extend(blocks);
    }
}

impl Drop for HeldBlocks {
    fn drop(&mut self) {
        let held = locked(&self.lake.held).remove(&self.slot);
        drop(held);
    }
}

impl Lake {
    /// Holds blocks of a transaction under way, which are readable under its pending slot until the guard is dropped.
    pub fn hold_blocks(self: &Arc<Self>, slot: Slot) -> HeldBlocks {
        locked(&self.held).insert(slot, Held::default());
        HeldBlocks { lake: Arc::clone(self), slot }
    }

    /// One block: from the ledger, or of a transaction under way.
    pub(super) async fn read_block(&self, block: &BlockRef) -> Result<Bytes, LakeError> {
        if block.slot.is_pending() {
            return self.held_block(block);
        }
        Ok(self.ledger.blocks().read(block).await?)
    }

    /// Some blocks, in the order asked for: from the ledger, or of a transaction under way.
    pub(super) async fn read_blocks(&self, blocks: &[BlockRef]) -> Result<Vec<Bytes>, LakeError> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let stored: Vec<BlockRef> = blocks.iter().filter(|block| !block.slot.is_pending()).copied().collect();
        let read: Vec<Bytes> = self.ledger.blocks().read_all(&stored, self.state().head().slot).await?;
        if stored.len() == blocks.len() {
            return Ok(read);
        }
        let mut read = read.into_iter();
        let mut found: Vec<Bytes> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let bytes = if block.slot.is_pending() {
                self.held_block(block)?
            } else {
                read.next().ok_or(LedgerError::Block { slot: block.slot, index: block.index })?
            };
            found.push(bytes);
        }
        Ok(found)
    }

    /// The hot rows of a table that a transaction under way has added, as far as they were read.
    pub(super) fn held_hot(&self, slot: Slot, table: ObjectId) -> Result<Arc<KnownHot>, LakeError> {
        let mut all = locked(&self.held);
        let held: &mut Held = all.get_mut(&slot).ok_or(LakeError::Ended { slot })?;
        Ok(Arc::clone(held.hot.entry(table).or_default()))
    }

    fn held_block(&self, block: &BlockRef) -> Result<Bytes, LakeError> {
        let all = locked(&self.held);
        let found = all.get(&block.slot).and_then(|held| held.blocks.get(block.index as usize));
        found.cloned().ok_or(LakeError::Ended { slot: block.slot })
    }
}
