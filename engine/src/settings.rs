//! How a process treats a lake.

use std::time::Duration;

use frostline_catalog::io::LedgerSettings;

/// How a process treats a lake. None of these changes what a version's rows are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A write of at most so many bytes of Arrow memory stays hot: it travels in the slot that commits it.
    pub hot_bytes_max: usize,
    /// A frozen segment is closed once it has so many bytes.
    pub segment_bytes_target: usize,
    /// How many rows a row group of a frozen segment has, at most.
    pub row_group_rows: usize,
    /// How many bytes of footers are kept in memory.
    pub footer_cache_bytes: usize,
    /// How many slots come between two checkpoints.
    pub checkpoint_interval_slots: u64,
    /// How long a commit goes on without a clear answer from the store.
    pub commit_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let ledger = LedgerSettings::default();
        Self {
            hot_bytes_max: 1024 * 1024,
            segment_bytes_target: 128 * 1024 * 1024,
            row_group_rows: 122_880,
            footer_cache_bytes: 256 * 1024 * 1024,
            checkpoint_interval_slots: ledger.checkpoint_interval_slots,
            commit_timeout: ledger.commit_timeout,
        }
    }
}

impl Settings {
    pub(crate) fn ledger(&self) -> LedgerSettings {
        LedgerSettings {
            checkpoint_interval_slots: self.checkpoint_interval_slots,
            commit_timeout: self.commit_timeout,
        }
    }
}
