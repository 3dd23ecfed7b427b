//! JSON: one array per result, or one object per row.
//!
//! * arrays: `[{"id":1},{"id":2}]` and a line end; `[]` for no rows.
//! * lines: `{"id":1}` and a line end, row by row; nothing for no rows, and nothing between results.
//!
//! Keys stand in the order of the columns, and every object has them all: NULL is `null`. A name that two columns share
//! is made distinct. How values are spelled is in `tree`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::encoder::{CHUNK_BYTES, RowEncoder};
use super::error::{ExportError, ValueError};
use super::name::distinct_names;
use super::tree::{JsonColumn, key, write_object};
use super::value::BinaryStyle;

/// Writes JSON.
pub struct JsonRows {
    layout: Layout,
    binary: BinaryStyle,
    rows: Rows,
    /// The columns' names as they are, for messages.
    names: Vec<String>,
    /// `"name":` for every column.
    keys: Vec<Vec<u8>>,
}

enum Layout {
    Arrays,
    Lines,
}

/// Whether the result has rows so far: the next one of an array needs a comma before it.
enum Rows {
    None,
    Some,
}

impl JsonRows {
    /// One array per result.
    pub fn arrays() -> Self {
        Self::new(Layout::Arrays)
    }

    /// One object per row.
    pub fn lines() -> Self {
        Self::new(Layout::Lines)
    }

    /// The same with another spelling of binary, which is otherwise digits alone.
    pub fn with_binary(self, binary: BinaryStyle) -> Self {
        Self { binary, ..self }
    }

    fn new(layout: Layout) -> Self {
        Self { layout, binary: BinaryStyle::default(), rows: Rows::None, names: Vec::new(), keys: Vec::new() }
    }

    fn columns(&self, batch: &RecordBatch) -> Result<Vec<JsonColumn>, ValueError> {
        let mut columns: Vec<JsonColumn> = Vec::with_capacity(batch.num_columns());
        for (name, array) in self.names.iter().zip(batch.columns()) {
            let column = JsonColumn::try_new(array, self.binary)
                .map_err(|source| ValueError { column: name.clone(), source })?;
            columns.push(column);
        }
        Ok(columns)
    }
}

impl RowEncoder for JsonRows {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), ExportError> {
        self.names = schema.fields().iter().map(|field| field.name().clone()).collect();
        self.keys = distinct_names(schema).iter().map(|name| key(name)).collect();
        self.rows = Rows::None;
        match self.layout {
            Layout::Arrays => out.write_all(b"[").map_err(ExportError::Write),
            Layout::Lines => Ok(()),
        }
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), ExportError> {
        let columns = self.columns(batch)?;
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK_BYTES);
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            if matches!((&self.layout, &self.rows), (Layout::Arrays, Rows::Some)) {
                bytes.push(b',');
            }
            self.rows = Rows::Some;
            write_object(&self.keys, &columns, row, &mut bytes, &mut scratch);
            if matches!(self.layout, Layout::Lines) {
                bytes.push(b'\n');
            }
            if bytes.len() >= CHUNK_BYTES {
                out.write_all(&bytes).map_err(ExportError::Write)?;
                bytes.clear();
            }
        }
        out.write_all(&bytes).map_err(ExportError::Write)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), ExportError> {
        match self.layout {
            Layout::Arrays => out.write_all(b"]\n").map_err(ExportError::Write),
            Layout::Lines => Ok(()),
        }
    }
}
