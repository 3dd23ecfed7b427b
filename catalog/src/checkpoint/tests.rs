use super::*;
use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::state::{Counters, Head, RelationDigests, SegmentSummary, Total};
use crate::time::Micros;

/// The index after a checkpoint at version `version` that follows `previous`.
fn after(previous: Option<&Index>, version: u64) -> Index {
    let (mut runs, planned) = plan_runs(previous);
    for run in planned {
        let (relation, level, after) = (run.relation, run.level, run.after);
        let key = format!("{}-{version}", relation.name());
        runs.push(Run { relation, key, sha256: Digest::ZERO, rows: 1, level, after });
    }
    runs.sort_by_key(|run| (run.relation, run.after));
    Index {
        lake: LakeId::from_bytes([1; 16]),
        head: Head {
            slot: Slot::new(version),
            hash: Digest::of(b"record"),
            version: Version::new(version),
            wall_time: Micros::new(5),
        },
        state: StateDigest::default(),
        digests: RelationDigests::default(),
        counters: Counters {
            object: ObjectId::new(2),
            segment: SegmentId::new(3),
            placement: PlacementId::new(4),
            row: RowId::new(5),
        },
        runs,
        commit_times: vec![(BranchId::MAIN, Micros::new(-3))],
        tables: vec![(ObjectId::new(2), SegmentSummary { hot: 1, hot_rows: 9, ..summary(version) })],
        totals: vec![(ObjectId::new(2), Total { rows: 7, since: Version::new(version).unwrap() })],
    }
}

fn summary(version: u64) -> SegmentSummary {
    SegmentSummary { changed: Version::new(version), ..SegmentSummary::default() }
}

#[test]
fn runs_cover_every_version_once_and_their_number_grows_with_the_logarithm() {
    let mut index: Option<Index> = None;
    let mut written = 0;
    for version in 1..=1_000 {
        let next = after(index.as_ref(), version);
        for relation in RelationKind::ALL {
            let runs: Vec<&Run> = next.runs.iter().filter(|run| run.relation == relation).collect();
            assert_eq!(runs[0].after, 0, "the first run begins with the first version");
            assert!(runs.windows(2).all(|pair| pair[0].after < pair[1].after && pair[0].level >= pair[1].level));
            assert!(runs.len() <= 16, "{} runs after {version} checkpoints", runs.len());
            written += version - runs[runs.len() - 1].after;
        }
        index = Some(next);
    }
    let per_fact = written as f64 / 3_000.0;
    assert!(per_fact < 6.0, "each fact is written {per_fact} times");
}

#[test]
fn an_index_survives_its_bytes_and_every_flipped_bit_is_found() {
    let index = after(Some(&after(None, 3)), 9);
    let bytes = index.encode();
    assert_eq!(Index::decode(&bytes), Some(index));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.to_vec();
            altered[at] ^= 1 << bit;
            assert_eq!(Index::decode(&altered), None, "byte {at}, bit {bit}");
        }
        assert_eq!(Index::decode(&bytes[..at]), None, "{at} bytes");
    }
}
