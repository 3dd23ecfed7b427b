//! Rows of every type that a lake holds, for tests.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringViewArray, StructArray,
    Time64MicrosecondArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use frostline_catalog::FieldId;
use frostline_catalog::schema::{number_nested_fields, with_field_id};

/// Numbers the columns from 1 on, and the fields in them after the columns.
pub(crate) fn with_field_ids(fields: Vec<Field>) -> SchemaRef {
    let mut next = FieldId::new(1 + fields.len() as i32);
    let mut id = FieldId::FIRST;
    let mut numbered: Vec<Field> = Vec::new();
    for field in fields {
        let data_type = number_nested_fields(field.data_type(), &mut next);
        numbered.push(with_field_id(Field::new(field.name(), data_type, field.is_nullable()), id));
        id = id.next();
    }
    Arc::new(Schema::new(numbered))
}

/// Rows of these columns, with field ids.
pub(crate) fn batch_of(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = with_field_ids(fields);
    let columns = columns
        .iter()
        .zip(schema.fields())
        .map(|((_, column), field)| super::layout::fit_array(column, field.data_type()).unwrap())
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Four rows of every type, each with a null, flat and nested.
pub(crate) fn every_type() -> RecordBatch {
    let long = "a string that is longer than a view holds by itself";
    let texts = vec![Some("short"), None, Some(long), Some("")];
    let blobs: [&[u8]; 3] = [b"\x00\xff", b"", b"longer than a view holds"];
    let blobs = vec![Some(blobs[0]), None, Some(blobs[1]), Some(blobs[2])];
    let instants = TimestampMicrosecondArray::from(vec![Some(-1), None, Some(0), Some(1)]).with_timezone("UTC");
    let great = 10_i128.pow(38) - 1;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("boolean", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))),
        ("int8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(0), Some(i8::MAX)]))),
        ("int16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(0), Some(i16::MAX)]))),
        ("int32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(0), Some(i32::MAX)]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(0), Some(i64::MAX)]))),
        ("uint8", Arc::new(UInt8Array::from(vec![Some(0), None, Some(7), Some(u8::MAX)]))),
        ("uint16", Arc::new(UInt16Array::from(vec![Some(0), None, Some(7), Some(u16::MAX)]))),
        ("uint32", Arc::new(UInt32Array::from(vec![Some(0), None, Some(7), Some(u32::MAX)]))),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(0), None, Some(7), Some(u64::MAX)]))),
        ("float32", Arc::new(Float32Array::from(vec![Some(-1.5), None, Some(f32::INFINITY), Some(0.1)]))),
        ("float64", Arc::new(Float64Array::from(vec![Some(-1.5), None, Some(1e300), Some(0.1)]))),
        ("decimal9", decimal(9, 2, vec![Some(-999_999_999), None, Some(1), Some(5)])),
        ("decimal18", decimal(18, 0, vec![Some(-1), None, Some(999_999_999_999_999_999), Some(5)])),
        ("decimal38", decimal(38, 10, vec![Some(-great), None, Some(great), Some(0)])),
        ("text", Arc::new(StringViewArray::from(texts.clone()))),
        ("bytes", Arc::new(BinaryViewArray::from(blobs))),
        ("date", Arc::new(Date32Array::from(vec![Some(-719_162), None, Some(0), Some(2_932_896)]))),
        ("time_us", Arc::new(Time64MicrosecondArray::from(vec![Some(0), None, Some(1), Some(86_399_999_999)]))),
        ("time_ns", Arc::new(Time64NanosecondArray::from(vec![Some(0), None, Some(1), Some(86_399_999_999_999)]))),
        ("ts_ms", Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None, Some(0), Some(1)]))),
        ("ts_us", Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None, Some(0), Some(1)]))),
        ("ts_ns", Arc::new(TimestampNanosecondArray::from(vec![Some(-1), None, Some(0), Some(1)]))),
        ("instant", Arc::new(instants)),
        ("list", list_of_texts(&texts)),
        ("struct", struct_of_list(&texts)),
        ("map", map_of_floats()),
    ];
    let batch = batch_of(columns);
    assert_eq!(batch.schema().field(22).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    batch
}

fn decimal(precision: u8, scale: i8, values: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

/// Lists of two, none, no and two texts.
fn list_of_texts(texts: &[Option<&str>]) -> ArrayRef {
    let element: FieldRef = Arc::new(Field::new("item", DataType::Utf8View, true));
    let values: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
    let offsets = OffsetBuffer::<i32>::from_lengths([2, 0, 0, 2]);
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    Arc::new(ListArray::new(element, offsets, values, Some(nulls)))
}

fn struct_of_list(texts: &[Option<&str>]) -> ArrayRef {
    let list = list_of_texts(texts);
    let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)]));
    let fields = Fields::from(vec![
        Field::new("list", list.data_type().clone(), true),
        Field::new("number", DataType::Int32, true),
    ]);
    Arc::new(StructArray::new(fields, vec![list, number], Some(NullBuffer::from(vec![true, false, true, true]))))
}

/// Maps of one, no, no and two entries.
fn map_of_floats() -> ArrayRef {
    let fields =
        Fields::from(vec![Field::new("key", DataType::Utf8View, false), Field::new("value", DataType::Float64, true)]);
    let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b", "c"]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-2.5)]));
    let entries = StructArray::new(fields.clone(), vec![keys, values], None);
    let field: FieldRef = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::<i32>::from_lengths([1, 0, 0, 2]);
    let nulls = NullBuffer::from(vec![true, false, true, true]);
    Arc::new(MapArray::new(field, offsets, entries, Some(nulls), false))
}
