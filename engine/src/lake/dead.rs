//! Which rows of a segment are dead: the positions in the blocks of all its kills, together.

use std::sync::Arc;

use frostline_catalog::Slot;
use frostline_catalog::segment::BlockRef;
use frostline_catalog::state::Dead;

use super::{BlockKey, Lake, LakeError, locked};
use crate::positions::{Positions, PositionsError};

/// How many fewer kills than the asked ones are looked for among what is known.
const SHORTER_MAX: usize = 16;

impl Lake {
    /// The positions of a segment's dead rows. Blocks are read once and kept, together with those of the kills before.
    ///
    /// # Errors
    /// If a block cannot be read or decoded, or they name more or fewer rows than the catalog counts.
    pub async fn dead_positions(&self, dead: &Dead) -> Result<Arc<Positions>, LakeError> {
        let mut found = self.read_dead(&[dead]).await?;
        Ok(found.pop().unwrap_or_default())
    }

    /// The same of many segments, in the order given. What is not known is read together.
    ///
    /// # Errors
    /// The same.
    pub async fn dead_positions_all(&self, dead: &[Arc<Dead>]) -> Result<Vec<Arc<Positions>>, LakeError> {
        let asked: Vec<&Dead> = dead.iter().map(Arc::as_ref).collect();
        self.read_dead(&asked).await
    }

    async fn read_dead(&self, asked: &[&Dead]) -> Result<Vec<Arc<Positions>>, LakeError> {
        let known: Vec<(Arc<Positions>, usize)> = asked.iter().map(|dead| self.known_dead(dead)).collect();
        let unread = asked.iter().zip(&known).flat_map(|(dead, (_, kills))| dead.blocks.iter().skip(*kills).copied());
        let unread: Vec<BlockRef> = unread.collect();
        let blocks = self.read_blocks(&unread).await?;
        let mut read = unread.iter().zip(&blocks);
        let mut found: Vec<Arc<Positions>> = Vec::with_capacity(asked.len());
        for (dead, (before, kills)) in asked.iter().zip(known) {
            if kills == dead.blocks.len() {
                found.push(before);
                continue;
            }
            let mut positions = Positions::clone(&before);
            for (block, bytes) in read.by_ref().take(dead.blocks.len() - kills) {
                let killed = Positions::decode(bytes).map_err(|source| kill_error(block, source))?;
                positions.union_with(&killed);
            }
            if let Some(last) = dead.blocks.last().filter(|_| positions.len() != dead.rows) {
                let counts = PositionsError::Count { expected: dead.rows, found: positions.len() };
                return Err(kill_error(last, counts));
            }
            let positions = Arc::new(positions);
            let bytes = positions.memory_bytes() + dead.blocks.len() * size_of::<BlockKey>();
            locked(&self.dead).keep(keys(&dead.blocks), Arc::clone(&positions), bytes);
            found.push(positions);
        }
        Ok(found)
    }

    /// What is known of a segment's dead rows: the positions of the first kills, and how many kills those are.
    fn known_dead(&self, dead: &Dead) -> (Arc<Positions>, usize) {
        let mut keys = keys(&dead.blocks);
        let mut kept = locked(&self.dead);
        for _ in 0..=SHORTER_MAX {
            if keys.is_empty() {
                break;
            }
            if let Some(positions) = kept.find(&keys) {
                return (positions, keys.len());
            }
            keys.pop();
        }
        (Arc::default(), 0)
    }
}

fn keys(blocks: &[BlockRef]) -> Vec<BlockKey> {
    let key = |block: &BlockRef| -> (Slot, u32) { (block.slot, block.index) };
    blocks.iter().map(key).collect()
}

/// What is wrong with the positions in a block.
pub(super) fn kill_error(block: &BlockRef, source: PositionsError) -> LakeError {
    LakeError::Kill { slot: block.slot, index: block.index, source: Arc::new(source) }
}
