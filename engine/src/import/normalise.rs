//! The types that tables have, and how others become them.
//!
//! Arrow has many encodings of the same values. Tables know one for each:
//!
//! | from | to |
//! |---|---|
//! | Boolean, Int8..64, UInt8..64, Float32, Float64, Decimal128, Date32 | themselves |
//! | Float16 | Float32 |
//! | Decimal32, Decimal64, Decimal256 up to 38 digits | Decimal128, with a scale of at least 0 |
//! | Utf8, LargeUtf8, Utf8View | Utf8View |
//! | Binary, LargeBinary, FixedSizeBinary, BinaryView | BinaryView |
//! | Date64 | Timestamp(ms): it counts milliseconds, and not all writers keep to whole days |
//! | Time32, Time64 | Time64(us), Time64(ns) if it was |
//! | Timestamp | Timestamp(ms, us or ns), seconds as ms; with any zone, the same instant in `UTC` |
//! | Dictionary, RunEndEncoded | their values |
//! | List, LargeList, FixedSizeList, ListView, LargeListView | List with a field `item` |
//! | Struct, Map | the same of normalised types |
//! | Null, Interval, Duration, Union, Struct without fields, longer decimals | refused |
//!
//! * No value changes: what cannot be kept exactly is refused, as a type or as a value.
//! * What may be NULL stays so, on every level. Metadata of fields is left behind: its field ids are another file's.
//! * Normalising twice is normalising once.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use super::exact::{ExactCastError, cast_exact};
use super::type_name::sql_type_name;

const MAX_DIGITS: u8 = 38;

/// A type that no table can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type {found} is not supported{}; {advice}", show_path(.path))]
pub struct UnsupportedType {
    /// Where inside a nested type it is, from the outside in: `.member[]`. Empty if it is the type itself.
    pub path: String,
    /// The type.
    pub found: String,
    /// What to do.
    pub advice: &'static str,
}

/// Why a schema or batch cannot be normalised.
#[derive(Debug, thiserror::Error)]
pub enum NormaliseError {
    /// A column has a type that no table can have.
    #[error("column `{column}` cannot be stored")]
    Type {
        /// The column.
        column: String,
        /// Which type it is.
        source: UnsupportedType,
    },
    /// A batch has another number of columns than the target.
    #[error("the batch has {found} columns, the target {expected}")]
    ColumnCount {
        /// How many the batch has.
        found: usize,
        /// How many the target has.
        expected: usize,
    },
    /// A column cannot become its target.
    #[error("column `{column}` cannot be converted")]
    Column {
        /// The column of the target.
        column: String,
        /// Why.
        source: ExactCastError,
    },
    /// The columns do not make a batch, say because a column that is not null has a NULL.
    #[error("the converted columns do not make a batch")]
    Batch {
        /// Why.
        source: arrow::error::ArrowError,
    },
}

/// The type that tables have for the values of this one.
///
/// # Errors
/// [`UnsupportedType`] if tables have none.
pub fn normalise_type(data_type: &DataType) -> Result<DataType, UnsupportedType> {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => Ok(data_type.clone()),
        DataType::Float16 => Ok(DataType::Float32),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => normalise_decimal(data_type, *precision, *scale),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(DataType::Utf8View),
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) | DataType::BinaryView => {
            Ok(DataType::BinaryView)
        }
        DataType::Date64 => Ok(DataType::Timestamp(TimeUnit::Millisecond, None)),
        DataType::Time64(TimeUnit::Nanosecond) => Ok(DataType::Time64(TimeUnit::Nanosecond)),
        DataType::Time32(_) | DataType::Time64(_) => Ok(DataType::Time64(TimeUnit::Microsecond)),
        DataType::Timestamp(unit, zone) => {
            let unit = if *unit == TimeUnit::Second { TimeUnit::Millisecond } else { *unit };
            Ok(DataType::Timestamp(unit, zone.as_ref().map(|_| "UTC".into())))
        }
        DataType::Dictionary(_, values) => normalise_type(values),
        DataType::RunEndEncoded(_, values) => normalise_type(values.data_type()),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field) => {
            let element = normalise_type(field.data_type()).map_err(|error| error.inside("[]"))?;
            Ok(DataType::List(Arc::new(Field::new("item", element, field.is_nullable()))))
        }
        DataType::Struct(fields) if fields.is_empty() => {
            Err(unsupported(data_type, "give the struct a field, or leave the column out"))
        }
        DataType::Struct(fields) => Ok(DataType::Struct(normalise_fields(fields)?)),
        DataType::Map(entries, sorted) => normalise_map(data_type, entries, *sorted),
        DataType::Null => Err(unsupported(data_type, "cast the column to a type")),
        DataType::Interval(_) | DataType::Duration(_) => {
            Err(unsupported(data_type, "cast it to bigint, a count of units of time"))
        }
        DataType::Union(_, _) => Err(unsupported(data_type, "cast it to the type of one of its members")),
    }
}

/// The schema that tables have for the columns of this one.
///
/// # Errors
/// [`NormaliseError::Type`] for the first column whose type tables cannot have.
pub fn normalise_schema(schema: &Schema) -> Result<SchemaRef, NormaliseError> {
    let mut fields: Vec<Field> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let data_type = normalise_type(field.data_type())
            .map_err(|source| NormaliseError::Type { column: field.name().clone(), source })?;
        fields.push(Field::new(field.name(), data_type, field.is_nullable()));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The same rows with the types of the target, column by column in their order; names are those of the target.
///
/// * A column whose type normalises to that of the target is only encoded otherwise.
/// * Any other cast is made if it changes no value: see [`ExactCastError`].
///
/// # Errors
/// A column that cannot become its target, with the row of the first value that does not fit.
pub fn normalise_batch(batch: &RecordBatch, target: &SchemaRef) -> Result<RecordBatch, NormaliseError> {
    let expected = target.fields().len();
    if batch.num_columns() != expected {
        return Err(NormaliseError::ColumnCount { found: batch.num_columns(), expected });
    }
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(expected);
    for (column, field) in batch.columns().iter().zip(target.fields()) {
        let cast = cast_exact(column, field.data_type())
            .map_err(|source| NormaliseError::Column { column: field.name().clone(), source })?;
        columns.push(cast);
    }
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(target), columns, &options)
        .map_err(|source| NormaliseError::Batch { source })
}

/// A negative scale stands for zeros before the point: they become digits.
fn normalise_decimal(data_type: &DataType, precision: u8, scale: i8) -> Result<DataType, UnsupportedType> {
    let zeros = if scale < 0 { scale.unsigned_abs() } else { 0 };
    let digits = precision.saturating_add(zeros);
    if digits > MAX_DIGITS {
        return Err(unsupported(data_type, "cast it to a decimal of at most 38 digits, or to text"));
    }
    Ok(DataType::Decimal128(digits, scale.max(0)))
}

fn normalise_fields(fields: &Fields) -> Result<Fields, UnsupportedType> {
    let mut normalised: Vec<Field> = Vec::with_capacity(fields.len());
    for field in fields {
        let data_type =
            normalise_type(field.data_type()).map_err(|error| error.inside(&format!(".{}", field.name())))?;
        normalised.push(Field::new(field.name(), data_type, field.is_nullable()));
    }
    Ok(Fields::from(normalised))
}

/// Entries and keys of a map are never NULL, whatever its type says.
fn normalise_map(data_type: &DataType, entries: &FieldRef, sorted: bool) -> Result<DataType, UnsupportedType> {
    let pair = match entries.data_type() {
        DataType::Struct(pair) if pair.len() == 2 => pair,
        _ => return Err(unsupported(data_type, "a map has keys and values; leave the column out")),
    };
    let key = normalise_type(pair[0].data_type()).map_err(|error| error.inside(".key"))?;
    let value = normalise_type(pair[1].data_type()).map_err(|error| error.inside(".value"))?;
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, pair[1].is_nullable())]);
    Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), sorted))
}

impl UnsupportedType {
    fn inside(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

fn unsupported(data_type: &DataType, advice: &'static str) -> UnsupportedType {
    UnsupportedType { path: String::new(), found: sql_type_name(data_type), advice }
}

fn show_path(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Array, AsArray, DictionaryArray, Float16Array, Int32Array, LargeStringArray, StringArray, TimestampSecondArray,
    };
    use arrow::datatypes::{Int32Type, IntervalUnit, TimestampMillisecondType};

    use super::*;

    fn list(name: &str, data_type: DataType, nullable: bool) -> DataType {
        DataType::List(Arc::new(Field::new(name, data_type, nullable)))
    }

    fn check(from: DataType, to: DataType) {
        assert_eq!(normalise_type(&from), Ok(to.clone()), "{from}");
        assert_eq!(normalise_type(&to), Ok(to), "normalising twice");
    }

    #[test]
    fn scalars_have_one_type_each() {
        check(DataType::Int32, DataType::Int32);
        check(DataType::Float16, DataType::Float32);
        check(DataType::LargeUtf8, DataType::Utf8View);
        check(DataType::FixedSizeBinary(16), DataType::BinaryView);
        check(DataType::Date64, DataType::Timestamp(TimeUnit::Millisecond, None));
        check(DataType::Time32(TimeUnit::Second), DataType::Time64(TimeUnit::Microsecond));
        check(DataType::Time64(TimeUnit::Nanosecond), DataType::Time64(TimeUnit::Nanosecond));
        check(
            DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into())),
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        );
        check(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), DataType::Utf8View);
    }

    #[test]
    fn decimals_have_at_most_38_digits_and_no_negative_scale() {
        check(DataType::Decimal32(9, 2), DataType::Decimal128(9, 2));
        check(DataType::Decimal256(38, 10), DataType::Decimal128(38, 10));
        check(DataType::Decimal128(5, -3), DataType::Decimal128(8, 0));
        assert!(normalise_type(&DataType::Decimal256(39, 0)).is_err());
        assert!(normalise_type(&DataType::Decimal128(38, -1)).is_err());
    }

    #[test]
    fn nested_types_are_normalised_inside() {
        check(
            DataType::LargeList(Arc::new(Field::new("element", DataType::Utf8, false))),
            list("item", DataType::Utf8View, false),
        );
        let from = Fields::from(vec![Field::new("A", DataType::Utf8, false)]);
        let to = Fields::from(vec![Field::new("A", DataType::Utf8View, false)]);
        check(DataType::Struct(from), DataType::Struct(to));
    }

    #[test]
    fn a_type_that_tables_cannot_have_is_named_with_its_place() {
        let inner = Fields::from(vec![Field::new("i", DataType::Interval(IntervalUnit::DayTime), true)]);
        let error = normalise_type(&list("item", DataType::Struct(inner), true)).unwrap_err();
        assert_eq!(error.path, "[].i");
        let error = normalise_type(&DataType::Null).unwrap_err();
        assert_eq!(error.to_string(), "type Null is not supported; cast the column to a type");
    }

    fn normalise_column(array: ArrayRef) -> ArrayRef {
        let schema = Schema::new(vec![Field::new("c", array.data_type().clone(), true)]);
        let target = normalise_schema(&schema).unwrap();
        let batch = RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap();
        let normalised = normalise_batch(&batch, &target).unwrap();
        assert_eq!(normalised.schema(), target);
        Arc::clone(normalised.column(0))
    }

    #[test]
    fn values_stay_the_same() {
        let texts = normalise_column(Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("")])));
        assert_eq!(texts.as_string_view().iter().collect::<Vec<_>>(), vec![Some("a"), None, Some("")]);

        let keys = Int32Array::from(vec![Some(1), None, Some(0)]);
        let words = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(StringArray::from(vec!["x", "y"]))).unwrap();
        let words = normalise_column(Arc::new(words));
        assert_eq!(words.as_string_view().iter().collect::<Vec<_>>(), vec![Some("y"), None, Some("x")]);

        let instants = TimestampSecondArray::from(vec![10]).with_timezone("+02:00");
        let instants = normalise_column(Arc::new(instants));
        assert_eq!(instants.as_primitive::<TimestampMillisecondType>().value(0), 10_000);

        let halves = normalise_column(Arc::new(Float16Array::new_null(1)));
        assert_eq!(halves.null_count(), 1);
    }

    #[test]
    fn a_batch_is_refused_at_the_first_value_that_does_not_fit() {
        let schema = Schema::new(vec![Field::new("c", DataType::Int32, true)]);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 300]));
        let batch = RecordBatch::try_new(Arc::new(schema), vec![numbers]).unwrap();
        let target: SchemaRef = Arc::new(Schema::new(vec![Field::new("c", DataType::Int8, true)]));
        let error = normalise_batch(&batch, &target).unwrap_err();
        match error {
            NormaliseError::Column { column, source } => {
                assert_eq!(column, "c");
                assert_eq!(source.to_string(), "row 1: `300` is not a valid tinyint");
            }
            other => unreachable!("{other:?}"),
        }
    }
}
