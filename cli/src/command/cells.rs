//! Single values of a result, by the name of their column.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use frostline_engine::export::ValueError;

use crate::exit::Failure;
use crate::output::OutputError;

/// The value of a column in a row as text; `None` for NULL and for a column that is not there.
pub(crate) fn text(batch: &RecordBatch, column: &str, row: usize) -> Result<Option<String>, Failure> {
    let Some(array) = batch.column_by_name(column) else {
        return Ok(None);
    };
    if array.is_null(row) {
        return Ok(None);
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(|source| unreadable(column, source))?;
    Ok(Some(formatter.value(row).to_string()))
}

/// A column of counts or numbers of versions; `None` if it is not there.
pub(crate) fn numbers(batch: &RecordBatch, column: &str) -> Result<Option<UInt64Array>, Failure> {
    let Some(array) = batch.column_by_name(column) else {
        return Ok(None);
    };
    let wide: ArrayRef = cast(array, &DataType::UInt64).map_err(|source| unreadable(column, source))?;
    Ok(Some(wide.as_primitive::<UInt64Type>().clone()))
}

/// The failure of a column whose values cannot be read.
pub(crate) fn unreadable(column: &str, source: ArrowError) -> Failure {
    Failure::Output(OutputError::Value(ValueError { column: column.to_owned(), source }))
}
