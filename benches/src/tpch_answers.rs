//! Whether two engines gave the same answer.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The rows of an answer as text, sorted: equal for equal answers, whatever the layout of the arrays and the order of
/// rows that tie.
pub(crate) fn sorted_rows(batches: &[RecordBatch]) -> Result<Vec<String>, ArrowError> {
    let options = FormatOptions::default().with_null("∅");
    let mut rows: Vec<String> = Vec::new();
    for batch in batches {
        let mut columns: Vec<ArrayFormatter<'_>> = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray, StringViewArray};

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
}
