//! Which values a column takes, and as what.
//!
//! | a value | for a column of | becomes |
//! |---|---|---|
//! | a number | an integer type | the same number; a fraction, or one out of range, is refused |
//! | a number | `DECIMAL`, `REAL`, `DOUBLE` | the nearest that the column holds; one too large is refused |
//! | text | any type but lists, structs and maps | what it spells, or it is refused |
//! | anything but lists, structs and maps | `VARCHAR` | its spelling |
//! | a date or timestamp | `DATE`, `TIMESTAMP` | the same in the column's unit; one out of range is refused |
//! | a list, struct or map | the same | the same of values that have become so; fields go by name |
//! | anything else | | is refused |
//!
//! Arrow's casts would cut fractions off, make numbers into dates and booleans, large doubles into infinities, and drop
//! the fields of structs that the column does not have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Fields, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::common::utils::take_function_args;
use datafusion::common::{DFSchema, DataFusionError, Result as PlanResult};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use frostline_engine::import::{ExactCastError, cast_exact, is_always_exact};

use crate::error::Error;
use crate::type_name::sql_type;

/// The zone in which instants are kept.
const UTC: &str = "UTC";

/// Makes values fit a column.
///
/// * Every value becomes one of the column's type, as the table above says, or there is an error that names the column.
/// * Times without a zone, for a column of instants, are those of the session's zone.
/// * It is a function of the planner too, so that a plan can make each of its values fit.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fit {
    function: String,
    column: String,
    data_type: DataType,
    zone: String,
    signature: Signature,
}

/// The kinds of types between which values do not pass, but to and from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Boolean,
    Number,
    Text,
    Binary,
    Moment,
    Time,
    Span,
    Nested,
}

impl Fit {
    /// For a column of this name and type.
    pub(crate) fn new(state: &SessionState, column: &str, data_type: DataType) -> Self {
        let zone = state.config_options().execution.time_zone.clone().unwrap_or_else(|| UTC.to_owned());
        Self {
            function: Self::function_name(column),
            column: column.to_owned(),
            data_type,
            zone,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    /// What the function is called that makes values fit a column of this name.
    pub(crate) fn function_name(column: &str) -> String {
        format!("value of column {column}")
    }

    /// An expression with the values of another, made to fit.
    ///
    /// # Errors
    /// If no value of the other's type can become one of the column's.
    pub(crate) fn expression(self, value: Expr, schema: &DFSchema) -> Result<Expr, Error> {
        let found = value.get_type(schema)?;
        self.check(&found, &self.data_type)?;
        if found == self.data_type {
            return Ok(value);
        }
        let function = Arc::new(ScalarUDF::from(self));
        Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value])))
    }

    /// Values, made to fit.
    ///
    /// # Errors
    /// The first value that does not.
    pub(crate) fn values(&self, values: &ArrayRef) -> Result<ArrayRef, Error> {
        self.convert(values, &self.data_type)
    }

    /// Refuses types between which no value passes.
    fn check(&self, from: &DataType, to: &DataType) -> Result<(), Error> {
        use DataType as T;
        match (from, to) {
            (T::Dictionary(_, values), _) => self.check(values, to),
            (T::RunEndEncoded(_, values), _) => self.check(values.data_type(), to),
            (T::Struct(found), T::Struct(wanted)) => {
                for field in found {
                    let Some((_, target)) = wanted.find(field.name()) else {
                        return Err(self.unknown_field(field.name(), wanted));
                    };
                    self.check(field.data_type(), target.data_type())?;
                }
                Ok(())
            }
            (T::Map(found, _), T::Map(wanted, _)) => match (found.data_type(), wanted.data_type()) {
                (T::Struct(found), T::Struct(wanted)) => {
                    for (field, target) in found.iter().zip(wanted) {
                        self.check(field.data_type(), target.data_type())?;
                    }
                    Ok(())
                }
                _ => Err(self.other_kind(from, to)),
            },
            _ => match (element(from), element(to)) {
                (Some(found), Some(wanted)) => self.check(found.data_type(), wanted.data_type()),
                (None, _) if *from == T::Null => Ok(()),
                (None, None) if is_kept(kind(from), kind(to)) && can_cast_types(from, to) => Ok(()),
                _ => Err(self.other_kind(from, to)),
            },
        }
    }

    fn convert(&self, values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
        use DataType as T;
        let from = values.data_type();
        if from == to {
            return Ok(Arc::clone(values));
        }
        match (from, to) {
            (T::Null, _) => Ok(new_null_array(to, values.len())),
            (T::Dictionary(_, plain), _) => self.convert(&self.cast(values, plain)?, to),
            (T::RunEndEncoded(_, plain), _) => self.convert(&self.cast(values, plain.data_type())?, to),
            (T::Struct(_), T::Struct(fields)) => self.convert_struct(values, fields),
            (T::Map(..), T::Map(entries, sorted)) => self.convert_map(values, entries, *sorted),
            _ => match (element(from), to) {
                (Some(found), T::List(wanted)) => {
                    let plain = self.cast(values, &T::List(Arc::clone(found)))?;
                    self.convert_list(plain.as_list::<i32>(), wanted)
                }
                _ => self.convert_plain(values, to),
            },
        }
    }

    /// A value that is not made of others.
    fn convert_plain(&self, values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
        let from = values.data_type();
        self.check(from, to)?;
        if kind(from) == Kind::Number && to.is_integer() && !is_always_exact(from, to) {
            return self.convert_whole(values, to);
        }
        if let DataType::Timestamp(unit, Some(_)) = to
            && self.zone != UTC
            && is_without_zone(from)
        {
            let in_zone = self.cast(values, &DataType::Timestamp(*unit, Some(self.zone.as_str().into())))?;
            return self.cast(&in_zone, to);
        }
        let fitting = self.cast(values, to)?;
        self.check_finite(values, &fitting)?;
        Ok(fitting)
    }

    /// Numbers as integers, if they are whole and in range.
    fn convert_whole(&self, values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
        // Minus zero is zero.
        let plain: ArrayRef = match values.data_type() {
            DataType::Float64 => {
                Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(|number| number + 0.0))
            }
            DataType::Float32 => {
                Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(|number| number + 0.0))
            }
            _ => Arc::clone(values),
        };
        cast_exact(&plain, to).map_err(|error| match error {
            ExactCastError::Value { value, .. } => self.misfit(&value, to),
            other => self.failed(&other.to_string()),
        })
    }

    /// Refuses a finite number that has become infinite.
    fn check_finite(&self, values: &ArrayRef, fitting: &ArrayRef) -> Result<(), Error> {
        let infinite: Vec<usize> = match fitting.data_type() {
            DataType::Float32 => infinite_rows(fitting.as_primitive::<Float32Type>().iter(), f32::is_infinite),
            DataType::Float64 => infinite_rows(fitting.as_primitive::<Float64Type>().iter(), f64::is_infinite),
            _ => Vec::new(),
        };
        for row in infinite {
            let text = array_value_to_string(values, row)?;
            let unsigned = text.trim().trim_start_matches(['+', '-']).to_ascii_lowercase();
            if !unsigned.starts_with("inf") {
                return Err(self.misfit(&text, fitting.data_type()));
            }
        }
        Ok(())
    }

    fn convert_list(&self, list: &ListArray, element: &FieldRef) -> Result<ArrayRef, Error> {
        let (values, offsets) = elements(list.values(), list.offsets());
        let values = self.convert(&values, element.data_type())?;
        let fitting = ListArray::try_new(Arc::clone(element), offsets, values, list.nulls().cloned());
        Ok(Arc::new(fitting.map_err(|error| self.refused(error))?))
    }

    /// Fields go by name. Those that are not there are NULL.
    fn convert_struct(&self, values: &ArrayRef, fields: &Fields) -> Result<ArrayRef, Error> {
        let found: &StructArray = values.as_struct();
        if let Some(unknown) = found.fields().iter().find(|field| fields.find(field.name()).is_none()) {
            return Err(self.unknown_field(unknown.name(), fields));
        }
        let mut members: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for field in fields {
            members.push(match found.column_by_name(field.name()) {
                Some(member) => self.convert(member, field.data_type())?,
                None => new_null_array(field.data_type(), found.len()),
            });
        }
        let fitting = StructArray::try_new(fields.clone(), members, found.nulls().cloned());
        Ok(Arc::new(fitting.map_err(|error| self.refused(error))?))
    }

    fn convert_map(&self, values: &ArrayRef, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, Error> {
        let found: &MapArray = values.as_map();
        let DataType::Struct(pair) = entries.data_type() else {
            return Err(self.other_kind(values.data_type(), &self.data_type));
        };
        let [key, value] = &pair[..] else {
            return Err(self.other_kind(values.data_type(), &self.data_type));
        };
        let (keys, offsets) = elements(found.keys(), found.offsets());
        let (members, _) = elements(found.values(), found.offsets());
        let columns: Vec<ArrayRef> =
            vec![self.convert(&keys, key.data_type())?, self.convert(&members, value.data_type())?];
        let pairs = StructArray::try_new(pair.clone(), columns, None).map_err(|error| self.refused(error))?;
        let fitting = MapArray::try_new(Arc::clone(entries), offsets, pairs, found.nulls().cloned(), sorted);
        Ok(Arc::new(fitting.map_err(|error| self.refused(error))?))
    }

    fn cast(&self, values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
        cast_with_options(values, to, &DEFAULT_CAST_OPTIONS).map_err(|error| self.refused(error))
    }

    fn misfit(&self, value: &str, to: &DataType) -> Error {
        let error = Error::statement(format!("column `{}`: {value} is no value of type {}", self.column, sql_type(to)));
        match to.is_integer() && value.contains('.') {
            true => error.with_hint("round(x), floor(x) and ceil(x) make a number whole"),
            false => error,
        }
    }

    fn other_kind(&self, from: &DataType, to: &DataType) -> Error {
        let (found, wanted) = (sql_type(from), sql_type(to));
        Error::statement(format!("column `{}`: a value of type {found} is none of type {wanted}", self.column))
            .with_hint("an expression makes one of it: a CAST, or a comparison as in `x <> 0`")
    }

    fn unknown_field(&self, name: &str, fields: &Fields) -> Error {
        let known: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
        Error::statement(format!(
            "column `{}`: its struct has no field `{name}`; there are {}",
            self.column,
            known.join(", ")
        ))
    }

    fn refused(&self, error: ArrowError) -> Error {
        self.failed(&Error::from(error).to_string())
    }

    fn failed(&self, why: &str) -> Error {
        Error::statement(format!("column `{}`: {why}", self.column))
    }
}

impl ScalarUDFImpl for Fit {
    fn name(&self) -> &str {
        &self.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, found: &[DataType]) -> PlanResult<DataType> {
        for data_type in found {
            self.check(data_type, &self.data_type).map_err(planned)?;
        }
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        match value {
            ColumnarValue::Array(values) => Ok(ColumnarValue::Array(self.values(&values).map_err(planned)?)),
            ColumnarValue::Scalar(value) => {
                let fitting = self.values(&value.to_array()?).map_err(planned)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&fitting, 0)?))
            }
        }
    }
}

fn planned(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Whether values of one kind may become values of another.
fn is_kept(from: Kind, to: Kind) -> bool {
    match (from, to) {
        (Kind::Nested, _) | (_, Kind::Nested) => false,
        (Kind::Nothing | Kind::Text, _) | (_, Kind::Text) => true,
        (from, to) => from == to,
    }
}

fn kind(data_type: &DataType) -> Kind {
    use DataType as T;
    match data_type {
        T::Null => Kind::Nothing,
        T::Boolean => Kind::Boolean,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => Kind::Text,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => Kind::Binary,
        T::Date32 | T::Date64 | T::Timestamp(..) => Kind::Moment,
        T::Time32(_) | T::Time64(_) => Kind::Time,
        T::Interval(_) | T::Duration(_) => Kind::Span,
        number if number.is_numeric() => Kind::Number,
        _ => Kind::Nested,
    }
}

/// The field of a list's elements.
fn element(data_type: &DataType) -> Option<&FieldRef> {
    use DataType as T;
    match data_type {
        T::List(field)
        | T::LargeList(field)
        | T::FixedSizeList(field, _)
        | T::ListView(field)
        | T::LargeListView(field) => Some(field),
        _ => None,
    }
}

fn is_without_zone(data_type: &DataType) -> bool {
    kind(data_type) == Kind::Text || matches!(data_type, DataType::Date32 | DataType::Timestamp(_, None))
}

/// The elements that lists hold, and where each begins: a list that was cut from a longer one still has all of its.
fn elements(values: &ArrayRef, offsets: &OffsetBuffer<i32>) -> (ArrayRef, OffsetBuffer<i32>) {
    let first = offsets.first().copied().unwrap_or_default() as usize;
    let end = offsets.last().copied().unwrap_or_default() as usize;
    (values.slice(first, end - first), OffsetBuffer::from_lengths(offsets.lengths()))
}

fn infinite_rows<N: Copy>(numbers: impl Iterator<Item = Option<N>>, is_infinite: impl Fn(N) -> bool) -> Vec<usize> {
    numbers.enumerate().filter(|(_, number)| number.is_some_and(&is_infinite)).map(|(row, _)| row).collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Field, Int64Type, TimeUnit};
    use datafusion::execution::SessionStateBuilder;

    use super::*;

    fn fit(data_type: DataType, zone: &str) -> Fit {
        let mut state = SessionStateBuilder::new().build();
        state.config_mut().options_mut().execution.time_zone = Some(zone.to_owned());
        Fit::new(&state, "c", data_type)
    }

    fn shown(fit: &Fit, values: &ArrayRef) -> String {
        match fit.values(values) {
            Ok(fitting) => {
                assert_eq!(fitting.data_type(), &fit.data_type);
                let values: Vec<String> =
                    (0..fitting.len()).map(|row| array_value_to_string(&fitting, row).unwrap()).collect();
                values.join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    fn check(values: impl Array + 'static, data_type: DataType, expected: &str) {
        let values: ArrayRef = Arc::new(values);
        assert_eq!(shown(&fit(data_type, UTC), &values), expected);
    }

    fn doubles(values: Vec<f64>) -> Float64Array {
        Float64Array::from(values)
    }

    #[test]
    fn integers_take_whole_numbers_in_range() {
        check(doubles(vec![1.0, -0.0, 1e3]), DataType::Int32, "1 0 1000");
        check(doubles(vec![1.0, 2.9]), DataType::Int32, "column `c`: 2.9 is no value of type INTEGER");
        check(doubles(vec![f64::NAN]), DataType::Int64, "column `c`: NaN is no value of type BIGINT");
        check(Int64Array::from(vec![127, 128]), DataType::Int8, "column `c`: 128 is no value of type TINYINT");
        let prices = Decimal128Array::from(vec![200, 250]).with_precision_and_scale(10, 2).unwrap();
        check(prices, DataType::Int64, "column `c`: 2.50 is no value of type BIGINT");
    }

    #[test]
    fn decimals_and_floats_take_the_nearest_number_and_none_that_is_too_large() {
        check(doubles(vec![0.125, 9.5]), DataType::Decimal128(8, 2), "0.13 9.50");
        check(Int64Array::from(vec![(1 << 53) + 1]), DataType::Float64, "9007199254740992.0");
        check(doubles(vec![0.1, f64::INFINITY]), DataType::Float32, "0.1 inf");
        check(doubles(vec![1e39]), DataType::Float32, "column `c`: 1e39 is no value of type REAL");
        check(StringArray::from(vec!["-Infinity", "inf"]), DataType::Float32, "-inf inf");
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        let refused = |from: &str, to: &str| format!("column `c`: a value of type {from} is none of type {to}");
        check(Int64Array::from(vec![19_000]), DataType::Date32, &refused("BIGINT", "DATE"));
        let moment = DataType::Timestamp(TimeUnit::Microsecond, None);
        check(Int64Array::from(vec![1]), moment.clone(), &refused("BIGINT", "TIMESTAMP"));
        check(Int64Array::from(vec![2]), DataType::Boolean, &refused("BIGINT", "BOOLEAN"));
        check(BooleanArray::from(vec![true]), DataType::Int64, &refused("BOOLEAN", "BIGINT"));
        check(Date32Array::from(vec![1]), DataType::Int64, &refused("DATE", "BIGINT"));
        check(Date32Array::from(vec![1]), moment, "1970-01-02T00:00:00");
        check(StringArray::from(vec!["2024-01-01"]), DataType::Date32, "2024-01-01");
        check(Int64Array::from(vec![7]), DataType::Utf8View, "7");
    }

    #[test]
    fn times_without_a_zone_are_instants_of_the_sessions() {
        let instants = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
        let zurich = fit(instants, "Europe/Zurich");
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["2024-06-01 10:00:00", "2024-06-01T10:00:00Z"]));
        assert_eq!(shown(&zurich, &texts), "2024-06-01T08:00:00Z 2024-06-01T10:00:00Z");
        let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]));
        assert_eq!(shown(&zurich, &moments), "1969-12-31T23:00:00Z");
        let instants: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("+02:00"));
        assert_eq!(shown(&zurich, &instants), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn fields_of_structs_go_by_name_and_none_is_dropped() {
        let field = |name: &str| Arc::new(Field::new(name, DataType::Int64, true));
        let target = DataType::Struct(Fields::from(vec![field("a"), field("b")]));
        let one = |name: &str| StructArray::from(vec![(field(name), Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
        check(one("b"), target.clone(), "{a: , b: 1}");
        check(one("zzz"), target, "column `c`: its struct has no field `zzz`; there are `a`, `b`");
    }

    #[test]
    fn elements_of_lists_fit_and_hidden_ones_do_not_count() {
        let whole = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(i64::MAX)]),
            Some(vec![Some(1), None]),
            None,
        ]);
        check(lists.slice(1, 2), whole.clone(), "[1, ] ");
        check(lists, whole.clone(), "column `c`: 9223372036854775807 is no value of type INTEGER");
        check(Int64Array::from(vec![1]), whole, "column `c`: a value of type BIGINT is none of type INTEGER[]");
    }
}
