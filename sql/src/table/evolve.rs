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
//! **Fields of nested columns** have ids, too. Where the file's stand in the same places under the same names, the
//! stock adapter's cast is right. Elsewhere it would take a field of the same name for the same field, so that
//! [`Reshaped`] puts the values together by id. Access to a field of a struct becomes access to the file's field of
//! that id: the Parquet scan must recognise it, since it has promised to apply filters on such fields when it was
//! planned.
//!
//! **Hot rows** are few and in memory: [`adapt_rows`] picks the arrays by field id, and nested fields likewise.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory, replace_columns_with_literals,
};
use frostline_catalog::FieldId;
use frostline_catalog::schema::field_id;

use super::columns::{ScanColumn, ScanColumns};
use crate::shape::{FieldPath, Shape, goes_by_name};

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
        let nested = self.nested(&physical);
        let inner = DefaultPhysicalExprAdapter::new(logical, Arc::new(Schema::new(shown)));
        Ok(Arc::new(FileAdapter { missing, nested, inner, physical }))
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

    /// The nested columns whose fields the file has otherwise, by their scan names.
    fn nested(&self, physical: &Schema) -> HashMap<String, NestedColumn> {
        let mut nested: HashMap<String, NestedColumn> = HashMap::new();
        for (index, field) in physical.fields().iter().enumerate() {
            let Some(column) = field_id(field).and_then(|id| self.columns.with_id(id)) else { continue };
            if column.data_type().is_nested() && !goes_by_name(field.data_type(), &column.stored) {
                let place = Column::new(field.name(), index);
                nested.insert(column.scan_name.clone(), NestedColumn::new(place, field, column));
            }
        }
        nested
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
    /// The columns whose values are put together by the ids of their fields.
    nested: HashMap<String, NestedColumn>,
    /// Knows the file's columns under the asked names.
    inner: DefaultPhysicalExprAdapter,
    /// The file's columns under their own names.
    physical: SchemaRef,
}

impl PhysicalExprAdapter for FileAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let filled = if self.missing.is_empty() { expr } else { replace_columns_with_literals(expr, &self.missing)? };
        let adapted = self.inner.rewrite(self.seal_nested(filled)?)?;
        adapted
            .transform_down(|node: Arc<dyn PhysicalExpr>| {
                if let Some(sealed) = node.downcast_ref::<Reshaped>() {
                    // What is inside has the file's own names already.
                    return Ok(Transformed::new(sealed.opened(), true, TreeNodeRecursion::Jump));
                }
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

impl FileAdapter {
    /// Puts the values of nested columns in their place, and hides them from whoever goes by names.
    fn seal_nested(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        if self.nested.is_empty() {
            return Ok(expr);
        }
        expr.transform_down(|node: Arc<dyn PhysicalExpr>| {
            if let Some(access) = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(node.as_ref())
                && let Some(field) = self.field_access(access)?
            {
                return Ok(Transformed::new(field, true, TreeNodeRecursion::Jump));
            }
            match node.downcast_ref::<Column>().and_then(|column| self.nested.get(column.name())) {
                Some(nested) => Ok(Transformed::new(nested.whole()?, true, TreeNodeRecursion::Jump)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }

    /// Access to a field of one of these columns by names, as access to the file's field; `None` for any other.
    fn field_access(&self, access: &ScalarFunctionExpr) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some((source, keys)) = access.args().split_first() else { return Ok(None) };
        let nested = source.downcast_ref::<Column>().and_then(|column| self.nested.get(column.name()));
        let Some(nested) = nested else { return Ok(None) };
        let (DataType::Struct(from), DataType::Struct(to)) = (nested.file.data_type(), &nested.stored) else {
            return Ok(None);
        };
        let mut names: Vec<&str> = Vec::with_capacity(keys.len());
        for key in keys {
            let literal = key.downcast_ref::<Literal>();
            let Some(name) = literal.and_then(|literal| literal.value().try_as_str().flatten()) else {
                return Ok(None);
            };
            names.push(name);
        }
        match FieldPath::of(&names, from, to)? {
            None => Ok(None),
            Some(FieldPath::Missing(asked)) => {
                let field = crate::shape::plain(&asked);
                let null = ScalarValue::try_new_null(field.data_type())?;
                let metadata = Some(FieldMetadata::from(field.as_ref()));
                Ok(Some(Arc::new(Literal::new_with_metadata(null, metadata))))
            }
            Some(FieldPath::Found { names, from, to }) => {
                let mut args: Vec<Arc<dyn PhysicalExpr>> = vec![Arc::new(nested.place.clone())];
                for name in names {
                    args.push(Arc::new(Literal::new(ScalarValue::Utf8(Some(name)))));
                }
                let options = Arc::new(access.config_options().clone());
                let function = Arc::new(access.fun().clone());
                let field: Arc<dyn PhysicalExpr> =
                    Arc::new(ScalarFunctionExpr::try_new(function, args, &self.physical, options)?);
                let shape = Shape::new(&from, to.data_type())?;
                let target = Arc::new(crate::shape::plain(&to).as_ref().clone().with_nullable(true));
                Ok(Some(Arc::new(Reshaped { input: field, shape: Arc::new(shape), target, is_sealed: true })))
            }
        }
    }
}

/// A nested column whose fields a file has under other names, in other places, or not at all.
#[derive(Clone, Debug)]
struct NestedColumn {
    /// The file's column.
    place: Column,
    /// The file's field.
    file: FieldRef,
    /// The asked type, with the ids of its fields.
    stored: DataType,
    /// The asked field.
    target: FieldRef,
}

impl NestedColumn {
    fn new(place: Column, file: &FieldRef, column: &ScanColumn) -> Self {
        Self { place, file: Arc::clone(file), stored: column.stored.clone(), target: Arc::clone(&column.field) }
    }

    /// All of the column's values, sealed.
    fn whole(&self) -> Result<Arc<dyn PhysicalExpr>> {
        let shape = Arc::new(Shape::new(self.file.data_type(), &self.stored)?);
        let input: Arc<dyn PhysicalExpr> = Arc::new(self.place.clone());
        Ok(Arc::new(Reshaped { input, shape, target: Arc::clone(&self.target), is_sealed: true }))
    }
}

/// The values of an expression over a file's columns, put together as the asked version has them.
///
/// While it is sealed, it has no children: the names within it are the file's, and mean nothing to those who know the
/// asked ones only.
#[derive(Clone, Debug)]
struct Reshaped {
    input: Arc<dyn PhysicalExpr>,
    shape: Arc<Shape>,
    target: FieldRef,
    is_sealed: bool,
}

impl Reshaped {
    fn opened(&self) -> Arc<dyn PhysicalExpr> {
        Arc::new(Self { is_sealed: false, ..self.clone() })
    }
}

impl PartialEq for Reshaped {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input)
            && self.shape == other.shape
            && self.target == other.target
            && self.is_sealed == other.is_sealed
    }
}

impl Eq for Reshaped {}

impl Hash for Reshaped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.shape.hash(state);
        self.target.hash(state);
        self.is_sealed.hash(state);
    }
}

impl fmt::Display for Reshaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reshaped({})", self.input)
    }
}

impl PhysicalExpr for Reshaped {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = self.input.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(self.shape.apply(&values)?))
    }

    fn return_field(&self, _input_schema: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.target))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        if self.is_sealed { Vec::new() } else { vec![&self.input] }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        if self.is_sealed && children.is_empty() {
            return Ok(self);
        }
        match <[Arc<dyn PhysicalExpr>; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self { input, ..Self::clone(&self) })),
            Err(children) => internal_err!("a reshaped column has one child, not {}", children.len()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.input.fmt_sql(f)
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
        let is_as_asked = array.data_type() == column.data_type();
        arrays.push(if is_as_asked { array } else { Shape::new(array.data_type(), &column.stored)?.apply(&array)? });
    }
    let schema: SchemaRef = Arc::new(columns.schema().project(projection)?);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, StringArray, StructArray};
    use arrow::datatypes::Fields;
    use datafusion::config::ConfigOptions;
    use datafusion::functions::core::get_field;
    use datafusion::physical_expr::expressions::{CastExpr, col};
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

    fn with_id(id: i32, name: &str, data_type: DataType) -> FieldRef {
        Arc::new(with_field_id(Field::new(name, data_type, true), FieldId::new(id)))
    }

    fn struct_of(fields: &[FieldRef]) -> DataType {
        DataType::Struct(fields.iter().map(Arc::clone).collect::<Fields>())
    }

    /// `s` was `{a: INTEGER, b: INTEGER}` in the segment.
    fn nested_segment() -> RecordBatch {
        let fields: Fields = [with_id(2, "a", DataType::Int32), with_id(3, "b", DataType::Int32)].into_iter().collect();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(Int32Array::from(vec![10, 20]))];
        let structs = StructArray::try_new(fields.clone(), columns, None).unwrap();
        let schema = Schema::new(vec![with_id(1, "s", DataType::Struct(fields))]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(structs)]).unwrap()
    }

    /// `b` is called `a` now and is wider, `a` is dropped, and another `b` came later.
    fn nested_asked() -> ScanColumns {
        let data_type = struct_of(&[with_id(3, "a", DataType::Int64), with_id(4, "b", DataType::Int32)]);
        columns(&[column(1, "s", data_type, None)])
    }

    fn evaluated(asked: ScanColumns, expr: Arc<dyn PhysicalExpr>) -> Vec<String> {
        let rows = nested_segment();
        let asked = Arc::new(asked);
        let factory = ByFieldId::new(Arc::clone(&asked));
        let adapter = factory.create(Arc::clone(asked.scan_schema()), rows.schema()).unwrap();
        let rewritten = adapter.rewrite(expr).unwrap();
        let values = rewritten.evaluate(&rows).unwrap().into_array(rows.num_rows()).unwrap();
        assert_eq!(values.data_type(), &rewritten.data_type(&rows.schema()).unwrap());
        (0..values.len()).map(|row| arrow::util::display::array_value_to_string(&values, row).unwrap()).collect()
    }

    fn access(asked: &ScanColumns, field: &str) -> Arc<dyn PhysicalExpr> {
        let source = col("s", asked.scan_schema()).unwrap();
        let key: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(ScalarValue::Utf8(Some(field.to_owned()))));
        let options = Arc::new(ConfigOptions::default());
        let schema = Arc::clone(asked.scan_schema());
        Arc::new(ScalarFunctionExpr::try_new(get_field(), vec![source, key], &schema, options).unwrap())
    }

    #[test]
    fn fields_of_a_frozen_struct_are_matched_by_field_id() {
        let asked = nested_asked();
        let whole = col("s", asked.scan_schema()).unwrap();
        assert_eq!(evaluated(asked, whole), ["{a: 10, b: }", "{a: 20, b: }"]);
    }

    #[test]
    fn access_to_a_field_is_access_to_the_files_field_of_its_id() {
        let asked = nested_asked();
        let (first, second) = (access(&asked, "a"), access(&asked, "b"));
        assert_eq!(evaluated(nested_asked(), first), ["10", "20"]);
        assert_eq!(evaluated(nested_asked(), second), ["", ""]);
    }

    #[test]
    fn access_to_a_field_stays_recognisable_to_the_scan() {
        let asked = Arc::new(nested_asked());
        let adapter = ByFieldId::new(Arc::clone(&asked))
            .create(Arc::clone(asked.scan_schema()), nested_segment().schema())
            .unwrap();
        let expr = adapter.rewrite(access(&asked, "a")).unwrap();
        let children = expr.children();
        let inner = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(children[0].as_ref()).unwrap();
        assert_eq!(inner.to_string(), "get_field(s@0, b)");
    }

    #[test]
    fn a_struct_whose_fields_only_widen_is_left_to_the_stock_cast() {
        let data_type = struct_of(&[with_id(2, "a", DataType::Int64), with_id(3, "b", DataType::Int32)]);
        let asked = Arc::new(columns(&[column(1, "s", data_type, None)]));
        let adapter = ByFieldId::new(Arc::clone(&asked))
            .create(Arc::clone(asked.scan_schema()), nested_segment().schema())
            .unwrap();
        let expr = adapter.rewrite(col("s", asked.scan_schema()).unwrap()).unwrap();
        assert!(expr.downcast_ref::<CastExpr>().is_some(), "{expr}");
    }

    #[test]
    fn fields_of_a_hot_struct_are_matched_by_field_id() {
        let adapted = adapt_rows(&nested_segment(), &nested_asked(), &[0]).unwrap();
        let values = adapted.column(0);
        let shown: Vec<String> =
            (0..2).map(|row| arrow::util::display::array_value_to_string(values, row).unwrap()).collect();
        assert_eq!(shown, ["{a: 10, b: }", "{a: 20, b: }"]);
    }

    #[test]
    fn a_hot_column_is_widened_and_nothing_becomes_null_on_the_way() {
        let schema = Schema::new(vec![with_id(1, "d", DataType::Date32)]);
        let dates: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![i32::MAX]));
        let rows = RecordBatch::try_new(Arc::new(schema), vec![dates]).unwrap();
        let to = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
        let asked = columns(&[column(1, "d", to, None)]);
        assert!(adapt_rows(&rows, &asked, &[0]).is_err(), "an instant that does not fit is an error");
    }
}
