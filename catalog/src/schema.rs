//! What a table looks like: its columns, their types and field ids.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use thiserror::Error;

use crate::id::{FieldId, ObjectId};
use crate::name::Name;

/// The key under which Arrow and Parquet keep a field id in a field's metadata.
pub const FIELD_ID_KEY: &str = "PARQUET:field_id";

/// The zone of every timestamp that is an instant.
pub const UTC: &str = "UTC";

/// The field id of the column in which rows carry their own ids, as in the row lineage of Iceberg v3. The column is an
/// Int64 without NULLs, and stands only in segments whose rows were written for rows that existed before.
pub const ROW_ID_FIELD: FieldId = FieldId::new(2_147_483_540);

/// The name of that column. No other column gets it, in whatever case.
pub const ROW_ID_NAME: &str = "_row_id";

/// The greatest precision of a decimal.
pub const DECIMAL_PRECISION_MAX: u8 = 38;

/// How many lists, structs and maps may stand one inside another in a column. Each takes two of the 100 levels to which
/// protobuf messages are read.
pub const NESTING_MAX: usize = 32;

/// A type that a lake cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("type {data_type} cannot be stored; {instead}")]
pub struct UnsupportedType {
    /// Arrow's name of the type, or what is wrong with it.
    pub data_type: String,
    /// What to use instead.
    pub instead: &'static str,
}

/// A column of a table.
///
/// * `id` is the column's identity in files, hot rows and views; names may change.
/// * `data_type` is one of the canonical types that [`check_type`] accepts; nested fields carry field ids of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The field id.
    pub id: FieldId,
    /// The name at this version.
    pub name: Name,
    /// The type.
    pub data_type: DataType,
    /// Whether a row may lack a value.
    pub nullable: bool,
    /// The expression that fills the column where INSERT names no value, as SQL text.
    pub default: Option<String>,
    /// The value, as text that casts to the type, of rows written before the column was added.
    pub initial: Option<String>,
    /// A remark for people.
    pub comment: Option<String>,
}

impl Column {
    /// The column as an Arrow field that carries its field id.
    pub fn to_field(&self) -> FieldRef {
        Arc::new(with_field_id(Field::new(self.name.as_str(), self.data_type.clone(), self.nullable), self.id))
    }
}

/// A column by which a table's frozen rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The column.
    pub field: FieldId,
    /// Whether the greatest value comes first.
    pub descending: bool,
    /// Whether rows without a value come first.
    pub nulls_first: bool,
}

/// What rows of a table must fulfil, apart from what their columns say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// An expression that is not false for any row.
    Check {
        /// Its name.
        name: Name,
        /// The expression, as SQL text.
        expression: String,
    },
    /// Columns of which no two rows have the same values. Nothing tests that: the user says so.
    Key {
        /// Its name.
        name: Name,
        /// The columns, in their order.
        columns: Vec<FieldId>,
        /// Whether it is the primary key.
        primary: bool,
    },
}

impl Constraint {
    /// Its name.
    pub fn name(&self) -> &Name {
        match self {
            Self::Check { name, .. } | Self::Key { name, .. } => name,
        }
    }
}

/// What a table is, apart from its columns and rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The schema it stands in.
    pub schema: ObjectId,
    /// Its name.
    pub name: Name,
    /// A remark for people.
    pub comment: Option<String>,
    /// How frozen rows are sorted.
    pub sort_by: Vec<SortKey>,
    /// Options given `WITH (…)`, in the order given.
    pub options: Vec<(String, String)>,
    /// The field id that the next new column gets.
    pub next_field: FieldId,
    /// What its rows must fulfil, in the order in which it was said.
    pub constraints: Vec<Constraint>,
}

/// A query under a name. Its text is kept and planned anew by each statement, on the tables of that version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The schema it stands in.
    pub schema: ObjectId,
    /// Its name.
    pub name: Name,
    /// The names of its columns, where given.
    pub columns: Vec<Name>,
    /// The query's text.
    pub query: String,
    /// A remark for people.
    pub comment: Option<String>,
}

/// The Arrow schema of some columns, in their order, each field with its id.
pub fn arrow_schema<'a>(columns: impl IntoIterator<Item = &'a Column>) -> SchemaRef {
    Arc::new(Schema::new(columns.into_iter().map(Column::to_field).collect::<Vec<_>>()))
}

/// The field with `id` written into its metadata.
pub fn with_field_id(field: Field, id: FieldId) -> Field {
    let mut metadata: HashMap<String, String> = field.metadata().clone();
    metadata.insert(FIELD_ID_KEY.to_owned(), id.to_string());
    field.with_metadata(metadata)
}

/// The field id that a field carries.
pub fn field_id(field: &Field) -> Option<FieldId> {
    field.metadata().get(FIELD_ID_KEY)?.parse().ok().map(FieldId::new)
}

/// Gives the nested fields of a type ids from `next` on, and leaves `next` after the last.
///
/// Fields of a struct, the element of a list and the key and value of a map get one each, outer before inner.
pub fn number_nested_fields(data_type: &DataType, next: &mut FieldId) -> DataType {
    let mut number = |field: &FieldRef| -> FieldRef {
        let id = *next;
        *next = next.next();
        let inner = number_nested_fields(field.data_type(), next);
        let plain = Field::new(field.name(), inner, field.is_nullable());
        Arc::new(with_field_id(plain, id))
    };
    match data_type {
        DataType::List(element) => DataType::List(number(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(&mut number).collect::<Fields>()),
        DataType::Map(entries, sorted) => {
            let DataType::Struct(fields) = entries.data_type() else { return data_type.clone() };
            let fields = fields.iter().map(&mut number).collect::<Fields>();
            let entries = Field::new(entries.name(), DataType::Struct(fields), false);
            DataType::Map(Arc::new(entries), *sorted)
        }
        plain => plain.clone(),
    }
}

/// Whether a lake holds values of this type as it is.
///
/// The canonical types: booleans, integers of 8 to 64 bits with and without sign, 32 and 64 bit floats, decimals of up
/// to 38 digits, string and binary views, dates by day, times in micro- or nanoseconds, timestamps in milli-, micro- or
/// nanoseconds without a zone or in UTC, and lists, structs and maps of these, at most [`NESTING_MAX`] one inside
/// another.
pub fn check_type(data_type: &DataType) -> Result<(), UnsupportedType> {
    check_nested(data_type, NESTING_MAX)
}

/// Checks a type that may nest `levels` more types.
fn check_nested(data_type: &DataType, levels: usize) -> Result<(), UnsupportedType> {
    use DataType as T;
    if levels == 0 && matches!(data_type, T::List(_) | T::Struct(_) | T::Map(..)) {
        let data_type = format!("of more than {NESTING_MAX} nested levels");
        return Err(UnsupportedType { data_type, instead: "use fewer levels, or keep the value as JSON text" });
    }
    let inner = |field: &FieldRef| check_nested(field.data_type(), levels.saturating_sub(1));
    let refuse = |instead| Err(UnsupportedType { data_type: data_type.to_string(), instead });
    match data_type {
        T::Boolean
        | T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64
        | T::Float32
        | T::Float64
        | T::Utf8View
        | T::BinaryView
        | T::Date32
        | T::Time64(_) => Ok(()),
        T::Decimal128(precision, scale) if *precision <= DECIMAL_PRECISION_MAX && *scale >= 0 => Ok(()),
        T::Decimal128(..) | T::Decimal256(..) => refuse("use a decimal of at most 38 digits and no negative scale"),
        T::Timestamp(TimeUnit::Second, _) => refuse("use a timestamp in milli-, micro- or nanoseconds"),
        T::Timestamp(_, None) => Ok(()),
        T::Timestamp(_, Some(zone)) if zone.as_ref() == UTC => Ok(()),
        T::Timestamp(..) => refuse("use a timestamp in UTC: the instant stays the same"),
        T::List(element) => inner(element),
        T::Struct(fields) if fields.is_empty() => refuse("give the struct at least one field"),
        T::Struct(fields) => fields.iter().try_for_each(inner),
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(fields) => fields.iter().try_for_each(inner),
            _ => refuse("a map has entries of a key and a value"),
        },
        T::Null => refuse("give the column a type, for example CAST(NULL AS VARCHAR)"),
        T::Interval(_) | T::Duration(_) => refuse("store a number of seconds, or two timestamps"),
        T::Union(..) => refuse("use one column for each kind of value"),
        _ => refuse("cast it to one of the types in docs/types.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_are_numbered_outer_before_inner() {
        let inner = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
        let outer = DataType::Struct(Fields::from(vec![
            Field::new("a", inner, true),
            Field::new("b", DataType::Utf8View, true),
        ]));
        let mut next = FieldId::new(7);
        let DataType::Struct(fields) = number_nested_fields(&outer, &mut next) else { unreachable!() };
        assert_eq!(field_id(&fields[0]), Some(FieldId::new(7)));
        let DataType::List(element) = fields[0].data_type() else { unreachable!() };
        assert_eq!(field_id(element), Some(FieldId::new(8)));
        assert_eq!(field_id(&fields[1]), Some(FieldId::new(9)));
        assert_eq!(next, FieldId::new(10));
    }

    #[test]
    fn a_type_that_cannot_be_stored_says_what_to_use() {
        let error = check_type(&DataType::Null).unwrap_err();
        assert_eq!(
            error.to_string(),
            "type Null cannot be stored; give the column a type, for example CAST(NULL AS VARCHAR)"
        );
    }

    #[test]
    fn types_nest_up_to_a_depth_that_a_record_can_be_read_with() {
        let deeper = |inner: DataType| DataType::List(Arc::new(Field::new("item", inner, true)));
        let deepest = (0..NESTING_MAX).fold(DataType::Int64, |inner, _| deeper(inner));
        assert_eq!(check_type(&deepest), Ok(()));
        let error = check_type(&deeper(deepest)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "type of more than 32 nested levels cannot be stored; use fewer levels, or keep the value as JSON text"
        );
    }
}
