//! Values for the parameters of a prepared statement: one row for each execution.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use frostline_sql::{Description, Parameters, ScalarValue};

use crate::gateway::GatewayError;

use super::plain::plain_type;

/// The parameters as columns, in their order; `None` if there are none. What the statement does not tell the type of is
/// announced as text, and takes any type.
pub(crate) fn parameter_schema(description: &Description) -> Option<Schema> {
    let field = |(name, data_type): &(String, Option<DataType>)| {
        Field::new(name, data_type.as_ref().map_or(DataType::Utf8, plain_type), true)
    };
    let fields: Vec<Field> = description.parameters.iter().map(field).collect();
    (!fields.is_empty()).then(|| Schema::new(fields))
}

/// The values in the rows of a batch. A named parameter takes the column of its name, or else the one in its place.
///
/// `room` is how many bytes they may have in memory, which is more than they have in a column: one of a dictionary's
/// values may stand for thousands.
///
/// # Errors
/// If there are more or fewer columns than parameters, a value of a type that no parameter has, or no room.
pub(crate) fn parameter_rows(
    description: &Description,
    batch: &RecordBatch,
    rows: &mut Vec<Parameters>,
    room: &mut usize,
) -> Result<(), GatewayError> {
    let (expected, found) = (columns_expected(description), batch.num_columns());
    if found != expected {
        let detail = format!("the statement takes {expected} values in a row, and {found} come");
        return Err(GatewayError::malformed("the parameters", detail));
    }
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        let mut positional = Vec::with_capacity(found);
        for column in batch.columns() {
            let value = ScalarValue::try_from_array(column, row);
            let value = plain_value(value.map_err(|error| GatewayError::malformed("the parameters", error))?);
            take_room(room, &value)?;
            positional.push(value);
        }
        let mut named = Vec::new();
        for (place, (name, _)) in description.parameters.iter().enumerate() {
            let bare = name.trim_start_matches('$');
            if bare.parse::<usize>().is_ok() {
                continue;
            }
            let by_name = schema.fields().iter().position(|field| field.name().trim_start_matches('$') == bare);
            if let Some(value) = positional.get(by_name.unwrap_or(place)) {
                take_room(room, value)?;
                named.push((bare.to_owned(), value.clone()));
            }
        }
        rows.push(Parameters { positional, named });
    }
    Ok(())
}

fn take_room(room: &mut usize, value: &ScalarValue) -> Result<(), GatewayError> {
    let left = room.checked_sub(value.size());
    *room = left.ok_or_else(|| {
        GatewayError::malformed("the parameters", "they take more memory than they may; ingest them instead")
    })?;
    Ok(())
}

/// How many columns the values of a statement take: up to the greatest number, or as many as there are names.
fn columns_expected(description: &Description) -> usize {
    let numbers = description.parameters.iter().map(|(name, _)| name.trim_start_matches('$').parse::<usize>().ok());
    let greatest: Option<Vec<usize>> = numbers.collect();
    greatest.map_or(description.parameters.len(), |numbers| numbers.into_iter().max().unwrap_or(0))
}

/// A value without the encoding that a client chose for its column.
fn plain_value(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Dictionary(_, value) => plain_value(*value),
        ScalarValue::LargeUtf8(text) => ScalarValue::Utf8(text),
        ScalarValue::LargeBinary(bytes) => ScalarValue::Binary(bytes),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, LargeStringArray};
    use frostline_sql::StatementKind;

    use super::*;

    fn description(names: &[(&str, Option<DataType>)]) -> Description {
        let parameters = names.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect();
        Description { kind: StatementKind::Rows, columns: None, parameters }
    }

    #[test]
    fn parameters_are_announced_with_their_types() {
        let schema = parameter_schema(&description(&[("$1", Some(DataType::Utf8View)), ("$2", None)])).unwrap();
        assert_eq!(schema.field(0), &Field::new("$1", DataType::Utf8, true));
        assert_eq!(schema.field(1), &Field::new("$2", DataType::Utf8, true));
        assert!(parameter_schema(&description(&[])).is_none());
    }

    #[test]
    fn each_row_is_one_set_of_values() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec!["a", "b"]));
        let batch = RecordBatch::try_from_iter([("0", numbers), ("label", texts)]).unwrap();
        let mut rows = Vec::new();
        parameter_rows(&description(&[("$1", None), ("$label", None)]), &batch, &mut rows, &mut 1000).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].positional[0], ScalarValue::Int64(Some(1)));
        assert_eq!(rows[0].named, [("label".to_owned(), ScalarValue::Utf8(Some("a".to_owned())))]);
        assert_eq!(rows[1].positional[0], ScalarValue::Int64(None));
        let three = description(&[("$1", None), ("$2", None), ("$3", None)]);
        let error = parameter_rows(&three, &batch, &mut rows, &mut 1000);
        assert!(error.is_err());
    }
}
