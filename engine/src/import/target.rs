//! What a reader makes of its files: their columns, and which of them come out.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;

use super::column::TypeOrigin;

/// The columns that files must have, and those of them that are wanted.
///
/// * Names and numbers of columns are checked for all of them; values are read for the wanted ones only.
/// * Types are those of a table unless they are said to be inferred.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    schema: SchemaRef,
    wanted: Vec<usize>,
    projected: SchemaRef,
    origin: TypeOrigin,
}

impl Target {
    /// All columns of a schema.
    pub(crate) fn all(schema: SchemaRef) -> Self {
        let wanted: Vec<usize> = (0..schema.fields().len()).collect();
        Self { projected: Arc::clone(&schema), schema, wanted, origin: TypeOrigin::Declared }
    }

    /// Some columns of a schema, by their places in it.
    ///
    /// # Errors
    /// A place beyond the last column.
    pub(crate) fn some(schema: SchemaRef, wanted: Vec<usize>) -> Result<Self, ArrowError> {
        let projected: SchemaRef = Arc::new(schema.project(&wanted)?);
        Ok(Self { schema, wanted, projected, origin: TypeOrigin::Declared })
    }

    /// The same columns, whose types were inferred from the files.
    pub(crate) fn inferred(self) -> Self {
        Self { origin: TypeOrigin::Inferred, ..self }
    }

    /// Where the types come from.
    pub(crate) fn origin(&self) -> TypeOrigin {
        self.origin
    }

    /// The columns that files must have.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns that come out.
    pub(crate) fn projected(&self) -> &SchemaRef {
        &self.projected
    }

    /// The wanted columns, each with its place among all of them.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.wanted.iter().map(move |place| (*place, self.schema.field(*place)))
    }

    /// The wanted columns of so many rows.
    pub(crate) fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.projected), columns, &options)
    }
}
