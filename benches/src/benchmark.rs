//! The benchmarks, by name.

use crate::report::{Failure, Report};
use crate::workbench::Workbench;
use crate::{
    as_of_plan, commit_latency, commit_throughput, flight_fetch, flight_ingest, flight_latency, flight_mixed,
    going_back, import_memory, import_speed, lake_growth, open_count, open_sum, prune, rows_delete, rows_update,
    s3_commit, s3_open, table_changes, tpch,
};

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Benchmark {
    CommitLatency,
    CommitThroughput,
    LakeGrowth,
    OpenCount,
    OpenSum,
    AsOfPlan,
    Tpch,
    ImportSpeed,
    ImportMemory,
    FlightLatency,
    FlightFetch,
    FlightIngest,
    FlightMixed,
    S3Commit,
    S3Open,
    RowsDelete,
    RowsUpdate,
    TableChanges,
    GoingBack,
    Prune,
}

impl Benchmark {
    /// All of them, in the order in which they run. `prune` is the last because its lake stays in memory.
    pub(crate) const ALL: [Self; 20] = [
        Self::CommitLatency,
        Self::CommitThroughput,
        Self::LakeGrowth,
        Self::OpenCount,
        Self::OpenSum,
        Self::AsOfPlan,
        Self::Tpch,
        Self::ImportSpeed,
        Self::ImportMemory,
        Self::FlightLatency,
        Self::FlightFetch,
        Self::FlightIngest,
        Self::FlightMixed,
        Self::S3Commit,
        Self::S3Open,
        Self::RowsDelete,
        Self::RowsUpdate,
        Self::TableChanges,
        Self::GoingBack,
        Self::Prune,
    ];

    /// The name that selects it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CommitLatency => "commit-latency",
            Self::CommitThroughput => "commit-throughput",
            Self::LakeGrowth => "lake-growth",
            Self::OpenCount => "open-count",
            Self::OpenSum => "open-sum",
            Self::AsOfPlan => "as-of-plan",
            Self::Tpch => "tpch",
            Self::ImportSpeed => "import-speed",
            Self::ImportMemory => "import-memory",
            Self::FlightLatency => "flight-latency",
            Self::FlightFetch => "flight-fetch",
            Self::FlightIngest => "flight-ingest",
            Self::FlightMixed => "flight-mixed",
            Self::S3Commit => "s3-commit",
            Self::S3Open => "s3-open",
            Self::RowsDelete => "rows-delete",
            Self::RowsUpdate => "rows-update",
            Self::TableChanges => "table-changes",
            Self::GoingBack => "going-back",
            Self::Prune => "prune",
        }
    }

    /// What it measures, in a line.
    pub(crate) fn summary(self) -> &'static str {
        match self {
            Self::CommitLatency => "durable commits of one row, one writer",
            Self::CommitThroughput => "durable commits of one row, 16 threads of one process",
            Self::LakeGrowth => "bytes and files that a commit adds to the lake's folder",
            Self::OpenCount => "a process that opens a lake of many commits and counts",
            Self::OpenSum => "a process that opens a lake of many commits and reads a column",
            Self::AsOfPlan => "planning at the first, a middle and the newest version",
            Self::Tpch => "the 22 queries of TPC-H beside DataFusion on the same rows",
            Self::ImportSpeed => "import of Parquet beside decoding and encoding alone",
            Self::ImportMemory => "peak memory of a process that imports Parquet",
            Self::FlightLatency => "small statements over Flight SQL beside the same in process",
            Self::FlightFetch => "all rows of a large table to Python by ADBC",
            Self::FlightIngest => "a large table from Python by ADBC beside an import in process",
            Self::FlightMixed => "16 clients that read and insert rows at once",
            Self::S3Commit => "small commits on a store that answers late",
            Self::S3Open => "a process that opens a lake on a store that answers late",
            Self::RowsDelete => "deleting rows, and scanning what is left, beside DuckLake and delta-rs",
            Self::RowsUpdate => "UPDATE and MERGE beside DuckLake and delta-rs",
            Self::TableChanges => "what changed between versions beside EXCEPT in DuckDB",
            Self::GoingBack => "clones and restores of many segments beside a small commit",
            Self::Prune => "leaving out all but one of many segments",
        }
    }

    /// The benchmark with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|benchmark| benchmark.name() == name)
    }

    /// Runs it.
    pub(crate) async fn run(self, workbench: &Workbench) -> Result<Report, Failure> {
        match self {
            Self::CommitLatency => commit_latency::run(workbench).await,
            Self::CommitThroughput => commit_throughput::run(workbench).await,
            Self::LakeGrowth => lake_growth::run(workbench).await,
            Self::OpenCount => open_count::run(workbench).await,
            Self::OpenSum => open_sum::run(workbench).await,
            Self::AsOfPlan => as_of_plan::run(workbench).await,
            Self::Tpch => tpch::run(workbench).await,
            Self::ImportSpeed => import_speed::run(workbench).await,
            Self::ImportMemory => import_memory::run(workbench).await,
            Self::FlightLatency => flight_latency::run(workbench).await,
            Self::FlightFetch => flight_fetch::run(workbench).await,
            Self::FlightIngest => flight_ingest::run(workbench).await,
            Self::FlightMixed => flight_mixed::run(workbench).await,
            Self::S3Commit => s3_commit::run(workbench).await,
            Self::S3Open => s3_open::run(workbench).await,
            Self::RowsDelete => rows_delete::run(workbench).await,
            Self::RowsUpdate => rows_update::run(workbench).await,
            Self::TableChanges => table_changes::run(workbench).await,
            Self::GoingBack => going_back::run(workbench).await,
            Self::Prune => prune::run(workbench).await,
        }
    }
}
