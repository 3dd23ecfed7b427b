//! Which rows of a segment are dead: the positions in the blocks of all its kills, together.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use frostline_catalog::segment::BlockRef;
use frostline_catalog::state::Dead;

use super::{BlockKey, Lake, LakeError, locked};
use crate::positions::{Positions, PositionsError};

/// Under which the positions of dead rows are kept: the block of the last kill, and how many kills there are.
pub(super) type DeadKey = (BlockKey, usize);

/// Positions of dead rows as they are kept, and which rows those are: kills of two segments might share a block.
#[derive(Clone, Debug)]
pub(super) struct KnownDead {
    dead: Dead,
    positions: Arc<Positions>,
}

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
        let known: Vec<(Arc<Positions>, Vec<&Dead>)> = asked.iter().map(|dead| self.known_dead(dead)).collect();
        let mut blocks: HashMap<BlockKey, Bytes> = HashMap::new();
        let mut unread: Vec<BlockRef> = Vec::new();
        for kill in known.iter().flat_map(|(_, rest)| rest) {
            if blocks.insert(block_key(&kill.last), Bytes::new()).is_none() {
                unread.push(kill.last);
            }
        }
        let read = self.read_blocks(&unread).await?;
        blocks.extend(unread.iter().map(block_key).zip(read));
        let mut found: Vec<Arc<Positions>> = Vec::with_capacity(asked.len());
        for (dead, known) in asked.iter().zip(known) {
            if known.1.is_empty() {
                found.push(known.0);
                continue;
            }
            // One that was asked for before may have all but the last rows of this one.
            let again = self.known_dead(dead);
            let (before, rest) = if again.1.len() < known.1.len() { again } else { known };
            let mut positions = Positions::clone(&before);
            for kill in rest {
                let block: &[u8] = blocks.get(&block_key(&kill.last)).map(|bytes| bytes.as_ref()).unwrap_or_default();
                add(&mut positions, kill, block).map_err(|source| kill_error(&kill.last, source))?;
            }
            let positions = Arc::new(positions);
            self.keep_dead(dead, &positions);
            found.push(positions);
        }
        Ok(found)
    }

    /// What is known of a segment's dead rows: the positions of the first kills, and the kills after those.
    fn known_dead<'a>(&self, dead: &'a Dead) -> (Arc<Positions>, Vec<&'a Dead>) {
        let mut rest: Vec<&Dead> = Vec::new();
        let mut positions: Arc<Positions> = Arc::default();
        let mut kept = locked(&self.dead);
        for kill in dead.newest_first() {
            if let Some(known) = kept.find(&dead_key(kill)).filter(|known| known.dead == *kill) {
                positions = known.positions;
                break;
            }
            rest.push(kill);
        }
        rest.reverse();
        (positions, rest)
    }

    fn keep_dead(&self, dead: &Dead, positions: &Arc<Positions>) {
        let bytes = positions.memory_bytes() + size_of::<(DeadKey, KnownDead)>() + size_of::<Dead>();
        let known = KnownDead { dead: dead.clone(), positions: Arc::clone(positions) };
        locked(&self.dead).keep(dead_key(dead), known, bytes);
    }
}

/// Adds the positions of the rows that a kill took.
fn add(positions: &mut Positions, kill: &Dead, block: &[u8]) -> Result<(), PositionsError> {
    let killed = Positions::decode(block)?;
    check_count(kill.died_last(), &killed)?;
    positions.union_with(&killed);
    check_count(kill.rows, positions)
}

fn check_count(expected: u64, positions: &Positions) -> Result<(), PositionsError> {
    match positions.len() {
        found if found == expected => Ok(()),
        found => Err(PositionsError::Count { expected, found }),
    }
}

fn block_key(block: &BlockRef) -> BlockKey {
    (block.slot, block.index)
}

fn dead_key(dead: &Dead) -> DeadKey {
    (block_key(&dead.last), dead.kills())
}

/// What is wrong with the positions in a block.
pub(super) fn kill_error(block: &BlockRef, source: PositionsError) -> LakeError {
    LakeError::Kill { slot: block.slot, index: block.index, source: Arc::new(source) }
}
