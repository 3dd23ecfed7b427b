use super::*;
use crate::conflict::tests::{BASE, SCHEMA, TABLE, add, begin, create_table, judged, kill, lake, version};
use crate::digest::Digest;
use crate::id::{ObjectId, RowId, SegmentId};
use crate::ledger::Outcome;
use crate::segment::RowIds;
use crate::state::RelationId;

const SLOT: Slot = Slot::pending(7);

fn block() -> BlockHeader {
    BlockHeader { length_bytes: 5, sha256: Digest::of(b"block") }
}

fn overlay() -> Overlay {
    Overlay::new(Arc::new(lake()), BranchId::MAIN, SLOT)
}

/// The segments that a table has, and how many of their rows live.
fn living(state: &State, table: ObjectId, at: Version) -> Vec<(SegmentId, u64)> {
    let live = state.live_segments(table, at).unwrap();
    assert_eq!(state.rows_at(table, at), Ok(live.rows()));
    live.iter().map(|live| (live.placed.segment.id, live.rows())).collect()
}

#[test]
fn a_statement_sees_what_those_before_it_did() {
    let mut overlay = overlay();
    let at = overlay.version();
    assert_eq!((overlay.base(), at, overlay.is_empty()), (version(BASE), version(BASE + 1), true));
    assert_eq!(overlay.state().newest(BranchId::MAIN), Some(at));
    assert_eq!(living(overlay.state(), TABLE, at), [(SegmentId::new(1), 10), (SegmentId::new(2), 5)]);

    overlay.add(&[create_table(SCHEMA, "u")], &[]).unwrap();
    let found = overlay.state().relation_named(SCHEMA, "u", at).map(|relation| relation.id());
    let made = ObjectId::pending(0);
    assert_eq!(found, Some(RelationId::Table(made)));

    overlay.add(&[add(made, 4), add(TABLE, 2)], &[block()]).unwrap();
    let kills = [kill(made, SegmentId::pending(0), 1), kill(TABLE, SegmentId::new(2), 5)];
    overlay.add(&kills, &[block(), block()]).unwrap();
    assert_eq!(living(overlay.state(), made, at), [(SegmentId::pending(0), 3)]);
    assert_eq!(living(overlay.state(), TABLE, at), [(SegmentId::new(1), 10), (SegmentId::pending(1), 2)]);
    assert_eq!(living(overlay.state(), TABLE, overlay.base()).len(), 2, "the base is as it was");
    let state = Arc::clone(overlay.state());
    let live = state.live_segments(made, at).unwrap();
    let segment = &live.hot[0].placed.segment;
    assert_eq!(segment.row_ids, RowIds::From(RowId::pending(0)));
    let dead = live.hot[0].dead.clone().unwrap();
    assert_eq!((dead.last.slot, dead.last.index), (SLOT, 2), "the third statement's second block");

    overlay.add(&[begin(TABLE, None)], &[]).unwrap();
    assert!(living(overlay.state(), TABLE, at).is_empty());
    assert!(!overlay.is_empty());
}

#[test]
fn what_cannot_be_proposed_leaves_all_as_it_was() {
    let mut overlay = overlay();
    overlay.add(&[add(TABLE, 2)], &[block()]).unwrap();
    let digest = overlay.state().digest();
    let refused = overlay.add(&[add(TABLE, 1), kill(TABLE, SegmentId::pending(9), 1)], &[block(), block()]);
    assert!(matches!(refused, Err(ResolveError::Malformed(_))), "{refused:?}");
    assert_eq!(overlay.state().digest(), digest);
    assert_eq!(overlay.state().total_rows(TABLE), 17);
}

#[test]
fn the_commit_is_what_the_overlay_showed_with_other_ids() {
    let made = ObjectId::pending(0);
    let statements = [
        vec![create_table(SCHEMA, "u"), add(made, 4)],
        vec![kill(made, SegmentId::pending(0), 1), add(TABLE, 2), kill(TABLE, SegmentId::pending(1), 1)],
        vec![begin(TABLE, None), add(TABLE, 9)],
    ];
    let mut overlay = overlay();
    for statement in &statements {
        overlay.add(statement, &[block(), block()]).unwrap();
    }
    let (outcome, after) = judged(&lake(), BASE, statements.concat());
    assert_eq!(outcome, Outcome::Planned(overlay.version()));
    let rows = |state: &State, table: ObjectId| -> Vec<u64> {
        living(state, table, overlay.version()).into_iter().map(|(_, rows)| rows).collect()
    };
    assert_eq!(rows(overlay.state(), made), rows(&after, ObjectId::new(4)));
    assert_eq!(rows(overlay.state(), TABLE), rows(&after, TABLE));
    assert_eq!(after.total_rows(TABLE), 9);
}
