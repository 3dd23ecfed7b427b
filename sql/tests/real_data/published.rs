//! A file of everything that was published, cut into its editions.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use frostline_catalog::Micros;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::door::Checked;

/// The column that says when a row was published.
const AS_OF: &str = "as_of";

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Everything that was published of a dataset.
pub(super) struct Published {
    rows: RecordBatch,
    /// The editions, oldest first.
    pub(super) editions: Vec<Edition>,
}

/// What was published at one time.
pub(super) struct Edition {
    /// When.
    pub(super) published: Micros,
    /// The columns that have a value in some row, in lower case.
    pub(super) columns: Vec<String>,
    /// Which rows of the file.
    places: UInt64Array,
}

/// Rows in any order: how many, and a sum over their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint {
    rows: u64,
    sum: u64,
}

impl Published {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Self {
        let file = File::open(path).expect("the file can be opened");
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("the file is Parquet");
        let schema = Arc::clone(builder.schema());
        let reader = builder.with_batch_size(64 * 1024).build().expect("the file is Parquet");
        let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("the file is sound")).collect();
        let rows = in_lower_case(&concat_batches(&schema, &batches).expect("batches of one file fit together"));
        let editions = editions(&rows);
        Self { rows, editions }
    }

    /// How many rows there are in all editions.
    pub(super) fn rows(&self) -> usize {
        self.rows.num_rows()
    }

    /// The rows of an edition, with its columns.
    pub(super) fn rows_of(&self, edition: &Edition) -> RecordBatch {
        let taken = take_record_batch(&self.rows, &edition.places).expect("the rows are there");
        project(&taken, &edition.columns)
    }
}

impl Edition {
    /// The columns as CREATE TABLE declares them.
    pub(super) fn declaration(&self, rows: &RecordBatch) -> String {
        let declared = |field: &Arc<Field>| {
            let data_type = match field.data_type() {
                DataType::Float64 => "DOUBLE",
                DataType::Date32 => "DATE",
                _ => "VARCHAR",
            };
            format!("\"{}\" {data_type}", field.name())
        };
        rows.schema().fields().iter().map(declared).collect::<Vec<String>>().join(", ")
    }
}

impl Fingerprint {
    /// The fingerprint of some columns of batches. Texts count as texts, however they are laid out.
    pub(super) fn of(batches: &[RecordBatch], columns: &[String]) -> Checked<Self> {
        let mut found = Self { rows: 0, sum: 0 };
        for batch in batches {
            let arrays: Vec<ArrayRef> = columns.iter().map(|name| plain_column(batch, name)).collect::<Checked<_>>()?;
            let fields = arrays.iter().map(|array| SortField::new(array.data_type().clone())).collect();
            let converter = RowConverter::new(fields).map_err(|error| error.to_string())?;
            let rows = converter.convert_columns(&arrays).map_err(|error| error.to_string())?;
            for row in &rows {
                let mut hasher = DefaultHasher::new();
                hasher.write(row.as_ref());
                found.sum = found.sum.wrapping_add(hasher.finish());
                found.rows += 1;
            }
        }
        Ok(found)
    }
}

/// Writes rows as a file.
pub(super) fn write_parquet(path: &Path, rows: &RecordBatch) {
    let file = File::create(path).expect("a temporary folder takes a file");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("the rows fit Parquet");
    writer.write(rows).expect("the rows are written");
    writer.close().expect("the file is complete");
}

fn plain_column(batch: &RecordBatch, name: &str) -> Checked<ArrayRef> {
    let array = batch.column_by_name(name).ok_or_else(|| format!("column `{name}` is not there"))?;
    match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => cast(array, &DataType::Utf8).map_err(|error| error.to_string()),
        _ => Ok(Arc::clone(array)),
    }
}

/// The same rows under the names that columns have in a lake.
fn in_lower_case(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let fields: Vec<Field> =
        schema.fields().iter().map(|field| field.as_ref().clone().with_name(field.name().to_lowercase())).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), rows.columns().to_vec()).expect("only names are changed")
}

fn project(rows: &RecordBatch, columns: &[String]) -> RecordBatch {
    let schema = rows.schema();
    let places: Vec<usize> = columns.iter().map(|name| schema.index_of(name).expect("the column is there")).collect();
    rows.project(&places).expect("the columns are there")
}

/// The times at which rows were published, in microseconds.
fn times(rows: &RecordBatch) -> Vec<i64> {
    let array = rows.column_by_name(AS_OF).expect("each row says when it was published");
    match array.data_type() {
        DataType::Date32 => {
            array.as_primitive::<Date32Type>().values().iter().map(|days| i64::from(*days) * MICROS_PER_DAY).collect()
        }
        _ => array.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
    }
}

fn editions(rows: &RecordBatch) -> Vec<Edition> {
    let mut places: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for (place, time) in (0_u64..).zip(times(rows)) {
        places.entry(time).or_default().push(place);
    }
    let edition = |(time, places): (i64, Vec<u64>)| {
        let places = UInt64Array::from(places);
        let taken = take_record_batch(rows, &places).expect("the rows are there");
        let has_values =
            |(field, array): &(&Arc<Field>, &ArrayRef)| field.name() != AS_OF && array.null_count() < array.len();
        let schema = taken.schema();
        let columns = schema.fields().iter().zip(taken.columns()).filter(has_values);
        let columns: Vec<String> = columns.map(|(field, _)| field.name().clone()).collect();
        Edition { published: Micros::new(time), columns, places }
    };
    places.into_iter().map(edition).collect()
}
