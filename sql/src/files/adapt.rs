//! A Parquet file's columns as the relation's: by name, with the types that tables have.
//!
//! ```text
//!   file                        relation            what a scan evaluates for `SELECT id, at, name`
//!   0 Id    Int64               0 id    Int64       id    → Id@0
//!   1 Name  Utf8                1 name  Utf8View    name  → CAST(Name@1 AS Utf8View)
//!   2 at    Timestamp(s)        2 at    Timestamp(ms)  at → EXACT(at@2 AS Timestamp(ms))
//! ```
//!
//! * A column of the same type is the file's column itself, so that filters prune by its bounds. Floats have none, and
//!   NaN in them is made one value.
//! * Text and binary are cast by DataFusion's own expression, which filters see through.
//! * Anything else goes through the cast that imports use, which changes no value.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use frostline_engine::import::{cast_exact, is_always_exact, relation_names};
use frostline_engine::{holds_floats, with_one_nan};

/// For every column of a relation, which column of a file it is. `None` if the file lacks one.
fn places(relation: &Schema, file: &Schema, keep_case: bool) -> Option<Vec<usize>> {
    let spelled: Vec<&str> = file.fields().iter().map(|field| field.name().as_str()).collect();
    let names = relation_names(&spelled, keep_case);
    relation.fields().iter().map(|field| names.iter().position(|name| name == field.name())).collect()
}

/// Whether every value of a file has its counterpart in the relation, so that none needs to be looked at.
pub(super) fn is_adaptable(relation: &Schema, file: &Schema, keep_case: bool) -> bool {
    let Some(places) = places(relation, file, keep_case) else { return false };
    let mut types = relation.fields().iter().zip(places);
    types.all(|(field, place)| is_always_exact(file.field(place).data_type(), field.data_type()))
}

/// Makes for each file what maps its columns to the relation's.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByName {
    keep_case: bool,
}

impl ByName {
    /// For files whose names are folded, or kept.
    pub(super) fn new(keep_case: bool) -> Self {
        Self { keep_case }
    }
}

impl PhysicalExprAdapterFactory for ByName {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let Some(places) = places(&logical, &physical, self.keep_case) else {
            return exec_err!("a file lacks a column that it had when its columns were looked at");
        };
        let mut columns: HashMap<String, Arc<dyn PhysicalExpr>> = HashMap::with_capacity(places.len());
        for (field, place) in logical.fields().iter().zip(places) {
            columns.insert(field.name().clone(), adapt_column(physical.field(place), place, field.data_type()));
        }
        Ok(Arc::new(FileAdapter { columns }))
    }
}

fn adapt_column(found: &Field, place: usize, wanted: &DataType) -> Arc<dyn PhysicalExpr> {
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), place));
    match (found.data_type(), wanted) {
        (found, wanted) if found == wanted && !holds_floats(wanted) => column,
        (DataType::Utf8 | DataType::LargeUtf8, DataType::Utf8View)
        | (DataType::Binary | DataType::LargeBinary, DataType::BinaryView) => {
            Arc::new(CastExpr::new(column, wanted.clone(), None))
        }
        _ => Arc::new(ExactCast { input: column, target: wanted.clone() }),
    }
}

/// Rewrites expressions over the relation's columns into expressions over one file's.
#[derive(Debug)]
struct FileAdapter {
    columns: HashMap<String, Arc<dyn PhysicalExpr>>,
}

impl PhysicalExprAdapter for FileAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|node: Arc<dyn PhysicalExpr>| {
            let name: Option<String> = node.downcast_ref::<Column>().map(|column| column.name().to_owned());
            let Some(name) = name else { return Ok(Transformed::no(node)) };
            match self.columns.get(&name) {
                // What stands for a column names the file's columns, which are not to be rewritten again.
                Some(adapted) => Ok(Transformed::new(Arc::clone(adapted), true, TreeNodeRecursion::Jump)),
                None => internal_err!("a scan of files asks for a column `{name}` that they do not have"),
            }
        })
        .data()
    }
}

/// A cast that changes no value. NaN is one value, whatever sign and payload it came with.
#[derive(Clone, Debug, Eq)]
struct ExactCast {
    input: Arc<dyn PhysicalExpr>,
    target: DataType,
}

// Derived, both would move the expression out of what they are given.
impl PartialEq for ExactCast {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input) && self.target == other.target
    }
}

impl Hash for ExactCast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.target.hash(state);
    }
}

impl fmt::Display for ExactCast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EXACT({} AS {})", self.input, self.target)
    }
}

impl PhysicalExpr for ExactCast {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.input.nullable(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let array: ArrayRef = self.input.evaluate(batch)?.into_array(batch.num_rows())?;
        let cast = cast_exact(&array, &self.target).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Array(with_one_nan(&cast)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[Arc<dyn PhysicalExpr>; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self { input, target: self.target.clone() })),
            Err(children) => internal_err!("a cast has one input, not {}", children.len()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Array, AsArray, Float64Array, TimestampSecondArray};
    use datafusion::arrow::datatypes::{Float64Type, TimeUnit, TimestampMillisecondType};
    use datafusion::physical_expr::expressions::col;

    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
        let fields: Vec<Field> =
            fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
        Arc::new(Schema::new(fields))
    }

    fn relation() -> SchemaRef {
        schema(&[
            ("id", DataType::Int64),
            ("name", DataType::Utf8View),
            ("at", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ])
    }

    fn file() -> SchemaRef {
        schema(&[
            ("at", DataType::Timestamp(TimeUnit::Second, None)),
            ("Id", DataType::Int64),
            ("Name", DataType::Utf8),
        ])
    }

    fn rewritten(name: &str) -> Arc<dyn PhysicalExpr> {
        let adapter = ByName::new(false).create(relation(), file()).unwrap();
        adapter.rewrite(col(name, &relation()).unwrap()).unwrap()
    }

    #[test]
    fn a_column_of_the_same_type_is_the_files_own() {
        let expr = rewritten("id");
        let column = expr.downcast_ref::<Column>().unwrap();
        assert_eq!((column.name(), column.index()), ("Id", 1));
    }

    #[test]
    fn text_is_cast_so_that_filters_see_through() {
        assert!(rewritten("name").downcast_ref::<CastExpr>().is_some());
    }

    #[test]
    fn other_types_become_those_of_tables() {
        let seconds = TimestampSecondArray::from(vec![Some(2), None]);
        let others: ArrayRef = datafusion::arrow::array::new_null_array(&DataType::Int64, 2);
        let names: ArrayRef = datafusion::arrow::array::new_null_array(&DataType::Utf8, 2);
        let batch = RecordBatch::try_new(file(), vec![Arc::new(seconds), others, names]).unwrap();
        let array = rewritten("at").evaluate(&batch).unwrap().into_array(2).unwrap();
        let array = array.as_primitive::<TimestampMillisecondType>();
        assert_eq!((array.value(0), array.is_null(1)), (2_000, true));
    }

    #[test]
    fn nan_in_a_file_is_one_value() {
        let floats = schema(&[("f", DataType::Float64)]);
        let adapter = ByName::new(false).create(Arc::clone(&floats), Arc::clone(&floats)).unwrap();
        let column: ArrayRef = Arc::new(Float64Array::from(vec![-f64::NAN, -0.0]));
        let batch = RecordBatch::try_new(Arc::clone(&floats), vec![column]).unwrap();
        let found = adapter.rewrite(col("f", &floats).unwrap()).unwrap().evaluate(&batch).unwrap();
        let found = found.into_array(2).unwrap();
        let bits: Vec<u64> = found.as_primitive::<Float64Type>().values().iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [f64::NAN.to_bits(), (-0.0_f64).to_bits()]);
    }

    #[test]
    fn files_whose_values_may_not_fit_are_not_adapted() {
        assert!(is_adaptable(&relation(), &file(), false));
        assert!(!is_adaptable(&relation(), &file(), true), "`Id` is not `id`");
        let doubles = schema(&[("n", DataType::Float64)]);
        assert!(!is_adaptable(&doubles, &schema(&[("n", DataType::Int64)]), false));
        assert!(is_adaptable(&doubles, &schema(&[("n", DataType::Float32)]), false));
    }
}
