use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use frostline_catalog::io::ManualClock;
use frostline_catalog::schema::{Column, ROW_ID_FIELD, ROW_ID_NAME, with_field_id};
use frostline_catalog::segment::{FrozenObject, Placement, RowIds};
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget};
use frostline_catalog::{
    BranchId, CommitId, Dead, Digest, FieldId, Interval, Micros, Name, PlacementId, RelationId, RowId, Version,
};
use futures::FutureExt;

use super::*;
use crate::positions::Positions;
use crate::rows::RowWriter;
use crate::verify::{VerifyError, verify};
use crate::write::block::encode_block;
use crate::write::{StatisticsBuilder, encode_hot};

async fn open(name: &str) -> Lake {
    let location = LakeLocation::parse(&format!("memory://{name}")).unwrap();
    let clock = Arc::new(ManualClock::at(Micros::new(1_000_000)));
    Lake::create(&location, clock.as_ref(), Genesis::default()).await.unwrap();
    open_again(name).await
}

async fn open_again(name: &str) -> Lake {
    let location = LakeLocation::parse(&format!("memory://{name}")).unwrap();
    Lake::open(location, Arc::new(ManualClock::at(Micros::new(1_000_000))), Settings::default()).await.unwrap()
}

/// Rows of the column `a`.
fn numbers(values: &[i64]) -> RecordBatch {
    let field = with_field_id(Field::new("a", DataType::Int64, true), FieldId::FIRST);
    let values: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values]).unwrap()
}

fn values(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

impl Lake {
    /// The rows of hot segments, dead ones among them.
    async fn hot_segments(&self, placed: &[&Placed]) -> Result<Vec<RecordBatch>, LakeError> {
        let asked: Vec<(&Placed, Option<BooleanBuffer>)> = placed.iter().map(|placed| (*placed, None)).collect();
        Ok(self.hot_parts(&asked).await?.into_iter().map(|part| part.rows).collect())
    }
}

async fn commit(lake: &Lake, changes: Vec<Proposal>, blocks: Vec<Bytes>) -> Arc<State> {
    let transaction = Transaction {
        branch: BranchId::MAIN,
        base: lake.state().head().version.unwrap(),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "test".to_owned(),
        commit_time: None,
        properties: Vec::new(),
        reads: Vec::new(),
        changes,
        blocks,
    };
    lake.commit(transaction).await.unwrap().state
}

/// Creates a table `name` with the column `a` and a hot segment of these rows.
async fn table_of(lake: &Lake, name: &str, values: &[i64]) -> ObjectId {
    let column = Column {
        id: FieldId::FIRST,
        name: Name::try_new("a").unwrap(),
        data_type: DataType::Int64,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    };
    let create = Proposal::CreateTable {
        schema: ObjectId::new(1),
        name: Name::try_new(name).unwrap(),
        columns: vec![column],
        next_field: FieldId::new(2),
        sort_by: Vec::new(),
        options: Vec::new(),
        comment: None,
        constraints: Vec::new(),
    };
    let add = add_hot(TableTarget::Created(0), values.len() as u64);
    let state = commit(lake, vec![create, add], vec![encode_hot(&numbers(values)).unwrap()]).await;
    match state.relation_named(ObjectId::new(1), name, newest(&state)).unwrap().id() {
        RelationId::Table(id) => id,
        RelationId::View(_) => unreachable!("a table was created"),
    }
}

/// Adds the rows in the first block.
fn add_hot(table: TableTarget, count: u64) -> Proposal {
    Proposal::AddRows { table, count, rows: Rows::Hot { rows: BlockIndex(0) }, stored_ids: false }
}

/// Kills rows of a table's first hot segment that lives. The catalog counts `rows` of them.
async fn kill(lake: &Lake, table: ObjectId, positions: &[u64], rows: u64) -> Arc<State> {
    let state = lake.state();
    let live = state.live_segments(table, newest(&state)).unwrap();
    let segment = live.hot.first().unwrap().placed.placement.segment;
    let block = positions.iter().copied().collect::<Positions>().encode();
    let table = TableTarget::Existing(table);
    commit(lake, vec![Proposal::KillRows { table, segment, rows, positions: Some(BlockIndex(0)) }], vec![block]).await
}

fn newest(state: &State) -> Version {
    state.head().version.unwrap()
}

#[tokio::test]
async fn hot_rows_of_a_table_do_not_wait_for_those_of_another() {
    let lake = open("hot-rows-of-two-tables").await;
    let (cold, warm) = (table_of(&lake, "cold", &[7]).await, table_of(&lake, "warm", &[7]).await);
    let state = lake.state();
    let version = newest(&state);
    assert_eq!(lake.hot_rows(&state, warm, version).await.unwrap().len(), 1);

    // Somebody reads the cold table, and the store does not answer.
    let reading: Arc<KnownHot> = Arc::clone(locked(&lake.hot).entry(cold).or_default());
    let reading = reading.lock().await;
    let rows = lake.hot_rows(&state, warm, version).now_or_never().unwrap().unwrap();
    assert_eq!((rows.len(), rows[0].column(0).len()), (1, 1));
    assert!(lake.hot_rows(&state, cold, version).now_or_never().is_none());
    drop(reading);
    assert_eq!(lake.hot_rows(&state, cold, version).await.unwrap().len(), 1);
}

#[tokio::test]
async fn dead_rows_are_left_out_from_the_version_that_killed_them() {
    let lake = open("dead-rows").await;
    let table = table_of(&lake, "t", &[7, 8, 9]).await;
    let states = [lake.state(), kill(&lake, table, &[1], 1).await, kill(&lake, table, &[0], 1).await];
    let versions = states.map(|state| newest(&state));
    for lake in [lake, open_again("dead-rows").await] {
        let state = lake.state();
        for (version, expected) in versions.into_iter().zip([vec![7, 8, 9], vec![7, 9], vec![9]]) {
            assert_eq!(values(&lake.hot_rows(&state, table, version).await.unwrap()), expected, "{version}");
        }
        let live = state.live_segments(table, newest(&state)).unwrap();
        let placed: Vec<&Placed> = live.hot.iter().map(|live| live.placed).collect();
        assert_eq!(values(&lake.hot_segments(&placed).await.unwrap()), [7, 8, 9]);
        let dead = live.hot[0].dead.clone().unwrap();
        let positions = lake.dead_positions(&dead).await.unwrap();
        assert_eq!(positions.iter().collect::<Vec<u64>>(), [0, 1]);
        let all = lake.dead_positions_all(&[dead]).await.unwrap();
        assert!(Arc::ptr_eq(&all[0], &positions));
        verify(&lake, true, |_| {}).await.unwrap();
    }
}

#[tokio::test]
async fn kills_that_are_not_what_the_catalog_counts_are_found() {
    for (name, positions, rows) in [("kills-too-few", &[1_u64][..], 2), ("kills-beyond", &[3][..], 1)] {
        let lake = open(name).await;
        let table = table_of(&lake, "t", &[7, 8, 9]).await;
        let state = kill(&lake, table, positions, rows).await;
        let read = lake.hot_rows(&state, table, newest(&state)).await;
        assert!(matches!(read, Err(LakeError::Kill { .. })), "{read:?}");
        let found = verify(&lake, false, |_| {}).await;
        assert!(matches!(found, Err(VerifyError::Kill { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn rows_that_were_killed_twice_are_found() {
    let lake = open("killed-twice").await;
    let table = table_of(&lake, "t", &[7, 8, 9]).await;
    kill(&lake, table, &[1], 1).await;
    kill(&lake, table, &[1], 1).await;
    verify(&lake, false, |_| {}).await.unwrap();
    let found = verify(&lake, true, |_| {}).await;
    assert!(matches!(found, Err(VerifyError::Kill { .. })), "{found:?}");
}

fn block_in(slot: Slot, index: u32, bytes: &Bytes) -> BlockRef {
    BlockRef { slot, index, length_bytes: bytes.len() as u64, sha256: Digest::of(bytes) }
}

/// The first segment of a transaction under way.
fn pending(storage: Storage) -> Placed {
    let (table, id) = (ObjectId::new(9), SegmentId::pending(0));
    let placement = Placement {
        id: PlacementId::new(1),
        branch: BranchId::MAIN,
        table,
        segment: id,
        interval: Interval::from(Version::FIRST),
    };
    let segment = Segment { id, table, rows: 2, row_ids: RowIds::From(RowId::pending(0)), storage };
    Placed { placement, segment: Arc::new(segment) }
}

#[tokio::test]
async fn rows_of_a_transaction_under_way_are_there_until_it_ends() {
    let lake = Arc::new(open("held-rows").await);
    let mut transactions = Vec::new();
    for (number, rows) in [(0, [1, 2]), (1, [3, 4])] {
        let slot = Slot::pending(number);
        let held = lake.hold_blocks(slot);
        let block = encode_hot(&numbers(&rows)).unwrap();
        let placed = pending(Storage::Hot { rows: block_in(slot, 1, &block) });
        held.push(vec![Bytes::from_static(b"of another statement")]);
        held.push(vec![block]);
        transactions.push((held, placed, rows));
    }
    for _ in 0..2 {
        for (_, placed, rows) in &transactions {
            assert_eq!(values(&lake.hot_segments(&[placed]).await.unwrap()), rows);
        }
    }
    assert!(locked(&lake.hot).is_empty());
    let (held, placed, _) = transactions.remove(0);
    drop(held);
    let ended = lake.hot_segments(&[&placed]).await;
    assert!(matches!(ended, Err(LakeError::Ended { .. })), "{ended:?}");
    let (_, placed, rows) = &transactions[0];
    assert_eq!(values(&lake.hot_segments(&[placed]).await.unwrap()), rows);
}

fn position(row: u64) -> Bytes {
    Positions::from_iter([row]).encode()
}

/// One row more that is dead.
fn followed_by(before: Option<Arc<Dead>>, block: BlockRef) -> Arc<Dead> {
    Arc::new(Dead::new(before, 1, block))
}

#[tokio::test]
async fn rows_that_were_known_to_be_dead_are_not_read_again_however_many_died_since() {
    let lake = Arc::new(open("dead-since").await);
    let (first, second) = (Slot::pending(0), Slot::pending(1));
    let held = lake.hold_blocks(first);
    held.push(vec![position(0)]);
    let mut dead = followed_by(None, block_in(first, 0, &position(0)));
    lake.dead_positions(&dead).await.unwrap();
    drop(held);
    let held = lake.hold_blocks(second);
    for row in 1..=40_u32 {
        let block = position(u64::from(row));
        dead = followed_by(Some(dead), block_in(second, row - 1, &block));
        held.push(vec![block]);
    }
    let before = Arc::clone(dead.before().unwrap());
    let all = lake.dead_positions_all(&[before, Arc::clone(&dead), dead]).await.unwrap();
    assert_eq!(all.iter().map(|positions| positions.len()).collect::<Vec<u64>>(), [40, 41, 41]);
}

#[tokio::test]
async fn kills_that_share_a_block_are_told_apart_by_those_before_them() {
    let lake = Arc::new(open("dead-shared").await);
    let slot = Slot::pending(0);
    let held = lake.hold_blocks(slot);
    held.push(vec![position(0), position(1), position(7)]);
    let blocks = [0_u32, 1, 2].map(|row| block_in(slot, row, &position([0, 1, 7][row as usize])));
    for (first, expected) in [(0, [0, 7]), (1, [1, 7]), (0, [0, 7])] {
        let dead = followed_by(Some(followed_by(None, blocks[first])), blocks[2]);
        let positions = lake.dead_positions(&dead).await.unwrap();
        assert_eq!(positions.iter().collect::<Vec<u64>>(), expected);
    }
}

/// A frozen segment of which only the statistics are there.
fn with_statistics(mut placed: Placed, block: BlockRef) -> Placed {
    let key = "segments/ab/cd.parquet".to_owned();
    let object = FrozenObject { key, size_bytes: 1, sha256: Digest::ZERO, tail_bytes: 1 };
    let storage = Storage::Frozen { object, digests: block, statistics: block };
    placed.segment = Arc::new(Segment { storage, ..Segment::clone(&placed.segment) });
    placed
}

fn statistics_of(values: &[i64]) -> Bytes {
    let rows = numbers(values);
    let mut builder = StatisticsBuilder::new(&rows.schema());
    builder.add(&rows);
    encode_block(&builder.finish().unwrap()).unwrap()
}

#[tokio::test]
async fn statistics_of_a_transaction_under_way_are_not_kept() {
    let lake = Arc::new(open("held-statistics").await);
    let settled = statistics_of(&[1]);
    let table = table_of(&lake, "t", &[7]).await;
    let add = add_hot(TableTarget::Existing(table), 1);
    let state = commit(&lake, vec![add], vec![encode_hot(&numbers(&[8])).unwrap(), settled.clone()]).await;
    let live = state.live_segments(table, newest(&state)).unwrap();
    let placed = live.hot.last().unwrap().placed.clone();
    let settled = with_statistics(placed, block_in(state.head().slot, 1, &settled));

    for (number, least) in [(0, 30), (1, 50)] {
        let slot = Slot::pending(number);
        let held = lake.hold_blocks(slot);
        let block = statistics_of(&[least, 60]);
        let block_ref = block_in(slot, 0, &block);
        held.push(vec![block]);
        let pending = with_statistics(pending(Storage::Hot { rows: block_ref }), block_ref);
        for placed in [[&settled, &pending], [&pending, &settled]] {
            let all = lake.statistics(&placed).await.unwrap();
            let field = all.field(FieldId::FIRST).unwrap();
            let expected = placed.map(|one| if one.segment.id.is_pending() { least } else { 1 });
            assert_eq!(field.min.as_primitive::<Int64Type>().values().to_vec(), expected);
        }
    }
}

#[tokio::test]
async fn rows_keep_the_ids_that_are_stored_with_them() {
    let lake = Arc::new(open("stored-ids").await);
    let plain = numbers(&[1]);
    let id = with_field_id(Field::new(ROW_ID_NAME, DataType::Int64, false), ROW_ID_FIELD);
    let fields = vec![plain.schema().field(0).clone(), id];
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![77]));
    let with_ids = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::clone(plain.column(0)), ids]).unwrap();
    for (rows, expected) in [(plain, false), (with_ids, true)] {
        let mut writer = RowWriter::new(Arc::clone(&lake), rows.schema(), Vec::new());
        writer.write(rows).await.unwrap();
        let taken = writer.finish().await.unwrap();
        let proposals = taken.into_proposals(TableTarget::Created(0), &mut Vec::new());
        assert!(matches!(proposals[..], [Proposal::AddRows { stored_ids, .. }] if stored_ids == expected));
    }
}
