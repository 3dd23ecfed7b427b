//! Frozen segments: what goes in comes out of plain Parquet, in order, cut to size, with statistics that are true.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use bytes::Bytes;
use frostline_catalog::schema::{ROW_ID_FIELD, ROW_ID_NAME, SortKey, field_id, with_field_id};
use frostline_catalog::{Digest, FieldId};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::sample_tests::{batch_of, every_type, with_field_ids};
use super::{EncodedSegment, FrozenWriter, PageCompression, PartDigests, WriteError, WriteSettings};
use crate::read::footer::decode_tail;
use crate::read::segment_schema;
use crate::statistics::SegmentStatistics;

fn settings() -> WriteSettings {
    WriteSettings { row_group_rows: 1000, page_rows: 100, encoder_threads: 2, ..WriteSettings::default() }
}

/// All segments that a writer makes of some batches.
fn freeze(batches: &[RecordBatch], sort_by: Vec<SortKey>, settings: WriteSettings) -> Vec<EncodedSegment> {
    let mut writer = FrozenWriter::new(batches[0].schema(), sort_by, settings);
    let mut segments: Vec<EncodedSegment> = Vec::new();
    for batch in batches {
        segments.extend(writer.write(batch).unwrap());
    }
    segments.extend(writer.finish().unwrap());
    segments
}

fn freeze_one(batch: &RecordBatch) -> EncodedSegment {
    freeze(std::slice::from_ref(batch), Vec::new(), settings()).remove(0)
}

fn footer(segment: &EncodedSegment) -> ParquetMetaData {
    let begin = segment.bytes.len() - segment.tail_bytes as usize;
    decode_tail(segment.bytes.len() as u64, segment.bytes.slice(begin..)).unwrap()
}

/// The rows of a segment in the lake's types.
fn thaw(segment: &EncodedSegment) -> RecordBatch {
    let footer = footer(segment);
    let schema = segment_schema(&footer).unwrap();
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(&schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::new(footer), options).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(segment.bytes.clone(), metadata).build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    batch_of(vec![("n", Arc::new(Int64Array::from_iter_values(values)) as ArrayRef)])
}

fn key(field: i32, descending: bool) -> SortKey {
    SortKey { field: FieldId::new(field), descending, nulls_first: false }
}

#[test]
fn rows_of_every_type_survive_a_segment() {
    let rows = every_type();
    for compression in [PageCompression::None, PageCompression::Lz4, PageCompression::Zstd { level: 3 }] {
        let settings = WriteSettings { compression, ..settings() };
        let segments = freeze(std::slice::from_ref(&rows), Vec::new(), settings);
        assert_eq!(segments.len(), 1);
        let read = thaw(&segments[0]);
        assert_eq!(read.schema(), rows.schema());
        assert_eq!(read, rows);
    }
}

#[test]
fn any_reader_of_parquet_finds_plain_types_and_field_ids() {
    let segment = freeze_one(&every_type());
    let reader = ParquetRecordBatchReaderBuilder::try_new(segment.bytes.clone()).unwrap();
    assert_eq!(reader.metadata().file_metadata().key_value_metadata(), None);
    let created_by = reader.metadata().file_metadata().created_by().unwrap();
    assert!(created_by.starts_with("frostline version "), "{created_by}");
    let text = reader.schema().field_with_name("text").unwrap();
    assert_eq!((text.data_type(), field_id(text)), (&DataType::Utf8, Some(FieldId::new(15))));
    let DataType::List(element) = reader.schema().field_with_name("list").unwrap().data_type() else { unreachable!() };
    assert!(field_id(element).is_some());
    let rows: usize = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 4);
}

#[test]
fn row_ids_are_a_required_column_with_their_field_id() {
    let plain = numbers([1, 2]);
    let id = with_field_id(Field::new(ROW_ID_NAME, DataType::Int64, false), ROW_ID_FIELD);
    let schema = Arc::new(Schema::new(vec![plain.schema().field(0).clone(), id]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![70, 12]));
    let rows = RecordBatch::try_new(schema, vec![Arc::clone(plain.column(0)), ids]).unwrap();
    let segment = freeze_one(&rows);
    let footer = footer(&segment);
    let column = footer.file_metadata().schema_descr().column(1);
    let info = column.self_type().get_basic_info();
    assert_eq!((info.name(), info.id(), info.repetition()), ("_row_id", 2_147_483_540, Repetition::REQUIRED));
    assert_eq!(column.physical_type(), PhysicalType::INT64);
    assert_eq!(thaw(&segment), rows);
    let row = SegmentStatistics::decode_block(&segment.statistics).unwrap();
    let statistics = SegmentStatistics::concat(vec![row]).unwrap();
    let known = statistics.field(ROW_ID_FIELD).unwrap();
    assert_eq!(known.min.as_primitive::<Int64Type>().value(0), 12);
}

#[test]
fn the_tail_holds_footer_and_page_index_and_no_data() {
    let segment = freeze_one(&numbers(0..2500));
    let footer = footer(&segment);
    assert_eq!(footer.num_row_groups(), 3);
    assert!(footer.column_index().is_some() && footer.offset_index().is_some());
    let data_end = footer.row_groups().iter().flat_map(|group| group.columns()).map(|chunk| {
        let (begin, length) = chunk.byte_range();
        begin + length
    });
    assert_eq!(data_end.max(), Some(segment.bytes.len() as u64 - segment.tail_bytes));
    assert!(footer.offset_index().unwrap()[0][0].page_locations().len() > 1);
}

#[test]
fn a_segment_is_described_by_its_own_bytes() {
    let segment = freeze_one(&numbers(0..10));
    let object = segment.object("n0nce");
    assert_eq!(object.sha256, Digest::of(&segment.bytes));
    let sha256 = object.sha256.to_string();
    assert_eq!(object.key, format!("segments/{}/{sha256}-n0nce.parquet", &sha256[..2]));
    assert_eq!(object.size_bytes, segment.bytes.len() as u64);
    assert_eq!((object.tail_bytes, segment.rows), (segment.tail_bytes, 10));
    let digests = PartDigests::decode(&segment.digests, object.size_bytes).unwrap();
    assert!(digests.matches(0, &segment.bytes));
}

#[test]
fn threads_change_nothing() {
    let rows = every_type();
    let one = freeze(std::slice::from_ref(&rows), Vec::new(), WriteSettings { encoder_threads: 1, ..settings() });
    let many = freeze(std::slice::from_ref(&rows), Vec::new(), WriteSettings { encoder_threads: 7, ..settings() });
    assert_eq!(one[0].bytes, many[0].bytes);
    assert_eq!(one[0].statistics, many[0].statistics);
}

#[test]
fn segments_are_cut_at_the_target() {
    let settings = WriteSettings { segment_bytes_target: 20_000, compression: PageCompression::None, ..settings() };
    // Far apart, so that neither the dictionary nor the encoding makes them small.
    let batches: Vec<RecordBatch> =
        (0..40_i64).map(|batch| numbers((0..500).map(move |row| (batch * 500 + row) * 1_000_003))).collect();
    let segments = freeze(&batches, Vec::new(), settings);
    assert!(segments.len() > 3, "{}", segments.len());
    let (last, others) = segments.split_last().unwrap();
    for segment in others {
        assert!((20_000..60_000).contains(&segment.bytes.len()), "{}", segment.bytes.len());
    }
    assert!(last.rows > 0);
    let read: Vec<i64> = segments
        .iter()
        .flat_map(|segment| thaw(segment).column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(read, (0..20_000_i64).map(|row| row * 1_000_003).collect::<Vec<i64>>());
}

#[test]
fn wide_rows_close_a_row_group_early() {
    let text = "x".repeat(10_000);
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![text.as_str(); 100]));
    let batch = batch_of(vec![("t", texts)]);
    let settings = WriteSettings { row_group_bytes_max: 500_000, ..settings() };
    let segments = freeze(&[batch.slice(0, 60), batch.slice(60, 40)], Vec::new(), settings);
    let rows: Vec<i64> = footer(&segments[0]).row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [60, 40]);
}

#[test]
fn no_rows_make_no_segment() {
    let mut writer = FrozenWriter::new(every_type().schema(), Vec::new(), settings());
    assert!(writer.write(&every_type().slice(0, 0)).unwrap().is_none());
    assert!(writer.finish().unwrap().is_none());
}

#[test]
fn row_groups_are_sorted_and_say_so() {
    let first: ArrayRef = Arc::new(Int32Array::from(vec![Some(2), Some(1), None, Some(2), Some(1)]));
    let second: ArrayRef = Arc::new(Int64Array::from(vec![10, 20, 30, 40, 50]));
    let rows = batch_of(vec![("a", first), ("b", second)]);
    let settings = WriteSettings { row_group_rows: 4, ..settings() };
    let segments = freeze(std::slice::from_ref(&rows), vec![key(1, false), key(2, true)], settings);
    let read = thaw(&segments[0]);
    let a: Vec<Option<i32>> = read.column(0).as_primitive::<Int32Type>().iter().collect();
    let b: Vec<i64> = read.column(1).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(a, [Some(1), Some(2), Some(2), None, Some(1)]);
    assert_eq!(b, [20, 40, 10, 30, 50]);
    for group in footer(&segments[0]).row_groups() {
        let declared: Vec<(i32, bool, bool)> = group
            .sorting_columns()
            .unwrap()
            .iter()
            .map(|column| (column.column_idx, column.descending, column.nulls_first))
            .collect();
        assert_eq!(declared, [(0, false, false), (1, true, false)]);
    }
}

#[test]
fn equal_rows_keep_their_order_and_unknown_keys_end_the_order() {
    let first: ArrayRef = Arc::new(Int32Array::from_iter_values((0..1000).map(|row| row % 2)));
    let second: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let rows = batch_of(vec![("a", first), ("b", second)]);
    let keys = vec![key(1, true), key(77, false), key(2, true)];
    let segments = freeze(std::slice::from_ref(&rows), keys, settings());
    let b: Vec<i64> = thaw(&segments[0]).column(1).as_primitive::<Int64Type>().values().to_vec();
    let expected: Vec<i64> = (0..500).map(|row| 2 * row + 1).chain((0..500).map(|row| 2 * row)).collect();
    assert_eq!(b, expected);
    assert_eq!(footer(&segments[0]).row_group(0).sorting_columns().map(Vec::len), Some(1));
}

#[test]
fn a_sorting_column_is_counted_among_the_leaves() {
    let rows = every_type();
    // "struct" has two leaves, "list" one; "map" comes after them. The key is the column of ids after all of them.
    let nested = rows.project(&[24, 23]).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![4, 3, 2, 1]));
    let columns = vec![("s", nested.column(0).clone()), ("l", nested.column(1).clone()), ("id", ids)];
    let segments = freeze(&[batch_of(columns)], vec![key(3, false)], settings());
    let footer = footer(&segments[0]);
    let declared = footer.row_group(0).sorting_columns().unwrap();
    assert_eq!(declared[0].column_idx, 3);
    assert_eq!(thaw(&segments[0]).column(2).as_primitive::<Int64Type>().values().to_vec(), [1, 2, 3, 4]);
}

/// Whether each row group of a segment has bounds and page bounds for its first column, by Parquet's own footer.
fn bounded(metadata: &ParquetMetaData) -> Vec<(bool, bool)> {
    let pages = metadata.column_index().unwrap();
    let bounds = |group: usize| {
        let statistics = metadata.row_group(group).column(0).statistics();
        let has_bounds = statistics.is_some_and(|statistics| statistics.min_bytes_opt().is_some());
        (has_bounds, !matches!(pages[group][0], ColumnIndexMetaData::NONE))
    };
    (0..metadata.num_row_groups()).map(bounds).collect()
}

#[test]
fn a_row_group_with_nan_has_no_bounds_and_then_no_row_group_has() {
    let values = (0..2000).map(|row| if row == 1500 { f64::NAN } else { f64::from(row) });
    let floats: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
    let others: ArrayRef = Arc::new(Int64Array::from_iter_values(0..2000));
    let segment = freeze_one(&batch_of(vec![("f", floats), ("n", others)]));

    let plain_options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let plain = ArrowReaderMetadata::load(&segment.bytes, plain_options).unwrap();
    assert_eq!(bounded(plain.metadata()), [(true, true), (false, false)]);

    let footer = footer(&segment);
    assert_eq!(bounded(&footer), [(false, false), (false, false)]);
    let chunk = footer.row_group(0).column(0);
    assert_eq!(chunk.statistics().and_then(|statistics| statistics.null_count_opt()), Some(0));
    assert!(footer.row_group(0).column(1).statistics().unwrap().min_bytes_opt().is_some());
    assert!(footer.offset_index().is_some());

    let row = SegmentStatistics::decode_block(&segment.statistics).unwrap();
    let all = SegmentStatistics::concat(vec![row]).unwrap();
    let float = all.field(FieldId::new(1)).unwrap();
    assert!(float.has_nan.value(0) && float.max.is_null(0));
    assert!(!all.field(FieldId::new(2)).unwrap().has_nan.value(0));
}

#[test]
fn floats_without_nan_keep_their_bounds() {
    let values = (0..2000).map(|row| (row < 1000).then_some(f64::from(row)));
    let floats: ArrayRef = Arc::new(Float64Array::from_iter(values));
    let footer = footer(&freeze_one(&batch_of(vec![("f", floats)])));
    // The second row group holds nulls alone, which is no reason to doubt the first.
    assert_eq!(bounded(&footer)[0], (true, true));
}

#[test]
fn a_schema_without_field_ids_is_refused() {
    let schema = with_field_ids(vec![Field::new("a", DataType::Int64, true)]);
    let bare = Arc::new(arrow::datatypes::Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let rows = RecordBatch::try_new(schema, vec![column]).unwrap();
    let mut writer = FrozenWriter::new(bare, Vec::new(), WriteSettings { row_group_rows: 1, ..settings() });
    let error = writer.write(&rows).unwrap_err();
    assert_eq!(error.to_string(), "column `a` carries no field id; give the writer the schema of a table");
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let mut writer = FrozenWriter::new(numbers([1]).schema(), Vec::new(), settings());
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["x"]));
    let error = writer.write(&batch_of(vec![("n", texts)])).unwrap_err();
    assert_eq!(error.to_string(), "column `n` holds Utf8View and the table wants Int64; cast it first");
    assert!(matches!(writer.write(&every_type()), Err(WriteError::ColumnCount { expected: 1, found: 26 })));

    let required = with_field_ids(vec![Field::new("n", DataType::Int64, false)]);
    let mut writer = FrozenWriter::new(required, Vec::new(), settings());
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None::<i64>]));
    assert!(matches!(writer.write(&batch_of(vec![("n", null)])), Err(WriteError::Rows { .. })));
}

#[test]
fn a_footer_that_is_cut_off_is_an_error() {
    let segment = freeze_one(&numbers(0..10));
    let length = segment.bytes.len();
    for kept in 0..segment.tail_bytes as usize {
        let tail = segment.bytes.slice(length - kept..);
        assert!(decode_tail(length as u64, tail).is_err(), "{kept}");
    }
    assert!(decode_tail(4, Bytes::from_static(b"PAR1")).is_err());
}
