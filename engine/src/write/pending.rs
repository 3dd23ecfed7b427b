//! Rows that wait until a row group is full.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Batches of rows, with their number and an estimate of their memory.
#[derive(Debug, Default)]
pub(crate) struct PendingRows {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl PendingRows {
    /// Adds rows at the end.
    pub(crate) fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        self.rows += batch.num_rows();
        self.bytes += batch.columns().iter().map(extent_bytes).sum::<usize>();
        self.batches.push(batch);
    }

    /// How many rows wait.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All rows; none are left.
    pub(crate) fn take(&mut self) -> Vec<RecordBatch> {
        std::mem::take(self).batches
    }
}

/// About how many bytes an array's own rows take, whatever else its buffers hold.
pub(crate) fn extent_bytes(array: &ArrayRef) -> usize {
    let rows = array.len();
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(extent_bytes).sum(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            4 * rows + extent_bytes(&between(list.values(), list.value_offsets()))
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let ends = map.value_offsets();
            4 * rows + extent_bytes(&between(map.keys(), ends)) + extent_bytes(&between(map.values(), ends))
        }
        data_type => rows * data_type.primitive_width().unwrap_or(1),
    }
}

/// The elements that a slice of a list refers to.
fn between(elements: &ArrayRef, offsets: &[i32]) -> ArrayRef {
    let end = |offset: Option<&i32>| offset.map_or(0, |offset| offset.unsigned_abs() as usize);
    let (begin, end) = (end(offsets.first()), end(offsets.last()));
    elements.slice(begin, end - begin)
}
