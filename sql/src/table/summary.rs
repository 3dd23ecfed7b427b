//! What a scan decided, for EXPLAIN and for people who wonder where the time goes.

use std::sync::{Arc, Mutex};

use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder};
use frostline_catalog::{ObjectId, Version};

/// Where the scans of one statement note what they decided, in the order in which they were planned.
pub(crate) type ScanLog = Arc<Mutex<Vec<ScanSummary>>>;

/// What a scan reads, decided before any row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScanSummary {
    /// The table.
    pub(crate) table: ObjectId,
    /// The version.
    pub(crate) version: Version,
    /// How many frozen segments the table has at the version.
    pub(crate) segments_total: usize,
    /// How many of them are not read, because their statistics or the limit rule them out, or because the catalog knows
    /// how many rows they have and nothing else was asked.
    pub(crate) segments_pruned: usize,
    /// How many hot rows the scan goes through.
    pub(crate) hot_rows: usize,
    /// How many rows come out of the frozen segments that are read, before any filter.
    pub(crate) frozen_rows: u64,
    /// How many other rows these segments have: dead ones, or such as were not chosen.
    pub(crate) dead_rows: u64,
    /// How many bytes these segments take in the store.
    pub(crate) bytes: u64,
}

impl ScanSummary {
    /// How many frozen segments are read.
    pub(crate) fn segments_scanned(&self) -> usize {
        self.segments_total.saturating_sub(self.segments_pruned)
    }

    /// Writes the numbers among a source's metrics, so that EXPLAIN ANALYZE shows them.
    pub(super) fn count(&self, metrics: &ExecutionPlanMetricsSet) {
        let numbers: [(&'static str, usize); 7] = [
            ("segments_total", self.segments_total),
            ("segments_pruned", self.segments_pruned),
            ("segments_scanned", self.segments_scanned()),
            ("hot_rows", self.hot_rows),
            ("frozen_rows", usize::try_from(self.frozen_rows).unwrap_or(usize::MAX)),
            ("dead_rows", usize::try_from(self.dead_rows).unwrap_or(usize::MAX)),
            ("segment_bytes", usize::try_from(self.bytes).unwrap_or(usize::MAX)),
        ];
        for (name, number) in numbers {
            MetricBuilder::new(metrics).global_counter(name).add(number);
        }
    }

    /// Notes the scan.
    pub(super) fn note(&self, log: &ScanLog) {
        log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(self.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pruned_is_not_scanned() {
        let summary = ScanSummary {
            table: ObjectId::new(7),
            version: Version::FIRST,
            segments_total: 5,
            segments_pruned: 3,
            hot_rows: 10,
            frozen_rows: 200,
            dead_rows: 3,
            bytes: 4096,
        };
        assert_eq!(summary.segments_scanned(), 2);
        let log = ScanLog::default();
        summary.note(&log);
        assert_eq!(*log.lock().unwrap(), [summary]);
    }
}
