//! Whether two engines gave the same answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The rows of an answer as text, sorted: equal for equal answers, whatever the layout of the arrays and the order of
/// rows that tie. Doubles have 12 digits: the last ones hang on the order in which numbers are put together, and on
/// whether `100.00` of decimals is one.
pub(crate) fn sorted_rows(batches: &[RecordBatch]) -> Result<Vec<String>, ArrowError> {
    let options = FormatOptions::default().with_null("∅");
    let mut rows: Vec<String> = Vec::new();
    for batch in batches {
        let cells: Vec<ArrayRef> = batch.columns().iter().map(rounded).collect();
        let mut columns: Vec<ArrayFormatter<'_>> = Vec::with_capacity(cells.len());
        for column in &cells {
            columns.push(ArrayFormatter::try_new(column.as_ref(), &options)?);
        }
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).try_to_string());
            rows.push(cells.collect::<Result<Vec<String>, ArrowError>>()?.join("|"));
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

fn rounded(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(doubles) => {
            let texts: StringArray =
                doubles.iter().map(|double| double.map(|double| format!("{double:.11e}"))).collect();
            Arc::new(texts)
        }
        None => Arc::clone(column),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, StringArray, StringViewArray};

    use super::*;

    fn rows(column: ArrayRef) -> Vec<String> {
        sorted_rows(&[RecordBatch::try_from_iter([("a", column)]).unwrap()]).unwrap()
    }

    #[test]
    fn layout_and_order_do_not_count() {
        let plain = rows(Arc::new(StringArray::from(vec!["x", "y"])));
        assert_eq!(plain, rows(Arc::new(StringViewArray::from(vec!["y", "x"]))));
        assert_ne!(plain, rows(Arc::new(StringArray::from(vec!["x", "z"]))));
    }

    #[test]
    fn the_last_digits_of_doubles_do_not_count() {
        let one = rows(Arc::new(Float64Array::from(vec![16.380778626395543])));
        assert_eq!(one, rows(Arc::new(Float64Array::from(vec![16.38077862639554]))));
        assert_ne!(one, rows(Arc::new(Float64Array::from(vec![16.3807786]))));
    }
}
