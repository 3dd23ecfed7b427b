//! An open lake: its ledger, and the rows behind it.
//!
//! Hot rows are put together in `lake/hot_rows.rs`, positions of dead rows in `lake/dead.rs`; what a transaction under
//! way has written and nobody else can read is in `lake/held.rs`.

mod dead;
mod held;
mod hot_rows;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::error::ArrowError;
use bytes::Bytes;
use frostline_catalog::io::{
    Clock, CommitError, Committed, CreateError, Genesis, LakeLocation, Ledger, LedgerError, LocationError,
};
use frostline_catalog::segment::{BlockRef, Segment, Storage};
use frostline_catalog::transaction::Transaction;
use frostline_catalog::{LakeId, ObjectId, Placed, SegmentId, Slot, State};
use thiserror::Error;

pub use held::HeldBlocks;

use dead::{DeadKey, KnownDead};
use held::Held;

use crate::hot::HotTable;
use crate::io::{ReadError, SegmentFiles, SegmentReader};
use crate::positions::PositionsError;
use crate::read::kept::Kept;
use crate::settings::Settings;
use crate::statistics::{Known, SegmentStatistics, StatisticsError, StatisticsLists};
use crate::write::HotError;

/// Why rows of a lake cannot be had.
#[derive(Clone, Debug, Error)]
pub enum LakeError {
    /// The ledger cannot be followed, or a block of it is not sound.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A frozen segment cannot be read.
    #[error(transparent)]
    Read(#[from] Arc<ReadError>),
    /// A hot segment cannot be decoded.
    #[error("hot segment {segment} cannot be decoded")]
    Hot {
        /// The segment.
        segment: SegmentId,
        /// Why.
        #[source]
        source: Arc<HotError>,
    },
    /// The statistics of a segment cannot be decoded.
    #[error("the statistics of segment {segment} cannot be decoded")]
    Statistics {
        /// The segment.
        segment: SegmentId,
        /// Why.
        #[source]
        source: Arc<StatisticsError>,
    },
    /// Hot rows do not fit together.
    #[error("hot rows of table {table} do not fit together")]
    Arrow {
        /// The table.
        table: ObjectId,
        /// Why.
        #[source]
        source: Arc<ArrowError>,
    },
    /// Hot rows were asked for of a segment that is frozen.
    #[error("segment {segment} is frozen: its rows are in an object, not in a slot of the ledger")]
    Frozen {
        /// The segment.
        segment: SegmentId,
    },
    /// The positions of dead rows cannot be used.
    #[error("block {index} of slot {slot} does not say which rows are dead")]
    Kill {
        /// The slot.
        slot: Slot,
        /// The block's place.
        index: u32,
        /// Why.
        #[source]
        source: Arc<PositionsError>,
    },
    /// Rows were asked for that only their transaction could read, and it has ended.
    #[error("the transaction that wrote the rows has ended; run the statement again")]
    Ended {
        /// The slot under which its blocks were held.
        slot: Slot,
    },
}

impl From<ReadError> for LakeError {
    fn from(error: ReadError) -> Self {
        Self::Read(Arc::new(error))
    }
}

/// An open lake. It is cheap to share behind an [`Arc`].
///
/// * Whatever it hands out was checked against the digests that the ledger carries, but for what a transaction under
///   way has written: that never left the process.
/// * Nothing that it caches is ever invalidated: what it caches never changes. The ids that a transaction under way
///   uses are another's later, so nothing is kept under them for longer than it lasts.
/// * While hot rows of one table are read, those of the others can be had.
#[derive(Debug)]
pub struct Lake {
    location: LakeLocation,
    ledger: Ledger,
    settings: Settings,
    files: SegmentFiles,
    hot: Mutex<HashMap<ObjectId, Arc<KnownHot>>>,
    statistics: Mutex<StatisticsLists>,
    blocks: Mutex<Kept<BlockKey, Bytes>>,
    dead: Mutex<Kept<DeadKey, KnownDead>>,
    held: Mutex<HashMap<Slot, Held>>,
}

/// The hot rows of one table as far as they were read. Who reads more of them holds the lock, so that nobody else
/// reads the same.
type KnownHot = tokio::sync::Mutex<Arc<HotTable>>;

/// A block by slot and place.
type BlockKey = (Slot, u32);

/// How many bytes of digests of frozen segments are kept.
const DIGEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many bytes of positions of dead rows are kept.
const DEAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// On a store at a distance, a frozen segment of at most so many bytes is read whole when its footer is wanted. A round
/// trip more would take about as long as carrying so much.
const WHOLE_BYTES_MAX: u64 = 1024 * 1024;

impl Lake {
    /// Creates a lake, its folder included.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub async fn create(location: &LakeLocation, clock: &dyn Clock, genesis: Genesis) -> Result<LakeId, CreateError> {
        let failed = |source: LocationError| CreateError::from(LedgerError::from(Arc::new(source)));
        location.create_root().map_err(failed)?;
        let store = location.open().map_err(failed)?;
        Ledger::create(&store, clock, &location.to_string(), genesis).await
    }

    /// Opens a lake at its newest version.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub async fn open(location: LakeLocation, clock: Arc<dyn Clock>, settings: Settings) -> Result<Self, LedgerError> {
        let store = match location.open() {
            Ok(store) => store,
            Err(LocationError::Missing { .. }) => {
                return Err(LedgerError::NoLake { location: location.to_string() });
            }
            Err(error) => return Err(Arc::new(error).into()),
        };
        let objects = Arc::clone(store.objects());
        let whole_bytes_max = if store.is_distant() { WHOLE_BYTES_MAX } else { 0 };
        let ledger = Ledger::open(store, clock, &location.to_string(), settings.ledger()).await?;
        let files = SegmentFiles::new(objects, whole_bytes_max, settings.footer_cache_bytes);
        Ok(Self {
            location,
            ledger,
            settings,
            files,
            hot: Mutex::default(),
            statistics: Mutex::default(),
            blocks: Mutex::new(Kept::new(DIGEST_BYTES_MAX)),
            dead: Mutex::new(Kept::new(DEAD_BYTES_MAX)),
            held: Mutex::default(),
        })
    }

    /// Where the lake is.
    pub fn location(&self) -> &LakeLocation {
        &self.location
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How this process treats the lake.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The newest state that this process knows.
    pub fn state(&self) -> Arc<State> {
        self.ledger.state()
    }

    /// Asks the store for what other processes wrote.
    pub async fn refresh(&self) -> Result<Arc<State>, LedgerError> {
        self.ledger.refresh().await
    }

    /// Commits a transaction.
    pub async fn commit(&self, transaction: Transaction) -> Result<Committed, CommitError> {
        self.ledger.commit(transaction).await
    }

    /// Frozen segments' footers and bytes.
    pub fn files(&self) -> &SegmentFiles {
        &self.files
    }

    /// The statistics of frozen segments in places of one table, a row each, in the order given. A cloned table's
    /// segments may be in places of the table that it was cloned from.
    ///
    /// Of segments whose statistics are known only the placement is looked at.
    pub async fn statistics(&self, placed: &[&Placed]) -> Result<Arc<SegmentStatistics>, LakeError> {
        if !placed.iter().any(is_pending) {
            return self.settled_statistics(placed).await;
        }
        let (pending, settled): (Vec<&Placed>, Vec<&Placed>) = placed.iter().copied().partition(is_pending);
        let known = self.settled_statistics(&settled).await?;
        let added = self.read_statistics(&pending).await?;
        let (mut next_settled, mut next_pending) = (0, settled.len());
        let order = placed.iter().map(|placed| {
            let next = if is_pending(placed) { &mut next_pending } else { &mut next_settled };
            *next += 1;
            *next - 1
        });
        let order: Vec<usize> = order.collect();
        let all = known.followed_by(&added).and_then(|all| all.in_order(&order));
        Ok(Arc::new(all.map_err(|source| statistics_error(&pending, source))?))
    }

    /// The statistics of segments that keep their ids.
    async fn settled_statistics(&self, placed: &[&Placed]) -> Result<Arc<SegmentStatistics>, LakeError> {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else {
            return Ok(Arc::new(SegmentStatistics::default()));
        };
        let owners = [last.placement.table, first.placement.table];
        let ids: Vec<SegmentId> = placed.iter().map(|placed| placed.placement.segment).collect();
        let found = locked(&self.statistics).find(owners, &ids);
        let (known, rows) = match found {
            Known::Whole(known) => return Ok(known),
            Known::Part { statistics, rows } => (statistics, rows),
        };
        let unknown: Vec<&Placed> =
            placed.iter().zip(&rows).filter(|(_, row)| row.is_none()).map(|(placed, _)| *placed).collect();
        let added = self.read_statistics(&unknown).await?;
        let wanted: Vec<usize> = rows.iter().flatten().copied().collect();
        let (mut next_known, mut next_unknown) = (0, wanted.len());
        let order = rows.iter().map(|row| {
            let next = if row.is_some() { &mut next_known } else { &mut next_unknown };
            *next += 1;
            *next - 1
        });
        let order: Vec<usize> = order.collect();
        let known = known.in_order(&wanted);
        let all = known.and_then(|known| known.followed_by(&added)).and_then(|all| all.in_order(&order));
        let all = Arc::new(all.map_err(|source| statistics_error(placed, source))?);
        locked(&self.statistics).keep(last.placement.table, ids, Arc::clone(&all));
        Ok(all)
    }

    /// The statistics in the blocks of frozen segments.
    async fn read_statistics(&self, placed: &[&Placed]) -> Result<SegmentStatistics, LakeError> {
        let refs: Vec<BlockRef> = placed.iter().filter_map(|placed| statistics_block(&placed.segment)).collect();
        let blocks = self.read_blocks(&refs).await?;
        let mut rows = Vec::with_capacity(blocks.len());
        for (placed, block) in placed.iter().zip(&blocks) {
            let row = SegmentStatistics::decode_block(block);
            rows.push(row.map_err(|source| statistics_error(&[*placed], source))?);
        }
        SegmentStatistics::concat(rows).map_err(|source| statistics_error(placed, source))
    }

    /// Opens a frozen segment for Parquet's reader. What is not known of it is read first: its digests and, at the same
    /// time, its footer. On a store at a distance the footer of a small segment comes with all its rows.
    pub async fn open_segment(&self, segment: &Segment) -> Result<SegmentReader, LakeError> {
        self.files.open(segment, self.digests(segment)).await
    }

    /// The digests of a frozen segment's object.
    pub async fn digests(&self, segment: &Segment) -> Result<Bytes, LakeError> {
        let Storage::Frozen { digests, .. } = &segment.storage else { return Ok(Bytes::new()) };
        self.kept_block(digests).await
    }

    /// The block of a frozen segment's statistics.
    pub async fn statistics_bytes(&self, segment: &Segment) -> Result<Bytes, LakeError> {
        match statistics_block(segment) {
            Some(block) => self.read_block(&block).await,
            None => Ok(Bytes::new()),
        }
    }

    async fn kept_block(&self, block: &BlockRef) -> Result<Bytes, LakeError> {
        let key = (block.slot, block.index);
        let kept = locked(&self.blocks).find(&key);
        if let Some(bytes) = kept {
            return Ok(bytes);
        }
        let bytes = self.read_block(block).await?;
        if !block.slot.is_pending() {
            locked(&self.blocks).keep(key, bytes.clone(), bytes.len());
        }
        Ok(bytes)
    }

    /// Waits for what is derived from the commits so far.
    pub async fn settle(&self) {
        self.ledger.settle().await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_pending(placed: &&Placed) -> bool {
    placed.placement.segment.is_pending()
}

fn statistics_block(segment: &Segment) -> Option<BlockRef> {
    match &segment.storage {
        Storage::Frozen { statistics, .. } => Some(*statistics),
        Storage::Hot { .. } => None,
    }
}

/// What is wrong with the statistics of some segments, or with putting them together.
fn statistics_error(placed: &[&Placed], source: StatisticsError) -> LakeError {
    let segment = placed.last().map_or(SegmentId::new(0), |placed| placed.placement.segment);
    LakeError::Statistics { segment, source: Arc::new(source) }
}

#[cfg(test)]
mod tests;
