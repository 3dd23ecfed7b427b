//! An open lake: its ledger, and the rows behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use frostline_catalog::io::{
    Clock, CommitError, Committed, CreateError, Genesis, LakeLocation, Ledger, LedgerError, LocationError,
};
use frostline_catalog::segment::{BlockRef, Segment, Storage};
use frostline_catalog::transaction::Transaction;
use frostline_catalog::{LakeId, ObjectId, Placed, SegmentId, Slot, State, Version};
use thiserror::Error;

use crate::hot::HotTable;
use crate::io::{ReadError, SegmentFiles, SegmentReader};
use crate::read::kept::Kept;
use crate::settings::Settings;
use crate::statistics::{SegmentStatistics, StatisticsError, StatisticsLists};
use crate::write::{HotError, decode_hot};

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
}

impl From<ReadError> for LakeError {
    fn from(error: ReadError) -> Self {
        Self::Read(Arc::new(error))
    }
}

/// An open lake. It is cheap to share behind an [`Arc`].
///
/// * Whatever it hands out was checked against the digests that the ledger carries.
/// * Nothing that it caches is ever invalidated: what it caches never changes.
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
}

/// The hot rows of one table as far as they were read. Who reads more of them holds the lock, so that nobody else
/// reads the same.
type KnownHot = tokio::sync::Mutex<Arc<HotTable>>;

/// A block by slot and place.
type BlockKey = (Slot, u32);

/// How many bytes of digests of frozen segments are kept.
const DIGEST_BYTES_MAX: usize = 64 * 1024 * 1024;

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

    /// The hot rows that a table has at a version, in few batches. Their fields carry field ids; batches of different
    /// times may have different columns.
    pub async fn hot_rows(
        &self,
        state: &State,
        table: ObjectId,
        version: Version,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let Some(segments) = state.segments_of(table).filter(|segments| segments.hot_count() > 0) else {
            return Ok(Vec::new());
        };
        let known: Arc<KnownHot> = Arc::clone(locked(&self.hot).entry(table).or_default());
        let mut known = known.lock().await;
        if known.segments() < segments.hot_count() {
            let placed: Vec<&Placed> = segments.hot_from(known.segments()).map_err(LedgerError::from)?.collect();
            let refs: Vec<BlockRef> = placed.iter().filter_map(|placed| hot_block(&placed.segment)).collect();
            let blocks = self.ledger.blocks().read_all(&refs, state.head().slot).await?;
            let mut decoded = Vec::with_capacity(blocks.len());
            for (placed, block) in placed.iter().zip(&blocks) {
                let segment = placed.segment.id;
                let rows = decode_hot(block).map_err(|source| LakeError::Hot { segment, source: Arc::new(source) })?;
                decoded.push((placed.placement.interval.begin(), rows));
            }
            let appended = known.appended(decoded);
            let appended = appended.map_err(|source| LakeError::Arrow { table, source: Arc::new(source) })?;
            *known = Arc::new(appended);
        }
        Ok(known.at(version))
    }

    /// The statistics of frozen segments in places of one table, a row each, in the order given.
    ///
    /// Of segments whose statistics are known only the placement is looked at.
    pub async fn statistics(&self, placed: &[&Placed]) -> Result<Arc<SegmentStatistics>, LakeError> {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else {
            return Ok(Arc::new(SegmentStatistics::default()));
        };
        let (table, last) = (first.placement.table, last.placement.segment);
        let ids: Vec<SegmentId> = placed.iter().map(|placed| placed.placement.segment).collect();
        let known = locked(&self.statistics).find(table, &ids);
        if known.len() == ids.len() {
            return Ok(known);
        }
        let unknown = &placed[known.len()..];
        let refs: Vec<BlockRef> = unknown.iter().filter_map(|placed| statistics_block(&placed.segment)).collect();
        let blocks = self.ledger.blocks().read_all(&refs, self.state().head().slot).await?;
        let mut rows = Vec::with_capacity(blocks.len());
        for (placed, block) in unknown.iter().zip(&blocks) {
            let segment = placed.placement.segment;
            let row = SegmentStatistics::decode_block(block)
                .map_err(|source| LakeError::Statistics { segment, source: Arc::new(source) })?;
            rows.push(row);
        }
        let all = SegmentStatistics::concat(rows).and_then(|added| known.followed_by(&added));
        let all = all.map_err(|source| LakeError::Statistics { segment: last, source: Arc::new(source) })?;
        let all = Arc::new(all);
        locked(&self.statistics).keep(table, ids, Arc::clone(&all));
        Ok(all)
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
            Some(block) => Ok(self.ledger.blocks().read(&block).await?),
            None => Ok(Bytes::new()),
        }
    }

    async fn kept_block(&self, block: &BlockRef) -> Result<Bytes, LakeError> {
        let key = (block.slot, block.index);
        let kept = locked(&self.blocks).find(&key);
        if let Some(bytes) = kept {
            return Ok(bytes);
        }
        let bytes = self.ledger.blocks().read(block).await?;
        locked(&self.blocks).keep(key, bytes.clone(), bytes.len());
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

fn hot_block(segment: &Segment) -> Option<BlockRef> {
    match &segment.storage {
        Storage::Hot { rows } => Some(*rows),
        Storage::Frozen { .. } => None,
    }
}

fn statistics_block(segment: &Segment) -> Option<BlockRef> {
    match &segment.storage {
        Storage::Frozen { statistics, .. } => Some(*statistics),
        Storage::Hot { .. } => None,
    }
}

#[cfg(test)]
mod tests;
