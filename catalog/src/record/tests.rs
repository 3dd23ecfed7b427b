use bytes::Bytes;

use super::*;
use crate::change::{BlockHeader, Change, Entry, Record, TableCount};
use crate::digest::{Digest, StateDigest};
use crate::id::{BranchId, CommitId, FieldId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
use crate::name::Name;
use crate::schema::{Column, Constraint, SortKey, Table, View, number_nested_fields};
use crate::segment::{BlockRef, FrozenObject, RowIds, Segment, Storage, TableVersion};
use crate::time::Micros;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use std::sync::Arc;

fn every_type() -> Vec<DataType> {
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let entries = Field::new(
        "entries",
        DataType::Struct(Fields::from(vec![
            Field::new("key", DataType::Utf8View, false),
            Field::new("value", DataType::Float64, true),
        ])),
        false,
    );
    vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::UInt64,
        DataType::Float32,
        DataType::Decimal128(38, 9),
        DataType::Utf8View,
        DataType::BinaryView,
        DataType::Date32,
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::List(item(DataType::List(item(DataType::Int32)))),
        DataType::Struct(Fields::from(vec![Field::new("a", DataType::Int64, false)])),
        DataType::Map(Arc::new(entries), false),
    ]
}

fn columns() -> Vec<Column> {
    let mut next = FieldId::FIRST;
    every_type()
        .into_iter()
        .enumerate()
        .map(|(place, data_type)| {
            let id = next;
            next = next.next();
            Column {
                id,
                name: Name::try_new(&format!("c{place}")).unwrap(),
                data_type: number_nested_fields(&data_type, &mut next),
                nullable: place % 2 == 0,
                default: (place == 1).then(|| "now()".to_owned()),
                initial: (place == 2).then(|| "7".to_owned()),
                comment: (place == 3).then(|| "why".to_owned()),
            }
        })
        .collect()
}

fn sample(blocks: &[Bytes]) -> Record {
    let headers: Vec<BlockHeader> = blocks
        .iter()
        .map(|block| BlockHeader { length_bytes: block.len() as u64, sha256: Digest::of(block) })
        .collect();
    let slot = Slot::new(9);
    let block = |index: u32| {
        let header = headers[index as usize];
        BlockRef { slot, index, length_bytes: header.length_bytes, sha256: header.sha256 }
    };
    let name = |text: &str| Name::try_new(text).unwrap();
    let table = ObjectId::new(4);
    let segment = |id, row_ids, storage| Change::AddSegment {
        segment: Segment { id: SegmentId::new(id), table, rows: 3, row_ids, storage },
    };
    let definition = Table {
        schema: ObjectId::new(1),
        name: name("t"),
        comment: Some("x".to_owned()),
        sort_by: vec![SortKey { field: FieldId::new(1), descending: true, nulls_first: false }],
        options: vec![("a".to_owned(), "b".to_owned())],
        next_field: FieldId::new(99),
        constraints: vec![
            Constraint::Check { name: name("positive"), expression: "c1 > 0".to_owned() },
            Constraint::Key { name: name("pk"), columns: vec![FieldId::new(2), FieldId::new(1)], primary: true },
            Constraint::Key { name: name("unique"), columns: vec![FieldId::new(1)], primary: false },
        ],
    };
    let view = View {
        schema: ObjectId::new(1),
        name: name("v"),
        columns: vec![name("a")],
        query: "select 1".to_owned(),
        comment: None,
    };
    let object = FrozenObject {
        key: "segments/ab/cd-1.parquet".to_owned(),
        size_bytes: 1_000,
        sha256: Digest::of(b"object"),
        tail_bytes: 90,
    };
    let changes = vec![
        Change::CreateSchema { schema: ObjectId::new(1), name: name("public") },
        Change::DropSchema { schema: ObjectId::new(2) },
        Change::CreateTable { table, definition: definition.clone(), columns: columns() },
        Change::DropTable { table },
        Change::AddColumn { table, column: columns().remove(1), next_field: FieldId::new(100) },
        Change::DropColumn { table, field: FieldId::new(3) },
        Change::RenameColumn { table, field: FieldId::new(3), name: name("other") },
        Change::CreateView { view: ObjectId::new(8), definition: view.clone() },
        Change::DropView { view: ObjectId::new(8) },
        Change::CreateTag { name: name("q3"), version: Version::FIRST },
        Change::DropTag { name: name("q3") },
        Change::SetSetting { key: "k".to_owned(), value: None },
        segment(5, RowIds::From(RowId::new(70)), Storage::Hot { rows: block(0) }),
        segment(6, RowIds::Stored, Storage::Frozen { object, digests: block(1), statistics: block(0) }),
        Change::Place { placement: PlacementId::new(1), table, segment: SegmentId::new(5) },
        Change::KillRows { table, segment: SegmentId::new(5), rows: 2, positions: Some(block(1)) },
        Change::KillRows { table, segment: SegmentId::new(6), rows: 3, positions: None },
        Change::BeginEpoch { table, base: None },
        Change::BeginEpoch { table, base: Some(TableVersion { table: ObjectId::new(3), version: Version::FIRST }) },
        Change::SetTable { table, definition },
        Change::SetColumn { table, column: columns().remove(4), ordinal: 7 },
        Change::SetView { view: ObjectId::new(8), definition: view },
        Change::SetSchema { schema: ObjectId::new(1), name: name("other") },
    ];
    Record {
        features: Vec::new(),
        lake: LakeId::from_bytes([7; 16]),
        slot,
        previous: Digest::of(b"before"),
        entries: vec![Entry {
            version: Version::new(12).unwrap(),
            branch: BranchId::MAIN,
            commit_id: CommitId::from_bytes([3; 16]),
            request: Some(Digest::of(b"request")),
            base: Version::new(11),
            author: "ann".to_owned(),
            message: "why".to_owned(),
            operation: "insert".to_owned(),
            wall_time: Micros::new(-5),
            commit_time: Some(Micros::new(17)),
            changes,
            tables: vec![TableCount { table, added: 3, removed: 0, total: 3 }],
            properties: vec![("ticket".to_owned(), "A-1".to_owned()), ("empty".to_owned(), String::new())],
        }],
        blocks: headers,
        state: StateDigest::default(),
    }
}

fn sample_slot() -> (Record, Bytes) {
    let blocks = [Bytes::from_static(b"hot rows"), Bytes::from_static(b"digests of an object")];
    let record = sample(&blocks);
    let encoded = EncodedSlot::new(&record, &blocks);
    (record, encoded.bytes)
}

#[test]
fn a_slot_with_every_kind_of_change_and_type_survives_its_bytes() {
    let (record, bytes) = sample_slot();
    let read = SlotBytes::decode(&bytes).unwrap();
    assert_eq!(read.record, record);
    assert_eq!(read.blocks, ["hot rows", "digests of an object"].map(Bytes::from));
}

#[test]
fn every_flipped_bit_of_a_slot_is_found() {
    let (_, bytes) = sample_slot();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.to_vec();
            altered[at] ^= 1 << bit;
            assert!(SlotBytes::decode(&altered.into()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_truncation_and_any_growth_of_a_slot_is_found() {
    let (_, bytes) = sample_slot();
    for length in 0..bytes.len() {
        assert!(SlotBytes::decode(&bytes.slice(..length)).is_err(), "{length} bytes");
    }
    let longer = [bytes.as_ref(), b"x"].concat();
    assert!(matches!(SlotBytes::decode(&longer.into()), Err(SlotError::Length { .. })));
}

#[test]
fn an_unknown_feature_is_refused_by_name() {
    let (mut record, _) = sample_slot();
    record.features = vec!["delete_vectors".to_owned()];
    record.blocks.clear();
    record.entries.clear();
    let error = SlotBytes::decode(&EncodedSlot::new(&record, &[]).bytes).unwrap_err();
    assert!(error.is_newer());
    assert_eq!(
        error.to_string(),
        "it needs feature `delete_vectors`, which this release does not know: use a newer release"
    );
}

#[test]
fn an_unknown_kind_of_change_is_refused() {
    use prost::Message;
    let (record, _) = sample_slot();
    let mut found = wire::Record::decode(SlotBytes::decode(&sample_slot().1).unwrap().record_bytes).unwrap();
    found.entries[0].changes = vec![wire::Change { kind: None }];
    let body: Bytes = found.encode_to_vec().into();
    let error = SlotBytes::decode_record(&body).unwrap_err();
    assert!(matches!(error, SlotError::UnknownChange), "{error}");
    assert_eq!(record.entries.len(), 1);
}

#[test]
fn what_a_record_does_not_say_takes_no_bytes() {
    use prost::Message;
    let name = Name::try_new("t").unwrap();
    let table = Table {
        schema: ObjectId::new(1),
        name,
        comment: None,
        sort_by: Vec::new(),
        options: Vec::new(),
        next_field: FieldId::new(2),
        constraints: Vec::new(),
    };
    // The bytes of releases that knew no constraints: schema 1, name `t`, next field 2.
    assert_eq!(wire_table(&table).encode_to_vec(), [8, 1, 18, 1, b't', 48, 2]);
    let block = BlockRef { slot: Slot::new(9), index: 0, length_bytes: 5, sha256: Digest::ZERO };
    let row_ids = RowIds::From(RowId::new(0));
    let storage = Storage::Hot { rows: block };
    let segment = Segment { id: SegmentId::new(5), table: ObjectId::new(4), rows: 3, row_ids, storage };
    let stored = Segment { row_ids: RowIds::Stored, ..segment.clone() };
    let (plain, longer) = (wire_segment(&segment, true).encode_to_vec(), wire_segment(&stored, true).encode_to_vec());
    assert_eq!(longer, [plain.as_slice(), &[56, 1]].concat(), "only stored ids are said");
}
