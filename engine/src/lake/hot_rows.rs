//! The hot rows of a table: which segments a version has, what of them is in memory, and what is read for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use frostline_catalog::io::LedgerError;
use frostline_catalog::segment::{BlockRef, Storage};
use frostline_catalog::state::Dead;
use frostline_catalog::{ObjectId, Placed, SegmentId, State, Version};

use super::dead::kill_error;
use super::{KnownHot, Lake, LakeError, locked};
use crate::hot::{Asked, HotPart, HotTable, Place};
use crate::positions::Positions;
use crate::write::decode_hot;

/// Where the rows of a segment are kept in memory: with those of the table that placed it, and those of a transaction
/// under way apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    table: ObjectId,
    is_pending: bool,
}

impl Home {
    fn of(placed: &Placed) -> Self {
        Self { table: placed.placement.table, is_pending: placed.placement.segment.is_pending() }
    }
}

/// A segment and the positions of its dead rows.
type Marked<'a> = (&'a Placed, Option<Arc<Positions>>);

impl Lake {
    /// The living hot rows of a table at a version, in few batches. Their fields carry field ids; batches of different
    /// times may have different columns, and some the rows' ids.
    ///
    /// Rows come in the order of their segments as far as that takes no more batches.
    pub async fn hot_rows(
        &self,
        state: &State,
        table: ObjectId,
        version: Version,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let live = state.live_hot(table, version).map_err(LedgerError::from)?;
        let of_kills: Vec<Arc<Dead>> = live.iter().filter_map(|live| live.dead.clone()).collect();
        let mut positions = self.dead_positions_all(&of_kills).await?.into_iter();
        let mut segments: Vec<Marked<'_>> = Vec::with_capacity(live.len());
        for live in &live {
            let dead = match &live.dead {
                Some(kills) => {
                    let dead = positions.next();
                    check_within(live.placed, kills, dead.as_deref())?;
                    dead
                }
                None => None,
            };
            segments.push((live.placed, dead));
        }
        let mut batches: Vec<RecordBatch> = Vec::new();
        let parts: Vec<&[Marked<'_>]> =
            segments.chunk_by(|(left, _), (right, _)| Home::of(left) == Home::of(right)).collect();
        for part in parts {
            let placed: Vec<&Placed> = part.iter().map(|(placed, _)| *placed).collect();
            let (rows, places) = self.places(&placed).await?;
            let dead = part.iter().map(|(_, dead)| dead.as_deref());
            let living = rows.living(places.into_iter().zip(dead));
            batches.extend(living.map_err(|source| LakeError::Arrow { table, source: Arc::new(source) })?);
        }
        Ok(batches)
    }

    /// Some rows of hot segments as they were written, in few parts: those that are kept, whether they live or not. A
    /// segment comes with a bit for each of its rows, set if the row is kept; with `None` all are.
    ///
    /// Rows come in the order of their segments as far as that takes no more parts.
    ///
    /// # Errors
    /// If a segment is not hot, or cannot be read.
    pub async fn hot_parts(&self, segments: &[(&Placed, Option<BooleanBuffer>)]) -> Result<Vec<HotPart>, LakeError> {
        let mut homes: BTreeMap<Home, Vec<usize>> = BTreeMap::new();
        for (place, (placed, _)) in segments.iter().enumerate() {
            homes.entry(Home::of(placed)).or_default().push(place);
        }
        let mut parts: Vec<HotPart> = Vec::new();
        for (home, of_home) in homes {
            let placed: Vec<&Placed> = of_home.iter().map(|place| segments[*place].0).collect();
            let (rows, places) = self.places(&placed).await?;
            let asked = of_home.into_iter().zip(places).map(|(segment, place)| {
                let kept = segments[segment].1.as_ref();
                Asked { segment, place, kept }
            });
            let table = home.table;
            parts.extend(rows.parts(asked).map_err(|source| LakeError::Arrow { table, source: Arc::new(source) })?);
        }
        Ok(parts)
    }

    /// The rows in memory of segments of one home, and where among them each segment is. Those that are not there yet
    /// are read first; nobody else reads them meanwhile.
    async fn places(&self, placed: &[&Placed]) -> Result<(Arc<HotTable>, Vec<Place>), LakeError> {
        let Some(first) = placed.first() else { return Ok((Arc::default(), Vec::new())) };
        let table = first.placement.table;
        let known: Arc<KnownHot> = if first.placement.segment.is_pending() {
            self.held_hot(hot_block(first)?.slot, table)?
        } else {
            Arc::clone(locked(&self.hot).entry(table).or_default())
        };
        let mut known = known.lock().await;
        let mut rows: Arc<HotTable> = known.clone();
        loop {
            let missing = match rows.places(placed.iter().map(|placed| placed.placement.segment)) {
                Ok(places) => return Ok((rows, places)),
                Err(missing) => missing,
            };
            let unread: Vec<&Placed> = missing.into_iter().map(|place| placed[place]).collect();
            let appended = rows.appended(self.read_hot(&unread).await?);
            rows = Arc::new(appended.map_err(|source| LakeError::Arrow { table, source: Arc::new(source) })?);
            *known = Arc::clone(&rows);
        }
    }

    /// The rows in the blocks of hot segments.
    async fn read_hot(&self, placed: &[&Placed]) -> Result<Vec<(SegmentId, RecordBatch)>, LakeError> {
        let refs = placed.iter().map(|placed| hot_block(placed)).collect::<Result<Vec<BlockRef>, LakeError>>()?;
        let blocks = self.read_blocks(&refs).await?;
        let mut decoded: Vec<(SegmentId, RecordBatch)> = Vec::with_capacity(blocks.len());
        for (placed, block) in placed.iter().zip(&blocks) {
            let segment = placed.placement.segment;
            let rows = decode_hot(block).map_err(|source| LakeError::Hot { segment, source: Arc::new(source) })?;
            decoded.push((segment, rows));
        }
        Ok(decoded)
    }
}

fn hot_block(placed: &Placed) -> Result<BlockRef, LakeError> {
    match &placed.segment.storage {
        Storage::Hot { rows } => Ok(*rows),
        Storage::Frozen { .. } => Err(LakeError::Frozen { segment: placed.segment.id }),
    }
}

/// No row can be dead that a segment does not have.
fn check_within(placed: &Placed, kills: &Dead, dead: Option<&Positions>) -> Result<(), LakeError> {
    let checked = dead.map_or(Ok(()), |dead| dead.check_within(placed.segment.rows));
    checked.map_err(|source| kill_error(&kills.last, source))
}
