//! Whether two values differ that no operator compares: maps, and whatever holds maps.

use std::sync::Arc;

use arrow::row::{RowConverter, SortField};
use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Whether values of a type hold maps.
pub(super) fn has_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(element) => has_map(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

/// Whether two values of one type differ. NULL is a value like others; maps with other orders of their keys differ.
pub(super) fn differ(one: Expr, other: Expr) -> Expr {
    let signature = Signature::any(2, Volatility::Immutable);
    ScalarUDF::from(Differ { signature }).call(vec![one, other])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Differ {
    signature: Signature,
}

impl ScalarUDFImpl for Differ {
    fn name(&self) -> &str {
        "values_differ"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::Boolean, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [one, other] = take_function_args(self.name(), args.args)?;
        let (one, other): (ArrayRef, ArrayRef) = (one.into_array(rows)?, other.into_array(rows)?);
        let converter = RowConverter::new(vec![SortField::new(one.data_type().clone())])?;
        let (one, other) = (converter.convert_columns(&[one])?, converter.convert_columns(&[other])?);
        let differ: BooleanArray = one.iter().zip(other.iter()).map(|(one, other)| Some(one != other)).collect();
        Ok(ColumnarValue::Array(Arc::new(differ)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, Int64Builder, MapBuilder, StringBuilder};
    use datafusion::common::config::ConfigOptions;

    use super::*;

    /// A map of each of these values, or NULL.
    fn maps(values: &[Option<i64>]) -> ArrayRef {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for value in values {
            if let Some(value) = value {
                builder.keys().append_value("a");
                builder.values().append_value(*value);
            }
            builder.append(value.is_some()).unwrap();
        }
        Arc::new(builder.finish())
    }

    #[test]
    fn maps_are_compared_by_what_they_hold() {
        let (one, other) = (maps(&[Some(1), Some(1), None, None]), maps(&[Some(1), Some(2), Some(1), None]));
        assert!(has_map(one.data_type()) && !has_map(&DataType::Int64));
        let field = Arc::new(Field::new("m", one.data_type().clone(), true));
        let given = Differ { signature: Signature::any(2, Volatility::Immutable) }
            .invoke_with_args(ScalarFunctionArgs {
                args: vec![ColumnarValue::Array(one), ColumnarValue::Array(other)],
                arg_fields: vec![Arc::clone(&field), field],
                number_rows: 4,
                return_field: Arc::new(Field::new("values_differ", DataType::Boolean, false)),
                config_options: Arc::new(ConfigOptions::default()),
            })
            .unwrap();
        let given = given.into_array(4).unwrap();
        assert_eq!(given.as_boolean(), &BooleanArray::from(vec![false, true, true, false]));
    }
}
