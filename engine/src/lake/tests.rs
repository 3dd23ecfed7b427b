use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};
use frostline_catalog::io::ManualClock;
use frostline_catalog::schema::{Column, with_field_id};
use frostline_catalog::transaction::{BlockIndex, Proposal, Rows, TableTarget};
use frostline_catalog::{BranchId, CommitId, FieldId, Micros, Name, RelationId};
use futures::FutureExt;

use super::*;
use crate::write::encode_hot;

async fn open(name: &str) -> Lake {
    let location = LakeLocation::parse(&format!("memory://{name}")).unwrap();
    let clock = Arc::new(ManualClock::at(Micros::new(1_000_000)));
    Lake::create(&location, clock.as_ref(), Genesis::default()).await.unwrap();
    Lake::open(location, clock, Settings::default()).await.unwrap()
}

/// Creates a table `name` with the column `a` and one hot row.
async fn table_of_one(lake: &Lake, name: &str) -> ObjectId {
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
    let hot = Rows::Hot { rows: BlockIndex(0) };
    let add = Proposal::AddRows { table: TableTarget::Created(0), count: 1, rows: hot, stored_ids: false };
    let field = with_field_id(Field::new("a", DataType::Int64, true), FieldId::FIRST);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values]).unwrap();
    let transaction = Transaction {
        branch: BranchId::MAIN,
        base: lake.state().head().version.unwrap(),
        commit_id: CommitId::random(),
        request: None,
        author: "ann".to_owned(),
        message: String::new(),
        operation: "create table".to_owned(),
        commit_time: None,
        reads: Vec::new(),
        changes: vec![create, add],
        blocks: vec![encode_hot(&rows).unwrap()],
        properties: Vec::new(),
    };
    let state = lake.commit(transaction).await.unwrap().state;
    match state.relation_named(ObjectId::new(1), name, state.head().version.unwrap()).unwrap().id() {
        RelationId::Table(id) => id,
        RelationId::View(_) => unreachable!("a table was created"),
    }
}

#[tokio::test]
async fn hot_rows_of_a_table_do_not_wait_for_those_of_another() {
    let lake = open("hot-rows-of-two-tables").await;
    let (cold, warm) = (table_of_one(&lake, "cold").await, table_of_one(&lake, "warm").await);
    let state = lake.state();
    let version = state.head().version.unwrap();
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
