//! Columns as foreign clients read them: without string views, dictionaries and other encodings that few know.
//!
//! | in the engine | as it is sent |
//! |---|---|
//! | Utf8View, BinaryView | Utf8, Binary |
//! | Dictionary, RunEndEncoded | their values |
//! | LargeList, ListView, LargeListView | List |
//! | nested types | the same of what is inside |
//! | anything else | itself |
//!
//! * What is announced is what is sent, nullability included; metadata of fields stays behind.
//! * A message holds at most about [`MESSAGE_BYTES`], unless one row is larger.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use frostline_engine::batch_bytes;

/// How many bytes of rows go into one message: some clients take no more than 4 MiB.
pub(crate) const MESSAGE_BYTES: usize = 2 * 1024 * 1024;

/// The columns as they are sent.
pub(crate) fn plain_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(plain_field).collect::<Vec<FieldRef>>()))
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), plain_type(field.data_type()), field.is_nullable()))
}

/// The type as it is sent.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => DataType::List(plain_field(element)),
        DataType::FixedSizeList(element, size) => DataType::FixedSizeList(plain_field(element), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

/// The columns of a result that was promised earlier, say when it was prepared: a column of the same name and type that
/// was said to lack values may do so still.
pub(crate) fn as_promised(columns: &SchemaRef, promised: Option<&SchemaRef>) -> SchemaRef {
    let Some(promised) = promised.filter(|promised| promised.fields().len() == columns.fields().len()) else {
        return Arc::clone(columns);
    };
    let fields = columns.fields().iter().zip(promised.fields()).map(|(field, earlier)| {
        let is_same = field.name() == earlier.name() && field.data_type() == earlier.data_type();
        let nullable = field.is_nullable() || (is_same && earlier.is_nullable());
        Arc::new(field.as_ref().clone().with_nullable(nullable))
    });
    Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()))
}

/// A batch as messages of the size that clients take, with these columns.
pub(crate) fn messages(batch: &RecordBatch, columns: &SchemaRef) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut pieces = Vec::new();
    split(batch, columns, &mut pieces)?;
    Ok(pieces)
}

fn split(batch: &RecordBatch, columns: &SchemaRef, pieces: &mut Vec<RecordBatch>) -> Result<(), ArrowError> {
    let rows = batch.num_rows();
    if rows > 1 && batch_bytes(batch) > MESSAGE_BYTES {
        let half = rows / 2;
        split(&batch.slice(0, half), columns, pieces)?;
        return split(&batch.slice(half, rows - half), columns, pieces);
    }
    pieces.push(convert(batch, columns)?);
    Ok(())
}

fn convert(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let arrays = batch.columns().iter().zip(columns.fields()).map(|(array, field)| {
        if array.data_type() == field.data_type() {
            return Ok(Arc::clone(array));
        }
        cast(array, field.data_type())
    });
    let arrays = arrays.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(columns), arrays, &options)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{AsArray, DictionaryArray, ListArray, StringArray, StringViewArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Fields, Int32Type};

    use super::*;

    #[test]
    fn views_and_dictionaries_are_left_behind_on_every_level() {
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(["a", "b", "c"]));
        let element = Field::new("item", DataType::Utf8View, true)
            .with_metadata(HashMap::from([("PARQUET:field_id".to_owned(), "7".to_owned())]));
        let lists: ArrayRef =
            Arc::new(ListArray::new(Arc::new(element), OffsetBuffer::from_lengths([2, 1]), Arc::clone(&texts), None));
        let fields = Fields::from(vec![Field::new("t", DataType::Utf8View, false)]);
        let structs: ArrayRef = Arc::new(StructArray::new(fields, vec![texts.slice(0, 2)], None));
        let words: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(["x", "y"]));
        let columns = [("l", lists, true), ("s", structs, false), ("d", words, true)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();

        let plain = plain_schema(&batch.schema());
        let element = Arc::new(Field::new("item", DataType::Utf8, true));
        let inner = Fields::from(vec![Field::new("t", DataType::Utf8, false)]);
        assert_eq!(plain.field(0).data_type(), &DataType::List(element));
        assert_eq!(plain.field(1).data_type(), &DataType::Struct(inner));
        assert_eq!(plain.field(2).data_type(), &DataType::Utf8);
        assert!(!plain.field(1).is_nullable());

        let sent = messages(&batch, &plain).unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].schema(), plain);
        assert_eq!(sent[0].column(0).as_list::<i32>().value(0).as_string::<i32>().value(1), "b");
        assert_eq!(sent[0].column(2).as_string::<i32>(), &StringArray::from(vec!["x", "y"]));
    }

    #[test]
    fn large_batches_are_cut_and_no_row_is_lost() {
        let rows = 1000;
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values((0..rows).map(|row| format!("{row:09000}"))));
        let batch = RecordBatch::try_from_iter([("t", texts)]).unwrap();
        let plain = plain_schema(&batch.schema());
        let sent = messages(&batch, &plain).unwrap();
        assert!(sent.len() > 4);
        let back: usize = sent.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(back, rows);
        for piece in &sent {
            assert!(batch_bytes(piece) <= MESSAGE_BYTES, "{}", batch_bytes(piece));
        }
    }

    #[test]
    fn a_column_that_was_promised_to_lack_values_may_still() {
        let one = |nullable| Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, nullable)]));
        assert!(as_promised(&one(false), Some(&one(true))).field(0).is_nullable());
        assert!(as_promised(&one(true), Some(&one(false))).field(0).is_nullable());
        assert!(!as_promised(&one(false), Some(&one(false))).field(0).is_nullable());
        assert!(!as_promised(&one(false), None).field(0).is_nullable());
    }

    #[test]
    fn a_batch_without_columns_keeps_its_rows() {
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let empty = Arc::new(Schema::empty());
        let batch = RecordBatch::try_new_with_options(Arc::clone(&empty), Vec::new(), &options).unwrap();
        let sent = messages(&batch, &empty).unwrap();
        assert_eq!(sent[0].num_rows(), 3);
        assert_eq!(sent[0].num_columns(), 0);
    }
}
