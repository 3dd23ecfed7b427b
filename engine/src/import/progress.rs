//! How far an import is.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far an import is. Counters that the reader raises and anyone may read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_read: AtomicU64,
    rows_read: AtomicU64,
    files_done: AtomicU64,
    files_total: u64,
    size_bytes: u64,
}

impl Progress {
    /// Nothing read yet, of so many files with so many bytes.
    pub(crate) fn new(files_total: u64, size_bytes: u64) -> Self {
        Self { files_total, size_bytes, ..Self::default() }
    }

    /// Begins anew: the files are read once more from their beginnings.
    pub fn restart(&self) {
        for counter in [&self.bytes_read, &self.rows_read, &self.files_done] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// How many bytes of the files have been read. For Parquet an estimate by rows.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many rows have been handed out.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    /// How many files have been read to their end.
    pub fn files_done(&self) -> u64 {
        self.files_done.load(Ordering::Relaxed)
    }

    /// How many files there are.
    pub fn files_total(&self) -> u64 {
        self.files_total
    }

    /// How many bytes all files had when they were found.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn finish_file(&self) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
    }
}
