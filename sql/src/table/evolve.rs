//! Rows of older segments as the asked version's columns: by field id, never by name.
//!
//! Segments keep the columns that their table had when they were written. Between then and the asked version columns
//! may have been added, dropped and renamed, and a name may have passed from one column to another.
//!
//! ```text
//!   segment (Parquet)          asked version        what a scan evaluates for `SELECT cost, tax`
//!   1 price  Int64             1 cost  Int64        cost  → price@0
//!   2 note   Utf8View          3 tax   Int64 = 5    tax   → 5
//! ```
//!
//! **Frozen rows.** DataFusion rewrites each file's projection and filters with a [`PhysicalExprAdapter`] before it
//! reads the file; [`ByFieldId`] makes ours. It shows the stock adapter the file's schema under the asked names, so
//! that casts and access to fields of structs are its affair, and puts the file's own names back into the result. Three
//! things keep this free of cost and of mistakes:
//!
//! * A file column whose type is the asked one is shown as exactly the asked field. Otherwise the field id in the
//!   file's metadata alone would wrap every column in a cast, which also hides it from pruning by row group and page.
//! * Parquet decodes straight into views where DataFusion's opener sees that a column of that name is asked for as a
//!   view. A renamed column of strings is read plain and cast, which makes views and moves no text.
//!   `PartitionedFile::with_arrow_schema` would spare that cast, but wants the exact columns of each file at planning
//!   time, which only its footer knows.
//! * That step of the opener goes by name before any adapter is asked, and would read bytes as text where a name
//!   passed from one column to another. Hence the scan names of [`ScanColumns`]: none is another column's name.
//!
//! **Hot rows** are few and in memory: [`adapt_rows`] picks the arrays by field id.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory, replace_columns_with_literals,
};
use frostline_catalog::FieldId;
use frostline_catalog::schema::field_id;

use super::columns::ScanColumns;

/// Makes for each file what maps its columns to the asked version's.
#[derive(Clone, Debug)]
pub(super) struct ByFieldId {
    columns: Arc<ScanColumns>,
}

impl ByFieldId {
    /// For a version with these columns.
    pub(super) fn new(columns: Arc<ScanColumns>) -> Self {
        Self { columns }
    }
}

impl PhysicalExprAdapterFactory for ByFieldId {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let mut shown: Vec<FieldRef> = Vec::with_capacity(physical.fields().len());
        for (index, field) in physical.fields().iter().enumerate() {
            shown.push(self.show(index, field, &logical)?);
        }
        let missing: HashMap<String, ScalarValue> = self
            .columns
            .iter()
            .filter(|column| !column.initial.is_null())
            .filter(|column| !shown.iter().any(|field| *field.name() == column.scan_name))
            .map(|column| (column.scan_name.clone(), column.initial.clone()))
            .collect();
        let inner = DefaultPhysicalExprAdapter::new(logical, Arc::new(Schema::new(shown)));
        Ok(Arc::new(FileAdapter { missing, inner, physical }))
    }
}

impl ByFieldId {
    /// A file's field under the name that the scan has for its id.
    fn show(&self, index: usize, field: &FieldRef, logical: &Schema) -> Result<FieldRef> {
        let Some(id) = field_id(field) else {
            if self.columns.with_scan_name(field.name()).is_some() {
                return exec_err!("column `{}` of a segment has no field id; the segment is damaged", field.name());
            }
            return Ok(Arc::clone(field));
        };
        let Some(column) = self.columns.with_id(id) else {
            return Ok(Arc::new(field.as_ref().clone().with_name(unreachable_name(index))));
        };
        match logical.field_with_name(&column.scan_name) {
            Ok(asked) if asked.data_type() == field.data_type() => Ok(Arc::new(asked.clone())),
            _ => Ok(Arc::new(Field::new(column.scan_name.as_str(), field.data_type().clone(), field.is_nullable()))),
        }
    }
}

/// What a column is called that the asked version does not have. No column's name holds a control character.
fn unreachable_name(index: usize) -> String {
    format!("\0{index}")
}

/// Rewrites expressions over the asked columns into expressions over one file's.
#[derive(Debug)]
struct FileAdapter {
    /// The values of columns that the file lacks, where they are not null.
    missing: HashMap<String, ScalarValue>,
    /// Knows the file's columns under the asked names.
    inner: DefaultPhysicalExprAdapter,
    /// The file's columns under their own names.
    physical: SchemaRef,
}

impl PhysicalExprAdapter for FileAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let filled = if self.missing.is_empty() { expr } else { replace_columns_with_literals(expr, &self.missing)? };
        let adapted = self.inner.rewrite(filled)?;
        adapted
            .transform_down(|node: Arc<dyn PhysicalExpr>| {
                let renamed: Option<Column> = node.downcast_ref::<Column>().and_then(|column| {
                    let field = self.physical.fields().get(column.index())?;
                    (field.name() != column.name()).then(|| Column::new(field.name(), column.index()))
                });
                Ok(match renamed {
                    Some(column) => Transformed::yes(Arc::new(column) as Arc<dyn PhysicalExpr>),
                    None => Transformed::no(node),
                })
            })
            .data()
    }
}

/// Hot rows as some of the asked version's columns, in the order of `projection`.
pub(super) fn adapt_rows(rows: &RecordBatch, columns: &ScanColumns, projection: &[usize]) -> Result<RecordBatch> {
    let ids: HashMap<FieldId, usize> = rows
        .schema_ref()
        .fields()
        .iter()
        .enumerate()
        .filter_map(|(index, field)| Some((field_id(field)?, index)))
        .collect();
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(projection.len());
    for index in projection {
        let Some(column) = columns.get(*index) else {
            return exec_err!("a scan asks for column {index} of {}", columns.len());
        };
        let array: ArrayRef = match ids.get(&column.id) {
            Some(place) => Arc::clone(rows.column(*place)),
            None => column.initial.to_array_of_size(rows.num_rows())?,
        };
        arrays.push(if array.data_type() == column.data_type() { array } else { cast(&array, column.data_type())? });
    }
    let schema: SchemaRef = Arc::new(columns.schema().project(projection)?);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::DataType;
    use datafusion::physical_expr::expressions::{Literal, col};
    use frostline_catalog::schema::{Column as CatalogColumn, with_field_id};

    use super::super::columns::tests::{column, columns};
    use super::*;

    fn segment_schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            with_field_id(Field::new("price", DataType::Int64, true), FieldId::new(1)),
            with_field_id(Field::new("note", DataType::Utf8, true), FieldId::new(2)),
            with_field_id(Field::new("gone", DataType::Int64, true), FieldId::new(4)),
        ]))
    }

    /// `price` is called `cost` now, `gone` is dropped, and `tax` and `gone` came later.
    fn asked() -> ScanColumns {
        columns(&[
            column(2, "note", DataType::Utf8View, None),
            column(1, "cost", DataType::Int64, None),
            column(3, "tax", DataType::Int64, Some("5")),
            column(5, "later", DataType::Int64, None),
        ])
    }

    fn rewritten(name: &str) -> Arc<dyn PhysicalExpr> {
        let asked = Arc::new(asked());
        let adapter =
            ByFieldId::new(Arc::clone(&asked)).create(Arc::clone(asked.scan_schema()), segment_schema()).unwrap();
        adapter.rewrite(col(name, asked.scan_schema()).unwrap()).unwrap()
    }

    #[test]
    fn a_renamed_column_is_the_files_column_without_a_cast() {
        let expr = rewritten("cost");
        let column = expr.downcast_ref::<Column>().unwrap();
        assert_eq!((column.name(), column.index()), ("price", 0));
    }

    #[test]
    fn a_column_of_another_type_is_cast_from_the_files_own_name() {
        assert!(rewritten("note").to_string().contains("note@1"));
    }

    #[test]
    fn a_column_that_the_file_lacks_has_its_initial_value_or_null() {
        let value = |name: &str| rewritten(name).downcast_ref::<Literal>().unwrap().value().clone();
        assert_eq!(value("tax"), ScalarValue::Int64(Some(5)));
        assert_eq!(value("later"), ScalarValue::Int64(None));
    }

    #[test]
    fn a_dropped_columns_name_is_free_for_another() {
        let asked = Arc::new(columns(&[column(9, "gone", DataType::Int64, Some("1"))]));
        let adapter =
            ByFieldId::new(Arc::clone(&asked)).create(Arc::clone(asked.scan_schema()), segment_schema()).unwrap();
        let expr = adapter.rewrite(col("gone", asked.scan_schema()).unwrap()).unwrap();
        assert_eq!(expr.downcast_ref::<Literal>().unwrap().value(), &ScalarValue::Int64(Some(1)));
    }

    #[test]
    fn a_file_column_without_a_field_id_is_refused_and_not_guessed() {
        let asked = Arc::new(columns(&[column(1, "a", DataType::Int64, None)]));
        let physical = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        let error = ByFieldId::new(Arc::clone(&asked)).create(Arc::clone(asked.scan_schema()), physical).unwrap_err();
        assert!(error.to_string().contains("column `a` of a segment has no field id"), "{error}");
    }

    #[test]
    fn hot_rows_are_matched_by_field_id() {
        let rows = RecordBatch::try_new(
            segment_schema(),
            vec![
                Arc::new(Int64Array::from(vec![10, 20])),
                Arc::new(StringArray::from(vec![Some("x"), None])),
                Arc::new(Int64Array::from(vec![0, 0])),
            ],
        )
        .unwrap();
        let adapted = adapt_rows(&rows, &asked(), &[2, 1, 0]).unwrap();
        let expected = "\
+-----+------+------+
| tax | cost | note |
+-----+------+------+
| 5   | 10   | x    |
| 5   | 20   |      |
+-----+------+------+";
        let printed = arrow::util::pretty::pretty_format_batches(&[adapted]).unwrap().to_string();
        assert_eq!(printed, expected);
    }

    #[test]
    fn a_scan_without_columns_keeps_the_number_of_rows() {
        let catalog: Vec<CatalogColumn> = vec![column(1, "price", DataType::Int64, None)];
        let rows = RecordBatch::new_empty(segment_schema());
        let adapted = adapt_rows(&rows, &columns(&catalog), &[]).unwrap();
        assert_eq!((adapted.num_rows(), adapted.num_columns()), (0, 0));
    }
}
