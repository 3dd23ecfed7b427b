//! What many small steps of one statement took out of segments, as one step for each segment.
//!
//! Each kill is a fact of the lake for ever, and is looked at by whoever reads its segment: a thousand of one commit
//! would say no more than one.

use std::collections::BTreeMap;

use bytes::Bytes;
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget};
use frostline_catalog::{ObjectId, SegmentId};
use frostline_engine::Positions;

use super::Commit;

/// The same commit with one kill for each segment, behind the rows that are added. Rows are added in the same order, so
/// that they get the same ids.
///
/// A commit that does anything else stays as it is.
pub(super) fn folded(commit: Commit) -> Commit {
    match fold(&commit.changes, &commit.blocks) {
        Some((changes, blocks)) => Commit { changes, blocks, ..commit },
        None => commit,
    }
}

/// The rows of a segment that die.
#[derive(Default)]
struct Dying {
    rows: u64,
    positions: Positions,
    /// Whether none is left.
    is_whole: bool,
}

fn fold(changes: &[Proposal], blocks: &[Bytes]) -> Option<(Vec<Proposal>, Vec<Bytes>)> {
    let (mut kept, mut kept_blocks): (Vec<Proposal>, Vec<Bytes>) = (Vec::new(), Vec::new());
    let mut dying: BTreeMap<(ObjectId, SegmentId), Dying> = BTreeMap::new();
    for change in changes {
        match change {
            Proposal::KillRows { table: TableTarget::Existing(table), segment, rows, positions } => {
                let all = dying.entry((*table, *segment)).or_default();
                all.rows = all.rows.saturating_add(*rows);
                match positions {
                    Some(BlockIndex(place)) => {
                        let block: &Bytes = blocks.get(*place)?;
                        all.positions.union_with(&Positions::decode(block).ok()?);
                    }
                    None => all.is_whole = true,
                }
            }
            Proposal::AddRows { table, count, rows, stored_ids } => {
                let rows = with_blocks(rows, blocks, &mut kept_blocks)?;
                kept.push(Proposal::AddRows { table: *table, count: *count, rows, stored_ids: *stored_ids });
            }
            _ => return None,
        }
    }
    for ((table, segment), all) in dying {
        let positions = match all.is_whole {
            true => None,
            false => {
                kept_blocks.push(all.positions.encode());
                Some(BlockIndex(kept_blocks.len() - 1))
            }
        };
        kept.push(Proposal::KillRows { table: TableTarget::Existing(table), segment, rows: all.rows, positions });
    }
    Some((kept, kept_blocks))
}

/// Rows whose blocks go behind others.
fn with_blocks(rows: &Rows, blocks: &[Bytes], kept: &mut Vec<Bytes>) -> Option<Rows> {
    let mut keep = |BlockIndex(place): BlockIndex| -> Option<BlockIndex> {
        kept.push(blocks.get(place)?.clone());
        Some(BlockIndex(kept.len() - 1))
    };
    Some(match rows {
        Rows::Hot { rows } => Rows::Hot { rows: keep(*rows)? },
        Rows::Frozen { object, digests, statistics } => {
            let (digests, statistics) = (keep(*digests)?, keep(*statistics)?);
            Rows::Frozen { object: object.clone(), digests, statistics }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: TableTarget = TableTarget::Existing(ObjectId::new(7));

    fn block(positions: &[u64]) -> Bytes {
        let mut all = Positions::new();
        positions.iter().for_each(|position| all.insert(*position));
        all.encode()
    }

    fn kill(segment: u64, rows: u64, block: Option<usize>) -> Proposal {
        let segment = SegmentId::new(segment);
        Proposal::KillRows { table: TABLE, segment, rows, positions: block.map(BlockIndex) }
    }

    fn add(block: usize) -> Proposal {
        let rows = Rows::Hot { rows: BlockIndex(block) };
        Proposal::AddRows { table: TABLE, count: 1, rows, stored_ids: true }
    }

    #[test]
    fn each_segment_loses_rows_once_behind_what_is_added() {
        let rows = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let blocks = vec![block(&[3]), rows[0].clone(), block(&[1, 2]), rows[1].clone(), block(&[9])];
        let first = [kill(5, 1, Some(0)), add(1), kill(5, 2, Some(2)), add(3)];
        let changes: Vec<Proposal> = first.into_iter().chain([kill(6, 1, Some(4)), kill(6, 4, None)]).collect();
        let commit = Commit { blocks, ..Commit::of("update", "update t, 4 rows".to_owned(), changes) };
        let folded = folded(commit);
        assert_eq!(folded.changes, [add(0), add(1), kill(5, 3, Some(2)), kill(6, 5, None)]);
        assert_eq!(folded.blocks, [rows[0].clone(), rows[1].clone(), block(&[1, 2, 3])]);
        assert_eq!(folded.summary, "update t, 4 rows");
    }

    #[test]
    fn a_commit_that_does_anything_else_stays_as_it_is() {
        let changes = vec![kill(5, 1, None), Proposal::DropTable { table: ObjectId::new(7) }];
        let folded = folded(Commit::of("drop table", String::new(), changes.clone()));
        assert_eq!(folded.changes, changes);
    }
}
