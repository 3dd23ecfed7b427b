//! The value that rows have in a column that was added after they were written.
//!
//! The catalog keeps it as text that casts to the column's type, so that a record needs no encoding of values.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use thiserror::Error;

/// Why an initial value cannot be made.
#[derive(Debug, Error)]
pub(crate) enum LiteralError {
    /// The text does not cast to the column's type.
    #[error(
        "the initial value '{text}' of column `{column}` is no value of type {data_type}; \
         drop the column or add it anew"
    )]
    Cast {
        /// The column's name.
        column: String,
        /// The text in the catalog.
        text: String,
        /// The column's type.
        data_type: DataType,
        /// What the cast said.
        #[source]
        source: ArrowError,
    },
    /// There is no scalar of the column's type.
    #[error("column `{column}` has type {data_type}, which rows written before it cannot have; drop the column")]
    Type {
        /// The column's name.
        column: String,
        /// The column's type.
        data_type: DataType,
        /// What the engine said.
        #[source]
        source: DataFusionError,
    },
}

impl From<LiteralError> for DataFusionError {
    fn from(error: LiteralError) -> Self {
        Self::External(Box::new(error))
    }
}

/// The value of the type that the text stands for; null where there is no text.
pub(super) fn initial_value(
    column: &str,
    text: Option<&str>,
    data_type: &DataType,
) -> Result<ScalarValue, LiteralError> {
    let not_of_type = |source| LiteralError::Type { column: column.to_owned(), data_type: data_type.clone(), source };
    let Some(text) = text else {
        return ScalarValue::try_new_null(data_type).map_err(not_of_type);
    };
    let written: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    let value = cast_with_options(&written, data_type, &strict).map_err(|source| LiteralError::Cast {
        column: column.to_owned(),
        text: text.to_owned(),
        data_type: data_type.clone(),
        source,
    })?;
    ScalarValue::try_from_array(&value, 0).map_err(not_of_type)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;

    fn check(text: Option<&str>, data_type: DataType, expected: ScalarValue) {
        let value = initial_value("c", text, &data_type).unwrap();
        assert_eq!(value, expected);
        assert_eq!(value.data_type(), data_type);
    }

    #[test]
    fn text_becomes_a_value_of_the_columns_type() {
        check(Some("7"), DataType::Int32, ScalarValue::Int32(Some(7)));
        check(Some("true"), DataType::Boolean, ScalarValue::Boolean(Some(true)));
        check(Some("new"), DataType::Utf8View, ScalarValue::Utf8View(Some("new".to_owned())));
        check(Some("1.50"), DataType::Decimal128(10, 2), ScalarValue::Decimal128(Some(150), 10, 2));
        check(Some("1970-01-02"), DataType::Date32, ScalarValue::Date32(Some(1)));
        check(
            Some("1970-01-01T00:00:01Z"),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ScalarValue::TimestampMicrosecond(Some(1_000_000), Some("UTC".into())),
        );
    }

    #[test]
    fn no_text_is_null_of_the_columns_type() {
        check(None, DataType::Int64, ScalarValue::Int64(None));
        check(None, DataType::Utf8View, ScalarValue::Utf8View(None));
    }

    #[test]
    fn text_that_is_no_such_value_is_an_error_and_not_null() {
        let error = initial_value("price", Some("seven"), &DataType::Int32).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the initial value 'seven' of column `price` is no value of type Int32; drop the column or add it anew"
        );
    }
}
