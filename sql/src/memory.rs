//! Memory and disk: what one statement may reserve, and what all of them may together.
//!
//! ```text
//!   LakePool       what all statements reserve together
//!      ▲ ▲ ▲
//!      │ │ └── StatementPool    its own limit, shared fairly among the sorts and aggregates of one statement
//!      │ └──── StatementPool    that can go on from disk
//!      └────── StatementPool
//! ```
//!
//! A pool for each statement keeps the idle operators of one from shrinking the share of another's.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

/// What the statements of one open lake may use of the machine.
///
/// * Sorts, aggregates and the like that would reserve more go on from disk; what cannot, such as a hash join, is an
///   error of the kind [`Resources`](crate::ErrorKind::Resources).
/// * Not all memory is reserved: leave a quarter of the machine's to the rest of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeLimits {
    /// How much all statements may reserve together, in bytes.
    pub memory_bytes: usize,
    /// How much one statement may reserve, in bytes.
    pub statement_memory_bytes: usize,
    /// How much may be on disk for all statements together, in bytes.
    pub spill_bytes: u64,
    /// Where it is; `None` for the system's folder for temporary files.
    pub spill_folder: Option<PathBuf>,
}

/// What all statements of a lake have reserved.
#[derive(Debug)]
struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    fn try_add(&self, bytes: usize) -> Result<()> {
        let added = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.limit)
        });
        match added {
            Ok(_) => Ok(()),
            Err(used) => Err(DataFusionError::ResourcesExhausted(format!(
                "{bytes} bytes more are asked for, and all statements together use {used} of {} bytes",
                self.limit
            ))),
        }
    }

    fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn take_away(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The pool of a lake, from which those of statements are made.
#[derive(Debug)]
pub(crate) struct LakePool {
    budget: Arc<Budget>,
    statement_bytes: usize,
}

/// The pool of one statement.
///
/// * Nothing is reserved in it that is not reserved in the lake's too.
#[derive(Debug)]
struct StatementPool {
    own: FairSpillPool,
    limit: usize,
    all: Arc<Budget>,
}

impl LakePool {
    fn new(limits: &RuntimeLimits) -> Self {
        let budget = Budget { limit: limits.memory_bytes, used: AtomicUsize::new(0) };
        let statement_bytes = limits.statement_memory_bytes.min(limits.memory_bytes);
        Self { budget: Arc::new(budget), statement_bytes }
    }

    fn statement(&self) -> StatementPool {
        let limit = self.statement_bytes;
        StatementPool { own: FairSpillPool::new(limit), limit, all: Arc::clone(&self.budget) }
    }
}

impl fmt::Display for LakePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lake({} bytes)", self.budget.limit)
    }
}

impl fmt::Display for StatementPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement: {}", self.own)
    }
}

impl MemoryPool for LakePool {
    fn name(&self) -> &str {
        "lake"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.budget.add(additional);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.budget.take_away(shrink);
    }

    fn try_grow(&self, _reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.budget.try_add(additional)
    }

    fn reserved(&self) -> usize {
        self.budget.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.budget.limit)
    }
}

impl MemoryPool for StatementPool {
    fn name(&self) -> &str {
        "statement"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.all.add(additional);
        self.own.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.take_away(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.all.try_add(additional)?;
        self.own.try_grow(reservation, additional).map_err(|_| {
            self.all.take_away(additional);
            DataFusionError::ResourcesExhausted(format!(
                "{additional} bytes more are asked for, and the statement uses {} of {} bytes",
                self.own.reserved(),
                self.limit
            ))
        })
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

/// What statements run in, within these limits or without any.
pub(crate) fn lake_runtime(limits: Option<&RuntimeLimits>) -> Result<Arc<RuntimeEnv>> {
    let Some(limits) = limits else { return RuntimeEnvBuilder::new().build_arc() };
    let mode = match &limits.spill_folder {
        Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(limits.spill_bytes);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(LakePool::new(limits)))
        .with_disk_manager_builder(disk)
        .build_arc()
}

/// What one statement runs in: the lake's, with a pool of its own if the lake has limits.
pub(crate) fn statement_runtime(lake: &Arc<RuntimeEnv>) -> Arc<RuntimeEnv> {
    let Some(pool) = lake.memory_pool.downcast_ref::<LakePool>() else { return Arc::clone(lake) };
    Arc::new(RuntimeEnv {
        memory_pool: Arc::new(pool.statement()),
        disk_manager: Arc::clone(&lake.disk_manager),
        cache_manager: Arc::clone(&lake.cache_manager),
        object_store_registry: Arc::clone(&lake.object_store_registry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(memory_bytes: usize, statement_memory_bytes: usize) -> Arc<RuntimeEnv> {
        let limits = RuntimeLimits { memory_bytes, statement_memory_bytes, spill_bytes: 0, spill_folder: None };
        lake_runtime(Some(&limits)).unwrap()
    }

    fn reservation(runtime: &Arc<RuntimeEnv>) -> MemoryReservation {
        MemoryConsumer::new("test").register(&runtime.memory_pool)
    }

    #[test]
    fn a_statement_reserves_no_more_than_its_share() {
        let lake = runtime(100, 60);
        let one = reservation(&statement_runtime(&lake));
        assert!(one.try_grow(60).is_ok());
        let refused = one.try_grow(1).unwrap_err().to_string();
        assert!(refused.contains("the statement uses 60 of 60 bytes"), "{refused}");
        assert_eq!(lake.memory_pool.reserved(), 60, "what was refused is not counted");
    }

    #[test]
    fn all_statements_together_reserve_no_more_than_the_lake_has() {
        let lake = runtime(100, 60);
        let (one, other) = (reservation(&statement_runtime(&lake)), reservation(&statement_runtime(&lake)));
        assert!(one.try_grow(60).is_ok());
        assert!(other.try_grow(41).is_err());
        assert!(other.try_grow(40).is_ok());
        drop(one);
        assert!(other.try_grow(20).is_ok());
        drop(other);
        assert_eq!(lake.memory_pool.reserved(), 0);
    }

    #[test]
    fn a_lake_without_limits_is_left_alone() {
        let lake = lake_runtime(None).unwrap();
        assert!(Arc::ptr_eq(&lake, &statement_runtime(&lake)));
    }
}
