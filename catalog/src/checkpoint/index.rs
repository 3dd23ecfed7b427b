//! The index of a checkpoint.

use bytes::Bytes;
use prost::Message;

use super::RelationKind;
use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::state::{Counters, Head, RelationDigests, SegmentSummary, State, Total};
use crate::time::Micros;

const MAGIC: &[u8; 8] = b"FROSTCP3";

#[derive(Clone, PartialEq, Message)]
struct WireIndex {
    #[prost(bytes = "vec", tag = "1")]
    lake: Vec<u8>,
    #[prost(uint64, tag = "2")]
    slot: u64,
    #[prost(bytes = "vec", tag = "3")]
    hash: Vec<u8>,
    #[prost(uint64, tag = "4")]
    version: u64,
    #[prost(sint64, tag = "5")]
    wall_time: i64,
    #[prost(bytes = "vec", tag = "6")]
    state: Vec<u8>,
    #[prost(uint64, tag = "7")]
    next_object: u64,
    #[prost(uint64, tag = "8")]
    next_segment: u64,
    #[prost(uint64, tag = "9")]
    next_placement: u64,
    #[prost(uint64, tag = "10")]
    next_row: u64,
    #[prost(message, repeated, tag = "11")]
    runs: Vec<WireRun>,
    #[prost(message, repeated, tag = "12")]
    commit_times: Vec<WireCommitTime>,
    #[prost(message, repeated, tag = "13")]
    tables: Vec<WireSummary>,
    #[prost(bytes = "vec", tag = "14")]
    commits_digest: Vec<u8>,
    #[prost(bytes = "vec", tag = "15")]
    facts_digest: Vec<u8>,
    #[prost(bytes = "vec", tag = "16")]
    segments_digest: Vec<u8>,
    #[prost(message, repeated, tag = "17")]
    totals: Vec<WireTotal>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WireCommitTime {
    #[prost(uint32, tag = "1")]
    branch: u32,
    #[prost(sint64, tag = "2")]
    time: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WireSummary {
    #[prost(uint64, tag = "1")]
    table: u64,
    #[prost(uint64, tag = "2")]
    hot: u64,
    #[prost(uint64, tag = "3")]
    frozen: u64,
    #[prost(uint64, tag = "4")]
    hot_rows: u64,
    #[prost(uint64, tag = "5")]
    frozen_rows: u64,
    #[prost(uint64, tag = "6")]
    changed: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WireTotal {
    #[prost(uint64, tag = "1")]
    table: u64,
    #[prost(uint64, tag = "2")]
    rows: u64,
    #[prost(uint64, tag = "3")]
    since: u64,
}

#[derive(Clone, PartialEq, Message)]
struct WireRun {
    #[prost(uint32, tag = "1")]
    relation: u32,
    #[prost(string, tag = "2")]
    key: String,
    #[prost(bytes = "vec", tag = "3")]
    sha256: Vec<u8>,
    #[prost(uint64, tag = "4")]
    rows: u64,
    #[prost(uint32, tag = "5")]
    level: u32,
    #[prost(uint64, tag = "6")]
    after: u64,
}

/// A run that a checkpoint names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What it holds facts of.
    pub(crate) relation: RelationKind,
    /// Its key in the store.
    pub(crate) key: String,
    /// The SHA-256 of the whole object.
    pub(crate) sha256: Digest,
    /// How many facts it holds.
    pub(crate) rows: u64,
    /// How often its facts were merged.
    pub(crate) level: u32,
    /// It holds what changed after this version; 0 for everything.
    pub(crate) after: u64,
}

/// What the catalog was after a slot, and where its facts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) lake: LakeId,
    pub(crate) head: Head,
    pub(crate) state: StateDigest,
    /// The parts of `state`.
    pub(crate) digests: RelationDigests,
    pub(crate) counters: Counters,
    pub(crate) runs: Vec<Run>,
    /// The newest commit time of each branch that has one.
    pub(crate) commit_times: Vec<(BranchId, Micros)>,
    /// What the segments' runs hold of each table that was ever given a row.
    pub(crate) tables: Vec<(ObjectId, SegmentSummary)>,
    /// How many rows each table has that ever had some.
    pub(crate) totals: Vec<(ObjectId, Total)>,
}

impl Index {
    pub(crate) fn new(state: &State, runs: Vec<Run>) -> Self {
        Self {
            lake: state.lake(),
            head: state.head(),
            state: state.digest(),
            digests: state.digests(),
            counters: state.counters(),
            runs,
            commit_times: state.commit_times(),
            tables: state.segment_summaries(),
            totals: state.totals(),
        }
    }

    /// The index as an object: magic, the SHA-256 of what follows, a protobuf message.
    pub(crate) fn encode(&self) -> Bytes {
        let runs = self
            .runs
            .iter()
            .map(|run| WireRun {
                relation: run.relation as u32,
                key: run.key.clone(),
                sha256: run.sha256.bytes().to_vec(),
                rows: run.rows,
                level: run.level,
                after: run.after,
            })
            .collect();
        let commit_times = self
            .commit_times
            .iter()
            .map(|(branch, time)| WireCommitTime { branch: branch.number(), time: time.get() })
            .collect();
        let tables = self.tables.iter().map(|(table, summary)| wire_summary(*table, *summary)).collect();
        let totals = self.totals.iter().map(|(table, total)| WireTotal {
            table: table.number(),
            rows: total.rows,
            since: total.since.number(),
        });
        let body = WireIndex {
            lake: self.lake.bytes().to_vec(),
            slot: self.head.slot.number(),
            hash: self.head.hash.bytes().to_vec(),
            version: self.head.version.map_or(0, Version::number),
            wall_time: self.head.wall_time.get(),
            state: self.state.bytes().to_vec(),
            next_object: self.counters.object.number(),
            next_segment: self.counters.segment.number(),
            next_placement: self.counters.placement.number(),
            next_row: self.counters.row.number(),
            runs,
            commit_times,
            tables,
            commits_digest: self.digests.commits.bytes().to_vec(),
            facts_digest: self.digests.facts.bytes().to_vec(),
            segments_digest: self.digests.segments.bytes().to_vec(),
            totals: totals.collect(),
        }
        .encode_to_vec();
        [MAGIC.as_slice(), Digest::of(&body).bytes(), &body].concat().into()
    }

    /// The index in these bytes; `None` if they are none or were altered.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (digest, body) = bytes.strip_prefix(MAGIC)?.split_at_checked(32)?;
        if Digest::of(body).bytes() != digest {
            return None;
        }
        let found = WireIndex::decode(body).ok()?;
        let runs = found
            .runs
            .into_iter()
            .map(|run| {
                Some(Run {
                    relation: RelationKind::from_number(run.relation)?,
                    key: run.key,
                    sha256: Digest::try_from_slice(&run.sha256)?,
                    rows: run.rows,
                    level: run.level,
                    after: run.after,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            lake: LakeId::from_bytes(found.lake.as_slice().try_into().ok()?),
            head: Head {
                slot: Slot::new(found.slot),
                hash: Digest::try_from_slice(&found.hash)?,
                version: Version::new(found.version),
                wall_time: Micros::new(found.wall_time),
            },
            state: StateDigest::try_from_slice(&found.state)?,
            digests: RelationDigests {
                commits: StateDigest::try_from_slice(&found.commits_digest)?,
                facts: StateDigest::try_from_slice(&found.facts_digest)?,
                segments: StateDigest::try_from_slice(&found.segments_digest)?,
            },
            counters: Counters {
                object: ObjectId::new(found.next_object),
                segment: SegmentId::new(found.next_segment),
                placement: PlacementId::new(found.next_placement),
                row: RowId::new(found.next_row),
            },
            runs,
            commit_times: found
                .commit_times
                .iter()
                .map(|found| (BranchId::new(found.branch), Micros::new(found.time)))
                .collect(),
            tables: found.tables.iter().map(|found| (ObjectId::new(found.table), summary(found))).collect(),
            totals: found.totals.iter().map(total).collect::<Option<Vec<_>>>()?,
        })
    }
}

fn wire_summary(table: ObjectId, summary: SegmentSummary) -> WireSummary {
    WireSummary {
        table: table.number(),
        hot: summary.hot,
        frozen: summary.frozen,
        hot_rows: summary.hot_rows,
        frozen_rows: summary.frozen_rows,
        changed: summary.changed.map_or(0, Version::number),
    }
}

fn total(found: &WireTotal) -> Option<(ObjectId, Total)> {
    Some((ObjectId::new(found.table), Total { rows: found.rows, since: Version::new(found.since)? }))
}

fn summary(found: &WireSummary) -> SegmentSummary {
    SegmentSummary {
        hot: found.hot,
        frozen: found.frozen,
        hot_rows: found.hot_rows,
        frozen_rows: found.frozen_rows,
        changed: Version::new(found.changed),
    }
}
